"""`matcher calendars`: sessions as iCalendar files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from matcher.calendars.export import CalendarExport, ExportedCalendar, write_files
from matcher.calendars.organizer import Organizer
from matcher.cli.database import opened_database
from matcher.models import FeedLanguage
from matcher.settings import Settings

PROGRAMME_ID = "tokyo-2025"


class _Choice(NamedTuple):
    """What is to be exported, and how."""

    option: str
    make: Callable[[CalendarExport], Sequence[ExportedCalendar]]


@click.group
def calendars() -> None:
    """Write sessions to iCalendar files."""


@calendars.command("export")
@click.option("--expert", metavar="ID", help="All sessions of an expert.")
@click.option("--organization", metavar="ID", help="All sessions of an organization.")
@click.option("--engagement", metavar="ID", help="All sessions of an engagement.")
@click.option("--release", type=int, metavar="N", help="A release, as it was published.")
@click.option(
    "--programme",
    metavar="ID",
    help=f"A whole programme, or whose release it is.  [default for a release: {PROGRAMME_ID}]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER|FILE.ics",
    help="Where the files go; one that is alone may be named.",
)
@click.option(
    "--lang",
    type=click.Choice([each.value for each in FeedLanguage]),
    default="both",
    show_default=True,
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
def export(
    expert: str | None,
    organization: str | None,
    engagement: str | None,
    release: int | None,
    programme: str | None,
    out: Path,
    lang: str,
    force: bool,
) -> None:
    """Write one file for an expert, an organization or an engagement.

    For a programme or a release one of all sessions is written, and one for each expert and
    organization that has any. All are written or none; none replaces another without --force.
    """
    choices = []
    if expert is not None:
        choices.append(_Choice("--expert", lambda each: [each.expert(expert)]))
    if organization is not None:
        choices.append(_Choice("--organization", lambda each: [each.organization(organization)]))
    if engagement is not None:
        choices.append(_Choice("--engagement", lambda each: [each.engagement(engagement)]))
    if release is not None:
        year = programme or PROGRAMME_ID
        choices.append(_Choice("--release", lambda each: each.release(year, release)))
    elif programme is not None:
        choices.append(_Choice("--programme", lambda each: each.programme(programme)))
    if len(choices) != 1:
        given = " and ".join(each.option for each in choices) or "none"
        raise click.UsageError(
            "Give one of --expert, --organization, --engagement, --release and --programme; "
            f"given: {given}."
        )
    settings = Settings.from_environment()
    with opened_database(settings) as db:
        organizer = Organizer.of_sender(settings.mail_sender)
        files = choices[0].make(CalendarExport(db, settings.now(), FeedLanguage(lang), organizer))
    for path in write_files(files, out, replace=force):
        click.echo(path)
