from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session

from matcher.clock import TOKYO
from matcher.errors import Conflict, Invalid
from matcher.intake.applications import submit
from matcher.intake.drafts import ApplicationDraft
from matcher.intake.programmes import (
    LONGEST_PERIOD,
    ProgrammeChanges,
    RevisedProgramme,
    revise_programme,
)
from matcher.intake.requirements import assess
from matcher.models import Answer, Application, Engagement, Programme, SessionStatus
from matcher.models import Session as VisitRecord
from tests.matcher.rows import MORNING, add_engagements, session

NOW = dt.datetime(2025, 8, 12, 10, tzinfo=TOKYO)


def _revise(db: Session, **changes: object) -> RevisedProgramme:
    programme = db.get_one(Programme, "tokyo-2025")
    given = ProgrammeChanges.model_validate({"reason": "申込多数", **changes}, strict=False)
    return revise_programme(db, programme, given, "早川 美和", NOW)


def _deadline(day: dt.date) -> dict[str, object]:
    return {"application_period": {"last_day": day}}


def test_a_deadline_that_is_moved_back_refuses_who_comes_after_it(
    office: Session, draft: ApplicationDraft
) -> None:
    _revise(office, **_deadline(dt.date(2025, 8, 11)))
    with pytest.raises(Conflict) as refused:
        submit(office, draft, NOW)
    assert refused.value.data["last_day"] == "2025-08-11"
    _revise(office, **_deadline(dt.date(2025, 8, 12)))
    submit(office, draft, NOW)


def test_who_applied_in_time_has_applied_in_time_whatever_moves_later(
    office: Session, draft: ApplicationDraft
) -> None:
    application = submit(office, draft, NOW)
    rules = _revise(office, **_deadline(dt.date(2025, 7, 31))).programme.rules
    office.expire_all()
    found = {each.requirement.id: each for each in assess(application, rules, NOW).findings}
    assert found["applied_in_period"].answer == Answer.MET
    assert found["applied_in_period"].evidence == "2025-08-12"


def test_the_text_of_the_requirement_follows_the_deadline_in_both_languages(
    office: Session,
) -> None:
    _revise(office, **_deadline(dt.date(2025, 12, 19)))
    _revise(office, **_deadline(dt.date(2025, 11, 28)))
    office.expire_all()
    text = office.get_one(Programme, "tokyo-2025").rules.requirement("applied_in_period").text
    assert text.ja == "申込期間(2025年6月30日から2025年11月28日まで)内に申し込んでいること。"
    assert text.en.endswith("within the application period, June 30, 2025 to November 28, 2025.")


def test_who_moved_the_days_when_and_why_is_kept_and_calendars_are_told(office: Session) -> None:
    programme = _revise(office, **_deadline(dt.date(2025, 12, 19))).programme
    (revision,) = programme.rules.revisions
    assert (revision.by, revision.reason, revision.at) == ("早川 美和", "申込多数", NOW)
    assert programme.revised_at == NOW


OFFICE = {
    "name": {"ja": "架空派遣事務局", "en": "Imaginary Dispatch Office"},
    "telephone": "03-0000-0000",
    "email": "office@dispatch.example.jp",
}


def test_the_office_is_named_and_taken_out_again_and_the_days_stay(office: Session) -> None:
    before = office.get_one(Programme, "tokyo-2025").rules
    assert before.office is None
    _revise(office, office=OFFICE | {"hours": {"ja": "平日 9時~17時", "en": "weekdays, 9 to 5"}})
    office.expire_all()
    named = office.get_one(Programme, "tokyo-2025").rules
    assert named.office is not None
    assert named.office.name.en == "Imaginary Dispatch Office"
    assert named.office.hours is not None
    assert named.application_period == before.application_period
    _revise(office, **_deadline(dt.date(2025, 12, 19)))
    assert office.get_one(Programme, "tokyo-2025").rules.office == named.office
    assert _revise(office, office=None).programme.rules.office is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"telephone": ""},
        {"telephone": "ask me"},
        {"email": "nowhere"},
        {"name": {"ja": "", "en": "Office"}},
        {"name": {"ja": "事務局\n", "en": "Office"}},
        {"name": {"ja": "事務局"}},
        {"hours": ""},
    ],
)
def test_an_office_that_nobody_could_reach_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ProgrammeChanges.model_validate({"reason": "開設", "office": OFFICE | wrong})


def test_a_closure_moves_the_interviews_that_are_still_to_be_held(
    office: Session, draft: ApplicationDraft
) -> None:
    application = submit(office, draft, NOW)  # on a Tuesday
    assert application.interview is not None
    assert application.interview.due_on == dt.date(2025, 8, 19)
    assert _revise(office, closed_days=[dt.date(2025, 8, 15)]).interviews_moved == 1
    assert application.interview.due_on == dt.date(2025, 8, 20)
    assert _revise(office, closed_days=[]).interviews_moved == 1
    assert application.interview.due_on == dt.date(2025, 8, 19)
    application.interview.held_at = NOW
    assert _revise(office, closed_days=[dt.date(2025, 8, 15)]).interviews_moved == 0
    assert application.interview.due_on == dt.date(2025, 8, 19)


def test_engagements_that_go_on_after_the_end_are_counted_and_stay(db: Session) -> None:
    add_engagements(db, "A1", "A2")
    db.get_one(Engagement, "A2").latest = dt.date(2026, 2, 20)
    moved = _revise(db, implementation_period={"last_day": dt.date(2026, 2, 27)})
    assert moved.engagements_ending_later == 1
    assert db.get_one(Engagement, "A1").latest == dt.date(2026, 3, 13)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (_deadline(dt.date(2025, 6, 29)), "application_period.last_day"),
        (_deadline(dt.date(2026, 3, 14)), "application_period.last_day"),
        (
            {"implementation_period": {"last_day": dt.date(2025, 7, 1)}},
            "implementation_period.last_day",
        ),
        (
            {"implementation_period": {"last_day": dt.date(2026, 1, 8)}},
            "application_period.last_day",
        ),
    ],
)
def test_periods_that_end_too_early_or_too_late_are_refused(
    office: Session, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        _revise(office, **changes)
    assert refused.value.field == field
    assert office.get_one(Programme, "tokyo-2025").rules.revisions == ()


def test_an_application_that_never_came_through_the_door_is_held_to_the_period(
    db: Session,
) -> None:
    add_engagements(db, "A1")
    application = db.get_one(Application, "A1")  # its row says 2 August, and no answer
    rules = _revise(db, **_deadline(dt.date(2025, 7, 31))).programme.rules
    found = {each.requirement.id: each for each in assess(application, rules, NOW).findings}
    assert found["applied_in_period"].answer == Answer.NOT_MET


def _end(day: dt.date) -> dict[str, object]:
    return {
        "application_period": {"last_day": dt.date(2025, 9, 30)},
        "implementation_period": {"last_day": day},
    }


def test_a_change_that_changes_nothing_is_refused_and_leaves_no_trace(office: Session) -> None:
    with pytest.raises(Invalid, match="nothing would change"):
        _revise(office)
    rules = office.get_one(Programme, "tokyo-2025").rules
    with pytest.raises(Invalid, match="nothing would change"):
        _revise(office, **_deadline(rules.application_period.last_day))
    assert rules.revisions == ()


def test_the_year_does_not_end_before_a_session_that_is_published(db: Session) -> None:
    add_engagements(db, "A1")
    db.add(session("S1"))  # on 1 October
    db.flush()
    with pytest.raises(Invalid, match="sessions are published up to 2025-10-01"):
        _revise(db, **_end(dt.date(2025, 9, 30)))
    db.get_one(VisitRecord, "S1").status = SessionStatus.CANCELLED
    db.flush()
    _revise(db, **_end(dt.date(2025, 9, 30)))


def test_the_year_is_no_longer_than_the_solver_takes(office: Session) -> None:
    period = office.get_one(Programme, "tokyo-2025").rules.implementation_period
    longest = period.first_day + LONGEST_PERIOD
    with pytest.raises(Invalid, match=f"give {longest} or an earlier day"):
        _revise(office, implementation_period={"last_day": longest + dt.timedelta(days=1)})
    _revise(office, implementation_period={"last_day": longest})


def test_a_closure_on_the_day_of_published_sessions_names_them(db: Session) -> None:
    add_engagements(db, "A1")
    db.add(session("S1"))
    db.add(session("S2", MORNING + dt.timedelta(weeks=3), number=2))
    db.flush()
    assert _revise(db, closed_days=[dt.date(2025, 9, 24)]).sessions_to_replan == ()
    assert _revise(db, closed_days=[dt.date(2025, 10, 22)]).sessions_to_replan == ("S2",)
