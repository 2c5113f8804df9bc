"""How work is cut into pieces."""

from __future__ import annotations

import pytest

from solver.executors import split


@pytest.mark.parametrize(
    ("count", "pieces", "ranges"),
    [(7, 2, [(0, 3), (3, 7)]), (2, 4, [(0, 1), (1, 2)]), (0, 3, []), (5, 1, [(0, 5)])],
)
def test_ranges_cover_everything_once(
    count: int, pieces: int, ranges: list[tuple[int, int]]
) -> None:
    assert split(count, pieces) == ranges
