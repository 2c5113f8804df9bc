"""Plans made by hand: who serves whom and when, judged and ready to be published."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.models import Plan, PlanState, PlanTerms, Session, SessionStatus
from matcher.planning.running.attempt import result_of
from matcher.planning.stating.ground import ground_of, latest_release_number
from matcher.planning.stating.problem import build_problem
from solver.plan import Assignment, Cost, SolverRecord, gap_of
from solver.plan import Plan as PlanFile
from solver.problem_file import ProblemFile
from solver.validation import judge

Wanted = dict[str, tuple[str, tuple[str, ...]]]
"""By engagement: the expert, and the wall-clock times at which the sessions start."""


def plan_file(problem: ProblemFile, wanted: Wanted) -> PlanFile:
    """A plan/1 of the sessions wanted, its cost stated as it is and no bound but zero."""
    assignments = tuple(
        Assignment(
            engagement=engagement,
            expert=expert,
            starts=tuple(dt.datetime.fromisoformat(start) for start in starts),
        )
        for engagement, (expert, starts) in wanted.items()
    )
    bare = [each.model_dump(mode="json") for each in assignments]
    verdict = judge(problem.json, json.dumps({"assignments": bare}).encode())
    return PlanFile(
        problem=problem.problem.name,
        problem_sha256=problem.sha256,
        assignments=assignments,
        cost=Cost(**asdict(verdict.cost)),
        bound=0,
        gap=gap_of(verdict.cost.total, 0),
        status="optimal" if verdict.cost.total == 0 else "feasible",
        solver=SolverRecord(version="by hand", seed=0, workers=1, seconds=0.0),
    )


def ready_plan(
    db: Database, wanted: Wanted, now: dt.datetime, only: tuple[str, ...] | None = None
) -> Plan:
    """A plan that waits for publication."""
    terms = PlanTerms(only=only, frozen_days=0)
    problem = build_problem(db, "tokyo-2025", terms=terms, now=now)
    plan = Plan(
        programme_id="tokyo-2025",
        state=PlanState.READY,
        terms=terms,
        time_limit_seconds=1,
        workers=1,
        seed=0,
        created_at=now,
        created_by="planner",
        started_at=now,
        ground=ground_of(problem.problem, latest_release_number(db, "tokyo-2025")),
        **result_of(problem, plan_file(problem, wanted)),
    )
    db.add(plan)
    db.commit()
    return plan


def standing_sessions(db: Database) -> dict[tuple[str, int], Session]:
    """The sessions that are not cancelled, by engagement and number, as the database has them."""
    rows = db.scalars(
        select(Session)
        .where(Session.status != SessionStatus.CANCELLED)
        .execution_options(populate_existing=True)
    )
    return {(each.engagement_id, each.number): each for each in rows}
