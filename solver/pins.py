"""Sessions of one expert that cannot stand together; where pinned ones cannot, there is no plan.

Rules 5 and 6: no overlap, time to travel, caps of day, week and whole period.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from solver.problem import Engagement, Expert, Moment, Problem


@dataclass(frozen=True, order=True)
class Visit:
    """One session of an expert."""

    start: Moment
    end: Moment
    engagement: str
    session: int
    site: str | None

    def __str__(self) -> str:
        return f"session {self.session} of {self.engagement} at {self.start:%Y-%m-%dT%H:%M}"


def broken_pins(problem: Problem) -> tuple[str, ...]:
    """One sentence for each rule that the pinned sessions break by themselves."""
    visits = pinned_visits(problem)
    return tuple(
        text
        for expert in problem.experts
        for text in broken_calendar(problem, expert, visits[expert.id])
    )


def pinned_visits(problem: Problem) -> dict[str, list[Visit]]:
    """The pinned sessions of each expert, by id."""
    visits: dict[str, list[Visit]] = defaultdict(list)
    for engagement in problem.engagements:
        for pin in engagement.pinned:
            visits[pin.expert].append(visit_of(engagement, pin.session, pin.start))
    return visits


def visit_of(engagement: Engagement, session: int, start: Moment) -> Visit:
    """Session 1…n of an engagement, held at that time."""
    end = start + dt.timedelta(minutes=engagement.durations[session - 1])
    return Visit(start, end, engagement.id, session, engagement.place)


def broken_calendar(problem: Problem, expert: Expert, visits: Iterable[Visit]) -> list[str]:
    """One sentence for each of the rules 5 and 6 that an expert's sessions break."""
    own = sorted(visits, key=lambda visit: (visit.start, visit.end))
    return _collisions(problem, expert, own) + _over_caps(expert, own)


def _collisions(problem: Problem, expert: Expert, visits: list[Visit]) -> list[str]:
    places = {place: index for index, place in enumerate(problem.travel_minutes.places)}
    found = []
    for before, after in pairwise(visits):
        if after.start < before.end:
            found.append(f"expert {expert.id}: pinned {before} overlaps pinned {after}")
            continue
        if before.start.date() != after.start.date():
            continue
        if before.site is None and after.site is None:
            continue
        here, there = places[before.site or expert.place], places[after.site or expert.place]
        minutes = problem.travel_minutes.minutes[here][there]
        if (after.start - before.end) < dt.timedelta(minutes=minutes):
            found.append(
                f"expert {expert.id}: {minutes} minutes of travel do not fit "
                f"between pinned {before} and pinned {after}"
            )
    return found


def _over_caps(expert: Expert, visits: list[Visit]) -> list[str]:
    days = Counter(visit.start.date().isoformat() for visit in visits)
    weeks = Counter(visit.start.strftime("week %G-W%V") for visit in visits)
    caps = (
        (days, expert.max_per_day, "max_per_day"),
        (weeks, expert.max_per_week, "max_per_week"),
        (Counter({"the period": len(visits)}), expert.max_total, "max_total"),
    )
    return [
        f"expert {expert.id}: {number} sessions are pinned in {when}, {cap} is {most}: "
        + _named(visits, when)
        for counts, most, cap in caps
        for when, number in counts.items()
        if number > most
    ]


def _named(visits: list[Visit], when: str) -> str:
    """The sessions of a day, a week or the whole period, the first five by name."""
    those = [
        str(visit)
        for visit in visits
        if when
        in (visit.start.date().isoformat(), visit.start.strftime("week %G-W%V"), "the period")
    ]
    return ", ".join(those[:5]) + (f" and {len(those) - 5} more" if len(those) > 5 else "")
