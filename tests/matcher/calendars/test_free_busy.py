"""When an expert is not free, and never why; read back as a calendar program does."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from icalendar import Calendar, FreeBusy
from sqlalchemy.orm import Session as Database

from matcher.calendars.free_busy import (
    FreeBusyTimes,
    read_free_busy,
    render_free_busy,
    window_of,
)
from matcher.clock import from_wall_time, start_of
from matcher.errors import Invalid
from matcher.intervals import Interval, within
from matcher.models import Expert, ExpertAbsence, HeldSession, Hold, PlanTerms, WeeklyHours
from matcher.planning.stating.problem import build_problem
from solver.grid import compile_grid
from solver.problem import Problem
from tests.clients.programs import read_free_busy_with_ical_js
from tests.matcher import rows


def wall(text: str) -> dt.datetime:
    return from_wall_time(dt.datetime.fromisoformat(text))


NOW = wall("2025-09-24T09:00")
WEEK = Interval(wall("2025-10-01T00:00"), wall("2025-10-08T00:00"))


def interval(start: str, end: str) -> Interval:
    return Interval(wall(f"2025-10-{start}"), wall(f"2025-10-{end}"))


@pytest.fixture
def expert(db: Database) -> Expert:
    """There on Wednesdays from 9:30 to 17; on 1 October a session, an absence and times on hold."""
    rows.add_engagements(db, "A1", "A2")
    db.add(rows.session("S1"))
    db.add(rows.session("S2", rows.MORNING + dt.timedelta(hours=5), status="cancelled", number=2))
    db.add(
        ExpertAbsence(
            expert_id="E1", start_at=wall("2025-10-01T11:00"), end_at=wall("2025-10-01T13:00")
        )
    )
    held = wall("2025-10-01T14:00"), wall("2025-10-01T15:00")
    for ends, id in ((NOW + dt.timedelta(days=2), "H1"), (NOW, "H2")):
        shift = dt.timedelta(hours=0 if id == "H1" else 1)
        db.add(
            Hold(
                id=id,
                programme_id="tokyo-2025",
                engagement_id="A2",
                expert_id="E1",
                sessions=(HeldSession(1, held[0] + shift, held[1] + shift),),
                held_until=ends,
                created_at=NOW,
                created_by="staff",
            )
        )
    db.flush()
    return db.get_one(Expert, "E1")


def test_each_moment_stands_under_one_heading(db: Database, expert: Expert) -> None:
    times = read_free_busy(db, expert, WEEK, NOW)
    assert times.busy == (interval("01T10:00", "01T13:00"),)
    assert times.tentative == (interval("01T14:00", "01T15:00"),)
    assert times.unavailable == (
        interval("01T00:00", "01T09:30"),
        interval("01T17:00", "08T00:00"),
    )


def test_a_window_cuts_what_reaches_beyond_it(db: Database, expert: Expert) -> None:
    times = read_free_busy(db, expert, interval("01T12:00", "01T14:30"), NOW)
    assert times.busy == (interval("01T12:00", "01T13:00"),)
    assert times.tentative == (interval("01T14:00", "01T14:30"),)
    assert times.unavailable == ()


def test_what_is_free_is_what_a_plan_takes_for_free(db: Database, expert: Expert) -> None:
    expert.weekly_hours = tuple(
        WeeklyHours(weekday=day, opens=dt.time(opens), closes=dt.time(closes))
        for day in ("mon", "wed", "fri")
        for opens, closes in ((9, 12), (12, 15), (16, 20))
    )
    one, moment = wall("2025-10-01T13:00"), dt.timedelta(seconds=0.5)
    db.add(ExpertAbsence(expert_id="E1", start_at=one, end_at=one + moment))
    chance = random.Random(1)  # noqa: S311  no secret
    for _ in range(40):
        start = WEEK.start + chance.random() * dt.timedelta(weeks=4)
        end = start + chance.random() * dt.timedelta(hours=3)
        db.add(ExpertAbsence(expert_id="E1", start_at=start, end_at=end))
    db.add(rows.application("A3"))
    db.flush()
    db.add(rows.engagement("A3"))
    db.flush()
    db.expire_all()
    terms = PlanTerms(only=("A3",), frozen_days=0)
    problem = build_problem(db, "tokyo-2025", terms=terms, now=NOW).problem

    window = Interval(WEEK.start, WEEK.start + dt.timedelta(weeks=4))
    told = read_back(render_free_busy(read_free_busy(db, expert, window, NOW), NOW))
    taken = [each for intervals in told.values() for each in intervals]
    checked = free = 0
    for start, is_free in starts_of(problem, "E1", minutes=60):
        session = Interval(start, start + dt.timedelta(minutes=60))
        if list(within([session], window)) == [session]:
            assert is_free == (not list(within(taken, session))), start
            checked, free = checked + 1, free + is_free
    assert checked > 500
    assert free > 50


def starts_of(problem: Problem, expert_id: str, minutes: int) -> list[tuple[dt.datetime, bool]]:
    """Each start on days that are open, and whether the expert could begin a session there."""
    grid = compile_grid(problem)
    expert = [each.id for each in problem.experts].index(expert_id)
    lengths = sorted({own for each in problem.engagements for own in each.durations})
    masks = grid.expert_starts[expert, lengths.index(minutes)]
    visits = [
        (pin.start, pin.start + dt.timedelta(minutes=each.durations[pin.session - 1]))
        for each in problem.engagements
        for pin in each.pinned
    ]
    found = []
    for number in range(grid.days):
        day = problem.calendar.first_day + dt.timedelta(days=number)
        if day in problem.calendar.closed_days:
            continue
        for index, minute in enumerate(grid.start_minutes.tolist()):
            bit = int(masks[number, index // 64]) >> (index % 64) & 1
            at = dt.timedelta(minutes=minute)
            begins = dt.datetime.combine(day, dt.time()) + at
            ends = begins + dt.timedelta(minutes=minutes)
            is_taken = any(start < ends and begins < end for start, end in visits)
            found.append((start_of(day) + at, bool(bit) and not is_taken))
    return found


def read_back(content: bytes) -> dict[str, list[Interval]]:
    """What a calendar program makes of it, by type."""
    calendar = Calendar.from_ical(content)
    assert isinstance(calendar, Calendar)
    assert calendar["METHOD"] == "PUBLISH"
    (found,) = calendar.walk("VFREEBUSY")
    assert isinstance(found, FreeBusy)
    assert not {"SUMMARY", "DESCRIPTION", "ATTENDEE", "LOCATION"} & set(found)
    told: dict[str, list[Interval]] = {}
    lines = found["FREEBUSY"]
    for each in lines if isinstance(lines, list) else [lines]:
        for period in getattr(each, "dts", [each]):
            value = getattr(period, "dt", period)
            told.setdefault(each.params["FBTYPE"], []).append(Interval(*value))
    return told


def test_it_is_read_back_as_it_was_written(db: Database, expert: Expert) -> None:
    times = read_free_busy(db, expert, WEEK, NOW)
    content = render_free_busy(times, NOW)
    assert content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert read_back(content) == {name: list(own) for name, own in times.by_type.items()}


def test_ical_js_reads_the_same_periods(db: Database, expert: Expert) -> None:
    times = read_free_busy(db, expert, WEEK, NOW)
    assert read_free_busy_with_ical_js(render_free_busy(times, NOW)) == [
        (*each, kind) for kind, own in times.by_type.items() for each in own
    ]


def test_who_is_always_free_is_told_as_that() -> None:
    times = FreeBusyTimes("E1", WEEK, (), (), ())
    assert b"FREEBUSY;" not in render_free_busy(times, NOW)


def test_by_default_it_is_told_to_the_end_of_the_last_programme(
    db: Database, expert: Expert
) -> None:
    assert window_of(db, None, None, NOW) == Interval(NOW, wall("2026-03-14T00:00"))


def test_where_no_programme_is_left_a_day_is_told(db: Database) -> None:
    assert window_of(db, None, None, NOW) == Interval(NOW, NOW + dt.timedelta(days=1))


@pytest.mark.parametrize("end", [NOW, NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=401)])
def test_a_window_that_is_none_is_refused_by_its_field(db: Database, end: dt.datetime) -> None:
    with pytest.raises(Invalid) as refusal:
        window_of(db, NOW, end, NOW)
    assert refusal.value.field == "until"
