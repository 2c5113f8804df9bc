"""solve(): the stages in order; limits, progress, cancel, seed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solver.bound import AssignmentProblem, assignment_problem, price_capacity, solve_assignment
from solver.columns import Columns, Limits
from solver.construct import construct, order_pairs
from solver.cost import cost_of
from solver.exact import MOST_STARTS, count_starts, solve_exactly
from solver.executors import Shared, open_workers, split
from solver.grid import MAX_SESSIONS, Grid, compile_grid, one_a_day, relax, share_weeks
from solver.improve import Improver
from solver.incumbent import Incumbent, Progress
from solver.lagrangian import Lagrangian
from solver.memo import PairTable
from solver.pieces import Ground, price_range
from solver.pins import broken_pins
from solver.plan import Assignment, Plan, SolverRecord, Status, gap_of, solver_version
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.schedule import (
    NEVER,
    NOBODY,
    UNSERVABLE,
    Rows,
    Schedule,
    all_rows,
    pinned_schedule,
    total_cost,
)
from solver.validation import judge
from solver.warm_start import keep_published

CAPACITY_STEPS, KNAPSACK_STEPS = 600, 300
"""Subgradient steps of the first two bounds; both have nearly converged by then."""

KNAPSACK_SHARE = 0.05
"""The share of the time that steps of the second bound may take at the most."""

LAGRANGIAN_STEPS = 5
"""Steps of the third bound after each round of search, where a run is limited in work."""

PRICE_RANGES = 4
"""Ranges of pairs to price for each worker: some take longer than others."""

COLUMNS_STEPS, COLUMNS_SHARE = 100, 0.35
"""Rounds of column generation at the most, and the share of the time left that they may take."""

BEFORE_COLUMNS_SHARE, SECONDS_AN_ENGAGEMENT = 0.12, 0.03
"""The share of the time in which a plan is searched before columns are generated; a small plan is
as good as searching alone makes it after so many seconds for each engagement."""

CONVERGING_SHARE = 0.15
"""The part of that in which the third bound may come to its end before."""

LISTING_SHARE, CHOICE_SHARE = 0.1, 0.5
"""The shares of the time left in which more columns are listed, and CP-SAT chooses among them."""

MOST_OPTIONS = 6_000
"""The largest assignment that CP-SAT is asked to close; above it, searching helps more."""

LAST_SECONDS, JUDGE_SECONDS_A_BYTE = 1.0, 6e-7
"""What starting, writing and judging take, kept free at the end of the time limit."""


class PlanRejected(RuntimeError):
    """The judge found a rule broken in a finished plan: a fault of the solver."""


class NoPlanFound(RuntimeError):
    """The limit was reached before a plan was found that completes every pinned engagement."""


@dataclass(frozen=True)
class Parameters:
    """How long and how hard to search."""

    time_limit_seconds: float | None = 30.0
    workers: int | None = 1
    """How many pieces run at once; None for as many as the executor has cores."""
    seed: int = 0
    work_limit: int | None = None
    """Search steps of each worker; without a time limit the plan is the same every time."""
    executor: str = "local"
    """Where pieces run: `executors.open_workers` says what there is."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.time_limit_seconds is not None and self.time_limit_seconds <= 0:
            raise ValueError("the time limit must be more than 0 seconds")
        if self.time_limit_seconds is None and self.work_limit is None:
            raise ValueError("give a time limit or a work limit")
        if self.workers is not None and self.workers < 1:
            raise ValueError("at least 1 worker is needed")
        if self.work_limit is not None and self.work_limit < 1:
            raise ValueError("the work limit must be at least 1 step")
        if not 0 <= self.seed < 2**32:
            raise ValueError("the seed must be a whole number from 0 to 4294967295")


def solve(
    file: ProblemFile,
    parameters: Parameters = Parameters(),  # frozen
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """Find a good plan and prove how good it is; the judge passes it before it is returned.

    Raises:
        PlanRejected: the judge found a rule broken; a fault of the solver, never of the problem.
        ExecutorError: there is no such executor, or it does not answer.
        NoPlanFound: pinned engagements could not be completed within the limit.
    """
    run = _Run(file, parameters, on_progress or (lambda _: None), cancelled or (lambda: False))
    with run.workers:
        conflicts = broken_pins(file.problem)
        if conflicts:
            return run.refuse(conflicts)
        run.price_pairs()
        conflicts = run.unkeepable_pins()
        if conflicts:
            return run.refuse(conflicts)
        run.bound()
        run.construct()
        conflicts = run.prove()
        if conflicts:
            return run.refuse(conflicts)
        run.improve()
    return run.finish()


class _Run:
    """One run: what the stages share."""

    def __init__(
        self,
        file: ProblemFile,
        parameters: Parameters,
        report: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._started = time.monotonic()
        self._file = file
        self._parameters = parameters
        self._report = report
        self._cancelled = cancelled
        self.workers = open_workers(parameters.executor, parameters.workers)
        self._columns: Columns | None = None
        self._deadline = float("inf")
        limit = parameters.time_limit_seconds
        if limit is not None:
            reserve = 0.03 * limit + LAST_SECONDS + JUDGE_SECONDS_A_BYTE * len(file.json)
            self._deadline = self._started + max(0.2 * limit, limit - reserve)

    def price_pairs(self) -> None:
        """Compile the problem and price every pair alone."""
        self._grid: Grid = compile_grid(self._file.problem)
        self._schedule: Schedule = pinned_schedule(self._grid)
        self._incumbent = Incumbent(
            self._schedule, total_cost(self._grid, self._schedule), self._report
        )
        self._incumbent.enter("pairs")
        self._relaxed: Grid = relax(self._grid)
        ranges = split(len(self._grid.pair_expert), PRICE_RANGES * self.workers.number)
        costs = self.workers.complete(price_range, Shared(Ground(self._relaxed)), ranges)
        cost = np.concatenate([np.empty((0, MAX_SESSIONS + 1), dtype=np.int64), *costs])
        self._pairs: AssignmentProblem = assignment_problem(self._grid, self._schedule, cost)

    def unkeepable_pins(self) -> tuple[str, ...]:
        """The engagements whose pins no candidate can complete, even with nobody else served."""
        stuck = np.nonzero(self._pairs.nobody >= UNSERVABLE)[0]
        possible = np.zeros(len(self._pairs.nobody), dtype=bool)
        some = (self._pairs.cost < NEVER).any(axis=1)
        possible[self._pairs.pair_engagement[some]] = True
        return tuple(
            f"engagement {self._file.problem.engagements[a].id}: session "
            f"{self._grid.least[a]} is pinned, and a session before it fits nowhere"
            for a in stuck
            if not possible[a]
        )

    def bound(self) -> None:
        """Prove a first bound; its prices lead the construction."""
        self._incumbent.enter("bound")
        bound, self._price = price_capacity(self._pairs, CAPACITY_STEPS)
        self._capacity_bound = bound
        self._incumbent.raise_bound(bound)

    def construct(self) -> None:
        """Put every engagement in once."""
        self._incumbent.enter("construct")
        table = order_pairs(self._pairs, self._price)
        if any(engagement.current for engagement in self._file.problem.engagements):
            self._begin_from_published(table)
        construct(one_a_day(self._grid), self._schedule, table, self._out_of_time)
        self._offer(self._schedule)
        self._incumbent.report()
        self._lagrangian = Lagrangian(
            self._relaxed,
            pinned_schedule(self._grid),
            self._pairs,
            self._price,
            self.workers.threads,
            chunks=2 * self.workers.thread_count,
        )
        until = time.monotonic() + KNAPSACK_SHARE * (self._deadline - time.monotonic())
        for _ in range(KNAPSACK_STEPS):
            if self._lagrangian.is_finished or self._cancelled() or time.monotonic() >= until:
                break
            self._lagrangian.step(min(self._incumbent.cost, round(1.05 * self._capacity_bound)))
        self._incumbent.raise_bound(self._lagrangian.bound)
        self._lagrangian.price_time()

    def _begin_from_published(self, table: PairTable) -> None:
        """Keep what still holds of the published plan, then put in the rest."""
        published = keep_published(self._file.problem, self._grid)
        self._offer(published)
        self._incumbent.report()
        construct(one_a_day(self._grid), published, table, self._out_of_time)
        self._offer(published)

    def _raise_bound(self, enough: Callable[[], bool]) -> None:
        """Take steps of the Lagrangian until told, or a few where a run is limited in work."""
        steps = 0
        while not (self._lagrangian.is_finished or self._incumbent.is_optimal):
            self._lagrangian.step(self._incumbent.cost)
            self._incumbent.raise_bound(self._lagrangian.bound)
            steps += 1
            if self._parameters.work_limit is None:
                if enough():
                    break
            elif steps == LAGRANGIAN_STEPS:
                break

    def prove(self) -> tuple[str, ...]:
        """Close a small problem by CP-SAT; returns why it has no plan, where it has none."""
        if self._incumbent.is_optimal or self._out_of_time():
            return ()
        if count_starts(self._grid) > MOST_STARTS:
            return ()
        self._incumbent.enter("prove")
        proof = solve_exactly(
            self._grid, self._schedule, limits=self._limits(0.5), seed=self._parameters.seed
        )
        if proof.infeasible:
            return ("the pinned sessions leave no time to hold the sessions before them",)
        if proof.schedule is not None:
            self._offer(proof.schedule)
        self._incumbent.raise_bound(proof.bound)
        return ()

    def improve(self) -> None:
        """Search until the limit; a small assignment is closed when a good plan is known."""
        self._incumbent.enter("improve")
        improver = Improver(
            share_weeks(one_a_day(self._grid)),
            order_pairs(self._pairs, np.zeros_like(self._price)),
            self._incumbent,
            self.workers,
            self._parameters.seed,
        )
        work = self._parameters.work_limit
        done, began = 0, time.monotonic()
        first = self._share_before_columns()
        for share, close in (
            (first / 2, self._close_assignment),
            (first, self._generate_columns),
            (0.75, self._choose_columns),
            (1.0, None),
        ):
            part = None if work is None else round(share * work) - done
            until = began + share * (self._deadline - began)
            improver.run(until=until, work=part, stop=self._cancelled, beside=self._raise_bound)
            done += part or 0
            if close is None or self._is_over():
                continue
            self._incumbent.enter("bound")
            close()
            self._incumbent.enter("improve")

    def _share_before_columns(self) -> float:
        """The share of the time left after which columns are generated."""
        left = self._deadline - time.monotonic()
        enough = SECONDS_AN_ENGAGEMENT * len(self._grid.sessions)
        if self._parameters.work_limit is not None or enough >= BEFORE_COLUMNS_SHARE * left:
            return BEFORE_COLUMNS_SHARE
        return enough / left

    def _close_assignment(self) -> None:
        """Solve the assignment as an integer program, where it is small."""
        bound = solve_assignment(
            self._pairs,
            self._capacity_bound,
            self._price,
            self._incumbent.cost,
            most_options=MOST_OPTIONS,
            limits=self._limits(0.2),
        )
        self._incumbent.raise_bound(bound)

    def _generate_columns(self) -> None:
        """Raise the bound by whole caseloads of experts, then make a plan of the best ones."""
        if self._incumbent.cost >= UNSERVABLE:
            return
        until, stop = self._after(COLUMNS_SHARE)
        _, converged = self._after(CONVERGING_SHARE)
        self._raise_bound(lambda: converged() or stop())
        columns = self._columns = Columns(
            self._relaxed,
            share_weeks(one_a_day(self._grid)),
            self._pairs,
            self._lagrangian,
            self._incumbent.cost,
            self.workers.threads,
            self.workers.thread_count,
        )
        for _ in range(COLUMNS_STEPS):
            columns.step(stop, seconds=max(0.1, until - time.monotonic()))
            self._incumbent.raise_bound(columns.bound)
            self._incumbent.report()
            if columns.is_finished or self._incumbent.is_optimal or stop():
                break
        self._choose_columns()

    def _choose_columns(self) -> None:
        """Make a plan of the best caseloads; where all were looked at, that is a bound too."""
        if self._is_over() or self._columns is None:
            return
        _, listed = self._after(LISTING_SHARE)
        _, stop = self._after(LISTING_SHARE + CHOICE_SHARE)
        in_work = self._parameters.time_limit_seconds is None
        seconds = None if in_work else CHOICE_SHARE * (self._deadline - time.monotonic())
        limits = Limits(seconds, self._parameters.seed, stop)
        schedule, bound = self._columns.choose(
            self._incumbent.best, self._incumbent.cost, limits, listed
        )
        if schedule is not None:
            self._offer(schedule)
        self._incumbent.raise_bound(bound)

    def _limits(self, share: float) -> dict[str, float]:
        """CP-SAT's limit: a share of the time that is left, or work where only work is limited."""
        if self._parameters.time_limit_seconds is None:
            return {"max_deterministic_time": 60 * share}
        return {"max_time_in_seconds": max(0.05, share * (self._deadline - time.monotonic()))}

    def _after(self, share: float) -> tuple[float, Callable[[], bool]]:
        """When a share of the time left has passed; whether that is so, or all has to end."""
        until = time.monotonic() + share * (self._deadline - time.monotonic())
        return until, lambda: self._cancelled() or time.monotonic() >= until

    def _is_over(self) -> bool:
        return self._incumbent.is_optimal or self._out_of_time()

    def _out_of_time(self) -> bool:
        return self._cancelled() or time.monotonic() >= self._deadline

    def _offer(self, schedule: Schedule) -> None:
        self._incumbent.offer(all_rows(schedule), total_cost(self._grid, schedule))

    def finish(self) -> Plan:
        """Write the best plan and let the judge pass it."""
        if self._incumbent.cost >= UNSERVABLE:
            stuck = self._incumbent.best.cost >= UNSERVABLE
            names = [self._file.problem.engagements[a].id for a in np.nonzero(stuck)[0]]
            raise NoPlanFound(
                f"no way was found to complete the pinned sessions of {', '.join(names[:5])}; "
                "give more time, or unpin them"
            )
        plan = self._plan(assignments_of(self._file.problem, self._grid, self._incumbent.best))
        if plan.cost.total != self._incumbent.cost:
            raise PlanRejected(
                f"the search counts a cost of {self._incumbent.cost}, it is {plan.cost.total}"
            )
        verdict = judge(self._file.json, plan.to_json())
        if not verdict.holds:
            raise PlanRejected("; ".join(broken.text for broken in verdict.broken[:5]))
        self._incumbent.enter("done")
        return plan

    def refuse(self, conflicts: tuple[str, ...]) -> Plan:
        """The empty plan of a problem whose pins contradict each other."""
        return self._plan((), conflicts)

    def _plan(self, assignments: tuple[Assignment, ...], conflicts: tuple[str, ...] = ()) -> Plan:
        problem, parameters = self._file.problem, self._parameters
        cost = cost_of(problem, assignments)
        bound = 0 if conflicts else self._incumbent.bound
        optimal: Status = "optimal" if cost.total == bound else "feasible"
        return Plan(
            problem=problem.name,
            problem_sha256=self._file.sha256,
            assignments=assignments,
            cost=cost,
            bound=bound,
            gap=gap_of(cost.total, bound),
            status="infeasible_pins" if conflicts else optimal,
            solver=SolverRecord(
                version=solver_version(),
                seed=parameters.seed,
                workers=self.workers.number,
                seconds=round(time.monotonic() - self._started, 3),
                time_limit_seconds=parameters.time_limit_seconds,
                work_limit=parameters.work_limit,
            ),
            conflicts=conflicts,
        )


def assignments_of(problem: Problem, grid: Grid, best: Rows) -> tuple[Assignment, ...]:
    """The assignments of a best plan, in the order of the problem's engagements."""
    midnight = dt.datetime.combine(problem.calendar.first_day, dt.time())
    found = []
    for a in np.nonzero(best.served > 0)[0]:
        if best.pair[a] == NOBODY:
            expert = grid.pin_expert[a, grid.least[a] - 1]
        else:
            expert = grid.pair_expert[best.pair[a]]
        starts = tuple(
            midnight + dt.timedelta(days=int(day), minutes=int(minute))
            for day, minute in zip(
                best.day[a, : best.served[a]], best.minute[a, : best.served[a]], strict=True
            )
        )
        found.append(
            Assignment(
                engagement=problem.engagements[a].id,
                expert=problem.experts[expert].id,
                starts=starts,
            )
        )
    return tuple(found)
