"""A feed as it is served: its bytes, and the version by which a client knows it is unchanged."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from typing import Final

import icalendar
from sqlalchemy.orm import Session

from matcher.calendars.entries import FeedContents, contents_of
from matcher.calendars.organizer import OFFICE, Organizer
from matcher.calendars.rendering import RENDERER_VERSION, render
from matcher.calendars.state import read_state
from matcher.models import Feed

_SECOND: Final = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class FeedVersion:
    """What tells one state of a feed from the next, without rendering it."""

    etag: str
    """Strong, without its quotes: other bytes always have another one."""

    changed_at: dt.datetime
    """When the last change came about that the feed shows."""

    def last_modified(self, now: dt.datetime) -> dt.datetime:
        """Return the moment to be told as Last-Modified, which counts whole seconds.

        It is told one second early where another change could follow within the same second, which
        a client would then take for the one that it knows.
        """
        return min(self.changed_at, now - _SECOND).replace(microsecond=0)


@dataclass(frozen=True)
class CalendarFile:
    """A whole calendar, `text/calendar` in UTF-8."""

    content: bytes
    etag: str
    last_modified: dt.datetime
    filename: str


def read_contents(db: Session, feed: Feed, now: dt.datetime) -> FeedContents:
    """Read what a feed shows at a moment, in its reader's words.

    Raises:
        NotFound: its owner is not kept any more.
        ValueError: none of its sessions can be put into words.
    """
    return contents_of(read_state(db, feed, now))


def render_feed(
    db: Session, feed: Feed, now: dt.datetime, organizer: Organizer = OFFICE
) -> CalendarFile:
    """Return a feed as it is at a moment.

    Raises:
        NotFound: its owner is not kept any more.
        ValueError: none of its sessions can be shown.
    """
    contents = read_contents(db, feed, now)
    version = version_of(contents, organizer)
    return CalendarFile(
        content=render(contents, organizer),
        etag=version.etag,
        last_modified=version.last_modified(now),
        filename=filename_of(feed),
    )


def version_of(contents: FeedContents, organizer: Organizer = OFFICE) -> FeedVersion:
    """Return the version of contents: a digest of all that the bytes depend on."""
    ground = repr((RENDERER_VERSION, icalendar.__version__, organizer, contents))
    changes = [entry.revised_at for entry in contents.entries]
    if contents.renamed_at is not None:
        changes.append(contents.renamed_at)
    return FeedVersion(
        etag=hashlib.sha256(ground.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        changed_at=max([contents.day_began_at, *changes]),
    )


def filename_of(feed: Feed) -> str:
    """Return a name for a feed's file, such as `expert-01.ics`; the kind stands in it once."""
    owner = re.sub(r"[^A-Za-z0-9._-]", "_", feed.owner_id)
    kind = f"{feed.owner_kind.value}-"
    specialty = f"-{feed.specialty.value}" if feed.specialty else ""
    return f"{owner if owner.startswith(kind) else kind + owner}{specialty}.ics"
