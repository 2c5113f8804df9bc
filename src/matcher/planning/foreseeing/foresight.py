"""Forecasts and rehearsals kept up to date in the background, by release and day.

Each is computed once for a release and a day, and anew where a record has changed that it stands
on; by one worker at a time, and only while no run waits or is carried out. What is computed is
written piece by piece, so a worker that dies loses one piece at most, and whoever is next goes on
where it stopped.
"""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass

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
from matcher.planning.foreseeing.forecast import Forecast, Interrupted, forecast
from matcher.planning.foreseeing.freshness import Present
from matcher.planning.foreseeing.profile import typical_profile
from matcher.planning.foreseeing.rehearsal import (
    Rehearsal,
    Repair,
    Undetermined,
    experts_with_sessions_to_come,
    rehearse,
)
from matcher.planning.running.attempt import Clock, Sessions
from matcher.planning.running.claim import Claim
from matcher.planning.stating.records import Records

FORECAST = TypeAdapter(Forecast)


def look_ahead(sessions: Sessions, clock: Clock, stopping: threading.Event) -> None:
    """Compute what is missing or outdated, until a run wants the worker, or it is to end.

    What another worker is at is left to that one.
    """
    with sessions() as db:
        programmes = db.scalars(select(Programme.id).order_by(Programme.id)).all()
    for programme_id in programmes:
        if not _something_is_due(sessions, programme_id, clock()):
            continue
        claim = Claim.take(sessions, f"foresight of {programme_id}", clock)
        if claim is None:
            continue
        interrupted = _Interruption(sessions, claim, stopping)
        try:
            _foresee(sessions, programme_id, clock(), interrupted)
            _rehearse(sessions, programme_id, clock(), interrupted)
        except Interrupted:
            return  # the next round goes on
        finally:
            claim.give_up()


@dataclass(frozen=True)
class _Interruption:
    """Whether to stop: for the end of the worker, for a run, or because others took over."""

    sessions: Sessions
    claim: Claim
    stopping: threading.Event

    def __call__(self) -> bool:
        return self.stopping.is_set() or a_run_waits(self.sessions) or not self.claim.renew()


def _something_is_due(sessions: Sessions, programme_id: str, now: dt.datetime) -> bool:
    with sessions() as db:
        present = Present.of(db, programme_id, now)
        return _forecast_is_due(db, programme_id, present) or _rehearsals_are_due(
            db, programme_id, present
        )


def _forecast_is_due(db: Database, programme_id: str, present: Present) -> bool:
    kept = db.get(StoredForecast, programme_id)
    # Before the first release there is nothing that it could stand beside.
    return present.release_number > 0 and (kept is None or present.needs_anew(kept))


def _rehearsals_are_due(db: Database, programme_id: str, present: Present) -> bool:
    wanted = experts_with_sessions_to_come(db, programme_id, present.now)
    kept = _rehearsals(db, programme_id)
    return kept.keys() != set(wanted) or any(map(present.needs_anew, kept.values()))


def _rehearsals(db: Database, programme_id: str) -> dict[str, StoredRehearsal]:
    """Those that are kept, by expert."""
    kept = select(StoredRehearsal).where(StoredRehearsal.programme_id == programme_id)
    return {each.expert_id: each for each in db.scalars(kept)}


def _foresee(
    sessions: Sessions, programme_id: str, now: dt.datetime, interrupted: _Interruption
) -> None:
    with sessions() as db:
        present = Present.of(db, programme_id, now)
        if not _forecast_is_due(db, programme_id, present):
            return
        records = Records.load(db, programme_id, now)
        wanted = select(Application).where(Application.programme_id == programme_id)
        profile = typical_profile(records, tuple(db.scalars(wanted)))
    # Computed without a transaction: on SQLite nobody could write as long as one is open.
    found = forecast(records, profile, interrupted=interrupted)
    with sessions.begin() as db:
        db.merge(
            StoredForecast(
                programme_id=programme_id,
                release_number=present.release_number,
                day=wall_time(now).date(),
                ground=present.ground,
                content=FORECAST.dump_python(found, mode="json"),
                computed_at=now,
            )
        )


def _rehearse(
    sessions: Sessions, programme_id: str, now: dt.datetime, interrupted: _Interruption
) -> None:
    with sessions() as db:
        present = Present.of(db, programme_id, now)
        kept = _rehearsals(db, programme_id)
        wanted = experts_with_sessions_to_come(db, programme_id, now)
        records = Records.load(db, programme_id, now)
    for expert_id in wanted:
        if expert_id in kept and not present.needs_anew(kept[expert_id]):
            continue
        if interrupted():
            raise Interrupted
        found = rehearse(records, expert_id, cancelled=interrupted.stopping.is_set)
        if interrupted.stopping.is_set():
            raise Interrupted  # it was cut short: what it found is not the cheapest repair
        with sessions.begin() as db:
            db.merge(_to_be_kept(found, programme_id, present))
    with sessions.begin() as db:
        db.execute(
            delete(StoredRehearsal).where(
                StoredRehearsal.programme_id == programme_id,
                StoredRehearsal.expert_id.not_in(wanted),
            )
        )


def _to_be_kept(found: Rehearsal, programme_id: str, present: Present) -> StoredRehearsal:
    undetermined, engagements_lost, sessions_lost, moved, _ = found.damage
    repair = found.outcome if isinstance(found.outcome, Repair) else None
    return StoredRehearsal(
        programme_id=programme_id,
        expert_id=found.expert_id,
        release_number=present.release_number,
        day=wall_time(present.now).date(),
        ground=present.ground,
        sessions_to_come=found.sessions_to_come,
        held_times_lost=found.held_times_lost,
        undetermined=undetermined,
        reasons=found.outcome.reasons if isinstance(found.outcome, Undetermined) else (),
        engagements_lost=engagements_lost,
        sessions_lost=sessions_lost,
        moved=moved,
        lost=repair and repair.lost,
        shortened=repair and repair.shortened,
        taken_over=repair and repair.taken_over,
        cost=repair and repair.cost,
        bound=repair and repair.bound,
        proven=repair and repair.proven,
        computed_at=present.now,
    )


def a_run_waits(sessions: Sessions) -> bool:
    """Whether a planning run is queued or carried out."""
    with sessions() as db:
        return _first_run(db) is not None


def _first_run(db: Database) -> str | None:
    busy = (PlanState.QUEUED, PlanState.SOLVING)
    return db.scalars(select(Plan.id).where(Plan.state.in_(busy)).limit(1)).first()
