"""If an expert dropped out tomorrow: what would be lost, and the cheapest repair.

Only the engagements that have sessions of the expert to come are planned again, among the other
candidates; everything else stands, times on hold included. What a planner pinned for those
engagements no longer holds: the person it was pinned for is gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time, start_of, wall_time
from matcher.models import Engagement, Session, SessionStatus
from matcher.planning.stating.clashes import clashes, incomplete
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import PLANNABLE_STATES, Records
from matcher.programme import Words
from solver import NoPlanFound, Parameters, solve
from solver.plan import Plan
from solver.problem import BusyTime, Problem
from solver.problem_file import ProblemFile

REPAIR = Parameters(time_limit_seconds=10.0)
"""Repairs are small; where one takes longer, its bound tells what is left open."""


@dataclass(frozen=True)
class Repair:
    """What the cheapest repair leaves, and the repaired plan's figures."""

    lost: tuple[str, ...]
    """The engagements that would get no session any more."""
    shortened: tuple[str, ...]
    """Those that would get fewer than are published."""
    sessions_lost: int
    """Of the sessions to come."""
    moved: int
    """The sessions that would take place at another time."""
    taken_over: int
    """The sessions that would take place, with somebody else."""
    cost: int
    bound: int
    proven: bool
    """Whether no repair costs less."""
    problem: ProblemFile
    plan: Plan
    """The repair, as the judge passed it."""


@dataclass(frozen=True)
class Undetermined:
    """No repair could be determined, as what is fixed by itself allows no plan."""

    reasons: tuple[Words, ...]


@dataclass(frozen=True)
class Rehearsal:
    """What the loss of one expert would do."""

    expert_id: str
    sessions_to_come: int
    held_times_lost: int
    """The times on hold with the expert, which would have to be offered anew."""
    outcome: Repair | Undetermined

    @property
    def damage(self) -> tuple[bool, int, int, int, str]:
        """By which the worst comes first, the larger the worse; what is not known before all."""
        match self.outcome:
            case Undetermined():
                return True, 0, 0, 0, self.expert_id
            case Repair() as repair:
                lost = len(repair.lost)
                return False, lost, repair.sessions_lost, repair.moved, self.expert_id


def experts_with_sessions_to_come(
    db: Database, programme_id: str, now: dt.datetime
) -> tuple[str, ...]:
    """Whose loss would touch a published session after the day of `now`, by id."""
    tomorrow = wall_time(now).date() + dt.timedelta(days=1)
    to_come = (
        select(Session.expert_id)
        .join(Engagement)
        .where(Engagement.programme_id == programme_id)
        .where(Session.status == SessionStatus.CONFIRMED, Session.start_at >= start_of(tomorrow))
        .distinct()
        .order_by(Session.expert_id)
    )
    return tuple(db.scalars(to_come))


def rehearse(
    records: Records,
    expert_id: str,
    parameters: Parameters = REPAIR,
    *,
    cancelled: Callable[[], bool] | None = None,
) -> Rehearsal:
    """Take an expert away from tomorrow on, and repair what that touches at the least cost."""
    holds = [hold for hold in records.holds.values() if hold.expert_id == expert_id]
    return Rehearsal(
        expert_id,
        len(_sessions_to_come(records, expert_id)),
        sum(len(hold.sessions) for hold in holds),
        _repaired(records, expert_id, parameters, cancelled),
    )


def _repaired(
    records: Records,
    expert_id: str,
    parameters: Parameters,
    cancelled: Callable[[], bool] | None,
) -> Repair | Undetermined:
    file = ProblemFile.from_problem(problem_without(records, expert_id))
    try:
        plan = solve(file, parameters, cancelled=cancelled)
    except NoPlanFound:
        return Undetermined(incomplete(file.problem))
    if plan.status == "infeasible_pins":
        return Undetermined(clashes(file.problem) or incomplete(file.problem))
    return _compared(records, expert_id, file, plan)


def _compared(records: Records, expert_id: str, file: ProblemFile, plan: Plan) -> Repair:
    """What a repair makes of the published sessions to come."""
    served = {each.engagement: each for each in plan.assignments}
    lost, shortened, moved, taken_over, gone = [], [], 0, 0, 0
    for engagement in _touched(records, expert_id):
        assignment = served.get(engagement.id)
        starts = [from_wall_time(each) for each in assignment.starts] if assignment else []
        numbered = enumerate(records.sessions[engagement.id])
        to_come = {n: session for n, session in numbered if _is_to_come(records, session)}
        repaired = [(each, starts[n]) for n, each in to_come.items() if n < len(starts)]
        missing = len(to_come) - len(repaired)
        if not repaired:
            lost.append(engagement.id)
        elif missing:
            shortened.append(engagement.id)
        gone += missing
        moved += sum(session.start_at != start for session, start in repaired)
        taken_over += sum(session.expert_id == expert_id for session, _ in repaired)
    return Repair(
        tuple(lost),
        tuple(shortened),
        gone,
        moved,
        taken_over,
        plan.cost.total,
        plan.bound,
        plan.status == "optimal",
        file,
        plan,
    )


def problem_without(records: Records, expert_id: str) -> Problem:
    """The problem of the engagements that the loss of an expert touches, everything else fixed."""
    touched = _touched(records, expert_id)
    ids = {each.id for each in touched}
    pins = {id: held for id, held in records.pins.items() if id not in ids}
    terms = records.terms.model_copy(update={"frozen_days": 0})
    problem = problem_of(replace(records, pins=pins, terms=terms), touched)
    gone = dt.datetime.combine(records.first_free_day, dt.time())
    end = dt.datetime.combine(problem.calendar.last_day + dt.timedelta(days=1), dt.time())
    away = (BusyTime(gone, end),) if gone < end else ()
    return problem.model_copy(
        update={
            "experts": tuple(
                each.model_copy(update={"busy": (*each.busy, *away)})
                if each.id == expert_id
                else each
                for each in problem.experts
            ),
            "engagements": tuple(
                each.model_copy(
                    update={
                        "candidates": tuple(c for c in each.candidates if c.expert != expert_id),
                        "reassign": each.reassign
                        or any(pin.expert == expert_id for pin in each.pinned),
                    }
                )
                if each.id in ids
                else each
                for each in problem.engagements
            ),
        }
    )


def _touched(records: Records, expert_id: str) -> tuple[Engagement, ...]:
    ids = {each.engagement_id for each in _sessions_to_come(records, expert_id)}
    return tuple(
        each
        for each in records.engagements.values()
        if each.id in ids and each.state in PLANNABLE_STATES
    )


def _sessions_to_come(records: Records, expert_id: str) -> Sequence[Session]:
    return [
        each
        for sessions in records.sessions.values()
        for each in sessions
        if each.expert_id == expert_id and _is_to_come(records, each)
    ]


def _is_to_come(records: Records, session: Session) -> bool:
    return session.status == SessionStatus.CONFIRMED and not records.stands(session)
