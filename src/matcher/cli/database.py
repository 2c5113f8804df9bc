"""`matcher migrate`: make the database or bring its schema up to date; how commands open it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from matcher.audit import Actor
from matcher.database import Migration, create_database_engine, session_factory, shown
from matcher.database import migrate as migrate_database
from matcher.models import keep_packaged_programmes
from matcher.settings import Settings


@click.command()
def migrate() -> None:
    """Make or update the database that MATCHER_DATABASE_URL names. Can be run again."""
    settings = Settings.from_environment()
    url, done = settings.database_url, prepare(settings)
    if done.before == done.after:
        click.echo(f"{shown(url)} is up to date, at schema {done.after}.")
    elif done.before is None:
        click.echo(f"{shown(url)} has been made, at schema {done.after}.")
    else:
        click.echo(f"{shown(url)} has been taken from schema {done.before} to {done.after}.")


def prepare(settings: Settings) -> Migration:
    """Bring the database up to date, and put the programmes that come with this on record."""
    done = migrate_database(settings.database_url)
    engine = create_database_engine(settings.database_url)
    actor = Actor("matcher", click.get_current_context().command_path)
    try:
        # Another process may do the same at this moment: the programmes are then there as well.
        with (
            suppress(IntegrityError),
            session_factory(engine, actor=actor, clock=settings.now).begin() as db,
        ):
            keep_packaged_programmes(db)
    finally:
        engine.dispose()
    return done


@contextmanager
def opened_sessions(
    settings: Settings, *, read_only: bool = False
) -> Iterator[sessionmaker[Session]]:
    """Units of work of the command that runs, in a database that is up to date."""
    prepare(settings)
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
