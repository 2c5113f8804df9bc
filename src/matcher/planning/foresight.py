"""Forecasts and rehearsals kept up to date in the background, by release and day.

Each is computed once for a release and a day, and only while no run waits or is carried out. What
is computed is written piece by piece, so a worker that dies loses one piece at most, and the next
round goes on where it stopped.
"""

from __future__ import annotations

import datetime as dt

from pydantic import TypeAdapter
from sqlalchemy import delete, select
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.models import (
    Application,
    Plan,
    PlanState,
    Programme,
    StoredForecast,
    StoredRehearsal,
)
from matcher.planning.attempt import Clock, Sessions
from matcher.planning.forecast import Forecast, Interrupted, forecast, typical_profile
from matcher.planning.ground import latest_release_number
from matcher.planning.problem import Records
from matcher.planning.rehearsal import experts_with_sessions_to_come, rehearse

FORECAST = TypeAdapter(Forecast)
KEPT = ("sessions_to_come", "lost", "shortened", "sessions_lost", "moved", "taken_over")
FIGURES = (*KEPT, "held_times_lost", "cost", "bound", "proven")
"""What is kept of a rehearsal."""


def look_ahead(sessions: Sessions, clock: Clock) -> None:
    """Compute what is missing or outdated, until a run wants the worker."""
    with sessions() as db:
        programmes = db.scalars(select(Programme.id).order_by(Programme.id)).all()
    try:
        for programme_id in programmes:
            _foresee(sessions, programme_id, clock())
            _rehearse(sessions, programme_id, clock())
    except Interrupted:
        return  # the next round goes on


def _foresee(sessions: Sessions, programme_id: str, now: dt.datetime) -> None:
    with sessions() as db:
        release, day = latest_release_number(db, programme_id), wall_time(now).date()
        kept = db.get(StoredForecast, programme_id)
        if release == 0 or (kept and (kept.release_number, kept.day) == (release, day)):
            return  # before the first release there is nothing that it could stand beside
        records = Records.load(db, programme_id, now)
        wanted = select(Application).where(Application.programme_id == programme_id)
        profile = typical_profile(records, tuple(db.scalars(wanted)))
    # Computed without a transaction: on SQLite nobody could write as long as one is open.
    found = forecast(records, profile, interrupted=lambda: a_run_waits(sessions))
    with sessions.begin() as db:
        db.merge(
            StoredForecast(
                programme_id=programme_id,
                release_number=release,
                day=day,
                content=FORECAST.dump_python(found, mode="json"),
                computed_at=now,
            )
        )


def _rehearse(sessions: Sessions, programme_id: str, now: dt.datetime) -> None:
    with sessions() as db:
        release, day = latest_release_number(db, programme_id), wall_time(now).date()
        kept = set(
            db.scalars(
                select(StoredRehearsal.expert_id).where(
                    StoredRehearsal.programme_id == programme_id,
                    StoredRehearsal.release_number == release,
                    StoredRehearsal.day == day,
                )
            )
        )
        records = Records.load(db, programme_id, now)
    wanted = experts_with_sessions_to_come(records)
    for expert_id in wanted:
        if expert_id in kept:
            continue
        if a_run_waits(sessions):
            raise Interrupted
        found = rehearse(records, expert_id)
        figures = {name: getattr(found, name) for name in FIGURES}
        with sessions.begin() as db:
            db.merge(
                StoredRehearsal(
                    programme_id=programme_id,
                    expert_id=expert_id,
                    release_number=release,
                    day=day,
                    computed_at=now,
                    **figures,
                )
            )
    with sessions.begin() as db:
        db.execute(
            delete(StoredRehearsal).where(
                StoredRehearsal.programme_id == programme_id,
                StoredRehearsal.expert_id.not_in(wanted),
            )
        )


def a_run_waits(sessions: Sessions) -> bool:
    """Whether a planning run is queued or carried out."""
    with sessions() as db:
        return _first_run(db) is not None


def _first_run(db: Database) -> str | None:
    busy = (PlanState.QUEUED, PlanState.SOLVING)
    return db.scalars(select(Plan.id).where(Plan.state.in_(busy)).limit(1)).first()
