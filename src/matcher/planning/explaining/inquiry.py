"""Why an engagement has no more sessions than it has, as things are published, and what would help.

Each answer is that of a solve of its own, made when it is asked for:

* *served*: it has all its sessions;
* *room*: there is room for more beside what others have: assign it. Its own published sessions
  stay where they are if they can; else it is told which of them move. Where there is room for a
  part only, one of the following says how it stands with the session *beyond* it;
* *impossible*: no candidate could hold more if everything that may move were gone. The conditions
  that cannot hold together are a minimal set: without any one of them the others can;
* *movable*: it has no room beside what is published, and a plan was found that gives it more and
  nobody less: a planning run can make room;
* *not chosen*: it could be served, and not beside what is published. The visits in the way are
  those of the candidate who has the fewest of them, and it is proven that no plan gives it more and
  everybody else as many sessions as they have;
* *undecided*: as before, but neither such a plan nor the proof was found in time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, NotFound, NotServable
from matcher.models import Engagement
from matcher.planning.explaining.explanation import nobody_may_serve, window_closed
from matcher.planning.explaining.room import (
    PROOF_SHARE,
    RoomPlan,
    Wanted,
    find_room,
    is_beyond_caps,
    is_proven_full,
)
from matcher.planning.stating.clashes import infeasible
from matcher.planning.stating.matching import CandidateList, Exclusion, Match
from matcher.planning.stating.problem import problem_of, problem_with
from matcher.planning.stating.records import PLANNABLE_STATES, Records, on_hold
from matcher.programme import SpecialtyRules
from solver.conditions import Condition, Diagnosis, diagnose, visits_in_the_way
from solver.plan import Assignment
from solver.problem import Engagement as EngagementRecord
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.question import Question, Visit, Way
from solver.remedies import Change, Lack, Remedy, find_remedies, moved_sessions
from solver.standing import Inseparable, StandingPlan, UnsoundPlan

SECONDS = 5.0
"""How long others are asked for room, unless said otherwise."""

DIAGNOSED = 10
"""Candidates of whom it is told what bars them; the others are only ranked."""

PART = 100_000
"""What a session less counts where the earliest end is asked for; a day counts 1."""


class Standing(StrEnum):
    """How it stands with an engagement."""

    SERVED = "served"
    ROOM = "room"
    IMPOSSIBLE = "impossible"
    MOVABLE = "movable"
    NOT_CHOSEN = "not_chosen"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class CandidateAnswer:
    """What one candidate could do beside what is published."""

    expert: str
    sessions: int
    """The most that are possible."""
    way: Way | None
    """The complete schedule that ends first; else the earliest of the most sessions."""
    diagnosis: Diagnosis | None = None
    """What bars the sessions asked for; None where they are possible, or it was not asked."""
    in_the_way: tuple[Visit, ...] = ()
    """Visits that would have to go, where visits alone bar them; none of them may stay."""

    @property
    def earliest(self) -> Way | None:
        """The complete schedule that ends first."""
        return self.way if self.way is not None and self.way.is_complete else None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One engagement beside what is published."""

    file: ProblemFile
    """It alone may be planned; everything else is pinned."""
    loosened: Problem
    """Those who share an expert with it may be planned anew as well."""
    engagement_id: str
    served: int
    """How many sessions it has."""
    kept: Mapping[str, int]
    """How many each of the others that may be planned anew has."""
    immovable: frozenset[str] = frozenset()
    """The pinned engagements that no planning run may touch."""
    not_before: dt.date | None = None
    """The first day on which a session may still be placed."""
    everybody: Callable[[], Wanted] | None = None
    """All who have sessions planned anew, made on request, as it takes a while; None: it is they
    all who share an expert with it."""

    @property
    def engagement(self) -> EngagementRecord:
        """The engagement itself."""
        return _of(self.file.problem, self.engagement_id)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How it stands with an engagement, as far as the solver can tell."""

    answer: Standing
    engagement: EngagementRecord
    wanted: int
    served: int
    asked: int
    """How many sessions are asked for: one more than it has, or than there is room for."""
    beyond: Standing | None = None
    """Where there is room for a part: how it stands with the session after it."""
    candidates: tuple[CandidateAnswer, ...] = ()
    """The order of the match."""
    way: Way | None = None
    """The best way, where there is room."""
    conflict: tuple[Condition, ...] = ()
    """Conditions that cannot all hold; without any one of them, the others can. Of one candidate
    where the engagement was not chosen, else of all."""
    displaced: tuple[Visit, ...] = ()
    """The visits of one candidate that would have to go; none of them may stay."""
    room: RoomPlan | None = None
    remedies: tuple[Remedy, ...] = ()

    @property
    def of_asked(self) -> Standing:
        """How it stands with the session that is asked for."""
        return self.beyond or self.answer

    def answered(self, standing: Standing) -> Finding:
        """The same, knowing how it stands with the session that is asked for."""
        if self.answer is Standing.ROOM:
            return replace(self, beyond=standing)
        return replace(self, answer=standing)


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """How it stands with an engagement, and what would help."""

    finding: Finding
    matches: tuple[Match, ...]
    """Who may serve it, the best first, with reasons."""
    excluded: tuple[Exclusion, ...]
    """Who may not, with reasons."""
    refusal: NotServable | None = None
    """Why there is nothing to ask the solver: nobody may serve, or no day is left."""
    strangers: Mapping[str, tuple[SpecialtyRules, ...]]
    """The specialties of experts that a remedy names and who are no candidates."""

    @property
    def answer(self) -> Standing:
        """How it stands."""
        return self.finding.answer


def inquire(
    db: Database, engagement_id: str, now: dt.datetime, *, seconds: float = SECONDS
) -> Inquiry:
    """Find out why an engagement has no more sessions than it has, and what would help.

    Raises:
        NotFound: there is no such engagement.
        Conflict: it gets none any more, its times are on hold, or what is published breaks a rule.
    """
    records, engagement = _open_records(db, engagement_id, now)
    suitable = records.candidates_of(engagement)
    refusal = _refusal(records, engagement, suitable)
    case = _case(records, engagement)
    try:
        finding = find(case, seconds) if refusal is None else _refused(case)
        found = _another_specialty(records, suitable, case, finding)
    except UnsoundPlan as unsound:
        raise infeasible(case.file.problem, unsound.reasons) from unsound
    remedies = sorted([*finding.remedies, *found], key=lambda each: each.plan_cost)
    return Inquiry(
        finding=replace(finding, remedies=tuple(remedies)),
        matches=suitable.ranked,
        excluded=suitable.excluded,
        refusal=refusal,
        strangers={each.way.expert: _specialties(records, each.way.expert) for each in found},
    )


def earliest_schedules(
    db: Database, engagement_id: str, now: dt.datetime
) -> Mapping[str, CandidateAnswer]:
    """What each candidate could do beside what is published, by expert: as early as can be.

    Nothing of an engagement that gets no more sessions.

    Raises:
        NotFound: there is no such engagement.
    """
    records = _records(db, engagement_id, now)
    engagement = records.engagements[engagement_id]
    if engagement.state not in PLANNABLE_STATES:
        return {}
    file = ProblemFile.from_problem(problem_of(records, [engagement]))
    try:
        standing = StandingPlan(file)
    except UnsoundPlan:
        return {}
    question = standing.question(_of(file.problem, engagement_id))
    return {each.expert: each for each in _earliest(question)}


def find(case: Case, seconds: float) -> Finding:
    """Find out how it stands with an engagement.

    Raises:
        UnsoundPlan: what is pinned breaks a rule by itself.
    """
    standing = _standing(case)
    engagement, served = case.engagement, case.served
    wanted = len(engagement.durations)
    asked = min(wanted, served + 1)
    question = _marked(standing.question(engagement), case)
    finding = Finding(
        answer=Standing.SERVED, engagement=engagement, wanted=wanted, served=served, asked=asked
    )
    if served >= wanted:
        return finding
    finding = replace(finding, remedies=_remedies(standing, question, served))
    at_once = [each.way for each in finding.remedies if each.change == "place_now"]
    if at_once:
        calmest = min(at_once, key=lambda way: len(moved_sessions(engagement, way)))
        possible = max(len(calmest.starts), question.most)
        asked = min(wanted, possible + 1)
        finding = replace(finding, answer=Standing.ROOM, way=calmest, asked=asked)
        if possible == wanted:
            return replace(finding, candidates=_candidates(question, asked))
    finding = replace(finding, candidates=_candidates(question, asked))
    return _with_what_bars(finding, question, case, seconds)


def _with_what_bars(finding: Finding, question: Question, case: Case, seconds: float) -> Finding:
    """Find out why the session asked for has no room beside what is published."""
    asked = finding.asked
    movable = [each for each in question.visits if not each.held]
    unhindered = question.without(movable)
    if not unhindered.can_hold(asked):
        conflict = diagnose(unhindered, asked).conflict
        return replace(finding.answered(Standing.IMPOSSIBLE), conflict=conflict)
    conflict, displaced = _least_in_the_way(question, asked)
    finding = replace(finding, conflict=conflict, displaced=displaced)
    return _with_room_or_proof(finding, case, seconds)


def _with_room_or_proof(finding: Finding, case: Case, seconds: float) -> Finding:
    """Find out whether others can make room."""
    wanted = Wanted(
        problem=case.loosened,
        engagement=case.engagement_id,
        sessions=finding.asked,
        kept=case.kept,
        immovable=case.immovable,
    )
    beyond_caps = case.everybody is not None and is_beyond_caps(
        replace(case.everybody(), sessions=finding.asked)
    )
    if beyond_caps or is_proven_full(wanted, PROOF_SHARE * seconds):
        return finding.answered(Standing.NOT_CHOSEN)
    room = find_room(wanted, (1 - PROOF_SHARE) * seconds)
    answer = Standing.UNDECIDED if room is None else Standing.MOVABLE
    return replace(finding.answered(answer), room=room)


def _of(problem: Problem, engagement_id: str) -> EngagementRecord:
    return next(each for each in problem.engagements if each.id == engagement_id)


def _standing(case: Case) -> StandingPlan:
    """What is published: with the engagement's own sessions, where they can still take place."""
    standing = StandingPlan(case.file)
    current = case.engagement.current
    if current is not None and current.starts:
        own = Assignment(
            engagement=case.engagement_id, expert=current.expert, starts=current.starts
        )
        try:
            return _loaded(standing, own)
        except UnsoundPlan:
            pass
    return standing


def _loaded(standing: StandingPlan, own: Assignment) -> StandingPlan:
    """What is pinned with one engagement served so; the judge passes it."""
    others = (each for each in standing.assignments if each.engagement != own.engagement)
    plan = standing.plan().model_copy(update={"assignments": (*others, own)})
    loaded = StandingPlan.load(standing.file, plan)
    loaded.cost_beside(own.engagement)
    return loaded


def _marked(question: Question, case: Case) -> Question:
    """The question of now, with the visits that no plan may move marked as held, others not."""
    standing_still = {
        each.id: frozenset(pin.session for pin in each.pinned)
        for each in case.loosened.engagements
        if each.id in case.kept
    }
    visits = tuple(
        replace(
            each,
            held=each.engagement not in standing_still
            or each.session in standing_still[each.engagement],
        )
        for each in question.visits
    )
    return replace(question, visits=visits, not_before=case.not_before)


def _earliest(question: Question) -> tuple[CandidateAnswer, ...]:
    """The schedule of each candidate that ends first, in the order of the match."""
    weights = question.problem.weights
    early = dict.fromkeys(type(weights).model_fields, 0)
    early |= {"unserved": PART, "dropped_session": PART, "wait_per_day": 1, "gap_per_day": 1}
    problem = question.problem.model_copy(update={"weights": weights.model_copy(update=early)})
    engagement = question.engagement
    asked = replace(question, problem=problem).changed(
        weight=1, target_gap_days=engagement.min_gap_days
    )
    ways = {each.expert: each for each in asked.ways()}
    return tuple(
        CandidateAnswer(each, len(ways[each].starts) if each in ways else 0, ways.get(each))
        for each in question.candidates
    )


def _candidates(question: Question, asked: int) -> tuple[CandidateAnswer, ...]:
    """What each candidate could do, and what bars the first ones."""
    found = _earliest(question)
    return (
        *(_diagnosed(question, each, asked) for each in found[:DIAGNOSED]),
        *found[DIAGNOSED:],
    )


def _diagnosed(question: Question, candidate: CandidateAnswer, asked: int) -> CandidateAnswer:
    if candidate.sessions >= asked:
        return candidate
    own = question.of_candidate(candidate.expert)
    return replace(
        candidate,
        diagnosis=diagnose(own, asked),
        in_the_way=_in_the_way(own, asked),
    )


def _in_the_way(question: Question, asked: int) -> tuple[Visit, ...]:
    """Visits that would have to go; none where one that stands anyway is among them."""
    visits = visits_in_the_way(question, asked)
    return () if any(each.held for each in visits) else visits


def _least_in_the_way(
    question: Question, asked: int
) -> tuple[tuple[Condition, ...], tuple[Visit, ...]]:
    """Of the candidate with the fewest visits in the way: what bars it, and these visits."""
    possible = []
    for expert in question.candidates:
        own = question.of_candidate(expert)
        visits = _in_the_way(own, asked)
        if visits:
            possible.append((len(visits), len({each.engagement for each in visits}), own, visits))
    if not possible:  # of several candidates none is barred by visits that may move
        return diagnose(question, asked).conflict, ()
    *_, own, visits = min(possible, key=lambda each: each[:2])
    return diagnose(own, asked).conflict, visits


def _remedies(standing: StandingPlan, question: Question, served: int) -> tuple[Remedy, ...]:
    """What would give the engagement more, beside what is published; the judge passes each.

    Its own published sessions move only for what is not possible beside them.
    """
    lack = Lack.of(standing, question)
    found = (
        _tried(replace(lack, keeps_current=True), served) if _is_kept(standing, question) else ()
    )
    reached: dict[Change, int] = {}
    for each in found:
        reached[each.change] = max(reached.get(each.change, 0), len(each.way.starts))
    moving = (
        each for each in _tried(lack, served) if len(each.way.starts) > reached.get(each.change, 0)
    )
    return tuple(sorted((*found, *moving), key=lambda each: each.plan_cost))


def _is_kept(standing: StandingPlan, question: Question) -> bool:
    """Whether the engagement's own published sessions can all take place."""
    current, own = question.engagement.current, standing.assignment(question.engagement.id)
    return current is not None and own is not None and own.starts == current.starts


def _tried(lack: Lack, served: int) -> tuple[Remedy, ...]:
    found = find_remedies(lack, served)
    return tuple(
        each for each in found if _is_offered(each, lack.question) and _holds(lack.standing, each)
    )


def _is_offered(remedy: Remedy, question: Question) -> bool:
    """Whether it is one to offer: not for yesterday, and with whom the office may ask."""
    own = {pin.session for pin in question.engagement.pinned}
    new = [start for number, start in enumerate(remedy.way.starts, 1) if number not in own]
    if remedy.change == "earlier_earliest":
        return False  # an engagement is planned from its wish on, or from tomorrow
    return remedy.change not in {"another_expert", "move_another"} and bool(new)


def _holds(standing: StandingPlan, remedy: Remedy) -> bool:
    """Whether the judge passes the plan in which the remedy is carried out."""
    problem = _with_remedy(standing.problem, remedy)
    own = Assignment(
        engagement=remedy.way.engagement, expert=remedy.way.expert, starts=remedy.way.starts
    )
    try:
        _loaded(StandingPlan(ProblemFile.from_problem(problem)), own)
    except (UnsoundPlan, Inseparable):
        return False
    return True


def _with_remedy(problem: Problem, remedy: Remedy) -> Problem:
    """The problem with the change that a remedy asks for."""
    engagement = _of(problem, remedy.way.engagement)
    amount = remedy.amount or 0
    days = dt.timedelta(days=amount)
    changes: dict[str, object] = {}
    match remedy.change:
        case "later_latest":
            changes = {"latest": engagement.latest + days}
        case "smaller_min_gap":
            changes = {"min_gap_days": engagement.min_gap_days - amount}
        case "larger_max_gap":
            changes = {"max_gap_days": engagement.max_gap_days + amount}
        case "more_hours" if remedy.hours:
            changes = {"open": (*engagement.open, remedy.hours)}
        case "online":
            changes = {"place": None}
        case "reassign":
            changes = {"reassign": True}
    changed = engagement.model_copy(update=changes)
    engagements = tuple(changed if e.id == changed.id else e for e in problem.engagements)
    cap = remedy.change.removeprefix("raise_")
    experts = tuple(
        each.model_copy(update={cap: getattr(each, cap) + amount})
        if each.id == remedy.expert
        else each
        for each in problem.experts
    )
    return problem.model_copy(update={"engagements": engagements, "experts": experts})


def _another_specialty(
    records: Records, suitable: CandidateList, case: Case, finding: Finding
) -> list[Remedy]:
    """Take an expert of none of the needs; only specialty may keep one from being a candidate.

    What the plan costs is compared with what it costs now, with the candidates that there are.
    """
    others = [each.expert_id for each in suitable.excluded if each.code == "no_specialty"]
    if not others or finding.of_asked in {Standing.SERVED, Standing.ROOM}:
        return []
    problem = problem_with(records, records.engagements[case.engagement_id], others)
    strangers = StandingPlan(ProblemFile.from_problem(problem))
    question = strangers.question(_of(problem, case.engagement_id))
    lack = replace(Lack.of(_standing(case), question), sessions=finding.asked)
    return [each for each in lack.remedy("another_expert", question) if _holds(strangers, each)]


def _specialties(records: Records, expert_id: str) -> tuple[SpecialtyRules, ...]:
    held = records.experts[expert_id].qualifications
    return tuple(
        each for each in records.rules.specialties if any(q.id in held for q in each.qualifications)
    )


def _open_records(db: Database, engagement_id: str, now: dt.datetime) -> tuple[Records, Engagement]:
    """The records around an engagement that may get sessions."""
    records = _records(db, engagement_id, now)
    engagement = records.engagements[engagement_id]
    if engagement.state not in PLANNABLE_STATES:
        raise Conflict(
            f"The engagement is {engagement.state} and gets no more sessions.",
            "この派遣案件は完了したか取り下げられたため、新たな派遣を追加できません。",
            state=engagement.state,
        )
    if engagement_id in records.holds:
        raise on_hold(records.holds[engagement_id])
    return records, engagement


def _records(db: Database, engagement_id: str, now: dt.datetime) -> Records:
    engagement = db.get(Engagement, engagement_id)
    if engagement is None:
        raise NotFound("engagement", engagement_id)
    return Records.load(db, engagement.programme_id, now)


def _refusal(
    records: Records, engagement: Engagement, suitable: CandidateList
) -> NotServable | None:
    """Why there is nothing to ask the solver, if so."""
    if len(records.sessions.get(engagement.id, ())) >= len(engagement.session_minutes):
        return None
    earliest, latest = records.window(engagement)
    if earliest > latest:
        return window_closed()
    return None if suitable.ranked else nobody_may_serve(suitable.excluded)


def _refused(case: Case) -> Finding:
    return Finding(
        answer=Standing.IMPOSSIBLE,
        engagement=case.engagement,
        wanted=len(case.engagement.durations),
        served=case.served,
        asked=case.served + 1,
    )


def _case(records: Records, engagement: Engagement) -> Case:
    """An engagement beside what is published, and those who share an expert with it."""
    problem = problem_of(records, [engagement])
    record = _of(problem, engagement.id)
    others = tuple(_movable(records, engagement))
    candidates = {each.expert for each in record.candidates}
    sharers = [each for each in others if candidates & _experts_of(records, each)]
    near = _wanted(records, engagement, sharers)
    return Case(
        file=ProblemFile.from_problem(problem),
        loosened=near.problem,
        engagement_id=engagement.id,
        served=len(records.sessions.get(engagement.id, ())[: len(record.durations)]),
        kept=near.kept,
        immovable=near.immovable,
        not_before=records.first_free_day,
        everybody=lambda: _wanted(records, engagement, others),
    )


def _movable(records: Records, engagement: Engagement) -> Iterator[Engagement]:
    """The others that have sessions and may be planned anew."""
    for each in records.plannable:
        if each.id not in {engagement.id, *records.holds} and _experts_of(records, each):
            yield each


def _experts_of(records: Records, engagement: Engagement) -> set[str]:
    return {visit.expert_id for visit in records.booked(engagement.id)}


def _wanted(records: Records, engagement: Engagement, others: Sequence[Engagement]) -> Wanted:
    """One session more for an engagement, and for each of the others as many as it has."""
    loosened = problem_of(records, [engagement, *others])
    lengths = {each.id: len(each.durations) for each in loosened.engagements}
    served = len(records.sessions.get(engagement.id, ()))
    plannable = {each.id for each in records.plannable}
    return Wanted(
        problem=loosened,
        engagement=engagement.id,
        sessions=min(lengths[engagement.id], served + 1),
        kept={each.id: min(len(records.sessions[each.id]), lengths[each.id]) for each in others},
        immovable=frozenset(lengths) - (plannable - records.holds.keys()),
    )
