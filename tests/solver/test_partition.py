"""Parts of related experts."""

from __future__ import annotations

import numpy as np
import pytest

from solver.grid import Grid, compile_grid
from solver.partition import related_experts
from tests.solver.builders import engagement, expert, file, problem


def grid_of(candidates: list[list[int]], experts: int) -> Grid:
    record = problem()
    record["experts"] = [expert(f"expert {number}") for number in range(experts)]
    record["engagements"] = [
        engagement(
            f"engagement {number}",
            place=None,
            candidates=[{"expert": f"expert {each}", "cost": 0} for each in chosen],
        )
        for number, chosen in enumerate(candidates)
    ]
    return compile_grid(file(record).problem)


def test_experts_of_one_region_stay_together() -> None:
    regions = [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]
    part = related_experts(grid_of(regions * 4, experts=12), 4, np.random.default_rng(0))
    assert all(len(set(part[region])) == 1 for region in regions)
    assert set(part) == {0, 1, 2, 3}


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
def test_parts_are_of_equal_sizes_within_one(parts: int) -> None:
    random = np.random.default_rng(0)
    grid = grid_of([list(random.choice(11, 4, replace=False)) for _ in range(30)], experts=11)
    sizes = np.bincount(related_experts(grid, parts, random), minlength=parts)
    assert len(sizes) == parts
    assert sizes.max() - sizes.min() <= 1


def test_the_borders_change_from_one_time_to_the_next() -> None:
    random = np.random.default_rng(0)
    grid = grid_of([[n, (n + 1) % 12, (n + 2) % 12] for n in range(12)], experts=12)
    cuts = {tuple(related_experts(grid, 3, random)) for _ in range(6)}
    assert len(cuts) > 3
