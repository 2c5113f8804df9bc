"""Calendars that experts and organizations keep elsewhere, and when they are busy by these."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.feed import FeedOwner
from matcher.models.identifiers import new_identifier


class BusyCalendar(Base):
    """A calendar by its address, or one that was uploaded, and how its last reading went.

    Of what is in it only the busy times are kept. Where a reading fails, those of the last good
    one stay.
    """

    __tablename__ = "busy_calendars"
    __table_args__ = (Index(None, "owner_kind", "owner_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("U"))
    owner_kind: Mapped[FeedOwner]
    owner_id: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    """What its owner calls it."""
    url: Mapped[str | None]
    """Whoever knows it reads the whole calendar; None: it was uploaded."""
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]

    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    window_began_on: Mapped[dt.date | None]
    """The first day of the time for which busy times are known."""
    read_at: Mapped[dt.datetime | None]
    """When it was last read, whole."""
    tried_at: Mapped[dt.datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    """How often in a row it could not be read."""
    problem: Mapped[str | None]
    """Why it could not be read the last time, in one word; None: it could."""
    warned_at: Mapped[dt.datetime | None]
    """When its owner was told that it cannot be read; None: it was not, since it last could."""
    changes: Mapped[int] = mapped_column(default=0)
    """How often a reading has told of other busy times than the one before."""
    left_out: Mapped[int] = mapped_column(default=0)
    """How many of its events could not be read, or only the first of a series."""

    times: Mapped[list[BusyTime]] = relationship(
        back_populates="calendar", cascade="all, delete-orphan", order_by="BusyTime.start_at"
    )


class BusyTime(Base):
    """An interval [start_at, end_at) in which somebody is busy by one calendar."""

    __tablename__ = "busy_times"
    __table_args__ = (CheckConstraint("start_at < end_at", name="start_before_end"),)

    calendar_id: Mapped[str] = mapped_column(ForeignKey("busy_calendars.id"), primary_key=True)
    start_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    end_at: Mapped[dt.datetime]

    calendar: Mapped[BusyCalendar] = relationship(back_populates="times")
