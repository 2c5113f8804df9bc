"""Feeds: subscriptions to a calendar."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base
from matcher.models.identifiers import new_identifier
from matcher.programme import Specialty


class FeedOwner(StrEnum):
    """Whose calendar it is."""

    EXPERT = "expert"
    ORGANIZATION = "organization"
    OFFICE = "office"
    """All sessions of a programme, by whose id it is known."""


class CalendarBy(StrEnum):
    """How a party is told of its sessions; of a change close at hand it is always told by mail."""

    FEED = "feed"
    MAIL = "mail"
    BOTH = "both"

    @property
    def is_invited(self) -> bool:
        """Whether each session comes by mail."""
        return self is not CalendarBy.FEED


class FeedLanguage(StrEnum):
    """The language of a calendar's texts."""

    JAPANESE = "ja"
    ENGLISH = "en"
    BOTH = "both"


class Feed(Base):
    """A calendar subscription; whoever holds its token reads it, so only a hash is kept."""

    __tablename__ = "feeds"
    __table_args__ = (Index(None, "owner_kind", "owner_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("F"))
    owner_kind: Mapped[FeedOwner]
    owner_id: Mapped[str]
    specialty: Mapped[Specialty | None]
    """Of the office's: only sessions of the experts of a specialty."""
    language: Mapped[FeedLanguage]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    last_fetched_at: Mapped[dt.datetime | None]
