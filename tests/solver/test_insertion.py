"""One engagement into a plan whose rest is fixed, where a path of two sessions at a time errs."""

from __future__ import annotations

from typing import Any

from solver.grid import compile_grid
from solver.insertion import price_insertions, rest_holds
from solver.schedule import NEVER, pinned_schedule
from tests.solver.builders import Record, file, pin, problem

BAKERS, ANN = 0, 0
Times = list[tuple[int, int]]

ONE_WEEK: Record = {
    "latest": "2025-07-20",
    "min_gap_days": 1,
    "target_gap_days": 1,
    "max_gap_days": 28,
    "durations": [60, 60, 60],
    "place": None,
}


def insertion(count: int, **changes: Any) -> tuple[int, Times]:
    """Price the bakers with Ann: the cost of `count` sessions, and their (day, minute)."""
    grid = compile_grid(file(problem(**changes)).problem)
    found = price_insertions(grid, pinned_schedule(grid), BAKERS)
    times = zip(found.day[ANN, count, :count], found.minute[ANN, count, :count], strict=True)
    return int(found.cost[ANN, count]), [(int(day), int(minute)) for day, minute in times]


def test_the_cheapest_dates_are_found() -> None:
    # Twice: match 1 and three times ten minutes of travel.
    assert insertion(2) == (2 * (1 + 3), [(0, 540), (7, 540)])


def test_overload_counts_for_the_sessions_that_are_added() -> None:
    cost, _ = insertion(2, ann={"target_total": 1})
    assert cost == 8 + 5


def test_three_sessions_of_a_week_keep_its_cap() -> None:
    # Monday, Tuesday, Wednesday; with two a week the third has no day left.
    assert insertion(3, bakers=ONE_WEEK) == (3, [(0, 540), (1, 540), (2, 540)])
    assert insertion(3, bakers=ONE_WEEK, ann={"max_per_week": 2})[0] == NEVER


def test_the_cap_of_a_week_moves_the_third_session_to_the_next_one() -> None:
    two_weeks = ONE_WEEK | {"latest": "2025-07-27"}
    cost, times = insertion(3, bakers=two_weeks, ann={"max_per_week": 2})
    # Whatever waits or spreads: six days from Tuesday are five more than wished.
    assert cost in {3 + 5, 3 + 6}
    assert sum(day < 7 for day, _ in times) <= 2
    assert cost == 3 + 5


def test_two_sessions_of_one_day_do_not_overlap_and_keep_the_cap_of_a_day() -> None:
    monday: Record = ONE_WEEK | {"latest": "2025-07-14", "min_gap_days": 0, "target_gap_days": 0}
    assert insertion(2, bakers=monday) == (2 + 1000, [(0, 540), (0, 600)])
    assert insertion(3, bakers=monday)[0] == NEVER
    assert insertion(3, bakers=monday, ann={"max_per_day": 3})[0] == 3
    assert insertion(2, bakers=monday, ann={"max_per_day": 1})[0] == NEVER


def test_two_sessions_on_site_of_one_day_leave_the_way_between_two_sites_of_a_place() -> None:
    monday: Record = ONE_WEEK | {"latest": "2025-07-14", "min_gap_days": 0, "place": "bakers"}
    # Ten minutes from a site to the next one of the same place, on a grid of thirty.
    assert insertion(2, bakers=monday)[1] == [(0, 540), (0, 630)]


def test_only_neighbours_of_a_day_need_the_way() -> None:
    # From the tailors' 9:00 visit to the bakers takes 90 minutes, from that at 10:00 none.
    minutes = [[0, 0, 0], [0, 0, 0], [0, 90, 0]]
    online_between = {
        "pinned": [pin(1, "ann", "2025-07-14T09:00"), pin(2, "ann", "2025-07-14T10:00")],
        "place": "tailors",
        "candidates": [],
    }
    hours: Record = {"latest": "2025-07-14", "open": [["mon", "11:00", "13:00"]]}
    assert insertion(
        1, bakers=hours, tailors=online_between, ann={"max_per_day": 3}, minutes=minutes
    ) == (NEVER, [(0, 0)])
    minutes[2][1] = 60
    assert insertion(
        1, bakers=hours, tailors=online_between, ann={"max_per_day": 3}, minutes=minutes
    )[1] == [(0, 720)]


def test_a_pinned_session_may_run_on_after_midnight() -> None:
    night = {"pinned": [pin(1, "ann", "2025-07-14T23:30")], "place": None, "candidates": []}
    early: Record = {"latest": "2025-07-15", "open": [["tue", "00:00", "02:00"]], "place": None}
    always: Record = {"open": [["tue", "00:00", "24:00"]]}
    assert insertion(1, bakers=early, tailors=night, ann=always)[1] == [(1, 30)]


def test_pinned_sessions_of_one_day_stand_although_the_gap_forbids_others() -> None:
    pins = [pin(1, "ann", "2025-07-15T09:15"), pin(2, "ann", "2025-07-15T14:10")]
    cost, times = insertion(3, bakers={"durations": [60, 60, 60], "pinned": pins})
    assert (cost, times) == (4, [(1, 555), (1, 850), (8, 540)])


def test_a_visit_may_stand_only_because_of_another_one_between_its_neighbours() -> None:
    minutes = [[0, 0, 0], [0, 0, 0], [0, 90, 0]]
    visits = {
        "bakers": {"pinned": [pin(1, "ann", "2025-07-14T10:00")], "candidates": []},
        "tailors": {"pinned": [pin(1, "ann", "2025-07-14T09:00")], "candidates": []},
    }
    grid = compile_grid(file(problem(**visits, minutes=minutes)).problem)
    assert not rest_holds(grid, pinned_schedule(grid), ANN, 0)
    minutes[2][1] = 0
    grid = compile_grid(file(problem(**visits, minutes=minutes)).problem)
    assert rest_holds(grid, pinned_schedule(grid), ANN, 0)
