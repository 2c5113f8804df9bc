"""An assignment on request: one engagement into the published plan, everything else fixed.

The problem is that of a batch run with all other sessions pinned, and its optimum is exact.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, NotFound, PlanOutdated
from matcher.locks import ROW
from matcher.models import Engagement, Plan, PlanState, PlanTerms, Programme, Release, Session
from matcher.planning.explaining.explanation import nobody_is_free, nobody_may_serve, window_closed
from matcher.planning.publishing.releases import Changes, publish
from matcher.planning.running.attempt import result_of
from matcher.planning.stating.clashes import infeasible
from matcher.planning.stating.ground import Ground, ground_of, latest_release_number
from matcher.planning.stating.matching import CandidateList, Match
from matcher.planning.stating.pinning import pinned
from matcher.planning.stating.planned import PlannedSession, sessions_of
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import EVERYTHING, PLANNABLE_STATES, Records, on_hold
from matcher.planning.stating.replanning import to_replan
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
    terms: PlanTerms
    """What was free to change when it was made."""
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
    return candidates_beside(records, records.engagements[engagement_id])


def propose(db: Database, engagement_id: str, now: dt.datetime) -> Proposal:
    """Find the best expert and dates for one engagement.

    Raises:
        NotFound: there is no such engagement.
        Conflict: it has all its sessions, or all that are possible, or is to get none any more;
            times are on hold for it, or what would have to change is pinned.
        NotServable: there is no expert, or no date; says why.
    """
    records = plannable_records(db, engagement_id, now)
    _require_something_to_plan(records, records.engagements[engagement_id])
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


def publish_proposal(
    db: Database, proposal: Proposal, by: str, now: dt.datetime, *, how: str = "on request"
) -> Release:
    """Publish a proposal, as a release of its own; `how` it came about is noted with it.

    Raises:
        PlanOutdated: what it stands on has changed since; names what.
        Conflict: it collides with what happens at this moment.
    """
    plan = Plan(
        programme_id=proposal.programme_id,
        state=PlanState.READY,
        terms=proposal.terms,
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
    note = f"{proposal.engagement_id}: assigned {how}, everything else as it was"
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
        db.get_one(Programme, proposal.programme_id, with_for_update=ROW)
        again = propose(db, proposal.engagement_id, now)
        return again, publish_proposal(db, again, by, now)


def _engagement(db: Database, engagement_id: str) -> Engagement:
    engagement = db.get(Engagement, engagement_id)
    if engagement is None:
        raise NotFound("engagement", engagement_id)
    return engagement


def plannable_records(
    db: Database,
    engagement_id: str,
    now: dt.datetime,
    *,
    terms: PlanTerms = EVERYTHING,
    for_change: bool = False,
) -> Records:
    """The records around an engagement that may get sessions.

    Raises:
        NotFound: there is no such engagement.
        Conflict: it gets no more sessions, or times are on hold for it.
    """
    programme_id = _engagement(db, engagement_id).programme_id
    records = Records.load(db, programme_id, now, terms=terms, for_change=for_change)
    engagement = records.engagements[engagement_id]
    if engagement.state not in PLANNABLE_STATES:
        raise Conflict(
            f"The engagement is {engagement.state} and gets no more sessions.",
            "この派遣案件は完了したか取り下げられたため、新たな派遣を追加できません。",
            state=engagement.state,
        )
    if engagement_id in records.holds:
        raise on_hold(records.holds[engagement_id])
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
    if len(sessions) >= wanted:
        _require_something_outgrown(records, engagement, sessions)


def _require_something_outgrown(
    records: Records, engagement: Engagement, sessions: Sequence[Session]
) -> None:
    """Let an engagement pass of whose sessions one no longer fits, and is not pinned."""
    pins = [
        records.pin_on(each) for each in to_replan(engagement, sessions, records.first_free_day)
    ]
    if not pins:
        raise Conflict(
            "The engagement has all its sessions, and each can take place. Move one by itself, or "
            "let a planner start a planning run.",
            "すべての派遣の日程が確定しており、いずれも実施できます。個別に日程を変更するか、"
            "計画担当者が派遣計画を作り直してください。",
            state=engagement.state,
        )
    if pins[0] is not None and None not in pins:
        raise pinned(pins[0])


def candidates_beside(records: Records, engagement: Engagement) -> CandidateList:
    """Who may serve an engagement, without those whose other visits leave them no room."""
    elsewhere = Counter(
        visit.expert_id
        for id in records.engagements
        if id != engagement.id
        for visit in records.booked(id)
    )
    return records.candidates_of(engagement, workload=elsewhere)


def suitable_for(records: Records, engagement: Engagement) -> CandidateList:
    """Those candidates, somebody among whom may serve the engagement as it is pinned.

    Raises:
        Conflict: the one who is pinned may not.
        NotServable: nobody may, or no day is left; says why.
    """
    earliest, latest = records.window(engagement)
    if earliest > latest:
        raise window_closed()
    found = candidates_beside(records, engagement)
    if not found.ranked:
        raise nobody_may_serve(found.excluded)
    pin = records.pin_on_expert(engagement.id)
    if pin is not None and all(each.expert_id != pin.expert_id for each in found.ranked):
        raise pinned(pin)
    return found


def _propose(records: Records, engagement_id: str, release: int, now: dt.datetime) -> Proposal:
    engagement = records.engagements[engagement_id]
    suitable = suitable_for(records, engagement)
    problem = ProblemFile.from_problem(problem_of(records, [engagement]))
    plan = solve_one(problem, engagement_id)
    sessions = sessions_of(plan, problem.problem, records.engagements, records.rules)
    if not sessions:
        raise no_sessions(problem, plan, engagement_id)
    if Changes.between(problem.problem, plan, records).is_none:
        raise no_further_session(len(records.sessions[engagement_id]), engagement)
    chosen = sessions[-1].expert_id
    return Proposal(
        programme_id=records.programme_id,
        engagement_id=engagement_id,
        proposed_at=now,
        match=next(each for each in suitable.ranked if each.expert_id == chosen),
        sessions=sessions,
        wanted_sessions=len(engagement.session_minutes),
        terms=PlanTerms(only=(engagement_id,), frozen_days=0),
        problem=problem,
        plan=plan,
        ground=ground_of(problem.problem, release),
    )


def no_further_session(standing: int, engagement: Engagement) -> Conflict:
    """An engagement keeps what it has, for there is no room for more."""
    wanted = len(engagement.session_minutes)
    return Conflict(
        f"The engagement has {standing} of {wanted} sessions, and there is no room for another. "
        "Nothing was changed. Ask for its explanation: it tells whether a planning run could make "
        "room by moving others, and what else would help.",
        f"希望{wanted}回のうち{standing}回の日程が確定しており、追加できる日程がありません。"
        "変更は行っていません。ほかの派遣を動かせば組めるかどうかや変更案は、理由の照会"
        "(explanation)で確認できます。",
        code="no_further_session",
        state=engagement.state,
    )


def no_sessions(problem: ProblemFile, plan: PlanFile, engagement_id: str) -> Conflict:
    """Why an engagement gets no session in the best plan of its problem."""
    if plan.status == "infeasible_pins":
        return infeasible(problem.problem, plan.conflicts)
    return nobody_is_free(StandingPlan(problem), engagement_id)
