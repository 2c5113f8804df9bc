"""`matcher invitations`: who was told of which session by mail, and what was answered."""

from __future__ import annotations

import click
from rich.table import Table
from sqlalchemy import select

from matcher.cli.database import opened_sessions
from matcher.cli.output import output
from matcher.clock import wall_time
from matcher.errors import NotFound
from matcher.invitations.queueing import queue_again
from matcher.models import Invitation, InvitationState, Reply
from matcher.settings import Settings


@click.group
def invitations() -> None:
    """List who was told of which session by mail, and mail one again."""


@invitations.command("list")
@click.option("--session", "session_id", metavar="ID", help="Only those to one session.")
@click.option("--party", "party_id", metavar="ID", help="Only one expert's or organization's.")
@click.option(
    "--state",
    type=click.Choice([each.value for each in InvitationState]),
    help="Only those in one.",
)
@click.option(
    "--reply", type=click.Choice([each.value for each in Reply]), help="Only so answered."
)
def list_all(
    session_id: str | None,
    party_id: str | None,
    state: InvitationState | None,
    reply: Reply | None,
) -> None:
    """List the invitations, the newest last."""
    wanted = select(Invitation).order_by(Invitation.queued_at, Invitation.id)
    for column, value in (
        (Invitation.session_id, session_id),
        (Invitation.party_id, party_id),
        (Invitation.state, state),
        (Invitation.reply, reply),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    table = Table(box=None)
    for name in ("id", "session", "party", "state", "told", "sent", "reply", "error"):
        table.add_column(name, no_wrap=name != "error", overflow="fold")
    with opened_sessions(Settings.from_environment()) as sessions, sessions() as db:
        for invitation in db.scalars(wanted):
            table.add_row(*_row(invitation))
    output().print(table)


@invitations.command
@click.argument("invitation_id", metavar="ID")
def resend(invitation_id: str) -> None:
    """Have an invitation mailed once more, as its session is by then."""
    settings = Settings.from_environment()
    with opened_sessions(settings) as sessions, sessions.begin() as db:
        invitation = db.get(Invitation, invitation_id, with_for_update=True)
        if invitation is None:
            raise NotFound("invitation", invitation_id)
        queue_again(db, invitation)
    told = "the worker mails it" if settings.smtp_url else "it waits for MATCHER_SMTP_URL"
    click.echo(f"Invitation {invitation_id} is queued: {told}.", err=True)


def _row(invitation: Invitation) -> tuple[str, ...]:
    sent = wall_time(invitation.sent_at) if invitation.sent_at else None
    return (
        invitation.id,
        invitation.session_id,
        invitation.party_id,
        invitation.state,
        invitation.sent_method or "",
        f"{sent:%Y-%m-%d %H:%M}" if sent else "",
        invitation.reply or "",
        invitation.error or "",
    )
