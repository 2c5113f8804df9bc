"""Calendars as files: everything of somebody or something, by the UIDs of the feeds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy.orm import Session as Database

from matcher.calendars.export import CalendarExport, ExportedCalendar, write_files
from matcher.calendars.identity import uid_of
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import FeedLanguage
from matcher.planning.publishing.releases import publish
from tests.clients.programs import read_with_ical_js
from tests.clients.strict import Component, read_strictly
from tests.matcher import rows
from tests.matcher.planning.plans import Wanted, ready_plan, standing_sessions

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
FIRST: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00")),
    "A2": ("E1", ("2025-10-01T14:00", "2025-10-22T14:00")),
}
SECOND: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00")),
    "A2": ("E2", ("2025-10-01T14:00", "2025-10-22T14:00")),
}


@pytest.fixture
def twice(db: Database) -> Database:
    """Two releases; the second moved a session, and gave an engagement to another expert."""
    rows.add_engagements(db, "A1", "A2", experts=("E1", "E2", "E3"))
    for wanted, now in ((FIRST, NOW), (SECOND, LATER)):
        publish(db, ready_plan(db, wanted, now).id, "", "planner", now)
    db.commit()
    return db


@pytest.fixture
def export(twice: Database) -> CalendarExport:
    return CalendarExport(twice, LATER)


def events(calendar: ExportedCalendar) -> list[Component]:
    return read_strictly(calendar.content).named("VEVENT")


def starts(calendar: ExportedCalendar) -> list[tuple[str, str]]:
    return [(each["DTSTART"].value[4:], each["STATUS"].value) for each in events(calendar)]


def names(calendars: tuple[ExportedCalendar, ...]) -> list[str]:
    return [each.name for each in calendars]


def test_an_expert_has_those_that_went_to_others_too(export: CalendarExport) -> None:
    calendar = export.expert("E1")
    assert calendar.name == "expert-E1.ics"
    assert starts(calendar) == [
        ("1001T100000", "CONFIRMED"),
        ("1001T140000", "CANCELLED"),
        ("1022T140000", "CANCELLED"),
        ("1029T100000", "CONFIRMED"),
    ]


def test_an_organization_has_all_of_its_engagements(export: CalendarExport) -> None:
    assert len(events(export.organization("O1"))) == 4


def test_an_engagement_is_told_as_the_office_sees_it(export: CalendarExport) -> None:
    calendar = export.engagement("A1")
    assert calendar.name == "engagement-A1.ics"
    first, second = events(calendar)
    assert "Imaginary Inns" in first["SUMMARY"].text
    assert "Taro Kaku" in first["SUMMARY"].text
    assert second["DTSTART"].value == "20251029T100000"


def test_a_programme_has_a_file_for_the_office_and_each_party_with_sessions(
    export: CalendarExport,
) -> None:
    calendars = export.programme("tokyo-2025")
    assert names(calendars) == [
        "office.ics",
        "expert-E1.ics",
        "expert-E2.ics",
        "organization-O1.ics",
    ]
    assert len(events(calendars[0])) == 4


def test_a_release_is_told_as_it_was_published(export: CalendarExport) -> None:
    calendars = {each.name: each for each in export.release("tokyo-2025", 1)}
    assert list(calendars) == ["office.ics", "expert-E1.ics", "organization-O1.ics"]
    assert starts(calendars["expert-E1.ics"]) == [
        ("1001T100000", "CONFIRMED"),
        ("1001T140000", "CONFIRMED"),
        ("1022T100000", "CONFIRMED"),
        ("1022T140000", "CONFIRMED"),
    ]


def test_what_is_another_by_now_takes_no_calendars_newer_event(export: CalendarExport) -> None:
    (_, _, organization) = export.release("tokyo-2025", 1)
    told = [each["SEQUENCE"].value for each in events(organization)]
    assert told == ["0"] * 4
    latest = {each["SEQUENCE"].value for each in events(export.organization("O1"))}
    assert latest == {"0", "1"}


def test_the_latest_release_is_what_stands(export: CalendarExport) -> None:
    calendars = {each.name: each for each in export.release("tokyo-2025", 2)}
    assert [each["SEQUENCE"].value for each in events(calendars["organization-O1.ics"])] == [
        each["SEQUENCE"].value for each in events(export.organization("O1"))
    ]


def test_its_events_are_those_of_the_feeds_and_ical_js_reads_them(
    export: CalendarExport, twice: Database
) -> None:
    uids = {each["UID"].value for each in events(export.programme("tokyo-2025")[0])}
    assert uids == {uid_of(each.id) for each in standing_sessions(twice).values()}
    seen = read_with_ical_js(export.engagement("A1").content)
    assert [each.start_at for each in seen] == [
        rows.MORNING,
        rows.MORNING + dt.timedelta(weeks=4),
    ]


def test_it_speaks_one_language_where_it_is_asked_to(twice: Database) -> None:
    (first, *_) = events(CalendarExport(twice, LATER, FeedLanguage.JAPANESE).engagement("A1"))
    assert "Imaginary" not in first["SUMMARY"].text


def test_what_is_not_there_is_not_exported(export: CalendarExport) -> None:
    for make in (
        lambda: export.expert("E9"),
        lambda: export.engagement("A9"),
        lambda: export.organization("O9"),
        lambda: export.release("tokyo-2025", 9),
        lambda: export.programme("tokyo-1999"),
    ):
        with pytest.raises(NotFound):
            make()


def test_who_has_no_session_has_no_file(export: CalendarExport) -> None:
    with pytest.raises(Conflict) as refusal:
        export.expert("E3")
    assert refusal.value.code == "no_sessions"


def test_a_calendar_is_not_capped_as_a_feed_is(twice: Database) -> None:
    for number in range(1100):
        start = rows.MORNING + dt.timedelta(days=60 + number)
        twice.add(rows.session(f"X{number}", start, expert_id="E3", status="cancelled"))
    twice.flush()
    assert len(events(CalendarExport(twice, LATER).expert("E3"))) == 1100


A, B = ExportedCalendar("a.ics", b"1"), ExportedCalendar("b.ics", b"2")


def held_by(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def test_files_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert write_files((A, B), folder) == (folder / "a.ics", folder / "b.ics")
    assert held_by(folder) == {"a.ics": b"1", "b.ics": b"2"}


def test_a_lone_file_goes_by_the_name_that_is_given(tmp_path: Path) -> None:
    assert write_files((A,), tmp_path / "mine.ics") == (tmp_path / "mine.ics",)
    assert held_by(tmp_path) == {"mine.ics": b"1"}


def test_several_files_are_not_one(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refusal:
        write_files((A, B), tmp_path / "all.ics")
    assert refusal.value.field == "out"


def test_nothing_is_written_where_one_file_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "b.ics").write_bytes(b"kept")
    with pytest.raises(Conflict, match="--force"):
        write_files((A, B), tmp_path)
    assert held_by(tmp_path) == {"b.ics": b"kept"}
    write_files((A, B), tmp_path, replace=True)
    assert held_by(tmp_path) == {"a.ics": b"1", "b.ics": b"2"}


def test_a_file_that_cannot_take_its_place_leaves_all_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "a.ics").write_bytes(b"kept")
    (tmp_path / "b.ics").mkdir()
    with pytest.raises(Conflict):
        write_files((A, B), tmp_path, replace=True)
    too_long = ExportedCalendar(f"{'c' * 300}.ics", b"3")
    with pytest.raises(OSError, match="too long"):
        write_files((A, too_long), tmp_path, replace=True)
    assert held_by(tmp_path) == {"a.ics": b"kept"}


def test_two_calendars_are_not_written_to_one_file(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="one by one"):
        write_files((A, A), tmp_path)
    assert held_by(tmp_path) == {}
