from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from matcher.business_days import BusinessCalendar, national_holidays
from matcher.programme import read_rules

DAY = dt.date


@pytest.fixture(scope="module")
def office() -> BusinessCalendar:
    """The office's days, by the programme's closures."""
    return BusinessCalendar(
        read_rules("tokyo-2025").closed_days(DAY(2025, 1, 1), DAY(2027, 12, 31))
    )


@pytest.mark.parametrize(
    ("applied", "due"),
    [
        pytest.param(DAY(2025, 7, 7), DAY(2025, 7, 14), id="a plain week"),
        pytest.param(DAY(2025, 12, 26), DAY(2026, 1, 9), id="over New Year"),
        pytest.param(DAY(2026, 4, 28), DAY(2026, 5, 11), id="over Golden Week"),
        pytest.param(DAY(2026, 9, 17), DAY(2026, 9, 29), id="over a day between two holidays"),
        pytest.param(DAY(2025, 7, 5), DAY(2025, 7, 11), id="from a Saturday"),
        pytest.param(DAY(2026, 1, 9), DAY(2026, 1, 19), id="from the last day"),
    ],
)
def test_the_interview_is_due_five_business_days_later(
    office: BusinessCalendar, applied: dt.date, due: dt.date
) -> None:
    """The day of the application does not count."""
    assert office.add(applied, 5) == due


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(DAY(2026, 9, 22), id="between Respect for the Aged and the equinox"),
        pytest.param(DAY(2026, 5, 6), id="the substitute for a Sunday"),
        pytest.param(DAY(2025, 12, 29), id="the first of the office's own"),
        pytest.param(DAY(2026, 1, 3), id="the last of them"),
        pytest.param(DAY(2025, 7, 12), id="a Saturday"),
    ],
)
def test_the_office_is_closed(office: BusinessCalendar, day: dt.date) -> None:
    """On holidays, around New Year, on weekends."""
    assert not office.is_business_day(day)


@pytest.mark.parametrize("day", [DAY(2025, 12, 26), DAY(2026, 1, 5), DAY(2026, 5, 7)])
def test_the_office_works(office: BusinessCalendar, day: dt.date) -> None:
    """Right before and right after."""
    assert office.is_business_day(day)


def test_less_than_a_day_cannot_be_counted(office: BusinessCalendar) -> None:
    """Zero days from a Sunday would be no business day."""
    with pytest.raises(ValueError, match="at least one"):
        office.add(DAY(2025, 7, 6), 0)


@pytest.mark.parametrize(
    ("today", "left"),
    [
        pytest.param(DAY(2026, 9, 17), 3, id="before the holidays"),
        pytest.param(DAY(2026, 9, 22), 2, id="on one of them"),
        pytest.param(DAY(2026, 9, 24), 1, id="the day before"),
        pytest.param(DAY(2026, 9, 25), 0, id="the day itself"),
        pytest.param(DAY(2026, 9, 26), -1, id="the Saturday after"),
        pytest.param(DAY(2026, 9, 28), -1, id="the next business day"),
        pytest.param(DAY(2026, 9, 30), -3, id="later"),
    ],
)
def test_business_days_left_are_counted_down_and_past_the_due_day(
    office: BusinessCalendar, today: dt.date, left: int
) -> None:
    """Friday, 25 September 2026 is due; the 21st to the 23rd are holidays."""
    assert office.days_left(today, DAY(2026, 9, 25)) == left


def test_business_days_are_listed_with_both_ends(office: BusinessCalendar) -> None:
    """Over a weekend, and none from a later to an earlier day."""
    assert office.days(DAY(2025, 7, 4), DAY(2025, 7, 7)) == (DAY(2025, 7, 4), DAY(2025, 7, 7))
    assert office.days(DAY(2025, 7, 7), DAY(2025, 7, 4)) == ()


def test_a_programme_counts_business_days_by_its_own_closures() -> None:
    """Far enough ahead, whatever is closed in between."""
    rules = read_rules("tokyo-2025")
    assert rules.business_day_after(DAY(2025, 12, 26), 5) == DAY(2026, 1, 9)
    closures = rules.closures.model_copy(update={"days": (DAY(2026, 1, 6),)})
    closed_once_more = rules.model_copy(update={"closures": closures})
    assert closed_once_more.business_day_after(DAY(2025, 12, 26), 5) == DAY(2026, 1, 13)


def test_the_holidays_are_those_of_the_cabinet_office(shared: Path) -> None:
    """All of three years, and no other day."""
    with (shared / "data" / "japan_holidays_2025_2027.csv").open(encoding="utf-8") as file:
        listed = {dt.date.fromisoformat(row["date"]) for row in csv.DictReader(file)}

    assert national_holidays(DAY(2025, 1, 1), DAY(2027, 12, 31)) == listed


def test_both_ends_are_included() -> None:
    """A single holiday is found by itself."""
    assert national_holidays(DAY(2026, 1, 1), DAY(2026, 1, 1)) == {DAY(2026, 1, 1)}
    assert national_holidays(DAY(2026, 1, 2), DAY(2026, 1, 11)) == frozenset()
