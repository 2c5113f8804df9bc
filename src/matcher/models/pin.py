"""Pins: what a planner has promised, and no plan may change."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base
from matcher.models.identifiers import new_identifier


class PinKind(StrEnum):
    """What of an engagement is pinned."""

    SESSION = "session"
    """One session: its expert and its time."""
    EXPERT = "expert"
    """Who serves the engagement; the times may move."""
    SCHEDULE = "schedule"
    """Expert and times of all its published sessions; others may be added."""


class Pin(Base):
    """A session, an expert, or both of an engagement, that a plan may not change (固定)."""

    __tablename__ = "pins"
    __table_args__ = (
        CheckConstraint("(kind = 'session') = (session_id IS NOT NULL)", name="session_is_named"),
        CheckConstraint("(kind = 'expert') = (expert_id IS NOT NULL)", name="expert_is_named"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("X"))
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), index=True)
    kind: Mapped[PinKind]
    engagement_id: Mapped[str] = mapped_column(ForeignKey("engagements.id"), index=True)
    session_id: Mapped[str | None] = mapped_column(ForeignKey("sessions.id"))
    expert_id: Mapped[str | None] = mapped_column(ForeignKey("experts.id"))
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    lifted_at: Mapped[dt.datetime | None]
    """When it was taken away; None: it holds."""
    lifted_by: Mapped[str | None]

    def covers(self, session_id: str) -> bool:
        """Whether it holds a session of its engagement to its expert and its time."""
        return self.kind == PinKind.SCHEDULE or self.session_id == session_id
