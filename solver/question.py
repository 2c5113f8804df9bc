"""Who could serve one engagement, and when, beside the visits that its candidates have.

A question is data, so it can be put again with anything changed: other hours, another window, a
visit less. Its answers are exact (`insertion`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from solver.cost import bill
from solver.grid import NO_DAY, Grid, IntArray, compile_grid, split_moment
from solver.insertion import Insertions, book_visits, price_insertions
from solver.plan import Assignment, Cost
from solver.problem import Engagement, Expert, Identifier, Moment, Pin, Problem
from solver.schedule import NEVER, ONLINE, Schedule, overload, pinned_schedule


@dataclass(frozen=True)
class Visit:
    """A session of another engagement in an expert's calendar."""

    expert: str
    engagement: str
    session: int
    start: Moment
    minutes: int
    place: Identifier | None
    """None: online."""
    held: bool
    """Pinned: it stands in every plan."""


@dataclass(frozen=True)
class Way:
    """One way to serve an engagement; no dates with this expert cost less."""

    engagement: str
    expert: str
    starts: tuple[Moment, ...]
    """Sessions 1…k, pinned ones included."""
    wanted: int
    """How many sessions the engagement asks for."""
    cost: Cost
    """What the engagement is charged, and the overload that its sessions add to the expert's."""

    @property
    def is_complete(self) -> bool:
        """Whether every session that is wanted is served."""
        return len(self.starts) == self.wanted


@dataclass(frozen=True)
class Question:
    """An engagement, the experts who might serve it, and the visits they have."""

    problem: Problem
    """Of one engagement; its experts are the candidates and those it has or had."""
    visits: tuple[Visit, ...]
    not_before: dt.date | None = None
    """The first day that is left, whatever else is given up; None: that of the calendar."""

    @classmethod
    def of(cls, problem: Problem, engagement: Engagement, visits: Collection[Visit]) -> Self:
        """Ask about one engagement; who cannot get it, and their visits, are left out."""
        return cls(problem, tuple(visits)).about(engagement)

    @property
    def engagement(self) -> Engagement:
        """The engagement that is asked about."""
        return self.problem.engagements[0]

    @property
    def experts(self) -> Mapping[str, Expert]:
        """The experts by id."""
        return {each.id: each for each in self.problem.experts}

    @property
    def candidates(self) -> tuple[str, ...]:
        """The experts who might serve it."""
        return tuple(each.expert for each in self.engagement.candidates)

    def about(self, engagement: Engagement) -> Self:
        """The same question with the engagement changed; who cannot get it is left out."""
        named = {candidate.expert for candidate in engagement.candidates}
        named |= {pin.expert for pin in engagement.pinned}
        if engagement.current is not None:
            named.add(engagement.current.expert)
        experts = tuple(each for each in self.problem.experts if each.id in named)
        problem = self.problem.model_copy(update={"engagements": (engagement,), "experts": experts})
        return replace(
            self, problem=problem, visits=tuple(v for v in self.visits if v.expert in named)
        )

    def changed(self, **changes: object) -> Self:
        """The same question with fields of the engagement changed."""
        return self.about(self.engagement.model_copy(update=changes))

    def with_experts(self, **changes: object) -> Self:
        """The same question with fields of all its experts changed."""
        experts = tuple(each.model_copy(update=changes) for each in self.problem.experts)
        return replace(self, problem=self.problem.model_copy(update={"experts": experts}))

    def with_expert(self, expert: Expert) -> Self:
        """The same question with one expert changed."""
        experts = tuple(expert if each.id == expert.id else each for each in self.problem.experts)
        return replace(self, problem=self.problem.model_copy(update={"experts": experts}))

    def of_candidate(self, expert_id: str) -> Self:
        """The same question for one candidate alone."""
        only = tuple(each for each in self.engagement.candidates if each.expert == expert_id)
        return self.changed(candidates=only)

    def without(self, visits: Collection[Visit]) -> Self:
        """The same question with some visits gone."""
        gone = frozenset(visits)
        return replace(self, visits=tuple(each for each in self.visits if each not in gone))

    def with_current_kept(self) -> Self:
        """The same question with the published sessions pinned as they are."""
        current, pinned = self.engagement.current, self.engagement.pinned
        if current is None:
            return self
        numbers = {pin.session for pin in pinned}
        kept = (
            Pin(session=number, expert=current.expert, start=start)
            for number, start in enumerate(current.starts, 1)
            if number not in numbers
        )
        return self.changed(pinned=tuple(sorted((*pinned, *kept), key=lambda pin: pin.session)))

    def can_hold(self, sessions: int) -> bool:
        """Whether one of the candidates can hold sessions 1…k."""
        return bool((self._found.cost[:, sessions] < NEVER).any())

    @property
    def most(self) -> int:
        """The most sessions that one of the candidates can hold, 0 for none."""
        possible = np.nonzero((self._found.cost < NEVER).any(axis=0))[0]
        return int(possible.max(initial=0))

    def ways(self) -> tuple[Way, ...]:
        """The best way with each candidate who can serve it, the cheapest first."""
        return tuple(read_ways(self.problem, self._grid, self._schedule, 0, self._found))

    def priced(self, way: Way) -> Way:
        """The same dates with the same expert, at what they cost here."""
        assignment = Assignment(engagement=way.engagement, expert=way.expert, starts=way.starts)
        return _billed(self.problem, self._grid, self._schedule, 0, assignment)

    @cached_property
    def _grid(self) -> Grid:
        return compile_grid(self.problem)

    @cached_property
    def _schedule(self) -> Schedule:
        schedule = pinned_schedule(self._grid)
        book_visits(self._grid, schedule, self._visits_as_integers())
        return schedule

    @cached_property
    def _found(self) -> Insertions:
        return price_insertions(self._grid, self._schedule, 0)

    def _visits_as_integers(self) -> IntArray:
        """The visits as rows of expert, day, start and end minute, site."""
        experts = {each.id: number for number, each in enumerate(self.problem.experts)}
        places = {place: number for number, place in enumerate(self.problem.travel_minutes.places)}
        first_day = self.problem.calendar.first_day
        rows = np.zeros((len(self.visits), 5), dtype=np.int64)
        for row, visit in zip(rows, self.visits, strict=True):
            day, minute = split_moment(first_day, visit.start)
            site = ONLINE if visit.place is None else places[visit.place]
            row[:] = experts[visit.expert], day, minute, minute + visit.minutes, site
        return rows


def read_ways(
    problem: Problem, grid: Grid, schedule: Schedule, a: int, found: Insertions
) -> Iterator[Way]:
    """The best way with each expert who can serve engagement `a`, the cheapest first."""
    engagement = problem.engagements[a]
    midnight = dt.datetime.combine(problem.calendar.first_day, dt.time())
    least = found.cost.min(axis=1, initial=NEVER)
    for row in np.argsort(least, kind="stable"):
        if least[row] == NEVER:
            return
        count = int(found.cost[row].argmin())
        times = zip(found.day[row, count, :count], found.minute[row, count, :count], strict=True)
        expert = int(grid.pair_expert[grid.pair_offset[a] + row])
        assignment = Assignment(
            engagement=engagement.id,
            expert=problem.experts[expert].id,
            starts=tuple(
                midnight + dt.timedelta(days=int(day), minutes=int(minute)) for day, minute in times
            ),
        )
        yield _billed(problem, grid, schedule, a, assignment)


def _billed(
    problem: Problem, grid: Grid, schedule: Schedule, a: int, assignment: Assignment
) -> Way:
    """A way to serve engagement `a`, and what it costs beside the schedule."""
    engagement = problem.engagements[a]
    experts = {each.id: each for each in problem.experts}
    expert = next(e for e, each in enumerate(problem.experts) if each.id == assignment.expert)
    load = schedule.load[expert]
    more = load + int((grid.pin_day[a, : len(assignment.starts)] == NO_DAY).sum())
    added = overload(grid, expert, more) - overload(grid, expert, load)
    return Way(
        engagement=engagement.id,
        expert=assignment.expert,
        starts=assignment.starts,
        wanted=len(engagement.durations),
        cost=bill(problem, experts, engagement, assignment, added),
    )
