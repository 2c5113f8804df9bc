"""The interviews still to be held, the most urgent first, and when they will be at this pace.

An interview is *open* while its application is submitted or assessed. It is *overdue* once its due
day is over. The list runs by due day, then by submission, so that what is overdue comes first.

The *pace* is the number of interviews held in the last ten business days before today. The forecast
goes on at that pace, in the order of the list, and says where it leads if nobody does anything
differently: the interview at position k, counted from 1, is reached on business day
⌈k · 10 / pace⌉, of which today is the first if the office works today. Today's calls so far count
for nothing yet: they leave the list, and tomorrow they are part of the pace.

The office is one: it is closed on the days on which any programme of the list is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from matcher.business_days import BusinessCalendar
from matcher.clock import from_wall_time, to_tokyo
from matcher.intake.requirements import assess
from matcher.models import Application, ApplicationState, Interview, Programme
from matcher.programme import Requirement

__all__ = [
    "OPEN_STATES",
    "PACE_BUSINESS_DAYS",
    "OpenInterview",
    "OverdueForecast",
    "WorkList",
    "work_list",
]

OPEN_STATES = (ApplicationState.SUBMITTED, ApplicationState.ASSESSED)
"""The states of an application whose interview is still to be held."""

PACE_BUSINESS_DAYS = 10
"""Over how many business days the pace is measured: two weeks even out the days of a week."""

LOOKING_BACK = dt.timedelta(weeks=8)
"""Far enough for so many business days, whatever is closed in between."""

LOOKING_AHEAD = dt.timedelta(days=366)
"""How far the forecast goes: what is not reached within a year is as good as never reached."""


@dataclass(frozen=True)
class OpenInterview:
    """An interview to be held, and when it will be at this pace."""

    application: Application
    due_on: dt.date
    business_days_left: int
    """0 on the due day, less than 0 once it is past."""
    overdue: bool
    still_to_ask: tuple[Requirement, ...]
    """The requirements without an answer that counts."""
    reached_on: dt.date | None
    """None: at this pace not within a year."""

    @property
    def will_be_late(self) -> bool:
        """Whether it will be held after its due day, or not at all, at this pace."""
        return self.reached_on is None or self.reached_on > self.due_on


@dataclass(frozen=True)
class OverdueForecast:
    """How many interviews will be overdue when a day is over, at this pace."""

    day: dt.date
    overdue: int


@dataclass(frozen=True)
class WorkList:
    """The open interviews in the order in which they are to be held."""

    today: dt.date
    held: int
    """The pace: how many were held in the last `PACE_BUSINESS_DAYS` business days before today."""
    items: tuple[OpenInterview, ...]

    @property
    def forecast(self) -> tuple[OverdueForecast, ...]:
        """What will be overdue at the end of each day that is due, today for what is overdue."""
        days = sorted({max(each.due_on, self.today) for each in self.items})
        return tuple(OverdueForecast(day, self._overdue_after(day)) for day in days)

    def _overdue_after(self, day: dt.date) -> int:
        return sum(
            each.due_on <= day and (each.reached_on is None or each.reached_on > day)
            for each in self.items
        )


def work_list(db: Database, now: dt.datetime, programme_id: str | None = None) -> WorkList:
    """List the interviews to be held, of one programme or of all, as of `now`."""
    today = to_tokyo(now).date()
    applications = _awaiting(db, programme_id)
    dues = [each.interview.due_on for each in applications if each.interview]
    office = _office(
        db, programme_id, min([*dues, today - LOOKING_BACK]), max([*dues, today + LOOKING_AHEAD])
    )
    before = office.days(today - LOOKING_BACK, today - dt.timedelta(days=1))
    window = before[-PACE_BUSINESS_DAYS:]
    held = _held(db, window[0], today, programme_id) if window else 0
    coming = office.days(today, today + LOOKING_AHEAD)
    items = (
        OpenInterview(
            application=application,
            due_on=due_on,
            business_days_left=office.days_left(today, due_on),
            overdue=due_on < today,
            still_to_ask=_still_to_ask(application, now),
            reached_on=_reached(position, held, coming),
        )
        for position, (application, due_on) in enumerate(zip(applications, dues, strict=True), 1)
    )
    return WorkList(today, held, tuple(items))


def _awaiting(db: Database, programme_id: str | None) -> Sequence[Application]:
    """The applications whose interview is open, in the order of the list."""
    wanted = (
        select(Application)
        .join(Application.interview)
        .where(Application.state.in_(OPEN_STATES), *_of_programme(programme_id))
        .order_by(Interview.due_on, Application.submitted_at, Application.id)
        .options(
            contains_eager(Application.interview),
            joinedload(Application.organization),
            selectinload(Application.programme),  # its rules are long: not with each row
            selectinload(Application.answers),
        )
    )
    return db.scalars(wanted).all()


def _held(db: Database, first: dt.date, before: dt.date, programme_id: str | None) -> int:
    """How many interviews were held from a day up to another, whatever became of them since."""
    wanted = (
        select(func.count())
        .select_from(Interview)
        .join(Interview.application)
        .where(
            Interview.held_at >= _midnight(first),
            Interview.held_at < _midnight(before),
            *_of_programme(programme_id),
        )
    )
    return db.scalar(wanted) or 0


def _of_programme(programme_id: str | None) -> Sequence[ColumnElement[bool]]:
    return () if programme_id is None else (Application.programme_id == programme_id,)


def _office(
    db: Database, programme_id: str | None, first: dt.date, last: dt.date
) -> BusinessCalendar:
    """The office's days from `first` to `last`."""
    wanted = select(Programme)
    if programme_id is not None:
        wanted = wanted.where(Programme.id == programme_id)
    rules = [each.rules for each in db.scalars(wanted)]
    return BusinessCalendar(day for each in rules for day in each.closed_days(first, last))


def _still_to_ask(application: Application, now: dt.datetime) -> tuple[Requirement, ...]:
    unknown = assess(application, application.programme.rules, now).unknown
    return tuple(finding.requirement for finding in unknown)


def _reached(position: int, held: int, coming: Sequence[dt.date]) -> dt.date | None:
    """The business day ⌈position · PACE_BUSINESS_DAYS / held⌉ of those that are coming."""
    if not held:
        return None
    number = -(-position * PACE_BUSINESS_DAYS // held)
    return coming[number - 1] if number <= len(coming) else None


def _midnight(day: dt.date) -> dt.datetime:
    return from_wall_time(dt.datetime.combine(day, dt.time()))
