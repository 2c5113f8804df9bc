"""Small problems whole, by CP-SAT: every start of every session of every pair is a boolean.

The model grows with pairs × sessions × starts, so it is for small problems; there it finds
the best plan and proves it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from solver.cp_sat import new_model, run_cp_sat
from solver.grid import NO_DAY, Grid
from solver.schedule import NOBODY, ONLINE, Schedule, cost_with, insert, pinned_schedule

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from ortools.sat.python.cp_model import IntVar as Literal

MOST_STARTS = 6_000
"""Above this many booleans the model takes longer to build than the search to end."""


Start = tuple[int, int, int]
"""The number of a session, its day and its minute."""


class _Visit(NamedTuple):
    """A session that an expert may hold (`chosen`), or holds in every plan (`pinned`)."""

    chosen: Literal
    pinned: bool
    pair: int
    number: int
    day: int
    start: int
    end: int
    site: int
    owner: int


@dataclass(frozen=True)
class Proof:
    """What CP-SAT ended with: the best plan it has, None for none, and what it proved."""

    schedule: Schedule | None
    bound: int
    infeasible: bool


def count_starts(grid: Grid) -> int:
    """How many booleans the model of the whole problem takes."""
    total = 0
    for pair in range(len(grid.pair_expert)):
        total += len(open_starts(grid, pair))
        if total > MOST_STARTS:
            break
    return total


def solve_exactly(
    grid: Grid,
    hint: Schedule,
    *,
    limits: dict[str, float],
    seed: int,
    promises: tuple[int, int] | None = None,
) -> Proof:
    """Solve the whole problem, starting from a plan that is known.

    `promises`: how many may be broken at the most, and how many more an engagement counts that
    loses all its published sessions, as `promises.Disturbance` counts them.
    """
    model = _Model(grid)
    if promises is not None:
        model.keep_promises(*promises)
    return model.solve(hint, limits, seed)


def open_starts(grid: Grid, pair: int) -> list[Start]:
    """The (session, day, minute) on which both sides of a pair are free."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    found = []
    for number in range(grid.sessions[a]):
        if grid.pin_day[a, number] != NO_DAY:
            continue
        both = (
            grid.expert_starts[expert, grid.duration_index[a, number]]
            & grid.engagement_starts[grid.row[a, number]]
        )
        for day, word in zip(*np.nonzero(both), strict=True):
            bits = int(both[day, word])
            for bit in range(64):
                if bits >> bit & 1:
                    minute = int(grid.start_minutes[word * 64 + bit])
                    found.append((number, int(day), minute))
    return found


class _Model:
    """The CP-SAT model of a grid; `_state_rules` is its table of contents."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._model = new_model()
        self._cost: list[tuple[Literal, int]] = []
        self._constant = 0
        engagements = len(grid.sessions)
        self._serves = [self._model.new_bool_var("") for _ in grid.pair_expert]
        self._served = [
            [self._model.new_bool_var("") for _ in range(grid.sessions[a])]
            for a in range(engagements)
        ]
        self._visits = [
            _Visit(
                self._model.new_bool_var(""),
                False,
                pair,
                number,
                day,
                minute,
                minute + int(grid.duration[grid.pair_engagement[pair], number]),
                int(grid.site[grid.pair_engagement[pair]]),
                int(grid.pair_engagement[pair]),
            )
            for pair in range(len(grid.pair_expert))
            for number, day, minute in open_starts(grid, pair)
        ]
        self._pinned = [
            _Visit(
                self._model.new_constant(1),
                True,
                NOBODY,
                int(number),
                int(grid.pin_day[a, number]),
                int(grid.pin_minute[a, number]),
                int(grid.pin_minute[a, number] + grid.duration[a, number]),
                int(grid.site[a]),
                int(a),
            )
            for a, number in zip(*np.nonzero(grid.pin_day != NO_DAY), strict=True)
        ]
        self._state_rules()

    def _state_rules(self) -> None:
        self._one_expert()
        self._prefixes()
        self._one_start_a_session()
        self._gaps()
        for expert in range(len(self._grid.max_total)):
            self._calendar_of(expert)
        self._price_visits()
        self._objective = sum(each * cost for each, cost in self._cost) + self._constant
        self._model.minimize(self._objective)

    def _one_expert(self) -> None:
        """At most one pair serves the free sessions of an engagement; its change costs once."""
        grid = self._grid
        for a in range(len(grid.sessions)):
            pairs = range(grid.pair_offset[a], grid.pair_offset[a + 1])
            self._model.add_at_most_one(self._serves[pair] for pair in pairs)
            self._cost += [(self._serves[p], int(grid.pair_once_cost[p])) for p in pairs]

    def _prefixes(self) -> None:
        """Served sessions are 1…k, and k is at least the highest pinned number."""
        grid = self._grid
        for a, served in enumerate(self._served):
            for number in range(1, len(served)):
                self._model.add_implication(served[number], served[number - 1])
            if grid.least[a] > 0:
                self._model.add(served[grid.least[a] - 1] == 1)
            weight = int(grid.weight[a])
            self._constant += weight * (grid.unserved + grid.dropped * len(served))
            self._cost.append((served[0], -weight * grid.unserved))
            self._cost += [(literal, -weight * grid.dropped) for literal in served]

    def _one_start_a_session(self) -> None:
        """A served free session has one start, with the expert who serves the engagement."""
        starts: dict[tuple[int, int], list[Literal]] = defaultdict(list)
        of_pair: dict[tuple[int, int], list[Literal]] = defaultdict(list)
        for visit in self._visits:
            starts[visit.owner, visit.number].append(visit.chosen)
            of_pair[visit.pair, visit.number].append(visit.chosen)
        for a, served in enumerate(self._served):
            for number, literal in enumerate(served):
                if self._grid.pin_day[a, number] == NO_DAY:
                    self._model.add(sum(starts[a, number]) == literal)
        for (pair, _), literals in of_pair.items():
            self._model.add(sum(literals) <= self._serves[pair])

    def _gaps(self) -> None:
        """min_gap <= days from session to session <= max_gap, unless both are pinned."""
        grid = self._grid
        days: dict[tuple[int, int], list[tuple[Literal, int]]] = defaultdict(list)
        for visit in self._visits:
            days[visit.owner, visit.number].append((visit.chosen, visit.day))
        for a, served in enumerate(self._served):
            for number in range(1, len(served)):
                pinned = grid.pin_day[a, number - 1 : number + 1]
                if (pinned != NO_DAY).all():
                    continue
                before, after = (
                    sum(literal * day for literal, day in days[a, n])
                    if grid.pin_day[a, n] == NO_DAY
                    else int(grid.pin_day[a, n])
                    for n in (number - 1, number)
                )
                gap = self._model.new_int_var(0, grid.days, "")
                off = self._model.new_int_var(0, 2 * grid.days + int(grid.target_gap[a]), "")
                self._model.add(gap == after - before).only_enforce_if(served[number])
                self._model.add(gap >= int(grid.min_gap[a])).only_enforce_if(served[number])
                self._model.add(gap <= int(grid.max_gap[a])).only_enforce_if(served[number])
                target = int(grid.target_gap[a])
                self._model.add(off >= gap - target).only_enforce_if(served[number])
                self._model.add(off >= target - gap).only_enforce_if(served[number])
                self._cost.append((off, grid.gap))

    def _calendar_of(self, expert: int) -> None:
        """No two visits collide, and the caps of day, week and period hold."""
        grid = self._grid
        own = [v for v in self._visits if grid.pair_expert[v.pair] == expert]
        held = [v for v in self._pinned if grid.pin_expert[v.owner, v.number] == expert]
        by_day: dict[int, list[_Visit]] = defaultdict(list)
        by_week: dict[int, list[_Visit]] = defaultdict(list)
        for visit in own + held:
            by_day[visit.day].append(visit)
            by_week[int(grid.week_of_day[visit.day])].append(visit)
        for visits in by_day.values():
            self._keep_apart(expert, visits)
            self._cap(visits, int(grid.max_per_day[expert]))
        for visits in by_week.values():
            self._cap(visits, int(grid.max_per_week[expert]))
        room, target = int(grid.max_total[expert]), int(grid.target_total[expert])
        self._cap(own + held, room)
        over = self._model.new_int_var(0, max(room, len(held)), "")
        self._model.add(over >= _load(own + held) - target)
        self._cost.append((over, grid.overload))

    def _cap(self, visits: list[_Visit], most: int) -> None:
        self._model.add(_load(visits) <= most)

    def _keep_apart(self, expert: int, visits: list[_Visit]) -> None:
        """Visits of one day do not overlap, and consecutive ones leave the way between them."""
        visits = sorted(visits, key=lambda v: (v.start, v.end))
        for i, first in enumerate(visits):
            for j in range(i + 1, len(visits)):
                second = visits[j]
                if (first.owner, first.number) == (second.owner, second.number):
                    continue
                if first.pinned and second.pinned:
                    continue
                if second.start >= first.end + self._way(expert, first, second):
                    continue
                either = [first.chosen.negated(), second.chosen.negated()]
                if second.start >= first.end:
                    # Only consecutive visits need the way: one held between them lifts it.
                    between = [
                        v
                        for v in visits[i + 1 : j]
                        if v.start >= first.end and v.end <= second.start
                    ]
                    either += [v.chosen for v in between]
                self._model.add_bool_or(either)

    def _way(self, expert: int, first: _Visit, second: _Visit) -> int:
        if first.site == ONLINE and second.site == ONLINE:
            return 0
        home = int(self._grid.expert_place[expert])
        here, there = (home if v.site == ONLINE else v.site for v in (first, second))
        return int(self._grid.travel[here, there])

    def keep_promises(self, most: int, lost: int) -> None:
        """Break no more promises than so many; a change of expert has to cost something here."""
        grid = self._grid
        published = grid.current_day != NO_DAY
        broken: list[cp_model.LinearExprT] = [
            self._serves[pair] for pair in np.nonzero(grid.pair_once_cost > 0)[0]
        ]
        broken += [
            visit.chosen
            for visit in self._visits
            if published[visit.owner, visit.number]
            and (visit.day, visit.start) != self._published_at(visit.owner, visit.number)
        ]
        for a, served in enumerate(self._served):
            broken += [each.negated() for n, each in enumerate(served) if published[a, n]]
            if published[a].any():
                broken.append(lost * served[0].negated())
        self._model.add(sum(broken) <= most)

    def _published_at(self, a: int, number: int) -> tuple[int, int]:
        return int(self._grid.current_day[a, number]), int(self._grid.current_minute[a, number])

    def _price_visits(self) -> None:
        """Match, travel, preference, wait and moves of each visit."""
        grid = self._grid
        for visit in self._visits:
            a, number = visit.owner, visit.number
            cost = int(grid.pair_session_cost[visit.pair])
            index = int(np.searchsorted(grid.start_minutes, visit.start))
            wished = int(grid.preferred_starts[grid.row[a, number], visit.day, index >> 6])
            if not wished >> (index & 63) & 1:
                cost += grid.off_preference
            if number == 0:
                cost += grid.wait * (visit.day - int(grid.first_day[a]))
            published = int(grid.current_day[a, number]), int(grid.current_minute[a, number])
            if published[0] != NO_DAY and published != (visit.day, visit.start):
                cost += grid.move
            self._cost.append((visit.chosen, cost))

    def solve(self, hint: Schedule, limits: dict[str, float], seed: int) -> Proof:
        for visit in self._visits:
            a, number = visit.owner, visit.number
            same = (
                hint.pair[a] == visit.pair
                and number < hint.served[a]
                and (hint.day[a, number], hint.minute[a, number]) == (visit.day, visit.start)
            )
            self._model.add_hint(visit.chosen, bool(same))
        answer = run_cp_sat(self._model, limits, seed)
        schedule = self._schedule(answer.solver) if answer.has_plan else None
        return Proof(schedule, answer.bound, answer.is_infeasible)

    def _schedule(self, solver: cp_model.CpSolver) -> Schedule:
        grid, schedule = self._grid, pinned_schedule(self._grid)
        chosen: dict[int, list[_Visit]] = defaultdict(list)
        for visit in self._visits:
            if solver.value(visit.chosen):
                chosen[visit.pair].append(visit)
        for pair, visits in chosen.items():
            a = int(grid.pair_engagement[pair])
            days, minutes = schedule.day[a].copy(), schedule.minute[a].copy()
            for visit in visits:
                days[visit.number], minutes[visit.number] = visit.day, visit.start
            count = max(int(grid.least[a]), 1 + max(v.number for v in visits))
            cost = cost_with(grid, pair, count, days, minutes)
            insert(grid, schedule, pair, count, days, minutes, cost)
        return schedule


def _load(visits: list[_Visit]) -> cp_model.LinearExprT:
    return sum(v.chosen for v in visits)
