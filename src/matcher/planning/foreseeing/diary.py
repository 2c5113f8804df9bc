"""One expert's free time: how many engagements alike fit into it, placed one after the other."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from matcher.planning.foreseeing.profile import Profile
from matcher.planning.stating.clashes import clashes
from matcher.planning.stating.problem import problem_beside
from matcher.planning.stating.records import Records
from matcher.programme import Period, Words
from solver.problem import (
    WEEKDAYS,
    BusyTime,
    Candidate,
    Engagement,
    OpenHours,
    Problem,
    Weights,
)
from solver.problem import Expert as PlannedExpert
from solver.problem_file import ProblemFile
from solver.standing import StandingPlan

WEIGHTS = Weights(
    unserved=100_000,
    dropped_session=100_000,
    match=0,
    off_preference=0,
    travel_per_10_minutes=0,
    wait_per_day=1,
    gap_per_day=1,
    overload=0,
    move=0,
    change_expert=0,
)
"""A complete engagement before all, and then a soon and close one: it leaves most to the next."""

TYPICAL = "typical"


@dataclass(frozen=True)
class Room:
    """How many engagements fit: at least so many, as they were placed; at most so many, proven."""

    at_least: int
    at_most: int


def problem_of_profile(records: Records, profile: Profile) -> Problem:
    """All experts with what they are bound to, beside one engagement of the profile."""
    period = records.rules.implementation_period
    experts = tuple(Candidate(expert=id, cost=0) for id in sorted(records.experts))
    typical = Engagement(
        id=TYPICAL,
        earliest=period.first_day,
        latest=period.last_day,
        durations=(profile.session_minutes,),
        min_gap_days=profile.min_gap_days,
        target_gap_days=profile.min_gap_days,
        max_gap_days=profile.max_gap_days,
        open=profile.hours,
        busy=(),
        preferred=(),
        place=profile.municipality_code,
        candidates=experts,
    )
    return problem_beside(records, typical).model_copy(update={"weights": WEIGHTS})


@dataclass(frozen=True)
class Diary:
    """One expert, what the expert is bound to, and the engagement that is to fit beside it."""

    problem: Problem
    """Without the engagement."""
    typical: Engagement
    expert: PlannedExpert

    @classmethod
    def of(cls, problem: Problem, expert_id: str) -> Diary:
        """Take one expert's diary out of a problem of all."""
        bound = tuple(
            each
            for each in problem.engagements
            if any(pin.expert == expert_id for pin in each.pinned)
        )
        named = {pin.expert for each in bound for pin in each.pinned} | {expert_id}
        experts = tuple(each for each in problem.experts if each.id in named)
        (expert,) = (each for each in experts if each.id == expert_id)
        (typical,) = (each for each in problem.engagements if each.id == TYPICAL)
        typical = typical.model_copy(update={"candidates": (Candidate(expert=expert_id, cost=0),)})
        small = problem.model_copy(update={"engagements": bound, "experts": experts})
        return cls(small, typical, expert)

    def changed(self, **caps: int) -> Diary:
        """The same diary of an expert with other caps."""
        expert = self.expert.model_copy(update=caps)
        experts = tuple(expert if each.id == expert.id else each for each in self.problem.experts)
        problem = self.problem.model_copy(update={"experts": experts})
        return replace(self, problem=problem, expert=expert)

    @cached_property
    def clashes(self) -> tuple[Words, ...]:
        """What of the expert's fixed sessions cannot stand together: nothing fits beside that."""
        return clashes(self.problem)

    def room(self, first_day: dt.date, sessions: int, known: int = 0) -> Room:
        """How many engagements of so many sessions fit from a day on; `known` are known to.

        Where what is fixed clashes, nothing was tried: none is promised, and none ruled out.
        """
        most = self.at_most(first_day, sessions)
        if self.clashes or known >= most:
            return Room(known, most)
        least = max(known, self.placed(first_day, sessions, most))
        return Room(least, most if least else 0)  # the first is placed wherever one can be

    def has_room(self, first_day: dt.date, sessions: int) -> bool:
        """Whether one engagement of so many sessions fits from a day on."""
        return self.at_most(first_day, sessions) > 0 and self.placed(first_day, sessions, 1) == 1

    def placed(self, first_day: dt.date, sessions: int, wanted: int) -> int:
        """Place up to so many engagements, each complete, and let the judge pass them."""
        if wanted <= 0:
            return 0
        typical = self.typical.model_copy(
            update={
                "earliest": first_day,
                "durations": self.typical.durations * sessions,
            }
        )
        more = tuple(
            typical.model_copy(update={"id": f"{TYPICAL} {number}"})
            for number in range(1, wanted + 1)
        )
        engagements = (*self.problem.engagements, *more)
        file = ProblemFile.from_problem(
            self.problem.model_copy(update={"engagements": engagements})
        )
        standing = StandingPlan(file)
        count = 0
        for each in more:
            (offer, *_) = standing.best_offers(each.id) or (None,)
            if offer is None or not offer.is_complete:
                break
            standing.insert(offer)
            count += 1
        standing.plan()
        return count

    def at_most(self, first_day: dt.date, sessions: int) -> int:
        """No more than this fit: session k of each lies where the sessions beside it leave it."""
        last_day = self.problem.calendar.last_day
        if first_day > last_day:
            return 0
        gap = dt.timedelta(days=self.typical.min_gap_days)
        windows = (
            (first_day + number * gap, last_day - (sessions - 1 - number) * gap)
            for number in range(sessions)
        )
        return min(
            max(0, self.expert.max_total - self._bound_in_all) // sessions,
            self._within_weeks(first_day, last_day) // sessions,
            *(self._within_weeks(*window) for window in windows),
        )

    @property
    def _bound_days(self) -> list[dt.date]:
        return [
            pin.start.date()
            for each in self.problem.engagements
            for pin in each.pinned
            if pin.expert == self.expert.id
        ]

    @property
    def _bound_in_all(self) -> int:
        return len(self._bound_days)

    @cached_property
    def _free_by_week(self) -> tuple[tuple[int, Mapping[dt.date, int]], ...]:
        """How many more sessions each week may have, and how many each of its days has time for.

        Travel is left aside, and days without time are left out.
        """
        bound = Counter(self._bound_days)
        bound_a_week = Counter(map(_monday, self._bound_days))
        calendar = self.problem.calendar
        closed = set(calendar.closed_days)
        busy = [*self.expert.busy, *self._visits()]
        free: dict[dt.date, dict[dt.date, int]] = defaultdict(dict)
        for day in Period(first_day=calendar.first_day, last_day=calendar.last_day).days():
            if day in closed:
                continue
            spans = _free_spans(day, self.expert.open, self.typical.open, busy)
            fit = sum(span // self.typical.durations[0] for span in spans)
            count = min(self.expert.max_per_day - bound[day], fit)
            if count > 0:
                free[_monday(day)][day] = count
        return tuple(
            (max(0, self.expert.max_per_week - bound_a_week[monday]), days)
            for monday, days in free.items()
        )

    def _visits(self) -> Iterator[BusyTime]:
        for each in self.problem.engagements:
            for pin in each.pinned:
                if pin.expert == self.expert.id:
                    minutes = each.durations[pin.session - 1]
                    yield BusyTime(pin.start, pin.start + dt.timedelta(minutes=minutes))

    def _within_weeks(self, first: dt.date, last: dt.date) -> int:
        """How many sessions fit from day to day, by the caps of each day and each week."""
        return sum(
            min(left, sum([count for day, count in days.items() if first <= day <= last]))
            for left, days in self._free_by_week
        )


def _free_spans(
    day: dt.date, ours: Sequence[OpenHours], theirs: Sequence[OpenHours], busy: Sequence[BusyTime]
) -> Iterator[int]:
    """The lengths, in minutes, of the times of a day at which both are there and free."""
    midnight = dt.datetime.combine(day, dt.time())
    taken = [
        ((each.start - midnight).total_seconds() // 60, (each.end - midnight).total_seconds() // 60)
        for each in busy
        if each.end > midnight and each.start < midnight + dt.timedelta(days=1)
    ]
    name = WEEKDAYS[day.weekday()]
    for own in ours:
        for other in theirs:
            if own.weekday == other.weekday == name:
                opens, closes = max(own.opens, other.opens), min(own.closes, other.closes)
                edges = sorted(
                    {opens, closes, *(int(t) for span in taken for t in span if opens < t < closes)}
                )
                yield from _joined(edges, taken)


def _joined(edges: Sequence[int], taken: Sequence[tuple[float, float]]) -> Iterator[int]:
    """The stretches between edges that nothing covers, neighbours joined."""
    length = 0
    for start, end in pairwise(edges):
        if any(begin < end and start < until for begin, until in taken):
            yield length
            length = 0
        else:
            length += end - start
    yield length


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())
