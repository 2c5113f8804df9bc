"""Whether sessions that are published still agree with their engagement and their expert."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.models import Engagement, Expert, Session, SessionStatus, WeeklyHours
from matcher.models.hours import Weekday
from matcher.planning.matching import candidates
from matcher.programme import Words

WEEKDAYS: Final = get_args(Weekday)
"""As `date.weekday()` counts them."""

OUTSIDE_HOURS: Final = Words(
    ja="専門家の対応可能時間から外れています", en="it lies outside the expert's hours"
)
ABSENT: Final = Words(ja="専門家の不在期間と重なっています", en="the expert is absent then")
ABOVE_CAP: Final = Words(
    ja="専門家の派遣回数の上限を超えています", en="it is above the expert's cap on sessions"
)


def outgrown(
    engagement: Engagement, sessions: Sequence[Session], first_free_day: dt.date
) -> tuple[Session, ...]:
    """The sessions that the terms of the engagement no longer allow, and that may be planned anew.

    `sessions` are those that stand, in the order of their numbers.
    """
    neighbours = zip((None, *sessions), sessions, strict=False)
    return tuple(
        session
        for number, (before, session) in enumerate(neighbours, 1)
        if session.status == SessionStatus.CONFIRMED
        and _day(session) >= first_free_day
        and not _agrees(engagement, number, before, session)
    )


def _agrees(engagement: Engagement, number: int, before: Session | None, session: Session) -> bool:
    if number > len(engagement.session_minutes):
        return False
    length = dt.timedelta(minutes=engagement.session_minutes[number - 1])
    gap = None if before is None else (_day(session) - _day(before)).days
    return (
        session.end_at - session.start_at == length
        and engagement.earliest <= _day(session) <= engagement.latest
        and (gap is None or engagement.min_gap_days <= gap <= engagement.max_gap_days)
    )


def _day(session: Session) -> dt.date:
    return wall_time(session.start_at).date()


class Disagreement(NamedTuple):
    """A session that is published, and why its expert can no longer serve it as it stands."""

    session: Session
    reason: Words


def disagreements(db: Database, expert: Expert, now: dt.datetime) -> tuple[Disagreement, ...]:
    """The sessions still to come that the expert's record does not allow any more, by start.

    Nothing about them changes by itself: they are promises, and a new plan looks for others.
    """
    standing = db.scalars(
        select(Session)
        .where(Session.expert_id == expert.id, Session.status != SessionStatus.CANCELLED)
        .order_by(Session.start_at)
    ).all()
    over = _above_caps(expert, standing)
    found = (
        (each, _obstacle(expert, each) or _time_fault(expert, each) or over.get(each.id))
        for each in standing
        if each.status == SessionStatus.CONFIRMED and each.start_at > now
    )
    return tuple(Disagreement(session, reason) for session, reason in found if reason)


def _obstacle(expert: Expert, session: Session) -> Words | None:
    """What bars the expert from the engagement at all."""
    engagement = session.engagement
    application = engagement.application
    found = candidates(
        engagement, application, engagement.organization, [expert], application.programme.rules
    )
    return next((Words(ja=each.text_ja, en=each.text_en) for each in found.excluded), None)


def _time_fault(expert: Expert, session: Session) -> Words | None:
    start, end = wall_time(session.start_at), wall_time(session.end_at)
    if not _is_within(expert.weekly_hours, start, end):
        return OUTSIDE_HOURS
    absent = any(
        absence.start_at < session.end_at and session.start_at < absence.end_at
        for absence in expert.absences
    )
    return ABSENT if absent else None


def _is_within(hours: Iterable[WeeklyHours], start: dt.datetime, end: dt.datetime) -> bool:
    """Whether stretches of a weekday, joined where they meet, hold [start, end)."""
    reached = start.time()
    own = (each for each in hours if WEEKDAYS.index(each.weekday) == start.weekday())
    for each in sorted(own, key=lambda stretch: stretch.opens):
        if each.opens <= reached:
            reached = max(reached, each.closes)
    return start.date() == end.date() and reached >= end.time() > start.time()


def _above_caps(expert: Expert, standing: Sequence[Session]) -> Mapping[str, Words]:
    """The sessions above a cap, by id: of each day, week and all, those that come last."""
    counts: Counter[object] = Counter()
    over: dict[str, Words] = {}
    for session in standing:
        day = _day(session)
        for span, cap in (
            (day, expert.max_per_day),
            (day.isocalendar()[:2], expert.max_per_week),
            ("all", expert.max_total),
        ):
            counts[span] += 1
            if counts[span] > cap:
                over[session.id] = ABOVE_CAP
    return over
