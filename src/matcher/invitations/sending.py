"""Mailing the invitations that wait: each until its server has taken it.

Nobody releases them: they tell nothing but what is published, a change close at hand bears no
delay, and one that arrives twice is taken once by every calendar, as its session and revision are
the same. So, unlike a notice, one that was cut off is simply sent again.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.calendars.entries import Entry, contents_of
from matcher.calendars.rendering import method_of
from matcher.calendars.state import read_all
from matcher.invitations.letter import message_of
from matcher.models import (
    Expert,
    Feed,
    FeedLanguage,
    FeedOwner,
    Invitation,
    InvitationMethod,
    InvitationState,
    Organization,
    SessionDeparture,
)
from matcher.notices.smtp import Fate, MailServer, Outcome, deliver

__all__ = ["Inviter"]

RETRY_EVERY: Final = dt.timedelta(minutes=3)
"""How long one waits whose server said to try later, and ever longer; greylisting asks for
minutes."""

RETRY_AT_MOST: Final = dt.timedelta(hours=1)
MOST_ATTEMPTS: Final = 15
"""How often a server may say to try later, half a day in all, before a person is to look."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Errand:
    """One mail to hand over, and what it tells."""

    invitation_id: str
    news: int
    recipient: Address
    entry: Entry
    message: EmailMessage


class Inviter:
    """Hands invitations to a mail server."""

    def __init__(
        self,
        sessions: sessionmaker[Database],
        server: MailServer,
        sender: Address,
        clock: Callable[[], dt.datetime],
        *,
        asks_for_reply: bool,
    ) -> None:
        self._sessions = sessions
        self._server = server
        self._sender = sender
        self._clock = clock
        self._asks_for_reply = asks_for_reply

    def send_waiting(self, stopping: threading.Event | None = None) -> None:
        """Mail what waits and is due, up to the first for which no server can be reached."""
        for invitation_id in self._due():
            if stopping is not None and stopping.is_set():
                break
            outcome = self.send(invitation_id)
            if outcome is not None and outcome.fate is Fate.UNREACHABLE:
                break

    def send(self, invitation_id: str) -> Outcome | None:
        """Mail one; None where it does not wait any more, or nothing is left to tell."""
        with self._sessions.begin() as db:
            errand = self._take(db, invitation_id)
        if errand is None:
            return None
        if isinstance(errand, Outcome):
            return errand
        recipient = errand.recipient.addr_spec
        outcome = deliver(self._server, errand.message, self._sender.addr_spec, recipient)
        with self._sessions.begin() as db:
            self._record(db, errand, outcome)
        # Not the server's words: they may quote an address.
        logger.info("invitation_mailed", invitation=invitation_id, fate=outcome.fate.value)
        return outcome

    def _due(self) -> Sequence[str]:
        with self._sessions() as db:
            return db.scalars(
                select(Invitation.id)
                .where(Invitation.state == InvitationState.WAITING)
                .where(Invitation.due_at <= self._clock())
                .order_by(Invitation.queued_at, Invitation.id)
            ).all()

    def _take(self, db: Database, invitation_id: str) -> _Errand | Outcome | None:
        """Make the mail of an invitation; nobody else takes it for a while."""
        now = self._clock()
        invitation = db.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
        if invitation is None or not _is_due(invitation, now):
            return None
        invitation.attempts += 1
        doubled = RETRY_EVERY * (1 << min(invitation.attempts - 1, MOST_ATTEMPTS))
        invitation.due_at = now + min(doubled, RETRY_AT_MOST)
        try:
            return self._errand(db, invitation, now)
        except (ValueError, MessageError) as error:
            invitation.state = InvitationState.FAILED
            invitation.error = f"no mail can be made of it: {error}"
            return Outcome(Fate.REFUSED, invitation.error)

    def _errand(self, db: Database, invitation: Invitation, now: dt.datetime) -> _Errand | None:
        """Make a mail of how the session stands; None where nothing is to be told any more.

        Raises:
            ValueError: the session cannot be put into words, or an address fits no mail.
        """
        party = _party_of(db, invitation)
        entry = _entry_of(db, invitation, now)
        if party is None or entry is None or not _is_to_be_told(invitation, party, entry, now):
            invitation.state = InvitationState.LAPSED
            return None
        address = _address_of(party)
        if not entry.takes_place and invitation.sent_to is not None:
            address = invitation.sent_to  # it is taken out of where it was put
        recipient = Address(_name_of(party), addr_spec=address)
        message = message_of(
            entry,
            recipient,
            self._sender,
            f"{invitation.id}.{invitation.news}",
            now,
            is_known=_is_known(db, invitation, party, entry),
            asks_for_reply=self._asks_for_reply,
        )
        return _Errand(invitation.id, invitation.news, recipient, entry, message)

    def _record(self, db: Database, errand: _Errand, outcome: Outcome) -> None:
        """Keep what became of a mail; what was queued meanwhile goes on to wait."""
        now, id = self._clock(), errand.invitation_id
        invitation = db.get_one(Invitation, id, with_for_update=True, populate_existing=True)
        is_last = invitation.news == errand.news
        if outcome.fate is Fate.TAKEN:
            _told(invitation, errand, now)
            if is_last:
                invitation.state, invitation.error = InvitationState.SENT, None
        elif is_last:
            invitation.error = outcome.words
            if outcome.fate is Fate.UNREACHABLE:
                invitation.attempts -= 1
            if outcome.fate is Fate.REFUSED or invitation.attempts >= MOST_ATTEMPTS:
                invitation.state = InvitationState.FAILED


def _told(invitation: Invitation, errand: _Errand, now: dt.datetime) -> None:
    """Keep what a party knows by now; a slow worker does not take back what another has told."""
    known, sequence = invitation.sent_sequence, errand.entry.sequence
    if known is not None and known > sequence:
        return
    recipient = errand.recipient.addr_spec
    if (known, invitation.sent_to) != (sequence, recipient):
        invitation.reply = invitation.replied_at = None
    invitation.sent_at, invitation.sent_to = now, recipient
    invitation.sent_method = InvitationMethod(method_of(errand.entry))
    invitation.sent_sequence = sequence


def _is_due(invitation: Invitation, now: dt.datetime) -> bool:
    return invitation.state is InvitationState.WAITING and invitation.due_at <= now


def _party_of(db: Database, invitation: Invitation) -> Expert | Organization | None:
    if invitation.party_kind is FeedOwner.EXPERT:
        return db.get(Expert, invitation.party_id)
    return db.get(Organization, invitation.party_id)


def _name_of(party: Expert | Organization) -> str:
    return party.name_ja if isinstance(party, Expert) else party.contact_name


def _address_of(party: Expert | Organization) -> str:
    return party.email if isinstance(party, Expert) else party.contact_email


def _entry_of(db: Database, invitation: Invitation, now: dt.datetime) -> Entry | None:
    """What the party sees of the session by now; None: nothing any more."""
    calendar = Feed(
        owner_kind=invitation.party_kind,
        owner_id=invitation.party_id,
        language=FeedLanguage.BOTH,
    )
    state = read_all(db, calendar, now, session_id=invitation.session_id)
    return next(iter(contents_of(state).entries), None)


def _is_known(
    db: Database, invitation: Invitation, party: Expert | Organization, entry: Entry
) -> bool:
    """Whether the party knew of the session before: by mail, or else by its calendar."""
    if invitation.sent_sequence is not None:
        return True
    came = select(SessionDeparture.session_id).where(
        SessionDeparture.session_id == entry.session_id, SessionDeparture.sequence == entry.sequence
    )
    is_new_here = isinstance(party, Expert) and db.scalar(came) is not None
    return entry.sequence > 0 and not party.calendar_by.is_invited and not is_new_here


def _is_to_be_told(
    invitation: Invitation, party: Expert | Organization, entry: Entry, now: dt.datetime
) -> bool:
    """Whether the mail is news: its session is ahead, and is no secret that was never told.

    A party that is told by mail alone, and was not told of a session before it was called off, need
    not hear of it.
    """
    was_told = invitation.sent_method is InvitationMethod.REQUEST
    sees_it_elsewhere = not party.calendar_by.is_invited
    is_ahead = entry.start_at > now
    return is_ahead and (entry.takes_place or was_told or sees_it_elsewhere)
