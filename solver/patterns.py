"""The cheapest session dates of one engagement with one expert: a shortest path over days.

With f_k(d) the cheapest way to hold sessions 1…k with session k on day d,

    f_k(d) = cost of day d + min over days d' with min_gap <= d - d' <= max_gap of
             f_{k-1}(d') + w.gap · |d - d' - target_gap|

A pinned session is the one day on which it stands. What an expert already has in the calendar
cuts starts off a day: overlap, travel on both sides, caps of day and week.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray, MaskArray
from solver.kernel import allocating_kernel, inner_kernel, kernel
from solver.schedule import FINE, NEVER, ONLINE, Schedule, overload
from solver.starts import best_priced_start, best_unpriced_start, without_collisions


class Prices(NamedTuple):
    """What an expert's time is worth to other engagements, in 1 / FINE a session."""

    active: bool
    week: IntArray  # (E, V) of a session in that week
    day: IntArray  # (E, D) of a session on that day
    point: NDArray[np.int32]  # (E, D, S) of a session that binds the expert at that start
    pointed: NDArray[np.bool_]  # (E, D) whether any point of the day has a price


FREE = Prices(
    False,
    np.zeros((1, 1), np.int64),
    np.zeros((1, 1), np.int64),
    np.zeros((1, 1, 1), np.int32),
    np.zeros((1, 1), np.bool_),
)
"""Nothing has a price."""


class Paths(NamedTuple):
    """The working memory of one shortest path; sessions down, days across."""

    source: IntArray  # (5,) the session whose list this one shares, or itself
    length: IntArray  # (5,) how many days the list of a session has
    day: IntArray  # (5, D)
    minute: IntArray  # (5, D) the start chosen on that day
    day_cost: IntArray  # (5, D)
    value: IntArray  # (5, D) f_k at that day
    parent: IntArray  # (5, D) position in the list of the session before
    cost: IntArray  # (6,) of the engagement with sessions 1…k, NEVER where that is not possible
    best: IntArray  # (6,) position in the list of session k
    days: IntArray  # (5,) the path that was traced
    minutes: IntArray  # (5,)
    free: MaskArray  # (W,) the free starts of a day


@allocating_kernel
def new_paths(grid: Grid) -> Paths:
    """Working memory for one path at a time."""
    days = grid.days
    return Paths(
        np.zeros(MAX_SESSIONS, np.int64),
        np.zeros(MAX_SESSIONS, np.int64),
        np.zeros((MAX_SESSIONS, days), np.int64),
        np.zeros((MAX_SESSIONS, days), np.int64),
        np.zeros((MAX_SESSIONS, days), np.int64),
        np.zeros((MAX_SESSIONS, days), np.int64),
        np.zeros((MAX_SESSIONS, days), np.int64),
        np.zeros(MAX_SESSIONS + 1, np.int64),
        np.zeros(MAX_SESSIONS + 1, np.int64),
        np.zeros(MAX_SESSIONS, np.int64),
        np.zeros(MAX_SESSIONS, np.int64),
        np.zeros(grid.words, np.uint64),
    )


@inner_kernel
def _list_days(
    grid: Grid,
    schedule: Schedule,
    prices: Prices,
    pair: int,
    number: int,
    noise: int,
    paths: Paths,
) -> None:
    """List the days on which a session could be held, with their best starts."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    # Arrays are taken out of the tuples once: the loop runs over every open day of the period.
    row, openings = grid.row[a, number], grid.openings
    which = openings.pair_list[pair] + row - grid.row_offset[a]
    open_day, open_off = openings.day, openings.off
    late = noise > 0 and np.random.random() < 0.5
    open_minute = openings.last if late else openings.first
    week_of_day = grid.week_of_day
    day_count, week_count = schedule.day_count[expert], schedule.week_count[expert]
    most_a_day, most_a_week = grid.max_per_day[expert], grid.max_per_week[expert]
    published = grid.current_day[a, number]
    move = FINE * grid.move if published != NO_DAY else 0
    off_preference = FINE * grid.off_preference
    days, minutes, costs = paths.day[number], paths.minute[number], paths.day_cost[number]
    at = 0
    for entry in range(openings.list_offset[which], openings.list_offset[which + 1]):
        day = open_day[entry]
        if day_count[day] >= most_a_day or week_count[week_of_day[day]] >= most_a_week:
            continue
        pointed = prices.active and prices.pointed[expert, day]
        if day_count[day] == 0 and day != published and not pointed:
            cost, minute = move + off_preference * open_off[entry], int(open_minute[entry])
        else:
            cost, minute = _best_start(grid, schedule, prices, expert, a, number, day, late, paths)
            if cost == NEVER:
                continue
        if prices.active:
            cost += prices.day[expert, day] + prices.week[expert, week_of_day[day]]
        if noise > 0:
            cost += np.random.randint(0, noise)
        days[at], minutes[at], costs[at] = day, minute, cost
        at += 1
    paths.length[number] = at


@inner_kernel
def _best_start(
    grid: Grid,
    schedule: Schedule,
    prices: Prices,
    expert: int,
    a: int,
    number: int,
    day: int,
    late: bool,
    paths: Paths,
) -> tuple[int, int]:
    """The cost, in 1 / FINE, and the minute of the cheapest start beside what the day holds."""
    row, site = grid.row[a, number], grid.site[a]
    minutes, booked = grid.duration[a, number], schedule.day_count[expert, day]
    free = paths.free
    for word in range(grid.words):
        free[word] = (
            grid.expert_starts[expert, grid.duration_index[a, number], day, word]
            & grid.engagement_starts[row, day, word]
        )
        if booked > 0:
            free[word] = without_collisions(
                free[word],
                minutes,
                site,
                grid.expert_place[expert],
                grid.start_minutes[word * 64 :],
                grid.travel,
                schedule.booked[expert, day, :booked],
            )
    published = grid.current_day[a, number]
    kept = grid.current_minute[a, number] if published == day else NO_DAY
    move = 0 if published == NO_DAY else grid.move
    if prices.active and prices.pointed[expert, day]:
        return best_priced_start(
            free,
            grid.preferred_starts[row, day],
            grid.start_minutes,
            grid.off_preference,
            prices.point[expert, day],
            minutes + (0 if site == ONLINE else grid.leave[site]),
            kept,
            move,
        )
    return best_unpriced_start(
        free,
        grid.preferred_starts[row, day],
        grid.start_minutes,
        grid.off_preference,
        late,
        kept,
        move,
    )


@inner_kernel
def _same_days(grid: Grid, a: int, number: int) -> int:
    """An earlier session with the same list of days as this one, or the session itself."""
    if grid.pin_day[a, number] == NO_DAY and grid.current_day[a, number] == NO_DAY:
        for before in range(number):
            if (
                grid.row[a, before] == grid.row[a, number]
                and grid.pin_day[a, before] == NO_DAY
                and grid.current_day[a, before] == NO_DAY
            ):
                return before
    return number


@inner_kernel
def _extend(grid: Grid, schedule: Schedule, expert: int, a: int, number: int, paths: Paths) -> None:
    """f_k from f_{k-1}: the cheapest day before each day of session `number`."""
    both_pinned = grid.pin_day[a, number] != NO_DAY and grid.pin_day[a, number - 1] != NO_DAY
    both_free = grid.pin_day[a, number] == NO_DAY and grid.pin_day[a, number - 1] == NO_DAY
    week_of_day, week_count = grid.week_of_day, schedule.week_count[expert]
    most_a_week, week_need = grid.max_per_week[expert], grid.week_need[a]
    min_gap, max_gap, target_gap = grid.min_gap[a], grid.max_gap[a], grid.target_gap[a]
    gap_cost = FINE * grid.gap
    if both_pinned:
        min_gap, max_gap, gap_cost = -NEVER, NEVER, 0
    length, values = paths.length[number - 1], paths.value[number - 1]
    days, next_days = paths.day[paths.source[number - 1]], paths.day[paths.source[number]]
    day_cost = paths.day_cost[paths.source[number]]
    low = 0
    for at in range(paths.length[number]):
        day = next_days[at]
        best, parent = NEVER, 0
        while low < length and day - days[low] > max_gap:
            low += 1
        crowded = both_free and most_a_week - week_count[week_of_day[day]] < week_need
        for before in range(low, length):
            gap = day - days[before]
            if gap < min_gap:
                break
            if crowded and week_of_day[days[before]] == week_of_day[day]:
                continue
            value = values[before] + gap_cost * abs(gap - target_gap)
            if value < best:
                best, parent = value, before
        paths.parent[number, at] = parent
        paths.value[number, at] = best + day_cost[at] if best < NEVER else NEVER


@kernel
def price_pair(
    grid: Grid, schedule: Schedule, prices: Prices, pair: int, noise: int, paths: Paths
) -> None:
    """Fill `paths.cost[k]` for k = 0…n: the engagement's cost with sessions 1…k, times FINE.

    All parts but overload; NEVER where k sessions are not possible. k below the highest
    pinned number is no plan. With `noise` equal ways are told apart at random.
    """
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    paths.cost[:] = NEVER
    free, room = 0, grid.max_total[expert] - schedule.load[expert]
    for number in range(grid.sessions[a]):
        if grid.pin_day[a, number] == NO_DAY:
            free += 1
        if free > room:
            return
        same = _same_days(grid, a, number)
        paths.source[number] = same
        if grid.pin_day[a, number] != NO_DAY:
            paths.length[number] = 1
            paths.day[number, 0] = grid.pin_day[a, number]
            paths.minute[number, 0] = grid.pin_minute[a, number]
            paths.day_cost[number, 0] = 0
        elif same == number:
            _list_days(grid, schedule, prices, pair, number, noise, paths)
        else:
            paths.length[number] = paths.length[same]
        if number == 0:
            for at in range(paths.length[0]):
                wait = grid.wait * (paths.day[0, at] - grid.first_day[a])
                pinned = grid.pin_day[a, 0] != NO_DAY
                paths.value[0, at] = paths.day_cost[0, at] + (0 if pinned else wait * FINE)
        else:
            _extend(grid, schedule, expert, a, number, paths)
        best = NEVER
        for at in range(paths.length[number]):
            if paths.value[number, at] < best:
                best = paths.value[number, at]
                paths.best[number + 1] = at
        if best == NEVER:
            return
        if number + 1 >= grid.least[a]:
            once = free * grid.pair_session_cost[pair] + (
                grid.pair_once_cost[pair] if free > 0 else 0
            )
            left = grid.dropped * grid.weight[a] * (grid.sessions[a] - number - 1)
            paths.cost[number + 1] = best + FINE * (once + left)


@kernel
def choose_count(grid: Grid, schedule: Schedule, pair: int, price: int, paths: Paths) -> int:
    """The number of sessions with the least cost, overload and a price a session counted.

    0 where the pair can serve no free session at all. `price_pair` must have run.
    """
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    count, free, best = 0, 0, NEVER
    load = schedule.load[expert]
    for number in range(grid.sessions[a]):
        if grid.pin_day[a, number] == NO_DAY:
            free += 1
        if free == 0 or paths.cost[number + 1] == NEVER:
            continue
        more = overload(grid, expert, load + free) - overload(grid, expert, load)
        value = paths.cost[number + 1] + FINE * (more + price * free)
        if value < best:
            best, count = value, number + 1
    paths.cost[0] = best
    return count


@kernel
def trace(grid: Grid, schedule: Schedule, pair: int, count: int, paths: Paths) -> int:
    """Write the path of sessions 1…count into `paths.days` and `minutes`; returns its own cost.

    The cost is exact, without noise, all parts but overload. NEVER where the path would break
    the weekly cap, which the shortest path sees for two sessions at a time only.
    """
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    at = paths.best[count]
    for number in range(count - 1, -1, -1):
        source = paths.source[number]
        paths.days[number] = paths.day[source, at]
        paths.minutes[number] = paths.minute[source, at]
        at = paths.parent[number, at]
    for number in range(count):
        week, room = grid.week_of_day[paths.days[number]], grid.max_per_week[expert]
        room -= schedule.week_count[expert, week]
        for other in range(count):
            if grid.pin_day[a, other] == NO_DAY and grid.week_of_day[paths.days[other]] == week:
                room -= 1
        if grid.pin_day[a, number] == NO_DAY and room < 0:
            return NEVER
    return int(paths.cost[count] // FINE)


@allocating_kernel
def price_alone(
    grid: Grid,
    schedule: Schedule,
    prices: Prices,
    first: int,
    last: int,
    unit: int,
    cost: IntArray,
) -> None:
    """Fill `cost` (last - first, 6) for the pairs first … last - 1, beside what is booked.

    In whole costs where `unit` is FINE, in 1 / FINE where it is 1.
    """
    paths = new_paths(grid)
    for pair in range(first, last):
        price_pair(grid, schedule, prices, pair, 0, paths)
        for count in range(MAX_SESSIONS + 1):
            value = paths.cost[count]
            cost[pair - first, count] = value // unit if value < NEVER else NEVER
