from __future__ import annotations

import datetime as dt

import pytest

from matcher.clock import TOKYO
from matcher.models import WeeklyHours
from matcher.planning.stating.hours import cover, joined


def hours(weekday: str, opens: str, closes: str) -> WeeklyHours:
    return WeeklyHours.model_validate({"weekday": weekday, "opens": opens, "closes": closes})


MORNING, AFTERNOON = hours("wed", "09:00", "12:00"), hours("wed", "12:00", "15:00")


def test_stretches_of_a_day_that_meet_or_overlap_are_one() -> None:
    overlapping = hours("wed", "14:00", "16:00")
    assert joined([AFTERNOON, MORNING, overlapping]) == (hours("wed", "09:00", "16:00"),)


def test_stretches_that_do_not_meet_stay_apart_in_the_order_of_the_week() -> None:
    apart = [hours("thu", "09:00", "12:00"), hours("wed", "13:00", "15:00"), MORNING]
    assert joined(apart) == (MORNING, hours("wed", "13:00", "15:00"), apart[0])


@pytest.mark.parametrize(
    ("start", "minutes", "fits"),
    [("11:00", 120, True), ("08:30", 60, False), ("14:00", 60, True), ("14:30", 60, False)],
)
def test_a_session_may_lie_across_the_border_of_two_stretches_but_in_no_gap(
    start: str, minutes: int, fits: bool
) -> None:
    begins = dt.datetime.fromisoformat(f"2025-10-01T{start}").replace(tzinfo=TOKYO)
    ends = begins + dt.timedelta(minutes=minutes)
    assert cover([MORNING, AFTERNOON], begins, ends) is fits
