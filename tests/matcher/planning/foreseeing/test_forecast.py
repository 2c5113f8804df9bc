from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.models import Application, Engagement, Expert, ExpertAbsence
from matcher.planning.foreseeing.diary import Room
from matcher.planning.foreseeing.forecast import (
    LENGTHS,
    Bottleneck,
    Forecast,
    Interrupted,
    SpecialtyForecast,
    forecast,
)
from matcher.planning.foreseeing.forecast_words import bottleneck_sentence, last_day_sentence
from matcher.planning.foreseeing.profile import typical_profile
from matcher.planning.stating.records import Records
from matcher.programme import Specialty, Words
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
    assert rules.first_session_day(last) <= wednesday
    assert rules.first_session_day(last + dt.timedelta(days=1)) > wednesday


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


def away_for_six_weeks(db: Database) -> None:
    """Nothing complete fits across, which the bound does not see."""
    start = NOON + dt.timedelta(weeks=8)
    end = start + dt.timedelta(weeks=6)
    db.add(ExpertAbsence(expert_id="E1", start_at=start, end_at=end))
    db.flush()


def test_a_raised_limit_is_worth_no_more_than_is_proven(db: Database) -> None:
    """Three might fit without, though two were placed; with two a week four were."""
    rows.add_engagements(db, "A1")
    away_for_six_weeks(db)
    limit(db, max_per_week=1)
    found = labor(foreseen(db))
    assert found.weeks[0].room[5] == Room(2, 3)
    (gain,) = found.bottlenecks
    assert (gain.limit, gain.gain, gain.placed) == ("max_per_week", 1, 2)
    limit(db, max_per_week=2)
    assert labor(foreseen(db)).weeks[0].room[5].at_least == 3 + gain.gain


def clash(db: Database) -> None:
    """E2 goes from Chiyoda to Machida in no time."""
    rows.add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2"))
    db.get_one(Engagement, "A3").municipality_code = "13209"
    noon = rows.MORNING + dt.timedelta(hours=2)
    db.add_all(
        [
            rows.session("S2", engagement_id="A2", expert_id="E2"),
            rows.session("S3", noon, engagement_id="A3", expert_id="E2"),
        ]
    )
    db.flush()


def test_of_an_expert_whose_sessions_clash_nothing_is_promised_and_nothing_ruled_out(
    db: Database,
) -> None:
    clash(db)
    limit(db, max_total=10)
    found = labor(foreseen(db))
    (uncounted,) = found.uncounted
    assert (found.experts, uncounted.expert_id) == (2, "E2")
    assert [each.en[:25] for each in uncounted.reasons] == ["Expert E2 cannot hold both"[:25]]
    assert found.weeks[0].room[5] == Room(2, 2 + 5)  # of E1; E2 has 28 sessions left
    assert {each.expert_id for each in found.bottlenecks} == {"E1"}


def test_an_expert_who_could_not_be_tried_is_told_as_such(db: Database) -> None:
    clash(db)
    name = Records.load(db, "tokyo-2025", NOON).rules.specialties[0].name
    found = labor(foreseen(db))
    until = last_day_sentence(name, 5, dt.date(2025, 12, 15), found.uncounted)
    assert until.en.startswith("Until Mon 15 Dec a typical engagement of 5 sessions")
    assert until.en.endswith("later is not known, as E2 could not be tried.")
    assert "E2を計算に含めていないため、それより後については分かりません" in until.ja
    never = last_day_sentence(name, 5, None, found.uncounted)
    assert never.en.startswith("Nobody was found")
    assert "E2 could not be tried" in never.en
    assert "見つかっていません。ただし、E2は" in never.ja


@pytest.mark.parametrize(
    ("gain", "placed", "en", "ja"),
    [
        (
            2,
            3,
            "With 1 more a week of E1 Taro, at least 2 more engagements of 5 sessions can be "
            "accepted.",
            "E1 太郎の1週間の上限を1回増やすと、5回の派遣を少なくともあと2件受け入れられます。",
        ),
        (
            0,
            1,
            "With 1 more a week of E1 Taro, 1 more engagement of 5 sessions found a place; "
            "whether there is none without is not proven.",
            "E1 太郎の1週間の上限を1回増やすと、5回の派遣をあと1件組み込めました。"
            "ただし、増やさなくても組み込める可能性があります。",
        ),
    ],
)
def test_what_a_limit_is_worth_is_told_as_far_as_it_is_proven(
    gain: int, placed: int, en: str, ja: str
) -> None:
    found = Bottleneck("E1", "max_per_week", 1, gain, placed)
    assert bottleneck_sentence(found, Words(ja="E1 太郎", en="E1 Taro")) == Words(ja=ja, en=en)


def test_the_last_day_is_told_in_both_languages(db: Database) -> None:
    rows.add_engagements(db, "A1")
    name = Records.load(db, "tokyo-2025", NOON).rules.specialties[0].name
    words = last_day_sentence(name, 5, dt.date(2025, 12, 15))
    assert words.en.startswith("After Mon 15 Dec no typical engagement of 5 sessions")
    assert words.ja.startswith("12月15日(月)より後に決定すると")
