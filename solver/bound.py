"""The proven lower bound: whole engagements packed into experts' capacities.

Every plan picks for each engagement one pair and a number of sessions, and pays at least
what that pair costs alone. What remains is a generalized assignment problem

    min  sum c[p, k] y[p, k] + overload
    s.t. one choice an engagement; each expert's sessions within max_total

Two bounds on it, each proven by itself:

* `price_capacity`: Lagrangian relaxation of the capacities (the linear program's value); its
  prices also guide the construction;
* `solve_assignment`: the integer program itself by CP-SAT, on the options that a plan
  cheaper than the best known one could use.

`lagrangian` has a third, which also sees that sessions collide.

Prices are integers in units of 1 / FINE, so that each bound is computed exactly.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from solver.cp_sat import new_model, run_cp_sat
from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.kernel import kernel
from solver.schedule import FINE, NEVER, UNSERVABLE, Schedule, costs_without_free, overload
from solver.subgradient import maximize

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

REACH = 0.05
"""How far above the best bound a step aims, as a share of it."""

HIGHEST_VALUE = 1 << 61
"""What all the room that there is may cost: sums stay within 64 bits."""


class AssignmentProblem(NamedTuple):
    """The generalized assignment problem of a grid. P = pairs, A = engagements, E = experts."""

    cost: IntArray  # (P, 6) with sessions 1…k, NEVER where that is no option
    free: IntArray  # (P, 6) how many of them load the expert (the ones not pinned)
    nobody: IntArray  # (A,) the cost without free sessions
    pair_offset: IntArray  # (A + 1,)
    pair_expert: IntArray  # (P,)
    pair_engagement: IntArray  # (P,)
    expert_pairs: IntArray  # (P,) pair numbers by expert
    expert_offset: IntArray  # (E + 1,)
    room: IntArray  # (E,) sessions that the caps leave beside the pinned ones
    cheap: IntArray  # (E,) sessions until target_total, likewise
    overload: int
    constant: int  # overload that the pinned sessions cause by themselves


def assignment_problem(grid: Grid, pinned: Schedule, cost: IntArray) -> AssignmentProblem:
    """The assignment problem over pairs that cost `cost` alone, beside the pinned sessions."""
    engagements, experts = len(grid.sessions), len(grid.max_total)
    loads = np.zeros((engagements, MAX_SESSIONS + 1), dtype=np.int64)
    loads[:, 1:] = np.cumsum(grid.pin_day == NO_DAY, axis=1)
    free = loads[grid.pair_engagement]
    order = np.argsort(grid.pair_expert, kind="stable")
    bounds = np.searchsorted(grid.pair_expert[order], np.arange(experts + 1))
    return AssignmentProblem(
        cost=np.where(free > 0, cost, NEVER),
        free=free,
        nobody=costs_without_free(grid),
        pair_offset=grid.pair_offset,
        pair_expert=grid.pair_expert,
        pair_engagement=grid.pair_engagement,
        expert_pairs=order.astype(np.int64),
        expert_offset=bounds.astype(np.int64),
        room=_room(grid, pinned),
        cheap=np.maximum(0, grid.target_total - pinned.load),
        overload=grid.overload,
        constant=sum(overload(grid, e, pinned.load[e]) for e in range(experts)),
    )


def _room(grid: Grid, pinned: Schedule) -> IntArray:
    """The sessions that an expert (E,) can hold beside the pinned ones, by all three caps.

    On a day with open hours max_per_day, in a week no more than max_per_week, in all max_total.
    """
    is_open = grid.expert_starts.any(axis=(1, 3))
    days = np.where(is_open, grid.max_per_day[:, np.newaxis] - pinned.day_count, 0)
    mondays = np.searchsorted(grid.week_of_day, np.arange(pinned.week_count.shape[1]))
    weeks = np.add.reduceat(np.maximum(0, days), mondays, axis=1)
    left = np.maximum(0, grid.max_per_week[:, np.newaxis] - pinned.week_count)
    total = np.maximum(0, grid.max_total - pinned.load)
    room: IntArray = np.minimum(total, np.minimum(weeks, left).sum(axis=1))
    return room


@kernel
def _evaluate_capacity(problem: AssignmentProblem, price: IntArray, surplus: IntArray) -> int:
    """The Lagrangian value at prices a session of each expert; `surplus` is its subgradient."""
    value = FINE * problem.constant
    surplus[:] = 0
    for a in range(len(problem.nobody)):
        best, expert, sessions = FINE * problem.nobody[a], -1, 0
        for pair in range(problem.pair_offset[a], problem.pair_offset[a + 1]):
            for k in range(1, MAX_SESSIONS + 1):
                if problem.cost[pair, k] == NEVER:
                    continue
                free = problem.free[pair, k]
                total = FINE * problem.cost[pair, k] + price[problem.pair_expert[pair]] * free
                if total < best:
                    best, expert, sessions = total, problem.pair_expert[pair], free
        value += best
        if expert >= 0:
            surplus[expert] += sessions
    for e in range(len(price)):
        # The cheapest load at this price is none, the target, or all there is.
        full = FINE * problem.overload * max(0, problem.room[e] - problem.cheap[e])
        best, load = 0, 0
        cheap = min(problem.cheap[e], problem.room[e])
        if -price[e] * cheap < best:
            best, load = -price[e] * cheap, cheap
        if full - price[e] * problem.room[e] < best:
            best, load = full - price[e] * problem.room[e], problem.room[e]
        value += best
        surplus[e] -= load
    return value


def price_capacity(problem: AssignmentProblem, steps: int) -> tuple[int, IntArray]:
    """Raise the capacity bound by subgradient steps; returns it and its prices (E,).

    The first price is one for all experts: where sessions have to be dropped everywhere, it is
    most of the truth. The prices are in 1 / FINE a session.
    """
    highest = HIGHEST_VALUE // max(1, int(problem.room.sum()))
    first = min(highest, _one_price(problem))
    best, price = maximize(
        partial(_evaluate_capacity, problem),
        np.full(len(problem.room), first, dtype=np.int64),
        0,
        highest,
        reach=REACH,
        steps=steps,
    )
    return -(-best // FINE), price


def _one_price(problem: AssignmentProblem) -> int:
    """The best price for all experts alike: the value is concave in it, its slope the surplus."""
    surplus = np.zeros(len(problem.room), dtype=np.int64)
    dearest = problem.nobody[problem.nobody < UNSERVABLE].max(initial=0)
    low, high = 0, FINE * int(dearest)
    while high - low > FINE:
        middle = (low + high) // 2
        _evaluate_capacity(problem, np.full_like(surplus, middle), surplus)
        low, high = (middle, high) if surplus.sum() > 0 else (low, middle)
    return low


def option_costs(problem: AssignmentProblem, capacity_price: IntArray) -> IntArray:
    """The scaled cost of every option (P, 6) with its sessions priced; NEVER for none."""
    price = capacity_price[problem.pair_expert][:, np.newaxis]
    return np.where(
        problem.cost == NEVER,
        NEVER,
        FINE * np.minimum(problem.cost, NEVER // (2 * FINE)) + price * problem.free,
    )


def cheapest_options(problem: AssignmentProblem, capacity_price: IntArray) -> IntArray:
    """The scaled cost of each engagement's cheapest option at these prices."""
    cheapest = FINE * problem.nobody
    floors = option_costs(problem, capacity_price).min(axis=1)
    np.minimum.at(cheapest, problem.pair_engagement, floors)
    return cheapest


def solve_assignment(
    problem: AssignmentProblem,
    capacity_bound: int,
    capacity_price: IntArray,
    best_known: int,
    *,
    most_options: int,
    limits: dict[str, float],
) -> int:
    """Prove a bound with the integer program itself, by CP-SAT.

    An option whose reduced cost exceeds `best_known` - `capacity_bound` stands in no plan cheaper
    than `best_known`, so it is left out and the bound is `best_known` at the most. Returns 0
    where more than `most_options` remain.
    """
    costs = option_costs(problem, capacity_price)
    cheapest = cheapest_options(problem, capacity_price)
    slack = FINE * (best_known - capacity_bound + 1)
    keep = costs <= cheapest[problem.pair_engagement][:, np.newaxis] + slack
    keep &= costs < NEVER
    if keep.sum() > most_options:
        return 0
    model = new_model()
    choices: list[list[cp_model.IntVar]] = [[] for _ in problem.nobody]
    loads: list[list[tuple[cp_model.IntVar, int]]] = [[] for _ in problem.room]
    objective: list[tuple[cp_model.IntVar, int]] = []
    for pair, k in zip(*np.nonzero(keep), strict=True):
        option = model.new_bool_var("")
        choices[problem.pair_engagement[pair]].append(option)
        loads[problem.pair_expert[pair]].append((option, int(problem.free[pair, k])))
        objective.append((option, int(problem.cost[pair, k])))
    for a, options in enumerate(choices):
        if FINE * problem.nobody[a] <= cheapest[a] + slack:
            options.append(model.new_bool_var(""))
            objective.append((options[-1], int(problem.nobody[a])))
        model.add_exactly_one(options)
    for e, load in enumerate(loads):
        room, cheap = int(problem.room[e]), int(problem.cheap[e])
        over = model.new_int_var(0, max(0, room - cheap), "")
        used = sum(option * free for option, free in load)
        model.add(used <= min(cheap, room) + over)
        objective.append((over, problem.overload))
    model.minimize(sum(variable * cost for variable, cost in objective) + problem.constant)
    answer = run_cp_sat(model, limits)
    return best_known if answer.is_infeasible else min(best_known, answer.bound)
