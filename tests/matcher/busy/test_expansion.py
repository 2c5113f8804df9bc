"""When the owner of a calendar is busy: the golden set of check 28, to the minute."""

from __future__ import annotations

import datetime as dt

import pytest

from matcher.busy.expansion import NotACalendar, expand
from matcher.calendars.identity import uid_of
from matcher.clock import TOKYO
from matcher.intervals import Interval

pytestmark = pytest.mark.check(28)

WINDOW = Interval(
    dt.datetime(2026, 10, 1, tzinfo=TOKYO).astimezone(dt.UTC),
    dt.datetime(2027, 1, 1, tzinfo=TOKYO).astimezone(dt.UTC),
)

WEEKLY = """BEGIN:VEVENT
UID:weekly
DTSTAMP:20260901T000000Z
DTSTART;TZID=Asia/Tokyo:20261006T100000
DTEND;TZID=Asia/Tokyo:20261006T110000
RRULE:FREQ=WEEKLY;COUNT=4
{more}END:VEVENT
"""


def calendar(*components: str, before: str = "") -> bytes:
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//golden//EN\n{before}"
    return (text + "".join(components) + "END:VCALENDAR\n").replace("\n", "\r\n").encode()


def event(*lines: str, uid: str = "one") -> str:
    body = "\n".join(lines)
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260901T000000Z\n{body}\nEND:VEVENT\n"


def weekly(more: str = "") -> str:
    return WEEKLY.format(more=more + "\n" if more else "")


def busy(*components: str, before: str = "") -> list[str]:
    """The busy times, on the walls of Tokyo."""
    found = expand(calendar(*components, before=before), WINDOW).busy
    return [f"{wall(each.start)}–{wall(each.end)}" for each in found]


def wall(moment: dt.datetime) -> str:
    return f"{moment.astimezone(TOKYO):%m-%d %H:%M}"


TUESDAYS = [f"10-{day:02} 10:00–10-{day:02} 11:00" for day in (6, 13, 20, 27)]


def test_an_event_every_week() -> None:
    assert busy(weekly()) == TUESDAYS


@pytest.mark.parametrize(
    "exception",
    ["EXDATE:20261013T010000Z", "EXDATE;VALUE=DATE:20261013"],
    ids=["in UTC", "as a date"],
)
def test_a_date_that_is_taken_out(exception: str) -> None:
    assert busy(weekly(exception)) == [TUESDAYS[0], *TUESDAYS[2:]]


def test_one_of_a_series_is_moved_and_another_is_cancelled() -> None:
    moved = event(
        "RECURRENCE-ID;TZID=Asia/Tokyo:20261013T100000",
        "DTSTART;TZID=Asia/Tokyo:20261014T150000",
        "DTEND;TZID=Asia/Tokyo:20261014T160000",
        uid="weekly",
    )
    cancelled = event(
        "RECURRENCE-ID;TZID=Asia/Tokyo:20261020T100000",
        "DTSTART;TZID=Asia/Tokyo:20261020T100000",
        "DTEND;TZID=Asia/Tokyo:20261020T110000",
        "STATUS:CANCELLED",
        uid="weekly",
    )
    assert busy(weekly(), moved, cancelled) == [
        TUESDAYS[0],
        "10-14 15:00–10-14 16:00",
        TUESDAYS[3],
    ]


def test_a_series_that_moves_from_one_date_on() -> None:
    later = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Asia/Tokyo:20261020T100000",
        "DTSTART;TZID=Asia/Tokyo:20261020T130000",
        "DTEND;TZID=Asia/Tokyo:20261020T140000",
        uid="weekly",
    )
    assert busy(weekly(), later) == [
        *TUESDAYS[:2],
        "10-20 13:00–10-20 14:00",
        "10-27 13:00–10-27 14:00",
    ]


def test_a_series_in_new_york_goes_through_the_end_of_summer_time() -> None:
    found = busy(
        event(
            "DTSTART;TZID=America/New_York:20261026T090000",
            "DTEND;TZID=America/New_York:20261026T100000",
            "RRULE:FREQ=WEEKLY;COUNT=2",
        )
    )
    assert found == ["10-26 22:00–10-26 23:00", "11-02 23:00–11-03 00:00"]


def test_a_whole_day_is_a_day_in_tokyo() -> None:
    found = busy(event("DTSTART;VALUE=DATE:20261103", "DTEND;VALUE=DATE:20261105"))
    assert found == ["11-03 00:00–11-05 00:00"]
    assert busy(event("DTSTART;VALUE=DATE:20261103")) == ["11-03 00:00–11-04 00:00"]


@pytest.mark.parametrize(
    ("line", "blocks"),
    [
        ("TRANSP:TRANSPARENT", False),
        ("STATUS:CANCELLED", False),
        ("STATUS:TENTATIVE", True),
        ("TRANSP:OPAQUE", True),
    ],
)
def test_what_leaves_its_owner_free_does_not_count(line: str, blocks: bool) -> None:
    found = busy(event("DTSTART:20261005T010000Z", "DTEND:20261005T020000Z", line))
    assert found == (["10-05 10:00–10-05 11:00"] if blocks else [])


def test_a_time_without_a_zone_is_one_on_the_walls_of_tokyo() -> None:
    assert busy(event("DTSTART:20261005T100000", "DURATION:PT90M")) == ["10-05 10:00–10-05 11:30"]


def test_the_zone_of_a_whole_calendar_counts_where_an_event_has_utc() -> None:
    found = busy(
        event("DTSTART:20261005T100000Z", "DTEND:20261005T110000Z"),
        before="X-WR-TIMEZONE:America/New_York\n",
    )
    assert found == ["10-05 19:00–10-05 20:00"]


def test_the_zone_names_of_windows_are_known() -> None:
    found = busy(
        event(
            'DTSTART;TZID="Tokyo Standard Time":20261005T100000',
            'DTEND;TZID="Tokyo Standard Time":20261005T110000',
        )
    )
    assert found == ["10-05 10:00–10-05 11:00"]


def test_a_zone_that_a_calendar_defines_itself() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Our Office\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
        "TZOFFSETFROM:+0200\nTZOFFSETTO:+0200\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    found = busy(
        zone,
        event("DTSTART;TZID=Our Office:20261005T100000", "DTEND;TZID=Our Office:20261005T110000"),
    )
    assert found == ["10-05 17:00–10-05 18:00"]


def test_an_exception_without_its_series_counts_by_itself() -> None:
    found = busy(
        event(
            "RECURRENCE-ID:20261005T000000Z",
            "DTSTART:20261005T010000Z",
            "DTEND:20261005T020000Z",
        )
    )
    assert found == ["10-05 10:00–10-05 11:00"]


def test_two_events_of_one_uid_both_count() -> None:
    found = busy(
        event("DTSTART:20261005T010000Z", "DTEND:20261005T020000Z"),
        event("DTSTART:20261007T010000Z", "DTEND:20261007T020000Z"),
    )
    assert found == ["10-05 10:00–10-05 11:00", "10-07 10:00–10-07 11:00"]


def test_dates_that_are_added_to_an_event_as_periods() -> None:
    found = busy(
        event(
            "DTSTART:20261005T010000Z",
            "DTEND:20261005T020000Z",
            "RDATE;VALUE=PERIOD:20261006T010000Z/PT3H,20261007T010000Z/20261007T013000Z",
        )
    )
    assert found == [
        "10-05 10:00–10-05 11:00",
        "10-06 10:00–10-06 13:00",
        "10-07 10:00–10-07 10:30",
    ]


def test_a_series_until_a_day_takes_place_on_that_day() -> None:
    found = busy(
        event(
            "DTSTART;TZID=Asia/Tokyo:20261006T100000",
            "DTEND;TZID=Asia/Tokyo:20261006T110000",
            "RRULE:FREQ=WEEKLY;UNTIL=20261027",
        )
    )
    assert found == TUESDAYS


def test_of_free_and_busy_times_only_the_busy_ones_count() -> None:
    component = (
        "BEGIN:VFREEBUSY\nUID:fb\nDTSTAMP:20260901T000000Z\n"
        "FREEBUSY;FBTYPE=BUSY:20261005T000000Z/20261005T010000Z,20261005T020000Z/PT1H\n"
        "FREEBUSY;FBTYPE=FREE:20261006T000000Z/PT8H\n"
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261007T000000Z/PT1H\n"
        "FREEBUSY:20261008T000000Z/PT1H\nEND:VFREEBUSY\n"
    )
    assert busy(component) == [
        "10-05 09:00–10-05 10:00",
        "10-05 11:00–10-05 12:00",
        "10-07 09:00–10-07 10:00",
        "10-08 09:00–10-08 10:00",
    ]


def availability(priority: int, first: str, end: str, opens: str, closes: str) -> str:
    return (
        f"BEGIN:VAVAILABILITY\nUID:a{priority}\nDTSTAMP:20260901T000000Z\nPRIORITY:{priority}\n"
        f"DTSTART;TZID=Asia/Tokyo:{first}T000000\nDTEND;TZID=Asia/Tokyo:{end}T000000\n"
        f"BEGIN:AVAILABLE\nUID:b{priority}\nDTSTAMP:20260901T000000Z\n"
        f"DTSTART;TZID=Asia/Tokyo:{first}T{opens}\nDTEND;TZID=Asia/Tokyo:{first}T{closes}\n"
        "RRULE:FREQ=DAILY\nEND:AVAILABLE\nEND:VAVAILABILITY\n"
    )


def test_who_says_when_they_are_available_is_busy_otherwise() -> None:
    assert busy(availability(1, "20261005", "20261007", "090000", "170000")) == [
        "10-05 00:00–10-05 09:00",
        "10-05 17:00–10-06 09:00",
        "10-06 17:00–10-07 00:00",
    ]


def test_the_more_important_of_two_availabilities_counts() -> None:
    usual = availability(5, "20261005", "20261007", "090000", "170000")
    that_day = availability(1, "20261006", "20261007", "120000", "130000")
    assert busy(usual, that_day) == [
        "10-05 00:00–10-05 09:00",
        "10-05 17:00–10-06 12:00",
        "10-06 13:00–10-07 00:00",
    ]


def test_times_that_touch_or_overlap_become_one_and_the_window_cuts_them() -> None:
    found = busy(
        event("DTSTART:20260930T100000Z", "DTEND:20261001T010000Z"),
        event("DTSTART:20261001T010000Z", "DTEND:20261001T020000Z", uid="two"),
        event("DTSTART:20261001T013000Z", "DTEND:20261001T014500Z", uid="three"),
        event("DTSTART:20261231T140000Z", "DTEND:20270102T000000Z", uid="four"),
    )
    assert found == ["10-01 00:00–10-01 11:00", "12-31 23:00–01-01 00:00"]


def test_a_session_of_ours_that_its_owner_keeps_there_does_not_count() -> None:
    ours = event("DTSTART:20261005T010000Z", "DTEND:20261005T020000Z", uid=uid_of("S1"))
    assert busy(ours, weekly()) == TUESDAYS


@pytest.mark.check(29)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>sign in</body></html>",
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".encode("utf-16"),
        calendar(weekly())[:-30],
        b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        b"/etc/hostname",
    ],
    ids=["nothing", "HTML", "UTF-16", "cut off", "no envelope", "the name of a file"],
)
def test_what_is_no_whole_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(NotACalendar):
        expand(content, WINDOW)
