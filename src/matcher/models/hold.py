"""Holds: an offer's times, kept free for a while until the organization has answered."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.columns import Structured
from matcher.models.engagement import Engagement
from matcher.models.identifiers import new_identifier


class HoldOutcome(StrEnum):
    """How a hold ended before its time."""

    ASSIGNED = "assigned"
    RELEASED = "released"


class HeldSession(NamedTuple):
    """One session as it would be published, [start_at, end_at)."""

    number: int
    start_at: dt.datetime
    end_at: dt.datetime


class Hold(Base):
    """Times of one expert, held for one engagement until a moment (仮押さえ).

    No run and no request plans anything over them; after `held_until` they are as free as before,
    without anybody's doing.
    """

    __tablename__ = "holds"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("H"))
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), index=True)
    engagement_id: Mapped[str] = mapped_column(ForeignKey("engagements.id"), index=True)
    expert_id: Mapped[str] = mapped_column(ForeignKey("experts.id"), index=True)
    sessions: Mapped[tuple[HeldSession, ...]] = mapped_column(Structured(tuple[HeldSession, ...]))
    """Those that the engagement does not have yet, in the order of their numbers."""
    held_until: Mapped[dt.datetime]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    ended_at: Mapped[dt.datetime | None]
    ended_by: Mapped[str | None]
    outcome: Mapped[HoldOutcome | None]
    """None: it holds still, or its time ran out."""

    engagement: Mapped[Engagement] = relationship()
