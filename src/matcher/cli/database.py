"""`matcher migrate`: make the database or bring its schema up to date; how commands open it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session, sessionmaker

from matcher.audit import Actor
from matcher.database import create_database_engine, session_factory, shown
from matcher.database import migrate as migrate_database
from matcher.settings import Settings


@click.command()
def migrate() -> None:
    """Make or update the database that MATCHER_DATABASE_URL names. Can be run again."""
    url = Settings.from_environment().database_url
    done = migrate_database(url)
    if done.before == done.after:
        click.echo(f"{shown(url)} is up to date, at schema {done.after}.")
    elif done.before is None:
        click.echo(f"{shown(url)} has been made, at schema {done.after}.")
    else:
        click.echo(f"{shown(url)} has been taken from schema {done.before} to {done.after}.")


@contextmanager
def opened_sessions(
    settings: Settings, *, read_only: bool = False
) -> Iterator[sessionmaker[Session]]:
    """Units of work of the command that runs, in a database that is up to date."""
    migrate_database(settings.database_url)
    actor = Actor("command line", click.get_current_context().command_path)
    engine = create_database_engine(settings.database_url)
    try:
        yield session_factory(engine, read_only=read_only, actor=actor, clock=settings.now)
    finally:
        engine.dispose()


@contextmanager
def opened_database(settings: Settings, *, read_only: bool = False) -> Iterator[Session]:
    """The one unit of work of the command that runs."""
    with opened_sessions(settings, read_only=read_only) as sessions, sessions.begin() as db:
        yield db
