from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time
from matcher.database import session_factory
from matcher.delivery.moving import SessionMove, move_session
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import (
    ApplicationAbsence,
    ConflictOfInterest,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Programme,
    Release,
    Session,
    SessionStatus,
)
from tests.matcher import rows

NOW = rows.MORNING - dt.timedelta(days=7)
HOUR = dt.timedelta(hours=1)


def at(wall_clock: str) -> dt.datetime:
    """A time on Tokyo's walls, in the programme's first year."""
    return from_wall_time(dt.datetime.fromisoformat(wall_clock))


def move(db: Database, id: str, wall_clock: str, now: dt.datetime = NOW) -> Session:
    session = move_session(db, id, SessionMove(start_at=at(wall_clock)), "staff", now)
    db.commit()
    return session


def refusal(db: Database, id: str, wall_clock: str) -> Conflict:
    with pytest.raises(Conflict) as refused:
        move(db, id, wall_clock)
    db.rollback()
    return refused.value


def test_a_session_moves_to_a_free_time_and_calendars_see_it_change(planned: Database) -> None:
    session = move(planned, "S2", "2025-10-15T14:00")
    planned.expire_all()

    assert (session.start_at, session.end_at) == (at("2025-10-15T14:00"), at("2025-10-15T15:00"))
    assert (session.number, session.status) == (2, SessionStatus.CONFIRMED)
    assert (session.sequence, session.revised_at) == (1, NOW)


def test_nothing_else_changes(planned: Database) -> None:
    move(planned, "S2", "2025-10-15T14:00")
    planned.expire_all()
    others = [planned.get_one(Session, id) for id in ("S1", "S3")]

    assert {(each.version, each.sequence) for each in others} == {(1, 0)}


def test_a_move_is_a_release_that_says_what_was_moved(planned: Database) -> None:
    move(planned, "S2", "2025-10-15T14:00")
    release = planned.scalars(select(Release)).one()

    assert (release.number, release.plan_id, release.published_by) == (1, None, "staff")
    assert release.note == (
        "A1: session 2 moved from 2025-10-22 10:00 to 2025-10-15 14:00, everything else as it was"
    )


def test_a_session_stays_where_it_is_without_a_release(planned: Database) -> None:
    session = move(planned, "S2", "2025-10-22T10:00")

    assert session.sequence == 0
    assert planned.scalars(select(Release)).all() == []


def absent(db: Database, wall_clock: str, kind: str) -> None:
    start = at(wall_clock)
    if kind == "expert":
        db.add(ExpertAbsence(expert_id="E1", start_at=start, end_at=start + 3 * HOUR))
    else:
        db.add(ApplicationAbsence(application_id="A1", start_at=start, end_at=start + 3 * HOUR))
    db.commit()


@pytest.mark.parametrize(
    ("wall_clock", "rules", "english", "japanese"),
    [
        (
            "2025-10-16T10:00",
            ("expert_hours", "organization_hours"),
            "the expert's weekly hours, the organization's weekly hours",
            "専門家の対応可能時間、団体の受入可能時間",
        ),
        (
            "2025-10-15T14:10",
            ("slot_grid",),
            "a start on the grid of 30 minutes",
            "開始時刻を30分刻みとすること",
        ),
        (
            "2025-10-08T14:00",
            ("gap_days",),
            "14 to 35 days between sessions",
            "派遣の間隔を14日以上35日以内とすること",
        ),
        (
            "2026-03-18T10:00",
            ("gap_days", "period", "window"),
            "14 to 35 days between sessions, the period Thu 25 Sep to Fri 13 Mar",
            "派遣の間隔を14日以上35日以内とすること、実施できる期間(9月25日(木)から3月13日(金)まで)",
        ),
    ],
)
def test_a_time_that_a_rule_forbids_is_refused_with_the_rule(
    planned: Database, wall_clock: str, rules: tuple[str, ...], english: str, japanese: str
) -> None:
    error = refusal(planned, "S2", wall_clock)

    assert error.code == "rule_broken"
    assert error.data["rules"] == rules
    assert error.message_en.endswith(f"In the way: {english}.")
    assert error.message_ja.endswith(f"支障となる条件: {japanese}。")
    session = planned.get_one(Session, "S2")
    assert (session.sequence, session.start_at) == (0, at("2025-10-22T10:00"))


@pytest.mark.parametrize(
    ("kind", "rule"), [("expert", "expert_busy"), ("organization", "organization_busy")]
)
def test_nobody_is_called_away_from_something_else(planned: Database, kind: str, rule: str) -> None:
    absent(planned, "2025-10-15T12:00", kind)

    assert refusal(planned, "S2", "2025-10-15T14:00").data["rules"] == (rule,)


def test_a_session_does_not_move_to_a_closed_day(planned: Database) -> None:
    programme = planned.get_one(Programme, "tokyo-2025")
    closures = programme.rules.closures.model_copy(update={"days": (dt.date(2025, 10, 15),)})
    programme.rules = programme.rules.model_copy(update={"closures": closures})
    planned.commit()

    assert refusal(planned, "S2", "2025-10-15T14:00").data["rules"] == ("closed_day",)


def other_engagement(db: Database, start: str) -> None:
    """Another organization's session with the same expert."""
    db.add(rows.organization("O2"))
    db.flush()
    db.add(rows.application("A2", "O2"))
    db.flush()
    db.add(rows.engagement("A2", "O2"))
    db.flush()
    db.get_one(Engagement, "A2").state = EngagementState.PLANNED
    db.add(rows.session("S9", at(start), 120, engagement_id="A2"))
    db.commit()


@pytest.mark.parametrize(
    ("elsewhere", "rule"),
    [("2025-10-15T13:00", "overlap"), ("2025-10-15T12:00", "travel_time")],
)
def test_an_expert_is_in_one_place_at_a_time(planned: Database, elsewhere: str, rule: str) -> None:
    other_engagement(planned, elsewhere)

    error = refusal(planned, "S2", "2025-10-15T14:00")
    assert error.data["rules"] == (rule,)
    assert "A2 session 1" in str(error.data["broken"])


def test_an_expert_gives_no_more_sessions_a_day_than_agreed(planned: Database) -> None:
    other_engagement(planned, "2025-10-15T09:30")
    planned.get_one(Expert, "E1").max_per_day = 1
    planned.commit()

    assert refusal(planned, "S2", "2025-10-15T14:00").data["rules"] == ("max_per_day",)


def test_a_limit_that_was_exceeded_before_does_not_keep_a_session_where_it_is(
    planned: Database,
) -> None:
    planned.get_one(Expert, "E1").max_total = 1
    planned.commit()

    assert move(planned, "S2", "2025-10-15T14:00").sequence == 1


def test_what_is_wrong_with_another_session_does_not_keep_a_session_where_it_is(
    planned: Database,
) -> None:
    absent(planned, "2025-11-12T09:30", "expert")

    assert move(planned, "S2", "2025-10-29T14:00").sequence == 1


def test_a_session_of_an_expert_who_took_over_is_moved(planned: Database) -> None:
    planned.add(rows.expert("E2"))
    planned.flush()
    for id in ("S2", "S3"):
        planned.get_one(Session, id).expert_id = "E2"
    planned.commit()

    assert move(planned, "S3", "2025-11-05T10:00").expert_id == "E2"
    assert move(planned, "S2", "2025-10-15T10:00").expert_id == "E2"


def test_an_expert_who_may_not_serve_any_more_is_not_given_another_time(
    planned: Database,
) -> None:
    planned.add(ConflictOfInterest(expert_id="E1", organization_id="O1", reason="顧問先"))
    planned.commit()

    error = refusal(planned, "S2", "2025-10-15T14:00")
    assert error.data["reason"] == "conflict_of_interest"


def test_a_session_that_has_begun_is_not_moved(planned: Database) -> None:
    with pytest.raises(Conflict, match="began on 2025-10-01 10:00") as refused:
        move(planned, "S1", "2025-10-15T14:00", rows.MORNING)
    assert refused.value.code == "session_begun"


def test_a_session_that_is_cancelled_is_not_moved(planned: Database) -> None:
    planned.get_one(Session, "S2").status = SessionStatus.CANCELLED
    planned.commit()

    with pytest.raises(Conflict, match="this one is cancelled"):
        move(planned, "S2", "2025-10-15T14:00")


def test_a_session_of_a_withdrawn_engagement_is_not_moved(planned: Database) -> None:
    planned.get_one(Engagement, "A1").state = EngagementState.WITHDRAWN
    planned.commit()

    with pytest.raises(Conflict, match="move session is not possible"):
        move(planned, "S2", "2025-10-15T14:00")


@pytest.mark.parametrize(
    "start_at", [NOW + HOUR, NOW - HOUR, at("2025-10-15T14:00") + dt.timedelta(seconds=1)]
)
def test_a_time_is_after_today_and_a_whole_minute(planned: Database, start_at: dt.datetime) -> None:
    with pytest.raises(Invalid) as refused:
        move_session(planned, "S2", SessionMove(start_at=start_at), "staff", NOW)
    assert refused.value.field == "start_at"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one writer
def test_of_two_who_move_a_session_at_once_the_second_is_told(
    planned: Database, engine: Engine
) -> None:
    read = planned.get_one(Session, "S2")
    with session_factory(engine)() as other:
        move(other, "S2", "2025-10-15T14:00")

    with pytest.raises(Conflict, match="Somebody changed the session"):
        move(planned, read.id, "2025-10-29T14:00")


def test_a_session_that_is_not_there_is_not_moved(db: Database) -> None:
    with pytest.raises(NotFound):
        move(db, "S404", "2025-10-15T14:00")
