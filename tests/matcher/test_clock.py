from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as some

from matcher.clock import TOKYO, from_wall_time, to_tokyo, to_utc, utc_now, wall_time

WALL = dt.datetime(2025, 10, 1, 10, 0)  # noqa: DTZ001  a wall-clock time
MOMENT = dt.datetime(2025, 10, 1, 1, 0, tzinfo=dt.UTC)


def test_tokyo_is_nine_hours_ahead() -> None:
    """In summer as in winter."""
    assert wall_time(MOMENT) == WALL
    assert from_wall_time(WALL) == MOMENT
    assert from_wall_time(WALL).tzinfo is dt.UTC


@given(some.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1)))  # noqa: DTZ001  walls
def test_a_wall_time_comes_back_from_its_moment(wall: dt.datetime) -> None:
    """Tokyo has had no summer time since 1951, so no hour stands twice or is missing."""
    assert wall_time(from_wall_time(wall)) == wall


def test_a_moment_stays_the_same_in_tokyo() -> None:
    """It is only told differently."""
    assert to_tokyo(MOMENT) == MOMENT
    assert to_tokyo(MOMENT).tzinfo is TOKYO


def test_now_is_a_moment_in_utc() -> None:
    """Never naive."""
    assert utc_now().tzinfo is dt.UTC


def test_a_naive_time_is_no_moment() -> None:
    """Nobody says where its clock hangs."""
    for ask in (to_utc, to_tokyo, wall_time):
        with pytest.raises(ValueError, match="names no time zone"):
            ask(WALL)


def test_a_moment_is_no_wall_time() -> None:
    """It needs no place to be understood."""
    with pytest.raises(ValueError, match="is a moment already"):
        from_wall_time(MOMENT)
