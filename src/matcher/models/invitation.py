"""Invitations: sessions that a party is told of by mail, for its calendar."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.feed import FeedOwner
from matcher.models.identifiers import new_identifier
from matcher.models.session import Session


class InvitationState(StrEnum):
    """How far an invitation has come."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """Its server refused it, or could not be reached for too long."""
    LAPSED = "lapsed"
    """There was nothing left to tell: its session had begun, or had never been told of."""


class InvitationMethod(StrEnum):
    """What an invitation asks of a calendar (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class Reply(StrEnum):
    """What the party answered."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"


class Invitation(Base):
    """What one party of a session was told of it by mail, and is to be told.

    There is one for a session and a party: a change that comes before the last one was mailed
    takes its place.
    """

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("session_id", "party_kind", "party_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("V"))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    party_kind: Mapped[FeedOwner]
    party_id: Mapped[str]
    state: Mapped[InvitationState] = mapped_column(index=True)
    queued_at: Mapped[dt.datetime]
    """When what is to be told came about."""
    news: Mapped[int] = mapped_column(default=1)
    """How often there was something to tell."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was tried to be mailed since, by a server that could be reached."""
    due_at: Mapped[dt.datetime]
    """Not before then it is tried again."""
    error: Mapped[str | None]
    """What the mail server said the last time, where it did not take it."""

    sent_at: Mapped[dt.datetime | None]
    """When a mail server last took one; None: none ever did, and what follows is empty."""
    sent_to: Mapped[str | None]
    sent_method: Mapped[InvitationMethod | None]
    sent_sequence: Mapped[int | None]
    """The revision of the session that the party was told of."""

    reply: Mapped[Reply | None]
    """The last answer to what was sent."""
    replied_at: Mapped[dt.datetime | None]
    """When the party's calendar program wrote the answer, by its own clock."""

    session: Mapped[Session] = relationship()
