"""`matcher keys`: create, list, rotate and revoke the keys of the HTTP API."""

from __future__ import annotations

import datetime as dt

import click
from rich.table import Table

from matcher.access import create_key, list_keys, revoke_key, rotate_key, state_of
from matcher.cli.database import opened_database
from matcher.cli.output import output
from matcher.clock import to_tokyo
from matcher.models import ApiKey, Role
from matcher.settings import Settings


@click.group
def keys() -> None:
    """Create, list, rotate and revoke the keys of the HTTP API."""


@keys.command
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    required=True,
    help="Who it speaks for.",
)
@click.option("--subject", metavar="ID", help="The expert or organization, for these two roles.")
@click.option("--label", default="", metavar="TEXT", help="Whose it is, to recognize it later.")
@click.option(
    "--expires",
    "expires_days",
    type=click.IntRange(1, 3660),
    metavar="DAYS",
    help="Refuse it after so many days; never by default.",
)
def create(role: str, subject: str | None, label: str, expires_days: int | None) -> None:
    """Make a key and print it. It is shown this once only.

    The key alone goes to standard output: KEY=$(matcher keys create --role staff)
    """
    settings = Settings.from_environment()
    now = settings.now()
    expires_at = None if expires_days is None else now + dt.timedelta(days=expires_days)
    with opened_database(settings) as db:
        key, secret = create_key(
            db,
            role=Role(role),
            subject_id=subject,
            label=label,
            now=now,
            expires_at=expires_at,
            pepper=settings.key_pepper.get_secret_value().encode(),
        )
    click.echo(f"Key {key.id} of role {role}; keep it, it is not shown again:", err=True)
    click.echo(secret)


@keys.command("list")
def list_all() -> None:
    """List the keys, without their secrets."""
    settings = Settings.from_environment()
    with opened_database(settings) as db:
        table = Table(box=None)
        for column in ("id", "role", "subject", "label", "created", "expires", "state"):
            table.add_column(column, no_wrap=column != "label", overflow="fold")
        for key in list_keys(db):
            table.add_row(*_row(key, settings.now()))
    output().print(table)


@keys.command
@click.argument("key_id", metavar="ID")
def rotate(key_id: str) -> None:
    """Give a key a new secret and print it; the old one is refused from now on.

    The key alone goes to standard output: KEY=$(matcher keys rotate K…)
    """
    settings = Settings.from_environment()
    pepper = settings.key_pepper.get_secret_value().encode()
    with opened_database(settings) as db:
        _, secret = rotate_key(db, key_id, settings.now(), pepper)
    click.echo(f"Key {key_id} has a new secret; keep it, it is not shown again:", err=True)
    click.echo(secret)


@keys.command
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Refuse a key from now on."""
    settings = Settings.from_environment()
    with opened_database(settings) as db:
        revoke_key(db, key_id, settings.now())
    click.echo(f"Key {key_id} is refused from now on.", err=True)


def _row(key: ApiKey, now: dt.datetime) -> tuple[str, ...]:
    created, expires = _day(key.created_at), _day(key.expires_at)
    owner = (key.id, key.role, key.subject_id or "", key.label)
    return *owner, created, expires, state_of(key, now)


def _day(moment: dt.datetime | None) -> str:
    return "" if moment is None else to_tokyo(moment).date().isoformat()
