from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.delivery.reports import (
    Report,
    ReportDraft,
    SessionOutcome,
    report_of,
    report_session,
)
from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict, Invalid, NotFound
from matcher.intake.applications import withdraw
from matcher.models import (
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
