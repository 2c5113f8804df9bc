"""The calendars that experts and organizations keep elsewhere: given, read on a schedule, removed.

A reading that fails changes nothing of what is known: the busy times of the last good one stay,
and the calendar is stale until one succeeds. A busy time over a published session moves nothing by
itself: it is listed as a conflict, and a planner decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload, sessionmaker

from matcher.busy.fetching import NotFetched, checked
from matcher.busy.problems import PROBLEMS
from matcher.busy.reading import Reading, Request, read
from matcher.clock import from_wall_time, wall_time
from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import Line
from matcher.intervals import Interval, within
from matcher.models import (
    BusyCalendar,
    BusyTime,
    Engagement,
    Expert,
    FeedOwner,
    Organization,
    Session,
    SessionStatus,
)

READ_EVERY: Final = dt.timedelta(hours=1)
"""How often a calendar is read that can be; one that fails is asked ever less often."""

RETRY_AT_MOST: Final = dt.timedelta(hours=12)
MOST_DOUBLED: Final = 10
STALE_AFTER: Final = dt.timedelta(hours=6)
MOST_CALENDARS: Final = 5
"""Of one expert or organization."""

WINDOW_DAYS: Final = 540
OWNERS: Final = {FeedOwner.EXPERT: Expert, FeedOwner.ORGANIZATION: Organization}

Clock = Callable[[], dt.datetime]


class SourceState(StrEnum):
    """How much the busy times of a calendar can be relied on."""

    WAITING = "waiting"
    """It has not been read yet."""
    CURRENT = "current"
    STALE = "stale"
    """It could not be read lately; what is known is from before."""


class SourceDraft(BaseModel):
    """Whose calendar it is, and where it is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner_kind: FeedOwner
    owner_id: str
    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    name: Line | None = None


class UploadDraft(BaseModel):
    """Whose calendar it is, and the calendar itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner_kind: FeedOwner
    owner_id: str
    content: Annotated[str, Field(min_length=1, max_length=1_000_000)]
    name: Line | None = None


@dataclass(frozen=True)
class BusyConflict:
    """A published session at a time at which somebody is busy by their own calendar."""

    session_id: str
    engagement_id: str
    number: int
    start_at: dt.datetime
    end_at: dt.datetime
    calendar_id: str
    owner_kind: FeedOwner
    owner_id: str
    busy: Interval


def window(now: dt.datetime) -> Interval:
    """The time for which busy times are kept: from today's midnight, for a year and a half."""
    today = dt.datetime.combine(wall_time(now).date(), dt.time())
    return Interval(from_wall_time(today), from_wall_time(today + dt.timedelta(days=WINDOW_DAYS)))


def state_of(source: BusyCalendar, now: dt.datetime) -> SourceState:
    """How much its busy times can be relied on at a moment."""
    if source.url is None:
        return SourceState.CURRENT
    if source.problem is not None:
        return SourceState.STALE
    if source.read_at is None:
        return SourceState.WAITING
    return SourceState.STALE if now - source.read_at > STALE_AFTER else SourceState.CURRENT


def is_stale(now: dt.datetime) -> ColumnElement[bool]:
    """Whether `state_of` a calendar is stale, as a condition for the database."""
    given_by_address = BusyCalendar.url.is_not(None)
    failing = BusyCalendar.problem.is_not(None)
    too_old = BusyCalendar.read_at.is_not(None) & (BusyCalendar.read_at < now - STALE_AFTER)
    return given_by_address & (failing | too_old)


def count_times(db: Database, calendar_ids: Collection[str]) -> Mapping[str, int]:
    """How many busy times are known of each calendar; of one that is left out: none."""
    counted = (
        select(BusyTime.calendar_id, func.count())
        .where(BusyTime.calendar_id.in_(calendar_ids))
        .group_by(BusyTime.calendar_id)
    )
    return dict(db.execute(counted).tuples().all())


def add_source(
    db: Database, draft: SourceDraft, trusted: tuple[str, ...], by: str, now: dt.datetime
) -> BusyCalendar:
    """Keep the address of a calendar; a worker reads it within a minute.

    Raises:
        NotFound: there is no such expert or organization.
        Invalid: it is no address of a calendar in the public internet.
        Conflict: its owner has given as many as can be kept.
    """
    try:
        checked(draft.url, trusted)
    except NotFetched as error:
        raise _refused("url", error.problem) from error
    return _added(db, draft, draft.url.strip(), by, now)


def read_upload(draft: UploadDraft, now: dt.datetime) -> Reading:
    """Read a calendar that is given as a file; it may take some seconds, so no database waits.

    Raises:
        Invalid: the file is no calendar, or one that cannot be read.
    """
    reading = read(Request(window=window(now), content=draft.content.encode()))
    if reading.problem is not None:
        raise _refused("content", reading.problem)
    return reading


def keep_upload(
    db: Database, draft: UploadDraft, reading: Reading, by: str, now: dt.datetime
) -> BusyCalendar:
    """Keep the busy times of a calendar that was given as a file.

    Raises:
        NotFound: there is no such expert or organization.
        Conflict: its owner has given as many calendars as can be kept.
    """
    source = _added(db, draft, None, by, now)
    _keep(source, reading, now)
    db.flush()
    return source


def _added(
    db: Database, draft: SourceDraft | UploadDraft, url: str | None, by: str, now: dt.datetime
) -> BusyCalendar:
    owner = db.get(OWNERS[draft.owner_kind], draft.owner_id, with_for_update=True)
    if owner is None:
        raise NotFound(draft.owner_kind.value, draft.owner_id)
    of_owner = select(BusyCalendar.id).where(
        BusyCalendar.owner_kind == draft.owner_kind, BusyCalendar.owner_id == draft.owner_id
    )
    if len(db.scalars(of_owner).all()) >= MOST_CALENDARS:
        raise Conflict(
            f"There are {MOST_CALENDARS} calendars already; remove one first.",
            f"カレンダーはすでに{MOST_CALENDARS}件登録されています。不要なものを削除してください。",
        )
    source = BusyCalendar(
        owner_kind=draft.owner_kind,
        owner_id=draft.owner_id,
        name=draft.name or "",
        url=url,
        created_at=now,
        created_by=by,
    )
    db.add(source)
    db.flush()
    return source


def _refused(field: str, problem: str) -> Invalid:
    reason = PROBLEMS[problem]
    return Invalid(
        field,
        reason.en,
        "give the address or the file of an iCalendar that anybody with the address can read",
        reason_ja=reason.ja,
        remedy_ja="公開用のiCalendarのアドレスまたはファイルを指定してください",
    )


def remove_source(db: Database, source: BusyCalendar) -> None:
    """Forget a calendar and its busy times."""
    db.delete(source)
    db.flush()


def read_due(
    sessions: sessionmaker[Database],
    clock: Clock,
    trusted: tuple[str, ...],
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Read each calendar whose time has come; how many were read."""
    count = 0
    with sessions() as db:
        sources = db.scalars(select(BusyCalendar).where(BusyCalendar.url.is_not(None))).all()
        due = [each.id for each in sources if _is_due(each, clock())]
    for source_id in due:
        if stopped():
            break
        count += _read_one(sessions, source_id, clock(), trusted)
    return count


def _is_due(source: BusyCalendar, now: dt.datetime) -> bool:
    if source.tried_at is None:
        return True
    # Doubled no more often than it needs to reach the longest wait: a number has an end, too.
    doubled = READ_EVERY * (1 << min(source.failures, MOST_DOUBLED))
    return now - source.tried_at >= min(doubled, RETRY_AT_MOST)


def _read_one(
    sessions: sessionmaker[Database], source_id: str, now: dt.datetime, trusted: tuple[str, ...]
) -> bool:
    request = _claimed(sessions, source_id, now, trusted)
    if request is None:
        return False
    # Without a transaction: it may take half a minute, and nobody could write meanwhile.
    reading = read(request)
    with sessions.begin() as db:
        source = db.get(BusyCalendar, source_id, with_for_update=True, populate_existing=True)
        if source is None or source.tried_at != now:
            return False  # it was removed, or another worker is at it
        if reading.problem is not None:
            source.problem, source.failures = reading.problem, source.failures + 1
        elif reading.unchanged:
            source.problem, source.failures, source.read_at = None, 0, now
            source.warned_at = None
        else:
            _keep(source, reading, now)
    return True


def _claimed(
    sessions: sessionmaker[Database], source_id: str, now: dt.datetime, trusted: tuple[str, ...]
) -> Request | None:
    """Take a calendar for this worker; None where another was faster, or it is gone."""
    with sessions.begin() as db:
        source = db.get(BusyCalendar, source_id)
        if source is None or not _is_due(source, now):
            return None
        before = source.tried_at
        same = (
            BusyCalendar.tried_at.is_(None) if before is None else BusyCalendar.tried_at == before
        )
        taken = db.execute(
            update(BusyCalendar)
            .where(BusyCalendar.id == source_id, same)
            .values(tried_at=now)
            .returning(BusyCalendar.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if taken is None:
            return None
        # On a new day the window has moved: what was not sent then would be missing at its end.
        known = source.window_began_on == wall_time(now).date()
        return Request(
            window=window(now),
            url=source.url,
            etag=source.etag if known else None,
            last_modified=source.last_modified if known else None,
            trusted=trusted,
        )


def _keep(source: BusyCalendar, reading: Reading, now: dt.datetime) -> None:
    """Keep what was read; rows that stay the same are left alone."""
    source.changes += _tells_of_others(source, reading, now)
    source.problem, source.failures, source.warned_at = None, 0, None
    source.read_at = source.tried_at = now
    source.window_began_on = wall_time(now).date()
    source.etag, source.last_modified = reading.etag, reading.last_modified
    source.left_out = reading.left_out
    wanted = dict(reading.busy)
    known = {each.start_at: each for each in source.times}
    for start, each in known.items():
        if start not in wanted:
            source.times.remove(each)
        elif each.end_at != wanted[start]:
            each.end_at = wanted[start]
    source.times.extend(
        BusyTime(start_at=start, end_at=end) for start, end in wanted.items() if start not in known
    )


def _tells_of_others(source: BusyCalendar, reading: Reading, now: dt.datetime) -> bool:
    """Whether somebody is busy at other times than was known, past ones aside."""
    known = (Interval(each.start_at, each.end_at) for each in source.times)
    return set(within(known, window(now))) != set(within(reading.busy, window(now)))


def conflicts(db: Database, now: dt.datetime) -> Iterator[BusyConflict]:
    """The published sessions to come at which somebody is busy, by their start."""
    of_expert = and_(
        BusyCalendar.owner_kind == FeedOwner.EXPERT, BusyCalendar.owner_id == Session.expert_id
    )
    of_organization = and_(
        BusyCalendar.owner_kind == FeedOwner.ORGANIZATION,
        BusyCalendar.owner_id == Engagement.organization_id,
    )
    found = db.execute(
        select(Session, BusyTime)
        .join(Engagement, Engagement.id == Session.engagement_id)
        .join(BusyCalendar, or_(of_expert, of_organization))
        .join(BusyTime, BusyTime.calendar_id == BusyCalendar.id)
        .where(
            Session.status == SessionStatus.CONFIRMED,
            Session.start_at > now,
            BusyTime.start_at < Session.end_at,
            BusyTime.end_at > Session.start_at,
        )
        .order_by(Session.start_at, Session.id, BusyTime.start_at)
        .options(joinedload(BusyTime.calendar))
    )
    for session, busy in found:
        yield BusyConflict(
            session.id,
            session.engagement_id,
            session.number,
            session.start_at,
            session.end_at,
            busy.calendar.id,
            busy.calendar.owner_kind,
            busy.calendar.owner_id,
            Interval(busy.start_at, busy.end_at),
        )
