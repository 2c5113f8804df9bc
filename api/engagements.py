"""/v1/engagements: who is to be served, who could do it and why, and an expert on request."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from api.context import database, now, principal, services
from api.explanations import ExplanationQuery, ExplanationView, show
from api.openapi import noun
from api.records import known_programme, one, page_of, visible
from api.revisions import require_match
from api.schema import (
    Body,
    Hours,
    NamedView,
    OptionalBody,
    Page,
    PageQuery,
    PathParameters,
    TokyoTime,
    View,
    absent,
)
from matcher.clock import from_wall_time
from matcher.delivery.engagements import (
    CompletionDraft,
    EngagementChanges,
    course_of,
    revise_engagement,
    sessions_to_replan,
)
from matcher.delivery.engagements import complete as complete_engagement
from matcher.errors import Forbidden
from matcher.fields import Identifier, MunicipalityCode
from matcher.intake.lists import needs
from matcher.models import Engagement, EngagementState, Expert, Organization, Release
from matcher.planning.assigning.assignment import Proposal, carry_out, list_candidates, propose
from matcher.planning.explaining.inquiry import CandidateAnswer, earliest_schedules, inquire
from matcher.planning.explaining.telling import Voice
from matcher.planning.stating.matching import Match, ReasonCode
from matcher.programme import Phase, PhaseContents, Specialty, Words
from solver.question import Way

blueprint = noun("engagements", "Accepted applications that an expert is to serve (派遣案件)")


class EngagementPath(PathParameters):
    """Which engagement."""

    engagement_id: Identifier


class EngagementQuery(PageQuery):
    """Which engagements."""

    state: EngagementState | SkipJsonSchema[None] = absent("only those in one state")
    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")
    municipality: MunicipalityCode | SkipJsonSchema[None] = absent(
        "only those of organizations from there"
    )
    specialty: Specialty | SkipJsonSchema[None] = absent("only those that need it")


class EngagementChangesBody(Body, EngagementChanges):
    """What is to be different; what is left out stays. `absences` replaces those there were."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "session_minutes": [120, 90, 120],
                "session_contents": ["行動計画", "事例の整理と本文の作成", "運用の助言"],
                "max_gap_days": 42,
                "absences": [
                    {
                        "start_at": "2025-12-01T09:00:00+09:00",
                        "end_at": "2025-12-05T18:00:00+09:00",
                        "reason": "年次総会",
                    }
                ],
            }
        }
    )


class CompletionBody(Body, CompletionDraft):
    """What becomes of the manual; and why it ends early, where sessions are left."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "rollout": "会員総会で配布し、説明会を開く。",
                "revision": "年に一度、春に見直す。",
            }
        }
    )


class EngagementView(View):
    """An accepted application that an expert is to serve."""

    id: str = Field(description="that of the application")
    programme_id: str
    organization: NamedView
    state: EngagementState
    session_minutes: tuple[int, ...]
    session_contents: tuple[str, ...] | None = Field(
        description="what each session is about, as agreed; null: as the programme has it"
    )
    earliest: date
    latest: date
    min_gap_days: int
    target_gap_days: int
    max_gap_days: int
    expert_may_change: bool = Field(
        description="whether the sessions to come may go to another expert than those that were "
        "held; else only where the expert can serve it no more"
    )
    weight: int | None = Field(description="null: it is for the office alone")
    municipality_code: str | None = Field(description="null: online")
    meeting_url: str | None


class CourseSessionView(View):
    """What one session is for."""

    number: int
    minutes: int
    phase: Phase
    title: Words
    contents: PhaseContents = Field(
        description="as the programme has it, for a new manual or for the review of one"
    )
    agreed: str | None = Field(description="what it is about, as agreed; null: nothing else")


class CompletionView(View):
    """How an engagement ended."""

    rollout: str = Field(description="how the manual reaches the members")
    revision: str = Field(description="when and how it will be revised")
    early_reason: str | None = Field(description="null: no session was left")
    completed_at: TokyoTime
    completed_by: str


class BusyTimeView(View):
    """A time at which an organization receives nobody, [start_at, end_at)."""

    start_at: TokyoTime
    end_at: TokyoTime


class EngagementDetailView(EngagementView):
    """An engagement with its hours, what its sessions are for, and how it ended."""

    derived: ClassVar[frozenset[str]] = frozenset({"sessions_to_replan"})

    needs: dict[Specialty, int] = Field(
        description="what the organization needs help with, 1 to 3: how much it weighs"
    )
    weekly_hours: tuple[Hours, ...]
    preferred_hours: tuple[Hours, ...]
    absences: tuple[BusyTimeView, ...]

    course: tuple[CourseSessionView, ...] = Field(description="the sessions that are wanted")
    sessions_to_replan: tuple[str, ...] = Field(
        description="the ids of published sessions that no longer agree with this, or no longer "
        "fit their expert: "
        "ask for an assignment, or start a planning run"
    )
    completion: CompletionView | None


class EngagementPage(Page):
    """Engagements by id."""

    items: tuple[EngagementView, ...]


class ReasonView(View):
    """One part of what choosing an expert costs."""

    code: ReasonCode
    points: int
    text_ja: str
    text_en: str


class CandidateView(View):
    """An expert who may serve the engagement, and the earliest dates beside what is published."""

    rank: int
    expert: NamedView
    cost: Annotated[int, Field(description="for each session, 0 (perfect) to 100")]
    reasons: tuple[ReasonView, ...]
    sessions: int = Field(description="the most that are possible beside what is published")
    earliest: tuple[TokyoTime, ...] | None = Field(
        description="the starts of the complete schedule that ends first; null: none is possible"
    )


class ExclusionView(View):
    """An expert who may not, and why."""

    expert: NamedView
    code: str
    text_ja: str
    text_en: str


class CandidatesView(View):
    """Who could serve an engagement, the best first, and who could not."""

    engagement_id: str
    ranked: tuple[CandidateView, ...]
    excluded: tuple[ExclusionView, ...]


class AssignmentBody(OptionalBody):
    """Whether to publish at once."""

    model_config = ConfigDict(json_schema_extra={"example": {"publish": False}})

    publish: bool = Field(default=True, description="false: only propose, and keep nothing of it")


class PlannedSessionView(View):
    """One session as it is assigned."""

    number: int
    phase: Phase
    start_at: TokyoTime
    end_at: TokyoTime
    municipality_code: str | None
    place_ja: str
    place_en: str
    meeting_url: str | None


class ProposalView(View):
    """An expert and dates for one engagement, everything else as it is."""

    expert: NamedView
    match_cost: int = Field(description="of the expert for each session, 0 (perfect) to 100")
    reasons: tuple[ReasonView, ...]
    sessions: tuple[PlannedSessionView, ...]
    wanted_sessions: int
    cost: int = Field(description="of the engagement with all that is fixed around it")
    bound: int = Field(description="no assignment costs less")
    is_optimal: bool = Field(description="it is proven that there is no better one")


class AssignmentView(ProposalView):
    """Who serves an engagement, when and why."""

    engagement_id: str
    release: int | None = Field(description="the release that holds it; null: it is a proposal")


@blueprint.get("", responses={200: EngagementPage})
def list(query: EngagementQuery) -> EngagementPage:
    """List the engagements."""
    wanted = visible(Engagement).options(joinedload(Engagement.organization))
    if query.state:
        wanted = wanted.where(Engagement.state == query.state)
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(Engagement.programme_id == query.programme)
    if query.municipality:
        wanted = wanted.where(
            Engagement.organization.has(Organization.municipality_code == query.municipality)
        )
    if query.specialty:
        wanted = wanted.where(Engagement.application.has(needs(query.specialty)))
    page = EngagementPage.of(page_of(wanted, [Engagement.id], query))
    return page.model_copy(update={"items": tuple(map(_for_reader, page.items))})


@blueprint.get("/<engagement_id>", responses={200: EngagementDetailView})
def get(path: EngagementPath) -> EngagementDetailView:
    """Get one engagement, with what each of its sessions is for."""
    return _detail(one(Engagement, path.engagement_id))


@blueprint.patch("/<engagement_id>", responses={200: EngagementDetailView})
def revise(path: EngagementPath, body: EngagementChangesBody) -> EngagementDetailView:
    """Revise what an engagement asks for, as agreed after session 1.

    What is published stays until it is planned anew; `sessions_to_replan` tells which sessions no
    longer agree. If-Match holds the ETag with which the engagement was read.
    """
    engagement = one(Engagement, path.engagement_id, for_change=True)
    require_match(_detail(engagement))
    return _detail(revise_engagement(database(), engagement, body, now()))


@blueprint.post("/<engagement_id>/completion", responses={200: EngagementDetailView})
def complete(path: EngagementPath, body: CompletionBody) -> EngagementDetailView:
    """Complete an engagement; sessions that are still to come are cancelled."""
    engagement = one(Engagement, path.engagement_id)
    return _detail(complete_engagement(database(), engagement.id, body, principal().name, now()))


@blueprint.get("/<engagement_id>/candidates", responses={200: CandidatesView})
def candidates(path: EngagementPath) -> CandidatesView:
    """List who could serve an engagement, the best first, with reasons, and who could not."""
    found = list_candidates(database(), path.engagement_id, now())
    schedules = earliest_schedules(database(), path.engagement_id, now())
    experts = _experts()
    return CandidatesView(
        engagement_id=path.engagement_id,
        ranked=tuple(
            _candidate(rank, match, experts, schedules.get(match.expert_id))
            for rank, match in enumerate(found.ranked, 1)
        ),
        excluded=tuple(
            ExclusionView(
                expert=experts[each.expert_id],
                code=each.code,
                text_ja=each.text_ja,
                text_en=each.text_en,
            )
            for each in found.excluded
        ),
    )


@blueprint.get("/<engagement_id>/explanation", responses={200: ExplanationView, 409: None})
def explanation(path: EngagementPath, query: ExplanationQuery) -> ExplanationView:
    """Say why an engagement has no more sessions than it has, and what would help.

    Each answer is that of a solve made for it: served; room (assign it); impossible, with a minimal
    set of conditions that cannot all hold; movable (a planning run can make room); not_chosen, with
    the proof that nobody else keeps all sessions if it gets more; undecided (time ran out). An
    organization reads its own, in a voice that names nobody else.
    """
    one(Engagement, path.engagement_id)
    own = Voice.PLANNER if principal().is_of_the_office else Voice.ORGANIZATION
    voice = query.voice or own
    if voice is Voice.PLANNER and not principal().is_of_the_office:
        raise Forbidden(
            "A planner's voice is for the office alone. Ask for voice=organization.",
            "計画担当者向けの説明は事務局のみが閲覧できます。voice=organizationを指定してください。",
        )
    return show(inquire(database(), path.engagement_id, now(), seconds=query.seconds), voice)


@blueprint.post("/<engagement_id>/assignment", responses={200: AssignmentView})
def assign(path: EngagementPath, body: AssignmentBody) -> AssignmentView:
    """Assign an expert and dates to one engagement, at once, everything else as it is.

    It is published as a release of its own, unless `publish` is false.
    """
    with services().reading() as db:  # so that nobody who writes waits for the search
        proposal = propose(db, path.engagement_id, now())
    if not body.publish:
        return show_assignment(proposal, None)
    return show_assignment(*carry_out(database(), proposal, principal().name, now()))


def _detail(engagement: Engagement) -> EngagementDetailView:
    completion = engagement.completion
    application = engagement.application
    return EngagementDetailView(
        **dict(_for_reader(EngagementView.of(engagement))),
        needs=application.needs,
        weekly_hours=tuple(map(Hours.model_validate, application.weekly_hours)),
        preferred_hours=tuple(map(Hours.model_validate, application.preferred_hours)),
        absences=tuple(map(BusyTimeView.of, application.absences)),
        course=tuple(map(CourseSessionView.of, course_of(engagement))),
        sessions_to_replan=tuple(each.id for each in sessions_to_replan(engagement, now())),
        completion=None if completion is None else CompletionView.of(completion),
    )


def _for_reader(view: EngagementView) -> EngagementView:
    """Show an engagement; how much it counts beside others is for the office alone."""
    return view if principal().is_of_the_office else view.model_copy(update={"weight": None})


def show_proposal(proposal: Proposal) -> ProposalView:
    """Show who would serve an engagement, when and why."""
    return ProposalView(
        expert=NamedView.of(database().get_one(Expert, proposal.match.expert_id)),
        match_cost=proposal.match.cost,
        reasons=tuple(map(ReasonView.of, proposal.match.reasons)),
        sessions=tuple(map(PlannedSessionView.of, proposal.sessions)),
        wanted_sessions=proposal.wanted_sessions,
        cost=proposal.cost.total,
        bound=proposal.bound,
        is_optimal=proposal.is_optimal,
    )


def show_assignment(proposal: Proposal, release: Release | None) -> AssignmentView:
    """Show who serves an engagement, when and why, and the release that holds it."""
    return AssignmentView(
        engagement_id=proposal.engagement_id,
        release=None if release is None else release.number,
        **dict(show_proposal(proposal)),
    )


def _experts() -> dict[str, NamedView]:
    return {each.id: NamedView.of(each) for each in database().scalars(select(Expert))}


def _candidate(
    rank: int, match: Match, experts: dict[str, NamedView], schedule: CandidateAnswer | None
) -> CandidateView:
    return CandidateView(
        rank=rank,
        expert=experts[match.expert_id],
        cost=match.cost,
        reasons=tuple(map(ReasonView.of, match.reasons)),
        sessions=schedule.sessions if schedule else 0,
        earliest=_starts(schedule.earliest) if schedule and schedule.earliest else None,
    )


def _starts(way: Way) -> tuple[datetime, ...]:
    return tuple(map(from_wall_time, way.starts))
