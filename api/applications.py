"""/v1/applications: from submission to decision."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from flask import Response
from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import joinedload, selectinload

from api.context import database, now, principal
from api.engagements import ProposalView, show_proposal
from api.openapi import noun
from api.records import known_programme, one, page_of, visible
from api.schema import (
    AbsenceView,
    Body,
    Created,
    Hours,
    OptionalBody,
    Page,
    PageQuery,
    PathParameters,
    TokyoTime,
    View,
    absent,
    created,
)
from api.sheets import (
    TEMPLATE_RESPONSES,
    ImportQuery,
    ImportView,
    SheetBody,
    TemplateQuery,
    read_sheet,
    rules_of,
    sheet_to_fill_in,
    taken_in,
)
from matcher.access import check_applicant, decision_is_told, decision_told
from matcher.clock import start_of
from matcher.fields import (
    Day,
    Identifier,
    Line,
    MeetingUrl,
    Moment,
    MunicipalityCode,
    OptionalLine,
    Paragraphs,
    Text,
    unchanged,
)
from matcher.intake.applications import decide as decide_application
from matcher.intake.applications import record_answers, record_assessment, record_interview
from matcher.intake.applications import submit as submit_application
from matcher.intake.applications import withdraw as withdraw_application
from matcher.intake.drafts import AbsentTime, ApplicationDraft, GivenAnswer, InterviewFindings
from matcher.intake.imports import import_applications
from matcher.intake.lists import interview_due_before, needs
from matcher.intake.prospect import prospect_of
from matcher.intake.requirements import assess as assess_application
from matcher.intake.sheets import application_columns
from matcher.models import (
    Answer,
    AnswerSource,
    Application,
    ApplicationState,
    Channel,
    Delivery,
    Organization,
    Outcome,
    Purpose,
)
from matcher.programme import RequirementKind, Specialty, Words

blueprint = noun("applications", "What organizations apply for, from submission to decision (申込)")

Needs = Annotated[
    dict[Specialty, Annotated[int, Field(ge=1, le=3)]],
    Field(min_length=1, description="what help is wanted with, 1 (a little) to 3 (above all)"),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                each.value: {"type": "integer", "minimum": 1, "maximum": 3} for each in Specialty
            },
            "additionalProperties": False,
            "minProperties": 1,
        }
    ),
]
SessionMinutes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=24 * 60)], ...],
    Field(min_length=1, max_length=5, description="how long each may be, the programme says"),
]
WeeklyHoursOfBody = Annotated[tuple[Hours, ...], Field(max_length=50)]
SomeWeeklyHours = Annotated[tuple[Hours, ...], Field(min_length=1, max_length=50)]


class ApplicationPath(PathParameters):
    """Which application."""

    application_id: Identifier


class ApplicationQuery(PageQuery):
    """Which applications."""

    state: ApplicationState | SkipJsonSchema[None] = absent("only those in one state")
    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")
    organization: Identifier | SkipJsonSchema[None] = absent("only those of one organization")
    municipality: MunicipalityCode | SkipJsonSchema[None] = absent("only those from there")
    specialty: Specialty | SkipJsonSchema[None] = absent("only those that need it")
    due_before: Day | SkipJsonSchema[None] = absent(
        "only those whose interview is due before this day and not yet held"
    )
    submitted_since: Day | SkipJsonSchema[None] = absent("only those of this day and later")


class AbsenceBody(Body, AbsentTime):
    """An interval in which the organization cannot receive an expert."""

    start_at: Moment
    end_at: Moment
    reason: OptionalLine = ""


AbsencesOfBody = Annotated[tuple[AbsenceBody, ...], Field(max_length=500)]


class AnswerBody(Body, GivenAnswer):
    """An answer to one requirement."""

    requirement_id: Identifier
    evidence: Paragraphs = ""


class ApplicationBody(Body, ApplicationDraft):
    """What an organization asks for."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "programme_id": "tokyo-2025",
                "organization_id": "organization-01",
                "channel": "online",
                "delivery": "on_site",
                "purpose": "new_manual",
                "needs": {"labor": 3, "counseling": 1},
                "session_minutes": [120, 90, 90, 90, 120],
                "weekly_hours": [
                    {"weekday": "tue", "opens": "10:00", "closes": "17:00"},
                    {"weekday": "thu", "opens": "10:00", "closes": "17:00"},
                ],
                "preferred_hours": [{"weekday": "tue", "opens": "13:00", "closes": "17:00"}],
                "last_wish_day": "2026-02-27",
                "answers": [{"requirement_id": "labor_laws_kept", "answer": "met"}],
            }
        }
    )

    programme_id: Identifier
    organization_id: Identifier
    needs: Needs
    session_minutes: SessionMinutes
    weekly_hours: SomeWeeklyHours
    preferred_hours: WeeklyHoursOfBody = ()
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    absences: AbsencesOfBody = ()
    answers: Annotated[tuple[AnswerBody, ...], Field(max_length=100)] = ()


class AssessmentBody(OptionalBody):
    """Answers to keep before the requirements are assessed."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "source": "verified",
                "answers": [
                    {
                        "requirement_id": "national_taxes_paid",
                        "answer": "met",
                        "evidence": "納税証明書(その3の3)",
                    }
                ],
            }
        }
    )

    source: Literal[AnswerSource.DECLARED, AnswerSource.VERIFIED] = AnswerSource.VERIFIED
    answers: Annotated[tuple[AnswerBody, ...], Field(max_length=100)] = ()


class InterviewBody(Body, InterviewFindings):
    """The phone call before the decision, and the wishes it changed; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "caller": "滝沢 直樹",
                "notes": "会員向けの手引きを年内にまとめたい。",
                "needs": {"labor": 3, "hr": 2},
                "session_minutes": [120, 90, 90, 60],
                "last_wish_day": "2025-12-26",
            }
        }
    )

    caller: Line
    notes: Paragraphs | None = Field(default=None, description="null: as they were, at first none")
    held_at: Moment | None = Field(
        default=None, description="when the call was; null: as it was, at first now"
    )
    needs: Needs = unchanged()
    session_minutes: SessionMinutes = unchanged()
    weekly_hours: SomeWeeklyHours = unchanged()
    preferred_hours: WeeklyHoursOfBody = unchanged()
    absences: AbsencesOfBody = unchanged()


class DecisionBody(Body):
    """Accepted, which makes an engagement, or declined."""

    model_config = ConfigDict(json_schema_extra={"example": {"outcome": "accepted"}})

    outcome: Outcome
    reasons: Annotated[tuple[Line, ...], Field(max_length=20)] = Field(
        default=(), description="in words; the requirements that are not met are added"
    )
    meeting_url: MeetingUrl | None = Field(default=None, description="the link of online sessions")


class WithdrawalBody(Body):
    """Why the application is taken back."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "事務局の体制変更のため"}})

    reason: Text


class InterviewView(View):
    """The phone call before the decision."""

    due_on: date
    held_at: TokyoTime | None
    caller: str | None
    notes: str | None = Field(description="null: they are for the office alone")


class DecisionView(View):
    """What was decided."""

    outcome: Outcome
    decided_at: TokyoTime
    decided_by: str | None = Field(description="null: it is for the office alone")
    reasons: tuple[str, ...]


class WithdrawalView(View):
    """Who took an application back, when and why."""

    withdrawn_at: TokyoTime
    withdrawn_by: str | None = Field(description="null: it is for the office alone")
    reason: str


class ApplicationView(View):
    """An organization's request for an expert."""

    id: str
    programme_id: str
    organization_id: str
    submitted_at: TokyoTime
    channel: Channel
    state: ApplicationState
    delivery: Delivery
    purpose: Purpose
    needs: dict[Specialty, int]
    session_minutes: tuple[int, ...]
    weekly_hours: tuple[Hours, ...]
    preferred_hours: tuple[Hours, ...]
    first_wish_day: date | None
    last_wish_day: date | None
    weight: int | None = Field(description="null: it is for the office alone")
    absences: tuple[AbsenceView, ...]
    interview: InterviewView | None
    decision: DecisionView | None = Field(
        description="null: there is none, or it is not told yet: its notice waits for release"
    )
    withdrawal: WithdrawalView | None


class ApplicationPage(Page):
    """Applications in the order in which they came in."""

    items: tuple[ApplicationView, ...]


class RequirementView(View):
    """One condition of the programme."""

    id: str
    text: Words
    kind: RequirementKind


class FindingView(View):
    """The answer to one requirement."""

    requirement: RequirementView
    answer: Answer
    source: AnswerSource | None
    evidence: str
    answered_by: str | None
    answered_at: TokyoTime | None


class AssessmentView(View):
    """The answers to all requirements; accepted needs all of them met."""

    eligible: bool
    findings: tuple[FindingView, ...]


class ProspectView(View):
    """Whether an organization could be served as things stand."""

    application_id: str
    servable: bool
    proposal: ProposalView | None = Field(description="by whom and when; null: by nobody")
    reasons: tuple[Words, ...] = Field(description="why not; empty where it could be served")


@blueprint.get("", responses={200: ApplicationPage})
def list(query: ApplicationQuery) -> ApplicationPage:
    """List the applications in the order in which they came in."""
    wanted = visible(Application).options(
        selectinload(Application.absences),
        joinedload(Application.interview),
        joinedload(Application.decision),
        joinedload(Application.withdrawal),
    )
    if query.state:
        wanted = wanted.where(Application.state == query.state)
        if query.state in _DECIDED and not principal().is_of_the_office:
            wanted = wanted.where(decision_told())
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(Application.programme_id == query.programme)
    if query.organization:
        wanted = wanted.where(Application.organization_id == query.organization)
    if query.municipality:
        wanted = wanted.where(
            Application.organization.has(Organization.municipality_code == query.municipality)
        )
    if query.specialty:
        wanted = wanted.where(needs(query.specialty))
    if query.due_before:
        wanted = wanted.where(interview_due_before(query.due_before))
    if query.submitted_since:
        wanted = wanted.where(Application.submitted_at >= start_of(query.submitted_since))
    page = page_of(wanted, [Application.submitted_at, Application.id], query)
    return ApplicationPage(items=tuple(map(_view, page.items)), next=page.next)


@blueprint.get("/<application_id>", responses={200: ApplicationView})
def get(path: ApplicationPath) -> ApplicationView:
    """Get one application."""
    return _view(one(Application, path.application_id))


@blueprint.post("", responses={201: ApplicationView})
def submit(body: ApplicationBody) -> Created[ApplicationView]:
    """Submit an application."""
    check_applicant(principal(), body.organization_id, body.weight)
    application = submit_application(database(), body, now())
    return created(_view(application), f"/v1/applications/{application.id}")


@blueprint.post("/imports", responses={200: ImportView})
def import_sheet(query: ImportQuery, raw: SheetBody) -> ImportView:
    """Submit the application of each row of a CSV or Excel file, all of them or none.

    An organization that is not on record is registered. Where rows are refused, the answer is 422
    with all `faults`, unless `partial` asks for the others.
    """
    table = read_sheet(raw, query)
    imported = import_applications(database(), table, query.programme, now(), partial=query.partial)
    return taken_in(table, imported, query)


@blueprint.get("/imports/template", responses=TEMPLATE_RESPONSES)
def template(query: TemplateQuery) -> Response:
    """Get the sheet for applications with their organizations, with an example to replace."""
    return sheet_to_fill_in("applications", application_columns(rules_of(query)), query.format)


@blueprint.get("/<application_id>/assessment", responses={200: AssessmentView})
def assessment(path: ApplicationPath) -> AssessmentView:
    """Get the answers to all requirements as they stand; nothing changes."""
    application = one(Application, path.application_id)
    return AssessmentView.of(assess_application(application, application.programme.rules, now()))


@blueprint.post("/<application_id>/assessment", responses={200: AssessmentView})
def assess(path: ApplicationPath, body: AssessmentBody) -> AssessmentView:
    """Keep answers, if there are any, and assess the requirements."""
    application = one(Application, path.application_id)
    by = principal().name
    if body.answers:
        record_answers(database(), application.id, body.answers, body.source, by, now())
    return AssessmentView.of(record_assessment(database(), application.id, by, now()))


@blueprint.post("/<application_id>/interview", responses={200: ApplicationView})
def interview(path: ApplicationPath, body: InterviewBody) -> ApplicationView:
    """Record the phone call before the decision, or correct what was recorded of it.

    Wishes that are given replace those of the application.
    """
    application = one(Application, path.application_id)
    record_interview(
        database(),
        application.id,
        body.caller,
        body.notes,
        now(),
        held_at=body.held_at,
        findings=body,
    )
    return _view(application)


@blueprint.get("/<application_id>/prospect", responses={200: ProspectView, 409: None})
def prospect(path: ApplicationPath) -> ProspectView:
    """Try, before the decision, whether the organization could be served, by whom and from when.

    It is what an assignment would give if the application were accepted now. Nothing is kept.
    """
    application = one(Application, path.application_id)
    found = prospect_of(database(), application.id, now())
    return ProspectView(
        application_id=application.id,
        servable=found.proposal is not None,
        proposal=None if found.proposal is None else show_proposal(found.proposal),
        reasons=found.reasons,
    )


@blueprint.post("/<application_id>/decision", responses={200: ApplicationView})
def decide(path: ApplicationPath, body: DecisionBody) -> ApplicationView:
    """Accept an application, which makes an engagement of the same id, or decline it."""
    application = one(Application, path.application_id)
    decide_application(
        database(),
        application.id,
        body.outcome,
        body.reasons,
        principal().name,
        now(),
        meeting_url=body.meeting_url,
    )
    return _view(application)


@blueprint.post("/<application_id>/withdrawal", responses={200: ApplicationView})
def withdraw(path: ApplicationPath, body: WithdrawalBody) -> ApplicationView:
    """Take an application back; its future sessions are cancelled."""
    application = one(Application, path.application_id)
    return _view(
        withdraw_application(
            database(), application.id, principal().name, now(), reason=body.reason
        )
    )


def _view(application: Application) -> ApplicationView:
    """Show an application; what the office notes of it is for the office alone.

    So is who decided, and the decision itself until a person has let it out.
    """
    view = ApplicationView.of(application)
    if principal().is_of_the_office:
        return view
    told: dict[str, object] = {"weight": None}
    if view.interview is not None:
        told["interview"] = view.interview.model_copy(update={"notes": None})
    if view.withdrawal is not None:
        told["withdrawal"] = view.withdrawal.model_copy(update={"withdrawn_by": None})
    if view.decision is not None:
        told["decision"] = view.decision.model_copy(update={"decided_by": None})
        if not decision_is_told(database(), application):
            told["decision"] = None
            if view.state in _DECIDED:
                told["state"] = ApplicationState.INTERVIEWED
    return view.model_copy(update=told)


_DECIDED = frozenset({ApplicationState.ACCEPTED, ApplicationState.DECLINED})
