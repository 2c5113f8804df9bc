"""Answers to invitations: what calendar programs send back (iTIP REPLY), kept for the office.

Anybody can write to a mailbox. An answer counts where it comes from the address that the invitation
went to, and names it; anything else stays unread, for a person.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import Final
from urllib.parse import unquote

import structlog
from icalendar import Calendar, Event
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.calendars.identity import session_of
from matcher.clock import to_utc
from matcher.invitations.mailbox import Inbox, Mailbox, MailboxError
from matcher.models import Invitation, InvitationMethod, Reply

__all__ = ["Answer", "Mailbox", "ReplyReader", "answers_in", "keep_answer"]

LOOKS: Final = 4
"""How often a message is looked at: an answer may come before it is kept what was sent."""

_REPLIES: Final = {each.value.upper(): each for each in Reply}

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Answer:
    """What one attendee says of one session."""

    session_id: str
    attendee: str
    """An address, in lower case."""
    reply: Reply
    sequence: int | None
    """The revision of the session that was answered; None: it does not say."""
    written_at: dt.datetime


class ReplyReader:
    """Reads a mailbox again and again, each message once."""

    def __init__(
        self,
        sessions: sessionmaker[Database],
        mailbox: Mailbox,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._sessions = sessions
        self._mailbox = mailbox
        self._clock = clock
        self._generation = ""
        self._looks: Counter[str] = Counter()

    def read(self, stopping: threading.Event | None = None) -> None:
        """Keep the answers that have come; a mailbox that cannot be read is told to the log."""
        try:
            with self._mailbox.opened() as inbox:
                self._read(inbox, stopping or threading.Event())
        except MailboxError as error:
            logger.warning("mailbox_not_read", host=self._mailbox.host, reason=str(error))

    def _read(self, inbox: Inbox, stopping: threading.Event) -> None:
        generation = inbox.generation
        if generation != self._generation:
            self._generation, self._looks = generation, Counter()
        for number in inbox.unread():
            if stopping.is_set():
                return
            self._looks[number] += 1
            if self._looks[number] <= LOOKS and self._take(inbox.read(number)):
                inbox.mark_as_read(number)

    def _take(self, content: bytes | None) -> bool:
        """Keep what a message answers; whether it answers anything that was asked."""
        answers = [] if content is None else _readable_answers(content)
        with self._sessions.begin() as db:
            kept = [keep_answer(db, each, self._clock()) for each in answers]
        if answers:
            logger.info("replies_read", answers=len(answers), kept=sum(kept))
        return any(kept)


def _readable_answers(content: bytes) -> list[Answer]:
    """The answers of a message; none of one that no library can read, which keeps nobody else's."""
    try:
        return list(answers_in(content))
    except Exception as error:
        logger.warning("message_not_read", reason=type(error).__name__)
        return []


def answers_in(content: bytes) -> Iterator[Answer]:
    """The answers of a message that its sender gives for itself; none in what cannot be read."""
    message = message_from_bytes(content, EmailMessage, policy=default)
    _, sender = parseaddr(str(message.get("From", "")))
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                for answer in _answers_of(payload):
                    if answer.attendee == sender.lower():
                        yield answer


def _answers_of(payload: bytes) -> Iterator[Answer]:
    try:
        # Bytes only: of a text, the library would open a file of that name.
        calendar = Calendar.from_ical(payload)
    except ValueError:
        return
    if not isinstance(calendar, Calendar) or str(calendar.get("METHOD", "")).upper() != "REPLY":
        return
    for event in calendar.walk("VEVENT"):
        if isinstance(event, Event):
            try:
                yield from _answers_to(event)
            except (AttributeError, KeyError, TypeError, ValueError):
                continue  # a field that is no such thing


def _answers_to(event: Event) -> Iterator[Answer]:
    session_id = session_of(str(event["UID"]).replace("\0", ""))
    attendees, stamp = event.get("ATTENDEE", []), event.DTSTAMP
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        reply = _REPLIES.get(str(attendee.params.get("PARTSTAT", "")).upper())
        if session_id is None or reply is None or stamp is None:
            continue
        sequence = event.get("SEQUENCE")
        yield Answer(
            session_id=session_id,
            attendee=unquote(str(attendee)).lower().removeprefix("mailto:"),
            reply=reply,
            sequence=None if sequence is None else int(sequence),
            written_at=to_utc(stamp),
        )


def keep_answer(db: Database, answer: Answer, now: dt.datetime) -> bool:
    """Keep an answer with the invitation that it answers; whether there is such a one.

    An answer to what has changed since, or that is older than the last, is no answer any more. Of
    one that says that it was written in the future, the moment it is counts.
    """
    invitations = db.scalars(
        select(Invitation)
        .where(Invitation.session_id == answer.session_id)
        .where(func.lower(Invitation.sent_to) == answer.attendee)
        .where(Invitation.sent_method == InvitationMethod.REQUEST)
        .with_for_update()
    ).all()
    written_at = min(answer.written_at, now)
    current = [
        each
        for each in invitations
        if answer.sequence is None or answer.sequence == each.sent_sequence
    ]
    for each in current:
        if each.replied_at is None or each.replied_at <= written_at:
            each.reply, each.replied_at = answer.reply, written_at
    return bool(current)
