"""Releases: publishing a plan makes it the sessions that everybody sees."""

from __future__ import annotations

import datetime as dt
import gzip
from dataclasses import dataclass, fields

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm.exc import StaleDataError

from matcher.errors import Conflict, NotFound, PlanOutdated
from matcher.models import (
    EngagementState,
    Plan,
    PlanState,
    Programme,
    Release,
    Session,
    SessionDeparture,
    SessionStatus,
)
from matcher.planning.ground import ground_of, latest_release_number, moved
from matcher.planning.problem import PlannedSession, Records, sessions_of
from matcher.planning.runs import judged
from matcher.planning.snapshots import take_snapshot
from solver.plan import Plan as PlanFile
from solver.problem import Problem
from solver.problem_file import ProblemFile


def publish(db: Database, plan_id: str, note: str, by: str, now: dt.datetime) -> Release:
    """Make a ready plan the programme's next release, all of it or nothing.

    A session that stays as it was keeps its row untouched; one that changes keeps its id and gets
    the next sequence number; one that is no longer served is cancelled.

    Raises:
        NotFound: there is no such plan.
        PlanOutdated: what it was built from has changed, or its time has come; names what.
        Conflict: it is not ready, breaks a rule, or collides with what happens at this moment.
    """
    plan = db.get(Plan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None:
        raise NotFound("plan", plan_id)
    try:
        with db.begin_nested():
            return _publish(db, plan, note, by, now)
    except (IntegrityError, StaleDataError) as error:
        raise Conflict(
            "Somebody changed the same sessions at this moment; nothing was published. Try again.",
            "同じ派遣が同時に変更されたため、確定しませんでした。もう一度お試しください。",
        ) from error


def _publish(db: Database, plan: Plan, note: str, by: str, now: dt.datetime) -> Release:
    # One release at a time in a programme: the next one waits here, and then sees this one.
    db.get_one(Programme, plan.programme_id, with_for_update=True)
    if plan.state != PlanState.READY or plan.problem is None or plan.plan is None:
        raise Conflict(
            f"Only a ready plan can be published; this one is {plan.state}.",
            f"確定できるのは計算が完了した派遣計画だけです(状態: {plan.state.ja})。",
            state=plan.state,
        )
    _check_rules(plan)
    began_at = plan.started_at or plan.created_at
    records = Records.load(
        db, plan.programme_id, began_at, terms=plan.terms, held_at=now, for_change=True
    )
    number = latest_release_number(db, plan.programme_id)
    _check_ground(plan, records, number)
    problem = ProblemFile.from_bytes(plan.problem).problem
    content = PlanFile.from_json(gzip.decompress(plan.plan))
    changes = Changes.between(problem, content, records)
    changes.check_time(now)
    changes.apply(db, now)
    _update_states(records, problem, content)
    plan.state = PlanState.PUBLISHED
    return number_release(db, plan.programme_id, plan.id, note, by, now)


def number_release(
    db: Database, programme_id: str, plan_id: str | None, note: str, by: str, now: dt.datetime
) -> Release:
    """Make the sessions, as they are now, the programme's next release.

    The caller holds the programme's row, so that nobody takes the same number.
    """
    release = Release(
        programme_id=programme_id,
        number=latest_release_number(db, programme_id) + 1,
        plan_id=plan_id,
        published_at=now,
        published_by=by,
        note=note,
        snapshot=take_snapshot(db, programme_id).to_bytes(),
    )
    db.add(release)
    db.flush()
    return release


def _check_rules(plan: Plan) -> None:
    verdict = judged(plan)
    if not verdict.holds:
        broken = tuple(map(str, verdict.broken))
        raise Conflict(
            f"The plan breaks a rule: {'; '.join(broken)}.",
            f"派遣計画が規則に反しています: {'、'.join(broken)}。",
            code="plan_rejected",
            broken=broken,
        )


def _check_ground(plan: Plan, records: Records, release: int) -> None:
    problem = records.problem(records.still_in_scope())
    changed = moved(plan.ground, ground_of(problem, release, seen_from=plan.ground))
    if changed:
        raise PlanOutdated(changed)


@dataclass(frozen=True)
class Changes:
    """What a plan changes among the sessions that are published."""

    added: tuple[PlannedSession, ...]
    changed: tuple[tuple[Session, PlannedSession], ...]
    dropped: tuple[Session, ...]

    @classmethod
    def between(cls, problem: Problem, plan: PlanFile, records: Records) -> Changes:
        """Compare a plan with the sessions that stand; pinned ones are left alone."""
        pinned = {(each.id, pin.session) for each in problem.engagements for pin in each.pinned}
        rows = {
            (each.id, number): session
            for each in problem.engagements
            for number, session in enumerate(records.sessions.get(each.id, ()), 1)
            if (each.id, number) not in pinned
        }
        wanted = {
            (each.engagement_id, each.number): each
            for each in sessions_of(plan, problem, records.engagements, records.rules)
        }
        return cls(
            added=tuple(wanted[key] for key in sorted(wanted.keys() - rows.keys())),
            changed=tuple(
                (rows[key], wanted[key])
                for key in sorted(wanted.keys() & rows.keys())
                if _differs(rows[key], wanted[key])
            ),
            dropped=tuple(rows[key] for key in sorted(rows.keys() - wanted.keys())),
        )

    @property
    def is_none(self) -> bool:
        """Whether everything stays as it stands."""
        return not (self.added or self.changed or self.dropped)

    def check_time(self, now: dt.datetime) -> None:
        """Refuse to change what has begun, or to begin in the past.

        Raises:
            PlanOutdated: the plan has waited too long; names the engagements.
        """
        touched: list[Session | PlannedSession] = [*self.added, *self.dropped]
        for before, after in self.changed:
            touched += [before, after]
        late = {f"engagement:{each.engagement_id}" for each in touched if each.start_at <= now}
        if late:
            raise PlanOutdated(sorted(late))

    def apply(self, db: Database, now: dt.datetime) -> None:
        """Write the sessions.

        Two sessions of one expert may exchange their times, and the database refuses overlaps
        statement by statement: so all that move are cancelled first, and confirmed where they go.
        """
        for row in (*self.dropped, *(before for before, _ in self.changed)):
            row.status = SessionStatus.CANCELLED
            row.sequence += 1
            row.revised_at = now
        db.flush()
        for before, after in self.changed:
            if before.expert_id != after.expert_id:
                db.merge(_departure(before))
            _rewrite(before, after)
        db.add_all(_new_session(each, now) for each in self.added)
        db.flush()


def _differs(row: Session, planned: PlannedSession) -> bool:
    return any(
        getattr(row, field.name) != getattr(planned, field.name) for field in fields(planned)
    )


def _rewrite(row: Session, planned: PlannedSession) -> None:
    for field in fields(planned):
        setattr(row, field.name, getattr(planned, field.name))
    row.status = SessionStatus.CONFIRMED


def _new_session(planned: PlannedSession, now: dt.datetime) -> Session:
    values = {field.name: getattr(planned, field.name) for field in fields(planned)}
    return Session(**values, created_at=now, revised_at=now)


def _departure(row: Session) -> SessionDeparture:
    """What the calendar of the expert a session leaves goes on to show: that it is cancelled."""
    return SessionDeparture(
        session_id=row.id,
        expert_id=row.expert_id,
        start_at=row.start_at,
        end_at=row.end_at,
        sequence=row.sequence,
        revised_at=row.revised_at,
    )


def _update_states(records: Records, problem: Problem, plan: PlanFile) -> None:
    """An engagement with sessions is planned, one without waits; one in progress stays so.

    One whose times are on hold stays as it is: they are no sessions yet.
    """
    served = {assignment.engagement for assignment in plan.assignments}
    changing = {EngagementState.WAITING, EngagementState.PLANNED}
    for each in problem.engagements:
        engagement = records.engagements[each.id]
        if engagement.state in changing and each.id not in records.holds:
            engagement.state = (
                EngagementState.PLANNED if each.id in served else EngagementState.WAITING
            )
