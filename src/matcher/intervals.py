"""Half-open intervals of time, and what remains of some without others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Interval(NamedTuple):
    """A stretch of time [start, end); in UTC wherever it is kept."""

    start: dt.datetime
    end: dt.datetime


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same time in as few intervals as can be, in order; empty ones vanish."""
    found: list[Interval] = []
    for each in sorted(intervals):
        if each.start >= each.end:
            continue
        if found and each.start <= found[-1].end:
            found[-1] = Interval(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return tuple(found)


def within(intervals: Iterable[Interval], window: Interval) -> Iterator[Interval]:
    """What lies in a window."""
    for each in intervals:
        start, end = max(each.start, window.start), min(each.end, window.end)
        if start < end:
            yield Interval(start, end)


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> Iterator[Interval]:
    """What remains of intervals without others."""
    holes = union(taken)
    for each in union(intervals):
        start = each.start
        for hole in holes:
            if hole.end <= start:
                continue
            if hole.start >= each.end:
                break
            if start < hole.start:
                yield Interval(start, hole.start)
            start = hole.end
        if start < each.end:
            yield Interval(start, each.end)
