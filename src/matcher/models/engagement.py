"""Engagements: accepted applications that an expert is to serve."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.application import Application
from matcher.models.base import Base, Revised
from matcher.models.columns import Structured
from matcher.models.organization import Organization

if TYPE_CHECKING:
    from matcher.models.completion import Completion
    from matcher.models.session import Session


class EngagementState(StrEnum):
    """How far an engagement has come."""

    WAITING = "waiting"
    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


class Engagement(Revised, Base):
    """An accepted application that an expert is to serve (派遣案件); it keeps the id it had."""

    __tablename__ = "engagements"
    __table_args__ = (
        CheckConstraint("earliest <= latest", name="dates_in_order"),
        CheckConstraint("0 < min_gap_days AND min_gap_days <= max_gap_days", name="gaps_in_order"),
        CheckConstraint("weight >= 1", name="weight_positive"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), index=True)
    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"), unique=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), index=True)
    state: Mapped[EngagementState] = mapped_column(default=EngagementState.WAITING)
    session_minutes: Mapped[tuple[int, ...]]
    session_contents: Mapped[tuple[str, ...] | None] = mapped_column(Structured(tuple[str, ...]))
    """What each session is about, as agreed in session 1; None: as the programme has it."""
    earliest: Mapped[dt.date]
    latest: Mapped[dt.date]
    min_gap_days: Mapped[int]
    target_gap_days: Mapped[int]
    max_gap_days: Mapped[int]
    weight: Mapped[int] = mapped_column(default=1)
    expert_may_change: Mapped[bool] = mapped_column(default=False)
    """Whether the sessions to come may go to another expert than those that were held, as agreed
    with the organization; else only where the expert can serve it no more."""
    municipality_code: Mapped[str | None]
    """Where on-site sessions are held; None: online."""
    meeting_url: Mapped[str | None]

    application: Mapped[Application] = relationship(back_populates="engagement")
    organization: Mapped[Organization] = relationship()
    sessions: Mapped[list[Session]] = relationship(
        back_populates="engagement", order_by="Session.number, Session.created_at"
    )
    """Every session it ever had, cancelled ones included."""
    completion: Mapped[Completion | None] = relationship(
        back_populates="engagement", cascade="all, delete-orphan"
    )
