"""One engagement into a plan whose rest is fixed: the best dates with each candidate, exactly.

The shortest path of `patterns` sees two sessions at a time, which is what a search needs. Here
nothing is left open: where `min_gap_days` is short, more than two sessions may share a week or a
day, and between two visits of a day only neighbours need the way. A *run* is the sessions
i…j that an engagement holds on one day. With r(i, j, d) the cheapest way to hold that run on day d
beside what the expert has booked, and f(j, d, c) the cheapest way to hold sessions 1…j, the last on
day d, with c of the free ones in the week of d,

    f(j, d, c) = min over i, d', c' of
                 r(i, j, d) + f(i - 1, d', c') + w.gap · |d - d' - target_gap|

where d' < d keeps the gaps, c = c' + (free sessions of the run) where d' lies in the week of d and
starts anew where it does not, and c fits into what `max_per_week` leaves. Days never fall from one
session to the next, so a week is counted whole: the least f(k, d, c) is the optimum, not a bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solver.grid import DAY_MINUTES, MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.kernel import allocating_kernel, kernel
from solver.schedule import MOST_A_DAY, NEVER, Schedule, book, overload, way_between

MOST_BOOKED = MOST_A_DAY + MAX_SESSIONS + 1
"""Visits of one day: those booked, those of a run, and one that began on the day before."""


class Insertions(NamedTuple):
    """The best ways to serve one engagement, for each of its pairs and each number of sessions."""

    cost: IntArray  # (pairs, 6) own cost and the overload it adds; NEVER where it is not possible
    day: IntArray  # (pairs, 6, 5)
    minute: IntArray  # (pairs, 6, 5)


class _Runs(NamedTuple):
    """r(i, j, d): the cheapest way to hold sessions i…j on one day."""

    cost: IntArray  # (5, 5, D)
    minute: IntArray  # (5, 5, D, 5)


class _States(NamedTuple):
    """f(j, d, c), and the run and the state before it that gave it."""

    value: IntArray  # (5, D, 6)
    first: IntArray  # (5, D, 6) first session of the last run
    day: IntArray  # (5, D, 6) day of the run before
    in_week: IntArray  # (5, D, 6) its c


class _Day(NamedTuple):
    """The visits of an expert's day in the order of their starts."""

    visit: IntArray  # (MOST_BOOKED, 3) start and end minute, site
    new: IntArray  # (MOST_BOOKED,) 1 for a visit that is not booked yet


class _Choice(NamedTuple):
    """The working memory of the search for the starts of a run."""

    number: IntArray  # (5,) the sessions to choose a start for
    price: IntArray  # (5, S) what each start costs by itself, above the least
    at: IntArray  # (5,) the start that is being tried
    spent: IntArray  # (6,) what those before cost together


@allocating_kernel
def price_insertions(grid: Grid, schedule: Schedule, a: int) -> Insertions:
    """Price all pairs of an engagement whose free sessions are out of the schedule."""
    first, last = grid.pair_offset[a], grid.pair_offset[a + 1]
    found = Insertions(
        np.full((last - first, MAX_SESSIONS + 1), NEVER, np.int64),
        np.zeros((last - first, MAX_SESSIONS + 1, MAX_SESSIONS), np.int64),
        np.zeros((last - first, MAX_SESSIONS + 1, MAX_SESSIONS), np.int64),
    )
    runs = _Runs(
        np.empty((MAX_SESSIONS, MAX_SESSIONS, grid.days), np.int64),
        np.empty((MAX_SESSIONS, MAX_SESSIONS, grid.days, MAX_SESSIONS), np.int64),
    )
    shape = (MAX_SESSIONS, grid.days, MAX_SESSIONS + 1)
    states = _States(
        np.empty(shape, np.int64),
        np.empty(shape, np.int64),
        np.empty(shape, np.int64),
        np.empty(shape, np.int64),
    )
    today = _new_day()
    choice = _Choice(
        np.empty(MAX_SESSIONS, np.int64),
        np.empty((MAX_SESSIONS, len(grid.start_minutes)), np.int64),
        np.empty(MAX_SESSIONS, np.int64),
        np.empty(MAX_SESSIONS + 1, np.int64),
    )
    for pair in range(first, last):
        if schedule.load[grid.pair_expert[pair]] < grid.max_total[grid.pair_expert[pair]]:
            _hold_runs(grid, schedule, pair, today, choice, runs)
            _join_runs(grid, schedule, pair, runs, states)
            _read_off(grid, schedule, pair, runs, states, pair - first, found)
    return found


@kernel
def _hold_runs(
    grid: Grid, schedule: Schedule, pair: int, today: _Day, choice: _Choice, runs: _Runs
) -> None:
    """Fill r(i, j, d) for every run that may share a day."""
    a = grid.pair_engagement[pair]
    runs.cost[:] = NEVER
    for j in range(grid.sessions[a]):
        if grid.pin_day[a, j] == NO_DAY:
            _hold_each_day(grid, schedule, pair, j, today, runs)
        else:
            runs.cost[j, j, grid.pin_day[a, j]] = 0
            runs.minute[j, j, grid.pin_day[a, j], j] = grid.pin_minute[a, j]
        for i in range(j - 1, -1, -1):
            held = grid.pin_day[a, i] != NO_DAY and grid.pin_day[a, i + 1] != NO_DAY
            if grid.min_gap[a] > 0 and not held:
                break
            for day in range(grid.days):
                _hold_run(grid, schedule, pair, i, j, day, today, choice, runs)


@kernel
def _hold_each_day(
    grid: Grid, schedule: Schedule, pair: int, number: int, today: _Day, runs: _Runs
) -> None:
    """Fill r(j, j, d) for a session that is not pinned: the cheapest start of each day."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    theirs = grid.expert_starts[expert, grid.duration_index[a, number]]
    ours = grid.engagement_starts[grid.row[a, number]]
    wished = grid.preferred_starts[grid.row[a, number]]
    start_minutes, words = grid.start_minutes, grid.words
    day_count, week_count = schedule.day_count[expert], schedule.week_count[expert]
    most_a_day, most_a_week = grid.max_per_day[expert], grid.max_per_week[expert]
    week_of_day, duration = grid.week_of_day, grid.duration[a, number]
    published, kept = grid.current_day[a, number], grid.current_minute[a, number]
    for day in range(grid.first_day[a], grid.last_day[a] + 1):
        if day_count[day] >= most_a_day or week_count[week_of_day[day]] >= most_a_week:
            continue
        best, booked = NEVER, -1
        for word in range(words):
            free = theirs[day, word] & ours[day, word]
            bit = 0
            while free != 0:
                if free & np.uint64(1):
                    start = start_minutes[word * 64 + bit]
                    cost = 0
                    if wished[day, word] >> np.uint64(bit) & np.uint64(1) == 0:
                        cost += grid.off_preference
                    if published != NO_DAY and (published != day or kept != start):
                        cost += grid.move
                    if cost < best:
                        if booked < 0:
                            booked = _list_booked(schedule, expert, day, today)
                        if _fits(grid, pair, start, start + duration, today, booked):
                            best = cost
                            runs.minute[number, number, day, number] = start
                free >>= np.uint64(1)
                bit += 1
        runs.cost[number, number, day] = best


@allocating_kernel
def _new_day() -> _Day:
    return _Day(np.zeros((MOST_BOOKED, 3), np.int64), np.zeros(MOST_BOOKED, np.int64))


@kernel
def _list_booked(schedule: Schedule, expert: int, day: int, today: _Day) -> int:
    """List what an expert has booked on a day by start; returns how many.

    A pinned session of the day before may run on after midnight.
    """
    count = 0
    if day > 0:
        for slot in range(schedule.day_count[expert, day - 1]):
            if schedule.booked[expert, day - 1, slot, 1] > DAY_MINUTES:
                begun = schedule.booked[expert, day - 1, slot]
                start, end = begun[0] - DAY_MINUTES, begun[1] - DAY_MINUTES
                count = _add_visit(today, count, start, end, begun[2], 0)
    for slot in range(schedule.day_count[expert, day]):
        visit = schedule.booked[expert, day, slot]
        count = _add_visit(today, count, visit[0], visit[1], visit[2], 0)
    return count


@kernel
def _add_visit(today: _Day, count: int, start: int, end: int, site: int, new: int) -> int:
    """Put a visit in at its place in a day; returns how many there are."""
    at = count
    while at > 0 and today.visit[at - 1, 0] > start:
        for field in range(3):
            today.visit[at, field] = today.visit[at - 1, field]
        today.new[at] = today.new[at - 1]
        at -= 1
    today.visit[at, 0], today.visit[at, 1], today.visit[at, 2] = start, end, site
    today.new[at] = new
    return count + 1


@kernel
def _fits(grid: Grid, pair: int, start: int, end: int, today: _Day, count: int) -> bool:
    """Whether one more visit leaves time for its neighbours and the ways to and from them."""
    site, expert = grid.site[grid.pair_engagement[pair]], grid.pair_expert[pair]
    for at in range(count):
        if today.visit[at, 1] <= start:
            if at + 1 < count and today.visit[at + 1, 1] <= start:
                continue
            if today.visit[at, 1] + way_between(grid, expert, today.visit[at, 2], site) > start:
                return False
        elif today.visit[at, 0] >= end:
            return bool(
                end + way_between(grid, expert, site, today.visit[at, 2]) <= today.visit[at, 0]
            )
        else:
            return False
    return True


@kernel
def _hold_run(
    grid: Grid,
    schedule: Schedule,
    pair: int,
    i: int,
    j: int,
    day: int,
    today: _Day,
    choice: _Choice,
    runs: _Runs,
) -> None:
    """Fill r(i, j, d) for two sessions or more, by trying their starts in turn."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    inside, free, least = 0, 0, 0
    for number in range(i, j + 1):
        pinned = grid.pin_day[a, number] != NO_DAY
        if number > i and not (pinned and grid.pin_day[a, number - 1] != NO_DAY):
            inside += grid.gap * grid.target_gap[a]
        if not pinned:
            choice.number[free] = number
            free += 1
        elif grid.pin_day[a, number] != day:
            return
    if free > 0:
        room = grid.max_per_day[expert] - schedule.day_count[expert, day]
        if free > room or not grid.first_day[a] <= day <= grid.last_day[a]:
            return
        for level in range(free):
            least += _price_starts(grid, expert, a, day, level, choice)
        if least >= NEVER:
            return
        minute = runs.minute[i, j, day]
        above = _try_starts(grid, schedule, pair, day, free, today, choice, minute)
        if above == NEVER:
            return
        least += above
    runs.cost[i, j, day] = least + inside
    for number in range(i, j + 1):
        if grid.pin_day[a, number] != NO_DAY:
            runs.minute[i, j, day, number] = grid.pin_minute[a, number]


@kernel
def _price_starts(grid: Grid, expert: int, a: int, day: int, level: int, choice: _Choice) -> int:
    """Fill what each start of a day costs a session by itself above the least, which it returns."""
    number, least = choice.number[level], NEVER
    theirs = grid.expert_starts[expert, grid.duration_index[a, number], day]
    ours = grid.engagement_starts[grid.row[a, number], day]
    wished = grid.preferred_starts[grid.row[a, number], day]
    published = grid.current_day[a, number]
    for start in range(len(grid.start_minutes)):
        word, bit = start >> 6, np.uint64(start & 63)
        cost = NEVER
        if (theirs[word] & ours[word]) >> bit & np.uint64(1):
            cost = 0 if wished[word] >> bit & np.uint64(1) else grid.off_preference
            if published != NO_DAY and (
                published != day or grid.current_minute[a, number] != grid.start_minutes[start]
            ):
                cost += grid.move
        choice.price[level, start] = cost
        least = min(least, cost)
    for start in range(len(grid.start_minutes)):
        if choice.price[level, start] < NEVER:
            choice.price[level, start] -= least
    return int(least)


@kernel
def _try_starts(
    grid: Grid,
    schedule: Schedule,
    pair: int,
    day: int,
    free: int,
    today: _Day,
    choice: _Choice,
    minute: IntArray,
) -> int:
    """The cheapest starts of some sessions on one day, by depth-first search; their price."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    best, level = NEVER, 0
    choice.at[0], choice.spent[0] = -1, 0
    while level >= 0:
        choice.at[level] += 1
        if choice.at[level] == len(grid.start_minutes):
            level -= 1
            continue
        spent = choice.spent[level] + choice.price[level, choice.at[level]]
        if spent >= best or _overlap(grid, a, choice, level):
            continue
        choice.spent[level + 1] = spent
        if level < free - 1:
            level += 1
            choice.at[level] = choice.at[level - 1] if _alike(grid, a, choice, level) else -1
            continue
        count = _list_booked(schedule, expert, day, today)
        for chosen in range(free):
            start = grid.start_minutes[choice.at[chosen]]
            end = start + grid.duration[a, choice.number[chosen]]
            count = _add_visit(today, count, start, end, grid.site[a], 1)
        if _day_holds(grid, expert, today, count):
            best = spent
            for chosen in range(free):
                minute[choice.number[chosen]] = grid.start_minutes[choice.at[chosen]]
            if best == 0:
                break
    return int(best)


@kernel
def _alike(grid: Grid, a: int, choice: _Choice, level: int) -> bool:
    """Whether a session may change places with the one before it, so that one order is enough."""
    one, other = choice.number[level - 1], choice.number[level]
    published = grid.current_day[a, one] != NO_DAY or grid.current_day[a, other] != NO_DAY
    return bool(grid.row[a, one] == grid.row[a, other] and not published)


@kernel
def _overlap(grid: Grid, a: int, choice: _Choice, level: int) -> bool:
    """Whether the session chosen last overlaps one chosen before it."""
    start = grid.start_minutes[choice.at[level]]
    end = start + grid.duration[a, choice.number[level]]
    for other in range(level):
        begun = grid.start_minutes[choice.at[other]]
        if begun < end and start < begun + grid.duration[a, choice.number[other]]:
            return True
    return False


@kernel
def _day_holds(grid: Grid, expert: int, today: _Day, count: int) -> bool:
    """Whether new visits and their neighbours do not overlap and leave the way between them."""
    for at in range(1, count):
        if today.new[at - 1] or today.new[at]:
            way = way_between(grid, expert, today.visit[at - 1, 2], today.visit[at, 2])
            if today.visit[at - 1, 1] + way > today.visit[at, 0]:
                return False
    return True


@kernel
def _join_runs(grid: Grid, schedule: Schedule, pair: int, runs: _Runs, states: _States) -> None:
    """Fill f(j, d, c) by the recurrence of this module."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    states.value[:] = NEVER
    for j in range(grid.sessions[a]):
        for i in range(j, -1, -1):
            free = 0
            for number in range(i, j + 1):
                free += grid.pin_day[a, number] == NO_DAY
            for day in range(grid.days):
                run = runs.cost[i, j, day]
                if run == NEVER:
                    continue
                week = grid.week_of_day[day]
                room = MAX_SESSIONS
                if free > 0:
                    room = min(room, grid.max_per_week[expert] - schedule.week_count[expert, week])
                if i > 0:
                    _join(grid, a, i, j, day, free, room, run, states)
                elif free <= room:
                    waited = 0 if grid.pin_day[a, 0] != NO_DAY else day - grid.first_day[a]
                    _improve(states, j, day, free, run + grid.wait * waited, 0, NO_DAY, 0)


@kernel
def _join(
    grid: Grid,
    a: int,
    i: int,
    j: int,
    day: int,
    free: int,
    room: int,
    run: int,
    states: _States,
) -> None:
    """Let a run of `free` sessions that are not pinned follow each state of the session before."""
    low, high = max(0, day - grid.max_gap[a]), day - max(1, grid.min_gap[a])
    gap_cost, target, week_of_day = grid.gap, grid.target_gap[a], grid.week_of_day
    if grid.pin_day[a, i - 1] != NO_DAY and grid.pin_day[a, i] != NO_DAY:
        low, high, gap_cost = 0, day - 1, 0
    values = states.value[i - 1]
    for before in range(low, high + 1):
        between = run + gap_cost * abs(day - before - target)
        same = week_of_day[before] == week_of_day[day]
        for had in range(MAX_SESSIONS + 1):
            value = values[before, had]
            if value == NEVER:
                continue
            count = free + (had if same else 0)
            if count <= room:
                _improve(states, j, day, count, value + between, i, before, had)


@kernel
def _improve(
    states: _States, j: int, day: int, count: int, value: int, first: int, before: int, had: int
) -> None:
    """Keep the cheaper of two ways to reach a state."""
    if value < states.value[j, day, count]:
        states.value[j, day, count] = value
        states.first[j, day, count] = first
        states.day[j, day, count] = before
        states.in_week[j, day, count] = had


@kernel
def _read_off(
    grid: Grid,
    schedule: Schedule,
    pair: int,
    runs: _Runs,
    states: _States,
    row: int,
    found: Insertions,
) -> None:
    """Write down the best way to hold sessions 1…k, for each k that keeps the pins."""
    a, expert = grid.pair_engagement[pair], grid.pair_expert[pair]
    load, free = schedule.load[expert], 0
    for j in range(grid.sessions[a]):
        free += grid.pin_day[a, j] == NO_DAY
        if load + free > grid.max_total[expert]:
            break
        best, day, count = NEVER, 0, 0
        for last in range(grid.days):
            for had in range(MAX_SESSIONS + 1):
                if states.value[j, last, had] < best:
                    best, day, count = states.value[j, last, had], last, had
        if best == NEVER or free == 0 or j + 1 < grid.least[a]:
            continue
        more = overload(grid, expert, load + free) - overload(grid, expert, load)
        once = free * grid.pair_session_cost[pair] + grid.pair_once_cost[pair]
        left = grid.dropped * grid.weight[a] * (grid.sessions[a] - j - 1)
        found.cost[row, j + 1] = best + more + once + left
        end = j
        while end >= 0:
            first = states.first[end, day, count]
            for number in range(first, end + 1):
                found.day[row, j + 1, number] = day
                found.minute[row, j + 1, number] = runs.minute[first, end, day, number]
            day, count = states.day[end, day, count], states.in_week[end, day, count]
            end = first - 1


@allocating_kernel
def rest_holds(grid: Grid, schedule: Schedule, expert: int, day: int) -> bool:
    """Whether what an expert has booked on a day leaves the ways between the visits.

    Where ways are not metric, a visit may stand only because of another one between its neighbours.
    """
    today = _new_day()
    count = _list_booked(schedule, expert, day, today)
    today.new[:] = 1
    return _day_holds(grid, expert, today, count)


@kernel
def book_visits(grid: Grid, schedule: Schedule, visits: IntArray) -> None:
    """Book visits: rows of expert, day, start minute, end minute, site."""
    for row in range(len(visits)):
        expert, day, start = visits[row, 0], visits[row, 1], visits[row, 2]
        book(grid, schedule, expert, day, start, visits[row, 3], visits[row, 4])
