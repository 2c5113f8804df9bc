"""`matcher programmes`: the years on record, and how the next one comes there."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError
from sqlalchemy import select

from matcher.cli.database import opened_database
from matcher.intake.programmes import add_programme
from matcher.models import Programme
from matcher.programme import ProgrammeRules
from matcher.settings import Settings


@click.group
def programmes() -> None:
    """List the programmes on record, write one to a file, add that of another year."""


@programmes.command("list")
def list_programmes() -> None:
    """List the programmes with their periods, the oldest first."""
    with opened_database(Settings.from_environment(), read_only=True) as db:
        for programme in db.scalars(select(Programme).order_by(Programme.id)):
            applying, serving = (
                programme.rules.application_period,
                programme.rules.implementation_period,
            )
            click.echo(
                f"{programme.id}  {programme.rules.name.en} / {programme.rules.name.ja}: "
                f"applications {applying.first_day} to {applying.last_day}, "
                f"sessions {serving.first_day} to {serving.last_day}"
            )


@programmes.command("show")
@click.argument("programme_id", metavar="ID")
def show(programme_id: str) -> None:
    """Write the rules of a programme as JSON: change the file, and add it as another year's."""
    with opened_database(Settings.from_environment(), read_only=True) as db:
        click.echo(_found(db.get(Programme, programme_id), programme_id).model_dump_json(indent=2))


@programmes.command("add")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
def add(path: Path) -> None:
    """Put the programme of FILE on record: a year's page needs no other code.

    A programme that is on record stays as it is. Its days are changed over the API.
    """
    rules = _read(path)
    with opened_database(Settings.from_environment()) as db:
        add_programme(db, rules)
    click.echo(f"{rules.id} is on record.")


def _read(path: Path) -> ProgrammeRules:
    try:
        return ProgrammeRules.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "file"
        more = error.error_count() - 1
        rest = f"; and {more} more" if more else ""
        raise click.ClickException(
            f"{path}: {place}: {first['msg']}{rest}; begin from 'matcher programmes show'"
        ) from error


def _found(programme: Programme | None, programme_id: str) -> ProgrammeRules:
    if programme is None:
        raise click.ClickException(f"no programme {programme_id!r}; see 'matcher programmes list'")
    return programme.rules
