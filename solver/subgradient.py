"""Raise a bound by its prices: subgradient steps on a concave function, a sum of minima.

Polyak's step length (1969) towards a little more than the best value so far, shorter where steps
bring nothing. A price that keeps its direction moves faster and faster and one that turns slows
down, as in Rprop (Riedmiller, Braun 1993): where a few are scarce, their price is a hundred times
that of the others, and one length of step for all would never lead there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from solver.grid import IntArray
from solver.schedule import FINE

PATIENCE, SHORTER, SHORTEST = 10, 0.7, 1e-3
"""Steps without a better value after which steps get shorter, and when no more is to be gained."""

ENOUGH = 5e-6
"""The share by which a value must rise to count as better."""

FASTER, SLOWER, FASTEST = 1.1, 0.9, 1000.0
"""How a price that keeps its direction speeds up, how one that turns slows down, and how far."""


def maximize(
    evaluate: Callable[[IntArray, IntArray], int],
    start: IntArray,
    low: IntArray | int,
    high: IntArray | int,
    *,
    reach: float,
    steps: int,
) -> tuple[int, IntArray]:
    """Find prices (n,) between `low` and `high` at which a function is high; its value there.

    `evaluate` takes prices, fills a subgradient (n,) and returns the value, all integers in
    1 / FINE. A step aims `reach` above the best value, as a share of it.
    """
    price, slope = start, np.zeros_like(start)
    best, best_price, factor, idle = int(evaluate(start, slope)), start, 1.0, 0
    scale, before = np.ones(len(start)), np.zeros(len(start), dtype=np.int64)
    value = best
    for _ in range(steps):
        if idle >= PATIENCE:
            factor, idle = SHORTER * factor, 0
        turn = np.sign(slope) * before
        scale *= np.where(turn > 0, FASTER, np.where(turn < 0, SLOWER, 1.0))
        scale = np.clip(scale, 1 / FASTEST, FASTEST)
        before = np.sign(slope)
        norm = float((scale * slope * slope).sum())
        if norm == 0 or factor < SHORTEST:
            break
        length = factor * (best + reach * abs(best) + FINE - value) / norm
        price = np.clip(price + np.rint(length * scale * slope).astype(np.int64), low, high)
        value = int(evaluate(price, slope))
        idle = 0 if value > best + ENOUGH * abs(best) else idle + 1
        if value > best:
            best, best_price = value, price
    return best, best_price
