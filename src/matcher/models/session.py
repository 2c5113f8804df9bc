"""Sessions: the visits of an expert to an organization."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base, Revised
from matcher.models.engagement import Engagement
from matcher.models.expert import Expert
from matcher.models.identifiers import new_identifier
from matcher.programme import Phase

if TYPE_CHECKING:
    from matcher.models.report import SessionLapse, SessionReport

NOT_CANCELLED = text("status <> 'cancelled'")


class SessionStatus(StrEnum):
    """What has become of a session."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    HELD = "held"
    MISSED = "missed"


class Session(Revised, Base):
    """Visit 1 to 5 of an engagement (派遣), [start_at, end_at).

    The database refuses two sessions of one expert that overlap, and two of one number in an
    engagement, unless one of them is cancelled; both raise `sqlalchemy.exc.IntegrityError` on the
    statement that would make it so. To exchange the times of two sessions, cancel both, flush,
    and then give them their new times and status. The rule on overlaps is an exclusion constraint
    on PostgreSQL and a pair of triggers on SQLite; it stands in the migrations only.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("start_at < end_at", name="start_before_end"),
        CheckConstraint("number >= 1 AND number <= 5", name="number_one_to_five"),
        Index(
            "uq_sessions_engagement_id_number_not_cancelled",
            "engagement_id",
            "number",
            unique=True,
            sqlite_where=NOT_CANCELLED,
            postgresql_where=NOT_CANCELLED,
        ),
        Index("ix_sessions_expert_id_start_at", "expert_id", "start_at"),
        Index("ix_sessions_engagement_id", "engagement_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("S"))
    engagement_id: Mapped[str] = mapped_column(ForeignKey("engagements.id"))
    number: Mapped[int]
    phase: Mapped[Phase]
    expert_id: Mapped[str] = mapped_column(ForeignKey("experts.id"))
    start_at: Mapped[dt.datetime]
    end_at: Mapped[dt.datetime]
    status: Mapped[SessionStatus] = mapped_column(default=SessionStatus.CONFIRMED)
    municipality_code: Mapped[str | None]
    """Where it is held; None: online."""
    place_ja: Mapped[str]
    place_en: Mapped[str]
    meeting_url: Mapped[str | None]
    sequence: Mapped[int] = mapped_column(default=0)
    """The revision that calendars see: one more with each change of time, place, link, status."""
    revised_at: Mapped[dt.datetime] = mapped_column()
    """When anything that a calendar shows last changed; set by who changes it, and a second later
    where calendars, which count whole seconds, would take it for the change before."""
    created_at: Mapped[dt.datetime]

    engagement: Mapped[Engagement] = relationship(back_populates="sessions")
    expert: Mapped[Expert] = relationship()
    report: Mapped[SessionReport | None] = relationship(
        back_populates="session", cascade="all, delete-orphan"
    )
    lapse: Mapped[SessionLapse | None] = relationship(
        back_populates="session", cascade="all, delete-orphan"
    )
