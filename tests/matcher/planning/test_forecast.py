from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.models import Application, Expert, ExpertAbsence
from matcher.planning.forecast import (
    LENGTHS,
    Forecast,
    Interrupted,
    Room,
    SpecialtyForecast,
    first_session_from,
    forecast,
    last_day_sentence,
    typical_profile,
)
from matcher.planning.problem import Records
from matcher.programme import Specialty
from tests.matcher import rows

NOON = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
"""Noon in Tokyo on a Wednesday."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: only plain queries are sent from here."""
    return sqlite_url


def foreseen(db: Database) -> Forecast:
    records = Records.load(db, "tokyo-2025", NOON)
    return forecast(records, typical_profile(records, tuple(db.scalars(select(Application)))))


def labor(found: Forecast) -> SpecialtyForecast:
    return next(each for each in found.specialties if each.specialty == Specialty.LABOR)


def limit(db: Database, **caps: int) -> Expert:
    expert = db.get_one(Expert, "E1")
    for name, cap in caps.items():
        setattr(expert, name, cap)
    db.flush()
    return expert


def test_an_experts_limit_in_all_is_divided_into_engagements(db: Database) -> None:
    rows.add_engagements(db, "A1")
    limit(db, max_total=10)
    assert dict(labor(foreseen(db)).weeks[0].room) == {5: Room(2, 2), 4: Room(2, 2), 3: Room(3, 3)}


def test_published_sessions_take_their_part(db: Database) -> None:
    rows.add_engagements(db, "A1")
    limit(db, max_total=10)
    db.add(rows.session("S1"))
    db.flush()
    assert labor(foreseen(db)).weeks[0].room[5] == Room(1, 1)


def test_later_weeks_and_longer_engagements_never_have_more_room(db: Database) -> None:
    rows.add_engagements(db, "A1")
    weeks = labor(foreseen(db)).weeks
    least = [[each.room[length].at_least for length in LENGTHS] for each in weeks]
    assert all(five <= four <= three for five, four, three in least)
    assert least == sorted(least, reverse=True)
    assert all(
        each.room[length].at_least <= each.room[length].at_most
        for each in weeks
        for length in LENGTHS
    )


def test_the_last_day_is_the_last_on_which_one_still_fits(db: Database) -> None:
    """E1 is there on Wednesdays; as 11 February is a holiday, five must begin by 7 January."""
    rows.add_engagements(db, "A1")
    last = labor(foreseen(db)).last_days[5]
    assert last is not None
    rules, wednesday = Records.load(db, "tokyo-2025", NOON).rules, dt.date(2026, 1, 7)
    assert first_session_from(rules, last) <= wednesday
    assert first_session_from(rules, last + dt.timedelta(days=1)) > wednesday


def test_an_expert_who_is_away_has_no_room(db: Database) -> None:
    rows.add_engagements(db, "A1")
    away = ExpertAbsence(expert_id="E1", start_at=NOON, end_at=NOON + dt.timedelta(days=300))
    db.add(away)
    db.flush()
    found = labor(foreseen(db))
    assert found.last_days[3] is None
    assert all(each.room[3] == Room(0, 0) for each in found.weeks)


def test_a_raised_limit_is_worth_what_it_adds(db: Database) -> None:
    rows.add_engagements(db, "A1")
    limit(db, max_total=10)
    (found,) = labor(foreseen(db)).bottlenecks
    assert (found.expert_id, found.limit, found.gain) == ("E1", "max_total", 1)
    limit(db, max_total=15)
    assert labor(foreseen(db)).weeks[0].room[5] == Room(3, 3)


def test_experts_are_counted_once_in_all_specialties_together(db: Database) -> None:
    rows.add_engagements(db, "A1", experts=("E1", "E2"))
    found = foreseen(db)
    assert found.together == labor(found).weeks  # both serve in labor matters


def test_something_more_urgent_interrupts(db: Database) -> None:
    rows.add_engagements(db, "A1")
    records = Records.load(db, "tokyo-2025", NOON)
    with pytest.raises(Interrupted):
        forecast(records, typical_profile(records, ()), interrupted=lambda: True)


def test_the_last_day_is_told_in_both_languages(db: Database) -> None:
    rows.add_engagements(db, "A1")
    name = Records.load(db, "tokyo-2025", NOON).rules.specialties[0].name
    words = last_day_sentence(name, 5, dt.date(2025, 12, 15))
    assert words.en.startswith("After Mon 15 December no typical engagement of 5 sessions")
    assert words.ja.startswith("12月15日(月)より後に決定すると")
