"""Calendars as files: all sessions of somebody or something, for whoever imports or archives them.

Unlike a feed a file has no window and no cap. Its events are those of the feeds, by the same UIDs,
so whoever imports one and subscribes to the other sees each session once.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import undefer

from matcher.calendars.entries import contents_of
from matcher.calendars.feed import filename_of
from matcher.calendars.organizer import OFFICE, Organizer
from matcher.calendars.rendering import render
from matcher.calendars.state import PARTIES, FeedState, VisibleSession, read_all
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import (
    Engagement,
    Expert,
    Feed,
    FeedLanguage,
    FeedOwner,
    Release,
)
from matcher.planning.publishing.snapshots import Snapshot, SnapshotSession

__all__ = ["CalendarExport", "ExportedCalendar", "write_files"]

UNLIMITED = sys.maxsize
SUFFIX = ".ics"


@dataclass(frozen=True)
class ExportedCalendar:
    """One file: `text/calendar` in UTF-8."""

    name: str
    content: bytes


@dataclass(frozen=True)
class CalendarExport:
    """Makes files from what a database holds at a moment."""

    db: Database
    now: dt.datetime
    language: FeedLanguage = FeedLanguage.BOTH
    organizer: Organizer = OFFICE

    def expert(self, expert_id: str) -> ExportedCalendar:
        """All sessions of an expert, and those that went to others.

        Raises:
            NotFound: there is no such expert.
            Conflict: there are no sessions.
        """
        return self._of(self._feed(FeedOwner.EXPERT, expert_id))

    def organization(self, organization_id: str) -> ExportedCalendar:
        """All sessions of an organization.

        Raises:
            NotFound: there is no such organization.
            Conflict: there are no sessions.
        """
        return self._of(self._feed(FeedOwner.ORGANIZATION, organization_id))

    def engagement(self, engagement_id: str) -> ExportedCalendar:
        """All sessions of an engagement, as the office sees them.

        Raises:
            NotFound: there is no such engagement.
            Conflict: there are no sessions.
        """
        engagement = self.db.get(Engagement, engagement_id)
        if engagement is None:
            raise NotFound("engagement", engagement_id)
        office = self._feed(FeedOwner.OFFICE, engagement.programme_id)
        state = read_all(self.db, office, self.now, engagement_id=engagement_id)
        return self._file(f"engagement-{engagement_id}.ics", state)

    def programme(self, programme_id: str) -> tuple[ExportedCalendar, ...]:
        """All sessions of a programme: for the office, and for each party that has any.

        Raises:
            NotFound: there is no such programme.
            Conflict: there are no sessions.
        """
        office = self._feed(FeedOwner.OFFICE, programme_id)
        state = read_all(self.db, office, self.now)
        parties = (
            self._file(filename_of(feed), own)
            for feed in self._feeds()
            if (own := _of_programme(read_all(self.db, feed, self.now), programme_id)).sessions
        )
        return (self._file("office.ics", state), *parties)

    def release(self, programme_id: str, number: int) -> tuple[ExportedCalendar, ...]:
        """The sessions of a release as it published them: for the office, and for each party.

        A session that is another one by now has revision 0: a calendar that knows better keeps
        what it has.

        Raises:
            NotFound: there is no such programme, or no such release of it.
            Conflict: it kept no sessions.
        """
        snapshot = self._snapshot(programme_id, number)
        office = self._feed(FeedOwner.OFFICE, programme_id)
        state = read_all(self.db, office, self.now)
        then = {each.id: each for each in snapshot.sessions}
        in_order = sorted(
            self._as_of(then, state.sessions), key=lambda each: (each.start_at, each.session_id)
        )
        state = replace(state, sessions=tuple(in_order))
        return (self._file("office.ics", state), *self._of_parties(state))

    def _of(self, feed: Feed) -> ExportedCalendar:
        return self._file(filename_of(feed), read_all(self.db, feed, self.now))

    def _feed(self, kind: FeedOwner, owner_id: str) -> Feed:
        """A feed that is not kept: nobody subscribes to it."""
        return Feed(owner_kind=kind, owner_id=owner_id, language=self.language)

    def _feeds(self) -> Iterator[Feed]:
        for kind, table in PARTIES.items():
            for owner_id in self.db.scalars(select(table.id).order_by(table.id)).all():
                yield self._feed(kind, owner_id)

    def _file(self, name: str, state: FeedState) -> ExportedCalendar:
        if not state.sessions:
            raise Conflict(
                "There are no sessions to export.",
                "書き出す派遣がありません。",
                code="no_sessions",
            )
        return ExportedCalendar(
            name, render(contents_of(state), self.organizer, max_bytes=UNLIMITED)
        )

    def _snapshot(self, programme_id: str, number: int) -> Snapshot:
        wanted = select(Release).where(
            Release.programme_id == programme_id, Release.number == number
        )
        release = self.db.scalars(wanted.options(undefer(Release.snapshot))).one_or_none()
        if release is None:
            raise NotFound("release", str(number))
        if release.snapshot is None:
            raise Conflict(
                f"Release {number} was published before releases kept their sessions. "
                "Export a later one.",
                f"確定版{number}には当時の派遣の記録がありません。"
                "それより後の確定版を指定してください。",
                code="no_snapshot",
            )
        return Snapshot.from_bytes(release.snapshot)

    def _as_of(
        self, then: Mapping[str, SnapshotSession], now: Iterable[VisibleSession]
    ) -> Iterator[VisibleSession]:
        """The sessions of then, with the names of now."""
        names = {
            row.id: row
            for row in self.db.execute(select(Expert.id, Expert.name_ja, Expert.name_en))
        }
        for each in now:
            if own := then.get(each.session_id):
                expert = names[own.expert_id]
                was = own.expert_id, own.start_at, own.end_at, own.status
                is_same = (each.expert_id, each.start_at, each.end_at, each.status) == was
                yield each._replace(
                    number=own.number,
                    status=own.status.value,
                    start_at=own.start_at,
                    end_at=own.end_at,
                    municipality_code=own.municipality_code,
                    expert_id=own.expert_id,
                    expert_ja=expert.name_ja,
                    expert_en=expert.name_en,
                    sequence=each.sequence if is_same else 0,
                )

    def _of_parties(self, office: FeedState) -> Iterator[ExportedCalendar]:
        """The sessions of the office's calendar for each party that takes part in any."""
        for feed in self._feeds():
            own = tuple(
                each
                for each in office.sessions
                if feed.owner_id == _party_of(each, feed.owner_kind)
            )
            if own:
                empty = read_all(self.db, feed, self.now, session_id="")
                state = replace(empty, sessions=own, rules=office.rules)
                yield self._file(filename_of(feed), state)


def _party_of(session: VisibleSession, kind: FeedOwner) -> str:
    return session.expert_id if kind is FeedOwner.EXPERT else session.organization_id


def _of_programme(state: FeedState, programme_id: str) -> FeedState:
    own = tuple(each for each in state.sessions if each.programme_id == programme_id)
    return replace(state, sessions=own)


def write_files(
    files: Sequence[ExportedCalendar], out: Path, *, replace: bool = False
) -> tuple[Path, ...]:
    """Write files into a folder, or a lone one to a path that ends in `.ics`: all of them or none.

    Each is written beside its place first, and none takes it before all are.

    Raises:
        Conflict: one is there already and is not to be replaced, or two would have one name.
        Invalid: they are several, and `out` is one file.
        OSError: the folder, or a file in it, cannot be written.
    """
    paths = _places(files, out)
    _refuse_taken(paths, replace=replace)
    drafts = [each.with_name(f".{each.name}.{os.getpid()}") for each in paths]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    try:
        for file, draft in zip(files, drafts, strict=True):
            draft.write_bytes(file.content)
        return tuple(draft.replace(path) for draft, path in zip(drafts, paths, strict=True))
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def _places(files: Sequence[ExportedCalendar], out: Path) -> Sequence[Path]:
    """Where each file goes."""
    if out.suffix != SUFFIX or out.is_dir():
        return [out / each.name for each in files]
    if len(files) > 1:
        raise Invalid(
            "out",
            f"{out} is one file, and there are {len(files)} calendars",
            "give a folder",
            reason_ja=f"{out} は1つのファイルですが、カレンダーは{len(files)}件あります",
            remedy_ja="フォルダーを指定してください",
        )
    return [out]


def _refuse_taken(paths: Sequence[Path], *, replace: bool) -> None:
    """Raise unless each path is free for one file."""
    twice = [path for path, count in Counter(paths).items() if count > 1]
    if twice:
        raise Conflict(
            f"Two calendars would be {twice[0]}; export them one by one, each to a folder of its "
            "own.",
            f"2件のカレンダーが同じファイル {twice[0]} になります。"
            "1件ずつ別のフォルダーへ書き出してください。",
        )
    taken = [path for path in paths if path.is_dir() or (path.exists() and not replace)]
    if taken:
        others = f", and {len(taken) - 1} more" if taken[1:] else ""
        others_ja = f"など{len(taken)}件" if taken[1:] else ""
        raise Conflict(
            f"{taken[0]} is there already{others}; nothing was written. "
            "Give --force to replace files, or another --out.",
            f"{taken[0]} {others_ja}がすでにあるため、書き出しませんでした。"
            "--force で置き換えるか、--out で別の場所を指定してください。",
            code="file_exists",
        )
