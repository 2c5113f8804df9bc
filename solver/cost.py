"""The cost of assignments, by part, as docs/formats.md states it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from solver.plan import Assignment, Cost
from solver.problem import WEEKDAYS, Engagement, Expert, Moment, OpenHours, Pin, Problem


def cost_of(problem: Problem, assignments: Iterable[Assignment]) -> Cost:
    """The cost by part of assignments that keep the hard rules."""
    by_engagement = {assignment.engagement: assignment for assignment in assignments}
    experts = {expert.id: expert for expert in problem.experts}
    parts: Counter[str] = Counter()
    loads: Counter[str] = Counter()
    for engagement in problem.engagements:
        assignment = by_engagement.get(engagement.id)
        parts.update(_Bill(problem, experts, engagement, assignment).parts())
        loads.update(_served_by(engagement, assignment))
    for expert in problem.experts:
        over = max(0, loads[expert.id] - expert.target_total)
        parts["overload"] += problem.weights.overload * over
    return Cost(
        total=parts.total(), **{name: parts[name] for name in Cost.model_fields if name != "total"}
    )


def bill(
    problem: Problem,
    experts: dict[str, Expert],
    engagement: Engagement,
    assignment: Assignment | None,
    overload: int = 0,
) -> Cost:
    """What one engagement is charged, by part; overload is an expert's, and as it is given."""
    parts = _Bill(problem, experts, engagement, assignment).parts() | {"overload": overload}
    return Cost(total=sum(parts.values()), **parts)


def _served_by(engagement: Engagement, assignment: Assignment | None) -> Iterable[str]:
    if assignment is None:
        return []
    pins = {pin.session: pin.expert for pin in engagement.pinned}
    numbers = range(1, len(assignment.starts) + 1)
    return [pins.get(number, assignment.expert) for number in numbers]


class _Bill:
    """What one engagement is charged; one method a part."""

    def __init__(
        self,
        problem: Problem,
        experts: dict[str, Expert],
        engagement: Engagement,
        assignment: Assignment | None,
    ) -> None:
        self._weights = problem.weights
        self._travel = problem.travel_minutes
        self._engagement = engagement
        self._expert = experts[assignment.expert] if assignment else None
        self._starts: tuple[Moment, ...] = assignment.starts if assignment else ()
        self._pins: dict[int, Pin] = {pin.session: pin for pin in engagement.pinned}
        self._free = [n for n in range(1, len(self._starts) + 1) if n not in self._pins]

    def parts(self) -> dict[str, int]:
        return {
            "unserved": self._unserved(),
            "dropped": self._dropped(),
            "match": self._match(),
            "preference": self._preference(),
            "travel": self._travelled(),
            "wait": self._wait(),
            "gap": self._gap(),
            "stability": self._stability(),
        }

    def _unserved(self) -> int:
        return 0 if self._starts else self._weights.unserved * self._engagement.weight

    def _dropped(self) -> int:
        missing = len(self._engagement.durations) - len(self._starts)
        return self._weights.dropped_session * self._engagement.weight * missing

    def _match(self) -> int:
        if not self._free or self._expert is None:
            return 0
        cost = next(c.cost for c in self._engagement.candidates if c.expert == self._expert.id)
        return self._weights.match * cost * len(self._free)

    def _preference(self) -> int:
        preferred = self._engagement.preferred
        if not preferred:
            return 0
        off = [
            number
            for number in self._free
            if not any(
                _within(h, self._starts[number - 1], self._duration(number)) for h in preferred
            )
        ]
        return self._weights.off_preference * len(off)

    def _duration(self, number: int) -> int:
        return self._engagement.durations[number - 1]

    def _travelled(self) -> int:
        if self._engagement.place is None or self._expert is None:
            return 0
        places = self._travel.places
        home, site = places.index(self._expert.place), places.index(self._engagement.place)
        once = self._travel.minutes[home][site] // 10
        return self._weights.travel_per_10_minutes * once * len(self._free)

    def _wait(self) -> int:
        if 1 not in self._free:
            return 0
        days = (self._starts[0].date() - self._engagement.earliest).days
        return self._weights.wait_per_day * days

    def _gap(self) -> int:
        off = 0
        for number, (before, after) in enumerate(pairwise(self._starts), 1):
            if number in self._pins and number + 1 in self._pins:
                continue
            gap = (after.date() - before.date()).days
            off += abs(gap - self._engagement.target_gap_days)
        return self._weights.gap_per_day * off

    def _stability(self) -> int:
        current = self._engagement.current
        if current is None or self._expert is None:
            return 0
        moved = sum(
            number in self._free and self._starts[number - 1] != start
            for number, start in enumerate(current.starts, 1)
        )
        changed = bool(self._free) and current.expert != self._expert.id
        return self._weights.move * moved + self._weights.change_expert * changed


def _within(hours: OpenHours, start: Moment, minutes: int) -> bool:
    opens = start.hour * 60 + start.minute
    same_day = WEEKDAYS[start.weekday()] == hours.weekday
    return same_day and hours.opens <= opens and opens + minutes <= hours.closes
