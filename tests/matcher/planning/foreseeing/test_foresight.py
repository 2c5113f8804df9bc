from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from matcher.database import session_factory
from matcher.models import Engagement, Expert, Plan, Release, StoredForecast, StoredRehearsal
from matcher.planning.foreseeing.foresight import look_ahead
from matcher.planning.foreseeing.freshness import Outdated, Present
from matcher.planning.running.claim import Claim
from tests.matcher import rows

NOON = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER, TOMORROW = NOON + dt.timedelta(hours=1), NOON + dt.timedelta(days=1)


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    factory = session_factory(engine, clock=lambda: NOON)
    with factory.begin() as db:
        rows.add_engagements(db, "A1")
        db.add(rows.session("S1"))
        publish(db, 1, NOON)
    return factory


def look(sessions: sessionmaker[Session], now: dt.datetime) -> None:
    look_ahead(sessions, lambda: now, threading.Event())


def publish(db: Session, number: int, at: dt.datetime) -> None:
    """Make what there is a release."""
    db.add(
        Release(programme_id="tokyo-2025", number=number, published_at=at, published_by="planner")
    )


def computed(sessions: sessionmaker[Session]) -> tuple[list[dt.datetime], list[dt.datetime]]:
    with sessions() as db:
        return (
            list(db.scalars(select(StoredForecast.computed_at))),
            list(db.scalars(select(StoredRehearsal.computed_at))),
        )


def test_both_are_computed_once_for_a_release_and_a_day(sessions: sessionmaker[Session]) -> None:
    look(sessions, NOON)
    look(sessions, LATER)
    assert computed(sessions) == ([NOON], [NOON])
    look(sessions, TOMORROW)
    assert computed(sessions) == ([TOMORROW], [TOMORROW])
    with sessions.begin() as db:
        publish(db, 2, TOMORROW)
    look(sessions, TOMORROW + dt.timedelta(hours=1))
    assert computed(sessions)[0] == [TOMORROW + dt.timedelta(hours=1)]


def test_a_run_that_waits_goes_first(sessions: sessionmaker[Session]) -> None:
    run = {"time_limit_seconds": 1, "workers": 1, "seed": 0, "created_by": "planner"}
    with sessions.begin() as db:
        db.add(Plan(id="P1", programme_id="tokyo-2025", created_at=NOON, problem=b"-", **run))
    look(sessions, NOON)
    assert computed(sessions) == ([], [])


def test_the_figures_of_a_rehearsal_are_kept(sessions: sessionmaker[Session]) -> None:
    look(sessions, NOON)
    with sessions() as db:
        kept = db.scalars(select(StoredRehearsal)).one()
        assert (kept.expert_id, kept.lost, kept.sessions_lost) == ("E1", ("A1",), 1)


def test_what_is_undetermined_is_kept_as_such_and_hinders_no_other(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as db:
        db.add_all([rows.expert("E2"), rows.application("A2"), rows.application("A3")])
        db.flush()
        db.add_all([rows.engagement("A2"), rows.engagement("A3")])
        db.flush()
        db.get_one(Engagement, "A3").municipality_code = "13209"
        noon = rows.MORNING + dt.timedelta(hours=2)
        db.add_all(
            [
                rows.session("S2", engagement_id="A2", expert_id="E2"),
                rows.session("S3", noon, engagement_id="A3", expert_id="E2"),
            ]
        )
    look(sessions, NOON)
    with sessions() as db:
        of_e1, of_e2 = db.scalars(select(StoredRehearsal).order_by(StoredRehearsal.expert_id))
        assert (of_e1.undetermined, of_e1.lost) == (True, None)
        assert [each.en.split(" cannot")[0] for each in of_e1.reasons] == ["Expert E2"]
        assert of_e2.undetermined is False
        labor = db.get_one(StoredForecast, "tokyo-2025").content["specialties"][0]
        (uncounted,) = labor["uncounted"]
        assert uncounted["expert_id"] == "E2"
        assert uncounted["reasons"][0].keys() == {"ja", "en"}


def test_who_has_no_session_to_come_any_more_is_taken_off(sessions: sessionmaker[Session]) -> None:
    look(sessions, NOON)
    look(sessions, rows.MORNING + dt.timedelta(days=1))
    assert computed(sessions)[1] == []


def test_both_are_computed_anew_when_records_have_changed_but_not_at_every_change(
    engine: Engine, sessions: sessionmaker[Session]
) -> None:
    look(sessions, NOON)
    changed_at = NOON + dt.timedelta(minutes=4)
    with session_factory(engine, clock=lambda: changed_at).begin() as db:
        db.get_one(Expert, "E1").max_per_week += 1
    with sessions() as db:
        kept = db.scalars(select(StoredForecast)).one()
        assert Present.of(db, "tokyo-2025", changed_at).outdates(kept) is Outdated.RECORDS

    look(sessions, NOON + dt.timedelta(minutes=5))
    assert computed(sessions) == ([NOON], [NOON])
    soon = NOON + dt.timedelta(minutes=10)
    look(sessions, soon)
    assert computed(sessions) == ([soon], [soon])
    look(sessions, NOON + dt.timedelta(minutes=30))
    assert computed(sessions) == ([soon], [soon])


def test_what_another_worker_is_at_is_left_to_it(sessions: sessionmaker[Session]) -> None:
    claim = Claim.take(sessions, "foresight of tokyo-2025", lambda: NOON)
    assert claim is not None
    look(sessions, NOON)
    assert computed(sessions) == ([], [])
    claim.give_up()
    look(sessions, NOON)
    assert computed(sessions) == ([NOON], [NOON])


def test_a_worker_that_is_to_end_computes_nothing_more(sessions: sessionmaker[Session]) -> None:
    stopping = threading.Event()
    stopping.set()
    look_ahead(sessions, lambda: NOON, stopping)
    assert computed(sessions) == ([], [])
