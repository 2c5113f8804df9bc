"""/v1/holds: times kept free while an organization is asked; and the offers that they come from."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import selectinload

from api.context import database, now, principal, services
from api.engagements import (
    AssignmentView,
    EngagementPath,
    ProposalView,
    show_assignment,
    show_proposal,
)
from api.engagements import blueprint as engagements
from api.openapi import noun
from api.records import known_programme, one, page_of, visible
from api.schema import (
    Body,
    Created,
    NoFields,
    Page,
    PageQuery,
    PathParameters,
    TokyoTime,
    View,
    absent,
    created,
)
from matcher.fields import Identifier
from matcher.models import Hold
from matcher.planning.assigning.holding import (
    HoldDraft,
    HoldState,
    assign_hold,
    hold_times,
    in_state,
    release_hold,
    state_of,
)
from matcher.planning.assigning.offers import Head, Offer, make_offers

blueprint = noun("holds", "Times kept free while an organization is asked (仮押さえ)")


class HoldPath(PathParameters):
    """Which hold."""

    hold_id: Identifier


class HoldQuery(PageQuery):
    """Which holds."""

    state: HoldState | SkipJsonSchema[None] = absent("only those in one state")
    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")
    engagement: Identifier | SkipJsonSchema[None] = absent("only those of one engagement")
    expert: Identifier | SkipJsonSchema[None] = absent("only those of one expert")


class HoldBody(Body, HoldDraft):
    """The expert and the starts of an offer, and for how long to hold them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "expert_id": "E7",
                "starts": ["2025-10-08T10:00:00+09:00", "2025-10-29T10:00:00+09:00"],
                "hours": 48,
            }
        }
    )


class OfferView(ProposalView):
    """One way to serve an engagement, everything that is published and on hold as it is."""

    heads: tuple[Head, ...] = Field(description="in what it is the first of all ways")
    start_at: TokyoTime = Field(description="of the first session that it adds")
    travel_minutes: int = Field(
        description="of the expert, to the site and home again, for all sessions that it adds"
    )


class OffersView(View):
    """What can be offered to an organization now."""

    engagement_id: str
    complete: bool = Field(
        description="every session that is wanted is served; false: that is not possible beside "
        "what stands, and these have the most that are"
    )
    text_ja: str
    text_en: str
    offers: tuple[OfferView, ...]


class HeldSessionView(View):
    """One session as it would be published."""

    number: int
    start_at: TokyoTime
    end_at: TokyoTime


class HoldView(View):
    """Times of one expert that are kept free for one engagement."""

    id: str
    programme_id: str
    engagement_id: str
    expert_id: str
    state: HoldState
    sessions: tuple[HeldSessionView, ...] = Field(
        description="those that the engagement does not have yet"
    )
    complete: bool = Field(
        description="with them the engagement has every session it wants; false: some lack still"
    )
    held_until: TokyoTime = Field(description="from then on the times are free by themselves")
    created_at: TokyoTime
    created_by: str
    ended_at: TokyoTime | None = Field(description="null: it holds still, or its time ran out")
    ended_by: str | None


class HoldPage(Page):
    """Holds, the newest first."""

    items: tuple[HoldView, ...]


@engagements.post("/<engagement_id>/offers", responses={200: OffersView})
def offers(path: EngagementPath, body: NoFields) -> OffersView:  # noqa: ARG001  it must be empty
    """Offer up to three ways to serve one engagement: the best, the soonest, the least travel.

    Each is proven to be the first under its heads, and adds to what is published and on hold
    without changing it. Nothing is kept: hold one by its `expert.id` and the `start_at` of each of
    its `sessions`.
    """
    with services().reading() as db:  # so that nobody who writes waits for the search
        found = make_offers(db, path.engagement_id, now())
    return OffersView(
        engagement_id=found.engagement_id,
        complete=found.complete,
        text_ja=found.text.ja,
        text_en=found.text.en,
        offers=tuple(map(_offer, found.offers)),
    )


@engagements.post("/<engagement_id>/hold", responses={201: HoldView})
def hold(path: EngagementPath, body: HoldBody) -> Created[HoldView]:
    """Hold the times of an offer while the organization is asked, 48 hours unless said otherwise.

    They are checked again first. No run and no other request plans anything over them; they are
    free again by themselves after `held_until`, at the latest when the day of the first session
    begins. Anything else is done with the engagement after the hold is assigned or released.
    """
    kept = hold_times(database(), path.engagement_id, body, principal().name, now())
    return created(_view(kept), f"/v1/holds/{kept.id}")


@blueprint.get("", responses={200: HoldPage})
def list(query: HoldQuery) -> HoldPage:
    """List the holds, the newest first, ended ones too."""
    wanted = visible(Hold).options(selectinload(Hold.engagement))
    if query.state:
        wanted = wanted.where(in_state(query.state, now()))
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(Hold.programme_id == query.programme)
    if query.engagement:
        wanted = wanted.where(Hold.engagement_id == query.engagement)
    if query.expert:
        wanted = wanted.where(Hold.expert_id == query.expert)
    page = page_of(wanted, [Hold.created_at, Hold.id], query, newest_first=True)
    return HoldPage(items=tuple(map(_view, page.items)), next=page.next)


@blueprint.get("/<hold_id>", responses={200: HoldView})
def get(path: HoldPath) -> HoldView:
    """Get one hold."""
    return _view(one(Hold, path.hold_id))


@blueprint.post("/<hold_id>/cancellation", responses={200: HoldView})
def release(path: HoldPath, body: NoFields) -> HoldView:  # noqa: ARG001  it must be empty
    """Release the times before their time; they are free at once."""
    return _view(release_hold(database(), path.hold_id, principal().name, now()))


@blueprint.post("/<hold_id>/assignment", responses={200: AssignmentView})
def assign(path: HoldPath, body: NoFields) -> AssignmentView:  # noqa: ARG001  it must be empty
    """Publish exactly the times that are on hold, as a release of its own.

    They are checked again: where the expert is away by now, or the hold has ended, it is a 409.
    """
    return show_assignment(*assign_hold(database(), path.hold_id, principal().name, now()))


def _offer(offer: Offer) -> OfferView:
    return OfferView(
        heads=offer.heads,
        start_at=offer.proposal.sessions[0].start_at,
        travel_minutes=offer.travel_minutes,
        **dict(show_proposal(offer.proposal)),
    )


def _view(hold: Hold) -> HoldView:
    return HoldView(
        id=hold.id,
        programme_id=hold.programme_id,
        engagement_id=hold.engagement_id,
        expert_id=hold.expert_id,
        state=state_of(hold, now()),
        sessions=tuple(map(HeldSessionView.of, hold.sessions)),
        complete=hold.sessions[-1].number >= len(hold.engagement.session_minutes),
        held_until=hold.held_until,
        created_at=hold.created_at,
        created_by=hold.created_by,
        ended_at=hold.ended_at,
        ended_by=hold.ended_by,
    )
