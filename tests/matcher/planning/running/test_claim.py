from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from matcher.database import session_factory
from matcher.planning.running.claim import LEASE, Claim

NOON = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
OVER = NOON + LEASE + dt.timedelta(seconds=1)


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return session_factory(engine)


def take(sessions: sessionmaker[Session], now: dt.datetime = NOON) -> Claim | None:
    return Claim.take(sessions, "looking ahead", lambda: now)


def test_work_that_somebody_is_at_is_not_to_be_had(sessions: sessionmaker[Session]) -> None:
    assert take(sessions) is not None
    assert take(sessions) is None
    assert Claim.take(sessions, "something else", lambda: NOON) is not None


def test_work_that_was_given_up_is_to_be_had(sessions: sessionmaker[Session]) -> None:
    mine = take(sessions)
    assert mine is not None
    mine.give_up()
    assert take(sessions) is not None
    assert not mine.renew()


def test_work_of_a_worker_that_fell_silent_is_taken_over(sessions: sessionmaker[Session]) -> None:
    silent = take(sessions)
    assert silent is not None
    assert take(sessions, NOON + LEASE) is None
    other = take(sessions, OVER)
    assert other is not None
    assert not silent.renew()
    silent.give_up()
    assert other.renew()


def test_a_claim_that_is_renewed_goes_on(sessions: sessionmaker[Session]) -> None:
    moment = [NOON]
    mine = Claim.take(sessions, "looking ahead", lambda: moment[0])
    assert mine is not None
    moment[0] = NOON + LEASE / 2
    assert mine.renew()
    assert take(sessions, OVER) is None


@pytest.mark.parametrize("left_behind", [False, True])
def test_of_many_at_once_one_gets_it(sessions: sessionmaker[Session], left_behind: bool) -> None:
    if left_behind:
        assert take(sessions, NOON - 2 * LEASE) is not None
    start, claims = threading.Barrier(6), list[Claim | None]()

    def claim() -> None:
        start.wait()
        claims.append(take(sessions))

    workers = [threading.Thread(target=claim) for _ in range(6)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert len(claims) == 6
    assert sum(each is not None for each in claims) == 1
