"""/v1/experts: the experts, and when they can serve."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from flask import Response
from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import false, or_
from sqlalchemy.orm import selectinload

from api.context import database, now, services
from api.openapi import noun
from api.records import one, page_of, visible
from api.revisions import require_match, tagged
from api.schema import (
    AbsenceView,
    Body,
    Created,
    Hours,
    Page,
    PageQuery,
    PathParameters,
    Query,
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
from matcher.calendars.free_busy import read_free_busy, render_free_busy, window_of
from matcher.fields import Identifier, Moment, MunicipalityCode
from matcher.industries import Industry
from matcher.intake.imports import import_experts
from matcher.intake.sheets import expert_columns
from matcher.models import CalendarBy, Expert, holds
from matcher.planning.stating.replanning import sessions_to_replan
from matcher.programme import Qualification, Specialty, Words
from matcher.registry import (
    AvailabilityDraft,
    ExpertChanges,
    ExpertDraft,
    edit_expert,
    qualifications_for,
    register_expert,
    set_availability,
)

blueprint = noun("experts", "The experts (専門家), and when they can serve (対応可能時間)")


class ExpertPath(PathParameters):
    """Which expert."""

    expert_id: Identifier


class FreeBusyQuery(Query):
    """Which time."""

    since: Moment | SkipJsonSchema[None] = absent(
        "from this moment on, by default now: `2025-07-14T00:00:00Z`, or with an offset, whose + "
        "is %2B here"
    )
    until: Moment | SkipJsonSchema[None] = absent(
        "up to this moment, by default the end of the last programme"
    )


class ExpertBody(Body, ExpertDraft):
    """An expert to register, with no hours yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name_ja": "見本 はるか",
                "name_en": "Haruka Mihon",
                "email": "haruka.mihon@experts.example.jp",
                "municipality_code": "13104",
                "qualifications": ["social_insurance_labor_consultant"],
                "industries": ["retail"],
                "languages": ["ja", "en"],
                "max_per_day": 2,
                "max_per_week": 4,
                "max_total": 15,
                "target_total": 12,
            }
        }
    )


class ExpertChangesBody(Body, ExpertChanges):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"max_per_week": 3}})


class AvailabilityBody(Body, AvailabilityDraft):
    """Weekly hours on Tokyo's walls, and absences. It replaces what was there."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "weekly_hours": [{"weekday": "tue", "opens": "09:30", "closes": "17:30"}],
                "absences": [
                    {
                        "start_at": "2025-08-12T00:00:00+09:00",
                        "end_at": "2025-08-16T00:00:00+09:00",
                        "reason": "夏季休暇",
                    }
                ],
            }
        }
    )

    weekly_hours: Annotated[tuple[Hours, ...], Field(max_length=50)]


class ExpertQuery(PageQuery):
    """Which experts."""

    qualification: Qualification | SkipJsonSchema[None] = absent("only those certified as this")
    specialty: Specialty | SkipJsonSchema[None] = absent("only those of one specialty")
    industry: Industry | SkipJsonSchema[None] = absent("only those who worked for one industry")
    active: bool | SkipJsonSchema[None] = absent("only those who serve now, or who do not")
    municipality: MunicipalityCode | SkipJsonSchema[None] = absent("only those of one municipality")


class ConflictView(View):
    """Why an expert may not serve an organization."""

    organization_id: str
    reason: str


class ExpertView(View):
    """An expert."""

    id: str
    name_ja: str
    name_en: str
    email: str
    calendar_by: CalendarBy
    municipality_code: str
    qualifications: tuple[Qualification, ...]
    industries: tuple[str, ...]
    languages: tuple[str, ...]
    max_per_day: int
    max_per_week: int
    max_total: int
    target_total: int
    active: bool
    conflicts: tuple[ConflictView, ...]


class ExpertPage(Page):
    """Experts by id."""

    items: tuple[ExpertView, ...]


class AvailabilityView(View):
    """When an expert can serve: weekly hours, minus absences."""

    weekly_hours: tuple[Hours, ...]
    absences: tuple[AbsenceView, ...]


class SessionToReplanView(View):
    """A published session that no longer fits; it stays as it is until a release moves it."""

    id: str
    engagement_id: str
    number: int
    start_at: TokyoTime
    reason: Words


class SessionsToReplanView(View):
    """What is to be planned again for one expert, as things stand."""

    sessions_to_replan: tuple[SessionToReplanView, ...]


class ChangedExpertView(ExpertView):
    """An expert after a change, and what is to be planned again for it."""

    sessions_to_replan: tuple[SessionToReplanView, ...]


class ChangedAvailabilityView(AvailabilityView):
    """When an expert can serve after a change, and what is to be planned again for it."""

    sessions_to_replan: tuple[SessionToReplanView, ...]


@blueprint.get("", responses={200: ExpertPage})
def list(query: ExpertQuery) -> ExpertPage:
    """List the experts."""
    wanted = visible(Expert).options(selectinload(Expert.conflicts))
    if query.qualification:
        wanted = wanted.where(holds(Expert.qualifications, query.qualification))
    if query.specialty:
        counted = qualifications_for(database(), query.specialty)
        wanted = wanted.where(or_(false(), *(holds(Expert.qualifications, own) for own in counted)))
    if query.industry:
        wanted = wanted.where(holds(Expert.industries, query.industry))
    if query.active is not None:
        wanted = wanted.where(Expert.active.is_(query.active))
    if query.municipality:
        wanted = wanted.where(Expert.municipality_code == query.municipality)
    return ExpertPage.of(page_of(wanted, [Expert.id], query))


@blueprint.get("/<expert_id>", responses={200: ExpertView})
def get(path: ExpertPath) -> ExpertView:
    """Get one expert."""
    return ExpertView.of(one(Expert, path.expert_id))


@blueprint.post("", responses={201: ExpertView})
def create(body: ExpertBody) -> Created[ExpertView]:
    """Register an expert."""
    expert = register_expert(database(), body, now())
    return created(ExpertView.of(expert), f"/v1/experts/{expert.id}")


@blueprint.post("/imports", responses={200: ImportView})
def import_sheet(query: ImportQuery, raw: SheetBody) -> ImportView:
    """Register the expert of each row of a CSV or Excel file, with hours; all of them or none.

    Where rows are refused, the answer is 422 with all `faults`, unless `partial` asks for the
    others.
    """
    table = read_sheet(raw, query)
    imported = import_experts(database(), table, rules_of(query), now(), partial=query.partial)
    return taken_in(table, imported, query)


@blueprint.get("/imports/template", responses=TEMPLATE_RESPONSES)
def template(query: TemplateQuery) -> Response:
    """Get the sheet for experts with their hours, with an example to replace."""
    return sheet_to_fill_in("experts", expert_columns(rules_of(query)), query.format)


@blueprint.patch("/<expert_id>", responses={200: ChangedExpertView})
def edit(path: ExpertPath, body: ExpertChangesBody) -> Any:  # noqa: ANN401  a Flask answer
    """Edit an expert; published sessions that no longer fit are named, and stay as they are.

    If-Match holds the ETag with which it was read.
    """
    expert = one(Expert, path.expert_id, for_change=True)
    require_match(ExpertView.of(expert))
    state = ExpertView.of(edit_expert(database(), expert, body, now()))
    return tagged(
        ChangedExpertView(**dict(state), sessions_to_replan=_sessions_to_replan(expert)), state
    )


@blueprint.get("/<expert_id>/availability", responses={200: AvailabilityView})
def availability(path: ExpertPath) -> AvailabilityView:
    """Get an expert's weekly hours and absences."""
    return AvailabilityView.of(one(Expert, path.expert_id))


@blueprint.put("/<expert_id>/availability", responses={200: ChangedAvailabilityView})
def set_hours(path: ExpertPath, body: AvailabilityBody) -> Any:  # noqa: ANN401  likewise
    """Replace an expert's weekly hours and absences.

    Published sessions that lie outside them now are named, and stay until a release moves them.
    If-Match holds the ETag with which they were read.
    """
    expert = one(Expert, path.expert_id, for_change=True)
    require_match(AvailabilityView.of(expert))
    state = AvailabilityView.of(set_availability(database(), expert, body, now()))
    return tagged(
        ChangedAvailabilityView(**dict(state), sessions_to_replan=_sessions_to_replan(expert)),
        state,
    )


@blueprint.get("/<expert_id>/sessions-to-replan", responses={200: SessionsToReplanView})
def to_replan(path: ExpertPath) -> SessionsToReplanView:
    """List an expert's published sessions that do not fit as things stand, by their start.

    A change of the expert or of hours answers the same list; each stays until a release moves it.
    """
    expert = one(Expert, path.expert_id)
    return SessionsToReplanView(sessions_to_replan=_sessions_to_replan(expert))


@blueprint.get(
    "/<expert_id>/free-busy",
    responses={
        HTTPStatus.OK: {
            "description": "When the expert is not free, as VFREEBUSY; never why",
            "content": {"text/calendar": {"schema": {"type": "string"}}},
        }
    },
)
def free_busy(path: ExpertPath, query: FreeBusyQuery) -> Response:
    """Get when an expert is not free, as calendar programs ask for it (VFREEBUSY).

    Sessions, absences and the expert's own calendars are busy, times on hold tentative, and what
    lies outside of the weekly hours unavailable.
    """
    expert = one(Expert, path.expert_id)
    window = window_of(database(), query.since, query.until, now())
    times = read_free_busy(database(), expert, window, now())
    response = Response(
        render_free_busy(times, now(), services().shelf.organizer),
        content_type="text/calendar; charset=utf-8",
    )
    response.headers["Content-Disposition"] = f'inline; filename="free-busy-{expert.id}.ifb"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _sessions_to_replan(expert: Expert) -> tuple[SessionToReplanView, ...]:
    return tuple(map(SessionToReplanView.of, sessions_to_replan(database(), expert, now())))
