"""The experts, their absences and their conflicts of interest."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from matcher.models.absence import Absence
from matcher.models.base import Base, Revised
from matcher.models.busy import BusyCalendar, BusyTime
from matcher.models.columns import Structured
from matcher.models.feed import CalendarBy, FeedOwner
from matcher.models.hours import WeeklyHours
from matcher.models.identifiers import new_identifier
from matcher.models.organization import Organization
from matcher.programme import Qualification


class Expert(Revised, Base):
    """A person who serves engagements (専門家), with hours and caps on sessions."""

    __tablename__ = "experts"
    __table_args__ = (
        CheckConstraint(
            "max_per_day >= 0 AND max_per_week >= 0 AND max_total >= 0 AND target_total >= 0",
            name="caps_not_negative",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("E"))
    name_ja: Mapped[str]
    name_en: Mapped[str]
    renamed_at: Mapped[dt.datetime | None]
    """When the name last changed, which calendars show; None: it is as it was registered."""
    email: Mapped[str]
    calendar_by: Mapped[CalendarBy] = mapped_column(default=CalendarBy.FEED)
    municipality_code: Mapped[str]
    """Where the expert travels from, and sits for an online session."""
    qualifications: Mapped[tuple[Qualification, ...]] = mapped_column(
        Structured(tuple[Qualification, ...])
    )
    industries: Mapped[tuple[str, ...]] = mapped_column(default=())
    """The industries the expert has worked for."""
    languages: Mapped[tuple[str, ...]] = mapped_column(default=("ja",))
    weekly_hours: Mapped[tuple[WeeklyHours, ...]] = mapped_column(default=())
    max_per_day: Mapped[int]
    max_per_week: Mapped[int]
    max_total: Mapped[int]
    target_total: Mapped[int]
    """Sessions that are a fair share; more are possible, up to `max_total`."""
    active: Mapped[bool] = mapped_column(default=True)

    absences: Mapped[list[ExpertAbsence]] = relationship(
        back_populates="expert", cascade="all, delete-orphan", order_by="ExpertAbsence.start_at"
    )
    conflicts: Mapped[list[ConflictOfInterest]] = relationship(
        back_populates="expert", cascade="all, delete-orphan"
    )
    busy_times: Mapped[list[BusyTime]] = relationship(
        secondary=BusyCalendar.__table__,
        primaryjoin=lambda: and_(
            foreign(BusyCalendar.owner_id) == Expert.id,
            BusyCalendar.owner_kind == FeedOwner.EXPERT,
        ),
        secondaryjoin=lambda: foreign(BusyCalendar.id) == BusyTime.calendar_id,
        order_by=BusyTime.start_at,
        viewonly=True,
    )
    """Of all calendars that the expert keeps elsewhere."""

    @property
    def unavailable(self) -> tuple[ExpertAbsence | BusyTime, ...]:
        """When the expert is not free, whatever the weekly hours say."""
        return (*self.absences, *self.busy_times)


class ExpertAbsence(Absence, Base):
    """An interval in which an expert is not free."""

    __tablename__ = "expert_absences"

    expert_id: Mapped[str] = mapped_column(ForeignKey("experts.id"), index=True)

    expert: Mapped[Expert] = relationship(back_populates="absences")


class ConflictOfInterest(Base):
    """A reason why an expert may not serve an organization (利益相反)."""

    __tablename__ = "conflicts_of_interest"

    expert_id: Mapped[str] = mapped_column(ForeignKey("experts.id"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(
        ForeignKey("organizations.id"), primary_key=True, index=True
    )
    reason: Mapped[str]

    expert: Mapped[Expert] = relationship(back_populates="conflicts")
    organization: Mapped[Organization] = relationship()
