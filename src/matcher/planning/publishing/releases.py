"""Releases: publishing a plan makes it the sessions that everybody sees."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm.exc import StaleDataError

from matcher.audit import told_together
from matcher.clock import to_tokyo, wall_time
from matcher.errors import Conflict, NewerRelease, NotFound, PlanOutdated
from matcher.locks import ROW
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
from matcher.notices.composition import tell_of_schedules
from matcher.planning.publishing.composition import Composition, keep, untouched_part
from matcher.planning.publishing.obstacles import Obstacle, named
from matcher.planning.publishing.snapshots import take_snapshot
from matcher.planning.running.runs import judged
from matcher.planning.stating.ground import Ground, ground_of, latest_release_number, moved
from matcher.planning.stating.planned import PlannedSession, sessions_of
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import Records
from solver.plan import Plan as PlanFile
from solver.problem import Problem
from solver.problem_file import ProblemFile


class PublicationPart(StrEnum):
    """How much of a plan is to be published."""

    ALL = "all"
    """All of it, or nothing."""
    UNTOUCHED = "untouched"
    """What nothing has touched that has changed since the plan was begun."""


def publish(db: Database, plan_id: str, note: str, by: str, now: dt.datetime) -> Release:
    """Make a ready plan the programme's next release, all of it or nothing.

    A session that stays as it was keeps its row untouched; one that changes keeps its id and gets
    the next sequence number; one that is no longer served is cancelled.

    Raises:
        NotFound: there is no such plan.
        PlanOutdated: what it was built from has changed, or its time has come; names what. Which
            part of it can be published still, `find_untouched` tells.
        Conflict: it is not ready, breaks a rule, or collides with what happens at this moment.
    """
    with _all_or_nothing(db):
        ready = _Ready.hold(db, plan_id, now)
        if ready.moved:
            raise PlanOutdated(ready.moved, newer=ready.newer)
        if ready.changes.is_none:
            raise _nothing_changes()
        return ready.write(db, note, by, now)


@dataclass(frozen=True)
class Untouched:
    """The part of an outdated plan that can be published still."""

    part: Composition
    moved: tuple[str, ...]
    newer: NewerRelease | None
    ground: Ground
    """What there was when it was found."""

    @property
    def refusal(self) -> PlanOutdated:
        """Why it is not the whole plan that is published, and which part can be."""
        part = self.part
        return PlanOutdated(
            self.moved, newer=self.newer, untouched=sorted(part.chosen), touched=part.left_out
        )


def find_untouched(db: Database, plan_id: str, now: dt.datetime) -> Untouched | None:
    """Find the part of a plan that nothing has touched; None where nothing has moved.

    It may take seconds, and only reads: nobody is to be kept from writing meanwhile.

    Raises:
        NotFound: there is no such plan.
        Conflict: it is not ready, or breaks a rule.
    """
    ready = _Ready.hold(db, plan_id, now, for_change=False)
    if not ready.moved:
        return None
    return Untouched(ready.untouched(now), ready.moved, ready.newer, ready.ground)


def publish_untouched(
    db: Database,
    plan_id: str,
    note: str,
    by: str,
    now: dt.datetime,
    *,
    found: Untouched | None = None,
) -> Release:
    """Publish the part of a ready plan that is not touched by what has changed since it was begun.

    All else stays as it is. The part is a plan of its own, judged by the records of now; where
    nothing has changed, it is the whole plan. `found` is the part, where it was looked for before:
    it holds unless something has changed once more.

    Raises:
        NotFound: there is no such plan.
        Conflict: nothing of it is untouched; it is not ready, or collides with what happens at
            this moment.
    """
    with _all_or_nothing(db):
        ready = _Ready.hold(db, plan_id, now)
        if not ready.moved:
            return ready.write(db, note, by, now)
        if found is not None and found.ground == ready.ground:
            part = replace(found.part, records=ready.records.as_of(now))
        else:
            part = ready.untouched(now)
        if not part.chosen:
            raise _nothing_untouched(part.left_out)
        kept = keep(db, part, f"part of {plan_id}", by, now)
        told = said_of(
            f"派遣計画{plan_id}のうち影響を受けない部分",
            f"The part of plan {plan_id} that nothing has touched",
            part,
        )
        return publish(db, kept.id, noted(note, told), by, now)


def noted(note: str, told: str) -> str:
    """A note of somebody's own, and what the service says of a release itself."""
    return f"{note}\n{told}" if note else told


def said_of(what_ja: str, what_en: str, part: Composition) -> str:
    """What a release is, and how much of what was meant: a note that everybody can read."""
    chosen, of_all = len(part.chosen), len(part.chosen) + len(part.left_out)
    ja = f"{what_ja}(派遣案件{of_all}件中{chosen}件)"
    en = f"{what_en}: engagements {chosen} of {of_all}"
    if part.left_out:
        names = named(part.left_out)
        ja, en = f"{ja}。現在のまま: {names}", f"{en}; as they were: {names}"
    return f"{ja}。\n{en}."


@contextmanager
def _all_or_nothing(db: Database) -> Iterator[None]:
    """Do all of it or nothing, and say so where somebody else is at the same sessions."""
    try:
        with db.begin_nested():
            yield
    except (IntegrityError, StaleDataError) as error:
        raise Conflict(
            "Somebody changed the same sessions at this moment; nothing was published. Try again.",
            "同じ派遣が同時に変更されたため、確定しませんでした。もう一度お試しください。",
        ) from error


@dataclass(frozen=True)
class _Ready:
    """A ready plan and the records by now, while nobody else publishes."""

    plan: Plan
    problem: Problem
    content: PlanFile
    records: Records
    there: Problem
    """What would be asked by now in place of its problem."""
    changes: Changes
    ground: Ground
    """What it would stand on by now."""
    moved: tuple[str, ...]
    """What keeps it from being published as a whole."""
    newer: NewerRelease | None
    """The latest release, where it has come since the plan was begun."""

    @classmethod
    def hold(
        cls, db: Database, plan_id: str, now: dt.datetime, *, for_change: bool = True
    ) -> _Ready:
        """Read a plan and its ground; for a change both stay so until the transaction ends.

        Raises:
            NotFound: there is no such plan.
            Conflict: it is not ready, or breaks a rule.
        """
        locked = ROW if for_change else None
        plan = db.get(Plan, plan_id, with_for_update=locked, populate_existing=True)
        if plan is None:
            raise NotFound("plan", plan_id)
        # One release at a time in a programme: the next one waits here, and then sees this one.
        db.get_one(Programme, plan.programme_id, with_for_update=locked)
        if plan.state != PlanState.READY or plan.problem is None or plan.plan is None:
            raise Conflict(
                f"Only a ready plan can be published; this one is {plan.state}.",
                f"確定できるのは計算が完了した派遣計画だけです(状態: {plan.state.ja})。",
                state=plan.state,
            )
        _check_rules(plan)
        began_at = plan.started_at or plan.created_at
        records = Records.load(
            db, plan.programme_id, began_at, terms=plan.terms, held_at=now, for_change=for_change
        )
        there = problem_of(records, records.still_in_scope())
        number = latest_release_number(db, plan.programme_id)
        problem = ProblemFile.from_bytes(plan.problem).problem
        content = PlanFile.from_json(gzip.decompress(plan.plan))
        changes = Changes.between(problem, content, records)
        ground = ground_of(there, number, seen_from=plan.ground)
        late = changes.too_late(records.as_of(now).first_free_day)
        why = moved(plan.ground, ground) or late
        newer = _newer(db, plan, number)
        return cls(plan, problem, content, records, there, changes, ground, why, newer)

    def untouched(self, now: dt.datetime) -> Composition:
        """The part of the plan that can be published still."""
        return untouched_part(self.records, self.problem, self.there, self.content, now)

    def write(self, db: Database, note: str, by: str, now: dt.datetime) -> Release:
        """Write the sessions, and the release."""
        self.changes.apply(db, now)
        _update_states(self.records, self.problem, self.content)
        self.plan.state = PlanState.PUBLISHED
        db.flush()
        tell_of_schedules(db, self.changes.engagement_ids, by, now)
        return number_release(db, self.plan.programme_id, self.plan.id, note, by, now)


def _newer(db: Database, plan: Plan, latest: int) -> NewerRelease | None:
    if plan.ground.get("release") == str(latest):
        return None
    release = db.get(Release, (plan.programme_id, latest))
    if release is None:
        return None
    return NewerRelease(latest, release.published_by, to_tokyo(release.published_at))


def _nothing_changes() -> Conflict:
    return Conflict(
        "The plan changes nothing of what is published, so there is nothing to publish. "
        "Discard it, or make a new plan once something has changed.",
        "この派遣計画は確定済みの内容を何も変えないため、確定する必要がありません。"
        "破棄するか、状況が変わってから計画を作り直してください。",
        code="nothing_changes",
    )


def _nothing_untouched(touched: tuple[Obstacle, ...]) -> Conflict:
    return Conflict(
        "What has changed since the plan was begun touches all that it would change. "
        "Make a new plan.",
        "計算の開始後の変更が、この派遣計画による変更のすべてに影響します。"
        "計画を作り直してください。",
        code="nothing_untouched",
        touched=touched,
    )


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

    @property
    def engagement_ids(self) -> frozenset[str]:
        """Of whom any session is changed."""
        touched: list[Session | PlannedSession] = [*self.added, *self.dropped]
        touched += [before for before, _ in self.changed]
        return frozenset(each.engagement_id for each in touched)

    def too_late(self, first_free_day: dt.date) -> tuple[str, ...]:
        """The engagements of which it would change what stands by now: all up to today's end."""
        touched: list[Session | PlannedSession] = [*self.added, *self.dropped]
        for before, after in self.changed:
            touched += [before, after]
        late = {
            f"engagement:{each.engagement_id}"
            for each in touched
            if wall_time(each.start_at).date() < first_free_day
        }
        return tuple(sorted(late))

    def apply(self, db: Database, now: dt.datetime) -> None:
        """Write the sessions.

        Two sessions of one expert may exchange their times, and the database refuses overlaps
        statement by statement: so all that move are cancelled first, and confirmed where they go.
        The audit tells each move as what it is, from the old time to the new.
        """
        with told_together(db):
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


FOLLOWING: Final = frozenset({"place_ja", "place_en", "meeting_url", "phase"})
"""What a session has from its engagement: it is renewed when that changes, not by a plan."""


def _differs(row: Session, planned: PlannedSession) -> bool:
    return any(
        getattr(row, field.name) != getattr(planned, field.name)
        for field in fields(planned)
        if field.name not in FOLLOWING
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
