import datetime as dt
import hashlib
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from icalendar import Calendar

from matcher.calendars.entries import Entry
from matcher.calendars.rendering import RENDERER_VERSION, render
from matcher.calendars.wording import Language, Wording, one_line
from tests.clients.programs import read_with_ical_js
from tests.clients.strict import Component, read_strictly
from tests.matcher.calendars.samples import ON_SITE, TEN_O_CLOCK, contents

ONLINE = replace(
    ON_SITE, session_id="S2", online=True, meeting_url="https://meet.example/a?b=1,2;c=架空"
)
PIECES = [
    ",",
    ";",
    "\\",
    '"',
    ":",
    "\r\n",
    "\n",
    "\r",
    "\x00",
    "\x1b",
    "\u2028",
    "\u202e",
    "😀",
    "👩‍👩‍👧",
    "\\n",
    "\\,",
    "BEGIN:VEVENT",
    "END:VCALENDAR",
    "X-EVIL:1",
    "架空",
    "ﾃｽﾄ",
    "שלום",
    " ",
    "\t",
    "x" * 300,
]


def read(*entries: object) -> Component:
    return read_strictly(render(contents(*entries)))  # type: ignore[arg-type]


@pytest.mark.check(25)
def test_a_feed_says_what_it_is_and_how_often_to_ask() -> None:
    feed = read(ON_SITE)
    assert feed["METHOD"].value == "PUBLISH"
    assert feed["NAME"].text == "専門家派遣(架空 太郎) / Expert dispatch (Taro Kaku)"
    assert feed["X-WR-CALNAME"].text == feed["NAME"].text
    assert feed["REFRESH-INTERVAL"].value == feed["X-PUBLISHED-TTL"].value == "PT1H"


@pytest.mark.check(5)
def test_a_feed_holds_the_one_time_zone_of_tokyo() -> None:
    (zone,) = read(ON_SITE).named("VTIMEZONE")
    (standard,) = zone.components
    assert "COMMENT" not in zone
    assert standard["TZOFFSETFROM"].value == standard["TZOFFSETTO"].value == "+0900"


def test_a_session_is_an_event_at_its_hours_in_tokyo() -> None:
    (event,) = read(ON_SITE).named("VEVENT")
    assert event["DTSTART"].value == "20250903T100000"
    assert event["DTEND"].value == "20250903T120000"
    assert event["UID"].value == "session-S1@sessions.expert-dispatch.example"
    assert event["DTSTAMP"].value == event["LAST-MODIFIED"].value == "20250804T010000Z"
    assert event["STATUS"].value == "CONFIRMED"
    assert event["TRANSP"].value == "OPAQUE"


@pytest.mark.check(25)
def test_an_event_is_told_in_the_language_of_the_feed() -> None:
    japanese = render(replace(contents(ON_SITE), language="ja"))
    english = render(replace(contents(ON_SITE), language="en"))
    (event,) = read_strictly(japanese).named("VEVENT")
    assert event["SUMMARY"].text == "専門家派遣 第1回 アクションプランの策定(東京架空旅館協同組合)"
    assert event["LOCATION"].text == "東京都千代田区架空町1-1"
    (event,) = read_strictly(english).named("VEVENT")
    assert event["SUMMARY"].text == (
        "Expert session 1: Action plan (Imaginary Inns of Tokyo Cooperative)"
    )
    assert event["DESCRIPTION"].text == (
        "Session 1: Action plan\n"
        "- Assessing the current situation\n"
        "Organization: Imaginary Inns of Tokyo Cooperative\n"
        "Place: 1-1 Kaku, Chiyoda"
    )


@pytest.mark.check(25)
def test_an_online_session_shows_its_link_wherever_a_client_may_look() -> None:
    (event,) = read(ONLINE).named("VEVENT")
    link = "https://meet.example/a?b=1,2;c=%E6%9E%B6%E7%A9%BA"
    assert event["LOCATION"].text == "オンライン / Online"
    assert event["URL"].value == event["CONFERENCE"].value == link
    assert "https://meet.example/a?b=1,2;c=架空" in event["DESCRIPTION"].text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "http://[", "会議室", "https://", ""])
def test_a_link_that_is_no_web_address_is_text_only(link: str) -> None:
    (event,) = read(replace(ONLINE, meeting_url=link)).named("VEVENT")
    assert "URL" not in event
    assert "CONFERENCE" not in event
    assert link in event["DESCRIPTION"].text


@pytest.mark.check(11)
@pytest.mark.parametrize(
    ("language", "prefix"),
    [
        ("ja", "【中止】専門家"),
        ("en", "[Cancelled] Expert"),
        ("both", "【中止】[Cancelled] 専門家"),
    ],
)
def test_a_cancelled_session_stays_says_so_and_blocks_nobody(
    language: Language, prefix: str
) -> None:
    cancelled = replace(ON_SITE, status="cancelled", sequence=1)
    feed = read_strictly(render(replace(contents(cancelled), language=language)))
    assert feed["METHOD"].value == "PUBLISH"
    (event,) = feed.named("VEVENT")
    assert event["STATUS"].value == "CANCELLED"
    assert event["TRANSP"].value == "TRANSPARENT"
    assert event["SEQUENCE"].value == "1"
    assert event["SUMMARY"].text.startswith(prefix)


@pytest.mark.check(14)
def test_a_reassigned_session_is_cancelled_for_the_expert_it_left() -> None:
    (event,) = read(replace(ON_SITE, status="reassigned")).named("VEVENT")
    assert event["STATUS"].value == "CANCELLED"
    assert "別の専門家" in event["DESCRIPTION"].text
    assert "Another expert" in event["DESCRIPTION"].text


@pytest.mark.check(24)
def test_a_feed_names_nobody_but_the_office_and_rings_no_alarm() -> None:
    content = render(contents(ON_SITE, ONLINE))
    assert b"ATTENDEE" not in content
    assert b"VALARM" not in content
    for event in read_strictly(content).named("VEVENT"):
        assert event["ORGANIZER"].value == "mailto:office@expert-dispatch.example"


def test_a_feed_without_a_session_is_a_calendar_nevertheless() -> None:
    assert read().named("VEVENT") == []


def test_the_renderer_version_names_these_bytes() -> None:
    """Other bytes for the same contents? Raise RENDERER_VERSION, and put the new digest here."""
    content = render(
        contents(ON_SITE, ONLINE, replace(ON_SITE, session_id="S3", status="cancelled"))
    )
    assert (RENDERER_VERSION, hashlib.sha256(content).hexdigest()[:16]) == (1, "d55222bf6f25c0f3")


def crowd(days: range, **changes: object) -> list[Entry]:
    """A session on each of some days, counted from that of the samples."""
    return [
        replace(
            ON_SITE,
            session_id=f"S{day}",
            start_at=start,
            end_at=start + dt.timedelta(hours=1),
            **changes,  # type: ignore[arg-type]
        )
        for day in days
        for start in [TEN_O_CLOCK + dt.timedelta(days=day)]
    ]


def days_of(content: bytes) -> list[int]:
    events = read_strictly(content).named("VEVENT")
    return [int(event["UID"].value.removeprefix("session-S").partition("@")[0]) for event in events]


@pytest.mark.check(23)
def test_a_feed_too_large_for_google_says_less_of_each_session_before_it_leaves_any_out() -> None:
    long = Wording("長" * 900, "long " * 300)
    content = render(contents(*crowd(range(400), contents=(long,))))
    assert len(content) < 1_000_000
    assert days_of(content) == [*range(400)]
    assert "長長".encode() not in content


@pytest.mark.check(23)
def test_a_feed_too_large_still_loses_its_oldest_events_and_then_the_farthest() -> None:
    """Long Japanese names, of which nothing can be left out."""
    long = Wording("架空" * 100, "Imaginary " * 20)
    with_past = render(contents(*crowd(range(-300, 200), place=long, partner=long)))
    future = render(contents(*crowd(range(1_000), place=long, partner=long)))
    for content in (with_past, future):
        assert 990_000 < len(content) < 1_000_000
    kept = days_of(with_past)
    assert kept == [*range(kept[0], 200)]
    assert -300 < kept[0] < 0
    kept = days_of(future)
    assert kept == [*range(len(kept))]


def hostile_names(count: int) -> list[str]:
    chance = random.Random(20250630)  # noqa: S311  names, not secrets
    return ["".join(chance.choices(PIECES, k=chance.randint(1, 8))) for _ in range(count)]


@pytest.mark.check(25)
@pytest.mark.check(1)
@pytest.mark.check(2)
@pytest.mark.check(4)
def test_no_name_of_500_hostile_ones_breaks_a_feed_or_says_something_else() -> None:
    """The strict reader fails on any property or component that a name could smuggle in."""
    for name in hostile_names(500):
        hostile = Wording(name, name)
        entry = replace(
            ONLINE, phase=hostile, partner=hostile, place=hostile, online=False, meeting_url=name
        )
        content = render(contents(entry, replace(entry, session_id="S9"), owner=hostile))
        feed = read_strictly(content)
        events = feed.named("VEVENT")
        assert len(events) == 2
        shown = one_line(name)
        assert feed["NAME"].text.startswith(f"専門家派遣({shown})")
        for event in events:
            assert f"第1回 {shown}({shown})" in event["SUMMARY"].text
            assert event["LOCATION"].text == shown
            assert f"Organization: {shown}".rstrip() in event["DESCRIPTION"].text
        read_back = Calendar.from_ical(content)
        assert [str(each["LOCATION"]) for each in read_back.walk("VEVENT")] == [shown, shown]


def test_ical_js_reads_500_hostile_names_in_one_feed() -> None:
    """Thunderbird's parser drops the whole feed for a single bad line."""
    entries = [
        replace(
            ONLINE,
            session_id=f"S{hour}",
            partner=Wording(name, name),
            start_at=TEN_O_CLOCK + dt.timedelta(hours=hour),
            end_at=TEN_O_CLOCK + dt.timedelta(hours=hour + 1),
        )
        for hour, name in enumerate(hostile_names(500))
    ]
    seen = read_with_ical_js(render(contents(*entries)))
    assert [
        (each.start_at, one_line(entry.partner.ja) in each.summary)
        for each, entry in zip(seen, entries, strict=True)
    ] == [(entry.start_at, True) for entry in entries]


@pytest.mark.check(4)
def test_python_without_asserts_renders_the_same_bytes() -> None:
    """The one guard of icalendar against line breaks in names is an assert."""
    program = (
        "import hashlib; from tests.matcher.calendars.test_rendering import *;"
        "print(hashlib.sha256(b''.join(map(render_hostile, hostile_names(50)))).hexdigest())"
    )
    optimized = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, check=True
    )
    here = hashlib.sha256(b"".join(map(render_hostile, hostile_names(50)))).hexdigest()
    assert optimized.stdout.strip() == here


def render_hostile(name: str) -> bytes:
    hostile = Wording(name, name)
    return render(contents(replace(ONLINE, partner=hostile, place=hostile), owner=hostile))
