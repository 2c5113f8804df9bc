"""Applications that were decided on, as plain as can be."""

from __future__ import annotations

import datetime as dt
from typing import Any

from matcher.clock import TOKYO
from matcher.models import (
    Application,
    ApplicationState,
    Decision,
    Engagement,
    Interview,
    Outcome,
    Programme,
)
from matcher.programme import read_rules
from tests.matcher import rows


def tokyo(month: int, day: int, hour: int = 10, year: int = 2025) -> dt.datetime:
    """A moment of the programme's year, by the clocks of Tokyo."""
    return dt.datetime(year, month, day, hour, tzinfo=TOKYO)


APPLIED_AT, DECIDED_AT = tokyo(7, 1), tokyo(7, 4)


def programme() -> Programme:
    """The programme of fiscal 2025."""
    return Programme(id="tokyo-2025", rules=read_rules("tokyo-2025"))


def accepted(programme: Programme, **changes: Any) -> Application:
    """An accepted application, for two sessions on site; `changes` are the engagement's."""
    application = _decided(programme, ApplicationState.ACCEPTED, Outcome.ACCEPTED, ())
    values = {
        "id": application.id,
        "programme_id": programme.id,
        "organization_id": "O1",
        "session_minutes": application.session_minutes,
        "earliest": dt.date(2025, 7, 15),
        "latest": dt.date(2026, 3, 13),
        "min_gap_days": 14,
        "target_gap_days": 21,
        "max_gap_days": 35,
        "municipality_code": "13101",
    }
    application.engagement = Engagement(**values | changes)
    return application


def declined(programme: Programme, *reasons: str) -> Application:
    """A declined application, for these reasons."""
    return _decided(programme, ApplicationState.DECLINED, Outcome.DECLINED, reasons)


def _decided(
    programme: Programme, state: ApplicationState, outcome: Outcome, reasons: tuple[str, ...]
) -> Application:
    application = rows.application()
    application.submitted_at, application.state = APPLIED_AT, state
    application.programme, application.organization = programme, rows.organization()
    application.interview = Interview(due_on=dt.date(2025, 7, 8), held_at=tokyo(7, 3))
    application.decision = Decision(
        outcome=outcome, decided_at=DECIDED_AT, decided_by="笠原 文子", reasons=reasons
    )
    return application
