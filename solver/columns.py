"""Column generation over caseloads: a bound close to the best plan, and a plan close to the bound.

What serving each engagement is worth, w, gives a bound: the sum of w, and for each expert the least
that a caseload costs less the worth of its engagements (Dantzig, Wolfe 1960; the bound at any w:
Farley 1990). A linear program over the caseloads met so far finds the w at which that is
highest; experts answer with caseloads that it had not thought of, until there are none. Caseloads
that cost too much at w stand in no better plan; of the others an integer program makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.bound import AssignmentProblem
from solver.caseloads import END, MOST_LISTED, OPTIONS, find_dates, list_caseloads, new_dates
from solver.grid import Grid, IntArray
from solver.joint import Tree, new_tree
from solver.knapsack import Room, excesses
from solver.lagrangian import Lagrangian
from solver.master import Caseload, LinearMaster, choose_caseloads
from solver.patterns import Paths, new_paths
from solver.schedule import (
    FINE,
    NEVER,
    NOBODY,
    Schedule,
    insert,
    pinned_schedule,
)
from solver.search import Best
from solver.selection import Selection

MOST_NEW = 400
"""Caseloads of one expert that are dated in one round, the cheapest first."""

WITHIN = FINE
"""How far above the cheapest one caseloads are listed at the least."""

WIDTH, NARROWER, NARROWEST = 5.0, 0.7, 0.5
"""The box of prices: how wide it is at first, and how it shrinks where a step fails."""

WIDE = 15 * FINE
"""Caseloads that cost more than this above the cheapest are kept out of the linear program."""

MOST_CLOSING, FEWEST_CLOSING = 60_000, 200
"""Caseloads dated before a plan is made of them, in all, and of one expert at the least."""

MOST_CHOICES = 12_000
"""Caseloads from which a plan is made."""

NEAR = 20 * FINE
"""Caseloads that cost more than this above the cheapest are not chosen among, where many are."""

WORK, WORK_OF_MANY, MOST_NEIGHBOURHOODS = 20.0, 2.0, 8
"""Without a time limit: CP-SAT's deterministic time for one model, for one of many; how many."""

SECONDS_OF_MANY = 3.0
"""CP-SAT's time for one neighbourhood; most are closed in one second."""

AT_ONCE = 64
"""Caseloads that are dated between two looks at the clock."""

NOT_ASKED = -NEVER
"""The least that caseloads of an expert could cost who was not asked."""

ENOUGH = 0.5
"""The rise of the bound, in costs, below which a round brought nothing."""

PATIENCE = 3


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
        self.known: dict[bytes, int] = {}


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
        self._caseloads: list[Caseload] = []
        self._least = np.empty(0, dtype=np.int64)
        self._owner = np.empty(0, dtype=np.int64)
        self._members = np.empty(0, dtype=np.int64)
        self._member_of = np.empty(0, dtype=np.int64)
        self._in_master = np.empty(0, dtype=np.bool_)
        self._master = LinearMaster(self._nobody, len(problem.room))
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
        return self._idle >= PATIENCE

    def step(self, stop: Callable[[], bool], seconds: float = float("inf")) -> None:
        """Price the engagements, let the experts answer, and compute the bound.

        `seconds` is how long until `stop`. A step that was stopped changes nothing but what is
        known.
        """
        worth = self._worth
        if self._caseloads:
            answer = self._master.solve(self._worth, self._width, seconds)
            if answer is None:
                self._idle = PATIENCE
                return
            worth = answer
        value = self._price(worth, stop)
        if value is None:
            return
        if value > self._best + ENOUGH * FINE:
            self._idle = 0
        else:
            self._idle += self._width <= NARROWEST
        if value > self._best:
            self._best, self._worth = value, worth
        else:
            self._width = max(NARROWEST, self._width * NARROWER)

    def _surplus(self, worth: IntArray) -> IntArray:
        """What each caseload costs at least, less what it is worth, in 1 / FINE."""
        value = FINE * self._least
        np.subtract.at(value, self._member_of, worth[self._members])
        return value

    def _cheapest(self, surplus: IntArray) -> IntArray:
        """The least surplus of each expert's known caseloads; none at all is 0."""
        cheapest = np.zeros(len(self._experts), dtype=np.int64)
        np.minimum.at(cheapest, self._owner, surplus)
        return cheapest

    def _price(self, worth: IntArray, stop: Callable[[], bool]) -> int | None:
        """The bound at `worth`, None where `stop` came first; dates what is cheap."""
        known = self._cheapest(self._surplus(worth))
        within = known if self._caseloads else None
        reach = self._list_all(worth, within, MOST_NEW, stop)
        if (reach == NOT_ASKED).any():
            return None
        surplus = self._surplus(worth)
        near = surplus - self._cheapest(surplus)[self._owner] < WIDE
        self._in_master = np.append(
            self._in_master, np.zeros(len(near) - len(self._in_master), dtype=np.bool_)
        )
        self._master.add([self._caseloads[i] for i in np.nonzero(near & ~self._in_master)[0]])
        self._in_master |= near
        value = int(np.minimum(worth, FINE * self._nobody).sum())
        value += FINE * self._problem.constant
        return value + int(np.minimum(self._cheapest(surplus), reach).sum())

    def _list_all(
        self, worth: IntArray, known: IntArray | None, most: int, stop: Callable[[], bool]
    ) -> IntArray:
        """Date what is cheap; returns what every caseload costs that is not known (E,)."""
        reach = np.full(len(self._experts), NOT_ASKED, dtype=np.int64)
        share = len(self._desks)

        def work(number: int) -> list[Caseload]:
            found: list[Caseload] = []
            for expert in self._experts[number::share]:
                if stop():
                    break
                limit = None if known is None else int(known[expert.number])
                reach[expert.number] = self._ask(
                    expert, worth, limit, most, self._desks[number], found, stop
                )
            return found

        futures = [self._executor.submit(work, number) for number in range(share)]
        dated = [each for future in futures for each in future.result()]
        # By expert, so that it does not depend on how many threads there are.
        self._learn(sorted(dated, key=lambda each: each.expert))
        return reach

    def _learn(self, found: list[Caseload]) -> None:
        first = len(self._caseloads)
        for number, each in enumerate(found):
            self._experts[each.expert].known[_key(each.pairs, each.counts)] = first + number
        self._caseloads += found
        self._least = np.append(self._least, [c.least for c in found]).astype(np.int64)
        self._owner = np.append(self._owner, [c.expert for c in found]).astype(np.int64)
        self._members = np.concatenate([self._members, *(c.engagements for c in found)])
        sizes = [len(c.engagements) for c in found]
        self._member_of = np.append(
            self._member_of, np.repeat(first + np.arange(len(found)), sizes)
        ).astype(np.int64)

    def _ask(
        self,
        expert: _Expert,
        worth: IntArray,
        known: int | None,
        most: int,
        desk: _Desk,
        found: list[Caseload],
        stop: Callable[[], bool],
    ) -> int:
        """Date the caseloads of one expert that could cost less than the cheapest one known.

        Returns what every other caseload costs at least, less its worth.
        """
        if len(expert.pairs) == 0:
            return NEVER
        value = worth[expert.engagements][:, np.newaxis]
        gain = np.where(expert.priced < NEVER, expert.priced - value, NEVER)
        within = WITHIN
        if known is not None:
            least = excesses(expert.limits, expert.free, gain, np.empty_like(gain))
            within = max(WITHIN, known + expert.held - least + 1)
        listing = list_caseloads(expert.limits, expert.free, gain, within, desk.options, desk.value)
        reach = listing.least + listing.reach + 1
        order = np.argsort(desk.value[: listing.number], kind="stable")
        new = [row for row in order if _key(*self._read(expert, desk, row)) not in expert.known]
        if len(new) > most:
            reach = int(desk.value[new[most]])
        for first in range(0, min(most, len(new)), AT_ONCE):
            if stop():
                reach = int(desk.value[new[first]])
                break
            rows = new[first : min(most, first + AT_ONCE)]
            found += self._date(expert, [self._read(expert, desk, row) for row in rows], desk)
        return reach - expert.held

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
        plan: Best,
        cost: int,
        limits: Limits,
        stop: Callable[[], bool],
    ) -> tuple[Schedule | None, int]:
        """Choose among the caseloads that a plan cheaper than `cost` could have.

        They are listed until `stop`. Returns a plan, None for none, and a bound; it is above 0
        where all of them were listed.
        """
        slack = FINE * (cost - 1) - self._best
        cheapest = self._cheapest(self._surplus(self._worth))
        most = max(FEWEST_CLOSING, MOST_CLOSING // max(1, len(self._experts)))
        reach = self._list_all(self._worth, cheapest + slack, most, stop)
        taken = self._learn_plan(plan)
        surplus = self._surplus(self._worth)
        above = surplus - self._cheapest(surplus)[self._owner]
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
            [self._caseloads[i] for i in near],
            self._least[near],
            self._nobody,
            range(len(self._nobody)),
            taken[near],
            self._problem.constant,
            limits.of_one(),
            limits.seed,
        )
        picked = [] if chosen is None else [self._caseloads[near[i]] for i in chosen]
        # What proves the bound may have no dates that are known.
        dated = chosen is not None and all(each.cost < NEVER for each in picked)
        return self._plan(picked) if dated else None, min(cost, bound)

    def _choose_better(
        self, near: IntArray, taken: NDArray[np.bool_], limits: Limits
    ) -> Schedule | None:
        """A better choice among some caseloads, neighbourhood by neighbourhood."""
        near = np.array([i for i in near if self._caseloads[i].cost < NEVER], dtype=np.int64)
        selection = Selection(
            [self._caseloads[i] for i in near],
            np.nonzero(taken[near])[0].tolist(),
            self._nobody,
            self._executor,
            limits.seed + self._choices,
        )
        self._choices += 1
        selection.improve(limits.of_many(), limits.stop, limits.most)
        return self._plan(self._caseloads[near[i]] for i in selection.taken.values())

    def _learn_plan(self, plan: Best) -> NDArray[np.bool_]:
        """Know the caseloads of a plan, dated as they are there; returns which they are."""
        grid = self._grid
        taken: list[int] = []
        served = np.nonzero(plan.pair != NOBODY)[0]
        owner = grid.pair_expert[plan.pair[served]]
        for number in np.unique(owner):
            members = served[owner == number]
            pairs, counts = plan.pair[members], plan.served[members]
            load = int(self._problem.free[pairs, counts].sum())
            limits = self._experts[number].limits
            cost = int(plan.cost[members].sum()) + limits.overload * max(0, load - limits.cheap)
            dates = plan.day[members], plan.minute[members], plan.cost[members]
            expert = self._experts[number]
            if _key(pairs, counts) not in expert.known:
                # What it costs in the plan is no lower bound of what it could cost.
                self._learn(self._date(expert, [(pairs, counts)], self._desks[0]))
            known = expert.known[_key(pairs, counts)]
            taken.append(known)
            if cost < self._caseloads[known].cost:
                least = self._caseloads[known].least
                self._caseloads[known] = Caseload(
                    int(number), members, pairs, counts, *dates, cost, least
                )
        return np.isin(np.arange(len(self._caseloads)), taken)

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


def _key(pairs: IntArray, counts: IntArray) -> bytes:
    """What tells one caseload of an expert from another."""
    key: IntArray = np.sort(pairs * OPTIONS + counts)
    return key.tobytes()
