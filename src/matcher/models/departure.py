"""Departures: sessions that went from one expert to another."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base


class SessionDeparture(Base):
    """A session as it was when it left an expert, whose calendar then shows it cancelled.

    An expert who is given the session back sees the session itself again.
    """

    __tablename__ = "session_departures"
    __table_args__ = (Index(None, "expert_id", "start_at"),)

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    expert_id: Mapped[str] = mapped_column(ForeignKey("experts.id"), primary_key=True)
    start_at: Mapped[dt.datetime]
    end_at: Mapped[dt.datetime]
    sequence: Mapped[int]
    """That of the session after it left: one more than the expert last saw."""
    revised_at: Mapped[dt.datetime]
