"""Which entries somebody wants to read: those of a record, of a person, of a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from matcher.models import (
    ApiKey,
    Application,
    AuditEntry,
    Expert,
    Feed,
    Hold,
    Notice,
    Pin,
    Programme,
    Session,
)

BELONGINGS: Final[Sequence[tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any]]]] = (
    (Session.id, Session.engagement_id),
    (Pin.id, Pin.engagement_id),
    (Hold.id, Hold.engagement_id),
    (Notice.id, Notice.application_id),
    (Feed.id, Feed.owner_id),
    (ApiKey.id, ApiKey.subject_id),
)
"""What has an id of its own and belongs to another record: its id, and whose it is."""

FIRST_IN_LONGER_IDS: Final[Sequence[InstrumentedAttribute[str]]] = (
    Application.id,
    Expert.id,
    Programme.id,
)
"""The ids that stand before another in the longer id of a record."""

LAST_CHARACTER: Final = "\U0010ffff"
"""No text that goes on from a beginning sorts after the beginning and this."""


def conditions(
    *,
    kind: str | None = None,
    record: str | None = None,
    actor: str | None = None,
    request: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> Iterator[ColumnElement[bool]]:
    """What the wanted entries fulfil; moments are in [since, until), None asks for nothing."""
    if kind is not None:
        yield AuditEntry.kind == kind
    if record is not None:
        yield about(record)
    if actor is not None:
        yield by(actor)
    if request is not None:
        yield AuditEntry.request_id == request
    if since is not None:
        yield AuditEntry.at >= since
    if until is not None:
        yield AuditEntry.at < until


def about(record_id: str) -> ColumnElement[bool]:
    """The entries of a record and of what belongs to it.

    That is what has the record's id in its own, as the answer `A1:located_in_tokyo` has that of
    its application, and the `BELONGINGS`, as the sessions of an engagement and their reports.
    """
    entry = aliased(AuditEntry)
    named = entry.record_id
    ways = (
        named == record_id,
        begins_with(named, f"{record_id}:"),
        *(named.in_(select(each + f":{record_id}")) for each in FIRST_IN_LONGER_IDS),
        *(named.in_(select(own).where(owner == record_id)) for own, owner in BELONGINGS),
    )
    # Each way by itself goes along the index; joined by OR they would read every entry.
    return AuditEntry.id.in_(union_all(*(select(entry.id).where(way) for way in ways)))


class ByDatabase(FunctionElement[bool]):
    """One condition in the words of SQLite and in those of PostgreSQL.

    It has no type: of a boolean SQLite would be asked whether it equals 1, past every index.
    """

    inherit_cache = True


@compiles(ByDatabase, "sqlite")
def _on_sqlite(condition: ByDatabase, compiler: SQLCompiler, **options: object) -> str:
    on_sqlite, _ = condition.clauses
    return compiler.process(on_sqlite, **options)


@compiles(ByDatabase, "postgresql")
def _on_postgresql(condition: ByDatabase, compiler: SQLCompiler, **options: object) -> str:
    _, on_postgresql = condition.clauses
    return compiler.process(on_postgresql, **options)


def begins_with(column: InstrumentedAttribute[str], beginning: str) -> ColumnElement[bool]:
    """Whether a column begins with a text, asked so that an index on the column answers.

    SQLite compares texts by their bytes, and its LIKE goes along no such index. PostgreSQL
    compares them by a language, and LIKE goes along an index that is made for patterns.
    """
    return ByDatabase(
        and_(column >= beginning, column < beginning + LAST_CHARACTER).self_group(),
        column.startswith(beginning, autoescape=True),
    )


def by(person: str) -> ColumnElement[bool]:
    """The entries of somebody: by the whole name, by a key's label, or by a key's id."""
    actor = AuditEntry.actor
    return or_(
        actor == person,
        actor.startswith(f"{person} (", autoescape=True),
        actor.endswith(f" ({person})", autoescape=True),
    )
