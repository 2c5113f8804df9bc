from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session as Database

from matcher.clock import utc_now
from matcher.database import session_factory
from matcher.models import Plan, PlanState, PlanTerms, Programme
from matcher.planning.running.attempt import Attempt, Sessions
from matcher.planning.running.runs import RunParameters as Parameters
from matcher.planning.running.runs import start_run
from matcher.planning.running.turns import overlap, runs_ahead, waits_for
from matcher.programme import Specialty
from tests.matcher import rows

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return session_factory(engine)


@pytest.fixture
def programme_of_two(db: Database) -> Database:
    rows.add_engagements(db, "A1", "A2")
    db.commit()
    return db


def queued(db: Database, *only: str, after: int = 0) -> Plan:
    """A run that somebody asked for, some seconds after NOW."""
    terms = PlanTerms(only=only or None)
    run = start_run(db, "tokyo-2025", Parameters(terms=terms), "planner", NOW + after * SECOND)
    db.commit()
    return run


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (PlanTerms(), PlanTerms(), True),
        (PlanTerms(), PlanTerms(only=("A1",)), True),
        (PlanTerms(only=("A1", "A2")), PlanTerms(only=("A2",)), True),
        (PlanTerms(only=("A1",)), PlanTerms(only=("A2",)), False),
        (PlanTerms(specialties=(Specialty.HR,)), PlanTerms(specialties=(Specialty.SME,)), True),
    ],
)
def test_runs_overlap_unless_they_name_other_engagements(
    one: PlanTerms, other: PlanTerms, expected: bool
) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


def test_the_older_of_two_runs_goes_first(programme_of_two: Database) -> None:
    db = programme_of_two
    younger, older = queued(db, after=1), queued(db)
    assert waits_for(db, younger) == older.id
    assert waits_for(db, older) is None


def test_a_run_that_is_being_solved_goes_before_an_older_one(programme_of_two: Database) -> None:
    """Which may be so after the older one was handed back."""
    db = programme_of_two
    older, younger = queued(db), queued(db, after=1)
    younger.state = PlanState.SOLVING
    db.commit()
    assert waits_for(db, older) == younger.id


def test_runs_of_other_engagements_need_not_wait(programme_of_two: Database) -> None:
    db = programme_of_two
    one, other, both = queued(db, "A1"), queued(db, "A2", after=1), queued(db, after=2)
    assert waits_for(db, one) is waits_for(db, other) is None
    assert waits_for(db, both) == one.id


def test_a_run_knows_all_that_go_before_it_the_next_to_end_first(
    programme_of_two: Database,
) -> None:
    db = programme_of_two
    older, _, solving = queued(db), queued(db, "A2"), queued(db, "A1", after=1)
    last = queued(db, "A1", after=2)
    solving.state = PlanState.SOLVING
    db.commit()
    assert runs_ahead(db, last) == (solving.id, older.id)
    assert runs_ahead(db, solving) == ()


@pytest.mark.parametrize(
    "state", [PlanState.READY, PlanState.CANCELLED, PlanState.FAILED, PlanState.PUBLISHED]
)
def test_a_run_that_is_over_keeps_nobody_waiting(
    programme_of_two: Database, state: PlanState
) -> None:
    db = programme_of_two
    over, waiting = queued(db), queued(db, after=1)
    over.state = state
    db.commit()
    assert waits_for(db, waiting) is None
    assert waits_for(db, over) is None


def test_of_all_claims_at_once_one_of_a_scope_succeeds(
    programme_of_two: Database, sessions: Sessions
) -> None:
    db = programme_of_two
    runs = [queued(db, after=number).id for number in range(4)] + [queued(db, after=9).id]
    barrier = threading.Barrier(len(runs))
    claimed: list[str] = []

    def claim(plan_id: str) -> None:
        barrier.wait()
        if Attempt.claim(sessions, plan_id, clock=lambda: NOW, lease=60 * SECOND) is not None:
            claimed.append(plan_id)

    threads = [threading.Thread(target=claim, args=[each]) for each in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claimed == runs[:1]


def test_a_run_that_was_waited_for_has_ended_by_the_time_the_next_one_began(
    programme_of_two: Database, sessions: Sessions
) -> None:
    """Also where the claim was made while the end of the other was being written."""
    db = programme_of_two
    first, second = queued(db).id, queued(db, after=1).id
    assert Attempt.claim(sessions, first, clock=utc_now, lease=60 * SECOND)
    claims: list[Attempt | None] = []
    claim = threading.Thread(
        target=lambda: claims.append(
            Attempt.claim(sessions, second, clock=utc_now, lease=60 * SECOND)
        )
    )
    with sessions.begin() as ending:
        ending.get_one(Programme, "tokyo-2025", with_for_update=True)
        claim.start()
        time.sleep(0.3)
        ended = ending.get_one(Plan, first)
        ended.state, ended.finished_at = PlanState.READY, utc_now()
    claim.join()

    assert claims[0] is not None
    with sessions() as reading:
        started_at = reading.get_one(Plan, second).started_at
        finished_at = reading.get_one(Plan, first).finished_at
    assert started_at is not None
    assert finished_at is not None
    assert finished_at <= started_at
