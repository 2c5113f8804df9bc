"""A problem as numbers in one file and names in another: how the Java model reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from solver.grid import Grid, IntArray, compile_grid, one_a_day
from solver.problem_file import ProblemFile


def compile_for_java(file: ProblemFile, numbers: Path, names: Path) -> None:
    """Write what `benchmarks/timefold/Instance.java` reads, in its order.

    Each array is its length and its values, little-endian integers of 64 bits.
    """
    problem = file.problem
    grid = one_a_day(compile_grid(problem))
    with numbers.open("wb") as stream:
        for array in _arrays(grid):
            values = np.ascontiguousarray(array).ravel().astype("<i8")
            stream.write(np.array([len(values)], dtype="<i8").tobytes())
            stream.write(values.tobytes())
    ids = [each.id for each in problem.experts] + [each.id for each in problem.engagements]
    lines = [json.dumps(problem.name), file.sha256, problem.calendar.first_day.isoformat()]
    names.write_text("\n".join(lines + [json.dumps(each) for each in ids]), encoding="utf-8")


def _arrays(grid: Grid) -> Iterator[IntArray | NDArray[np.int64]]:
    experts, durations = grid.expert_starts.shape[:2]
    sizes = [grid.days, experts, len(grid.sessions), durations, len(grid.travel)]
    weights = [grid.unserved, grid.dropped, grid.off_preference]
    weights += [grid.wait, grid.gap, grid.overload, grid.move]
    yield np.array(sizes)
    yield np.array(weights)
    yield from (grid.start_minutes, grid.week_of_day, grid.travel)
    yield _mask(grid.expert_starts)
    yield from (grid.expert_place, grid.max_per_day, grid.max_per_week)
    yield from (grid.max_total, grid.target_total)
    yield from (grid.sessions, grid.duration, grid.duration_index, grid.row)
    yield _mask(grid.engagement_starts)
    yield _mask(grid.preferred_starts)
    yield from (grid.first_day, grid.last_day, grid.min_gap, grid.target_gap, grid.max_gap)
    yield from (grid.week_need, grid.site, grid.weight)
    yield from (grid.pin_day, grid.pin_minute, grid.pin_expert, grid.least)
    yield from (grid.current_day, grid.current_minute)
    yield from (grid.pair_offset, grid.pair_expert, grid.pair_engagement)
    yield from (grid.pair_session_cost, grid.pair_once_cost)


def _mask(starts: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The starts of each day as one word: bit i is the i-th start of the day."""
    return (
        starts[..., 0].view(np.int64)
        if starts.flags.c_contiguous
        else starts[..., 0].astype(np.int64)
    )
