"""A piece of the work as a pure function: what it owns goes in, what became of it comes out.

A part of a plan is some experts and the engagements they serve, and some that nobody serves.
Parts share neither, so that they are improved side by side, by whoever holds the grid, and the
changes of cost add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from solver.grid import MAX_SESSIONS, NO_DAY, Grid, IntArray
from solver.kernel import kernel
from solver.memo import Memo, PairTable, Piece, new_memo
from solver.openings import Openings, list_openings
from solver.patterns import FREE, price_alone
from solver.removal import put_again
from solver.schedule import FINE, NOBODY, Rows, Schedule, all_rows, pinned_schedule, remove
from solver.search import search

STEPS_AN_ENGAGEMENT, SWAPS_A_STEP = 4, 40
"""Steps for each engagement between two descents at the least, and swaps that take as long."""


class Desk(NamedTuple):
    """What a thread works with: a schedule with the pins alone, and what pairs cost that it met."""

    schedule: Schedule
    memo: Memo


class Ground:
    """What every piece of a stage reads: the grid, the order of its pairs, and desks to work at.

    A desk is made once for each thread; who borrows one leaves it with the pins alone.
    """

    def __init__(self, grid: Grid, table: PairTable | None = None) -> None:
        self.grid = grid
        self.table = table
        self._idle: list[Desk] = []

    def __reduce__(self) -> tuple[Callable[..., Ground], tuple[Grid, PairTable | None]]:
        """Desks do not travel, nor do the lists of open days, nine tenths of what there is."""
        lists = Openings._make(array[:0] for array in self.grid.openings)
        return _arrived, (self.grid._replace(openings=lists), self.table)

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """Lend a desk; after an error it is not used again, because nobody knows its state."""
        try:
            desk = self._idle.pop()
        except IndexError:
            desk = Desk(pinned_schedule(self.grid), new_memo(len(self.grid.pair_expert)))
        yield desk
        self._idle.append(desk)


def _arrived(grid: Grid, table: PairTable | None) -> Ground:
    """A ground that has travelled, its lists of open days made anew."""
    some = grid.row != NO_DAY
    row_duration = np.empty(len(grid.engagement_starts), dtype=np.int64)
    row_duration[grid.row[some]] = grid.duration_index[some]
    lists = list_openings(
        grid.expert_starts,
        grid.engagement_starts,
        grid.preferred_starts,
        grid.start_minutes,
        np.concatenate([[0], grid.row.max(axis=1) + 1]),
        row_duration,
        np.stack([grid.first_day, grid.last_day], axis=1),
        grid.pair_engagement,
        grid.pair_expert,
    )
    return Ground(grid._replace(openings=lists), table)


def price_range(ground: Ground, pairs: tuple[int, int]) -> IntArray:
    """The costs (last - first, 6) of the pairs first … last - 1, each alone, beside the pins."""
    first, last = pairs
    cost = np.empty((last - first, MAX_SESSIONS + 1), dtype=np.int64)
    with ground.desk() as (schedule, _):
        price_alone(ground.grid, schedule, FREE, first, last, FINE, cost)
    return cost


class Part(NamedTuple):
    """A part of a plan: e experts, n engagements, and how those are served."""

    experts: IntArray  # (e,)
    engagements: IntArray  # (n,)
    plan: Rows


class SearchTask(NamedTuple):
    """One piece of search."""

    part: Part
    steps: int
    temperature: float
    seed: int


def steps_a_descent(grid: Grid, table: PairTable, part: Part) -> int:
    """The steps from one descent along chains to the next, so that these take as long as the steps.

    A descent asks what every engagement would cost in the place of every other one.
    """
    pairs = part.plan.pair[part.plan.pair != NOBODY]
    swaps = int(np.diff(table.expert_offset)[grid.pair_expert[pairs]].sum())
    return max(1, STEPS_AN_ENGAGEMENT * len(part.engagements), swaps // SWAPS_A_STEP)


class Found(NamedTuple):
    """A part after a search: as it ended and at its best, and what each adds to the cost."""

    now: Rows
    best: Rows
    change: int
    least: int


def search_part(ground: Ground, task: SearchTask) -> Found:
    """Improve a part of a plan; the same task finds the same, wherever it runs."""
    grid, part = ground.grid, task.part
    assert ground.table is not None  # noqa: S101  a search is given one
    outside = np.ones(len(grid.max_total), dtype=np.int64)
    outside[part.experts] = 0
    with ground.desk() as (schedule, memo):
        put_again(grid, schedule, part.plan, len(part.engagements))
        best = all_rows(schedule)
        change, least = search(
            grid,
            schedule,
            best,
            ground.table,
            memo,
            Piece(0, part.engagements, outside),
            task.steps,
            steps_a_descent(grid, ground.table, part),
            task.temperature,
            task.seed,
        )
        now = rows_of(schedule, part.engagements)
        _clear(grid, schedule, part.engagements)
    return Found(now, rows_of(best, part.engagements), change, least)


def rows_of(plan: Rows | Schedule, engagements: IntArray) -> Rows:
    """What a plan says of some engagements."""
    return Rows(*(getattr(plan, name)[engagements] for name in Rows._fields))


def put_rows(plan: Rows, engagements: IntArray, rows: Rows) -> None:
    """Change what a plan says of some engagements."""
    for array, row in zip(plan, rows, strict=True):
        array[engagements] = row


@kernel
def _clear(grid: Grid, schedule: Schedule, engagements: IntArray) -> None:
    """Take the free sessions of all of them out."""
    for a in engagements:
        remove(grid, schedule, a)
