"""Why an engagement is served as it is, what bars each candidate, and what would help.

All of it is asked of the plan itself and answered exactly: the best way with each candidate
(`question`), the conditions that bar one, found by taking them away (`conditions`), and the changes
that would serve it, each solved (`remedies`).
"""

from __future__ import annotations

from dataclasses import dataclass

from solver.conditions import Condition, Diagnosis, diagnose, visits_in_the_way
from solver.plan import Assignment
from solver.question import Question, Visit, Way
from solver.remedies import Lack, Remedy, find_remedies
from solver.standing import StandingPlan


@dataclass(frozen=True)
class CandidateExplanation:
    """What one candidate could do for the engagement."""

    expert: str
    match_cost: int
    """Of the choice, for each session."""
    here: Way | None
    """The best way beside the plan; None where no session is possible."""
    alone: Way | None
    """The best way if the expert had nobody else to serve."""
    sessions: int
    """The most sessions that are possible beside the plan."""
    load: int
    """Sessions that the expert holds for other engagements."""
    diagnosis: Diagnosis | None
    """What bars the sessions that are asked for; None where they are possible."""
    in_the_way: tuple[Visit, ...]
    """The fewest visits that would have to go, where visits alone bar them."""


@dataclass(frozen=True)
class Explanation:
    """How an engagement is served in a plan, and why not better."""

    engagement: str
    assignment: Assignment | None
    """How it is served; None where it has no session."""
    wanted: int
    served: int
    possible: int
    """The most sessions that any candidate can hold beside the plan."""
    asked: int
    """How many sessions the candidates are asked for: one more than is possible, or all."""
    candidates: tuple[CandidateExplanation, ...]
    """The cheapest beside the plan first, then those who cannot serve it."""
    conflict: tuple[Condition, ...]
    """Conditions that cannot all hold, over all candidates, if the engagement is to get the
    sessions that are asked for; none where it can."""
    remedies: tuple[Remedy, ...]
    """What would give it more sessions, the cheapest for the plan first."""


def explain(standing: StandingPlan, engagement_id: str, *, remedies: bool = True) -> Explanation:
    """Explain how one engagement is served in a plan, and find remedies if they are wanted.

    Raises:
        KeyError: the problem has no such engagement.
        Inseparable: the rest of the plan cannot stand without it.
    """
    engagement = standing.engagements[engagement_id]
    question = standing.question(engagement)
    assignment = standing.assignment(engagement_id)
    served = 0 if assignment is None else len(assignment.starts)
    wanted = len(engagement.durations)
    possible = max(question.most, served)
    asked = min(wanted, possible + 1)
    open_sessions = len(engagement.pinned) < wanted
    barred = not question.can_hold(asked)
    lack = Lack.of(standing, question)
    return Explanation(
        engagement=engagement_id,
        assignment=assignment,
        wanted=wanted,
        served=served,
        possible=possible,
        asked=asked,
        candidates=_candidates(question, asked) if open_sessions else (),
        conflict=diagnose(question, asked).conflict if open_sessions and barred else (),
        remedies=find_remedies(lack, served) if remedies and served < wanted else (),
    )


def _candidates(question: Question, asked: int) -> tuple[CandidateExplanation, ...]:
    """Explain every candidate, in the order of what they cost beside the plan."""
    here = {way.expert: way for way in question.ways()}
    alone = {way.expert: way for way in question.without(question.visits).ways()}
    order = [*here, *(each for each in question.candidates if each not in here)]
    return tuple(
        _candidate(question.of_candidate(each), asked, here.get(each), alone.get(each))
        for each in order
    )


def _candidate(
    question: Question, asked: int, here: Way | None, alone: Way | None
) -> CandidateExplanation:
    (candidate,) = question.engagement.candidates
    possible = question.can_hold(asked)
    return CandidateExplanation(
        expert=candidate.expert,
        match_cost=candidate.cost,
        here=here,
        alone=alone,
        sessions=question.most,
        load=sum(visit.expert == candidate.expert for visit in question.visits),
        diagnosis=None if possible else diagnose(question, asked),
        in_the_way=() if possible else visits_in_the_way(question, asked),
    )
