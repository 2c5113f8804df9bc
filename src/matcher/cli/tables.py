"""`matcher import`, `matcher template`, `matcher export`: records as CSV and Excel files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from matcher.cli.database import opened_database
from matcher.cli.language import LANGUAGE, Language
from matcher.errors import MatcherError, NotFound
from matcher.intake.exports import export_applications, export_experts, export_organizations
from matcher.intake.imports import Fault, Imported, import_applications, import_experts
from matcher.intake.sheets import Column, application_columns, expert_columns, template_rows
from matcher.models import Programme
from matcher.programme import ProgrammeRules
from matcher.settings import Settings
from matcher.tables.csv_files import ENCODINGS
from matcher.tables.reading import read_table
from matcher.tables.table import Table
from matcher.tables.writing import write_table

DONE, NO = 0, 1
PROGRAMME_ID = "tokyo-2025"

Take = Callable[[Session, Table, ProgrammeRules, Settings], Imported]
Command = Callable[..., Any]

FILE = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
OUT = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where it goes: a .csv or .xlsx file.",
)
PROGRAMME = click.option(
    "--programme",
    "programme_id",
    default=PROGRAMME_ID,
    show_default=True,
    metavar="ID",
    help="The year whose rules count.",
)
PARTIAL = click.option("--partial", is_flag=True, help="Take in the rows that are right.")
ENCODING = click.option(
    "--encoding",
    type=click.Choice(list(ENCODINGS)),
    help="That of a CSV file; by default it is found out.",
)
CONTACTS = click.option(
    "--with-contacts", is_flag=True, help="With names of people, e-mail, telephone and address."
)


@click.group("import")
def import_records() -> None:
    """Take in a CSV or Excel file of many: all rows, or none unless --partial is asked for.

    Says of each row that is refused what is wrong in which column, and exits 1.
    """


@import_records.command("applications")
@FILE
@PARTIAL
@PROGRAMME
@ENCODING
@LANGUAGE
def applications_in(
    path: Path, partial: bool, programme_id: str, encoding: str | None, language: Language
) -> int:
    """Submit the application of each row of FILE, and register its organization if it is new."""

    def take(db: Session, table: Table, rules: ProgrammeRules, settings: Settings) -> Imported:
        return import_applications(db, table, rules.id, settings.now(), partial=partial)

    return _take_in(path, take, programme_id, encoding, language)


@import_records.command("experts")
@FILE
@PARTIAL
@PROGRAMME
@ENCODING
@LANGUAGE
def experts_in(
    path: Path, partial: bool, programme_id: str, encoding: str | None, language: Language
) -> int:
    """Register the expert of each row of FILE, with hours and absences."""

    def take(db: Session, table: Table, rules: ProgrammeRules, settings: Settings) -> Imported:
        return import_experts(db, table, rules, settings.now(), partial=partial)

    return _take_in(path, take, programme_id, encoding, language)


@click.group
def template() -> None:
    """Write an empty sheet to fill in, with one example row."""


@template.command("applications")
@OUT
@PROGRAMME
def applications_template(out: Path, programme_id: str) -> None:
    """Write the sheet for applications with their organizations."""
    _write_template(out, application_columns(_rules_on_record(programme_id)))


@template.command("experts")
@OUT
@PROGRAMME
def experts_template(out: Path, programme_id: str) -> None:
    """Write the sheet for experts with their hours."""
    _write_template(out, expert_columns(_rules_on_record(programme_id)))


EXPORTS = {
    "organizations": export_organizations,
    "experts": export_experts,
    "applications": export_applications,
}


@click.command
@click.argument("what", type=click.Choice(list(EXPORTS)))
@OUT
@CONTACTS
@PROGRAMME
def export(what: str, out: Path, with_contacts: bool, programme_id: str) -> None:
    """Write what is on record to a file, without contacts unless they are asked for.

    In a CSV file a cell that begins with =, +, - or @ has an apostrophe before it, so that no
    spreadsheet takes it for a formula; 'matcher import' reads it without.
    """
    with opened_database(Settings.from_environment()) as db:
        rules = _rules(db, programme_id)
        rows = list(EXPORTS[what](db, rules, with_contacts=with_contacts))
    write_table(out, rows)
    click.echo(f"{len(rows) - 1} {what} written to {out}.", err=True)


def _take_in(
    path: Path, take: Take, programme_id: str, encoding: str | None, language: Language
) -> int:
    settings = Settings.from_environment()
    with _told_in(language, path):
        table = read_table(path, encoding=encoding)
        with opened_database(settings) as db:
            imported = take(db, table, _rules(db, programme_id), settings)
    for fault in imported.faults:
        click.echo(_line(fault, language))
    click.echo(_summary(table, imported, language), err=True)
    return NO if imported.faults else DONE


def _line(fault: Fault, language: Language) -> str:
    if language == "ja":
        place = f"{fault.row}行目" + (f"、{fault.column}" if fault.column else "")
        return f"{place}: {fault.text.ja}"
    place = f"row {fault.row}" + (f", {fault.column}" if fault.column else "")
    return f"{place}: {fault.text.en}"


def _summary(table: Table, imported: Imported, language: Language) -> str:
    taken, refused = len(imported.ids), len({fault.row for fault in imported.faults})
    if language == "ja":
        return f"{table.read_as} として読み取りました。登録 {taken}件、不備のある行 {refused}件。"
    return f"Read as {table.read_as}. Taken in: {taken}; rows refused: {refused}."


def _write_template(out: Path, columns: tuple[Column, ...]) -> None:
    write_table(out, template_rows(columns))
    click.echo(f"Written to {out}: a header, and an example to replace.", err=True)


def _rules(db: Session, programme_id: str) -> ProgrammeRules:
    """The rules as they are on record.

    Raises:
        NotFound: there is no such programme.
    """
    programme = db.get(Programme, programme_id)
    if programme is None:
        raise NotFound("programme", programme_id)
    return programme.rules


def _rules_on_record(programme_id: str) -> ProgrammeRules:
    with opened_database(Settings.from_environment(), read_only=True) as db:
        return _rules(db, programme_id)


@contextmanager
def _told_in(language: Language, path: Path) -> Iterator[None]:
    """Say what is wrong with a file as a whole in one line, in the reader's language."""
    try:
        yield
    except MatcherError as error:
        said = error.message_ja if language == "ja" else error.message_en
        raise click.ClickException(f"{path}: {said}") from error
