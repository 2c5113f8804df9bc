"""Taking engagements out of a schedule so that they can be put back exactly as they were."""

from __future__ import annotations

from solver.grid import MAX_SESSIONS, Grid, IntArray
from solver.kernel import inner_kernel, kernel
from solver.schedule import NOBODY, Rows, Schedule, insert, remove


@inner_kernel
def take_out(grid: Grid, schedule: Schedule, removed: IntArray, memory: Rows) -> int:
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


@kernel
def put_again(grid: Grid, schedule: Schedule, memory: Rows, number: int) -> None:
    """Give the first `number` engagements of a memory, which have nothing now, what they had."""
    for i in range(number):
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
def undo(grid: Grid, schedule: Schedule, removed: IntArray, memory: Rows) -> None:
    """Give engagements what they had before they were taken out, whatever they have now."""
    for i in range(len(removed)):
        remove(grid, schedule, removed[i])
    put_again(grid, schedule, memory, len(removed))
