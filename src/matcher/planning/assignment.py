"""An assignment on request: one engagement into the published plan, everything else fixed.

The problem is that of a batch run with all other sessions pinned, and its optimum is exact.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, NotFound, PlanOutdated
from matcher.models import Engagement, Plan, PlanState, PlanTerms, Programme, Release
from matcher.planning.explanation import nobody_is_free, nobody_may_serve, window_closed
from matcher.planning.ground import Ground, ground_of, latest_release_number
from matcher.planning.matching import CandidateList, Match
from matcher.planning.problem import PLANNABLE_STATES, PlannedSession, Records, sessions_of
from matcher.planning.releases import Changes, publish
from matcher.planning.replanning import to_replan
from matcher.planning.runs import result_of
from solver.plan import Cost
from solver.plan import Plan as PlanFile
from solver.problem_file import ProblemFile
from solver.standing import StandingPlan, solve_one


@dataclass(frozen=True)
class Proposal:
    """Who would serve an engagement, when and why; nothing is kept of it."""

    programme_id: str
    engagement_id: str
    proposed_at: dt.datetime
    match: Match
    """The expert, with the reasons for the choice."""
    sessions: tuple[PlannedSession, ...]
    """All that are still to come: new ones, and the engagement's own as they would stand."""
    wanted_sessions: int
    problem: ProblemFile
    plan: PlanFile
    ground: Ground

    @property
    def cost(self) -> Cost:
        """By part, with what the fixed rest costs."""
        return self.plan.cost

    @property
    def bound(self) -> int:
        """No assignment costs less."""
        return self.plan.bound

    @property
    def is_optimal(self) -> bool:
        """Whether it is proven that there is no better one."""
        return self.plan.status == "optimal"


def list_candidates(db: Database, engagement_id: str, now: dt.datetime) -> CandidateList:
    """Who could serve an engagement and who could not, with reasons.

    Raises:
        NotFound: there is no such engagement.
    """
    engagement = _engagement(db, engagement_id)
    records = Records.load(db, engagement.programme_id, now)
    return _candidates(records, records.engagements[engagement_id])


def propose(db: Database, engagement_id: str, now: dt.datetime) -> Proposal:
    """Find the best expert and dates for one engagement.

    Raises:
        NotFound: there is no such engagement.
        Conflict: it has all its sessions, or all that are possible, or is to get none any more.
        NotServable: there is no expert, or no date; says why.
    """
    records = _records(db, engagement_id, now)
    release = latest_release_number(db, records.programme_id)
    return _propose(records, engagement_id, release, now)


def propose_beforehand(db: Database, engagement: Engagement, now: dt.datetime) -> Proposal:
    """Find the best expert and dates for an engagement that is not on record, and will not be.

    It knows its application, and is a stranger to the database session.

    Raises:
        NotServable: there is no expert, or no date; says why.
    """
    records = Records.load(db, engagement.programme_id, now).including(engagement)
    release = latest_release_number(db, records.programme_id)
    return _propose(records, engagement.id, release, now)


def publish_proposal(db: Database, proposal: Proposal, by: str, now: dt.datetime) -> Release:
    """Publish a proposal, as a release of its own.

    Raises:
        PlanOutdated: what it stands on has changed since; names what.
        Conflict: it collides with what happens at this moment.
    """
    plan = Plan(
        programme_id=proposal.programme_id,
        state=PlanState.READY,
        terms=PlanTerms(only=(proposal.engagement_id,), frozen_days=0),
        time_limit_seconds=proposal.plan.solver.seconds,
        workers=proposal.plan.solver.workers,
        seed=proposal.plan.solver.seed,
        created_at=proposal.proposed_at,
        created_by=by,
        started_at=proposal.proposed_at,
        finished_at=proposal.proposed_at,
        ground=dict(proposal.ground),
        **result_of(proposal.problem, proposal.plan),
    )
    db.add(plan)
    db.flush()
    note = f"{proposal.engagement_id}: assigned on request, everything else as it was"
    return publish(db, plan.id, note, by, now)


def carry_out(
    db: Database, proposal: Proposal, by: str, now: dt.datetime
) -> tuple[Proposal, Release]:
    """Publish a proposal; where it was overtaken, search again while nobody else can publish.

    Gives the proposal that was published.

    Raises:
        Conflict: the engagement has its sessions by now, or gets none any more.
        NotServable: there is no expert, or no date, any more; says why.
    """
    try:
        with db.begin_nested():
            return proposal, publish_proposal(db, proposal, by, now)
    except PlanOutdated:
        db.expire_all()
        db.get_one(Programme, proposal.programme_id, with_for_update=True)
        again = propose(db, proposal.engagement_id, now)
        return again, publish_proposal(db, again, by, now)


def _engagement(db: Database, engagement_id: str) -> Engagement:
    engagement = db.get(Engagement, engagement_id)
    if engagement is None:
        raise NotFound("engagement", engagement_id)
    return engagement


def _records(db: Database, engagement_id: str, now: dt.datetime) -> Records:
    """The records around an engagement that may be assigned."""
    programme_id = _engagement(db, engagement_id).programme_id
    records = Records.load(db, programme_id, now)
    engagement = records.engagements[engagement_id]
    if engagement.state not in PLANNABLE_STATES:
        raise Conflict(
            f"The engagement is {engagement.state} and gets no more sessions.",
            "この派遣案件は完了したか取り下げられたため、新たな派遣を追加できません。",
            state=engagement.state,
        )
    _require_something_to_plan(records, engagement)
    return records


def _require_something_to_plan(records: Records, engagement: Engagement) -> None:
    sessions = records.sessions.get(engagement.id, ())
    wanted = len(engagement.session_minutes)
    if sum(map(records.stands, sessions)) >= wanted:
        surplus = tuple(each.id for each in sessions if not records.stands(each))
        too_many = f" Cancel those that are too many: {', '.join(surplus)}." if surplus else ""
        too_many_ja = f"不要な派遣({'、'.join(surplus)})を取り消してください。" if surplus else ""
        raise Conflict(
            f"The {wanted} sessions of the engagement are over, or take place today.{too_many}",
            f"希望された{wanted}回の派遣は、すでに終了したか本日実施されます。{too_many_ja}",
            code="nothing_to_plan",
            state=engagement.state,
            surplus=surplus,
        )
    if len(sessions) >= wanted and not to_replan(engagement, sessions, records.first_free_day):
        raise Conflict(
            "The engagement has all its sessions, and each can take place. Move one by itself, or "
            "let a planner start a planning run.",
            "すべての派遣の日程が確定しており、いずれも実施できます。個別に日程を変更するか、"
            "計画担当者が派遣計画を作り直してください。",
            state=engagement.state,
        )


def _candidates(records: Records, engagement: Engagement) -> CandidateList:
    elsewhere = Counter(
        session.expert_id
        for id, sessions in records.sessions.items()
        if id != engagement.id
        for session in sessions
    )
    return records.candidates_of(engagement, workload=elsewhere)


def _propose(records: Records, engagement_id: str, release: int, now: dt.datetime) -> Proposal:
    engagement = records.engagements[engagement_id]
    earliest, latest = records.window(engagement)
    if earliest > latest:
        raise window_closed()
    suitable = _candidates(records, engagement)
    if not suitable.ranked:
        raise nobody_may_serve(suitable.excluded)
    problem = ProblemFile.from_problem(records.problem([engagement]))
    plan = solve_one(problem, engagement_id)
    sessions = sessions_of(plan, problem.problem, records.engagements, records.rules)
    if not sessions:
        raise _no_sessions(problem, plan, engagement_id)
    if Changes.between(problem.problem, plan, records).is_none:
        raise _no_further_session(len(records.sessions[engagement_id]), engagement)
    chosen = sessions[-1].expert_id
    return Proposal(
        programme_id=records.programme_id,
        engagement_id=engagement_id,
        proposed_at=now,
        match=next(each for each in suitable.ranked if each.expert_id == chosen),
        sessions=sessions,
        wanted_sessions=len(engagement.session_minutes),
        problem=problem,
        plan=plan,
        ground=ground_of(problem.problem, release),
    )


def _no_further_session(standing: int, engagement: Engagement) -> Conflict:
    wanted = len(engagement.session_minutes)
    return Conflict(
        f"The engagement has {standing} of {wanted} sessions, and there is no room for another. "
        "Nothing was changed; a planning run may find room by moving others.",
        f"希望{wanted}回のうち{standing}回の日程が確定しており、追加できる日程がありません。"
        "変更は行っていません。ほかの派遣を動かして調整するには、派遣計画を作り直してください。",
        code="no_further_session",
        state=engagement.state,
    )


def _no_sessions(problem: ProblemFile, plan: PlanFile, engagement_id: str) -> Conflict:
    if plan.status == "infeasible_pins":
        return Conflict(
            f"The published sessions break a rule: {'; '.join(plan.conflicts)}.",
            f"確定済みの派遣が規則に反しています: {'、'.join(plan.conflicts)}。",
            code="infeasible_pins",
            conflicts=plan.conflicts,
        )
    return nobody_is_free(StandingPlan(problem), engagement_id)
