"""Runs of the solver: queued → solving → ready; cancelled or failed instead of ready.

The table of plans is the truth about runs. Whoever carries one out claims it first (`attempt`);
a run whose worker falls silent is taken away from it.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import TimeLimit
from matcher.locks import ROW
from matcher.models import Plan, PlanState, PlanTerms
from matcher.planning.running.attempt import without_worker
from matcher.planning.stating.records import Records
from solver.validation import Verdict, judge

MAX_CRASHES = 2
"""A run that crashed is taken up once more; it fails with its second crash."""

Workers = Annotated[int, Field(ge=1, le=64)]
"""How many cores it may use."""
Seed = Annotated[int, Field(ge=0, lt=2**31)]
WorkLimit = Annotated[int, Field(ge=1, le=100_000)]
"""Search steps of each worker; they take the place of a limit in time."""


class RunParameters(BaseModel):
    """What to plan and how long to try."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: PlanTerms = PlanTerms()
    time_limit_seconds: TimeLimit = 30.0
    workers: Workers = 1
    seed: Seed = 0
    work_limit: WorkLimit | None = None


def start_run(
    db: Database, programme_id: str, parameters: RunParameters, by: str, now: dt.datetime
) -> Plan:
    """Queue a run. It waits until a worker claims it.

    Raises:
        NotFound: there is no such programme.
        Conflict: one that the terms name is on hold.
        Invalid: an engagement of the terms is not there or not plannable any more, or their last
            day is not one on which a session could be placed.
    """
    records = Records.load(db, programme_id, now, terms=parameters.terms)
    _check_only(records)
    _check_until(records)
    records.in_scope()
    plan = Plan(
        programme_id=programme_id,
        terms=parameters.terms,
        work_limit=parameters.work_limit,
        time_limit_seconds=parameters.time_limit_seconds,
        workers=parameters.workers,
        seed=parameters.seed,
        created_at=now,
        created_by=by,
    )
    db.add(plan)
    db.flush()
    return plan


def _check_only(records: Records) -> None:
    """Refuse an engagement that is not there, or that cannot get sessions any more."""
    plannable = {each.id for each in records.plannable}
    for index, id in enumerate(records.terms.only or ()):
        if id in plannable:
            continue
        known = records.engagements.get(id)
        raise Invalid(
            f"only.{index}",
            f"there is no engagement {id} in this programme"
            if known is None
            else f"engagement {id} is {known.state}",
            "give engagements that may still get sessions, or none for all",
            reason_ja=f"この事業に派遣案件{id}はありません"
            if known is None
            else f"派遣案件{id}は完了したか取り下げられたため、派遣を計画できません",
            remedy_ja="派遣を計画できる案件を指定するか、省略してください",
        )


def _check_until(records: Records) -> None:
    """Refuse a last day before the first free one, or after the period."""
    until, period = records.terms.until, records.rules.implementation_period
    first, last = max(records.first_free_day, period.first_day), period.last_day
    if until is None or first <= until <= last:
        return
    early = until < first
    raise Invalid(
        "until",
        f"no session can be placed before {first}" if early else f"the period ends on {last}",
        f"give a day from {first} to {last}, or none" if first <= last else "give none",
        reason_ja=f"{first}より前には派遣を計画できません"
        if early
        else f"派遣期間は{last}までです",
        remedy_ja=f"{first}から{last}までの日を指定するか、省略してください"
        if first <= last
        else "省略してください",
    )


def cancel_run(db: Database, plan_id: str, now: dt.datetime) -> Plan:
    """Stop a run: at once where it is queued, else within seconds, with the best plan so far.

    Raises:
        NotFound: there is no such plan.
        Conflict: the run is over.
    """
    plan = db.get(Plan, plan_id, with_for_update=ROW, populate_existing=True)
    if plan is None:
        raise NotFound("plan", plan_id)
    match plan.state:
        case PlanState.QUEUED:
            plan.state = PlanState.CANCELLED
            plan.cancel_requested_at = plan.finished_at = now
        case PlanState.SOLVING:
            plan.cancel_requested_at = plan.cancel_requested_at or now
        case _:
            raise Conflict(
                f"The run is over: the plan is {plan.state}.",
                f"計算はすでに終了しています(状態: {plan.state.ja})。",
                state=plan.state,
            )
    db.flush()
    return plan


def discard(db: Database, plan_id: str) -> Plan:
    """Put a plan aside that is not to be published; it stays on record.

    Raises:
        NotFound: there is no such plan.
        Conflict: it is not ready.
    """
    plan = db.get(Plan, plan_id, with_for_update=ROW, populate_existing=True)
    if plan is None:
        raise NotFound("plan", plan_id)
    if plan.state != PlanState.READY:
        raise Conflict(
            f"Only a ready plan can be discarded; this one is {plan.state}.",
            f"破棄できるのは計算が完了した派遣計画だけです(状態: {plan.state.ja})。",
            state=plan.state,
        )
    plan.state = PlanState.DISCARDED
    db.flush()
    return plan


def judged(plan: Plan) -> Verdict:
    """Judge a stored plan by its stored problem, from their bytes alone.

    Raises:
        Conflict: there is none yet, or the stored problem is not the one it was made for.
    """
    if plan.problem is None or plan.plan is None:
        raise Conflict(
            f"There is no plan yet: the run is {plan.state}.",
            f"派遣計画はまだありません(状態: {plan.state.ja})。",
            state=plan.state,
        )
    problem = gzip.decompress(plan.problem)
    if hashlib.sha256(problem).hexdigest() != plan.problem_sha256:
        raise Conflict(
            "The stored problem is not the one that was solved. Start a new run.",
            "保存された問題データが計算時のものと一致しません。計画を作り直してください。",
            code="plan_damaged",
        )
    return judge(problem, gzip.decompress(plan.plan), sha256=plan.problem_sha256)


def reap(db: Database, now: dt.datetime) -> tuple[str, ...]:
    """Take runs from workers that fell silent; the ids of those that may be tried once more."""
    silent = (Plan.state == PlanState.SOLVING) & (Plan.lease_until < now)
    db.execute(
        update(Plan)
        .where(silent, Plan.crashes + 1 >= MAX_CRASHES)
        .values(
            state=PlanState.FAILED,
            crashes=Plan.crashes + 1,
            finished_at=now,
            lease_until=None,
            error="The worker stopped answering twice. See its log, then start a new run.",
            error_ja="ワーカーの応答が2回途絶えました。ログを確認してから、計画を作り直してください。",
        )
        .execution_options(synchronize_session=False)
    )
    given_up = db.execute(
        update(Plan)
        .where(silent)
        .values(**without_worker(), crashes=Plan.crashes + 1)
        .returning(Plan.id, Plan.state)
        .execution_options(synchronize_session=False)
    )
    return tuple(row.id for row in given_up if row.state == PlanState.QUEUED)


def queued_runs(db: Database) -> Sequence[Plan]:
    """The runs that wait for a worker, the oldest first."""
    return db.scalars(
        select(Plan).where(Plan.state == PlanState.QUEUED).order_by(Plan.created_at, Plan.id)
    ).all()
