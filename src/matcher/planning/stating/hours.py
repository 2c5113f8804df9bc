"""Times of people as a plan takes them: stretches of a day that meet are one, minutes are whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from matcher.clock import wall_time
from matcher.intervals import Interval
from matcher.models import WeeklyHours
from solver.problem import WEEKDAYS

__all__ = ["cover", "joined", "whole_minutes"]

_MINUTE = dt.timedelta(minutes=1)


def joined(hours: Iterable[WeeklyHours]) -> tuple[WeeklyHours, ...]:
    """The same hours, with those of a day that meet or overlap as one stretch, through the week.

    Who is there from 9 to 12 and from 12 to 15 receives a session from 11 to 13.
    """
    stretches: list[WeeklyHours] = []
    for own in sorted(hours, key=lambda each: (WEEKDAYS.index(each.weekday), each.opens)):
        last = stretches[-1] if stretches else None
        if last is not None and last.weekday == own.weekday and own.opens <= last.closes:
            closes = max(last.closes, own.closes)
            stretches[-1] = last.model_copy(update={"closes": closes})
        else:
            stretches.append(own)
    return tuple(stretches)


def cover(hours: Iterable[WeeklyHours], start_at: dt.datetime, end_at: dt.datetime) -> bool:
    """Whether [start_at, end_at) lies whole within one stretch of the hours."""
    start, end = wall_time(start_at), wall_time(end_at)
    weekday = WEEKDAYS[start.weekday()]
    return start.date() == end.date() and any(
        own.weekday == weekday and own.opens <= start.time() and end.time() <= own.closes
        for own in joined(hours)
    )


def whole_minutes(start_at: dt.datetime, end_at: dt.datetime) -> Interval:
    """The whole minutes that [start_at, end_at) touches, by the same clock."""
    return Interval(_begun(start_at), _begun(end_at + _MINUTE - dt.datetime.resolution))


def _begun(time: dt.datetime) -> dt.datetime:
    return time.replace(second=0, microsecond=0)
