"""A rerun that breaks as few promises as can be, and the price of stability: a point for each k.

`keep_promises` reaches the best service, and among the plans that do breaks the fewest promises;
`price_of_stability` gives the best service for at most k broken promises. What is left open is
decided by the problem's own weights, with everything pinned that stays as it is published.

Whatever trade is solved, its bound proves something of all others (`promises`). A large problem is
solved at the prices at which two known points are worth the same, as long as that gives a point
between them: the points of the lower hull (Aneja, Nair 1979). A small one is solved for each k.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from solver.cost import cost_of
from solver.engine import NoPlanFound, Parameters, PlanRejected, assignments_of, solve
from solver.exact import MOST_STARTS, count_starts, solve_exactly
from solver.grid import compile_grid
from solver.plan import Assignment, Plan, gap_of
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.promises import (
    Disturbance,
    PromiseProblem,
    disturbance,
    promise_problem,
    service_of,
    service_parts,
    weight_of_loss,
    with_kept,
)
from solver.schedule import all_rows, pinned_schedule
from solver.validation import judge
from solver.warm_start import keep_published

SERVICE_FIRST = 1_000
"""Broken promises that are worth less than the least service; an engagement weighs 10,000 at the
most, and so the scale is smaller where engagements weigh much."""

PROMISES_FIRST = 5_000
"""Service that is worth less than a broken promise."""

SHARE = 0.12
"""The share of the time that each of the solves may take."""

SHORTEST_SECONDS, MOST_SECONDS_OF_ONE = 1.0, 20.0
"""What a solve gets at least, and CP-SAT at the most where only work is limited."""


@dataclass(frozen=True)
class Point:
    """The best plan that is known for at most so many broken promises."""

    most_broken: int
    plan: Plan
    disturbance: Disturbance
    service: int
    """What it lacks of service; lower is better."""
    least_service: int
    """What every plan lacks that breaks no more promises."""
    least_broken: int
    """How many promises every plan breaks that lacks no more of service."""
    least_people: int
    """How many people every plan disturbs."""

    @property
    def is_proven(self) -> bool:
        """Whether no plan serves better for so many broken promises."""
        return self.service == self.least_service

    @property
    def is_least_disturbing(self) -> bool:
        """Whether no plan of this service breaks fewer promises."""
        return self.disturbance.broken == self.least_broken


@dataclass(frozen=True)
class _Known:
    """A plan's place between service and promises."""

    assignments: tuple[Assignment, ...]
    service: int
    broken: int


def unkeepable(problem: Problem) -> tuple[set[str], set[str]]:
    """The organizations and experts whom every plan disturbs: what is published cannot stand.

    Each engagement is looked at by itself: it is kept beside the pinned sessions alone.
    """
    organizations, experts = set(), set()
    published = [each for each in problem.engagements if each.current]
    alone = [each.model_copy(update={"current": None}) for each in problem.engagements]
    grid = compile_grid(problem)
    together = keep_published(problem, grid)
    number = {each.id: a for a, each in enumerate(problem.engagements)}
    for each in published:
        a, current = number[each.id], each.current
        held = {pin.session for pin in each.pinned}
        if current is None or len(held | set(range(1, len(current.starts) + 1))) == len(held):
            continue
        if together.served[a] >= len(current.starts):
            continue
        only = (*alone[:a], each, *alone[a + 1 :])
        one = problem.model_copy(update={"engagements": only})
        if keep_published(one, grid).served[a] < len(current.starts):
            organizations.add(each.id)
            experts.add(current.expert)
    return organizations, experts


def keep_promises(
    file: ProblemFile,
    parameters: Parameters,
    *,
    cancelled: Callable[[], bool] | None = None,
) -> Point:
    """The best service, and the fewest broken promises with which it is reached.

    Raises:
        NoPlanFound: pinned engagements could not be completed within the limit.
        PlanRejected: the judge found a rule broken; a fault of the solver.
    """
    search = _Search(file, parameters, cancelled)
    found = search.trade(SERVICE_FIRST, search.unit)
    if search.is_small:
        found = search.fewest(found)
    return search.point(found, found.broken)


def price_of_stability(
    file: ProblemFile,
    parameters: Parameters,
    *,
    most: int = 10,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Point, ...]:
    """For each number of broken promises, from the fewest possible on, the best service.

    There are at most `most` + 1 points; the last is the first that reaches the best service.
    Raises what `keep_promises` raises.
    """
    search = _Search(file, parameters, cancelled)
    best = search.trade(SERVICE_FIRST, search.unit)
    stable = search.trade(1, PROMISES_FIRST * search.unit)
    if search.is_small:
        for broken in range(stable.broken, min(best.broken, stable.broken + most + 1)):
            search.within(broken)
    else:
        search.between(stable, best)
    last = min(best.broken, stable.broken + most)
    return tuple(search.point(search.best(k), k) for k in range(stable.broken, last + 1))


class _Search:
    """What is known so far: plans, and what the bounds of trades prove."""

    def __init__(
        self, file: ProblemFile, parameters: Parameters, cancelled: Callable[[], bool] | None
    ) -> None:
        self._file, self._problem = file, file.problem
        self._parameters = parameters
        self._cancelled = cancelled or (lambda: False)
        limit = parameters.time_limit_seconds
        self._until = time.monotonic() + limit if limit else None
        self._bounds: list[tuple[PromiseProblem, int]] = []
        self._exact: dict[int, int] = {}
        self._known: list[_Known] = []
        self._finished: dict[tuple[Assignment, ...], Plan] = {}
        organizations, experts = unkeepable(file.problem)
        self._people = len(organizations) + len(experts)
        self._nothing = service_of(file.problem, ())
        self.unit = max(1, service_parts(file.problem)[1])
        self.is_small = count_starts(compile_grid(file.problem)) <= MOST_STARTS

    def _seconds(self) -> float | None:
        """What the next solve may take; None where only work is limited."""
        seconds = self._parameters.time_limit_seconds
        if seconds is None or self._until is None:
            return None
        return max(SHORTEST_SECONDS, min(SHARE * seconds, self._until - time.monotonic()))

    def _solve(self, file: ProblemFile) -> Plan:
        parameters = replace(self._parameters, time_limit_seconds=self._seconds())
        plan = solve(file, parameters, cancelled=self._cancelled)
        if plan.status == "infeasible_pins":
            raise NoPlanFound(f"no plan keeps all pinned sessions: {'; '.join(plan.conflicts)}")
        return plan

    def _learn(self, assignments: tuple[Assignment, ...]) -> _Known:
        known = _Known(
            assignments,
            service_of(self._problem, assignments),
            disturbance(self._problem, assignments).broken,
        )
        self._known.append(known)
        return known

    def trade(self, scale: int, price: int) -> _Known:
        """Solve the trade at a price; keep what it proves."""
        traded = promise_problem(self._problem, scale, price)
        plan = self._solve(traded.file)
        self._bounds.append((traded, plan.bound))
        return self._learn(plan.assignments)

    def between(self, stable: _Known, best: _Known) -> None:
        """Find the points of the lower hull between two."""
        more, less = best.broken - stable.broken, stable.service - best.service
        if more <= 1 or less <= 0 or self._is_over():
            return
        middle = self.trade(self.unit * more, self.unit * less)
        gain = more * (stable.service - middle.service) - less * (middle.broken - stable.broken)
        if gain > 0:
            self.between(stable, middle)
            self.between(middle, best)

    def within(self, broken: int) -> None:
        """Solve a small problem for at most so many broken promises."""
        traded = promise_problem(self._problem, SERVICE_FIRST, 1)
        grid = compile_grid(traded.file.problem)
        proof = solve_exactly(
            grid,
            pinned_schedule(grid),
            limits={"max_time_in_seconds": self._seconds() or MOST_SECONDS_OF_ONE},
            seed=self._parameters.seed,
            promises=(broken, weight_of_loss(self._problem)),
        )
        impossible = self._nothing + 1
        least = impossible if proof.infeasible else traded.least_service(proof.bound, broken)
        self._exact[broken] = least
        if proof.schedule is not None:
            rows = all_rows(proof.schedule)
            self._learn(assignments_of(self._problem, grid, rows))

    def fewest(self, found: _Known) -> _Known:
        """Break one promise less, as long as a small problem is served as well."""
        while found.broken > 0:
            self.within(found.broken - 1)
            less = [e for e in self._known if e.broken < found.broken]
            better = [each for each in less if each.service <= found.service]
            if not better:
                break
            found = min(better, key=lambda each: (each.service, each.broken))
        return found

    def best(self, broken: int) -> _Known:
        """The best known plan that breaks so many promises at the most."""
        able = [each for each in self._known if each.broken <= broken]
        return min(able, key=lambda each: (each.service, each.broken))

    def point(self, known: _Known, most: int) -> Point:
        """Finish a plan by the problem's own weights, and say what is proven of it."""
        if known.assignments not in self._finished:
            self._finished[known.assignments] = self._finish(known)
        plan = self._finished[known.assignments]
        service = service_of(self._problem, plan.assignments)
        return Point(
            most,
            plan,
            disturbance(self._problem, plan.assignments),
            service,
            max(
                self._exact.get(most, 0),
                *(traded.least_service(bound, most) for traded, bound in self._bounds),
            ),
            max(
                *(broken + 1 for broken, least in self._exact.items() if least > service),
                *(traded.least_broken(bound, service) for traded, bound in self._bounds),
                0,
            ),
            self._people,
        )

    def _finish(self, known: _Known) -> Plan:
        """The cheapest plan beside what stays; a published time with a new expert stays last."""
        for reassigned in (False, True):
            kept = with_kept(self._problem, known.assignments, reassigned=reassigned)
            try:
                plan = self._solve(ProblemFile.from_problem(kept))
            except NoPlanFound:
                continue
            again = self._learn(plan.assignments)
            if again.service <= known.service and again.broken <= known.broken:
                return self._judged(plan, plan.assignments)
        return self._judged(plan, known.assignments)

    def _judged(self, made: Plan, assignments: tuple[Assignment, ...]) -> Plan:
        """A plan for the problem itself; its cost is proven for nothing but what may move."""
        cost = cost_of(self._problem, assignments)
        plan = Plan(
            problem=self._problem.name,
            problem_sha256=self._file.sha256,
            assignments=assignments,
            cost=cost,
            bound=0,
            gap=gap_of(cost.total, 0),
            status="optimal" if cost.total == 0 else "feasible",
            solver=made.solver,
        )
        verdict = judge(self._file.json, plan.to_json(), sha256=self._file.sha256)
        if not verdict.holds:
            raise PlanRejected("; ".join(broken.text for broken in verdict.broken[:5]))
        return plan

    def _is_over(self) -> bool:
        late = self._until is not None and time.monotonic() >= self._until
        return late or self._cancelled()
