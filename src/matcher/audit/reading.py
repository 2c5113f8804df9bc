"""Which entries somebody wants to read: those of a record, of a person, of a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from matcher.models import ApiKey, AuditEntry, Feed, Hold, Notice, Pin, Session

BELONGINGS: Final[Sequence[tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any]]]] = (
    (Session.id, Session.engagement_id),
    (Pin.id, Pin.engagement_id),
    (Hold.id, Hold.engagement_id),
    (Notice.id, Notice.application_id),
    (Feed.id, Feed.owner_id),
    (ApiKey.id, ApiKey.subject_id),
)
"""What has an id of its own and belongs to another record: its id, and whose it is."""


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
    named = AuditEntry.record_id
    return or_(
        named == record_id,
        named.startswith(f"{record_id}:", autoescape=True),
        named.endswith(f":{record_id}", autoescape=True),
        *(named.in_(select(own).where(owner == record_id)) for own, owner in BELONGINGS),
    )


def by(person: str) -> ColumnElement[bool]:
    """The entries of somebody: by the whole name, by a key's label, or by a key's id."""
    actor = AuditEntry.actor
    return or_(
        actor == person,
        actor.startswith(f"{person} (", autoescape=True),
        actor.endswith(f" ({person})", autoescape=True),
    )
