"""/v1/invitations: which party was told of which session by mail, and what it answered."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from api.context import database
from api.openapi import noun
from api.records import one, page_of, visible
from api.schema import NoFields, Page, PageQuery, PathParameters, TokyoTime, View, absent
from matcher.fields import Identifier
from matcher.invitations.queueing import queue_again
from matcher.models import FeedOwner, Invitation, InvitationMethod, InvitationState, Reply

blueprint = noun(
    "invitations", "Sessions by mail, for the calendars of those who take part (招待メール)"
)


class InvitationPath(PathParameters):
    """Which invitation."""

    invitation_id: Identifier


class InvitationQuery(PageQuery):
    """Which invitations."""

    session: Identifier | SkipJsonSchema[None] = absent("only those to one session")
    party: Identifier | SkipJsonSchema[None] = absent("only those of one expert or organization")
    state: InvitationState | SkipJsonSchema[None] = absent("only those in one state")
    reply: Reply | Literal["none"] | SkipJsonSchema[None] = absent(
        "only those with one answer, or sent and without any"
    )


class InvitationView(View):
    """What one party of a session was told by mail, and is to be told."""

    id: str
    session_id: str
    party_kind: FeedOwner
    party_id: str
    state: InvitationState = Field(
        description="of the last news: waiting for the mail server, sent, failed and why, or "
        "lapsed, since its session had begun or had never been told of"
    )
    queued_at: TokyoTime
    error: str | None
    sent_at: TokyoTime | None = Field(description="when a mail server last took one")
    sent_to: str | None
    sent_method: InvitationMethod | None
    sent_sequence: int | None = Field(description="the revision of the session that was told")
    reply: Reply | None = Field(description="the answer to what was last sent")
    replied_at: TokyoTime | None


class InvitationPage(Page):
    """Invitations, the newest first."""

    items: tuple[InvitationView, ...]


@blueprint.get("", responses={200: InvitationPage})
def list(query: InvitationQuery) -> InvitationPage:
    """List the invitations, the newest first, with what was answered."""
    wanted = visible(Invitation)
    if query.session:
        wanted = wanted.where(Invitation.session_id == query.session)
    if query.party:
        wanted = wanted.where(Invitation.party_id == query.party)
    if query.state:
        wanted = wanted.where(Invitation.state == query.state)
    if query.reply == "none":
        wanted = wanted.where(
            Invitation.reply.is_(None), Invitation.sent_method == InvitationMethod.REQUEST
        )
    elif query.reply:
        wanted = wanted.where(Invitation.reply == query.reply)
    order = [Invitation.queued_at, Invitation.id]
    return InvitationPage.of(page_of(wanted, order, query, newest_first=True))


@blueprint.post("/<invitation_id>/resending", responses={200: InvitationView})
def resend(path: InvitationPath, body: NoFields) -> InvitationView:  # noqa: ARG001  it must be empty
    """Mail an invitation once more, as its session is by then: an address was mended, say."""
    invitation = one(Invitation, path.invitation_id, for_change=True)
    queue_again(database(), invitation)
    return InvitationView.of(invitation)
