"""Whether sessions that are published are still what their engagement asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from matcher.clock import wall_time
from matcher.models import Engagement, Session, SessionStatus
from matcher.planning.stating.hours import cover
from matcher.programme import ProgrammeRules


def outgrown(
    engagement: Engagement, sessions: Sequence[Session], first_free_day: dt.date
) -> tuple[Session, ...]:
    """The sessions that the terms no longer allow, and that may be planned anew.

    Those are the terms of the engagement, the hours and absences of its organization, and the days
    of its programme. `sessions` are those that stand, in the order of their numbers.
    """
    neighbours = zip((None, *sessions), sessions, strict=False)
    return tuple(
        session
        for number, (before, session) in enumerate(neighbours, 1)
        if session.status == SessionStatus.CONFIRMED
        and _day(session) >= first_free_day
        and not (
            _agrees(engagement, number, before, session)
            and _can_be_received(engagement, session)
            and _is_open(engagement.application.programme.rules, _day(session))
        )
    )


def _agrees(engagement: Engagement, number: int, before: Session | None, session: Session) -> bool:
    if number > len(engagement.session_minutes):
        return False
    length = dt.timedelta(minutes=engagement.session_minutes[number - 1])
    gap = None if before is None else (_day(session) - _day(before)).days
    return (
        session.end_at - session.start_at == length
        and session.municipality_code == engagement.municipality_code
        and engagement.earliest <= _day(session) <= engagement.latest
        and (gap is None or engagement.min_gap_days <= gap <= engagement.max_gap_days)
    )


def _can_be_received(engagement: Engagement, session: Session) -> bool:
    application = engagement.application
    return cover(application.weekly_hours, session.start_at, session.end_at) and not any(
        own.start_at < session.end_at and session.start_at < own.end_at
        for own in application.unavailable
    )


def _is_open(rules: ProgrammeRules, day: dt.date) -> bool:
    return day in rules.implementation_period and not rules.closed_days(day, day)


def _day(session: Session) -> dt.date:
    return wall_time(session.start_at).date()
