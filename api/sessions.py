"""/v1/sessions: the visits of experts to organizations."""

from __future__ import annotations

from pydantic import AliasPath, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import joinedload

from api.context import database, now, principal
from api.openapi import noun
from api.records import one, page_of, visible
from api.revisions import require_match
from api.schema import Body, NamedView, Page, PageQuery, PathParameters, TokyoTime, View, absent
from matcher.clock import start_of
from matcher.delivery.moving import SessionMove, move_session
from matcher.delivery.reports import (
    ReportDraft,
    SessionOutcome,
    correct_report,
    report_of,
    report_session,
    report_to_correct,
)
from matcher.delivery.sessions import LapseDraft, cancel_session, session_for_change
from matcher.fields import Day, Identifier
from matcher.models import Engagement, ManualState, Party, Session, SessionStatus
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
    from_: Day | SkipJsonSchema[None] = absent("only those of this day and later", alias="from")
    until: Day | SkipJsonSchema[None] = absent("only those before this day")


class MoveBody(Body, SessionMove):
    """When the session is to take place instead."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"start_at": "2025-10-08T14:00:00+09:00"}}
    )


class ReportBody(Body, ReportDraft):
    """What became of a session.

    One that was held needs attendees, what was done and the state of the manual; one that was
    missed needs the party it was missed by and the reason.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "outcome": "held",
                "attendees": ["事務局長", "会員企業の担当者2名"],
                "done": "過去の事例を聞き取り、手引きの骨子を決めた。",
                "tasks": ["会員企業への聞き取り"],
                "manual_state": "outline",
            }
        }
    )


class CancellationBody(Body, LapseDraft):
    """Who a session is cancelled because of, and why."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"party": "expert", "reason": "急病のため"}}
    )


class LapseView(View):
    """Why a session does not take place, or did not."""

    party: Party
    reason: str | None = Field(description="null: it was cancelled, and why is for the office")
    recorded_by: str | None = Field(description="null: likewise")
    recorded_at: TokyoTime


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
    lapse: LapseView | None = Field(
        description="why it was cancelled or missed; null: it was not, or its engagement ended "
        "before it, or a plan dropped it"
    )


class ReportView(View):
    """What is on record of a session that was held or missed."""

    session_id: str
    outcome: SessionOutcome
    attendees: tuple[str, ...]
    done: str
    tasks: tuple[str, ...] = Field(description="what the organization does before the next session")
    manual_state: ManualState | None
    party: Party | None = Field(description="who it was missed by; null: it was held")
    reason: str
    reported_by: str
    reported_at: TokyoTime


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
    page = SessionPage.of(page_of(wanted, [Session.start_at, Session.id], query))
    return page.model_copy(update={"items": tuple(map(_for_reader, page.items))})


@blueprint.get("/<session_id>", responses={200: SessionView})
def get(path: SessionPath) -> SessionView:
    """Get one session."""
    return _for_reader(SessionView.of(one(Session, path.session_id)))


@blueprint.patch("/<session_id>", responses={200: SessionView})
def move(path: SessionPath, body: MoveBody) -> SessionView:
    """Move a session to another time, after the checks that a plan passes.

    It becomes a release of its own, and calendars follow. If-Match holds the ETag with which the
    session was read.
    """
    session = one(Session, path.session_id)
    require_match(SessionView.of(session))
    return SessionView.of(move_session(database(), session.id, body, principal().name, now()))


@blueprint.get("/<session_id>/report", responses={200: ReportView})
def get_report(path: SessionPath) -> ReportView:
    """Get what is on record of a session that was held or missed."""
    return ReportView.of(report_of(one(Session, path.session_id)))


@blueprint.post("/<session_id>/report", responses={200: ReportView})
def report(path: SessionPath, body: ReportBody) -> ReportView:
    """Report on a session that is over: it was held, or missed.

    One that was missed is used up. One that is to take place after all is cancelled instead, and
    planned again.
    """
    session = one(Session, path.session_id)
    by = principal().name
    return ReportView.of(report_of(report_session(database(), session.id, body, by, now())))


@blueprint.put("/<session_id>/report", responses={200: ReportView})
def set_report(path: SessionPath, body: ReportBody) -> ReportView:
    """Correct what was reported of a session: the whole report, in place of the one on record.

    Held may become missed, and missed held, until the engagement is completed or withdrawn; words
    may be corrected afterwards too. If-Match holds the ETag with which the report was read.
    """
    session = session_for_change(database(), one(Session, path.session_id).id)
    require_match(ReportView.of(report_to_correct(session)))
    by = principal().name
    return ReportView.of(report_of(correct_report(database(), session.id, body, by, now())))


@blueprint.post("/<session_id>/cancellation", responses={200: SessionView})
def cancel(path: SessionPath, body: CancellationBody) -> SessionView:
    """Cancel a session that is to come, or that did not take place; later ones move up.

    Another one can then be planned in its stead.
    """
    session = one(Session, path.session_id)
    return SessionView.of(cancel_session(database(), session.id, body, principal().name, now()))


def _for_reader(view: SessionView) -> SessionView:
    """Show a session; why the office cancelled it may speak of an illness, and stays there."""
    if view.lapse is None or view.status != SessionStatus.CANCELLED or principal().is_of_the_office:
        return view
    lapse = view.lapse.model_copy(update={"reason": None, "recorded_by": None})
    return view.model_copy(update={"lapse": lapse})


_NAMES = (
    joinedload(Session.expert),
    joinedload(Session.engagement).joinedload(Engagement.organization),
    joinedload(Session.lapse),
)
