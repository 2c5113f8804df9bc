"""The compiled problem: which starts a calendar leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from solver.grid import NO_DAY, OUTSIDE, Grid, compile_grid, one_a_day, relax, share_weeks
from tests.solver.builders import file, pin, problem

MONDAY, TUESDAY, SATURDAY = 0, 1, 5


def compiled(**changes: Any) -> Grid:
    return compile_grid(file(problem(**changes)).problem)


def clock_times(grid: Grid, mask: np.ndarray[Any, np.dtype[np.uint64]]) -> list[str]:
    """The starts of one day as HH:MM."""
    return [
        f"{minute // 60:02d}:{minute % 60:02d}"
        for index, minute in enumerate(grid.start_minutes.tolist())
        if int(mask[index >> 6]) >> (index & 63) & 1
    ]


def starts_of_ann(grid: Grid, day: int) -> list[str]:
    return clock_times(grid, grid.expert_starts[0, 0, day])


def test_a_session_lies_whole_within_the_hours() -> None:
    grid = compiled(ann={"open": [["mon", "09:00", "11:30"]]})
    assert starts_of_ann(grid, MONDAY) == ["09:00", "09:30", "10:00", "10:30"]
    assert starts_of_ann(grid, TUESDAY) == []


def test_two_adjoining_hours_are_not_one() -> None:
    grid = compiled(ann={"open": [["mon", "09:00", "10:00"], ["mon", "10:00", "11:00"]]})
    assert starts_of_ann(grid, MONDAY) == ["09:00", "10:00"]


def test_a_busy_time_cuts_the_starts_whose_session_would_meet_it() -> None:
    grid = compiled(
        ann={
            "open": [["mon", "09:00", "13:00"]],
            "busy": [["2025-07-14T10:00", "2025-07-14T10:30"]],
        }
    )
    assert starts_of_ann(grid, MONDAY) == ["09:00", "10:30", "11:00", "11:30", "12:00"]


def test_a_busy_time_over_several_days_closes_the_days_between() -> None:
    grid = compiled(ann={"busy": [["2025-07-14T12:00", "2025-07-16T10:00"]]})
    assert starts_of_ann(grid, MONDAY)[-1] == "11:00"
    assert starts_of_ann(grid, TUESDAY) == []
    assert starts_of_ann(grid, TUESDAY + 1)[0] == "10:00"


def test_nothing_starts_on_a_closed_day() -> None:
    grid = compiled(calendar={"closed_days": ["2025-07-14"]})
    assert starts_of_ann(grid, MONDAY) == []


def test_an_engagement_starts_only_within_its_window() -> None:
    grid = compiled(bakers={"earliest": "2025-07-15", "latest": "2025-07-16"})
    days = [day for day in range(grid.days) if grid.engagement_starts[0, day].any()]
    assert days == [1, 2]


def test_a_session_does_not_run_into_the_next_day() -> None:
    grid = compiled(ann={"open": [["sat", "22:00", "24:00"]]})
    assert starts_of_ann(grid, SATURDAY) == ["22:00", "22:30"]


@pytest.mark.parametrize(("slot_minutes", "expected"), [(60, 24), (30, 48), (20, 72), (5, 288)])
def test_the_grid_is_that_of_the_minutes_of_the_hour(slot_minutes: int, expected: int) -> None:
    grid = compiled(
        calendar={"slot_minutes": slot_minutes}, ann={"open": [["mon", "00:00", "24:00"]]}
    )
    assert len(grid.start_minutes) == expected
    assert grid.words == -(-expected // 64)
    assert "22:00" in starts_of_ann(grid, MONDAY)


def test_weeks_change_on_monday() -> None:
    grid = compiled(calendar={"first_day": "2025-07-14"})
    assert grid.week_of_day[:8].tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


def test_pinned_engagements_keep_their_expert_unless_they_may_be_reassigned() -> None:
    pins = [pin(1, "ann", "2025-07-14T10:00")]
    kept = compiled(bakers={"pinned": pins})
    assert kept.pair_expert[: kept.pair_offset[1]].tolist() == [0]
    free = compiled(bakers={"pinned": pins, "reassign": True})
    assert free.pair_expert[: free.pair_offset[1]].tolist() == [0, 1]
    assert free.least.tolist() == [1, 0]


def test_a_bound_forgets_the_way_where_a_detour_is_shorter() -> None:
    direct = compiled()
    assert (relax(direct).travel == direct.travel).all()
    detour = compiled(minutes=((0, 10, 10), (10, 0, 300), (10, 300, 0)))
    assert not relax(detour).travel.any()


def test_the_search_keeps_two_sessions_of_one_engagement_a_day_apart() -> None:
    grid = compiled(bakers={"min_gap_days": 0})
    assert (grid.min_gap.tolist(), one_a_day(grid).min_gap.tolist()) == ([0, 7], [1, 7])


def test_the_search_lets_two_sessions_share_a_week_that_has_room_for_two() -> None:
    grid = compiled(bakers={"min_gap_days": 1})
    assert (grid.week_need.tolist(), share_weeks(grid).week_need.tolist()) == ([7, 1], [2, 1])


def test_a_session_published_before_the_period_is_somewhere_else() -> None:
    grid = compiled(bakers={"current": {"expert": "ann", "starts": ["2025-07-13T10:00"]}})
    assert grid.current_day[0].tolist() == [OUTSIDE] + [NO_DAY] * 4
