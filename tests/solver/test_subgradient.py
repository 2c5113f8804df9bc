"""Prices that raise a bound: where the highest value is, found from afar."""

from __future__ import annotations

import numpy as np

from solver.grid import IntArray
from solver.schedule import FINE
from solver.subgradient import maximize


def dual(offers: IntArray, room: IntArray, price: IntArray, slope: IntArray) -> int:
    """What it costs to leave out whoever would not pay the price, the room paid for by the rest.

    `offers` (n, 10) are what each would pay; at the best prices n `room`s are filled.
    """
    slope[:] = (offers > price[:, np.newaxis]).sum(axis=1) - room
    return int(np.minimum(offers, price[:, np.newaxis]).sum() - (price * room).sum())


def test_the_price_at_which_as_many_want_a_place_as_there_are() -> None:
    offers = FINE * np.arange(1, 11)[np.newaxis]
    room = np.array([4])
    value, price = maximize(
        lambda price, slope: dual(offers, room, price, slope),
        np.zeros(1, dtype=np.int64),
        0,
        100 * FINE,
        reach=0.05,
        steps=300,
    )
    # The six with the lowest offers go without: 1 + 2 + … + 6.
    assert 0.99 * 21 * FINE <= value <= 21 * FINE
    assert 6 * FINE <= price[0] <= 7 * FINE


def test_one_scarce_price_is_found_among_many_low_ones() -> None:
    offers = FINE * np.tile(np.arange(1, 11), (200, 1))
    offers[0] *= 5_000
    room = np.full(200, 10)
    room[0] = 4
    value, price = maximize(
        lambda price, slope: dual(offers, room, price, slope),
        np.zeros(200, dtype=np.int64),
        0,
        1 << 40,
        reach=0.05,
        steps=600,
    )
    assert 0.99 * 21 * 5_000 * FINE <= value <= 21 * 5_000 * FINE
    assert price[0] >= 0.9 * 6 * 5_000 * FINE


def test_prices_stay_within_their_limits() -> None:
    offers = FINE * np.arange(1, 11)[np.newaxis]
    value, price = maximize(
        lambda price, slope: dual(offers, np.array([0]), price, slope),
        np.array([3 * FINE]),
        2 * FINE,
        4 * FINE,
        reach=0.05,
        steps=100,
    )
    assert price[0] == 4 * FINE
    assert value == (1 + 2 + 3 + 7 * 4) * FINE


def test_without_steps_the_start_is_what_there_is() -> None:
    offers = FINE * np.arange(1, 11)[np.newaxis]
    start = np.array([2 * FINE])
    value, price = maximize(
        lambda price, slope: dual(offers, np.array([4]), price, slope),
        start,
        0,
        100 * FINE,
        reach=0.05,
        steps=0,
    )
    assert price is start
    assert value == (1 + 9 * 2 - 4 * 2) * FINE
