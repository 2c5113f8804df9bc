"""A feed as it is served: its bytes, and the version by which a client knows it is unchanged."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from typing import Final

import icalendar
from sqlalchemy.orm import Session

from matcher.calendars.entries import read_contents
from matcher.calendars.rendering import RENDERER_VERSION, render
from matcher.calendars.state import FeedState, read_state
from matcher.models import Feed

_SECOND: Final = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class FeedVersion:
    """What tells one state of a feed from the next, without rendering it."""

    etag: str
    """Strong, without its quotes: other bytes always have another one."""

    last_modified: dt.datetime


@dataclass(frozen=True)
class CalendarFile:
    """A whole calendar, `text/calendar` in UTF-8."""

    content: bytes
    etag: str
    last_modified: dt.datetime
    filename: str


def render_feed(db: Session, feed: Feed, now: dt.datetime) -> CalendarFile:
    """Return a feed as it is at a moment.

    Raises:
        NotFound: its owner is not kept any more.
    """
    state = read_state(db, feed, now)
    version = version_of(state, now)
    return CalendarFile(
        content=render(read_contents(db, state)),
        etag=version.etag,
        last_modified=version.last_modified,
        filename=filename_of(feed),
    )


def version_of(state: FeedState, now: dt.datetime) -> FeedVersion:
    """Return the version of a state: a digest of all that the bytes depend on.

    Last-Modified counts whole seconds. It is told one second early where another change could
    follow within the same second, which a client would then take for the one that it knows.
    """
    ground = repr((RENDERER_VERSION, icalendar.__version__, state))
    revised_at = [session.revised_at for session in state.sessions]
    newest = max(state.owner.revised_at or state.day_began_at, state.day_began_at, *revised_at)
    return FeedVersion(
        etag=hashlib.sha256(ground.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        last_modified=min(newest, now - _SECOND).replace(microsecond=0),
    )


def filename_of(feed: Feed) -> str:
    """Return a name for a feed's file, such as `expert-01.ics`; the kind stands in it once."""
    owner = re.sub(r"[^A-Za-z0-9._-]", "_", feed.owner_id)
    kind = f"{feed.owner_kind.value}-"
    return f"{owner if owner.startswith(kind) else kind + owner}.ics"
