"""Mailing released notices: one at a time, each at most once a release.

The table is the truth, and no message of a queue is needed: whoever mails looks for what waits.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address

import structlog
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.models import Notice
from matcher.notices.message import message_of
from matcher.notices.outbox import claim, record_outcome, waiting_for_mail
from matcher.notices.smtp import Fate, MailServer, Outcome, deliver

__all__ = ["Mailer"]

RETRY_EVERY = dt.timedelta(minutes=3)
"""How long a notice waits whose server said to try later; greylisting asks for minutes."""

logger = structlog.get_logger(__name__)


class Mailer:
    """Hands released notices to a mail server."""

    def __init__(
        self,
        sessions: sessionmaker[Database],
        server: MailServer,
        sender: Address,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._sessions = sessions
        self._server = server
        self._sender = sender
        self._clock = clock
        self._not_before: dict[str, dt.datetime] = {}

    def send_waiting(self, stopping: threading.Event | None = None) -> None:
        """Mail the notices that wait, up to the first for which no server can be reached.

        `stopping` ends it between two notices.
        """
        with self._sessions() as db:
            waiting = waiting_for_mail(db)
        for notice_id in filter(self._is_due, waiting):
            if stopping is not None and stopping.is_set():
                break
            outcome = self.send(notice_id)
            if outcome is not None and outcome.fate == Fate.UNREACHABLE:
                break

    def send(self, notice_id: str) -> Outcome | None:
        """Mail one notice; None where somebody else has it in hand, or it does not wait."""
        with self._sessions.begin() as db:
            notice = claim(db, notice_id)
        if notice is None:
            return None
        outcome = self._hand_over(notice)
        with self._sessions.begin() as db:
            record_outcome(db, notice.id, notice.attempts, outcome, self._clock())
        self._note(notice, outcome)
        return outcome

    def _is_due(self, notice_id: str) -> bool:
        not_before = self._not_before.get(notice_id)
        return not_before is None or not_before <= self._clock()

    def _hand_over(self, notice: Notice) -> Outcome:
        try:
            message = message_of(notice, self._sender, self._clock())
        except (ValueError, MessageError) as error:
            return Outcome(Fate.REFUSED, f"no mail can be made of it: {error}")
        return deliver(self._server, message, self._sender.addr_spec, notice.recipient_email)

    def _note(self, notice: Notice, outcome: Outcome) -> None:
        if outcome.is_passing:
            self._not_before[notice.id] = self._clock() + RETRY_EVERY
        else:
            self._not_before.pop(notice.id, None)
        # Not the server's words: they may quote an address.
        logger.info("notice_mailed", notice=notice.id, fate=outcome.fate.value)
