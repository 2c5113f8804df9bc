"""Feeds that were read before: answered again as they are, as long as nothing has changed."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from matcher.calendars.feed import FeedVersion, read_contents, version_of
from matcher.calendars.organizer import OFFICE, Organizer
from matcher.calendars.rendering import render
from matcher.calendars.revisions import current_revision
from matcher.clock import wall_time
from matcher.models import Feed, FeedLanguage

ROOM: Final = 32_000_000
"""How many bytes a process keeps: thirty of the largest feeds, or all those of a usual year."""

_UNRENDERED: Final = 1_000
"""What an edition takes beside its content, or without."""


@dataclass(frozen=True)
class Edition:
    """A feed as it is by a revision of the database, on a day."""

    revision: int
    version: FeedVersion
    content: bytes | None
    """None: nobody has asked for it yet."""

    def answers(self, revision: int, is_known: Callable[[FeedVersion], bool]) -> bool:
        """Whether it still holds, and a client can be given what it asks for."""
        has_answer = self.content is not None or is_known(self.version)
        return self.revision == revision and has_answer

    @property
    def weight(self) -> int:
        """The room it takes."""
        return _UNRENDERED + len(self.content or b"")


class _Place(NamedTuple):
    feed_id: str
    language: FeedLanguage
    day: dt.date


class Shelf:
    """The editions that one process keeps; those that were asked for last stay."""

    def __init__(self, organizer: Organizer = OFFICE, room: int = ROOM) -> None:
        self.organizer = organizer
        self._room = room
        self._lock = Lock()
        self._editions: OrderedDict[_Place, Edition] = OrderedDict()

    def fetch(
        self, db: Session, feed: Feed, now: dt.datetime, is_known: Callable[[FeedVersion], bool]
    ) -> Edition:
        """Return a feed as it is now, with its content unless the client knows the version.

        One query, where nothing has changed since it was asked for before.

        Raises:
            NotFound: its owner is not kept any more.
            ValueError: none of its sessions can be shown.
        """
        # A change that comes after this is at worst in what is read next, and read once more then.
        revision = current_revision(db)
        place = _Place(feed.id, feed.language, wall_time(now).date())
        known = self._get(place)
        if known is not None and known.answers(revision, is_known):
            return known
        contents = read_contents(db, feed, now)
        version = version_of(contents, self.organizer)
        still = known.content if known is not None and known.version == version else None
        edition = Edition(revision, version, still)
        if edition.content is None and not is_known(version):
            edition = replace(edition, content=render(contents, self.organizer))
        self._put(place, edition)
        return edition

    def _get(self, place: _Place) -> Edition | None:
        with self._lock:
            if place in self._editions:
                self._editions.move_to_end(place)
            return self._editions.get(place)

    def _put(self, place: _Place, edition: Edition) -> None:
        with self._lock:
            before = self._editions.pop(place, None)
            self._room += before.weight if before is not None else 0
            self._editions[place] = edition
            self._room -= edition.weight
            while self._room < 0 and self._editions:
                _, oldest = self._editions.popitem(last=False)
                self._room += oldest.weight
