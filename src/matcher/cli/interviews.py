"""`matcher interviews`: who is to be called next, and what will be overdue by when."""

from __future__ import annotations

import click

from matcher.cli.database import opened_database
from matcher.cli.language import LANGUAGE, Language
from matcher.cli.output import output
from matcher.errors import NotFound
from matcher.intake.worklist import work_list
from matcher.models import Programme
from matcher.report.language import Voice
from matcher.report.worklist import forecast_lines, interviews_table
from matcher.settings import Settings


@click.command
@click.option("--programme", metavar="ID", help="Only those of one programme.")
@LANGUAGE
def interviews(programme: str | None, language: Language) -> None:
    """List the interviews to be held, overdue ones first, and what will be overdue by when.

    The forecast goes on at the pace of the last ten business days, in the order of the list.
    """
    settings = Settings.from_environment()
    voice, console = Voice(language), output()
    with opened_database(settings, read_only=True) as db:
        if programme is not None and db.get(Programme, programme) is None:
            raise NotFound("programme", programme)
        found = work_list(db, settings.now(), programme)
        if found.items:
            console.print(interviews_table(found, voice))
        for line in forecast_lines(found, voice):
            console.print(line, markup=False, highlight=False)
