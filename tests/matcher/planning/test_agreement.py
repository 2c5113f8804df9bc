from __future__ import annotations

import datetime as dt

import pytest

from matcher.models import Engagement, Session, SessionStatus
from matcher.planning.agreement import outgrown
from tests.matcher import rows

FIRST, SECOND = dt.date(2025, 10, 1), dt.date(2025, 10, 22)


@pytest.fixture
def engagement() -> Engagement:
    """Two sessions of 120 and 60 minutes, 14 to 35 days apart."""
    return rows.engagement()


@pytest.fixture
def sessions() -> list[Session]:
    """Published as the engagement asks for."""
    second = rows.MORNING + dt.timedelta(weeks=3)
    return [rows.session("S1"), rows.session("S2", second, 60, number=2)]


def ids(engagement: Engagement, sessions: list[Session], first_free_day: dt.date) -> list[str]:
    return [each.id for each in outgrown(engagement, sessions, first_free_day)]


def test_what_was_published_as_asked_for_agrees(
    engagement: Engagement, sessions: list[Session]
) -> None:
    assert ids(engagement, sessions, FIRST) == []


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"session_minutes": (60, 60)}, ["S1"]),
        ({"session_minutes": (120,)}, ["S2"]),
        ({"earliest": dt.date(2025, 10, 2)}, ["S1"]),
        ({"latest": dt.date(2025, 10, 21)}, ["S2"]),
        ({"latest": dt.date(2025, 10, 22)}, []),
        ({"min_gap_days": 21}, []),
        ({"min_gap_days": 22}, ["S2"]),
        ({"max_gap_days": 21}, []),
        ({"max_gap_days": 20}, ["S2"]),
    ],
)
def test_each_term_is_kept_or_outgrown(
    engagement: Engagement,
    sessions: list[Session],
    terms: dict[str, object],
    expected: list[str],
) -> None:
    for name, value in terms.items():
        setattr(engagement, name, value)

    assert ids(engagement, sessions, FIRST) == expected


def test_what_can_no_longer_be_planned_anew_is_left_as_it_is(
    engagement: Engagement, sessions: list[Session]
) -> None:
    engagement.session_minutes = (90, 90)

    assert ids(engagement, sessions, FIRST + dt.timedelta(days=1)) == ["S2"]
    sessions[1].status = SessionStatus.HELD
    assert ids(engagement, sessions, FIRST) == ["S1"]
