"""Calendars that others keep: given, read, failing, removed; and what they mean for the plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from matcher.busy.sources import (
    SourceDraft,
    SourceState,
    UploadDraft,
    add_source,
    conflicts,
    is_stale,
    keep_upload,
    read_due,
    read_upload,
    remove_source,
    state_of,
)
from matcher.database import session_factory
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import (
    AuditEntry,
    BusyCalendar,
    BusyTime,
    Engagement,
    Expert,
    FeedOwner,
    Session,
)
from matcher.planning.running.attempt import Sessions
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import Records
from matcher.planning.stating.replanning import sessions_to_replan
from tests.matcher import rows
from tests.matcher.busy.web import Web, giving, web

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def calendar(*times: dt.datetime, title: str = "歯科") -> bytes:
    """Events of an hour."""
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTAMP:20250901T000000Z\r\nSUMMARY:{title}\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDURATION:PT1H\r\nEND:VEVENT\r\n"
        for number, start in enumerate(times)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n".encode()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """One engagement with a published session of one expert."""
    factory = session_factory(engine)
    with factory.begin() as db:
        rows.add_engagements(db, "A1")
        db.add(rows.session("S1"))
    return factory


@pytest.fixture
def served() -> Iterator[Web]:
    with web(giving(calendar(rows.MORNING), ETag='"1"')) as server:
        yield server


def given(sessions: Sessions, served: Web, kind: str = "expert", owner: str = "E1") -> str:
    draft = SourceDraft.model_validate({"owner_kind": kind, "owner_id": owner, "url": served.url()})
    with sessions.begin() as db:
        return add_source(db, draft, (served.host,), "一郎", NOW).id


def read(sessions: Sessions, served: Web, now: dt.datetime = NOW) -> int:
    return read_due(sessions, lambda: now, (served.host,))


def times(sessions: Sessions) -> list[dt.datetime]:
    with sessions() as db:
        return list(db.scalars(select(BusyTime.start_at).order_by(BusyTime.start_at)))


def state(
    sessions: Sessions, source_id: str, now: dt.datetime = NOW
) -> tuple[SourceState, str | None]:
    with sessions() as db:
        source = db.get_one(BusyCalendar, source_id)
        return state_of(source, now), source.problem


def test_a_calendar_is_read_and_only_its_busy_times_are_kept(
    sessions: Sessions, served: Web
) -> None:
    source = given(sessions, served)
    assert state(sessions, source) == (SourceState.WAITING, None)
    assert read(sessions, served) == 1
    assert times(sessions) == [rows.MORNING]
    assert state(sessions, source) == (SourceState.CURRENT, None)
    with sessions() as db:
        kept = [db.execute(kind.__table__.select()).all() for kind in (BusyCalendar, BusyTime)]
        assert "歯科" not in str(kept)
        told = [str((each.before, each.after)) for each in db.scalars(select(AuditEntry))]
    assert not any(served.url() in each or "歯科" in each for each in told)


def test_nobody_is_planned_over_a_busy_time(sessions: Sessions, served: Web) -> None:
    given(sessions, served)
    given(sessions, served, "organization", "O1")
    read(sessions, served)
    with sessions() as db:
        records = Records.load(db, "tokyo-2025", NOW)
        problem = problem_of(records, tuple(records.engagements.values()))
    wall = rows.MORNING.astimezone(dt.timezone(9 * HOUR)).replace(tzinfo=None)
    assert [each.start for each in problem.experts[0].busy] == [wall]
    assert [each.start for each in problem.engagements[0].busy] == [wall]


def test_a_busy_time_over_a_published_session_is_a_conflict_and_moves_nothing(
    sessions: Sessions, served: Web
) -> None:
    source = given(sessions, served)
    with sessions() as db:
        assert list(conflicts(db, NOW)) == []
        before = db.get_one(Session, "S1").start_at
    read(sessions, served)
    with sessions() as db:
        (found,) = conflicts(db, NOW)
        assert (found.session_id, found.engagement_id, found.calendar_id) == ("S1", "A1", source)
        assert db.get_one(Session, "S1").start_at == before
        (session,) = sessions_to_replan(db, db.get_one(Expert, "E1"), NOW)
        assert session.reason.en == "It overlaps a busy time of the expert's own calendar."
        assert list(conflicts(db, rows.MORNING + HOUR)) == []


def test_a_busy_time_of_an_organization_is_a_conflict_too(sessions: Sessions, served: Web) -> None:
    given(sessions, served, "organization", "O1")
    read(sessions, served)
    with sessions() as db:
        (found,) = conflicts(db, NOW)
        assert found.owner_id == db.get_one(Engagement, "A1").organization_id


@pytest.mark.check(29)
def test_a_source_that_fails_keeps_its_last_good_times_and_is_stale(
    sessions: Sessions, served: Web
) -> None:
    source = given(sessions, served)
    read(sessions, served)
    served.answer = giving(b"<html>sign in</html>")
    assert read(sessions, served, NOW + HOUR) == 1
    assert times(sessions) == [rows.MORNING]
    assert state(sessions, source, NOW + HOUR) == (SourceState.STALE, "not_a_calendar")

    assert read(sessions, served, NOW + 2 * HOUR) == 0, "it is asked ever less often"
    served.answer = giving(calendar())
    assert read(sessions, served, NOW + 3 * HOUR) == 1
    assert times(sessions) == []
    assert state(sessions, source, NOW + 3 * HOUR) == (SourceState.CURRENT, None)


def test_a_calendar_that_is_gone_for_good_keeps_nobody_elses_from_being_read(
    sessions: Sessions, served: Web
) -> None:
    gone = given(sessions, served)
    with sessions.begin() as db:
        source = db.get_one(BusyCalendar, gone)
        source.failures, source.tried_at, source.problem = 5_000, NOW, "status"
    given(sessions, served)
    assert read(sessions, served, NOW + HOUR) == 1
    assert read(sessions, served, NOW + 13 * HOUR) == 2


@pytest.mark.check(29)
def test_an_unchanged_calendar_is_not_fetched_again_before_its_window_moves(
    sessions: Sessions, served: Web
) -> None:
    given(sessions, served)
    read(sessions, served)
    served.answer = giving(b"", 304)
    read(sessions, served, NOW + HOUR)
    assert served.asked[-1]["If-None-Match"] == '"1"'
    assert times(sessions) == [rows.MORNING]

    served.answer = giving(calendar(rows.MORNING + HOUR), ETag='"1"')
    read(sessions, served, NOW + dt.timedelta(days=1))
    assert "If-None-Match" not in served.asked[-1]
    assert times(sessions) == [rows.MORNING + HOUR]


def test_a_calendar_changes_when_it_tells_of_other_times_to_come(
    sessions: Sessions, served: Web
) -> None:
    """When a day has gone by, what was busy on it is no longer told of: nothing has changed."""
    source = given(sessions, served)

    def changes(now: dt.datetime, *times: dt.datetime) -> int:
        served.answer = giving(calendar(*times))
        read(sessions, served, now)
        with sessions() as db:
            return db.get_one(BusyCalendar, source).changes

    assert changes(NOW, NOW, rows.MORNING) == 1
    assert changes(NOW + HOUR, NOW, rows.MORNING) == 1
    tomorrow = NOW + dt.timedelta(days=1)
    assert changes(tomorrow, NOW, rows.MORNING) == 1
    assert changes(tomorrow + HOUR, rows.MORNING + HOUR) == 2
    assert changes(tomorrow + 2 * HOUR) == 3


def test_a_file_is_read_at_once(sessions: Sessions) -> None:
    content = calendar(rows.MORNING).decode()
    draft = UploadDraft(owner_kind=FeedOwner.EXPERT, owner_id="E1", content=content)
    with sessions.begin() as db:
        source = keep_upload(db, draft, read_upload(draft, NOW), "staff", NOW)
        assert state_of(source, NOW + dt.timedelta(days=30)) is SourceState.CURRENT
    assert times(sessions) == [rows.MORNING]


def test_a_file_that_is_none_is_refused() -> None:
    draft = UploadDraft(owner_kind=FeedOwner.EXPERT, owner_id="E1", content="hello")
    with pytest.raises(Invalid, match="no iCalendar") as refused:
        read_upload(draft, NOW)
    assert refused.value.field == "content"


def test_an_address_inside_a_network_is_refused_by_its_field(sessions: Sessions) -> None:
    draft = SourceDraft(owner_kind=FeedOwner.EXPERT, owner_id="E1", url="ftp://10.0.0.1/c.ics")
    with sessions.begin() as db, pytest.raises(Invalid) as refused:
        add_source(db, draft, (), "一郎", NOW)
    assert refused.value.field == "url"


def test_a_calendar_of_nobody_and_a_sixth_one_are_refused(sessions: Sessions, served: Web) -> None:
    with pytest.raises(NotFound):
        given(sessions, served, owner="E9")
    for _ in range(5):
        given(sessions, served)
    with pytest.raises(Conflict, match="5 calendars"):
        given(sessions, served)


def test_a_calendar_that_is_removed_takes_its_times_along(sessions: Sessions, served: Web) -> None:
    source = given(sessions, served)
    read(sessions, served)
    with sessions.begin() as db:
        remove_source(db, db.get_one(BusyCalendar, source))
    assert times(sessions) == []


def test_the_stale_ones_are_those_whose_state_is_stale(sessions: Sessions, served: Web) -> None:
    waiting, current, failing = (given(sessions, served) for _ in range(3))
    with sessions.begin() as db:
        db.get_one(BusyCalendar, current).read_at = NOW
        failed = db.get_one(BusyCalendar, failing)
        failed.read_at, failed.problem = NOW, "status"

    def stale(now: dt.datetime) -> set[str]:
        with sessions() as db:
            found = set(db.scalars(select(BusyCalendar.id).where(is_stale(now))))
            rest = set(db.scalars(select(BusyCalendar.id).where(~is_stale(now))))
            calendars = db.scalars(select(BusyCalendar))
            assert found == {e.id for e in calendars if state_of(e, now) is SourceState.STALE}
        assert found | rest == {waiting, current, failing}
        return found

    assert stale(NOW + HOUR) == {failing}
    assert stale(NOW + 7 * HOUR) == {failing, current}


def test_two_workers_read_a_calendar_once(sessions: Sessions, served: Web) -> None:
    given(sessions, served)
    assert read(sessions, served) + read(sessions, served) == 1
    assert len(served.asked) == 1
