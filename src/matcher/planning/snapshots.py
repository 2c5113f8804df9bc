"""Snapshots: the sessions of a programme as a release left them, to compare and to go back to."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.models import Engagement, Session, SessionStatus


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
