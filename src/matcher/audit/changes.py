"""Changes of records, and the entries that tell of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from pydantic_core import to_jsonable_python
from sqlalchemy import insert
from sqlalchemy.orm import Session

from matcher.audit.actor import who_acts
from matcher.audit.scope import Audited, Fields
from matcher.clock import to_tokyo
from matcher.models import AuditAction, AuditEntry

HIDDEN: Final = "***"

_TOGETHER: Final = "matcher_told_together"
"""Where a session of the database keeps the changes that are told when a block ends."""


class Change(NamedTuple):
    """The fields of a record before and after; None: it was not there."""

    before: Fields | None
    after: Fields | None

    @property
    def action(self) -> AuditAction:
        """What was done."""
        if self.before is None:
            return AuditAction.CREATED
        return AuditAction.DELETED if self.after is None else AuditAction.CHANGED

    def merged(self, other: Change) -> Change:
        """What two changes of one record come to: deleted and made anew, it has changed."""
        before = other.before if self.before is None else self.before
        after = other.after if self.after is None else self.after
        return Change(before, after)

    def followed_by(self, later: Change) -> Change:
        """What a change and a later one of the same record come to."""
        before = None if self.before is None else {**(later.before or {}), **self.before}
        after = None if later.after is None else {**(self.after or {}), **later.after}
        return Change(before, after)

    def told(self, secrets: frozenset[str]) -> tuple[Fields, Fields]:
        """What is different, before and after, in JSON's own types."""
        before, after = difference(_in_json(self.before or {}), _in_json(self.after or {}))
        return _without(secrets, before), _without(secrets, after)


class Changes:
    """The changes of one flush, one statement or one block, by record."""

    def __init__(self) -> None:
        self._changes: dict[tuple[Audited, str], Change] = {}

    def add(self, kind: Audited, record_id: str, change: Change) -> None:
        """Add what became of a record."""
        earlier = self._changes.get((kind, record_id))
        self._changes[kind, record_id] = change if earlier is None else earlier.merged(change)

    def tell(self, db: Session) -> None:
        """Write their entries, at once or when the block ends that tells them together."""
        together: Changes | None = db.info.get(_TOGETHER)
        if together is None:
            self._write(db)
        else:
            together._follow(self)

    def _follow(self, later: Changes) -> None:
        for key, change in later._changes.items():
            earlier = self._changes.get(key)
            self._changes[key] = change if earlier is None else earlier.followed_by(change)

    def _write(self, db: Session) -> None:
        """Write their entries in the transaction that makes them."""
        entries = list(self._entries())
        if entries:
            actor, clock = who_acts(db)
            common = {
                "at": clock(),
                "actor": actor.name,
                "operation": actor.operation,
                "request_id": actor.request_id,
            }
            # On the connection: a session takes in no new record while it is flushed.
            db.connection().execute(insert(AuditEntry), [common | entry for entry in entries])

    def _entries(self) -> Iterator[dict[str, Any]]:
        for kind, record_id in sorted(self._changes, key=lambda each: each[0].place(each[1])):
            change = self._changes[kind, record_id]
            if change.before is None and change.after is None:
                continue  # it was made and deleted within the block
            before, after = change.told(kind.secrets)
            if before or after or change.action is not AuditAction.CHANGED:
                yield {
                    "kind": kind.kind,
                    "record_id": record_id,
                    "action": change.action,
                    "before": before,
                    "after": after,
                }


@contextmanager
def told_together(db: Session) -> Iterator[None]:
    """Tell what a block does to a record as one change, however many flushes it takes.

    Where the block fails, nothing of it is done, and nothing told.
    """
    with db.begin_nested():
        changes = db.info[_TOGETHER] = Changes()
        try:
            yield
            db.flush()
        finally:
            del db.info[_TOGETHER]
        changes.tell(db)


def difference(before: Fields, after: Fields) -> tuple[Fields, Fields]:
    """What two structures do not share, down to the members that differ.

    A member that one of them lacks is null there.
    """
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in {**before, **after}:
        was, became = before.get(name), after.get(name)
        if was == became:
            continue
        if isinstance(was, dict) and isinstance(became, dict):
            was, became = difference(was, became)
        if name in before:
            old[name] = was
        if name in after:
            new[name] = became
    return old, new


def _in_json(fields: Fields) -> Fields:
    return {name: to_jsonable_python(_in_tokyo(value)) for name, value in fields.items()}


def _in_tokyo(value: object) -> object:
    """A moment as the API shows it."""
    return to_tokyo(value).isoformat() if isinstance(value, dt.datetime) else value


def _without(secrets: frozenset[str], fields: Fields) -> Fields:
    hidden = [name for name in secrets if fields.get(name) is not None]
    return {**fields, **dict.fromkeys(hidden, HIDDEN)}
