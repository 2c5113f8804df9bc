"""Applications, from submission to decision."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.absence import Absence
from matcher.models.base import Base, Revised
from matcher.models.busy import BusyTime
from matcher.models.columns import Structured
from matcher.models.hours import WeeklyHours
from matcher.models.identifiers import new_identifier
from matcher.models.organization import Organization
from matcher.models.programme import Programme
from matcher.programme import Purpose, Specialty

if TYPE_CHECKING:
    from matcher.models.assessment import RequirementAnswer
    from matcher.models.decision import Decision
    from matcher.models.engagement import Engagement
    from matcher.models.interview import Interview
    from matcher.models.withdrawal import Withdrawal

Needs = dict[Specialty, Annotated[int, Field(ge=1, le=3)]]


class Channel(StrEnum):
    """How an application came in."""

    FORM = "form"
    PHONE = "phone"
    ONLINE = "online"


class ApplicationState(StrEnum):
    """How far an application has come."""

    SUBMITTED = "submitted"
    ASSESSED = "assessed"
    INTERVIEWED = "interviewed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Delivery(StrEnum):
    """Where sessions are held."""

    ON_SITE = "on_site"
    ONLINE = "online"


class Application(Revised, Base):
    """An organization's request for an expert (申込)."""

    __tablename__ = "applications"
    __table_args__ = (
        CheckConstraint("weight >= 1", name="weight_positive"),
        CheckConstraint("first_wish_day <= last_wish_day", name="wishes_in_order"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("A"))
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), index=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), index=True)
    submitted_at: Mapped[dt.datetime]
    channel: Mapped[Channel]
    state: Mapped[ApplicationState] = mapped_column(default=ApplicationState.SUBMITTED)
    delivery: Mapped[Delivery]
    purpose: Mapped[Purpose]
    needs: Mapped[dict[Specialty, int]] = mapped_column(Structured(Needs))
    """What the organization wants help with (相談内容), 1 (a little) to 3 (above all)."""
    session_minutes: Mapped[tuple[int, ...]]
    """The length of each session that is asked for, one to five of them."""
    weekly_hours: Mapped[tuple[WeeklyHours, ...]]
    """When the organization can receive an expert."""
    preferred_hours: Mapped[tuple[WeeklyHours, ...]] = mapped_column(default=())
    """When it prefers to; empty: it has no wish."""
    first_wish_day: Mapped[dt.date | None]
    last_wish_day: Mapped[dt.date | None]
    weight: Mapped[int] = mapped_column(default=1)

    programme: Mapped[Programme] = relationship()
    organization: Mapped[Organization] = relationship()
    absences: Mapped[list[ApplicationAbsence]] = relationship(
        back_populates="application",
        cascade="all, delete-orphan",
        order_by="ApplicationAbsence.start_at",
    )
    answers: Mapped[list[RequirementAnswer]] = relationship(
        back_populates="application",
        cascade="all, delete-orphan",
        order_by="RequirementAnswer.requirement_id",
    )
    interview: Mapped[Interview | None] = relationship(
        back_populates="application", cascade="all, delete-orphan"
    )
    decision: Mapped[Decision | None] = relationship(
        back_populates="application", cascade="all, delete-orphan"
    )
    engagement: Mapped[Engagement | None] = relationship(back_populates="application")
    withdrawal: Mapped[Withdrawal | None] = relationship(
        back_populates="application", cascade="all, delete-orphan"
    )

    @property
    def unavailable(self) -> tuple[ApplicationAbsence | BusyTime, ...]:
        """When its organization cannot receive an expert, whatever the weekly hours say."""
        return (*self.absences, *self.organization.busy_times)


class ApplicationAbsence(Absence, Base):
    """An interval in which an organization cannot receive an expert."""

    __tablename__ = "application_absences"

    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"), index=True)

    application: Mapped[Application] = relationship(back_populates="absences")
