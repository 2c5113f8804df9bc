from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from matcher.clock import TOKYO
from matcher.database import session_factory
from matcher.errors import Conflict, Invalid, MatcherError, NotFound
from matcher.intake.answers import GivenAnswer
from matcher.intake.applications import (
    decide,
    record_answers,
    record_assessment,
    record_interview,
    submit,
    withdraw,
)
from matcher.intake.drafts import AbsentTime, ApplicationDraft, InterviewFindings
from matcher.models import (
    Answer,
    AnswerSource,
    Application,
    ApplicationState,
    Delivery,
    Engagement,
    EngagementState,
    Expert,
    Notice,
    NoticeState,
    Organization,
    Outcome,
    Programme,
    SessionStatus,
)
from matcher.models import (
    Session as Visit,
)
from matcher.notices.composition import draft_notice
from matcher.programme import Period, Phase, ProgrammeRules, Purpose, RequirementKind, Specialty
from tests.matcher import rows

TAXES = ("national_taxes_paid", "metropolitan_taxes_paid")


def tokyo(month: int, day: int, hour: int = 10, year: int = 2025) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=TOKYO)


def answers(*ids: str, answer: Answer = Answer.MET) -> tuple[GivenAnswer, ...]:
    return tuple(GivenAnswer(requirement_id=own, answer=answer) for own in ids)


def declared(rules: ProgrammeRules) -> tuple[GivenAnswer, ...]:
    kinds = {own.id: own.kind for own in rules.requirements}
    return answers(*(own for own, kind in kinds.items() if kind == RequirementKind.DECLARED))


@pytest.fixture
def submitted(
    office: Session, draft: ApplicationDraft, programme: ProgrammeRules, applied_at: dt.datetime
) -> Application:
    with_answers = draft.model_copy(update={"answers": declared(programme)})
    return submit(office, with_answers, applied_at, application_id="2025-001")


@pytest.fixture
def interviewed(office: Session, submitted: Application) -> Application:
    """Eligible, and called on 3 July: all that accepting needs."""
    record_answers(
        office, submitted.id, answers(*TAXES), AnswerSource.VERIFIED, "早川 美和", tokyo(7, 2)
    )
    record_assessment(office, submitted.id, "早川 美和", tokyo(7, 2))
    record_interview(office, submitted.id, "早川 美和", "早めの派遣を希望。", tokyo(7, 3))
    return submitted


def accept(db: Session, now: dt.datetime | None = None) -> Engagement:
    decide(db, "2025-001", Outcome.ACCEPTED, (), "笠原 文子", now or tokyo(7, 4))
    return db.get_one(Engagement, "2025-001")


def test_a_submitted_application_holds_what_the_draft_asks_for(
    office: Session, submitted: Application, draft: ApplicationDraft
) -> None:
    office.commit()
    office.expire_all()
    kept = office.get_one(Application, "2025-001")
    assert kept.state == ApplicationState.SUBMITTED
    assert kept.needs == draft.needs
    assert kept.session_minutes == draft.session_minutes
    assert kept.weekly_hours == draft.weekly_hours


def test_an_interview_falls_due_five_business_days_after_the_application(
    office: Session, draft: ApplicationDraft
) -> None:
    submitted = submit(office, draft, tokyo(7, 17))
    assert submitted.interview is not None
    assert submitted.interview.due_on == dt.date(2025, 7, 25), "21 July is Marine Day"


@pytest.mark.parametrize(
    ("applied_at", "due_on"),
    [
        pytest.param(tokyo(12, 26, 0), dt.date(2026, 1, 9), id="26 December, the 25th in UTC"),
        pytest.param(tokyo(12, 26, 23), dt.date(2026, 1, 9), id="26 December, late"),
        pytest.param(tokyo(12, 30), dt.date(2026, 1, 9), id="while the office is closed"),
        pytest.param(tokyo(4, 28, year=2026), dt.date(2026, 5, 11), id="before Golden Week"),
        pytest.param(tokyo(5, 3, year=2026), dt.date(2026, 5, 13), id="in Golden Week"),
        pytest.param(tokyo(9, 17, year=2026), dt.date(2026, 9, 29), id="over 22 September 2026"),
        pytest.param(tokyo(9, 22, year=2026), dt.date(2026, 9, 30), id="on 22 September 2026"),
    ],
)
def test_holidays_and_closures_put_an_interview_off(
    office: Session,
    programme: ProgrammeRules,
    draft: ApplicationDraft,
    applied_at: dt.datetime,
    due_on: dt.date,
) -> None:
    years = Period(first_day=dt.date(2025, 6, 30), last_day=dt.date(2026, 12, 31))
    rules = programme.model_copy(update={"application_period": years})
    office.get_one(Programme, programme.id).rules = rules
    submitted = submit(office, draft, applied_at)
    assert submitted.interview is not None
    assert submitted.interview.due_on == due_on


@pytest.mark.parametrize("now", [tokyo(6, 29, 23), tokyo(1, 10, 0, 2026)])
def test_outside_the_application_period_the_refusal_names_the_period(
    office: Session, draft: ApplicationDraft, now: dt.datetime
) -> None:
    with pytest.raises(Conflict, match="from 2025-06-30 to 2026-01-09") as refused:
        submit(office, draft, now)
    assert refused.value.code == "outside_application_period"


def test_an_organization_applies_once_while_its_application_stands(
    office: Session, submitted: Application, draft: ApplicationDraft
) -> None:
    with pytest.raises(Conflict) as refused:
        submit(office, draft, tokyo(7, 2))
    assert refused.value.data["application_id"] == submitted.id
    withdraw(office, submitted.id, "staff", tokyo(7, 2), reason="体制の変更")
    assert submit(office, draft, tokyo(7, 2)).id != submitted.id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"programme_id": "osaka-2025"}, NotFound),
        ({"organization_id": "nobody"}, NotFound),
        ({"session_minutes": (30,)}, Invalid),
        ({"answers": answers("has_a_website")}, NotFound),
        ({"answers": answers("located_in_tokyo")}, Invalid),
    ],
)
def test_a_draft_that_cannot_be_used_is_refused(
    office: Session,
    draft: ApplicationDraft,
    applied_at: dt.datetime,
    change: dict[str, object],
    error: type[MatcherError],
) -> None:
    with pytest.raises(error):
        submit(office, draft.model_copy(update=change), applied_at)


def test_an_assessment_keeps_what_the_machine_answered_and_who_asked(
    office: Session, submitted: Application
) -> None:
    assessment = record_assessment(office, submitted.id, "早川 美和", tokyo(7, 2))
    assert [own.requirement.id for own in assessment.unknown] == list(TAXES)
    assert submitted.state == ApplicationState.ASSESSED
    office.expire(submitted)
    by_machine = {
        own.requirement_id: own.answered_by
        for own in submitted.answers
        if own.source == AnswerSource.MACHINE
    }
    assert by_machine == dict.fromkeys(
        ("applied_in_period", "legal_form", "located_in_tokyo"), "早川 美和"
    )


def test_assessing_again_after_a_correction_gives_the_new_answer(
    office: Session, submitted: Application, organization: Organization
) -> None:
    organization.corporate_number = "1999905000001"
    first = record_assessment(office, submitted.id, "早川 美和", tokyo(7, 2))
    organization.corporate_number = "3999905000001"
    second = record_assessment(office, submitted.id, "早川 美和", tokyo(7, 3))
    assert "legal_form" in {own.requirement.id for own in first.unknown}
    assert "legal_form" not in {own.requirement.id for own in second.unknown}


def test_a_declaration_does_not_replace_what_staff_verified(
    office: Session, submitted: Application
) -> None:
    proof = answers(*TAXES, answer=Answer.NOT_MET)
    record_answers(office, submitted.id, proof, AnswerSource.VERIFIED, "早川 美和", tokyo(7, 2))
    with pytest.raises(Conflict, match="is verified"):
        record_answers(
            office, submitted.id, answers(*TAXES), AnswerSource.DECLARED, "佐久間", tokyo(7, 3)
        )


def test_an_interview_is_not_held_in_the_future(office: Session, submitted: Application) -> None:
    record_assessment(office, submitted.id, "早川 美和", tokyo(7, 2))
    with pytest.raises(Invalid):
        record_interview(office, submitted.id, "早川 美和", "", tokyo(7, 3), held_at=tokyo(7, 4))
    assert submitted.state == ApplicationState.ASSESSED


def test_what_an_interview_showed_replaces_what_the_application_asked_for(
    office: Session, interviewed: Application
) -> None:
    absence = AbsentTime(start_at=tokyo(8, 12, 0), end_at=tokyo(8, 16, 0), reason="夏季休業")
    findings = InterviewFindings(
        delivery=Delivery.ONLINE,
        purpose=Purpose.REVIEW,
        needs={Specialty.HR: 2},
        session_minutes=(90, 60),
        first_wish_day=dt.date(2025, 9, 1),
        absences=(absence,),
    )
    record_interview(office, "2025-001", "早川 美和", None, tokyo(7, 4), findings=findings)
    office.commit()
    office.expire_all()
    engagement = accept(office)
    assert interviewed.needs == {"hr": 2}
    assert interviewed.purpose == "review"
    assert [own.reason for own in interviewed.absences] == ["夏季休業"]
    assert interviewed.weekly_hours[0].opens == dt.time(13), "it was not asked about"
    assert engagement.session_minutes == (90, 60)
    assert engagement.earliest == dt.date(2025, 9, 1)
    assert engagement.municipality_code is None


def test_a_wish_that_an_interview_took_back_is_none(
    office: Session, interviewed: Application
) -> None:
    for day in (dt.date(2025, 12, 26), None):
        findings = InterviewFindings(last_wish_day=day)
        record_interview(office, "2025-001", "早川 美和", None, tokyo(7, 4), findings=findings)
        assert interviewed.last_wish_day == day


@pytest.mark.parametrize(
    ("findings", "field"),
    [
        (InterviewFindings(purpose=Purpose.REVIEW), "session_minutes"),
        (InterviewFindings(last_wish_day=dt.date(2025, 7, 14)), "last_wish_day"),
        (InterviewFindings(session_minutes=(30,)), "session_minutes"),
    ],
    ids=["five sessions of a review", "no day of the period", "too short a session"],
)
def test_wishes_that_the_programme_does_not_offer_are_refused_on_the_phone_as_on_the_form(
    office: Session, interviewed: Application, findings: InterviewFindings, field: str
) -> None:
    before = (interviewed.purpose, interviewed.last_wish_day, interviewed.session_minutes)
    with pytest.raises(Invalid) as refused:
        record_interview(office, "2025-001", "早川", "…", tokyo(7, 4), findings=findings)
    assert refused.value.field == field
    assert (interviewed.purpose, interviewed.last_wish_day, interviewed.session_minutes) == before
    assert interviewed.interview is not None
    assert interviewed.interview.caller == "早川 美和"


def test_an_interview_is_corrected_until_the_decision(
    office: Session, interviewed: Application
) -> None:
    corrected = record_interview(office, "2025-001", "小野寺 都", None, tokyo(7, 4))
    assert interviewed.state == ApplicationState.INTERVIEWED
    assert (corrected.caller, corrected.notes) == ("小野寺 都", "早めの派遣を希望。")
    assert corrected.held_at == tokyo(7, 3), "when it was held is not when it was corrected"
    record_interview(office, "2025-001", "小野寺 都", "", tokyo(7, 4), held_at=tokyo(7, 2))
    assert (corrected.notes, corrected.held_at) == ("", tokyo(7, 2))
    accept(office)
    with pytest.raises(Conflict, match="interview is not possible"):
        record_interview(office, "2025-001", "小野寺 都", None, tokyo(7, 5))


def test_accepting_makes_an_engagement_that_waits(
    office: Session, interviewed: Application, programme: ProgrammeRules
) -> None:
    engagement = accept(office)
    assert interviewed.state == ApplicationState.ACCEPTED
    assert engagement.id == interviewed.id
    assert engagement.state == EngagementState.WAITING
    assert engagement.session_minutes == (120, 90, 90, 90, 120)
    gaps = (engagement.min_gap_days, engagement.target_gap_days, engagement.max_gap_days)
    assert gaps == (programme.gaps.min_days, programme.gaps.target_days, programme.gaps.max_days)
    assert (engagement.municipality_code, engagement.meeting_url) == ("13101", None)


@pytest.mark.parametrize(
    ("decided_at", "first_wish", "earliest"),
    [
        (tokyo(7, 4), None, dt.date(2025, 7, 15)),
        (tokyo(7, 15), None, dt.date(2025, 7, 23)),
        (tokyo(7, 15), dt.date(2025, 9, 1), dt.date(2025, 9, 1)),
        (tokyo(7, 15), dt.date(2025, 7, 16), dt.date(2025, 7, 23)),
    ],
    ids=["the period begins", "the office needs its lead time", "the wish", "an early wish"],
)
def test_an_engagement_begins_at_the_latest_of_period_lead_time_and_wish(
    office: Session,
    interviewed: Application,
    decided_at: dt.datetime,
    first_wish: dt.date | None,
    earliest: dt.date,
) -> None:
    interviewed.first_wish_day = first_wish
    assert accept(office, decided_at).earliest == earliest


@pytest.mark.parametrize(
    ("last_wish", "latest"),
    [(None, dt.date(2026, 3, 13)), (dt.date(2025, 12, 26), dt.date(2025, 12, 26))],
)
def test_an_engagement_ends_with_the_wish_or_the_period(
    office: Session, interviewed: Application, last_wish: dt.date | None, latest: dt.date
) -> None:
    interviewed.last_wish_day = last_wish
    assert accept(office).latest == latest


@pytest.mark.parametrize(
    ("delivery", "municipality"),
    [(Delivery.ONLINE, "13101"), (Delivery.ON_SITE, "13401")],
    ids=["by wish", "an island"],
)
def test_an_engagement_is_served_online_by_wish_and_on_an_island(
    office: Session, interviewed: Application, delivery: Delivery, municipality: str
) -> None:
    interviewed.delivery = delivery
    interviewed.organization.municipality_code = municipality
    url = "https://meet.example.jp/1"
    decide(office, "2025-001", Outcome.ACCEPTED, (), "笠原 文子", tokyo(7, 4), meeting_url=url)
    engagement = office.get_one(Engagement, "2025-001")
    assert (engagement.municipality_code, engagement.meeting_url) == (None, url)


def test_accepting_needs_every_requirement_met(office: Session, interviewed: Application) -> None:
    unpaid = answers("national_taxes_paid", answer=Answer.NOT_MET)
    record_answers(office, "2025-001", unpaid, AnswerSource.VERIFIED, "早川", tokyo(7, 3))
    interviewed.organization.corporate_number = None
    with pytest.raises(Conflict) as refused:
        accept(office)
    assert refused.value.data["not_met"] == ("national_taxes_paid",)
    assert refused.value.data["unknown"] == ("legal_form",)
    assert interviewed.state == ApplicationState.INTERVIEWED


def test_accepting_needs_a_day_that_is_left(office: Session, interviewed: Application) -> None:
    interviewed.last_wish_day = dt.date(2025, 7, 31)
    with pytest.raises(Conflict) as refused:
        accept(office, tokyo(7, 28))
    assert refused.value.code == "no_day_left"
    assert office.get(Engagement, "2025-001") is None


def test_declining_names_the_requirements_not_met_and_other_reasons(
    office: Session, interviewed: Application
) -> None:
    interviewed.organization.municipality_code = "14131"
    decision = decide(
        office, "2025-001", Outcome.DECLINED, ("団体の都合",), "笠原 文子", tokyo(7, 4)
    )
    assert decision.reasons == ("located_in_tokyo", "団体の都合")
    assert interviewed.state == ApplicationState.DECLINED
    assert office.get(Engagement, "2025-001") is None


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_decision_leaves_its_notice_as_a_draft(
    office: Session, interviewed: Application, outcome: Outcome
) -> None:
    decide(office, "2025-001", outcome, ("団体の都合",), "笠原 文子", tokyo(7, 4))
    notice = office.scalars(select(Notice)).one()
    assert (notice.kind.value, notice.state) == (outcome.value, NoticeState.DRAFT)
    assert (notice.application_id, notice.created_by) == ("2025-001", "笠原 文子")
    assert ("団体の都合" in notice.text_ja) == (outcome == Outcome.DECLINED)


def test_declining_without_any_reason_is_refused(office: Session, interviewed: Application) -> None:
    with pytest.raises(Invalid, match="say why"):
        decide(office, "2025-001", Outcome.DECLINED, (), "笠原 文子", tokyo(7, 4))


def test_a_step_out_of_turn_is_refused_and_changes_nothing(
    office: Session, submitted: Application
) -> None:
    with pytest.raises(Conflict):
        record_interview(office, submitted.id, "早川 美和", "", tokyo(7, 2))
    with pytest.raises(Conflict):
        accept(office)
    assert submitted.state == ApplicationState.SUBMITTED


def test_an_unknown_application_is_not_found(office: Session) -> None:
    with pytest.raises(NotFound):
        withdraw(office, "2025-999", "staff", tokyo(7, 2), reason="体制の変更")


def visit(engagement: Engagement, number: int, start_at: dt.datetime) -> Visit:
    return Visit(
        engagement_id=engagement.id,
        number=number,
        phase=Phase.ACTION_PLAN,
        expert_id="asahina",
        start_at=start_at,
        end_at=start_at + dt.timedelta(hours=2),
        municipality_code="13101",
        place_ja="",
        place_en="",
        revised_at=tokyo(7, 4),
        created_at=tokyo(7, 4),
    )


def test_withdrawing_frees_the_sessions_to_come_and_keeps_the_others(
    office: Session, interviewed: Application
) -> None:
    engagement = accept(office)
    office.add(
        Expert(
            id="asahina",
            name_ja="朝比奈 悠子",
            name_en="Yuko Asahina",
            email="asahina@example.jp",
            municipality_code="13112",
            qualifications=("social_insurance_labor_consultant",),
            max_per_day=2,
            max_per_week=4,
            max_total=14,
            target_total=12,
        )
    )
    office.flush()
    held, coming = visit(engagement, 1, tokyo(7, 22)), visit(engagement, 2, tokyo(8, 19))
    held.status = SessionStatus.HELD
    office.add_all((held, coming))
    office.flush()
    office.expire(engagement)
    now = tokyo(8, 1)
    withdraw(office, "2025-001", "staff", now, reason="体制の変更")
    assert interviewed.state == ApplicationState.WITHDRAWN
    assert engagement.state == EngagementState.WITHDRAWN
    assert (held.status, held.sequence) == (SessionStatus.HELD, 0)
    assert (coming.status, coming.sequence, coming.revised_at) == (SessionStatus.CANCELLED, 1, now)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one writer
def test_who_changes_an_application_keeps_nobody_from_drafting_a_notice_to_it(
    office: Session, interviewed: Application
) -> None:
    accept(office)
    office.commit()
    withdraw(office, "2025-001", "早川 美和", tokyo(7, 10), reason="体制の変更")

    with session_factory(office.get_bind().engine).begin() as db:
        db.execute(text("SET LOCAL lock_timeout = '2s'"))
        db.add(draft_notice(db.get_one(Application, "2025-001"), "planner", tokyo(7, 10)))
        db.flush()


def test_it_is_on_record_who_withdrew_an_application_when_and_why(
    office: Session, interviewed: Application
) -> None:
    withdraw(office, interviewed.id, "hiiragi", tokyo(8, 1), reason="事務局の体制変更のため")
    office.expire_all()

    withdrawal = interviewed.withdrawal
    assert withdrawal is not None
    assert (withdrawal.withdrawn_by, withdrawal.reason) == ("hiiragi", "事務局の体制変更のため")
    assert withdrawal.withdrawn_at == tokyo(8, 1)


def test_a_completed_engagement_is_not_withdrawn(office: Session, interviewed: Application) -> None:
    accept(office).state = EngagementState.COMPLETED
    office.flush()
    with pytest.raises(Conflict):
        withdraw(office, "2025-001", "staff", tokyo(3, 1, year=2026), reason="体制の変更")
    assert interviewed.state == ApplicationState.ACCEPTED


def test_who_withdrew_after_some_sessions_applies_again_for_those_that_are_left(
    db: Session,
) -> None:
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1", status="held"))
    db.add(rows.session("S2", rows.MORNING + dt.timedelta(weeks=3), number=2, status="missed"))
    db.flush()
    now = rows.MORNING + dt.timedelta(weeks=4)
    withdraw(db, "A1", "staff", now, reason="体制の変更")
    again = ApplicationDraft.model_validate(
        {
            "programme_id": "tokyo-2025",
            "organization_id": "O1",
            "channel": "form",
            "delivery": "on_site",
            "needs": {"labor": 1},
            "session_minutes": [60, 60, 60, 60],
            "weekly_hours": [{"weekday": "wed", "opens": "10:00", "closes": "17:00"}],
        }
    )
    with pytest.raises(Invalid, match="ask for at most 3"):
        submit(db, again, now)
    submit(db, again.model_copy(update={"session_minutes": (60, 60, 60)}), now)


def test_a_requirement_that_is_met_is_no_reason_to_decline(
    office: Session, draft: ApplicationDraft, applied_at: dt.datetime
) -> None:
    submitted = submit(office, draft, applied_at)
    met = answers("labor_laws_kept")
    record_answers(office, submitted.id, met, AnswerSource.VERIFIED, "staff", applied_at)
    record_assessment(office, submitted.id, "staff", applied_at)
    with pytest.raises(Invalid) as refused:
        decide(office, submitted.id, Outcome.DECLINED, ["labor_laws_kept"], "staff", applied_at)
    assert refused.value.field == "reasons.0"
