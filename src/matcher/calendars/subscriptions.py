"""Subscriptions: who may read which calendar, by a secret address that is shown once.

The token has 256 bits, so a plain digest keeps it: a copy of the database opens no calendar, and
a look-up by digest tells a guesser nothing by the time it takes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from matcher.calendars.state import OWNERS
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import Feed, FeedLanguage, FeedOwner
from matcher.programme import Specialty

TOKEN_BYTES: Final = 32
FETCHES_NOTED_EVERY: Final = dt.timedelta(minutes=5)
"""As long as a client may keep what it fetched; noting every fetch would only cost writes."""


def create_feed(
    db: Session,
    owner_kind: FeedOwner,
    owner_id: str,
    language: FeedLanguage,
    now: dt.datetime,
    *,
    specialty: Specialty | None = None,
) -> tuple[Feed, str]:
    """Make a subscription; the token that is returned beside it is never shown again.

    Raises:
        NotFound: there is no such expert, organization or programme.
        Invalid: a specialty is given, and it is not the office's.
    """
    if specialty is not None and owner_kind != FeedOwner.OFFICE:
        raise Invalid(
            "specialty",
            "only calendars of the office are of a specialty",
            "leave it out",
            reason_ja="専門分野を指定できるのは事務局のカレンダーだけです",
            remedy_ja="省略してください",
        )
    if db.get(OWNERS[owner_kind], owner_id) is None:
        raise NotFound(owner_kind.value, owner_id)
    token = _new_token()
    feed = Feed(
        owner_kind=owner_kind,
        owner_id=owner_id,
        language=language,
        specialty=specialty,
        token_hash=_digest(token),
        created_at=now,
    )
    db.add(feed)
    db.flush()
    return feed, token


def rotate_feed(db: Session, feed: Feed) -> str:
    """Give a subscription a new token; the old one is unknown from now on.

    Raises:
        Conflict: it was revoked.
    """
    _refuse_revoked(feed)
    token = _new_token()
    feed.token_hash = _digest(token)
    feed.last_fetched_at = None
    db.flush()
    return token


def revoke_feed(db: Session, feed: Feed, now: dt.datetime) -> None:
    """End a subscription; its address says from now on that it is gone.

    Raises:
        Conflict: it was revoked before.
    """
    _refuse_revoked(feed)
    feed.revoked_at = now
    db.flush()


def find_by_token(db: Session, token: str) -> Feed | None:
    """Return the subscription, revoked or not, that a token belongs to."""
    return db.scalars(select(Feed).where(Feed.token_hash == _digest(token))).one_or_none()


def note_fetch(db: Session, feed_id: str, now: dt.datetime) -> None:
    """Remember that a client still reads a subscription."""
    db.execute(update(Feed).where(Feed.id == feed_id).values(last_fetched_at=now))


def is_fetch_to_note(feed: Feed, now: dt.datetime) -> bool:
    """Tell whether enough time has passed to note a fetch again."""
    noted = feed.last_fetched_at
    return noted is None or now - noted >= FETCHES_NOTED_EVERY


def _refuse_revoked(feed: Feed) -> None:
    if feed.revoked_at is not None:
        raise Conflict(
            f"Feed {feed.id} was revoked; make a new one.",
            f"カレンダー {feed.id} は失効しています。新しく発行してください。",
        )


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
