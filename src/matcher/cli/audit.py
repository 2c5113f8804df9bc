"""`matcher audit`: who changed what, when, from what to what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
from pydantic_core import to_json
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.orm import Session

from matcher.audit import KINDS, conditions
from matcher.cli.database import opened_database
from matcher.cli.output import output
from matcher.clock import to_tokyo
from matcher.models import AuditAction, AuditEntry
from matcher.settings import Settings

LONGEST_VALUE = 60
"""Characters of a value that the table shows; --json shows all."""

NOTHING = "–"
"""What stands for a field without a value."""


@click.command
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    metavar="KIND",
    help="Only one kind of record: application, session, expert_absence, …",
)
@click.option("--record", metavar="ID", help="Only one record and what belongs to it.")
@click.option("--actor", metavar="NAME", help="Only one person, by a key's label or id.")
@click.option("--request", metavar="ID", help="Only one request, by its X-Request-Id.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    metavar="N",
    help="Only the newest so many.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything, for programs.")
def audit(limit: int, as_json: bool, **wanted: str | None) -> None:
    """Show every change, the newest first: by whom, when, from what to what.

    Times are Tokyo's.
    """
    with opened_database(Settings.from_environment(), read_only=True) as db:
        entries = _read(db, limit, wanted)
    if as_json:
        click.echo(to_json([_whole(each) for each in entries], indent=1))
    else:
        _show(entries)


def _read(db: Session, limit: int, wanted: dict[str, Any]) -> Sequence[AuditEntry]:
    newest_first = select(AuditEntry).order_by(AuditEntry.id.desc())
    return db.scalars(newest_first.where(*conditions(**wanted)).limit(limit)).all()


def _whole(entry: AuditEntry) -> dict[str, Any]:
    fields = {column.key: getattr(entry, column.key) for column in AuditEntry.__table__.columns}
    return fields | {"at": to_tokyo(entry.at).isoformat()}


def _show(entries: Sequence[AuditEntry]) -> None:
    table = Table(box=None)
    for column in ("at", "who", "operation", "record", "what"):
        table.add_column(column, no_wrap=column == "at", overflow="fold")
    for entry in entries:
        table.add_row(*map(Text, _row(entry)))
    output().print(table)


def _row(entry: AuditEntry) -> tuple[str, ...]:
    at = to_tokyo(entry.at).strftime("%Y-%m-%d %H:%M:%S")
    record = f"{entry.kind} {entry.record_id}"
    return at, entry.actor, entry.operation or "", record, "; ".join(_what(entry))


def _what(entry: AuditEntry) -> Iterator[str]:
    changed = entry.action is AuditAction.CHANGED
    if not changed:
        yield entry.action.value
    before, after = (_taken_apart(each) for each in (entry.before, entry.after))
    for name in {**before, **after}:
        values = [each[name] for each in (before, after) if name in each]
        if changed and len(values) == 2 and values[0] == values[1]:
            continue  # of a document, a part that stays
        shown = [_shown(each) for each in _without_what_stays(values)]
        if changed or shown != [NOTHING]:
            yield f"{name}: {' → '.join(shown)}"


def _taken_apart(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name; the parts of a document each by its own: `rules.revisions`."""
    parts: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            parts |= {f"{name}.{part}": own for part, own in value.items()}
        else:
            parts[name] = value
    return parts


def _without_what_stays(values: list[Any]) -> list[Any]:
    """Of a list that something was added to, what was added."""
    match values:
        case [list() as before, list() as after] if before and after[: len(before)] == before:
            return [f"+ {'; '.join(map(_entry, after[len(before) :]))}"]
    return values


def _entry(value: object) -> str:
    """One entry of a list: of a record its values, short enough to be read whole."""
    return ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def _shown(value: object) -> str:
    if value in (None, "", [], {}):
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
