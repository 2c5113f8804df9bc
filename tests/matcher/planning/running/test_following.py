from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from matcher.database import session_factory
from matcher.models import Plan, PlanState, ProgressRecord
from matcher.planning.running.attempt import Sessions
from matcher.planning.running.following import News, Seats, follow
from matcher.planning.running.runs import RunParameters, start_run
from tests.matcher import rows

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
FIRST = ProgressRecord("bound", 0.5, 900, 800, 0.125, 1)
SECOND = ProgressRecord("improve", 1.5, 850, 800, 0.0625, 1)


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    factory = session_factory(engine)
    with factory.begin() as db:
        rows.add_engagements(db, "A1")
    return factory


@pytest.fixture
def plan_id(sessions: Sessions) -> str:
    with sessions.begin() as db:
        return start_run(db, "tokyo-2025", RunParameters(), "planner", NOW).id


def life(sessions: Sessions, plan_id: str) -> Callable[[float], None]:
    """Each wait is a step in the life of the run."""
    steps: Iterator[dict[str, object]] = iter(
        [
            {"state": PlanState.SOLVING},
            {"progress": (FIRST,)},
            {},
            {"progress": (FIRST, SECOND), "state": PlanState.READY},
        ]
    )

    def wait(_: float) -> None:
        with sessions.begin() as db:
            for name, value in next(steps).items():
                setattr(db.get_one(Plan, plan_id), name, value)

    return wait


def test_a_follower_hears_each_state_and_each_record_once_and_then_the_end(
    sessions: Sessions, plan_id: str
) -> None:
    assert list(follow(sessions, plan_id, wait=life(sessions, plan_id))) == [
        News(0, PlanState.QUEUED, None),
        News(0, PlanState.SOLVING, None),
        News(1, PlanState.SOLVING, FIRST),
        None,
        News(2, PlanState.READY, SECOND),
        News(2, PlanState.READY, None),
    ]


def test_who_was_cut_off_hears_what_came_after(sessions: Sessions, plan_id: str) -> None:
    wait = life(sessions, plan_id)
    for _ in range(4):
        wait(0)
    assert list(follow(sessions, plan_id, known=1)) == [
        News(2, PlanState.READY, SECOND),
        News(2, PlanState.READY, None),
    ]


def test_a_follower_is_let_go_after_a_while(sessions: Sessions, plan_id: str) -> None:
    assert list(follow(sessions, plan_id, longest=0.0)) == []


def test_there_are_so_many_seats_and_one_that_is_left_is_free_again() -> None:
    seats = Seats(2)
    assert [seats.take() for _ in range(3)] == [True, True, False]
    seats.leave()
    assert seats.take()
