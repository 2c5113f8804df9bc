"""What every expert has in the diary, and when a session fits into it: the rules of the calendars.

Kept as an office would keep it, one list of visits for each expert, and independent of the
solver's own bookkeeping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from solver.grid import NO_DAY, Grid
from solver.schedule import ONLINE


class Visit(NamedTuple):
    """A session on a day, from and to in minutes after midnight; `site` is ONLINE or a place."""

    start: int
    end: int
    site: int


class Diary:
    """The visits of all experts, pinned ones from the start."""

    def __init__(self, grid: Grid, *, spacious: bool = False) -> None:
        """With `spacious` two visits always leave the longest way there is from the first."""
        self._grid = grid
        self._spacious = spacious
        self._visits: dict[tuple[int, int], list[Visit]] = {}
        self._days: Counter[tuple[int, int]] = Counter()
        self._weeks: Counter[tuple[int, int]] = Counter()
        self.load: Counter[int] = Counter()
        for a, number in zip(*(grid.pin_day != NO_DAY).nonzero(), strict=True):
            self.enter(
                int(grid.pin_expert[a, number]),
                int(a),
                int(number),
                int(grid.pin_day[a, number]),
                int(grid.pin_minute[a, number]),
            )

    def enter(self, expert: int, a: int, number: int, day: int, minute: int) -> None:
        """Write a session down."""
        end = minute + int(self._grid.duration[a, number])
        visit = Visit(minute, end, int(self._grid.site[a]))
        self._visits.setdefault((expert, day), []).append(visit)
        self._count(expert, day, 1)

    def strike(self, expert: int, day: int, minute: int) -> None:
        """Cross a session out."""
        visits = self._visits[expert, day]
        visits.remove(next(visit for visit in visits if visit.start == minute))
        self._count(expert, day, -1)

    def _count(self, expert: int, day: int, more: int) -> None:
        self._days[expert, day] += more
        self._weeks[expert, int(self._grid.week_of_day[day])] += more
        self.load[expert] += more

    def starts(self, expert: int, a: int, number: int, day: int) -> Iterator[int]:
        """The minutes at which an expert could begin a session that day, preferred ones first."""
        grid = self._grid
        week = int(grid.week_of_day[day])
        if (
            self._days[expert, day] >= grid.max_per_day[expert]
            or self._weeks[expert, week] >= grid.max_per_week[expert]
            or self.load[expert] >= grid.max_total[expert]
        ):
            return
        row, duration = grid.row[a, number], grid.duration_index[a, number]
        free = grid.expert_starts[expert, duration, day] & grid.engagement_starts[row, day]
        wished = grid.preferred_starts[row, day]
        for mask in (free & wished, free & ~wished):
            for word, bits in enumerate(mask):
                for bit in range(64):
                    if int(bits) >> bit & 1:
                        minute = int(grid.start_minutes[word * 64 + bit])
                        if self._fits(expert, a, number, day, minute):
                            yield minute

    def _fits(self, expert: int, a: int, number: int, day: int, minute: int) -> bool:
        end = minute + int(self._grid.duration[a, number])
        visit = Visit(minute, end, int(self._grid.site[a]))
        return all(
            visit.end + self._way(expert, visit, other) <= other.start
            or other.end + self._way(expert, other, visit) <= visit.start
            for other in self._visits.get((expert, day), ())
        )

    def _way(self, expert: int, first: Visit, second: Visit) -> int:
        home = self._grid.expert_place[expert]
        here, there = (home if visit.site == ONLINE else visit.site for visit in (first, second))
        if self._spacious:
            return int(self._grid.travel[here].max())
        if first.site == ONLINE and second.site == ONLINE:
            return 0
        return int(self._grid.travel[here, there])
