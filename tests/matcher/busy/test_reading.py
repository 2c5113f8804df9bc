"""Hostile calendars end in time and in a little memory (check 29)."""

from __future__ import annotations

import datetime as dt
import time
from http.server import BaseHTTPRequestHandler

import pytest

from matcher.busy import reading
from matcher.busy.reading import Request, read
from matcher.intervals import Interval
from tests.matcher.busy.web import giving, web

pytestmark = pytest.mark.check(29)

WINDOW = Interval(dt.datetime(2026, 10, 1, tzinfo=dt.UTC), dt.datetime(2026, 12, 31, tzinfo=dt.UTC))
LONGEST_SECONDS = 30
"""Alone it takes a few seconds; the limits of the process itself are what is tried here."""


def calendar(*lines: str) -> bytes:
    body = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *lines, "END:VCALENDAR", ""))
    return body.encode()


def event(*lines: str, start: str = "DTSTART:20261005T010000Z") -> tuple[str, ...]:
    return ("BEGIN:VEVENT", "UID:one", start, "DURATION:PT1H", *lines, "END:VEVENT")


def nested(depth: int) -> bytes:
    return calendar(*["BEGIN:VEVENT"] * depth, *["END:VEVENT"] * depth)


FIRST = dt.datetime(2026, 10, 5, 1, tzinfo=dt.UTC)
ONCE = (Interval(FIRST, FIRST + dt.timedelta(hours=1)),)

BY = ",".join(map(str, range(60)))
MOMENTS = (FIRST + dt.timedelta(minutes=number) for number in range(200_000))
DATES = ",".join(f"{each:%Y%m%dT%H%M%SZ}" for each in MOMENTS)


@pytest.mark.parametrize(
    "content",
    [
        calendar(*event("RRULE:FREQ=SECONDLY")),
        calendar(*event("RRULE:FREQ=MINUTELY")),
        calendar(*event("RRULE:FREQ=DAILY;INTERVAL=0")),
        calendar(*event(f"RRULE:FREQ=YEARLY;BYSECOND={BY};BYMINUTE={BY};BYHOUR=1,2,3")),
        calendar(*event("RRULE:FREQ=DAILY", "EXRULE:FREQ=DAILY")),
        calendar(*event(f"RDATE:{DATES}")),
    ],
    ids=["every second", "every minute", "interval 0", "BY product", "EXRULE", "200,000 dates"],
)
def test_a_series_out_of_all_proportion_is_read_as_its_first_event(content: bytes) -> None:
    found = read(Request(window=WINDOW, content=content))
    assert (found.problem, found.busy, found.left_out) == (None, ONCE, 1)


@pytest.mark.parametrize(
    "start",
    ["DTSTART:garbage", "DTSTART:00010101T000000Z", "DTSTART:99991231T230000Z", "X-NO:1"],
)
def test_an_event_that_begins_at_no_time_of_ours_is_left_out_and_the_others_count(
    start: str,
) -> None:
    content = calendar(*event(start=start), *event())
    found = read(Request(window=WINDOW, content=content))
    assert (found.problem, found.busy, found.left_out) == (None, ONCE, 1)


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (nested(50_000), {"not_a_calendar", "too_many_events", "too_costly", None}),
        (calendar("X-LONG:" + "a" * 10_000_000), {None}),
        (calendar(*event() * 6_000), {"too_many_events"}),
        (b"<html></html>", {"not_a_calendar"}),
        ("BEGIN:VCALENDAR".encode("utf-16"), {"not_a_calendar"}),
        (calendar(*event())[:60], {"not_a_calendar"}),
    ],
    ids=["50,000 nested", "10 MB line", "6,000 events", "HTML", "UTF-16", "cut off"],
)
def test_anything_ends_in_time_with_an_answer(content: bytes, problems: set[str | None]) -> None:
    began = time.monotonic()
    found = read(Request(window=WINDOW, content=content))
    assert found.problem in problems
    assert time.monotonic() - began < LONGEST_SECONDS


def test_who_sends_a_little_at_a_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WALL_SECONDS", 3)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        try:
            for _ in range(100):
                handler.wfile.write(b"X")
                handler.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    with web(drip) as served:
        found = read(Request(window=WINDOW, url=served.url(), trusted=(served.host,)))
    assert found.problem == "too_slow"


def test_a_calendar_is_fetched_and_expanded_and_an_unchanged_one_is_not() -> None:
    with web(giving(calendar(*event()), ETag='"1"')) as served:
        first = read(Request(window=WINDOW, url=served.url(), trusted=(served.host,)))
        assert (first.problem, first.busy, first.etag) == (None, ONCE, '"1"')
        served.answer = giving(b"", 304)
        again = Request(window=WINDOW, url=served.url(), trusted=(served.host,), etag='"1"')
        assert read(again).unchanged
