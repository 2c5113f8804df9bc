"""What became of sessions: reports of those that were held, reasons of those that were not."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.session import Session


class ManualState(StrEnum):
    """How far the organization's manual has come."""

    NOT_STARTED = "not_started"
    OUTLINE = "outline"
    DRAFT = "draft"
    UNDER_REVIEW = "under_review"
    FINISHED = "finished"


class Party(StrEnum):
    """Who a session did not take place because of."""

    OFFICE = "office"
    EXPERT = "expert"
    ORGANIZATION = "organization"


class SessionReport(Base):
    """What an expert says of a session that was held (実施報告)."""

    __tablename__ = "session_reports"

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    attendees: Mapped[tuple[str, ...]]
    """Who was there of the organization, by name or office."""
    done: Mapped[str]
    tasks: Mapped[tuple[str, ...]] = mapped_column(default=())
    """What the organization does before the next session."""
    manual_state: Mapped[ManualState]
    reported_by: Mapped[str]
    reported_at: Mapped[dt.datetime]

    session: Mapped[Session] = relationship(back_populates="report")


class SessionLapse(Base):
    """Why a session did not take place: it was cancelled, or somebody missed it."""

    __tablename__ = "session_lapses"

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    party: Mapped[Party]
    reason: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[dt.datetime]

    session: Mapped[Session] = relationship(back_populates="lapse")
