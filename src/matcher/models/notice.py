"""Notices: what organizations are told in writing."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.application import Application
from matcher.models.base import Base
from matcher.models.identifiers import new_identifier


class NoticeKind(StrEnum):
    """What a notice tells."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    SCHEDULE = "schedule"
    """When its sessions take place and with whom, since that has changed."""


class NoticeState(StrEnum):
    """How far a notice has come: nothing leaves before a person releases it."""

    DRAFT = "draft"
    RELEASED = "released"
    SENT = "sent"
    FAILED = "failed"


class Notice(Base):
    """A notice (通知書) as it was written, in the outbox until a person releases it."""

    __tablename__ = "notices"
    __table_args__ = (CheckConstraint("attempts >= 0", name="attempts_not_negative"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("N"))
    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"), index=True)
    kind: Mapped[NoticeKind]
    state: Mapped[NoticeState] = mapped_column(default=NoticeState.DRAFT, index=True)
    recipient_name: Mapped[str]
    recipient_email: Mapped[str]
    subject_ja: Mapped[str]
    subject_en: Mapped[str]
    text_ja: Mapped[str]
    text_en: Mapped[str]
    html_ja: Mapped[str]
    """A page that prints as A4."""
    html_en: Mapped[str]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    released_at: Mapped[dt.datetime | None]
    released_by: Mapped[str | None]
    sent_at: Mapped[dt.datetime | None]
    """When a mail server took it; a released notice without one was handed over by a person."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was given up to be mailed; 0 and released: it leaves by hand."""
    error: Mapped[str | None]
    """What the mail server said the last time, where it refused."""

    application: Mapped[Application] = relationship()
