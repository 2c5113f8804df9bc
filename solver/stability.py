"""A rerun that breaks as few promises as can be, and the price of stability: a point for each k.

`keep_promises` reaches the best service, and among the plans that do breaks the fewest promises;
`price_of_stability` gives the best service for at most k broken promises. What is left open is
decided by the problem's own weights, with everything pinned that stays as it is published. Before
that the problem is solved by its weights alone: its bound is that of every plan here.

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
from solver.incumbent import Progress, Stage
from solver.plan import Assignment, Plan, SolverRecord, gap_of
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.promises import (
    Disturbance,
    PromiseProblem,
    disturbance,
    most_broken,
    promise_problem,
    service_of,
    service_parts,
    weight_of_loss,
    with_kept,
    with_spared,
)
from solver.schedule import all_rows, pinned_schedule
from solver.validation import judge
from solver.warm_start import keep_published

SERVICE_FIRST = 1_000
"""Broken promises that are worth less than the least service; an engagement weighs 10,000 at the
most, and so the scale is smaller where engagements weigh much."""

PROMISES_FIRST = 5_000
"""Service that is worth less than a broken promise."""

WEIGHING_SHARE, TRADE_SHARE, HULL_SHARE = 0.25, 0.4, 0.15
"""The shares of the time left in which the problem is solved by its own weights, service and
promises are traded for a rerun, and for one point of the hull."""

SHORTEST_SECONDS = 1.0
"""What a solve gets at least."""

WORK_OF_ONE = 20.0
"""The deterministic time that CP-SAT gets at the most where only work is limited."""


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
    """A plan's place between service and promises, and what it costs."""

    assignments: tuple[Assignment, ...]
    service: int
    broken: int
    people: int
    cost: int

    def rank(self) -> tuple[int, int, int, int]:
        """Service comes first, then promises, people and cost; lower is better."""
        return self.service, self.broken, self.people, self.cost


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
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Point:
    """The best service, and the fewest broken promises with which it is reached.

    The plan's `bound` is the least that any plan costs, whatever it breaks.

    Raises:
        NoPlanFound: pinned engagements could not be completed within the limit.
        PlanRejected: the judge found a rule broken; a fault of the solver.
    """
    search = _Search(file, parameters, on_progress, cancelled)
    search.weigh()
    search.trade(SERVICE_FIRST, search.unit, TRADE_SHARE)
    search.spare_people()
    if search.is_small:
        search.fewest()
    best = search.best()
    return search.point(best, best.broken, share=1.0)


def price_of_stability(
    file: ProblemFile,
    parameters: Parameters,
    *,
    most: int = 10,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Point, ...]:
    """For each number of broken promises, from the fewest possible on, the best service.

    There are at most `most` + 1 points; the last is the first that reaches the best service.
    Raises what `keep_promises` raises.
    """
    search = _Search(file, parameters, on_progress, cancelled)
    search.weigh()
    best = search.trade(SERVICE_FIRST, search.unit, HULL_SHARE)
    search.trade(1, PROMISES_FIRST * search.unit, HULL_SHARE)
    # A trade charges nothing for a session of an engagement that is published in part.
    search.spare_people(HULL_SHARE)
    stable = search.most_stable()
    if search.is_small:
        for broken in range(stable.broken, min(best.broken, stable.broken + most + 1)):
            search.within(broken)
    else:
        search.between(stable, best)
    fewest, last = search.fewest_broken, min(search.best().broken, search.fewest_broken + most)
    return tuple(
        search.point(search.best(broken), broken, share=1 / (last + 1 - broken))
        for broken in range(fewest, last + 1)
    )


class _Search:
    """What is known so far: plans, and what the bounds of trades prove."""

    def __init__(
        self,
        file: ProblemFile,
        parameters: Parameters,
        on_progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._file, self._problem = file, file.problem
        self._parameters = parameters
        self._report = on_progress or (lambda _: None)
        self._cancelled = cancelled or (lambda: False)
        self._started = time.monotonic()
        limit = parameters.time_limit_seconds
        self._until = self._started + limit if limit else None
        self._bounds: list[tuple[PromiseProblem, int]] = []
        self._exact: dict[int, int] = {}
        self._known: list[_Known] = []
        self._finished: dict[tuple[Assignment, ...], Plan] = {}
        self._disturbed, experts = unkeepable(file.problem)
        self._people = len(self._disturbed) + len(experts)
        self._service_if_spared = 0
        self._nothing = service_of(file.problem, ())
        self.unit = max(1, service_parts(file.problem)[1])
        self.is_small = count_starts(compile_grid(file.problem)) <= MOST_STARTS

    @property
    def fewest_broken(self) -> int:
        """The fewest promises that a known plan breaks."""
        return min(each.broken for each in self._known)

    def most_stable(self) -> _Known:
        """The best of the known plans that break the fewest promises."""
        return min(self._known, key=lambda each: (each.broken, each.rank()))

    def weigh(self) -> None:
        """Solve the problem by its own weights: a first plan, and the bound of every cost."""
        self._weighed = self._solve(self._file, WEIGHING_SHARE, self._report_weighing)
        self._learn(self._weighed.assignments)

    def _report_weighing(self, progress: Progress) -> None:
        """Report on, but for the end: it is not that of the search."""
        if progress.stage != "done":
            self._report(progress)

    def _seconds(self, share: float) -> float | None:
        """What the next solve may take of the time left; None where only work is limited."""
        if self._until is None:
            return None
        shortest = min(SHORTEST_SECONDS, WEIGHING_SHARE * (self._until - self._started))
        return max(shortest, share * (self._until - time.monotonic()))

    def _solve(
        self, file: ProblemFile, share: float, report: Callable[[Progress], None] | None = None
    ) -> Plan:
        work = self._parameters.work_limit
        parameters = replace(
            self._parameters,
            time_limit_seconds=self._seconds(share),
            work_limit=None if work is None else max(1, round(share * work)),
        )
        plan = solve(file, parameters, on_progress=report or self._go_on, cancelled=self._cancelled)
        if plan.status == "infeasible_pins":
            raise NoPlanFound(f"no plan keeps all pinned sessions: {'; '.join(plan.conflicts)}")
        return plan

    def _go_on(self, _: Progress) -> None:
        """Report the figures that are known: those of a trade are none of the problem's."""
        self._tell("promises", self._weighed)

    def _tell(self, stage: Stage, plan: Plan) -> None:
        seconds = time.monotonic() - self._started
        served = sum(bool(each.starts) for each in plan.assignments)
        self._report(Progress(stage, seconds, plan.cost.total, plan.bound, plan.gap, served))

    def _learn(self, assignments: tuple[Assignment, ...]) -> _Known:
        changed = disturbance(self._problem, assignments)
        known = _Known(
            assignments,
            service_of(self._problem, assignments),
            changed.broken,
            changed.people,
            cost_of(self._problem, assignments).total,
        )
        self._known.append(known)
        return known

    def trade(self, scale: int, price: int, share: float) -> _Known:
        """Solve the trade at a price; keep what it proves."""
        traded = promise_problem(self._problem, scale, price)
        try:
            plan = self._solve(traded.file, share)
        except NoPlanFound:
            return self.best()
        self._bounds.append((traded, plan.bound))
        return self._learn(plan.assignments)

    def spare_people(self, share: float = TRADE_SHARE) -> None:
        """Look for a plan that changes nothing for anybody but those who cannot be kept."""
        spared = with_spared(self._problem, self._disturbed)
        traded = promise_problem(spared, SERVICE_FIRST, self.unit)
        try:
            plan = self._solve(traded.file, share)
        except NoPlanFound:
            return
        self._learn(plan.assignments)
        most = most_broken(self._problem, self._disturbed)
        self._service_if_spared = traded.least_service(plan.bound, most)

    def between(self, stable: _Known, best: _Known) -> None:
        """Find the points of the lower hull between two."""
        more, less = best.broken - stable.broken, stable.service - best.service
        if more <= 1 or less <= 0 or self._is_over():
            return
        middle = self.trade(self.unit * more, self.unit * less, HULL_SHARE)
        gain = more * (stable.service - middle.service) - less * (middle.broken - stable.broken)
        if gain > 0:
            self.between(stable, middle)
            self.between(middle, best)

    def within(self, broken: int) -> None:
        """Solve a small problem for at most so many broken promises."""
        traded = promise_problem(self._problem, SERVICE_FIRST, 1)
        grid = compile_grid(traded.file.problem)
        seconds = self._seconds(HULL_SHARE)
        proof = solve_exactly(
            grid,
            pinned_schedule(grid),
            limits={"max_deterministic_time": WORK_OF_ONE}
            if seconds is None
            else {"max_time_in_seconds": seconds},
            seed=self._parameters.seed,
            promises=(broken, weight_of_loss(self._problem)),
        )
        impossible = self._nothing + 1
        least = impossible if proof.infeasible else traded.least_service(proof.bound, broken)
        self._exact[broken] = least
        if proof.schedule is not None:
            rows = all_rows(proof.schedule)
            self._learn(assignments_of(self._problem, grid, rows))

    def fewest(self) -> None:
        """Break one promise less, as long as a small problem is served as well."""
        found = self.best()
        while found.broken > 0 and not self._is_over():
            self.within(found.broken - 1)
            better = self.best()
            if better.broken == found.broken:
                break
            found = better

    def best(self, broken: int | None = None) -> _Known:
        """The best known plan, or the best of those that break so many promises at the most."""
        able = [each for each in self._known if broken is None or each.broken <= broken]
        return min(able, key=_Known.rank)

    def point(self, known: _Known, most: int, share: float) -> Point:
        """Finish a plan by the problem's own weights, and say what is proven of it."""
        if known.assignments not in self._finished:
            self._finished[known.assignments] = self._finish(known, share)
        plan = self._finished[known.assignments]
        service = service_of(self._problem, plan.assignments)
        self._tell("done", plan)
        return Point(
            most,
            plan,
            disturbance(self._problem, plan.assignments),
            service,
            self._least_service(most),
            self._least_broken(service),
            self._people + self._one_more(service),
        )

    def _least_service(self, broken: int) -> int:
        """What every plan lacks of service that breaks no more promises."""
        proven = [traded.least_service(bound, broken) for traded, bound in self._bounds]
        return max(0, self._exact.get(broken, 0), *proven)

    def _least_broken(self, service: int) -> int:
        """How many promises every plan breaks that serves as well.

        There is one at least for each engagement that cannot be kept.
        """
        exact = [broken + 1 for broken, least in self._exact.items() if least > service]
        proven = [traded.least_broken(bound, service) for traded, bound in self._bounds]
        return max(len(self._disturbed) + self._one_more(service), *exact, *proven, 0)

    def _one_more(self, service: int) -> int:
        """Whether somebody else has to be disturbed: 1 if so, for all that is proven."""
        return int(self._service_if_spared > service)

    def _finish(self, known: _Known, share: float) -> Plan:
        """The cheapest plan beside what stays; a published time with a new expert stays last."""
        for reassigned in (False, True):
            if self._is_over():
                break
            kept = with_kept(self._problem, known.assignments, reassigned=reassigned)
            try:
                plan = self._solve(ProblemFile.from_problem(kept), share)
            except NoPlanFound:
                continue
            again = self._learn(plan.assignments)
            if again.service <= known.service and again.broken <= known.broken:
                return self._judged(min(known, again, key=_Known.rank))
        return self._judged(known)

    def _judged(self, known: _Known) -> Plan:
        """A plan for the problem itself."""
        cost, bound = cost_of(self._problem, known.assignments), self._weighed.bound
        plan = Plan(
            problem=self._problem.name,
            problem_sha256=self._file.sha256,
            assignments=known.assignments,
            cost=cost,
            bound=bound,
            gap=gap_of(cost.total, bound),
            status="optimal" if cost.total == bound else "feasible",
            solver=self._record(),
        )
        verdict = judge(self._file.json, plan.to_json(), sha256=self._file.sha256)
        if not verdict.holds:
            raise PlanRejected("; ".join(broken.text for broken in verdict.broken[:5]))
        return plan

    def _record(self) -> SolverRecord:
        """Who made a plan: with the limits of the whole, which a replay needs."""
        return self._weighed.solver.model_copy(
            update={
                "seconds": round(time.monotonic() - self._started, 3),
                "time_limit_seconds": self._parameters.time_limit_seconds,
                "work_limit": self._parameters.work_limit,
            }
        )

    def _is_over(self) -> bool:
        late = self._until is not None and time.monotonic() >= self._until
        return late or self._cancelled()
