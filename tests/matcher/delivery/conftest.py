"""An engagement whose sessions are published."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.models import Engagement, EngagementState
from matcher.programme import Phase
from tests.matcher import rows


@pytest.fixture
def planned(db: Database) -> Database:
    """An engagement with three sessions to come, on Wednesdays at ten, three weeks apart."""
    rows.add_engagements(db, "A1")
    engagement = db.get_one(Engagement, "A1")
    engagement.state, engagement.session_minutes = EngagementState.PLANNED, (120, 60, 60)
    phases = [Phase.ACTION_PLAN, Phase.MANUAL_DEVELOPMENT, Phase.FINALIZATION]
    for number, phase in enumerate(phases, 1):
        start = rows.MORNING + 3 * (number - 1) * dt.timedelta(weeks=1)
        minutes = engagement.session_minutes[number - 1]
        session = rows.session(f"S{number}", start, minutes, number=number)
        session.phase = phase
        db.add(session)
    db.commit()
    return db
