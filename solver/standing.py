"""A published plan, loaded once and ready to be asked who could serve one engagement, and when.

Loading reads the problem into arrays, lets the judge pass the plan and books every session. After
that a question takes some milliseconds (`insertion`), and an answer can be put into the plan, or an
engagement taken out of it, in place. A plan that leaves is judged whole again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np

from solver.cost import cost_of
from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray, compile_grid, split_moment
from solver.insertion import price_insertions, rest_holds
from solver.pins import broken_pins
from solver.plan import Assignment, Plan, SolverRecord, gap_of, solver_version
from solver.problem import Engagement, Moment
from solver.problem_file import ProblemFile
from solver.question import Question, Visit, Way, read_ways
from solver.schedule import (
    NOBODY,
    UNSERVABLE,
    Schedule,
    cost_with,
    insert,
    pinned_schedule,
    remove,
    total_cost,
)
from solver.validation import judge

MOST_REASONS = 5
"""The reasons that are told of an unsound plan; the others are counted."""


class UnsoundPlan(ValueError):
    """What the plan breaks, or its pinned sessions by themselves: one sentence a reason."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        more = len(self.reasons) - MOST_REASONS
        text = "; ".join(self.reasons[:MOST_REASONS])
        super().__init__(f"{text}; and {more} more" if more > 0 else text)


class Inseparable(ValueError):
    """Without an engagement's sessions the rest of the plan would break a rule."""


class OutdatedOffer(ValueError):
    """The plan has changed since the offer was made."""


@dataclass(frozen=True)
class Offer(Way):
    """A way to serve an engagement beside the rest of a plan, and what that would change."""

    change: int
    """What the cost of the whole plan changes by from what it is now."""
    revision: int
    """The state of the plan for which it holds."""


class StandingPlan:
    """A plan in which one engagement at a time can be placed, everything else fixed."""

    def __init__(self, file: ProblemFile, bound: int = 0) -> None:
        """Hold the pinned sessions alone; `bound` is a proven bound of the problem."""
        conflicts = broken_pins(file.problem)
        if conflicts:
            raise UnsoundPlan(conflicts)
        problem = file.problem
        self.file, self.problem, self.bound = file, problem, bound
        self.engagements = {each.id: each for each in problem.engagements}
        self.experts = {each.id: each for each in problem.experts}
        self.grid: Grid = compile_grid(problem)
        self.schedule: Schedule = pinned_schedule(self.grid)
        self._number = {each.id: a for a, each in enumerate(problem.engagements)}
        self._midnight = dt.datetime.combine(problem.calendar.first_day, dt.time())
        self._revision = 0

    @classmethod
    def load(cls, file: ProblemFile, plan: Plan) -> Self:
        """Read a plan's assignments in; its bound is kept where it was made for this very file.

        Raises:
            UnsoundPlan: the judge does not pass the plan as one for this problem.
        """
        standing = cls(file, plan.bound if plan.problem_sha256 == file.sha256 else 0)
        stated = standing._state(plan.assignments, plan.solver)
        _pass_judge(file, stated)
        for assignment in stated.assignments:
            standing._book(assignment)
        return standing

    @property
    def cost(self) -> int:
        """The cost of the plan as it stands."""
        return int(total_cost(self.grid, self.schedule))

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """Who is served by whom and when, in the order of the problem's engagements."""
        found = (self.assignment(each.id) for each in self.problem.engagements)
        return tuple(each for each in found if each is not None)

    @property
    def unkept_pins(self) -> tuple[str, ...]:
        """The engagements that still miss a session before a pinned one, one sentence each."""
        return tuple(
            f"engagement {self.problem.engagements[a].id}: session {self.grid.least[a]} is "
            "pinned, and a session before it fits nowhere"
            for a in np.nonzero(self.schedule.cost >= UNSERVABLE)[0]
        )

    def assignment(self, engagement_id: str) -> Assignment | None:
        """How one engagement is served; None where it has no session, or lacks one before a pin."""
        a = self._number[engagement_id]
        count, pair = int(self.schedule.served[a]), self.schedule.pair[a]
        if count == 0 or self.schedule.cost[a] >= UNSERVABLE:
            return None
        if pair == NOBODY:
            expert = self.grid.pin_expert[a, count - 1]
        else:
            expert = self.grid.pair_expert[pair]
        return Assignment(
            engagement=engagement_id,
            expert=self.problem.experts[expert].id,
            starts=self._starts(self.schedule.day[a], self.schedule.minute[a], count),
        )

    def best_offers(self, engagement_id: str, most: int = 1) -> tuple[Offer, ...]:
        """The experts who would serve an engagement at the least cost, the cheapest first.

        Everything else stays as it is; the engagement's own sessions that are not pinned are placed
        anew. The first offer is the optimum, and each is that of its expert.

        Raises:
            KeyError: the problem has no such engagement.
            Inseparable: the rest cannot stand without the sessions that would be placed anew.
        """
        a = self._number[engagement_id]
        now = self.cost
        with self.trial(engagement_id):
            self._take_out(a)
            rest = self.cost - int(self.schedule.cost[a])
            found = price_insertions(self.grid, self.schedule, a)
            ways = islice(read_ways(self.problem, self.grid, self.schedule, a, found), most)
            return tuple(
                Offer(**vars(way), change=rest + way.cost.total - now, revision=self._revision)
                for way in ways
            )

    def question(self, engagement: Engagement) -> Question:
        """Who could serve an engagement beside the rest; it may differ from the problem's own."""
        visits = tuple(self._visits(without=engagement.id))
        return Question.of(self.problem, engagement, visits)

    def cost_beside(self, engagement_id: str) -> int:
        """What everything but one engagement costs, without the overload that it adds.

        Raises:
            Inseparable: the rest cannot stand without it.
        """
        a = self._number[engagement_id]
        with self.trial(engagement_id):
            self._take_out(a)
            return self.cost - int(self.schedule.cost[a])

    @contextmanager
    def trial(self, *engagement_ids: str) -> Iterator[None]:
        """Change some engagements for a while: in the end each has what it had before."""
        before = [self.assignment(each) for each in engagement_ids]
        revision = self._revision
        try:
            yield
        finally:
            for each in engagement_ids:
                remove(self.grid, self.schedule, self._number[each])
            for assignment in before:
                if assignment is not None:
                    self._book(assignment)
            self._revision = revision

    def insert(self, offer: Offer) -> None:
        """Put an offer into the plan, in place of what the engagement has.

        Raises:
            OutdatedOffer: the plan has changed since the offer was made.
        """
        if offer.revision != self._revision:
            raise OutdatedOffer(f"the plan changed since {offer.expert} was offered; ask again")
        self._take_out(self._number[offer.engagement])
        self._book(
            Assignment(engagement=offer.engagement, expert=offer.expert, starts=offer.starts)
        )
        self._revision += 1

    def remove(self, engagement_id: str) -> None:
        """Take an engagement's sessions out of the plan; pinned ones stay.

        Raises:
            KeyError: the problem has no such engagement.
            Inseparable: the rest cannot stand without them.
        """
        self._take_out(self._number[engagement_id])
        self._revision += 1

    def plan(self, *, optimal: bool = False, seconds: float = 0.0) -> Plan:
        """Write the plan as it stands; the judge passes it. `optimal`: it is proven to be.

        Raises:
            UnsoundPlan: the judge found a rule broken; a fault of the solver.
        """
        plan = self._state(self.assignments, _record(seconds), optimal=optimal)
        _pass_judge(self.file, plan)
        return plan

    def _state(
        self, assignments: Iterable[Assignment], record: SolverRecord, *, optimal: bool = False
    ) -> Plan:
        """Write down assignments with their cost, as a plan for this problem."""
        chosen = tuple(assignments)
        cost = cost_of(self.problem, chosen)
        bound = cost.total if optimal else self.bound
        return Plan(
            problem=self.problem.name,
            problem_sha256=self.file.sha256,
            assignments=chosen,
            cost=cost,
            bound=bound,
            gap=gap_of(cost.total, bound),
            status="optimal" if cost.total == bound else "feasible",
            solver=record,
        )

    def _visits(self, without: str) -> Iterator[Visit]:
        """The sessions of all engagements but one."""
        for assignment in self.assignments:
            engagement = self.engagements[assignment.engagement]
            if engagement.id == without:
                continue
            pins = {pin.session: pin.expert for pin in engagement.pinned}
            for number, start in enumerate(assignment.starts, 1):
                yield Visit(
                    expert=pins.get(number, assignment.expert),
                    engagement=engagement.id,
                    session=number,
                    start=start,
                    minutes=engagement.durations[number - 1],
                    place=engagement.place,
                    held=number in pins,
                )

    def _take_out(self, a: int) -> Assignment | None:
        """Take an engagement's free sessions out; returns what it had, None where it had none."""
        pair = self.schedule.pair[a]
        if pair == NOBODY:
            return None
        before = self.assignment(self.problem.engagements[a].id)
        days = self.schedule.day[a, : self.schedule.served[a]].copy()
        remove(self.grid, self.schedule, a)
        expert = self.grid.pair_expert[pair]
        if before and not all(rest_holds(self.grid, self.schedule, expert, day) for day in days):
            self._book(before)
            raise Inseparable(
                f"without the sessions of {before.engagement} the way between two others "
                f"of {before.expert} is too long"
            )
        return before

    def _book(self, assignment: Assignment) -> None:
        """Enter an assignment whose free sessions are out; pinned sessions stand already."""
        a = self._number[assignment.engagement]
        grid, count = self.grid, len(assignment.starts)
        days, minutes = np.zeros((2, MAX_SESSIONS), dtype=np.int64)
        for number, start in enumerate(assignment.starts):
            days[number], minutes[number] = split_moment(self.problem.calendar.first_day, start)
        if (grid.pin_day[a, :count] != NO_DAY).all():
            return
        pair = self._pair(a, assignment.expert)
        cost = cost_with(grid, pair, count, days, minutes)
        insert(grid, self.schedule, pair, count, days, minutes, cost)

    def _pair(self, a: int, expert_id: str) -> int:
        """The pair of an engagement and one of the experts who may serve it."""
        pairs = range(self.grid.pair_offset[a], self.grid.pair_offset[a + 1])
        experts = self.problem.experts
        return next(p for p in pairs if experts[self.grid.pair_expert[p]].id == expert_id)

    def _starts(self, days: IntArray, minutes: IntArray, count: int) -> tuple[Moment, ...]:
        return tuple(
            self._midnight + dt.timedelta(days=int(day), minutes=int(minute))
            for day, minute in zip(days[:count], minutes[:count], strict=True)
        )


def solve_one(file: ProblemFile, engagement_id: str) -> Plan:
    """The best plan of a problem in which one engagement alone has a choice: proven, at once.

    Raises:
        KeyError: the problem has no such engagement.
        ValueError: another engagement has a choice too.
    """
    started = time.monotonic()
    for each in file.problem.engagements:
        if each.id != engagement_id and each.candidates and len(each.pinned) < len(each.durations):
            raise ValueError(f"{each.id} has candidates and sessions that are not pinned")
    try:
        standing = StandingPlan(file)
    except UnsoundPlan as unsound:
        return _no_plan(file, unsound.reasons)
    for offer in standing.best_offers(engagement_id):
        if offer.change <= 0:
            standing.insert(offer)
    stuck = standing.unkept_pins
    if stuck:
        return _no_plan(file, stuck)
    return standing.plan(optimal=True, seconds=round(time.monotonic() - started, 3))


def _no_plan(file: ProblemFile, conflicts: tuple[str, ...]) -> Plan:
    """The empty plan of a problem whose pins contradict each other."""
    return Plan(
        problem=file.problem.name,
        problem_sha256=file.sha256,
        assignments=(),
        cost=cost_of(file.problem, ()),
        bound=0,
        gap=gap_of(cost_of(file.problem, ()).total, 0),
        status="infeasible_pins",
        solver=_record(0.0),
        conflicts=conflicts,
    )


def _record(seconds: float) -> SolverRecord:
    return SolverRecord(version=solver_version(), seed=0, workers=1, seconds=seconds)


def _pass_judge(file: ProblemFile, plan: Plan) -> None:
    verdict = judge(file.json, plan.to_json(), sha256=file.sha256)
    if not verdict.holds:
        raise UnsoundPlan(broken.text for broken in verdict.broken)
