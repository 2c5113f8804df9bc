"""Snapshots: the sessions of a programme as a release left them, to compare and to go back to."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session as Database

from matcher.models import Engagement, Release, Session, SessionStatus


class SnapshotSession(NamedTuple):
    """One session that was not cancelled, [start_at, end_at)."""

    id: str
    engagement_id: str
    number: int
    status: SessionStatus
    expert_id: str
    start_at: dt.datetime
    end_at: dt.datetime
    municipality_code: str | None


class Snapshot(BaseModel):
    """The sessions of a programme at one moment, by engagement and number."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    sessions: tuple[SnapshotSession, ...]

    @cached_property
    def by_place(self) -> Mapping[tuple[str, int], SnapshotSession]:
        """Each session by its engagement and its number."""
        return MappingProxyType({(each.engagement_id, each.number): each for each in self.sessions})

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            pydantic.ValidationError: it is no snapshot.
            OSError: it is not compressed by gzip, or damaged.
        """
        return cls.model_validate_json(gzip.decompress(content))

    def to_bytes(self) -> bytes:
        """Write it as gzipped JSON, the same bytes for the same sessions."""
        return gzip.compress(self.model_dump_json().encode(), mtime=0)


class ChangeCount(NamedTuple):
    """How many sessions are other ones than before."""

    added: int
    moved: int
    """With another expert, or at another time."""
    dropped: int

    @classmethod
    def between(cls, before: Snapshot, after: Snapshot) -> Self:
        """Compare the sessions of two moments, by engagement and number."""
        both = before.by_place.keys() & after.by_place.keys()
        return cls(
            added=len(after.by_place.keys() - both),
            moved=sum(
                _visit(before.by_place[place]) != _visit(after.by_place[place]) for place in both
            ),
            dropped=len(before.by_place.keys() - both),
        )


def _visit(session: SnapshotSession) -> tuple[str, dt.datetime, dt.datetime]:
    return session.expert_id, session.start_at, session.end_at


def count_changes(
    db: Database, releases: Sequence[Release]
) -> Mapping[tuple[str, int], ChangeCount | None]:
    """How many sessions each release changed since the one before it, by programme and number.

    None: one of the two kept no sessions.
    """
    numbers = {(each.programme_id, each.number + step) for each in releases for step in (-1, 0)}
    key = (Release.programme_id, Release.number)
    rows = db.execute(select(*key, Release.snapshot).where(tuple_(*key).in_(sorted(numbers))))
    kept = {(row.programme_id, row.number): row.snapshot for row in rows}
    return {
        (id, number): _counted(kept.get((id, number - 1)), kept.get((id, number)), number == 1)
        for id, number in ((each.programme_id, each.number) for each in releases)
    }


@lru_cache(maxsize=256)  # releases do not change, and lists of them are read often
def _counted(before: bytes | None, after: bytes | None, is_first: bool) -> ChangeCount | None:
    if after is None or (before is None and not is_first):
        return None
    earlier = Snapshot(sessions=()) if before is None else Snapshot.from_bytes(before)
    return ChangeCount.between(earlier, Snapshot.from_bytes(after))


def take_snapshot(db: Database, programme_id: str) -> Snapshot:
    """The programme's sessions as they are in this transaction, cancelled ones left out."""
    wanted = (
        select(Session)
        .join(Engagement)
        .where(Engagement.programme_id == programme_id)
        .where(Session.status != SessionStatus.CANCELLED)
        .order_by(Session.engagement_id, Session.number)
    )
    names = SnapshotSession._fields
    return Snapshot(
        sessions=tuple(
            SnapshotSession(*(getattr(each, name) for name in names)) for each in db.scalars(wanted)
        )
    )
