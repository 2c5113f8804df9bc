"""Taking engagements out of a schedule so that they can be put back exactly as they were."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solver.grid import MAX_SESSIONS, Grid, IntArray
from solver.kernel import allocating_kernel, inner_kernel
from solver.schedule import NOBODY, Schedule, insert, remove


class Removed(NamedTuple):
    """What was taken out in a step, to put it back when the step is refused."""

    pair: IntArray
    served: IntArray
    day: IntArray
    minute: IntArray
    cost: IntArray


@inner_kernel
def take_out(grid: Grid, schedule: Schedule, removed: IntArray, memory: Removed) -> int:
    """Take engagements out and remember what they had; returns what that adds to the cost."""
    delta = 0
    for i in range(len(removed)):
        a = removed[i]
        memory.pair[i], memory.served[i] = schedule.pair[a], schedule.served[a]
        memory.cost[i] = schedule.cost[a]
        for number in range(MAX_SESSIONS):
            memory.day[i, number] = schedule.day[a, number]
            memory.minute[i, number] = schedule.minute[a, number]
        delta += remove(grid, schedule, a)
    return delta


@inner_kernel
def put_again(grid: Grid, schedule: Schedule, removed: IntArray, memory: Removed) -> None:
    """Give engagements that were taken out what they had."""
    for i in range(len(removed)):
        if memory.pair[i] != NOBODY:
            insert(
                grid,
                schedule,
                memory.pair[i],
                memory.served[i],
                memory.day[i],
                memory.minute[i],
                memory.cost[i],
            )


@inner_kernel
def undo(grid: Grid, schedule: Schedule, removed: IntArray, memory: Removed) -> None:
    """Give engagements what they had before they were taken out, whatever they have now."""
    for i in range(len(removed)):
        remove(grid, schedule, removed[i])
    put_again(grid, schedule, removed, memory)


@allocating_kernel
def new_removed(most: int) -> Removed:
    """Memory for `most` engagements."""
    return Removed(
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty((most, MAX_SESSIONS), np.int64),
        np.empty((most, MAX_SESSIONS), np.int64),
        np.empty(most, np.int64),
    )
