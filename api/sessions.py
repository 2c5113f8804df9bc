"""/v1/sessions: the visits of experts to organizations."""

from __future__ import annotations

from datetime import date

from pydantic import AliasPath, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import joinedload

from api.openapi import noun
from api.records import one, page_of, visible
from api.schema import NamedView, Page, PageQuery, PathParameters, TokyoTime, View, absent
from matcher.clock import start_of
from matcher.fields import Identifier
from matcher.models import Engagement, Session, SessionStatus
from matcher.programme import Phase

blueprint = noun("sessions", "The visits, 1 to 5 of an engagement (派遣)")


class SessionPath(PathParameters):
    """Which session."""

    session_id: Identifier


class SessionQuery(PageQuery):
    """Which sessions."""

    engagement: Identifier | SkipJsonSchema[None] = absent("only those of one engagement")
    expert: Identifier | SkipJsonSchema[None] = absent("only those of one expert")
    status: SessionStatus | SkipJsonSchema[None] = absent("only those of one status")
    from_: date | SkipJsonSchema[None] = absent("only those of this day and later", alias="from")
    until: date | SkipJsonSchema[None] = absent("only those before this day")


class SessionView(View):
    """One visit, from `start_at` up to `end_at`."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    id: str
    engagement_id: str
    number: int = Field(description="1 to 5")
    phase: Phase
    status: SessionStatus
    expert: NamedView
    organization: NamedView = Field(validation_alias=AliasPath("engagement", "organization"))
    start_at: TokyoTime
    end_at: TokyoTime
    municipality_code: str | None = Field(description="null: online")
    place_ja: str
    place_en: str
    meeting_url: str | None
    revised_at: TokyoTime
    sequence: int = Field(description="one more with each change of time, place or status")


class SessionPage(Page):
    """Sessions by their start."""

    items: tuple[SessionView, ...]


@blueprint.get("", responses={200: SessionPage})
def list(query: SessionQuery) -> SessionPage:
    """List the sessions by their start."""
    wanted = visible(Session).options(*_NAMES)
    if query.engagement:
        wanted = wanted.where(Session.engagement_id == query.engagement)
    if query.expert:
        wanted = wanted.where(Session.expert_id == query.expert)
    if query.status:
        wanted = wanted.where(Session.status == query.status)
    if query.from_:
        wanted = wanted.where(Session.start_at >= start_of(query.from_))
    if query.until:
        wanted = wanted.where(Session.start_at < start_of(query.until))
    return SessionPage.of(page_of(wanted, [Session.start_at, Session.id], query))


@blueprint.get("/<session_id>", responses={200: SessionView})
def get(path: SessionPath) -> SessionView:
    """Get one session."""
    return SessionView.of(one(Session, path.session_id))


_NAMES = (
    joinedload(Session.expert),
    joinedload(Session.engagement).joinedload(Engagement.organization),
)
