from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matcher.errors import Conflict
from matcher.idempotency import KEPT_FOR, Answer, KeyedRequest, recall, remember
from matcher.models import IdempotentRequest

NOW = dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC)
ASKED = KeyedRequest("one", "K1", "POST", "/v1/experts", b"{}")
ANSWER = Answer(201, {"Location": "/v1/experts/E1"}, b'{"id":"E1"}')


def test_an_answer_is_recalled_whole(db: Session) -> None:
    assert recall(db, ASKED, NOW) is None
    remember(db, ASKED, ANSWER, NOW)
    assert recall(db, ASKED, NOW) == ANSWER


def test_an_answer_is_forgotten_in_time_and_the_key_is_free(db: Session) -> None:
    remember(db, ASKED, ANSWER, NOW)
    assert recall(db, ASKED, NOW + KEPT_FOR) is None
    remember(db, ASKED, ANSWER, NOW + KEPT_FOR)


def test_no_old_answer_of_a_caller_stays_behind(db: Session) -> None:
    for key in ("two", "three"):
        remember(db, replace(ASKED, key=key), ANSWER, NOW)
    remember(db, ASKED, ANSWER, NOW + KEPT_FOR)
    assert db.scalars(select(IdempotentRequest.key)).all() == ["one"]


@pytest.mark.parametrize(
    "other",
    [
        KeyedRequest("one", "K1", "POST", "/v1/experts", b'{"a":1}'),
        KeyedRequest("one", "K1", "POST", "/v1/organizations", b"{}"),
    ],
)
def test_a_key_stands_for_one_request(db: Session, other: KeyedRequest) -> None:
    remember(db, ASKED, ANSWER, NOW)
    with pytest.raises(Conflict) as refused:
        recall(db, other, NOW)
    assert refused.value.code == "idempotency_key_reused"


def test_another_caller_may_use_the_same_key(db: Session) -> None:
    remember(db, ASKED, ANSWER, NOW)
    other = KeyedRequest("one", "K2", "POST", "/v1/experts", b"{}")
    assert recall(db, other, NOW) is None


def test_an_answer_with_a_secret_is_not_kept_but_its_key_is(db: Session) -> None:
    remember(db, ASKED, Answer(201, {}, None), NOW)
    with pytest.raises(Conflict):
        recall(db, ASKED, NOW)


def test_the_database_keeps_one_answer_for_a_key(db: Session) -> None:
    remember(db, ASKED, ANSWER, NOW)
    db.expunge_all()
    with pytest.raises(IntegrityError):
        remember(db, ASKED, ANSWER, NOW)
