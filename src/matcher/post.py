"""All mail: notices and invitations that go out, and the answers that come back."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Self

import structlog
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.busy.warnings import StaleCalendars
from matcher.invitations.replies import Mailbox, ReplyReader
from matcher.invitations.sending import Inviter
from matcher.notices.mailer import Mailer
from matcher.notices.smtp import MailServer, mailbox
from matcher.settings import Settings

__all__ = ["Post"]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Post:
    """What hands mail to a server, and what reads a mailbox."""

    mailer: Mailer
    inviter: Inviter
    stale: StaleCalendars
    replies: ReplyReader | None

    @classmethod
    def open(cls, settings: Settings, sessions: sessionmaker[Database]) -> Self | None:
        """Make it as the settings say; None where they name no server."""
        if settings.smtp_url is None or settings.mail_sender is None:
            return None
        server = MailServer.parse(settings.smtp_url.get_secret_value())
        sender = mailbox(settings.mail_sender)
        replies = None
        if settings.imap_url is not None:
            box = Mailbox.parse(settings.imap_url.get_secret_value())
            replies = ReplyReader(sessions, box, settings.now)
        asks = replies is not None
        return cls(
            Mailer(sessions, server, sender, settings.now),
            Inviter(sessions, server, sender, settings.now, asks_for_reply=asks),
            StaleCalendars(sessions, server, sender, settings.now),
            replies,
        )

    def send_waiting(self, stopping: threading.Event) -> None:
        """Mail what waits: first invitations, of which some are urgent.

        What goes wrong with one kind keeps no other from being mailed.
        """
        for each in (self.inviter, self.mailer, self.stale):
            try:
                each.send_waiting(stopping)
            except Exception:
                logger.exception("mail_not_sent", kind=type(each).__name__)
