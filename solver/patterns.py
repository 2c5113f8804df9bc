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
from solver.kernel import kernel
from solver.schedule import ONLINE, Schedule, overload

NEVER = 1 << 60
"""The cost of what is not possible."""

FINE = 4096
"""Costs inside the kernels are multiples of this: prices are finer, and noise breaks ties only."""


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


@kernel
def new_paths(days: int) -> Paths:
    """Working memory for a period of `days`."""
    return Paths(
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
    )


@kernel
def _lowest_bit(word: np.uint64) -> int:
    bit = 0
    for shift in (32, 16, 8, 4, 2, 1):
        if word & ((np.uint64(1) << np.uint64(shift)) - np.uint64(1)) == 0:
            word >>= np.uint64(shift)
            bit += shift
    return bit


@kernel
def _highest_bit(word: np.uint64) -> int:
    bit = 0
    for shift in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(shift) != 0:
            word >>= np.uint64(shift)
            bit += shift
    return bit


@kernel
def _without_collisions(
    mask: np.uint64,
    minutes: int,
    place: int,
    home: int,
    start_minutes: IntArray,
    travel: IntArray,
    booked: NDArray[np.int32],
) -> np.uint64:
    """The starts of a word that leave time for, and the way to, all sessions of the day.

    `place` is ONLINE or the site; `start_minutes` are those of the word, `booked` those of the day.
    """
    for slot in range(len(booked)):
        to, back = 0, 0
        if place != ONLINE or booked[slot, 2] != ONLINE:
            here = home if place == ONLINE else place
            there = home if booked[slot, 2] == ONLINE else booked[slot, 2]
            to, back = travel[there, here], travel[here, there]
        rest = mask
        while rest != 0:
            bit = _lowest_bit(rest)
            rest &= rest - np.uint64(1)
            start = start_minutes[bit]
            if start < booked[slot, 1] + to and booked[slot, 0] < start + minutes + back:
                mask &= ~(np.uint64(1) << np.uint64(bit))
    return mask


@kernel
def _best_unpriced_start(
    free: MaskArray,
    wished: MaskArray,
    start_minutes: IntArray,
    off_preference: int,
    late: bool,
    kept: int,
    move: int,
) -> tuple[int, int]:
    """The cost, in 1 / FINE, and the minute of the cheapest start of a day; NEVER without one.

    A start other than `kept` costs `move`. Of equal ones the first, or the last with `late`.
    """
    best, minute = NEVER, 0
    for word in range(len(free)):
        if free[word] == 0:
            continue
        both = free[word] & wished[word]
        cost = FINE * (move if both != 0 else move + off_preference)
        if cost < best or (late and cost == best):
            chosen = both if both != 0 else free[word]
            bit = _highest_bit(chosen) if late else _lowest_bit(chosen)
            best, minute = cost, start_minutes[word * 64 + bit]
    if kept != NO_DAY:
        published = FINE * _published_cost(free, wished, start_minutes, off_preference, kept)
        if published <= best:
            return published, kept
    return best, minute


@kernel
def _best_priced_start(
    free: MaskArray,
    wished: MaskArray,
    start_minutes: IntArray,
    off_preference: int,
    price: NDArray[np.int32],
    minutes: int,
    kept: int,
    move: int,
) -> tuple[int, int]:
    """The cost, in 1 / FINE, and the minute of the cheapest start of a day with priced points.

    `minutes` is how long the expert is bound; a start other than `kept` costs `move`.
    """
    best, minute = NEVER, 0
    for word in range(len(free)):
        rest = free[word]
        while rest != 0:
            bit = _lowest_bit(rest)
            rest &= rest - np.uint64(1)
            point = word * 64 + bit
            start = start_minutes[point]
            cost = 0 if wished[word] >> np.uint64(bit) & np.uint64(1) else FINE * off_preference
            if start != kept:
                cost += FINE * move
            while point < len(start_minutes) and start_minutes[point] < start + minutes:
                cost += price[point]
                point += 1
            if cost < best:
                best, minute = cost, start
    return best, minute


@kernel
def _published_cost(
    free: MaskArray,
    wished: MaskArray,
    start_minutes: IntArray,
    off_preference: int,
    published: int,
) -> int:
    """The cost of the start that is published, NEVER where it is not free."""
    index = np.searchsorted(start_minutes, published)
    if index == len(start_minutes) or start_minutes[index] != published:
        return NEVER // FINE
    word, bit = index >> 6, np.uint64(1) << np.uint64(index & 63)
    if free[word] & bit == 0:
        return NEVER // FINE
    return 0 if wished[word] & bit != 0 else off_preference


@kernel
def _list_days(
    grid: Grid,
    schedule: Schedule,
    prices: Prices,
    expert: int,
    a: int,
    number: int,
    noise: int,
    paths: Paths,
) -> None:
    """List the days on which a session could be held, with their best starts."""
    # Arrays are taken out of the tuples once: the loop runs over every day of the period.
    open_starts = grid.expert_starts[expert, grid.duration_index[a, number]]
    wanted_starts = grid.engagement_starts[grid.row[a, number]]
    wished_starts = grid.preferred_starts[grid.row[a, number]]
    week_of_day, start_minutes, travel = grid.week_of_day, grid.start_minutes, grid.travel
    day_count, week_count = schedule.day_count[expert], schedule.week_count[expert]
    booked, words = schedule.booked[expert], grid.words
    most_a_day, most_a_week = grid.max_per_day[expert], grid.max_per_week[expert]
    minutes, site, home = grid.duration[a, number], grid.site[a], grid.expert_place[expert]
    published = grid.current_day[a, number]
    late = noise > 0 and np.random.random() < 0.5
    free = np.zeros(words, np.uint64)
    bound_minutes = minutes + (0 if site == ONLINE else grid.leave[site])
    at = 0
    for day in range(grid.first_day[a], grid.last_day[a] + 1):
        some = False
        for word in range(words):
            free[word] = open_starts[day, word] & wanted_starts[day, word]
            some = some or free[word] != 0
        if not some or day_count[day] >= most_a_day or week_count[week_of_day[day]] >= most_a_week:
            continue
        if day_count[day] > 0:
            for word in range(words):
                free[word] = _without_collisions(
                    free[word],
                    minutes,
                    site,
                    home,
                    start_minutes[word * 64 :],
                    travel,
                    booked[day, : day_count[day]],
                )
        if prices.active and prices.pointed[expert, day]:
            cost, minute = _best_priced_start(
                free,
                wished_starts[day],
                start_minutes,
                grid.off_preference,
                prices.point[expert, day],
                bound_minutes,
                grid.current_minute[a, number] if published == day else NO_DAY,
                0 if published == NO_DAY else grid.move,
            )
        else:
            cost, minute = _best_unpriced_start(
                free,
                wished_starts[day],
                start_minutes,
                grid.off_preference,
                late,
                grid.current_minute[a, number] if published == day else NO_DAY,
                0 if published == NO_DAY else grid.move,
            )
        if cost == NEVER:
            continue
        if prices.active:
            cost += prices.day[expert, day] + prices.week[expert, week_of_day[day]]
        if noise > 0:
            cost += np.random.randint(0, noise)
        paths.day[number, at] = day
        paths.minute[number, at] = minute
        paths.day_cost[number, at] = cost
        at += 1
    paths.length[number] = at


@kernel
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


@kernel
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
    length, days, values = paths.length[number - 1], paths.day[number - 1], paths.value[number - 1]
    low = 0
    for at in range(paths.length[number]):
        day = paths.day[number, at]
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
        paths.value[number, at] = best + paths.day_cost[number, at] if best < NEVER else NEVER


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
        if grid.pin_day[a, number] != NO_DAY:
            paths.length[number] = 1
            paths.day[number, 0] = grid.pin_day[a, number]
            paths.minute[number, 0] = grid.pin_minute[a, number]
            paths.day_cost[number, 0] = 0
        elif same == number:
            _list_days(grid, schedule, prices, expert, a, number, noise, paths)
        else:
            length = paths.length[same]
            paths.length[number] = length
            paths.day[number, :length] = paths.day[same, :length]
            paths.minute[number, :length] = paths.minute[same, :length]
            paths.day_cost[number, :length] = paths.day_cost[same, :length]
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
        paths.days[number] = paths.day[number, at]
        paths.minutes[number] = paths.minute[number, at]
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


@kernel
def price_alone(
    grid: Grid, schedule: Schedule, prices: Prices, first: int, last: int, cost: IntArray
) -> None:
    """Fill `cost` (P, 6) for the pairs first … last - 1, given only what is booked already."""
    paths = new_paths(grid.days)
    for pair in range(first, last):
        price_pair(grid, schedule, prices, pair, 0, paths)
        for count in range(MAX_SESSIONS + 1):
            value = paths.cost[count]
            cost[pair, count] = value // FINE if value < NEVER else NEVER
