from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.delivery.engagements import (
    CompletionDraft,
    EngagementChanges,
    complete,
    course_of,
    revise_engagement,
    sessions_to_replan,
)
from matcher.delivery.reports import report_session
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import (
    Application,
    Delivery,
    Engagement,
    EngagementState,
    Programme,
    Session,
    SessionStatus,
    WeeklyHours,
)
from matcher.programme import Phase, Purpose, Specialty
from matcher.registry import AbsenceDraft
from tests.matcher import rows
from tests.matcher.delivery.test_reports import HELD, MISSED

DAY = dt.timedelta(days=1)
WEEK = 7 * DAY
AFTER_FIRST = rows.MORNING + DAY
AFTER_ALL = rows.MORNING + 7 * WEEK
END = CompletionDraft(rollout="会員総会で配布する。", revision="年に一度、春に見直す。")
EARLY = END.model_copy(update={"early_reason": "必要な内容がまとまった。"})


def revise(db: Database, now: dt.datetime = AFTER_FIRST, **changes: Any) -> Engagement:
    engagement = db.get_one(Engagement, "A1")
    revise_engagement(db, engagement, EngagementChanges.model_validate(changes), now)
    db.commit()
    return engagement


def to_replan(db: Database, now: dt.datetime = AFTER_FIRST) -> list[str]:
    db.expire_all()
    return [each.id for each in sessions_to_replan(db.get_one(Engagement, "A1"), now)]


def report(db: Database, *ids: str, missed: bool = False) -> None:
    for id in ids:
        report_session(db, id, MISSED if missed else HELD, "E1", AFTER_ALL)
    db.commit()


# What its sessions are for ---------------------------------------------------------------


def test_a_course_tells_of_each_session_what_it_is_for(planned: Database) -> None:
    course = course_of(planned.get_one(Engagement, "A1"))

    assert [(each.number, each.minutes, each.phase) for each in course] == [
        (1, 120, Phase.ACTION_PLAN),
        (2, 60, Phase.MANUAL_DEVELOPMENT),
        (3, 60, Phase.FINALIZATION),
    ]
    assert course[1].contents.heading.ja == "進捗の確認と課題の整理"
    assert {each.agreed for each in course} == {None}


def test_a_course_of_a_review_has_the_contents_of_a_review(planned: Database) -> None:
    planned.get_one(Application, "A1").purpose = Purpose.REVIEW
    planned.commit()
    course = course_of(planned.get_one(Engagement, "A1"))

    assert course[0].contents.heading.en == ("Reading the Existing Manual and Planning Its Review")


def test_a_course_tells_what_was_agreed(planned: Database) -> None:
    revise(planned, session_contents=("行動計画", "事例の整理", "運用の助言"))
    planned.expire_all()

    agreed = [each.agreed for each in course_of(planned.get_one(Engagement, "A1"))]
    assert agreed == ["行動計画", "事例の整理", "運用の助言"]


# Its terms revised -----------------------------------------------------------------------


def test_what_is_published_agrees_with_what_was_asked_for(planned: Database) -> None:
    assert to_replan(planned) == []


@pytest.mark.parametrize(
    ("changes", "outgrown"),
    [
        ({"session_minutes": (120, 90, 60)}, ["S2"]),
        ({"session_minutes": (120, 60)}, ["S3"]),
        ({"session_minutes": (120, 60, 60, 60)}, []),
        ({"latest": dt.date(2025, 11, 11)}, ["S3"]),
        ({"earliest": dt.date(2025, 10, 23)}, ["S2"]),
        ({"max_gap_days": 20, "target_gap_days": 15}, ["S2", "S3"]),
        ({"min_gap_days": 22, "target_gap_days": 28}, ["S2", "S3"]),
        ({"target_gap_days": 28}, []),
    ],
)
def test_sessions_that_no_longer_agree_are_named(
    planned: Database, changes: dict[str, Any], outgrown: list[str]
) -> None:
    revise(planned, **changes)

    assert to_replan(planned) == outgrown


def test_what_is_published_stays_until_it_is_planned_anew(planned: Database) -> None:
    revise(planned, session_minutes=(120, 90, 90))
    planned.expire_all()

    sessions = [planned.get_one(Session, id) for id in ("S1", "S2", "S3")]
    assert {(each.status, each.sequence) for each in sessions} == {(SessionStatus.CONFIRMED, 0)}


def test_a_session_of_another_phase_says_so_at_once(planned: Database) -> None:
    revise(planned, session_minutes=(120, 60, 60, 60))
    third = planned.get_one(Session, "S3")

    assert (third.phase, third.sequence) == (Phase.MANUAL_DEVELOPMENT, 1)
    assert third.revised_at == AFTER_FIRST


def test_other_needs_stay_with_the_application_and_name_whom_they_rule_out(
    planned: Database,
) -> None:
    engagement = revise(planned, needs={Specialty.SME: 2}, expert_may_change=True)

    assert engagement.application.needs == {Specialty.SME: 2}
    assert engagement.expert_may_change
    assert to_replan(planned) == ["S2", "S3"]


def test_what_is_left_out_stays(planned: Database) -> None:
    engagement = revise(planned, max_gap_days=42)

    assert (engagement.max_gap_days, engagement.min_gap_days) == (42, 14)
    assert engagement.session_minutes == (120, 60, 60)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"session_minutes": (90, 60, 60)}, "session_minutes"),
        ({"session_contents": ("ほか", "事例の整理", "運用の助言")}, "session_contents"),
        ({"session_contents": None}, "session_contents"),
    ],
)
def test_what_was_asked_of_a_session_that_has_begun_stays(
    planned: Database, changes: dict[str, Any], field: str
) -> None:
    revise(planned, rows.MORNING - DAY, session_contents=("行動計画", "事例の整理", "運用の助言"))

    with pytest.raises(Invalid) as refused:
        revise(planned, rows.MORNING, **changes)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"session_minutes": (120, 60, 60, 60, 60, 60)}, "session_minutes"),
        ({"session_minutes": (120, 30, 60)}, "session_minutes"),
        ({"session_minutes": (120, 180, 60)}, "session_minutes"),
        ({"session_contents": ("行動計画",)}, "session_contents"),
        ({"earliest": dt.date(2025, 12, 1), "latest": dt.date(2025, 11, 1)}, "latest"),
        ({"latest": dt.date(2026, 3, 31)}, "latest"),
        ({"min_gap_days": 30}, "target_gap_days"),
        ({"max_gap_days": 20}, "target_gap_days"),
    ],
)
def test_what_the_programme_does_not_offer_is_refused(
    planned: Database, changes: dict[str, Any], field: str
) -> None:
    engagement = planned.get_one(Engagement, "A1")
    draft = EngagementChanges.model_construct(_fields_set=set(changes), **changes)

    with pytest.raises(Invalid) as refused:
        revise_engagement(planned, engagement, draft, AFTER_FIRST)
    assert refused.value.field == field


def test_a_review_has_fewer_sessions(planned: Database) -> None:
    planned.get_one(Application, "A1").purpose = Purpose.REVIEW
    planned.commit()

    with pytest.raises(Invalid, match="ask for at most 3"):
        revise(planned, session_minutes=(120, 60, 60, 60))


def test_an_engagement_that_has_ended_is_not_revised(planned: Database) -> None:
    planned.get_one(Engagement, "A1").state = EngagementState.WITHDRAWN
    planned.commit()

    with pytest.raises(Conflict, match="revise is not possible"):
        revise(planned, max_gap_days=42)


def test_a_session_of_an_engagement_that_has_ended_is_not_planned_anew(
    planned: Database,
) -> None:
    revise(planned, latest=dt.date(2025, 11, 11))
    planned.get_one(Engagement, "A1").state = EngagementState.WITHDRAWN
    planned.commit()

    assert to_replan(planned) == []


# Its end ---------------------------------------------------------------------------------


def test_an_engagement_is_completed_with_what_becomes_of_the_manual(planned: Database) -> None:
    report(planned, "S1", "S2", "S3")
    complete(planned, "A1", END, "staff", AFTER_ALL)
    planned.commit()
    planned.expire_all()
    engagement = planned.get_one(Engagement, "A1")

    assert engagement.state == EngagementState.COMPLETED
    assert engagement.completion is not None
    assert (engagement.completion.rollout, engagement.completion.early_reason) == (
        "会員総会で配布する。",
        None,
    )
    assert (engagement.completion.completed_by, engagement.completion.completed_at) == (
        "staff",
        AFTER_ALL,
    )


def test_an_early_end_frees_every_session_that_is_to_come(planned: Database) -> None:
    report_session(planned, "S1", HELD, "E1", AFTER_FIRST)
    complete(planned, "A1", EARLY, "staff", AFTER_FIRST)
    planned.commit()

    sessions = [planned.get_one(Session, id) for id in ("S1", "S2", "S3")]
    assert [(each.status, each.sequence) for each in sessions] == [
        (SessionStatus.HELD, 0),
        (SessionStatus.CANCELLED, 1),
        (SessionStatus.CANCELLED, 1),
    ]
    assert sessions[1].revised_at == AFTER_FIRST


def test_an_early_end_needs_a_reason(planned: Database) -> None:
    report_session(planned, "S1", HELD, "E1", AFTER_FIRST)

    with pytest.raises(Invalid, match="1 of 3 sessions") as refused:
        complete(planned, "A1", END, "staff", AFTER_FIRST)
    assert refused.value.field == "early_reason"


def test_an_end_after_the_last_session_is_not_early(planned: Database) -> None:
    report(planned, "S1", "S2", "S3")

    with pytest.raises(Invalid, match="does not end early"):
        complete(planned, "A1", EARLY, "staff", AFTER_ALL)


def test_a_missed_session_is_used_up(planned: Database) -> None:
    report(planned, "S1", "S3")
    report(planned, "S2", missed=True)
    complete(planned, "A1", END, "staff", AFTER_ALL)

    assert planned.get_one(Engagement, "A1").state == EngagementState.COMPLETED


def test_nothing_is_completed_before_a_session_was_held(planned: Database) -> None:
    report(planned, "S1", missed=True)

    with pytest.raises(Conflict, match="Withdraw the application instead") as refused:
        complete(planned, "A1", EARLY, "staff", AFTER_ALL)
    assert refused.value.data["possible"] == ("withdraw",)


def test_a_session_that_is_over_is_told_of_before_the_end(planned: Database) -> None:
    report(planned, "S1")

    with pytest.raises(Conflict, match=r"session 2 \(S2\), session 3 \(S3\)") as refused:
        complete(planned, "A1", EARLY, "staff", AFTER_ALL)
    assert refused.value.data["sessions"] == ("S2", "S3")


def test_an_engagement_is_completed_once(planned: Database) -> None:
    report(planned, "S1", "S2", "S3")
    complete(planned, "A1", END, "staff", AFTER_ALL)

    with pytest.raises(Conflict, match="The engagement is completed"):
        complete(planned, "A1", END, "staff", AFTER_ALL)


def test_an_engagement_that_is_not_there_is_not_completed(db: Database) -> None:
    with pytest.raises(NotFound):
        complete(db, "A404", END, "staff", AFTER_ALL)


# Wishes that are agreed later ------------------------------------------------------------


def test_a_time_at_which_the_organization_is_busy_by_now_names_the_sessions_in_it(
    planned: Database,
) -> None:
    second = planned.get_one(Session, "S2")
    absence = AbsenceDraft(start_at=second.start_at, end_at=second.end_at)
    revise(planned, absences=(absence,))

    assert to_replan(planned) == ["S2"]
    (kept,) = planned.get_one(Application, "A1").absences
    assert (kept.start_at, kept.end_at) == (second.start_at, second.end_at)


def test_hours_that_no_longer_hold_a_session_name_it(planned: Database) -> None:
    revise(
        planned,
        weekly_hours=(WeeklyHours(weekday="tue", opens=dt.time(9), closes=dt.time(17)),),
    )

    assert to_replan(planned) == ["S2", "S3"]


def test_hours_too_short_for_the_lengths_that_were_agreed_are_refused(planned: Database) -> None:
    hours = WeeklyHours(weekday="tue", opens=dt.time(9), closes=dt.time(10))

    with pytest.raises(Invalid, match="no stretch is long enough"):
        revise(planned, weekly_hours=(hours,))


def test_sessions_that_go_online_are_planned_again_and_their_link_is_set(
    planned: Database,
) -> None:
    engagement = revise(planned, delivery=Delivery.ONLINE, meeting_url="https://meet.example/1")

    assert (engagement.municipality_code, engagement.meeting_url) == (
        None,
        "https://meet.example/1",
    )
    assert to_replan(planned) == ["S2", "S3"]
    back = revise(planned, delivery=Delivery.ON_SITE)
    assert (back.municipality_code, back.meeting_url) == ("13101", None)


def test_the_link_of_online_sessions_reaches_those_to_come_and_their_calendars(
    planned: Database,
) -> None:
    revise(planned, delivery=Delivery.ONLINE)
    for session in planned.scalars(select(Session)):
        session.municipality_code = None
    planned.commit()
    revise(planned, meeting_url="https://meet.example/2")

    told = {id: planned.get_one(Session, id) for id in ("S1", "S2", "S3")}
    assert told["S1"].meeting_url is None  # it is over
    assert {told["S2"].meeting_url, told["S3"].meeting_url} == {"https://meet.example/2"}
    assert [each.sequence for each in told.values()] == [0, 1, 1]


def test_a_visit_on_site_has_no_link(planned: Database) -> None:
    with pytest.raises(Invalid, match="not held online"):
        revise(planned, meeting_url="https://meet.example/3")


def test_a_day_that_is_closed_by_now_names_the_session_on_it(planned: Database) -> None:
    programme = planned.get_one(Programme, "tokyo-2025")
    closures = programme.rules.closures.model_copy(update={"days": (dt.date(2025, 10, 22),)})
    programme.rules = programme.rules.model_copy(update={"closures": closures})
    planned.commit()

    assert to_replan(planned) == ["S2"]
