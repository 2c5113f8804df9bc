"""Cut the experts into parts that could serve the same engagements, anew each time.

Every expert has a number drawn at random. Again and again an engagement takes the mean of its
candidates' numbers, and an expert the mean of those of the engagements: what differs within a
neighbourhood dies away first, so after a few times related experts have numbers close together
(power iteration towards the second eigenvector, the relaxed smallest cut of a graph: Fiedler
1973, Pothen, Simon, Liou 1990). The upper half becomes one part, and each half is cut further.
Stopping early keeps enough of the chance that the borders lie elsewhere each time. A cut in two is
left to chance alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.grid import Grid, IntArray

SMOOTHINGS = 3
"""Ten keep 2 to 7 % more candidates within a part, but let the borders stand: plans get worse."""

AT_RANDOM = 2
"""Up to so many parts are cut at random: half of all candidates are enough, and cost less."""


def related_experts(grid: Grid, parts: int, random: np.random.Generator) -> IntArray:
    """The part (E,) of each expert, 0 … parts - 1, of equal sizes within one."""
    experts = len(grid.max_total)
    if parts <= AT_RANDOM:
        return random.permutation(np.arange(experts) % parts)
    part, size = np.zeros(experts, dtype=np.int64), np.array([parts])
    while (size > 1).any():
        order = np.lexsort((_smoothed(grid, part, len(size), random), part))
        members = np.bincount(part, minlength=len(size))
        rank = np.empty(experts, dtype=np.int64)
        rank[order] = np.arange(experts) - (np.cumsum(members) - members)[part[order]]
        lower = size // 2
        edge = members * lower // size
        part = 2 * part + (rank >= edge[part])
        size = np.stack((lower, size - lower), axis=1).ravel()
    numbers = np.cumsum(size) - 1
    return numbers[part]


def _smoothed(
    grid: Grid, part: IntArray, parts: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """A number (E,) for each expert, close for related ones of the same part."""
    experts, cells = len(part), len(grid.sessions) * parts
    cell = grid.pair_engagement * parts + part[grid.pair_expert]
    in_cell = np.maximum(1, np.bincount(cell, minlength=cells))
    pairs_of = np.maximum(1, np.bincount(grid.pair_expert, minlength=experts))
    number = random.normal(size=experts)
    for _ in range(SMOOTHINGS):
        mean = np.bincount(cell, number[grid.pair_expert], cells) / in_cell
        number = np.bincount(grid.pair_expert, mean[cell], experts) / pairs_of
    return number
