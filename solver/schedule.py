"""A plan in the making: who serves whom and when, and every expert's bookings, in flat arrays.

Compiled kernels change it in place. Costs are exact at every moment: `cost` of each engagement
plus the overload of each expert is the cost of the plan.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel, kernel

UNSERVABLE = 1 << 46
"""The cost of an engagement that does not yet keep its own pins; no plan costs that much."""

NEVER = 1 << 60
"""The cost of what is not possible."""

FINE = 4096
"""Costs inside the kernels are multiples of this: prices are finer, and noise breaks ties only."""

NOBODY = -1
ONLINE = -1
MOST_A_DAY = 24
"""Sessions take an hour at least: no day holds more of one expert."""


class Schedule(NamedTuple):
    """A = engagements, E = experts, D = days, K = bookings a day, V = weeks."""

    pair: IntArray  # (A,) the pair that serves the free sessions, NOBODY where there are none
    served: IntArray  # (A,) sessions served, pinned ones included
    day: IntArray  # (A, 5)
    minute: IntArray  # (A, 5)
    cost: IntArray  # (A,) of the engagement, all parts but overload
    load: IntArray  # (E,) sessions of the expert
    week_count: IntArray  # (E, V)
    day_count: IntArray  # (E, D)
    booked: NDArray[np.int32]  # (E, D, K, 3) start and end minute, site (ONLINE: at the desk)
    member: IntArray  # (E, L) the engagements whose free sessions the expert serves
    member_count: IntArray  # (E,)
    state: NDArray[np.uint64]  # (E,) a digest of the expert's bookings, whatever their order


class Rows(NamedTuple):
    """What n engagements have in a schedule: the part of it that a plan is made of."""

    pair: IntArray  # (n,)
    served: IntArray  # (n,)
    day: IntArray  # (n, 5)
    minute: IntArray  # (n, 5)
    cost: IntArray  # (n,)


def all_rows(schedule: Schedule) -> Rows:
    """A copy of what the schedule holds now."""
    return Rows(*(getattr(schedule, name).copy() for name in Rows._fields))


@allocating_kernel
def new_rows(most: int) -> Rows:
    """Memory for `most` engagements."""
    return Rows(
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty((most, MAX_SESSIONS), np.int64),
        np.empty((most, MAX_SESSIONS), np.int64),
        np.empty(most, np.int64),
    )


def pinned_schedule(grid: Grid) -> Schedule:
    """The schedule that holds the pinned sessions and nothing else."""
    engagements, experts = len(grid.sessions), len(grid.max_total)
    most = min(MOST_A_DAY, int(grid.max_per_day.max(initial=1)))
    weeks = int(grid.week_of_day[-1]) + 1
    candidates = int(np.bincount(grid.pair_expert, minlength=1).max())
    most_engagements = max(1, min(candidates, int(grid.max_total.max(initial=1))))
    schedule = Schedule(
        pair=np.full(engagements, NOBODY, dtype=np.int64),
        served=grid.least.copy(),
        day=np.where(grid.pin_day != NO_DAY, grid.pin_day, 0),
        minute=np.where(grid.pin_day != NO_DAY, grid.pin_minute, 0),
        cost=costs_without_free(grid),
        load=np.zeros(experts, dtype=np.int64),
        week_count=np.zeros((experts, weeks), dtype=np.int64),
        day_count=np.zeros((experts, grid.days), dtype=np.int64),
        booked=np.zeros((experts, grid.days, max(1, most), 3), dtype=np.int32),
        member=np.full((experts, most_engagements), NOBODY, dtype=np.int64),
        member_count=np.zeros(experts, dtype=np.int64),
        state=np.zeros(experts, dtype=np.uint64),
    )
    for a, number in zip(*np.nonzero(grid.pin_day != NO_DAY), strict=True):
        expert, day = grid.pin_expert[a, number], grid.pin_day[a, number]
        start = grid.pin_minute[a, number]
        book(grid, schedule, expert, day, start, start + grid.duration[a, number], grid.site[a])
    return schedule


@kernel
def cost_without_free(grid: Grid, a: int) -> int:
    """The cost of an engagement that has its pinned sessions alone."""
    least = grid.least[a]
    for number in range(least):
        if grid.pin_day[a, number] == NO_DAY:
            return UNSERVABLE
    cost = grid.dropped * grid.weight[a] * (grid.sessions[a] - least)
    return int(cost + (grid.unserved * grid.weight[a] if least == 0 else 0))


@allocating_kernel
def costs_without_free(grid: Grid) -> IntArray:
    """The cost of every engagement (A,) that has its pinned sessions alone."""
    costs = np.empty(len(grid.sessions), np.int64)
    for a in range(len(costs)):
        costs[a] = cost_without_free(grid, a)
    return costs


@kernel
def cost_with(grid: Grid, pair: int, count: int, days: IntArray, minutes: IntArray) -> int:
    """The cost of an engagement with sessions 1…count at these times, all parts but overload."""
    a = grid.pair_engagement[pair]
    cost = grid.dropped * grid.weight[a] * (grid.sessions[a] - count)
    free = 0
    for number in range(count):
        pinned = grid.pin_day[a, number] != NO_DAY
        if not pinned:
            free += 1
            index = np.searchsorted(grid.start_minutes, minutes[number])
            wished = grid.preferred_starts[grid.row[a, number], days[number], index >> 6]
            if wished >> np.uint64(index & 63) & np.uint64(1) == 0:
                cost += grid.off_preference
            if number == 0:
                cost += grid.wait * (days[0] - grid.first_day[a])
            if grid.current_day[a, number] != NO_DAY and (
                grid.current_day[a, number] != days[number]
                or grid.current_minute[a, number] != minutes[number]
            ):
                cost += grid.move
        if number > 0 and not (pinned and grid.pin_day[a, number - 1] != NO_DAY):
            gap = days[number] - days[number - 1]
            cost += grid.gap * abs(gap - grid.target_gap[a])
    if free > 0:
        cost += free * grid.pair_session_cost[pair] + grid.pair_once_cost[pair]
    return int(cost)


@kernel
def overload(grid: Grid, expert: int, load: int) -> int:
    """w.overload for each session above the target."""
    return int(grid.overload * max(0, load - grid.target_total[expert]))


@inner_kernel
def _digest(day: int, start: int, end: int, site: int) -> np.uint64:
    """A well-mixed word for one booking (splitmix64: Steele, Lea, Flood 2014)."""
    word = np.uint64(((day * 2048 + start) * 2048 + end) * 65536 + site + 1)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@kernel
def book(
    grid: Grid, schedule: Schedule, expert: int, day: int, start: int, end: int, site: int
) -> None:
    """Enter one session into an expert's calendar."""
    slot = schedule.day_count[expert, day]
    schedule.booked[expert, day, slot, 0] = start
    schedule.booked[expert, day, slot, 1] = end
    schedule.booked[expert, day, slot, 2] = site
    schedule.state[expert] ^= _digest(day, start, end, site)
    schedule.day_count[expert, day] += 1
    schedule.week_count[expert, grid.week_of_day[day]] += 1
    schedule.load[expert] += 1


@kernel
def unbook(grid: Grid, schedule: Schedule, expert: int, day: int, start: int) -> None:
    """Take the session that starts then out of an expert's calendar."""
    last = schedule.day_count[expert, day] - 1
    for slot in range(last + 1):
        if schedule.booked[expert, day, slot, 0] == start:
            end, site = schedule.booked[expert, day, slot, 1], schedule.booked[expert, day, slot, 2]
            schedule.state[expert] ^= _digest(day, start, end, site)
            for part in range(3):
                schedule.booked[expert, day, slot, part] = schedule.booked[expert, day, last, part]
            break
    schedule.day_count[expert, day] -= 1
    schedule.week_count[expert, grid.week_of_day[day]] -= 1
    schedule.load[expert] -= 1


@kernel
def remove(grid: Grid, schedule: Schedule, a: int) -> int:
    """Take the free sessions of an engagement out; returns what that adds to the cost."""
    pair = schedule.pair[a]
    if pair == NOBODY:
        return 0
    expert = grid.pair_expert[pair]
    before = schedule.cost[a] + overload(grid, expert, schedule.load[expert])
    for number in range(schedule.served[a]):
        if grid.pin_day[a, number] == NO_DAY:
            unbook(grid, schedule, expert, schedule.day[a, number], schedule.minute[a, number])
    last = schedule.member_count[expert] - 1
    for position in range(last + 1):
        if schedule.member[expert, position] == a:
            schedule.member[expert, position] = schedule.member[expert, last]
            break
    schedule.member_count[expert] = last
    schedule.pair[a] = NOBODY
    schedule.served[a] = grid.least[a]
    schedule.cost[a] = cost_without_free(grid, a)
    return int(schedule.cost[a] + overload(grid, expert, schedule.load[expert]) - before)


@kernel
def insert(
    grid: Grid,
    schedule: Schedule,
    pair: int,
    count: int,
    days: IntArray,
    minutes: IntArray,
    cost: int,
) -> int:
    """Give an engagement its sessions 1…count with an expert; returns what that adds to the cost.

    `cost` is the engagement's own, all parts but overload; its free sessions must be out.
    """
    a = grid.pair_engagement[pair]
    expert = grid.pair_expert[pair]
    before = schedule.cost[a] + overload(grid, expert, schedule.load[expert])
    for number in range(count):
        if grid.pin_day[a, number] == NO_DAY:
            schedule.day[a, number] = days[number]
            schedule.minute[a, number] = minutes[number]
            end = minutes[number] + grid.duration[a, number]
            book(grid, schedule, expert, days[number], minutes[number], end, grid.site[a])
    schedule.member[expert, schedule.member_count[expert]] = a
    schedule.member_count[expert] += 1
    schedule.pair[a] = pair
    schedule.served[a] = count
    schedule.cost[a] = cost
    return int(cost + overload(grid, expert, schedule.load[expert]) - before)


@inner_kernel
def way_between(grid: Grid, expert: int, here: int, there: int) -> int:
    """Minutes from one session's site to the next one's; ONLINE ones are held at the desk."""
    if here == ONLINE and there == ONLINE:
        return 0
    desk = grid.expert_place[expert]
    return int(grid.travel[desk if here == ONLINE else here, desk if there == ONLINE else there])


@kernel
def total_cost(grid: Grid, schedule: Schedule) -> int:
    """The cost of the whole plan."""
    total = schedule.cost.sum()
    for expert in range(len(schedule.load)):
        total += overload(grid, expert, schedule.load[expert])
    return int(total)
