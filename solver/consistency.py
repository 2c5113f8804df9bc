"""What one field of a problem alone cannot show: references, order, uniqueness, the period."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from zoneinfo import available_timezones

from solver.problem import (
    Calendar,
    Engagement,
    Expert,
    OpenHours,
    Problem,
    ProblemError,
    Travel,
    write_clock,
    write_moment,
)


def check_problem(problem: Problem) -> None:
    """Check the fields of a problem against each other.

    Raises:
        ProblemError: the first thing that is wrong, its place and its remedy.
    """
    _check_calendar(problem.calendar)
    _check_travel(problem.travel_minutes)
    places = frozenset(problem.travel_minutes.places)
    _check_unique(problem.experts, "experts")
    _check_unique(problem.engagements, "engagements")
    for index, expert in enumerate(problem.experts):
        place = f"experts[{index}] ({expert.id})"
        _check_times(expert, place)
        _check_place(expert.place, places, place)
    experts = frozenset(expert.id for expert in problem.experts)
    for index, engagement in enumerate(problem.engagements):
        place = f"engagements[{index}] ({engagement.id})"
        _check_times(engagement, place)
        if engagement.place is not None:
            _check_place(engagement.place, places, place)
        _check_dates(engagement, problem.calendar, place)
        _check_candidates(engagement, experts, place)
        _check_pins(engagement, experts, problem.calendar, place)
        _check_current(engagement, experts, place)


@cache
def _zones() -> frozenset[str]:
    """The time zones of this machine: to look for them anew takes longer than all other checks."""
    return frozenset(available_timezones())


def _check_calendar(calendar: Calendar) -> None:
    if 60 % calendar.slot_minutes:
        raise ProblemError(
            "calendar.slot_minutes",
            f"{calendar.slot_minutes} minutes do not divide an hour",
            "give a grid such as 15, 30 or 60",
        )
    if calendar.last_day.year >= dt.MAXYEAR:
        raise ProblemError(
            "calendar.last_day",
            f"{calendar.last_day} is where the calendar ends",
            "give a last day of this age",
        )
    if calendar.last_day < calendar.first_day:
        raise ProblemError(
            "calendar.last_day",
            f"{calendar.last_day} is before first_day {calendar.first_day}",
            "give a last day on or after the first",
        )
    if (calendar.last_day - calendar.first_day).days >= 1000:
        raise ProblemError(
            "calendar.last_day",
            "the period is longer than 1,000 days",
            "plan one programme, a year at most, at a time",
        )
    if calendar.timezone not in _zones():
        raise ProblemError(
            "calendar.timezone",
            f"there is no zone {calendar.timezone!r}",
            "give an IANA name such as Asia/Tokyo",
        )


def _check_travel(travel: Travel) -> None:
    for place, times in Counter(travel.places).items():
        if times > 1:
            raise ProblemError(
                "travel_minutes.places", f"{place!r} stands {times} times", "name each place once"
            )
    size = len(travel.places)
    lengths = [len(travel.minutes), *(len(row) for row in travel.minutes)]
    if any(length != size for length in lengths):
        raise ProblemError(
            "travel_minutes.minutes",
            f"it is not a square of {size} rows and columns",
            "give one row and one column for each of travel_minutes.places",
        )


def _check_unique(records: Iterable[Expert | Engagement], field: str) -> None:
    seen: set[str] = set()
    for index, record in enumerate(records):
        if record.id in seen:
            raise ProblemError(
                f"{field}[{index}].id", f"{record.id!r} is taken", "give each one its own id"
            )
        seen.add(record.id)


def _check_times(record: Expert | Engagement, place: str) -> None:
    for field, index, hours in _weekly_hours(record):
        if hours.closes <= hours.opens:
            raise ProblemError(
                f"{place}.{field}[{index}]",
                f"it closes at {write_clock(hours.closes)}, not after it opens",
                "give [weekday, from, to] with from before to",
            )
    for index, busy in enumerate(record.busy):
        if busy.end <= busy.start:
            raise ProblemError(
                f"{place}.busy[{index}]",
                f"it ends at {write_moment(busy.end)}, not after its start",
                "give [from, to] with from before to",
            )


def _weekly_hours(record: Expert | Engagement) -> Iterator[tuple[str, int, OpenHours]]:
    for index, hours in enumerate(record.open):
        yield "open", index, hours
    if isinstance(record, Engagement):
        for index, hours in enumerate(record.preferred):
            yield "preferred", index, hours


def _check_place(name: str, places: frozenset[str], place: str) -> None:
    if name not in places:
        raise ProblemError(
            f"{place}.place",
            f"{name!r} is not among travel_minutes.places",
            "add it there, or name one of them",
        )


def _check_dates(engagement: Engagement, calendar: Calendar, place: str) -> None:
    for field, day in (("earliest", engagement.earliest), ("latest", engagement.latest)):
        if not calendar.first_day <= day <= calendar.last_day:
            raise ProblemError(
                f"{place}.{field}",
                f"{day} is outside the period {calendar.first_day} to {calendar.last_day}",
                "give a day within calendar.first_day and last_day",
            )
    if engagement.latest < engagement.earliest:
        raise ProblemError(
            f"{place}.latest",
            f"{engagement.latest} is before earliest {engagement.earliest}",
            "give a latest day on or after the earliest",
        )
    if engagement.max_gap_days < engagement.min_gap_days:
        raise ProblemError(
            f"{place}.max_gap_days",
            f"{engagement.max_gap_days} is less than min_gap_days {engagement.min_gap_days}",
            "give a largest gap at least as long as the smallest",
        )


def _check_candidates(engagement: Engagement, experts: frozenset[str], place: str) -> None:
    seen: set[str] = set()
    for index, candidate in enumerate(engagement.candidates):
        _check_expert(candidate.expert, experts, f"{place}.candidates[{index}].expert")
        if candidate.expert in seen:
            raise ProblemError(
                f"{place}.candidates[{index}].expert",
                f"{candidate.expert!r} is a candidate twice",
                "name each candidate once",
            )
        seen.add(candidate.expert)


def _check_expert(name: str, experts: frozenset[str], place: str) -> None:
    if name not in experts:
        raise ProblemError(
            place, f"there is no expert {name!r}", "name one of experts[], or add the expert there"
        )


def _check_pins(
    engagement: Engagement, experts: frozenset[str], calendar: Calendar, place: str
) -> None:
    seen: set[int] = set()
    for index, pin in enumerate(engagement.pinned):
        where = f"{place}.pinned[{index}]"
        _check_expert(pin.expert, experts, f"{where}.expert")
        if pin.session > len(engagement.durations):
            raise ProblemError(
                f"{where}.session",
                f"there is no session {pin.session} of {len(engagement.durations)}",
                "pin a session that has a duration",
            )
        if pin.session in seen:
            raise ProblemError(
                f"{where}.session", f"session {pin.session} is pinned twice", "pin it once"
            )
        if not calendar.first_day <= pin.start.date() <= calendar.last_day:
            raise ProblemError(
                f"{where}.start",
                f"{write_moment(pin.start)} is outside the period "
                f"{calendar.first_day} to {calendar.last_day}",
                "give a time within calendar.first_day and last_day",
            )
        seen.add(pin.session)
    pins = sorted(engagement.pinned, key=lambda pin: pin.session)
    for before, after in pairwise(pins):
        if after.start <= before.start:
            raise ProblemError(
                f"{place}.pinned",
                f"session {after.session} is pinned before session {before.session}",
                "pin sessions in the order of their numbers",
            )


def _check_current(engagement: Engagement, experts: frozenset[str], place: str) -> None:
    if engagement.current is None:
        return
    _check_expert(engagement.current.expert, experts, f"{place}.current.expert")
    if len(engagement.current.starts) > len(engagement.durations):
        raise ProblemError(
            f"{place}.current.starts",
            f"{len(engagement.current.starts)} sessions where "
            f"{len(engagement.durations)} have a duration",
            "give one start for each session of the published plan",
        )
