"""Whether sessions that are published are still what their engagement asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from matcher.clock import wall_time
from matcher.models import Engagement, Session, SessionStatus


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
