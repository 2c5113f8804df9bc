"""Date all engagements of an expert anew, together: what one at a time never finds.

The search puts engagements in one after the other, each at its best beside those before it. Where
two want the same hours, the second pays, though the first could move for less.
"""

from __future__ import annotations

import numpy as np

from solver.grid import Grid
from solver.joint import Tree, cost_of_node, plan_together
from solver.kernel import allocating_kernel
from solver.memo import Piece
from solver.patterns import Paths
from solver.removal import put_again, take_out
from solver.schedule import FINE, NOBODY, Schedule, insert, new_rows


@allocating_kernel
def redate(grid: Grid, schedule: Schedule, piece: Piece, tree: Tree, paths: Paths) -> int:
    """Give every expert of a piece the cheapest dates for what it serves; returns what that adds.

    Who serves whom, and how often, stays.
    """
    added = 0
    members = np.empty(schedule.member.shape[1], np.int64)
    pairs, counts = np.empty_like(members), np.empty_like(members)
    removed = new_rows(len(members))
    for expert in range(len(schedule.member_count)):
        number = schedule.member_count[expert]
        if piece.piece_of_expert[expert] != piece.number or number < 2:
            continue
        own = 0
        for i in range(number):
            members[i] = schedule.member[expert, i]
            pairs[i], counts[i] = schedule.pair[members[i]], schedule.served[members[i]]
            own += schedule.cost[members[i]]
        take_out(grid, schedule, members[:number], removed)
        value, node = plan_together(grid, schedule, pairs[:number], counts[:number], tree, paths)
        if node == NOBODY or value >= FINE * own:
            put_again(grid, schedule, removed, number)
            continue
        for i in range(number):
            cost = cost_of_node(tree, node, i)
            insert(
                grid, schedule, pairs[i], counts[i], tree.days[node, i], tree.minutes[node, i], cost
            )
        added += value // FINE - own
    return added
