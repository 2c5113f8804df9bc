"""One CP-SAT model of everything, modelled as well as it can be, and started from the hand rules.

Each pair has a boolean, each session an integer for its start, whose domain is what the
organization and one of its experts at least leave open; the start fits the hours of the expert
who is chosen. An expert's calendar is optional intervals: no overlap in time, at most so many on
a day and in a week. The pairs of sessions that travel forbids are too many to name, so a session
binds its expert for the longest way there is from its site. That may shut out the best plan:
every plan of the model is a plan, but what CP-SAT proves of it is no bound, and none is stated.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from benchmarks.peers.diary import Diary
from benchmarks.peers.first_come import Service, assignments_of, serve_in_order
from benchmarks.peers.writing import Curve, write_plan
from solver.cost import cost_of
from solver.grid import NO_DAY, Grid, MaskArray, compile_grid, one_a_day
from solver.problem_file import ProblemFile
from solver.schedule import NOBODY, ONLINE

DAY_MINUTES = 24 * 60

SECONDS_TO_WRITE, SHARE_TO_END = 1.5, 0.05
"""Kept free for the start of the process and the plan; and what CP-SAT overruns its limit by."""

FOUND = (cp_model.OPTIMAL, cp_model.FEASIBLE)

Variable = cp_model.IntVar
Slots = NDArray[np.bool_]


class Session(NamedTuple):
    """One session of the model; a pinned one has constants where others have variables."""

    served: Variable
    day: Variable
    week: Variable
    start: Variable
    """In slots from the first day's midnight; where it is pinned, rounded down."""


class Booking(NamedTuple):
    """A session in one expert's calendar, if `held`; `start` and `size` in slots."""

    held: Variable
    session: Session
    size: int


class SingleModel:
    """The model of a grid; `_state_rules` is its table of contents."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._model = cp_model.CpModel()
        self._slots = len(grid.start_minutes)
        self._expert_open = _unpacked(grid.expert_starts, self._slots)  # (E, durations, D · S)
        self._wanted = _unpacked(grid.engagement_starts, self._slots)  # (rows, D · S)
        self._preferred = _unpacked(grid.preferred_starts, self._slots)  # (rows, D · S)
        self._slot_minutes = DAY_MINUTES // self._slots
        self._cost: list[tuple[Variable, int]] = []
        self._constant = 0
        self._bookings: dict[int, list[Booking]] = defaultdict(list)
        self._chosen = [self._model.new_bool_var("") for _ in grid.pair_expert]
        self._held: dict[tuple[int, int], Variable] = {}
        self._sessions = [
            [self._session(a, number) for number in range(int(grid.sessions[a]))]
            for a in range(len(grid.sessions))
        ]
        self._state_rules()

    def _state_rules(self) -> None:
        for a in range(len(self._sessions)):
            self._serve_in_order(a)
            self._choose_one_expert(a)
            self._keep_distance(a)
            self._wait(a)
            for number in range(len(self._sessions[a])):
                if not self._is_pinned(a, number):
                    self._hold_with_the_chosen(a, number)
                    self._prefer(a, number)
                    self._stay(a, number)
        self._book_pinned()
        for expert, bookings in self._bookings.items():
            self._keep_calendar(expert, bookings)
        self._model.minimize(
            cp_model.LinearExpr.weighted_sum(
                [what for what, _ in self._cost], [weight for _, weight in self._cost]
            )
            + self._constant
        )

    def _is_pinned(self, a: int, number: int) -> bool:
        return bool(self._grid.pin_day[a, number] != NO_DAY)

    def _pairs(self, a: int) -> range:
        return range(int(self._grid.pair_offset[a]), int(self._grid.pair_offset[a + 1]))

    # Variables ----------------------------------------------------------------------------

    def _session(self, a: int, number: int) -> Session:
        grid, model = self._grid, self._model
        if self._is_pinned(a, number):
            day, minute = int(grid.pin_day[a, number]), int(grid.pin_minute[a, number])
            start = day * self._slots + minute // self._slot_minutes
            week = int(grid.week_of_day[day])
            return Session(*(model.new_constant(each) for each in (1, day, week, start)))
        slots = self._open_slots(a, number)
        days = np.unique(np.flatnonzero(slots) // self._slots)
        session = Session(
            model.new_bool_var(""),
            model.new_int_var_from_domain(cp_model.Domain.from_values(days.tolist()), ""),
            model.new_int_var(int(grid.week_of_day[days[0]]), int(grid.week_of_day[days[-1]]), ""),
            model.new_int_var_from_domain(_domain(slots), ""),
        )
        of_day = model.new_int_var(0, self._slots - 1, "")
        model.add(session.start == self._slots * session.day + of_day)
        weekday = model.new_int_var(0, 6, "")
        days_before = 7 - int((grid.week_of_day == 0).sum())  # of the first week, before the period
        model.add(session.day + days_before == 7 * session.week + weekday)
        return session

    def _open_slots(self, a: int, number: int) -> Slots:
        """The slots at which the organization and one of its candidates at least are free.

        Where there is none, the first of its window: the session is then never held.
        """
        grid = self._grid
        experts = grid.pair_expert[self._pairs(a)]
        some: Slots = self._expert_open[experts, grid.duration_index[a, number]].any(axis=0)
        some &= self._wanted[grid.row[a, number]]
        if not some.any():
            some[int(grid.first_day[a]) * self._slots] = True
        return some

    # Rules of an engagement ---------------------------------------------------------------

    def _serve_in_order(self, a: int) -> None:
        """Served sessions are 1…k, and k is at least the highest pinned number."""
        grid, sessions = self._grid, self._sessions[a]
        weight = int(grid.weight[a])
        for before, after in pairwise(sessions):
            self._model.add_implication(after.served, before.served)
        for session in sessions[: grid.least[a]]:
            self._model.add(session.served == 1)
        self._constant += weight * (grid.unserved + grid.dropped * len(sessions))
        self._cost.append((sessions[0].served, -weight * grid.unserved))
        self._cost += [(session.served, -weight * grid.dropped) for session in sessions]

    def _choose_one_expert(self, a: int) -> None:
        """One pair serves the free sessions; a change of expert costs once."""
        self._model.add_at_most_one(self._chosen[pair] for pair in self._pairs(a))
        once = self._grid.pair_once_cost
        self._cost += [(self._chosen[p], int(once[p])) for p in self._pairs(a) if once[p]]

    def _keep_distance(self, a: int) -> None:
        """min_gap <= day(after) - day(before) <= max_gap; off >= |days - target_gap|."""
        grid, model = self._grid, self._model
        target = int(grid.target_gap[a])
        for number, (before, after) in enumerate(pairwise(self._sessions[a])):
            if self._is_pinned(a, number) and self._is_pinned(a, number + 1):
                continue
            days = after.day - before.day
            off = model.new_int_var(0, grid.days + target, "")
            for rule in (
                days >= int(grid.min_gap[a]),
                days <= int(grid.max_gap[a]),
                off >= days - target,
                off >= target - days,
            ):
                model.add(rule).only_enforce_if(after.served)
            self._cost.append((off, grid.gap))

    def _wait(self, a: int) -> None:
        """w.wait_per_day for each day before session 1."""
        grid, first = self._grid, self._sessions[a][0]
        if not self._is_pinned(a, 0):
            days = self._model.new_int_var(0, grid.days, "")
            waited = first.day - int(grid.first_day[a])
            self._model.add(days >= waited).only_enforce_if(first.served)
            self._cost.append((days, grid.wait))

    def _hold_with_the_chosen(self, a: int, number: int) -> None:
        """A served session is held by the chosen expert, at a start that suits both."""
        grid, model, session = self._grid, self._model, self._sessions[a][number]
        wanted = self._wanted[grid.row[a, number]]
        held = []
        for pair in self._pairs(a):
            expert = int(grid.pair_expert[pair])
            open_to_both = self._expert_open[expert, grid.duration_index[a, number]] & wanted
            if not open_to_both.any():
                continue
            literal = model.new_bool_var("")
            model.add_implication(literal, self._chosen[pair])
            model.add_linear_expression_in_domain(
                session.start, _domain(open_to_both)
            ).only_enforce_if(literal)
            self._cost.append((literal, int(grid.pair_session_cost[pair])))
            way = self._way(expert, a)
            size = -(-(int(grid.duration[a, number]) + way) // self._slot_minutes)
            self._bookings[expert].append(Booking(literal, session, size))
            self._held[pair, number] = literal
            held.append(literal)
        model.add(sum(held) == session.served)

    def _way(self, expert: int, a: int) -> int:
        """The longest way from where a session is held."""
        grid = self._grid
        place = grid.expert_place[expert] if grid.site[a] == ONLINE else grid.site[a]
        return int(grid.travel[place].max())

    def _prefer(self, a: int, number: int) -> None:
        """w.off_preference for a start outside the preferred ones."""
        grid, session = self._grid, self._sessions[a][number]
        row = grid.row[a, number]
        wished = self._wanted[row] & self._preferred[row]
        off = self._model.new_bool_var("")
        self._model.add_linear_expression_in_domain(session.start, _domain(wished)).only_enforce_if(
            session.served, ~off
        )
        self._cost.append((off, grid.off_preference))

    def _stay(self, a: int, number: int) -> None:
        """w.move for a start other than the published one."""
        grid, session = self._grid, self._sessions[a][number]
        if grid.current_day[a, number] == NO_DAY:
            return
        minute = int(grid.current_minute[a, number])
        moved = self._model.new_bool_var("")
        if minute % self._slot_minutes:
            self._model.add(moved >= session.served)
        else:
            published = self._slots * int(grid.current_day[a, number])
            published += minute // self._slot_minutes
            self._model.add(session.start == published).only_enforce_if(session.served, ~moved)
        self._cost.append((moved, grid.move))

    # Rules of a calendar ------------------------------------------------------------------

    def _book_pinned(self) -> None:
        """Pinned sessions bind their experts too, but no longer than until the next pinned one."""
        grid = self._grid
        pinned: dict[int, list[tuple[int, int, Session]]] = defaultdict(list)
        for a, number in zip(*(grid.pin_day != NO_DAY).nonzero(), strict=True):
            expert, session = int(grid.pin_expert[a, number]), self._sessions[a][number]
            start = int(grid.pin_day[a, number]) * self._slots
            start += int(grid.pin_minute[a, number]) // self._slot_minutes
            late = int(grid.pin_minute[a, number]) % self._slot_minutes
            bound = late + int(grid.duration[a, number]) + self._way(expert, a)
            pinned[expert].append((start, -(-bound // self._slot_minutes), session))
        always = self._model.new_constant(1)
        for expert, sessions in pinned.items():
            sessions.sort(key=lambda each: each[0])
            ends = [start for start, _, _ in sessions[1:]] + [grid.days * 2 * self._slots]
            for (start, size, session), end in zip(sessions, ends, strict=True):
                self._bookings[expert].append(Booking(always, session, min(size, end - start)))

    def _keep_calendar(self, expert: int, bookings: list[Booking]) -> None:
        """No two sessions overlap, the way counted; at most so many a day, a week, in all."""
        grid, model = self._grid, self._model
        model.add_no_overlap(
            model.new_optional_fixed_size_interval_var(b.session.start, b.size, b.held, "")
            for b in bookings
        )
        for unit, most in (("day", grid.max_per_day[expert]), ("week", grid.max_per_week[expert])):
            intervals = [
                model.new_optional_fixed_size_interval_var(getattr(b.session, unit), 1, b.held, "")
                for b in bookings
            ]
            model.add_cumulative(intervals, [1] * len(intervals), int(most))
        load = cp_model.LinearExpr.sum([b.held for b in bookings])
        model.add(load <= int(grid.max_total[expert]))
        over = model.new_int_var(0, len(bookings), "")
        model.add(over >= load - int(grid.target_total[expert]))
        self._cost.append((over, grid.overload))

    # Solving ------------------------------------------------------------------------------

    def solve(
        self, hint: Sequence[Service], seconds: float, workers: int, curve: Curve
    ) -> list[Service] | None:
        """Look for better plans until the time is up; the best one, None where there is none."""
        until = time.monotonic() + seconds
        self._hint(hint)
        solver = _solver(seconds / 4, workers)
        solver.parameters.fix_variables_to_their_hinted_value = True
        if solver.solve(self._model) in FOUND:
            # CP-SAT takes a hint for a plan only where every variable has one.
            self._model.clear_hints()  # type: ignore[no-untyped-call]  # ortools leaves it out
            for variable in map(self._model.get_int_var_from_proto_index, range(self._size)):
                self._model.add_hint(variable, solver.value(variable))
        solver = _solver(until - time.monotonic(), workers)
        # Of what was tried, the parameters under which CP-SAT came furthest from the hint.
        solver.parameters.use_lns_only = True
        if solver.solve(self._model, _Told(curve)) in FOUND:
            return [self._service(solver, a) for a in range(len(self._sessions))]
        return None

    @property
    def _size(self) -> int:
        return len(self._model.proto.variables)

    def _hint(self, services: Sequence[Service]) -> None:
        grid = self._grid
        for a, service in enumerate(services):
            for pair in self._pairs(a):
                self._model.add_hint(self._chosen[pair], pair == service.pair)
            for number, session in enumerate(self._sessions[a]):
                if self._is_pinned(a, number):
                    continue
                served = number < len(service.times)
                self._model.add_hint(session.served, served)
                for pair in self._pairs(a):
                    if (pair, number) in self._held:
                        literal = self._held[pair, number]
                        self._model.add_hint(literal, served and pair == service.pair)
                if served:
                    day, minute = service.times[number]
                    self._model.add_hint(session.day, day)
                    self._model.add_hint(session.week, int(grid.week_of_day[day]))
                    slot = day * self._slots + minute // self._slot_minutes
                    self._model.add_hint(session.start, slot)

    def _service(self, solver: cp_model.CpSolver, a: int) -> Service:
        grid, value = self._grid, solver.value
        times: list[tuple[int, int]] = []
        pair = NOBODY
        for number, session in enumerate(self._sessions[a]):
            if self._is_pinned(a, number):
                times.append((int(grid.pin_day[a, number]), int(grid.pin_minute[a, number])))
            elif value(session.served):
                day, slot = divmod(value(session.start), self._slots)
                times.append((day, slot * self._slot_minutes))
                pair = next(
                    p
                    for p in self._pairs(a)
                    if (p, number) in self._held and value(self._held[p, number])
                )
        return Service(pair, tuple(times))


class _Told(cp_model.CpSolverSolutionCallback):
    """Writes each better plan's cost on the curve."""

    def __init__(self, curve: Curve) -> None:
        super().__init__()
        self._curve = curve

    def on_solution_callback(self) -> None:
        self._curve.add(round(self.objective_value))


def _solver(seconds: float, workers: int) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = max(0.1, seconds)
    # Presolve takes most of the time on models of this kind, and finds little.
    solver.parameters.cp_model_presolve = False
    return solver


def _unpacked(masks: MaskArray, slots: int) -> Slots:
    """Masks (…, D, W) as booleans (…, D · S), one for each slot from the first midnight on."""
    bits = np.unpackbits(masks.view(np.uint8), axis=-1, bitorder="little")[..., :slots]
    return bits.astype(np.bool_).reshape(*masks.shape[:-2], masks.shape[-2] * slots)


def _domain(slots: Slots) -> cp_model.Domain:
    """The slots that are set, as intervals."""
    edges = np.flatnonzero(np.diff(slots, prepend=False, append=False))
    edges[1::2] -= 1
    return cp_model.Domain.from_flat_intervals(edges.tolist())


def count_bookings(grid: Grid) -> int:
    """How many optional sessions the model has: one for each pair and session."""
    return int(grid.sessions[grid.pair_engagement].sum())


@click.command()
@click.argument("problem_path", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--curve", required=True, type=click.Path(path_type=Path))
@click.option("--seconds", required=True, type=float, help="For all of it, reading included.")
@click.option("--workers", required=True, type=int)
def main(problem_path: Path, out: Path, curve: Path, seconds: float, workers: int) -> None:
    """Plan with the hand rules, then with one CP-SAT model that begins there."""
    started = time.monotonic()
    file = ProblemFile.from_path(problem_path)
    grid = one_a_day(compile_grid(file.problem))
    by_hand = serve_in_order(grid, Diary(grid))
    best = assignments_of(file.problem, grid, by_hand)
    with Curve.at(curve) as line:
        line.add(cost_of(file.problem, best).total)
        model = SingleModel(grid)
        left = (1 - SHARE_TO_END) * seconds - SECONDS_TO_WRITE - (time.monotonic() - started)
        found = model.solve(serve_in_order(grid, Diary(grid, spacious=True)), left, workers, line)
    if found is not None:
        plans = best, assignments_of(file.problem, grid, found)
        best = min(plans, key=lambda plan: cost_of(file.problem, plan).total)
    write_plan(file, best, out)


if __name__ == "__main__":
    main()
