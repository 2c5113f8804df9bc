"""The cheapest dates of several engagements with one expert, all together.

Each engagement alone is a shortest path (`patterns`). Where two paths collide, one of the two
engagements gives way: it may no longer bind the expert at that moment, and its path is found anew.
Both ways are followed, the cheapest first; the first set of paths without a collision is the
best there is, and until then the cheapest set is a lower bound (conflict-based search: Sharon,
Stern, Felner, Sturtevant 2015). Of equal paths the one that collides least with the others is
taken: what the others hold has a price too small to count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel, kernel
from solver.patterns import Paths, Prices, price_pair, trace
from solver.schedule import FINE, NEVER, NOBODY, ONLINE, Schedule, way_between

MOST_NODES = 300
"""Nodes of a search: nearly all end with fewer than ten."""

WHOLE_DAY, WHOLE_WEEK = -1, -2
UNSTATED = -3

SHUN = 1
"""The price of a moment that another engagement holds: too small to count, and the ways of five
sessions stay below FINE."""

BAN = 1 << 30
"""The price of a moment that an engagement may not take. What it adds is at most what keeping the
ban would cost, or the path keeps it: the value of a node stays a lower bound."""


class Tree(NamedTuple):
    """The nodes of a search. N = nodes, M = engagements."""

    value: IntArray  # (N,) the sum of `cost`
    parent: IntArray  # (N,)
    member: IntArray  # (N,) the engagement that gives way in this node
    day: IntArray  # (N,) where it does
    point: IntArray  # (N,) and when, or WHOLE_DAY or WHOLE_WEEK
    is_open: NDArray[np.bool_]  # (N,)
    cost: IntArray  # (N, M) in 1 / FINE
    days: IntArray  # (N, M, 5)
    minutes: IntArray  # (N, M, 5)
    way_out: IntArray  # (5 M, 3) member, day and point: one of them has to give way
    bans: Prices


@allocating_kernel
def new_tree(grid: Grid, schedule: Schedule) -> Tree:
    """Memory for one search at a time."""
    members = schedule.member.shape[1]
    experts, days = schedule.day_count.shape
    return Tree(
        np.zeros(MOST_NODES, np.int64),
        np.zeros(MOST_NODES, np.int64),
        np.zeros(MOST_NODES, np.int64),
        np.zeros(MOST_NODES, np.int64),
        np.zeros(MOST_NODES, np.int64),
        np.zeros(MOST_NODES, np.bool_),
        np.zeros((MOST_NODES, members), np.int64),
        np.zeros((MOST_NODES, members, MAX_SESSIONS), np.int64),
        np.zeros((MOST_NODES, members, MAX_SESSIONS), np.int64),
        np.zeros((MAX_SESSIONS * members, 3), np.int64),
        Prices(
            True,
            np.zeros((experts, schedule.week_count.shape[1]), np.int64),
            np.zeros((experts, days), np.int64),
            np.zeros((experts, days, len(grid.start_minutes)), np.int32),
            np.zeros((experts, days), np.bool_),
        ),
    )


@kernel
def plan_together(
    grid: Grid, pinned: Schedule, pairs: IntArray, counts: IntArray, tree: Tree, paths: Paths
) -> tuple[int, int]:
    """Serve one expert's `pairs` (m,) with `counts` (m,) sessions beside the pinned ones.

    Returns a lower bound of what all of them cost together, in 1 / FINE and without overload, and
    the node whose dates cost just that; NOBODY where the search ended before it found some.
    """
    nodes = 1
    tree.value[0], tree.parent[0], tree.is_open[0] = 0, NOBODY, True
    tree.member[0] = NOBODY
    for member in range(len(pairs)):
        _find_path(grid, pinned, pairs, counts, tree, 0, member, paths)
        if tree.cost[0, member] >= NEVER:
            return NEVER, NOBODY
    while True:
        node = _cheapest(tree, nodes)
        choices = _collision(grid, pinned, pairs, counts, tree, node)
        if choices == 0:
            return tree.value[node], node
        if choices == UNSTATED or nodes + choices > MOST_NODES:
            return tree.value[node], NOBODY
        tree.is_open[node] = False
        for choice in range(choices):
            child, nodes = nodes, nodes + 1
            _copy(tree, node, child, len(pairs))
            tree.member[child] = tree.way_out[choice, 0]
            tree.day[child], tree.point[child] = tree.way_out[choice, 1], tree.way_out[choice, 2]
            _find_path(grid, pinned, pairs, counts, tree, child, tree.member[child], paths)


@inner_kernel
def _cheapest(tree: Tree, nodes: int) -> int:
    best = NOBODY
    for node in range(nodes):
        if tree.is_open[node] and (best == NOBODY or tree.value[node] < tree.value[best]):
            best = node
    return best


@inner_kernel
def _copy(tree: Tree, node: int, child: int, members: int) -> None:
    tree.value[child], tree.parent[child], tree.is_open[child] = tree.value[node], node, True
    for member in range(members):
        tree.cost[child, member] = tree.cost[node, member]
        for number in range(MAX_SESSIONS):
            tree.days[child, member, number] = tree.days[node, member, number]
            tree.minutes[child, member, number] = tree.minutes[node, member, number]


@inner_kernel
def _find_path(
    grid: Grid,
    pinned: Schedule,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    member: int,
    paths: Paths,
) -> None:
    """The cheapest path of one engagement that gives way wherever the node says so."""
    pair = pairs[member]
    expert = grid.pair_expert[pair]
    _shun(grid, pinned, pairs, counts, tree, node, member, SHUN)
    _ban(grid, tree, node, member, expert, BAN)
    price_pair(grid, pinned, tree.bans, pair, 0, paths)
    _ban(grid, tree, node, member, expert, 0)
    _shun(grid, pinned, pairs, counts, tree, node, member, 0)
    if paths.cost[counts[member]] == NEVER:
        tree.cost[node, member] = NEVER
        return
    trace(grid, pinned, pair, counts[member], paths)
    before = tree.cost[node, member] if node > 0 else 0
    tree.cost[node, member] = paths.cost[counts[member]] // FINE * FINE
    tree.value[node] += tree.cost[node, member] - before
    for number in range(counts[member]):
        tree.days[node, member, number] = paths.days[number]
        tree.minutes[node, member, number] = paths.minutes[number]


@inner_kernel
def _shun(
    grid: Grid,
    pinned: Schedule,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    member: int,
    price: int,
) -> None:
    """Price every moment that the other engagements of a node hold, full days and weeks."""
    for other in range(len(pairs)):
        # In the first node those that come later have no path yet.
        if other == member or (node == 0 and other > member):
            continue
        a, expert = grid.pair_engagement[pairs[other]], grid.pair_expert[pairs[other]]
        bound = 0 if grid.site[a] == ONLINE else grid.leave[grid.site[a]]
        for number in range(counts[other]):
            if grid.pin_day[a, number] != NO_DAY:
                continue
            day, start = tree.days[node, other, number], tree.minutes[node, other, number]
            _shun_full(grid, pinned, pairs, counts, tree, node, member, day, price)
            tree.bans.pointed[expert, day] = price > 0
            end = start + grid.duration[a, number] + bound
            point = np.searchsorted(grid.start_minutes, start)
            while point < len(grid.start_minutes) and grid.start_minutes[point] < end:
                tree.bans.point[expert, day, point] = price
                point += 1


@inner_kernel
def _shun_full(
    grid: Grid,
    pinned: Schedule,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    member: int,
    day: int,
    price: int,
) -> None:
    """Price a day, and its week, that have no room beside the other engagements of a node."""
    expert, week = grid.pair_expert[pairs[0]], grid.week_of_day[day]
    on_day, in_week = pinned.day_count[expert, day], pinned.week_count[expert, week]
    for other in range(len(pairs)):
        if other == member or (node == 0 and other > member):
            continue
        a = grid.pair_engagement[pairs[other]]
        for number in range(counts[other]):
            if grid.pin_day[a, number] == NO_DAY:
                on_day += tree.days[node, other, number] == day
                in_week += grid.week_of_day[tree.days[node, other, number]] == week
    if on_day >= grid.max_per_day[expert]:
        tree.bans.day[expert, day] = price
    if in_week >= grid.max_per_week[expert]:
        tree.bans.week[expert, week] = price


@inner_kernel
def _ban(grid: Grid, tree: Tree, node: int, member: int, expert: int, price: int) -> None:
    """Price every moment at which an engagement gives way in a node or above it.

    What `_shun` priced is priced anew, so that goes first and is taken back last.
    """
    while node > 0:
        if tree.member[node] == member:
            day, point = tree.day[node], tree.point[node]
            if point == WHOLE_WEEK:
                tree.bans.week[expert, grid.week_of_day[day]] = price
            elif point == WHOLE_DAY:
                tree.bans.day[expert, day] = price
            else:
                tree.bans.point[expert, day, point] = price
                tree.bans.pointed[expert, day] = price > 0
        node = tree.parent[node]


@inner_kernel
def _collision(
    grid: Grid, pinned: Schedule, pairs: IntArray, counts: IntArray, tree: Tree, node: int
) -> int:
    """Find a rule of the expert's calendar that a node breaks; fill `way_out`.

    Returns how many engagements could give way, 0 where no rule is broken, UNSTATED where the
    moments do not say which.
    """
    for i in range(len(pairs)):
        a = grid.pair_engagement[pairs[i]]
        for number in range(counts[i]):
            if grid.pin_day[a, number] == NO_DAY:
                found = _crowds(grid, pinned, pairs, counts, tree, node, i, number)
                if found == 0:
                    found = _clashes(grid, pairs, counts, tree, node, i, number)
                if found != 0:
                    return found
    return 0


@inner_kernel
def _crowds(
    grid: Grid,
    pinned: Schedule,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    i: int,
    number: int,
) -> int:
    """Whether the day or the week of a session holds more sessions than it may."""
    expert, day = grid.pair_expert[pairs[0]], tree.days[node, i, number]
    room = grid.max_per_day[expert] - pinned.day_count[expert, day]
    found = _crowd(grid, pairs, counts, tree, node, day, day, room, WHOLE_DAY)
    if found != 0:
        return found
    week, first, last = grid.week_of_day[day], day, day
    while first > 0 and grid.week_of_day[first - 1] == week:
        first -= 1
    while last + 1 < grid.days and grid.week_of_day[last + 1] == week:
        last += 1
    room = grid.max_per_week[expert] - pinned.week_count[expert, week]
    return _crowd(grid, pairs, counts, tree, node, first, last, room, WHOLE_WEEK)


@inner_kernel
def _clashes(
    grid: Grid,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    i: int,
    number: int,
) -> int:
    """Whether a session collides with one of an engagement that comes later in the list."""
    for j in range(i + 1, len(pairs)):
        b = grid.pair_engagement[pairs[j]]
        for other in range(counts[j]):
            same_day = tree.days[node, i, number] == tree.days[node, j, other]
            if grid.pin_day[b, other] == NO_DAY and same_day:
                found = _clash(grid, pairs, tree, node, i, number, j, other)
                if found != 0:
                    return found
    return 0


@inner_kernel
def _crowd(
    grid: Grid,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    first: int,
    last: int,
    room: int,
    whole: int,
) -> int:
    """Where more than `room` sessions fall on days first … last, one engagement leaves.

    Where more engagements than that come, one of them stays away altogether; where some come more
    than once, one session leaves its day.
    """
    sessions, engagements = 0, 0
    for i in range(len(pairs)):
        own = _sessions_within(grid, pairs, counts, tree, node, i, first, last)
        sessions += own
        if own > 0 and engagements <= room:
            tree.way_out[engagements, 0] = i
            tree.way_out[engagements, 1], tree.way_out[engagements, 2] = first, whole
            engagements += 1
    if sessions <= room:
        return 0
    if engagements > room:
        return engagements
    return _leave_one_day(grid, pairs, counts, tree, node, first, last)


@inner_kernel
def _sessions_within(
    grid: Grid,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    i: int,
    first: int,
    last: int,
) -> int:
    """How many free sessions an engagement has on days first … last."""
    number = 0
    for session in range(counts[i]):
        if grid.pin_day[grid.pair_engagement[pairs[i]], session] == NO_DAY:
            number += first <= tree.days[node, i, session] <= last
    return number


@inner_kernel
def _leave_one_day(
    grid: Grid,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    node: int,
    first: int,
    last: int,
) -> int:
    """Of the sessions on days first … last, one leaves its day."""
    number = 0
    for i in range(len(pairs)):
        a, before = grid.pair_engagement[pairs[i]], NO_DAY
        for session in range(counts[i]):
            day = tree.days[node, i, session]
            if grid.pin_day[a, session] == NO_DAY and first <= day <= last:
                # That an engagement comes on a day does not say how often.
                if day == before:
                    return UNSTATED
                tree.way_out[number, 0], tree.way_out[number, 1] = i, day
                tree.way_out[number, 2] = WHOLE_DAY
                number, before = number + 1, day
    return number


@inner_kernel
def _clash(
    grid: Grid,
    pairs: IntArray,
    tree: Tree,
    node: int,
    i: int,
    number: int,
    j: int,
    other: int,
) -> int:
    """Where two sessions of one day overlap or leave no way between them, one gives way."""
    if tree.minutes[node, j, other] < tree.minutes[node, i, number]:
        i, number, j, other = j, other, i, number
    a, b = grid.pair_engagement[pairs[i]], grid.pair_engagement[pairs[j]]
    day, start = tree.days[node, j, other], tree.minutes[node, j, other]
    end = tree.minutes[node, i, number] + grid.duration[a, number]
    leave = 0 if grid.site[a] == ONLINE else grid.leave[grid.site[a]]
    way = way_between(grid, grid.pair_expert[pairs[i]], grid.site[a], grid.site[b])
    if end + way <= start:
        return 0
    second = np.searchsorted(grid.start_minutes, start)
    # The last moment at which the first one binds the expert, or the start of the second.
    first = min(second, np.searchsorted(grid.start_minutes, end + leave) - 1)
    if first < second and _least_end(grid, a, grid.start_minutes[first] - leave) + way <= start:
        return UNSTATED
    tree.way_out[0, 0], tree.way_out[0, 1], tree.way_out[0, 2] = i, day, first
    tree.way_out[1, 0], tree.way_out[1, 1], tree.way_out[1, 2] = j, day, second
    return 2


@inner_kernel
def _least_end(grid: Grid, a: int, moment: int) -> int:
    """The first minute after a moment at which a session of the engagement could end."""
    least = NEVER
    for number in range(grid.sessions[a]):
        minutes = grid.duration[a, number]
        start = np.searchsorted(grid.start_minutes, moment + 1 - minutes)
        if start < len(grid.start_minutes):
            least = min(least, grid.start_minutes[start] + minutes)
    return int(least)


@kernel
def cost_of_node(tree: Tree, node: int, member: int) -> int:
    """What an engagement costs at the dates of a node."""
    return int(tree.cost[node, member] // FINE)
