"""Whether anybody still reads a calendar: a change is no news to whom no program shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from matcher.calendars.state import PARTIES
from matcher.models import CalendarBy, Feed, FeedOwner

QUIET_AFTER: Final = dt.timedelta(days=3)
"""Calendar programs ask every hour, the slowest once a day; a weekend may pass without any."""


@dataclass(frozen=True)
class Unaware:
    """Somebody who does not see in a calendar what changes."""

    owner_kind: FeedOwner
    owner_id: str
    subscribed: bool
    last_fetched_at: dt.datetime | None
    """When any program last asked; None: never."""


def quiet_since(now: dt.datetime) -> dt.datetime:
    """The moment before which a subscription was last fetched that has gone quiet."""
    return now - QUIET_AFTER


def is_quiet(feed: Feed, now: dt.datetime) -> bool:
    """Whether a subscription that stands was not fetched lately, or never."""
    fetched_at = feed.last_fetched_at
    return feed.revoked_at is None and (fetched_at is None or fetched_at < quiet_since(now))


def quiet(now: dt.datetime) -> ColumnElement[bool]:
    """The same, of the feeds of a query."""
    fetched_at = Feed.last_fetched_at
    return and_(Feed.revoked_at.is_(None), or_(fetched_at.is_(None), fetched_at < quiet_since(now)))


def unaware(
    db: Session, owner_kind: FeedOwner, owner_ids: Iterable[str], now: dt.datetime
) -> tuple[Unaware, ...]:
    """Those of some experts or organizations whose calendars have all gone quiet, or who have none.

    Whoever is told of each session by mail is not among them. Two queries.
    """
    ids, party = tuple(owner_ids), PARTIES[owner_kind]
    by_mail = select(party.id).where(party.id.in_(ids), party.calendar_by != CalendarBy.FEED)
    invited = frozenset(db.scalars(by_mail))
    feeds: dict[str, list[Feed]] = {each: [] for each in ids if each not in invited}
    standing = select(Feed).where(
        Feed.owner_kind == owner_kind, Feed.owner_id.in_(feeds), Feed.revoked_at.is_(None)
    )
    for feed in db.scalars(standing):
        feeds[feed.owner_id].append(feed)
    return tuple(
        Unaware(
            owner_kind,
            owner_id,
            subscribed=bool(own),
            last_fetched_at=max(
                (each.last_fetched_at for each in own if each.last_fetched_at is not None),
                default=None,
            ),
        )
        for owner_id, own in feeds.items()
        if all(is_quiet(each, now) for each in own)
    )
