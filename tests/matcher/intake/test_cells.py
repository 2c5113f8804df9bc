from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from matcher.clock import TOKYO
from matcher.errors import Invalid
from matcher.intake.cells import (
    YES_OR_NO,
    read_absences,
    read_day,
    read_hours,
    read_list,
    read_municipality,
    read_number,
    read_numbers,
    write_absences,
    write_hours,
)
from matcher.models import WeeklyHours

TUESDAYS_AND_THURSDAYS = tuple(
    WeeklyHours(weekday=day, opens=dt.time(10), closes=dt.time(17)) for day in ("tue", "thu")
)


@pytest.mark.parametrize(
    "text",
    [
        "火 10:00-17:00; 木 10:00-17:00",
        "tue 10:00-17:00; thu 10:00-17:00",
        "火木 10:00-17:00",
        "火・木曜日 10:00〜17:00",
        "Tuesday, Thursday 10:00–17:00",
        "火曜日１０：００－１７：００；木曜日１０：００－１７：００",
    ],
)
def test_hours_are_read_as_people_write_them(text: str) -> None:
    assert read_hours(text) == TUESDAYS_AND_THURSDAYS


def test_hours_are_written_as_they_are_read() -> None:
    assert write_hours(TUESDAYS_AND_THURSDAYS) == "火 10:00-17:00; 木 10:00-17:00"


@pytest.mark.parametrize(
    "text", ["10:00-17:00", "火", "火 17:00-10:00", "火 25:00-26:00", "someday 10:00-17:00"]
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no weekly hours"):
        read_hours(text)


@pytest.mark.parametrize(
    ("text", "start", "end", "reason"),
    [
        ("2025-08-12..2025-08-15 夏季休業", (8, 12, 0), (8, 16, 0), "夏季休業"),
        ("2025/8/12～2025/8/15", (8, 12, 0), (8, 16, 0), ""),
        ("2025-09-11", (9, 11, 0), (9, 12, 0), ""),
        ("2025-09-11 13:00..2025-09-11 15:00 会議", (9, 11, 13), (9, 11, 15), "会議"),
    ],
)
def test_absences_are_read_and_written(
    text: str, start: tuple[int, int, int], end: tuple[int, int, int], reason: str
) -> None:
    absences = read_absences(text)
    expected = {
        "start_at": dt.datetime(2025, *start, tzinfo=TOKYO),
        "end_at": dt.datetime(2025, *end, tzinfo=TOKYO),
        "reason": reason,
    }
    assert absences == (expected,)
    assert read_absences(write_absences([SimpleNamespace(**expected)])) == absences


@pytest.mark.parametrize("text", ["summer", "2025-02-30", "2025-08-12..soon"])
def test_what_is_no_absence_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no times of absence"):
        read_absences(text)


@pytest.mark.parametrize("text", ["千代田区", "Chiyoda-ku", "13101", "１３１０１"])
def test_a_municipality_is_given_by_its_name_or_code(text: str) -> None:
    assert read_municipality(text) == "13101"


@pytest.mark.parametrize(
    ("text", "answer"), [("はい", True), ("ＹＥＳ", True), ("無", False), ("0", False)]
)
def test_yes_and_no_are_read(text: str, answer: bool) -> None:
    assert YES_OR_NO.read(text) is answer


@pytest.mark.parametrize(
    "text",
    ["2025-12-24", "2025/12/24", "2025年12月24日", "令和7年12月24日", "２０２５年１２月２４日"],
)
def test_a_day_is_read_as_people_write_it(text: str) -> None:
    assert read_day(text) == dt.date(2025, 12, 24)


@pytest.mark.parametrize(
    "text", ["月〜金", "月～金", "月-金", "平日", "mon-fri", "Mon~Fri", "月火水木金"]
)
def test_days_from_one_to_another_are_all_of_them(text: str) -> None:
    found = read_hours(f"{text} 10:00-17:00")
    assert [own.weekday for own in found] == ["mon", "tue", "wed", "thu", "fri"]


@pytest.mark.parametrize("text", ["金〜月", "月〜", "月〜夏", "祝日"])
def test_days_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no weekly hours"):
        read_hours(f"{text} 10:00-17:00")


def test_plain_values_are_read_in_any_width() -> None:
    assert read_numbers("120、90, 60") == (120, 90, 60)
    assert read_number("１５") == 15
    assert read_day("2025/9/1") == dt.date(2025, 9, 1)
    assert read_list("retail； lodging, ") == ("retail", "lodging")


@pytest.mark.parametrize("read", [YES_OR_NO.read, read_number, read_day, read_numbers])
def test_what_is_something_else_is_refused_in_both_languages(read: object) -> None:
    with pytest.raises(Invalid) as refused:
        read("maybe")  # type: ignore[operator]
    assert refused.value.reason_ja != refused.value.reason
    assert refused.value.remedy_ja != refused.value.remedy
