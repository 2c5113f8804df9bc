"""Caseloads: the whole sets of engagements that an expert could take, the most promising first.

A caseload is some pairs of one expert, each with a number of sessions. At the Lagrangian's prices
the least that one can cost is a sum over its engagements, so those below a limit are listed by
depth-first search, cut where the knapsack says that nothing below the limit follows (as routes are
listed for vehicles: Baldacci, Christofides, Mingozzi 2008). What it really costs, `joint` finds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.joint import Tree, cost_of_node, plan_together
from solver.kernel import allocating_kernel, inner_kernel
from solver.knapsack import Room, excesses, fullest, pack
from solver.patterns import Paths, price_pair, trace
from solver.schedule import FINE, NEVER, NOBODY, Schedule, insert, overload, remove

OPTIONS = MAX_SESSIONS + 1
"""An option is written as engagement * OPTIONS + sessions."""

END = -1

MOST_LISTED = 30_000
"""Caseloads of one expert listed at once; where there are more, the limit is lowered."""

MOST_WORK = 400_000_000
"""Looks at a load after which listing ends as if there was no room: half a second."""

TRIES = 6
"""How often the limit is lowered."""


class Listing(NamedTuple):
    """Some caseloads of an expert, by what they cost at the least."""

    number: int
    reach: int
    """Every caseload that is not listed costs more than this above the cheapest one."""
    least: int
    """The cost of the cheapest one."""


@allocating_kernel
def list_caseloads(
    limits: Room,
    free: IntArray,
    gain: IntArray,
    within: int,
    options: IntArray,
    value: IntArray,
) -> Listing:
    """List the caseloads that cost at most `within` above the cheapest one, in 1 / FINE.

    `free` and `gain` (n, 6) are those of `knapsack`. Fills `options` (MOST_LISTED, M), each row
    ended by END, and `value` (MOST_LISTED,).
    """
    excess = np.empty_like(gain)
    least = excesses(limits, free, gain, excess)
    closest = np.full(len(gain), NEVER, np.int64)
    for i in range(len(gain)):
        closest[i] = excess[i].min()
    order = np.argsort(closest)
    after = np.zeros((len(gain) + 1, limits.room + 1), np.int64)
    chosen = np.zeros(limits.room + 1, np.int8)
    for _ in range(TRIES):
        some = 0
        while some < len(gain) and closest[order[some]] <= within:
            some += 1
        after[some] = 0
        for i in range(some - 1, -1, -1):
            after[i] = after[i + 1]
            pack(free[order[i]], gain[order[i]], limits.room, after[i], chosen)
        number = _walk(limits, free, gain, order[:some], after, least + within, options, value)
        if number <= len(options):
            return Listing(number, within, least)
        if within == 0:
            break
        within //= 4
    return Listing(0, -1, least)


@inner_kernel
def _walk(
    limits: Room,
    free: IntArray,
    gain: IntArray,
    order: IntArray,
    after: IntArray,
    most: int,
    options: IntArray,
    value: IntArray,
) -> int:
    """Fill the list by depth-first search; returns its length.

    That is more than there is room for where room or time do not suffice. The last row is where
    the search stands.
    """
    number, depth, step, load, cost = 0, 0, 1, 0, 0
    row = options[len(options) - 1]
    work = 0
    while True:
        work += (len(order) - step // OPTIONS) * limits.room
        if work > MOST_WORK:
            return len(options) + 1
        step = _next(limits, free, gain, order, after, most, step, load, cost)
        if step < 0 and depth == 0:
            return number
        if step < 0:
            depth -= 1
            step = row[depth]
            at, k = divmod(step, OPTIONS)
            load -= free[order[at], k]
            cost -= gain[order[at], k]
            step += 1
            continue
        row[depth] = step
        depth += 1
        at, k = divmod(step, OPTIONS)
        load += free[order[at], k]
        cost += gain[order[at], k]
        step = (at + 1) * OPTIONS + 1
        total = cost + FINE * limits.overload * max(0, load - limits.cheap)
        if total > most:
            continue
        if number == len(options) - 1:
            return number + 2
        for i in range(depth):
            options[number, i] = order[row[i] // OPTIONS] * OPTIONS + row[i] % OPTIONS
        if depth < options.shape[1]:
            options[number, depth] = END
        value[number] = total
        number += 1


@inner_kernel
def _next(
    limits: Room,
    free: IntArray,
    gain: IntArray,
    order: IntArray,
    after: IntArray,
    most: int,
    step: int,
    load: int,
    cost: int,
) -> int:
    """The next option, written by its place in `order`, that can lead to `most`; -1 for none."""
    while step < len(order) * OPTIONS:
        at, k = divmod(step, OPTIONS)
        if k > 0 and gain[order[at], k] != NEVER:
            taken = load + free[order[at], k]
            if taken <= limits.room:
                rest, _ = fullest(limits, after[at + 1], taken)
                if cost + gain[order[at], k] + rest <= most:
                    return step
        step += 1
    return -1


class Dates(NamedTuple):
    """What n caseloads of up to M engagements cost, and when."""

    least: IntArray  # (n,) a lower bound of the cost, overload included
    cost: IntArray  # (n,) NEVER where no dates were found
    own: IntArray  # (n, M) what each engagement costs
    days: IntArray  # (n, M, 5)
    minutes: IntArray  # (n, M, 5)


def new_dates(number: int, members: int) -> Dates:
    """Memory for `number` caseloads of up to `members` engagements."""
    return Dates(
        np.full(number, NEVER, dtype=np.int64),
        np.full(number, NEVER, dtype=np.int64),
        np.zeros((number, members), dtype=np.int64),
        np.zeros((number, members, MAX_SESSIONS), dtype=np.int64),
        np.zeros((number, members, MAX_SESSIONS), dtype=np.int64),
    )


@allocating_kernel
def find_dates(
    relaxed: Grid,
    grid: Grid,
    agree: bool,
    schedule: Schedule,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    paths: Paths,
    dates: Dates,
) -> None:
    """Date caseloads of one expert, `pairs` and `counts` (n, M), ended by END; fills `dates`.

    The lower bound is that of the `relaxed` grid; where both `agree` its dates serve for the plan
    too. `schedule` holds the pinned sessions alone, before and after.
    """
    for row in range(len(pairs)):
        members = 0
        while members < pairs.shape[1] and pairs[row, members] != END:
            members += 1
        if members == 0:
            continue
        expert, load = grid.pair_expert[pairs[row, 0]], 0
        for i in range(members):
            a = grid.pair_engagement[pairs[row, i]]
            for number in range(counts[row, i]):
                load += 1 if grid.pin_day[a, number] == NO_DAY else 0
        held = schedule.load[expert]
        over = overload(grid, expert, held + load) - overload(grid, expert, held)
        value, node = plan_together(
            relaxed, schedule, pairs[row, :members], counts[row, :members], tree, paths
        )
        dates.least[row] = -(-value // FINE) + over
        if node != NOBODY and agree:
            dates.cost[row] = dates.least[row]
            for i in range(members):
                dates.own[row, i] = cost_of_node(tree, node, i)
                dates.days[row, i] = tree.days[node, i]
                dates.minutes[row, i] = tree.minutes[node, i]
        else:
            _one_by_one(
                grid, schedule, pairs[row, :members], counts[row, :members], tree, paths, dates, row
            )


@allocating_kernel
def _one_by_one(
    grid: Grid,
    schedule: Schedule,
    pairs: IntArray,
    counts: IntArray,
    tree: Tree,
    paths: Paths,
    dates: Dates,
    row: int,
) -> None:
    """Date a caseload by giving each engagement the best that those before it left."""
    cost, put = 0, 0
    for i in range(len(pairs)):
        price_pair(grid, schedule, tree.bans, pairs[i], 0, paths)
        if paths.cost[counts[i]] == NEVER:
            break
        own = trace(grid, schedule, pairs[i], counts[i], paths)
        if own == NEVER:
            break
        before = schedule.cost[grid.pair_engagement[pairs[i]]]
        cost += insert(grid, schedule, pairs[i], counts[i], paths.days, paths.minutes, own) + before
        dates.own[row, i] = own
        dates.days[row, i] = paths.days
        dates.minutes[row, i] = paths.minutes
        put += 1
    if put == len(pairs):
        dates.cost[row] = cost
    for i in range(put):
        remove(grid, schedule, grid.pair_engagement[pairs[i]])
