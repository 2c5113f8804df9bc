from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.delivery.engagements import CompletionDraft, complete
from matcher.delivery.reports import (
    Report,
    ReportDraft,
    SessionOutcome,
    correct_report,
    report_of,
    report_session,
)
from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict, Invalid, NotFound
from matcher.intake.applications import withdraw
from matcher.models import (
    AuditEntry,
    Engagement,
    EngagementState,
    ManualState,
    Party,
    Session,
    SessionStatus,
)
from tests.matcher import rows

END = rows.MORNING + dt.timedelta(hours=2)
LATER = END + dt.timedelta(days=1)

HELD = ReportDraft(
    outcome=SessionOutcome.HELD,
    attendees=("架空 花子", "会員2名"),
    done="現状を確認した。\n骨子を決めた。",
    tasks=("会員への聞き取り",),
    manual_state=ManualState.OUTLINE,
)
MISSED = ReportDraft(outcome=SessionOutcome.MISSED, party=Party.ORGANIZATION, reason="担当者の失念")


def test_a_session_that_was_held_is_on_record_with_what_was_done(planned: Database) -> None:
    report_session(planned, "S1", HELD, "E1", END)
    planned.commit()
    planned.expire_all()
    session = planned.get_one(Session, "S1")

    assert session.status == SessionStatus.HELD
    assert report_of(session) == Report(
        session_id="S1",
        outcome=SessionOutcome.HELD,
        attendees=("架空 花子", "会員2名"),
        done="現状を確認した。\n骨子を決めた。",
        tasks=("会員への聞き取り",),
        manual_state=ManualState.OUTLINE,
        party=None,
        reason="",
        reported_by="E1",
        reported_at=END,
    )


def test_the_first_session_that_is_held_begins_the_engagement(planned: Database) -> None:
    report_session(planned, "S1", HELD, "E1", END)
    planned.commit()

    assert planned.get_one(Engagement, "A1").state == EngagementState.IN_PROGRESS


def test_a_missed_session_keeps_its_number_and_says_because_of_whom(planned: Database) -> None:
    session = report_session(planned, "S1", MISSED, "staff", LATER)
    planned.commit()

    assert (session.status, session.number) == (SessionStatus.MISSED, 1)
    report = report_of(session)
    assert (report.party, report.reason) == (Party.ORGANIZATION, "担当者の失念")
    assert planned.get_one(Session, "S2").number == 2
    assert planned.get_one(Engagement, "A1").state == EngagementState.PLANNED


def test_what_became_of_a_session_is_told_after_its_end(planned: Database) -> None:
    with pytest.raises(Conflict) as refused:
        report_session(planned, "S1", HELD, "E1", END - dt.timedelta(seconds=1))
    assert "it ends on 2025-10-01 at 12:00 in Tokyo" in refused.value.message_en
    assert "終了予定: 2025-10-01 12:00" in refused.value.message_ja
    assert refused.value.data["end_at"] == "2025-10-01T12:00:00+09:00"


def test_a_session_is_reported_on_once(planned: Database) -> None:
    report_session(planned, "S1", MISSED, "E1", LATER)

    with pytest.raises(Conflict, match="this one is missed"):
        report_session(planned, "S1", HELD, "E1", LATER)


def test_a_cancelled_session_is_not_reported_on(planned: Database) -> None:
    reason = LapseDraft(party=Party.OFFICE, reason="台風のため")
    cancel_session(planned, "S1", reason, "staff", LATER)

    with pytest.raises(Conflict, match="this one is cancelled"):
        report_session(planned, "S1", HELD, "E1", LATER)


def test_what_took_place_before_a_withdrawal_is_told_after_it(planned: Database) -> None:
    withdraw(planned, "A1", "staff", LATER, reason="体制の変更")
    report_session(planned, "S1", HELD, "E1", LATER)
    planned.commit()

    assert planned.get_one(Session, "S1").status == SessionStatus.HELD
    assert planned.get_one(Engagement, "A1").state == EngagementState.WITHDRAWN


@pytest.mark.parametrize(
    ("draft", "changes", "field"),
    [
        (HELD, {"attendees": ()}, "attendees"),
        (HELD, {"done": " \n"}, "done"),
        (HELD, {"manual_state": None}, "manual_state"),
        (HELD, {"party": Party.EXPERT}, "party"),
        (HELD, {"reason": "急病"}, "reason"),
        (MISSED, {"party": None}, "party"),
        (MISSED, {"reason": ""}, "reason"),
        (MISSED, {"attendees": ("架空 花子",)}, "attendees"),
        (MISSED, {"manual_state": ManualState.DRAFT}, "manual_state"),
    ],
)
def test_a_report_says_what_its_outcome_needs_and_nothing_of_the_other(
    planned: Database, draft: ReportDraft, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        report_session(planned, "S1", draft.model_copy(update=changes), "E1", LATER)
    assert refused.value.field == field
    assert planned.get_one(Session, "S1").status == SessionStatus.CONFIRMED


def test_a_session_without_a_report_has_none_to_read(planned: Database) -> None:
    with pytest.raises(NotFound):
        report_of(planned.get_one(Session, "S1"))
    with pytest.raises(NotFound):
        report_session(planned, "S404", HELD, "E1", LATER)


FULLER = HELD.model_copy(update={"attendees": ("架空 花子",), "tasks": ()})
MUCH_LATER = LATER + dt.timedelta(weeks=8)


def _reported(db: Database, draft: ReportDraft, session_id: str = "S1") -> Session:
    session = report_session(db, session_id, draft, "E1", MUCH_LATER)
    db.commit()
    return session


def _corrected(db: Database, draft: ReportDraft, session_id: str = "S1") -> Session:
    session = correct_report(db, session_id, draft, "staff", MUCH_LATER)
    db.commit()
    db.expire_all()
    return session


def _state(db: Database) -> EngagementState:
    return db.get_one(Engagement, "A1").state


def test_a_report_is_replaced_whole_by_who_corrects_it(planned: Database) -> None:
    _reported(planned, HELD)
    session = _corrected(planned, FULLER)

    report = report_of(session)
    assert (report.attendees, report.tasks, report.done) == (("架空 花子",), (), HELD.done)
    assert (report.reported_by, report.reported_at) == ("staff", MUCH_LATER)
    assert (session.sequence, _state(planned)) == (0, EngagementState.IN_PROGRESS)


def test_a_correction_is_in_the_audit_from_what_to_what(planned: Database) -> None:
    _reported(planned, HELD)
    _corrected(planned, FULLER)
    _corrected(planned, MISSED)

    told = planned.scalars(
        select(AuditEntry)
        .where(AuditEntry.record_id == "S1")
        .where(AuditEntry.kind.in_(("session_report", "session_lapse", "session")))
        .order_by(AuditEntry.id)
    ).all()
    assert [(each.kind, each.action.value) for each in told[-4:]] == [
        ("session_report", "changed"),
        ("session", "changed"),
        ("session_lapse", "created"),
        ("session_report", "deleted"),
    ]
    words, status, _, gone = told[-4:]
    assert words.before["attendees"] == ["架空 花子", "会員2名"]
    assert words.after["attendees"] == ["架空 花子"]
    assert "done" not in words.before
    assert (status.before, status.after) == ({"status": "held"}, {"status": "missed"})
    assert gone.before["done"] == HELD.done


def test_a_correction_that_says_the_same_changes_nothing(planned: Database) -> None:
    _reported(planned, HELD)

    assert report_of(_corrected(planned, HELD)).reported_by == "E1"


def test_a_session_that_was_held_after_all_begins_its_engagement(planned: Database) -> None:
    _reported(planned, MISSED)
    session = _corrected(planned, HELD)

    assert (session.status, session.lapse) == (SessionStatus.HELD, None)
    assert report_of(session).done == HELD.done
    assert _state(planned) == EngagementState.IN_PROGRESS


def test_an_engagement_of_which_no_session_was_held_is_planned_again(planned: Database) -> None:
    _reported(planned, HELD)
    _reported(planned, HELD, "S2")
    _corrected(planned, MISSED)
    assert _state(planned) == EngagementState.IN_PROGRESS

    session = _corrected(planned, MISSED, "S2")
    assert (session.status, session.report) == (SessionStatus.MISSED, None)
    assert _state(planned) == EngagementState.PLANNED


def test_an_engagement_that_waits_again_begins_with_a_session_held_after_all(
    planned: Database,
) -> None:
    """A plan that found no expert for the rest dropped it."""
    _reported(planned, MISSED)
    planned.get_one(Engagement, "A1").state = EngagementState.WAITING
    _corrected(planned, HELD)

    assert _state(planned) == EngagementState.IN_PROGRESS


def test_calendars_are_told_of_another_outcome_and_not_of_other_words(planned: Database) -> None:
    _reported(planned, HELD)
    before = planned.get_one(Session, "S1").revised_at
    session = _corrected(planned, FULLER)
    assert (session.sequence, session.revised_at) == (0, before)

    session = _corrected(planned, MISSED)
    assert (session.sequence, session.revised_at) == (1, MUCH_LATER)


@pytest.mark.parametrize("end", ["completed", "withdrawn"])
def test_after_the_end_words_are_corrected_and_outcomes_stay(planned: Database, end: str) -> None:
    _reported(planned, HELD)
    if end == "withdrawn":
        withdraw(planned, "A1", "staff", MUCH_LATER, reason="体制の変更")
    else:
        for session_id in ("S2", "S3"):
            _reported(planned, HELD, session_id)
        draft = CompletionDraft(rollout="会員総会で配布する。", revision="年に一度見直す。")
        complete(planned, "A1", draft, "staff", MUCH_LATER)
    planned.commit()

    assert report_of(_corrected(planned, FULLER)).attendees == ("架空 花子",)
    with pytest.raises(Conflict, match="correct outcome is not possible"):
        correct_report(planned, "S1", MISSED, "staff", MUCH_LATER)
    planned.rollback()
    assert planned.get_one(Session, "S1").status == SessionStatus.HELD
    assert _state(planned) == end


def test_where_nothing_was_reported_there_is_nothing_to_correct(planned: Database) -> None:
    with pytest.raises(Conflict, match="this one is confirmed") as refused:
        correct_report(planned, "S1", HELD, "staff", LATER)
    assert refused.value.code == "nothing_reported"
    assert "状態: 確定" in refused.value.message_ja

    cancel_session(planned, "S1", LapseDraft(party=Party.OFFICE, reason="台風"), "staff", LATER)
    with pytest.raises(Conflict, match="this one is cancelled"):
        correct_report(planned, "S1", HELD, "staff", LATER)
    with pytest.raises(NotFound):
        correct_report(planned, "S404", HELD, "staff", LATER)


def test_a_corrected_report_says_what_its_outcome_needs(planned: Database) -> None:
    _reported(planned, HELD)

    with pytest.raises(Invalid) as refused:
        correct_report(
            planned, "S1", MISSED.model_copy(update={"party": None}), "staff", MUCH_LATER
        )
    assert refused.value.field == "party"
