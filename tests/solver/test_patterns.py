"""The cheapest dates of one engagement with one expert."""

from __future__ import annotations

from typing import Any

import pytest

from solver.grid import Grid, compile_grid
from solver.patterns import FREE, Paths, new_paths, price_pair, trace
from solver.schedule import FINE, NEVER, Schedule, insert, pinned_schedule
from solver.search import NOISE
from tests.solver.builders import file, pin, problem

ANN_FOR_BAKERS, ANN_FOR_TAILORS = 0, 2


def priced(pair: int = ANN_FOR_BAKERS, **changes: Any) -> tuple[Grid, Schedule, Paths]:
    grid = compile_grid(file(problem(**changes)).problem)
    schedule, paths = pinned_schedule(grid), new_paths(grid)
    price_pair(grid, schedule, FREE, pair, 0, paths)
    return grid, schedule, paths


def dates(grid: Grid, schedule: Schedule, paths: Paths, count: int = 2) -> list[tuple[int, int]]:
    """The (day, minute) of the cheapest sessions 1…count of the bakers with Ann."""
    trace(grid, schedule, ANN_FOR_BAKERS, count, paths)
    return list(zip(paths.days[:count].tolist(), paths.minutes[:count].tolist(), strict=True))


def test_the_cheapest_path_starts_at_once_and_keeps_the_wished_gap() -> None:
    grid, schedule, paths = priced()
    assert dates(grid, schedule, paths) == [(0, 540), (7, 540)]
    # Two sessions: match 1 and three times ten minutes of travel each.
    assert paths.cost[2] == FINE * 2 * (1 + 3)


def test_a_gap_off_the_target_costs_its_days() -> None:
    _, _, paths = priced(bakers={"target_gap_days": 10, "open": [["mon", "09:00", "17:00"]]})
    assert paths.cost[2] == FINE * (2 * 4 + 3)


def test_waiting_costs_its_days() -> None:
    grid, schedule, paths = priced(ann={"busy": [["2025-07-14T00:00", "2025-07-16T00:00"]]})
    assert dates(grid, schedule, paths)[0] == (2, 540)
    assert paths.cost[2] == FINE * (2 * 4 + 2)


def test_hours_that_are_not_preferred_cost_once_a_session() -> None:
    _, _, paths = priced(bakers={"preferred": [["sun", "09:00", "17:00"]]})
    assert paths.cost[2] == FINE * (2 * 4 + 2 * 10)


def test_a_preferred_start_is_worth_a_short_wait() -> None:
    grid, schedule, paths = priced(bakers={"preferred": [["wed", "13:00", "17:00"]]})
    assert dates(grid, schedule, paths) == [(2, 780), (9, 780)]


def test_fewer_sessions_cost_what_is_dropped() -> None:
    _, _, paths = priced()
    assert paths.cost[1] == FINE * (4 + 1000)


def test_where_hours_never_meet_there_is_no_path() -> None:
    _, _, paths = priced(ann={"open": [["sat", "09:00", "17:00"]]})
    assert paths.cost[1] == NEVER


def test_the_window_may_be_too_short_for_the_last_session() -> None:
    _, _, paths = priced(bakers={"latest": "2025-07-20"})
    assert paths.cost[1] < NEVER
    assert paths.cost[2] == NEVER


def test_a_pinned_session_stands_and_costs_nothing_by_itself() -> None:
    grid, schedule, paths = priced(bakers={"pinned": [pin(1, "ann", "2025-07-15T10:15")]})
    assert dates(grid, schedule, paths) == [(1, 615), (8, 540)]
    assert paths.cost[2] == FINE * 4


@pytest.mark.parametrize(
    ("minute", "cost"), [(600, 0), (630, 40)], ids=["the published time", "another time"]
)
def test_a_published_session_costs_when_it_moves(minute: int, cost: int) -> None:
    current = {"expert": "ann", "starts": ["2025-07-14T10:00"]}
    opens = f"{minute // 60:02d}:{minute % 60:02d}"
    _, _, paths = priced(
        bakers={
            "current": current,
            "open": [["mon", opens, "17:00"]],
            "busy": [["2025-07-14T11:30", "2025-07-14T17:00"]],
        }
    )
    assert paths.cost[1] == FINE * (1000 + 4 + cost)


def test_another_session_of_the_expert_leaves_time_for_the_way() -> None:
    grid, schedule, paths = priced(pair=ANN_FOR_TAILORS)
    days, minutes = paths.days.copy(), paths.minutes.copy()
    days[0], minutes[0] = 0, 600
    insert(grid, schedule, ANN_FOR_BAKERS, 1, days, minutes, 0)
    price_pair(grid, schedule, FREE, ANN_FOR_TAILORS, 0, paths)
    trace(grid, schedule, ANN_FOR_TAILORS, 1, paths)
    # Bakers 10:00-11:00, thirty minutes of travel on both sides: 9:00 is too early.
    assert (paths.days[0], paths.minutes[0]) == (0, 690)


def test_the_cap_of_a_week_holds_for_sessions_close_together() -> None:
    close = {"min_gap_days": 2, "target_gap_days": 2, "max_gap_days": 14}
    grid, schedule, paths = priced(bakers=close, ann={"max_per_week": 1})
    assert dates(grid, schedule, paths) == [(0, 540), (7, 540)]


def test_noise_breaks_ties_and_never_a_cost() -> None:
    grid, schedule, paths = priced()
    for _ in range(20):
        price_pair(grid, schedule, FREE, ANN_FOR_BAKERS, NOISE, paths)
        assert trace(grid, schedule, ANN_FOR_BAKERS, 2, paths) == 8
