"""Column generation over caseloads: a bound close to the best plan, and a plan close to the bound.

What serving each engagement is worth, w, gives a bound: the sum of w, and for each expert the least
that a caseload costs less the worth of its engagements (Dantzig, Wolfe 1960; the bound at any w:
Farley 1990). The w at which that is highest for the caseloads met so far is found by subgradient
steps, and where these bring nothing more by a linear program; experts answer with caseloads that
were not thought of, until there are none. Caseloads that cost too much at w stand in no better
plan; of the others an integer program makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from solver.bound import AssignmentProblem
from solver.caseloads import END, MOST_LISTED, OPTIONS, find_dates, list_caseloads, new_dates
from solver.grid import Grid, IntArray
from solver.joint import Tree, new_tree
from solver.knapsack import Room, excesses
from solver.lagrangian import Lagrangian
from solver.master import LinearMaster, choose_caseloads
from solver.patterns import Paths, new_paths
from solver.pool import Caseload, Pool
from solver.schedule import FINE, NEVER, NOBODY, Rows, Schedule, insert, pinned_schedule
from solver.selection import Selection

MOST_NEW = 400
"""Caseloads of one expert that are dated in one round, the cheapest first."""

WITHIN = FINE
"""How far above the cheapest one caseloads are listed at the least."""

WIDTH, WIDEST, NARROWEST = 10.0, 1000.0, 0.5
WIDER, NARROWER = 1.5, 0.5
"""The box of prices: how wide it is at first, at the most and at the least, and how it changes."""

LITTLE = 2e-4
"""The share of the bound below which what steps promise is too little: a linear program sees more,
with MOST_LINEAR caseloads at the most."""

MOST_LINEAR = 60_000
"""Above so many caseloads the linear program takes longer than its prices are worth."""

MOST_KNOWN = 1_000_000
"""Caseloads after which no more are looked for: each takes about a kilobyte."""

WIDE = 15 * FINE
"""Caseloads that cost more than this above the cheapest are kept out of the linear program."""

MOST_CLOSING, FEWEST_CLOSING = 60_000, 200
"""Caseloads dated before a plan is made of them: an equal share of so many for each expert, and
where experts are many, so many for each."""

MOST_CHOICES = 12_000
"""Caseloads from which a plan is made."""

NEAR = 20 * FINE
"""Caseloads that cost more than this above the cheapest are not chosen among, where many are."""

WORK, WORK_OF_MANY, MOST_NEIGHBOURHOODS = 20.0, 2.0, 8
"""Without a time limit: CP-SAT's deterministic time for one model, for one of many; how many."""

SECONDS_OF_MANY = 3.0
"""CP-SAT's time for one neighbourhood; most are closed in one second."""

AT_ONCE = 8
"""Caseloads of an expert that are dated between two looks at the clock and the cheapest."""

NOT_ASKED = -NEVER
"""The least that caseloads of an expert could cost who was not asked."""

ENOUGH = 0.5
"""The rise of the bound, in costs, below which a round brought nothing."""

PATIENCE = 3
"""Rounds that brought nothing, in the narrowest box, after which columns are finished."""


@dataclass(frozen=True)
class Limits:
    """How long to choose: `seconds`, or work alone where there are none."""

    seconds: float | None
    seed: int
    stop: Callable[[], bool]

    @property
    def most(self) -> int | None:
        """How many neighbourhoods are solved where only work is limited."""
        return None if self.seconds is not None else MOST_NEIGHBOURHOODS

    def of_one(self) -> dict[str, float]:
        """CP-SAT's limit for a model that is solved once."""
        if self.seconds is None:
            return {"max_deterministic_time": WORK}
        return {"max_time_in_seconds": max(0.05, self.seconds)}

    def of_many(self) -> dict[str, float]:
        """CP-SAT's limit for one of many models."""
        if self.seconds is None:
            return {"max_deterministic_time": WORK_OF_MANY}
        return {"max_time_in_seconds": max(0.05, min(SECONDS_OF_MANY, self.seconds / 4))}


class _Desk:
    """What a thread dates caseloads with."""

    def __init__(self, grid: Grid) -> None:
        self.schedule: Schedule = pinned_schedule(grid)
        self.tree: Tree = new_tree(grid, self.schedule)
        self.paths: Paths = new_paths(grid)
        members = self.schedule.member.shape[1]
        self.options = np.zeros((MOST_LISTED, members), dtype=np.int64)
        self.value = np.zeros(MOST_LISTED, dtype=np.int64)


class _Expert:
    """The options of one expert, and the caseloads that were dated."""

    def __init__(
        self, number: int, problem: AssignmentProblem, priced: IntArray, held: int
    ) -> None:
        """`priced` (P, 6) is what options cost with the time of experts priced, in 1 / FINE.

        `held` is what the expert's whole capacity costs at those prices: what a caseload is
        counted too much at the most.
        """
        first, last = problem.expert_offset[number], problem.expert_offset[number + 1]
        self.number = number
        self.pairs = problem.expert_pairs[first:last]
        self.engagements = problem.pair_engagement[self.pairs]
        self.priced = np.where(problem.cost[self.pairs] < NEVER, priced[self.pairs], NEVER)
        self.free = problem.free[self.pairs]
        self.limits = Room(
            int(problem.room[number]), int(problem.cheap[number]), int(problem.overload)
        )
        self.held = held


class Columns:
    """The caseloads of all experts, what they prove and what plan they make."""

    def __init__(
        self,
        relaxed: Grid,
        grid: Grid,
        problem: AssignmentProblem,
        lagrangian: Lagrangian,
        ceiling: int,
        executor: Executor,
        threads: int,
    ) -> None:
        """Start from the prices of a Lagrangian; only plans cheaper than `ceiling` matter."""
        self._priced, held = lagrangian.priced(), lagrangian.held()
        self._relaxed, self._grid = relaxed, grid
        # Where both grids say the same, dates of the bound are dates of the plan.
        self._agree = bool(
            (relaxed.travel == grid.travel).all() and (relaxed.min_gap == grid.min_gap).all()
        )
        self._problem = problem
        self._nobody = np.minimum(problem.nobody, ceiling + 1)
        self._executor = executor
        self._desks = [_Desk(grid) for _ in range(threads)]
        self._experts = [
            _Expert(number, problem, self._priced, int(held[number]))
            for number in range(len(problem.room))
        ]
        self._worth = lagrangian.worth
        self._pool = Pool(len(problem.room))
        self._in_master = np.empty(0, dtype=np.bool_)
        self._master: LinearMaster | None = None
        self._best, self._ceiling = -NEVER, ceiling
        self._width = WIDTH
        self._idle = 0
        self._choices = 0

    @property
    def bound(self) -> int:
        """The best bound so far, as the least integer cost at or above it."""
        return min(self._ceiling, -(-self._best // FINE))

    @property
    def is_finished(self) -> bool:
        """Whether further rounds would bring nothing."""
        return self._idle >= PATIENCE or len(self._pool) > MOST_KNOWN

    def step(self, stop: Callable[[], bool], seconds: float = float("inf")) -> None:
        """Price the engagements, let the experts answer, and compute the bound.

        `seconds` is how long until `stop`. A step that was stopped changes nothing but what is
        known.
        """
        worth = self._reprice(seconds) if len(self._pool) else self._worth
        value = self._ask_all(worth, stop)
        if value is None:
            return
        if value > self._best + ENOUGH * FINE:
            self._idle = 0
        else:
            self._idle += self._width <= NARROWEST
        if value > self._best:
            self._best, self._worth = value, worth
            self._width = min(WIDEST, self._width * WIDER)
        else:
            self._width = max(NARROWEST, self._width * NARROWER)

    def _reprice(self, seconds: float) -> IntArray:
        """The prices near the best ones at which the known caseloads prove the most."""
        value, worth = self._pool.price(self._nobody, self._worth, round(FINE * self._width))
        promised = value + FINE * self._problem.constant - self._best
        if promised > LITTLE * abs(self._best) or len(self._pool) > MOST_LINEAR:
            return worth
        if self._master is None:
            self._master = LinearMaster(self._nobody, len(self._experts))
        surplus = self._pool.surplus(self._worth)
        near = surplus - self._pool.cheapest(surplus)[self._pool.owner] < WIDE
        near[: len(self._in_master)] &= ~self._in_master
        self._master.add([self._pool.caseloads[i] for i in np.nonzero(near)[0]])
        near[: len(self._in_master)] |= self._in_master
        self._in_master = near
        exact = self._master.solve(self._worth, self._width, seconds)
        return worth if exact is None else exact

    def _ask_all(self, worth: IntArray, stop: Callable[[], bool]) -> int | None:
        """The bound at `worth`, None where `stop` came first; dates what is cheap.

        It rests on the least cost of what is known, and on the reach of what is not.
        """
        reach = self._list_all(worth, 0 if len(self._pool) else None, MOST_NEW, stop)
        if (reach == NOT_ASKED).any():
            return None
        cheapest = self._pool.cheapest(self._pool.surplus(worth))
        value = int(np.minimum(worth, FINE * self._nobody).sum())
        value += FINE * self._problem.constant
        return value + int(np.minimum(cheapest, reach).sum())

    def _list_all(
        self, worth: IntArray, slack: int | None, most: int, stop: Callable[[], bool]
    ) -> IntArray:
        """Date what is cheap; returns what every caseload costs that is not known (E,).

        That is what could cost up to `slack` above the cheapest one of its expert; None where
        so little is known that this is too much.
        """
        reach = np.full(len(self._experts), NOT_ASKED, dtype=np.int64)
        cheapest = self._pool.cheapest(self._pool.surplus(worth))
        share = len(self._desks)

        def work(number: int) -> list[Caseload]:
            found: list[Caseload] = []
            for expert in self._experts[number::share]:
                if stop():
                    break
                own = int(cheapest[expert.number])
                reach[expert.number] = self._ask(
                    expert, worth, own, slack, most, self._desks[number], found, stop
                )
            return found

        futures = [self._executor.submit(work, number) for number in range(share)]
        dated = [each for future in futures for each in future.result()]
        # By expert, so that it does not depend on how many threads there are.
        self._pool.add(sorted(dated, key=lambda each: each.expert))
        return reach

    def _ask(
        self,
        expert: _Expert,
        worth: IntArray,
        cheapest: int,
        slack: int | None,
        most: int,
        desk: _Desk,
        found: list[Caseload],
        stop: Callable[[], bool],
    ) -> int:
        """Date the caseloads of one expert that could cost little, from the cheapest on.

        Returns what every other caseload costs at least, less its worth.
        """
        if len(expert.pairs) == 0:
            return NEVER
        value = worth[expert.engagements][:, np.newaxis]
        gain = np.where(expert.priced < NEVER, expert.priced - value, NEVER)
        within = WITHIN
        if slack is not None:
            least = excesses(expert.limits, expert.free, gain, np.empty_like(gain))
            within = max(WITHIN, cheapest + slack + expert.held - least + 1)
        listing = list_caseloads(expert.limits, expert.free, gain, within, desk.options, desk.value)
        order = np.argsort(desk.value[: listing.number], kind="stable")
        new = (row for row in order if not self._knows(expert, *self._read(expert, desk, row)))
        at_once = max(1, min(most, AT_ONCE))
        while rows := list(islice(new, at_once)):
            reach = int(desk.value[rows[0]]) - expert.held
            if most <= 0 or reach > cheapest + (slack or 0) or stop():
                return reach
            dated = self._date(expert, [self._read(expert, desk, row) for row in rows], desk)
            surplus = [FINE * each.least - int(worth[each.engagements].sum()) for each in dated]
            cheapest = min(cheapest, *surplus)
            found += dated
            most -= len(rows)
        return listing.least + listing.reach + 1 - expert.held

    def _knows(self, expert: _Expert, pairs: IntArray, counts: IntArray) -> bool:
        return self._pool.number(expert.number, pairs, counts) is not None

    def _read(self, expert: _Expert, desk: _Desk, row: int) -> tuple[IntArray, IntArray]:
        """The pairs and their sessions in a row of the list."""
        options = desk.options[row]
        ends = np.nonzero(options == END)[0]
        at, counts = np.divmod(options[: ends[0]] if len(ends) else options, OPTIONS)
        return expert.pairs[at], counts

    def _date(
        self, expert: _Expert, new: list[tuple[IntArray, IntArray]], desk: _Desk
    ) -> list[Caseload]:
        """Find the dates of some caseloads, each its pairs and their sessions."""
        width = desk.options.shape[1]
        pairs = np.full((len(new), width), END, dtype=np.int64)
        counts = np.zeros((len(new), width), dtype=np.int64)
        floor = np.empty(len(new), dtype=np.int64)
        for row, (own_pairs, own_counts) in enumerate(new):
            pairs[row, : len(own_pairs)], counts[row, : len(own_pairs)] = own_pairs, own_counts
            floor[row] = self._priced[own_pairs, own_counts].sum() - expert.held
            over = int(self._problem.free[own_pairs, own_counts].sum()) - expert.limits.cheap
            floor[row] += FINE * expert.limits.overload * max(0, over)
        dates = new_dates(len(new), width)
        find_dates(
            self._relaxed,
            self._grid,
            self._agree,
            desk.schedule,
            pairs,
            counts,
            desk.tree,
            desk.paths,
            dates,
        )
        return [
            Caseload(
                expert.number,
                self._problem.pair_engagement[pairs[row, :m]],
                pairs[row, :m].copy(),
                counts[row, :m].copy(),
                dates.days[row, :m].copy(),
                dates.minutes[row, :m].copy(),
                dates.own[row, :m].copy(),
                int(dates.cost[row]),
                max(int(dates.least[row]), -(-int(floor[row]) // FINE)),
            )
            for row, m in enumerate(len(own) for own, _ in new)
        ]

    def choose(
        self,
        plan: Rows,
        cost: int,
        limits: Limits,
        stop: Callable[[], bool],
    ) -> tuple[Schedule | None, int]:
        """Choose among the caseloads that a plan cheaper than `cost` could have.

        They are listed until `stop`. Returns a plan, None for none, and a bound; it is above 0
        where all of them were listed.
        """
        slack = FINE * (cost - 1) - self._best
        most = max(FEWEST_CLOSING, MOST_CLOSING // max(1, len(self._experts)))
        reach = self._list_all(self._worth, slack, most, stop)
        taken = self._learn_plan(plan)
        surplus = self._pool.surplus(self._worth)
        cheapest = self._pool.cheapest(surplus)
        above = surplus - cheapest[self._pool.owner]
        near = np.nonzero(above <= slack)[0]
        complete = bool((reach > cheapest + slack).all())
        if complete and len(near) <= MOST_CHOICES:
            return self._choose_best(np.union1d(near, np.nonzero(taken)[0]), taken, cost, limits)
        near = np.nonzero((above <= min(slack, NEAR)) | taken)[0]
        return self._choose_better(near, taken, limits), 0

    def _choose_best(
        self, near: IntArray, taken: NDArray[np.bool_], cost: int, limits: Limits
    ) -> tuple[Schedule | None, int]:
        """The best choice among all caseloads that come into question, and what that proves."""
        chosen, bound = choose_caseloads(
            [self._pool.caseloads[i] for i in near],
            self._pool.least[near],
            self._nobody,
            range(len(self._nobody)),
            taken[near],
            self._problem.constant,
            limits.of_one(),
            limits.seed,
        )
        picked = [] if chosen is None else [self._pool.caseloads[near[i]] for i in chosen]
        # What proves the bound may have no dates that are known.
        dated = chosen is not None and all(each.cost < NEVER for each in picked)
        return self._plan(picked) if dated else None, min(cost, bound)

    def _choose_better(
        self, near: IntArray, taken: NDArray[np.bool_], limits: Limits
    ) -> Schedule | None:
        """A better choice among some caseloads, neighbourhood by neighbourhood."""
        near = np.array([i for i in near if self._pool.caseloads[i].cost < NEVER], dtype=np.int64)
        selection = Selection(
            [self._pool.caseloads[i] for i in near],
            np.nonzero(taken[near])[0].tolist(),
            self._nobody,
            self._executor,
            limits.seed + self._choices,
        )
        self._choices += 1
        selection.improve(limits.of_many(), limits.stop, limits.most)
        return self._plan(self._pool.caseloads[near[i]] for i in selection.taken.values())

    def _learn_plan(self, plan: Rows) -> NDArray[np.bool_]:
        """Know the caseloads of a plan, dated as they are there; returns which they are."""
        served = np.nonzero(plan.pair != NOBODY)[0]
        owner = self._grid.pair_expert[plan.pair[served]]
        planned = [self._as_planned(plan, served[owner == number]) for number in np.unique(owner)]
        # What they cost in the plan is no lower bound of what they could cost.
        self._pool.add(
            [
                self._date(self._experts[own.expert], [(own.pairs, own.counts)], self._desks[0])[0]
                for own in planned
                if not self._knows(self._experts[own.expert], own.pairs, own.counts)
            ]
        )
        taken = np.zeros(len(self._pool), dtype=np.bool_)
        taken[[self._pool.learn_dates(own) for own in planned]] = True
        return taken

    def _as_planned(self, plan: Rows, members: IntArray) -> Caseload:
        """What an expert has in a plan, dated as it is there; it proves nothing."""
        pairs, counts = plan.pair[members], plan.served[members]
        number = int(self._grid.pair_expert[pairs[0]])
        limits = self._experts[number].limits
        load = int(self._problem.free[pairs, counts].sum())
        cost = int(plan.cost[members].sum()) + limits.overload * max(0, load - limits.cheap)
        dates = plan.day[members], plan.minute[members], plan.cost[members]
        return Caseload(number, members, pairs, counts, *dates, cost, 0)

    def _plan(self, chosen: Iterable[Caseload]) -> Schedule:
        """The plan that consists of these caseloads."""
        schedule = pinned_schedule(self._grid)
        for each in chosen:
            for i, pair in enumerate(each.pairs):
                insert(
                    self._grid,
                    schedule,
                    int(pair),
                    int(each.counts[i]),
                    each.days[i],
                    each.minutes[i],
                    int(each.own[i]),
                )
        return schedule
