"""Organizations are told when their sessions change: one notice that waits, as things stand."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.delivery.moving import SessionMove, move_session
from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict
from matcher.models import Notice, NoticeKind, NoticeState, Party
from matcher.notices.outbox import recompose, release
from tests.matcher.planning.plans import standing_sessions
from tests.matcher.planning.published import (
    A1_MOVES,
    FIRST,
    LATER,
    publish_first,
    publish_plan,
    wall,
)

AFTERWARDS = LATER + dt.timedelta(hours=1)


def schedules(db: Database, application_id: str = "A1") -> list[Notice]:
    wanted = select(Notice).where(
        Notice.application_id == application_id, Notice.kind == NoticeKind.SCHEDULE
    )
    return list(db.scalars(wanted.order_by(Notice.created_at)))


@pytest.fixture
def published(db: Database) -> Database:
    publish_first(db)
    return db


def test_a_release_drafts_a_notice_for_each_organization_whose_sessions_it_changes(
    published: Database,
) -> None:
    (notice,) = schedules(published)
    assert (notice.state, notice.created_by) == (NoticeState.DRAFT, "planner")
    assert notice.subject_ja == "専門家派遣の日程について(お知らせ)"
    assert "第1回 令和7年10月1日(水)10:00から12:00まで 専門家 一郎" in notice.text_ja
    assert "Session 2: Wednesday, October 22, 2025, 10:00 to 11:00" in notice.text_en
    assert len(schedules(published, "A2")) == 1
    assert schedules(published, "A3") == []


def test_one_that_waits_is_written_anew_and_the_others_stay(published: Database) -> None:
    other = schedules(published, "A2")[0].created_at
    publish_plan(published, {**FIRST, **A1_MOVES}, LATER)
    (notice,) = schedules(published)
    assert "令和7年10月29日(水)10:00" in notice.text_ja
    assert "10月22日" not in notice.text_ja
    assert notice.created_at == LATER
    assert schedules(published, "A2")[0].created_at == other


def test_after_one_has_gone_out_the_next_change_has_a_notice_of_its_own(
    published: Database,
) -> None:
    (first,) = schedules(published)
    release(published, first.id, "staff", LATER, by_mail=False)
    publish_plan(published, {**FIRST, **A1_MOVES}, LATER)
    states = [each.state for each in schedules(published)]
    assert states == [NoticeState.RELEASED, NoticeState.DRAFT]


def test_a_move_and_a_cancellation_by_hand_are_told_too(published: Database) -> None:
    session = standing_sessions(published)["A1", 2]
    move = SessionMove(start_at=wall("2025-10-29T10:00"))
    move_session(published, session.id, move, "staff", LATER)
    (notice,) = schedules(published)
    assert "10月29日" in notice.text_ja

    lapse = LapseDraft(party=Party.EXPERT, reason="急病")
    cancel_session(published, session.id, lapse, "staff", AFTERWARDS)
    (notice,) = schedules(published)
    assert "10月29日" not in notice.text_ja
    assert "第1回" in notice.text_ja


def test_a_notice_whose_sessions_have_changed_since_it_was_read_is_not_released(
    published: Database,
) -> None:
    (notice,) = schedules(published)
    standing_sessions(published)["A1", 2].place_ja = "東京都千代田区別館"
    published.flush()
    with pytest.raises(Conflict) as refused:
        release(published, notice.id, "staff", LATER, by_mail=False)
    assert refused.value.code == "notice_outdated"
    recompose(published, notice.id, "staff", LATER)
    release(published, notice.id, "staff", LATER, by_mail=False)
    assert "別館" in notice.text_ja
