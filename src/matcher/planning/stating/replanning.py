"""Published sessions that no longer fit the expert they are with: to be planned again.

Nothing here changes a session. A promise is moved by people, or by a run that they publish.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.models import (
    BusyTime,
    Engagement,
    Expert,
    ExpertAbsence,
    Programme,
    Session,
    SessionStatus,
)
from matcher.planning.stating.agreement import outgrown
from matcher.planning.stating.hours import cover
from matcher.planning.stating.matching import candidates
from matcher.programme import ProgrammeRules, Words

__all__ = ["SessionToReplan", "sessions_to_replan", "to_replan", "unfit"]

OUTSIDE_HOURS = Words(ja="対応可能時間の外です。", en="It lies outside the weekly hours.")
IN_AN_ABSENCE = Words(
    ja="不在の時間と重なっています。", en="It overlaps a time at which the expert is not free."
)
IN_A_BUSY_TIME = Words(
    ja="本人のカレンダーの予定と重なっています。",
    en="It overlaps a busy time of the expert's own calendar.",
)
OVER_THE_DAY = Words(
    ja="1日の上限({limit}回)を超えています。", en="It is more than {limit} on one day."
)
OVER_THE_WEEK = Words(
    ja="1週間の上限({limit}回)を超えています。", en="It is more than {limit} in one week."
)
OVER_THE_TOTAL = Words(
    ja="事業全体の上限({limit}回)を超えています。",
    en="It is more than {limit} in the whole programme.",
)


@dataclass(frozen=True)
class SessionToReplan:
    """A confirmed session that is still to come, and why it no longer fits its expert."""

    id: str
    engagement_id: str
    number: int
    start_at: dt.datetime
    reason: Words


def sessions_to_replan(
    db: Database, expert: Expert, now: dt.datetime
) -> tuple[SessionToReplan, ...]:
    """The published sessions of an expert that no longer fit, by their start, and why."""
    standing = db.scalars(
        select(Session)
        .where(Session.expert_id == expert.id)
        .where(Session.status.in_((SessionStatus.CONFIRMED, SessionStatus.HELD)))
        .order_by(Session.start_at)
    ).all()
    rules = {each.id: each.rules for each in db.scalars(select(Programme))}
    too_many = _over_the_caps(expert, standing)
    found = (
        (
            session,
            unfit(expert, session, rules[session.engagement.programme_id])
            or too_many.get(session.id),
        )
        for session in standing
        if session.status == SessionStatus.CONFIRMED and session.start_at > now
    )
    return tuple(
        SessionToReplan(each.id, each.engagement_id, each.number, each.start_at, reason)
        for each, reason in found
        if reason is not None
    )


def unfit(expert: Expert, session: Session, rules: ProgrammeRules) -> Words | None:
    """Why an expert cannot hold a session at its time, whatever else there is; None: it fits."""
    return _keeps_from_serving(expert, session.engagement, rules) or _not_free(expert, session)


def to_replan(
    engagement: Engagement, sessions: Sequence[Session], first_free_day: dt.date
) -> tuple[Session, ...]:
    """The sessions of an engagement to come that it no longer allows, or their expert.

    `sessions` are those that stand, in the order of their numbers; what lies before
    `first_free_day` stays as it is.
    """
    rules = engagement.application.programme.rules
    overtaken = outgrown(engagement, sessions, first_free_day)
    return tuple(
        each
        for each in sessions
        if each in overtaken
        or (
            each.status == SessionStatus.CONFIRMED
            and wall_time(each.start_at).date() >= first_free_day
            and unfit(each.expert, each, rules) is not None
        )
    )


def _keeps_from_serving(
    expert: Expert, engagement: Engagement, rules: ProgrammeRules
) -> Words | None:
    """What bars the expert from the engagement at any time: the rules of every plan."""
    application = engagement.application
    listed = candidates(engagement, application, application.organization, [expert], rules)
    for exclusion in listed.excluded:
        return Words(ja=exclusion.text_ja, en=exclusion.text_en)
    return None


def _not_free(expert: Expert, session: Session) -> Words | None:
    if not cover(expert.weekly_hours, session.start_at, session.end_at):
        return OUTSIDE_HOURS
    if _touches(session, expert.absences):
        return IN_AN_ABSENCE
    if _touches(session, expert.busy_times):
        return IN_A_BUSY_TIME
    return None


def _touches(session: Session, times: Iterable[ExpertAbsence | BusyTime]) -> bool:
    return any(own.start_at < session.end_at and session.start_at < own.end_at for own in times)


def _over_the_caps(expert: Expert, standing: Sequence[Session]) -> dict[str, Words]:
    """The sessions beyond a cap, by id: of those that share it, the latest."""
    return {
        **_beyond(standing, expert.max_total, _programme_of, OVER_THE_TOTAL),
        **_beyond(standing, expert.max_per_week, _week_of, OVER_THE_WEEK),
        **_beyond(standing, expert.max_per_day, _day_of, OVER_THE_DAY),
    }


def _beyond(
    sessions: Iterable[Session], limit: int, share: Callable[[Session], Hashable], words: Words
) -> dict[str, Words]:
    counted = Counter[Hashable]()
    beyond: dict[str, Words] = {}
    for session in sessions:
        counted[share(session)] += 1
        if counted[share(session)] > limit:
            beyond[session.id] = Words(
                ja=words.ja.format(limit=limit), en=words.en.format(limit=limit)
            )
    return beyond


def _programme_of(session: Session) -> str:
    return session.engagement.programme_id


def _week_of(session: Session) -> tuple[int, int]:
    year, week, _ = wall_time(session.start_at).isocalendar()
    return year, week


def _day_of(session: Session) -> dt.date:
    return wall_time(session.start_at).date()
