"""`matcher migrate`: make the database, or bring its schema up to date."""

from __future__ import annotations

import click

from matcher.database import migrate as migrate_database
from matcher.database import shown
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
