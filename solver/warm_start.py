"""A warm start: the published plan, as far as it still holds, is what a rerun begins from.

An engagement is kept as it is published, expert and starts, where that breaks none of the rules 1
to 4, and an expert keeps all of them where the calendar breaks neither rule 5 nor 6, or else one
after the other as long as it does not. Only the two sides of a session decide, so a
published plan that still holds is kept whole, and a run that begins with it never ends worse.

Whatever does not hold is left to the construction: there the same expert and the published starts
are the cheapest as far as they fit, because any other costs w.change_expert and w.move.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solver.grid import NO_DAY, Grid, IntArray
from solver.pins import Visit, broken_calendar, pinned_visits, visit_of
from solver.problem import Expert, Problem
from solver.schedule import Schedule, cost_with, insert, pinned_schedule


@dataclass(frozen=True)
class _Published:
    """The published sessions 1…count of an engagement; a pinned one stands where it is pinned."""

    pair: int
    count: int
    days: IntArray  # (5,)
    minutes: IntArray  # (5,)
    visits: tuple[Visit, ...]
    """The sessions that are not pinned."""


def keep_published(problem: Problem, grid: Grid) -> Schedule:
    """The schedule of the pinned sessions and of what still holds of the published plan."""
    schedule, pinned = pinned_schedule(grid), pinned_visits(problem)
    published: dict[int, list[_Published]] = defaultdict(list)
    for each in _published(problem, grid):
        published[grid.pair_expert[each.pair]].append(each)
    for number, own in published.items():
        expert = problem.experts[number]
        for each in _kept(problem, expert, pinned[expert.id], own):
            cost = cost_with(grid, each.pair, each.count, each.days, each.minutes)
            insert(grid, schedule, each.pair, each.count, each.days, each.minutes, cost)
    return schedule


def _kept(
    problem: Problem, expert: Expert, pinned: list[Visit], published: list[_Published]
) -> list[_Published]:
    """All that is published for an expert, or what of it fits beside what was taken before."""
    everything = [*pinned, *(visit for each in published for visit in each.visits)]
    if not broken_calendar(problem, expert, everything):
        return published
    kept, visits = [], list(pinned)
    for each in published:
        if not broken_calendar(problem, expert, [*visits, *each.visits]):
            kept.append(each)
            visits += each.visits
    return kept


def _published(problem: Problem, grid: Grid) -> Iterator[_Published]:
    """What is published of each engagement, where that breaks none of the rules 1 to 4."""
    expert_number = {expert.id: number for number, expert in enumerate(problem.experts)}
    for a, engagement in enumerate(problem.engagements):
        if engagement.current is None:
            continue
        pair = _pair(grid, a, expert_number[engagement.current.expert])
        pinned = grid.pin_day[a] != NO_DAY
        days = np.where(pinned, grid.pin_day[a], grid.current_day[a])
        minutes = np.where(pinned, grid.pin_minute[a], grid.current_minute[a])
        count = max(len(engagement.current.starts), int(grid.least[a]))
        free = [number for number in range(count) if not pinned[number]]
        if pair is None or not free:
            continue
        if all(_is_open(grid, pair, n, days[n], minutes[n]) for n in free) and all(
            grid.min_gap[a] <= days[after] - days[before] <= grid.max_gap[a]
            for before, after in pairwise(range(count))
            if not (pinned[before] and pinned[after])
        ):
            starts = engagement.current.starts
            visits = tuple(visit_of(engagement, n + 1, starts[n]) for n in free)
            yield _Published(pair, count, days, minutes, visits)


def _pair(grid: Grid, a: int, expert: int) -> int | None:
    """The pair of an engagement and an expert, None where that expert may not serve it."""
    pairs = range(grid.pair_offset[a], grid.pair_offset[a + 1])
    return next((pair for pair in pairs if grid.pair_expert[pair] == expert), None)


def _is_open(grid: Grid, pair: int, number: int, day: int, minute: int) -> bool:
    """Rule 3: whether a session may start then, as far as hours and busy times go."""
    index = int(np.searchsorted(grid.start_minutes, minute))
    on_grid = index < len(grid.start_minutes) and grid.start_minutes[index] == minute
    if not on_grid or not 0 <= day < grid.days:
        return False
    a, word, bit = grid.pair_engagement[pair], index >> 6, np.uint64(index & 63)
    expert = grid.expert_starts[grid.pair_expert[pair], grid.duration_index[a, number]]
    both = expert[day, word] & grid.engagement_starts[grid.row[a, number], day, word]
    return bool(both >> bit & np.uint64(1))
