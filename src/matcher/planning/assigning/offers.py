"""Offers: up to three complete ways to serve one engagement, to be asked for by telephone.

All that is published, on hold or pinned stands, the engagement's own sessions too: an offer only
adds to them. With k the most sessions that any candidate can hold so, the offers are the optima

    best           min cost
    soonest_start  lexmin (day of the first session that is added, cost)
    least_travel   lexmin (minutes of travel for those sessions, cost)

over all ways of k sessions. Each is exact: what comes first in an order is charged more than all
that follows it can cost together. Two that are the same are told once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, NotFound
from matcher.models import Engagement, PlanTerms
from matcher.planning.assigning.assignment import (
    Proposal,
    no_further_session,
    plannable_records,
    suitable_for,
)
from matcher.planning.explaining.explanation import nobody_is_free
from matcher.planning.explaining.verdicts import in_the_way
from matcher.planning.stating.clashes import infeasible
from matcher.planning.stating.ground import Ground, ground_of, latest_release_number
from matcher.planning.stating.matching import CandidateList, Match
from matcher.planning.stating.pinning import pinned
from matcher.planning.stating.planned import sessions_of
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import Records
from matcher.programme import Words
from matcher.wording import counted
from solver import problem as problem_1
from solver.cost import cost_of
from solver.grid import MAX_SESSIONS
from solver.plan import Assignment, SolverRecord, gap_of, solver_version
from solver.plan import Plan as PlanFile
from solver.problem import Moment, Problem
from solver.problem_file import ProblemFile
from solver.question import Question, Visit, Way
from solver.standing import StandingPlan, UnsoundPlan
from solver.validation import judge

__all__ = ["Head", "Offer", "Offers", "Surroundings", "alternatives", "make_offers"]

EVERYTHING_STANDS = 366
"""Days after today for which published sessions stand: longer than any programme."""


class Head(StrEnum):
    """In what an offer is the first."""

    BEST = "best"
    SOONEST_START = "soonest_start"
    LEAST_TRAVEL = "least_travel"


@dataclass(frozen=True)
class Offer:
    """One way to serve an engagement; nothing is kept of it."""

    heads: tuple[Head, ...]
    """In what it is the first of all ways."""
    proposal: Proposal
    travel_minutes: int
    """Of the expert, to the site and home again, for all sessions that it adds."""


@dataclass(frozen=True)
class Offers:
    """What can be offered to an organization now."""

    engagement_id: str
    offers: tuple[Offer, ...]
    text: Words

    @property
    def complete(self) -> bool:
        """Whether every session that is wanted is among those that stand and those offered."""
        proposal = self.offers[0].proposal
        return _sessions_in(proposal) == proposal.wanted_sessions


def make_offers(db: Database, engagement_id: str, now: dt.datetime) -> Offers:
    """Find the ways to serve an engagement of which staff may choose; nothing is kept.

    Raises:
        NotFound: there is no such engagement.
        Conflict: it has all its sessions, or has some that are to be planned again, or gets none
            any more; times are on hold for it already, or there is room for none beside its own.
        NotServable: there is no expert, or no date; says why.
    """
    around = Surroundings.load(db, engagement_id, now)
    found = alternatives(around.standing, engagement_id)
    if not found:
        raise around.no_way()
    offers = tuple(
        Offer(heads, around.proposal(way.expert, around.added(way)), minutes)
        for heads, way, minutes in found
    )
    return Offers(engagement_id, offers, _told(offers))


@dataclass(frozen=True)
class Surroundings:
    """One engagement that lacks sessions, and all that stands around it."""

    records: Records
    engagement: Engagement
    suitable: CandidateList
    file: ProblemFile
    release: int
    now: dt.datetime

    @classmethod
    def load(
        cls, db: Database, engagement_id: str, now: dt.datetime, *, for_change: bool = False
    ) -> Surroundings:
        """Read them, as they are now.

        Raises:
            NotFound, Conflict, NotServable: as `make_offers` says.
        """
        terms = PlanTerms(only=(engagement_id,), frozen_days=EVERYTHING_STANDS)
        records = plannable_records(db, engagement_id, now, terms=terms, for_change=for_change)
        engagement = records.engagements[engagement_id]
        _require_sessions_lacking(records, engagement)
        suitable = suitable_for(records, engagement)
        file = ProblemFile.from_problem(problem_of(records, [engagement]))
        release = latest_release_number(db, records.programme_id)
        around = cls(records, engagement, suitable, file, release, now)
        _require_own_sessions_stand(records, around.asked)
        return around

    @property
    def asked(self) -> problem_1.Engagement:
        """The engagement as the problem has it."""
        return next(each for each in self.file.problem.engagements if each.id == self.engagement.id)

    @cached_property
    def standing(self) -> StandingPlan:
        """All that stands, ready to be asked.

        Raises:
            Conflict: what is published breaks a rule by itself.
        """
        try:
            return StandingPlan(self.file)
        except UnsoundPlan as unsound:
            raise infeasible(self.file.problem, unsound.reasons) from unsound

    def added(self, way: Way) -> tuple[Moment, ...]:
        """The sessions of a way that the engagement does not have yet."""
        return way.starts[len(self.asked.pinned) :]

    def no_way(self) -> Conflict:
        """Why no session can be added."""
        if self.asked.pinned:
            return no_further_session(len(self.asked.pinned), self.engagement)
        return nobody_is_free(self.standing, self.engagement.id)

    def proposal(self, expert_id: str, starts: Sequence[Moment]) -> Proposal:
        """Further sessions with an expert at wall-clock times, after the judge has passed them.

        Raises:
            NotFound: there is no such expert.
            Conflict: the expert may not serve it, or a rule forbids a time: says which.
        """
        match = self._match(expert_id)
        problem = self.file.problem
        own = tuple(pin.start for pin in self.asked.pinned)
        plan = self._plan(
            Assignment(engagement=self.engagement.id, expert=expert_id, starts=(*own, *starts))
        )
        verdict = judge(self.file.json, plan.to_json(), sha256=self.file.sha256)
        if not verdict.holds:
            raise _gone(in_the_way(verdict.broken, problem, self.engagement.id))
        return Proposal(
            programme_id=self.records.programme_id,
            engagement_id=self.engagement.id,
            proposed_at=self.now,
            match=match,
            sessions=sessions_of(plan, problem, self.records.engagements, self.records.rules),
            wanted_sessions=len(self.engagement.session_minutes),
            terms=self.records.terms,
            problem=self.file,
            plan=plan,
            ground=self._ground,
        )

    def _match(self, expert_id: str) -> Match:
        pin = self.records.pin_on_expert(self.engagement.id)
        if pin is not None and pin.expert_id != expert_id:
            raise pinned(pin)
        for match in self.suitable.ranked:
            if match.expert_id == expert_id:
                return match
        for excluded in self.suitable.excluded:
            if excluded.expert_id == expert_id:
                raise Conflict(
                    f"The expert may not serve the engagement: {excluded.text_en} "
                    "Ask for offers again.",
                    f"この専門家は担当できません: {excluded.text_ja}割当案を取り直してください。",
                    code="expert_unsuitable",
                    reason=excluded.code,
                )
        raise NotFound("expert", expert_id)

    def _plan(self, chosen: Assignment) -> PlanFile:
        """A plan that holds one assignment and leaves the rest as it stands, with its bound."""
        kept = {each.engagement: each for each in self.standing.assignments}
        every = {**kept, chosen.engagement: chosen}
        problem = self.file.problem
        assignments = tuple(every[each.id] for each in problem.engagements if each.id in every)
        cost = cost_of(problem, assignments)
        bound = min(self._bound, cost.total)  # a rule that is broken may cost less than any plan
        return PlanFile(
            problem=problem.name,
            problem_sha256=self.file.sha256,
            assignments=assignments,
            cost=cost,
            bound=bound,
            gap=gap_of(cost.total, bound),
            status="optimal" if cost.total == bound else "feasible",
            solver=SolverRecord(version=solver_version(), seed=0, workers=1, seconds=0.0),
        )

    @cached_property
    def _ground(self) -> Ground:
        return ground_of(self.file.problem, self.release)

    @cached_property
    def _bound(self) -> int:
        """No way to serve the engagement beside the rest costs less: the cost of the best one."""
        best = self.standing.best_offers(self.engagement.id)
        return self.standing.cost + min([0, *(each.change for each in best)])


def alternatives(
    standing: StandingPlan, engagement_id: str
) -> tuple[tuple[tuple[Head, ...], Way, int], ...]:
    """The best ways of an engagement under each head, with their heads and minutes of travel.

    Its published sessions are pinned. None where no further session is possible.
    """
    search = _Search.of(standing, engagement_id)
    if search is None:
        return ()
    ways = search.ways()
    chosen = {head: min(ways, key=order) for head, order in search.orders.items()}
    return tuple(
        (tuple(head for head, own in chosen.items() if own is way), way, search.minutes(way))
        for way in ways
        if any(own is way for own in chosen.values())
    )


@dataclass(frozen=True)
class _Search:
    """An engagement with as many sessions as can be had, and the ways to give it all of them."""

    question: Question

    @classmethod
    def of(cls, standing: StandingPlan, engagement_id: str) -> _Search | None:
        """Ask for the most sessions that some candidate can hold; None where that is no more."""
        question = standing.question(standing.engagements[engagement_id])
        engagement, most = question.engagement, question.most
        if most <= len(engagement.pinned):
            return None
        return cls(question.changed(durations=engagement.durations[:most]))

    @property
    def orders(self) -> Mapping[Head, Callable[[Way], tuple[int, ...]]]:
        """What each head compares ways by; of equal ones the first of a list counts."""
        return {
            Head.BEST: lambda way: (way.cost.total,),
            Head.SOONEST_START: lambda way: (self._first_day(way).toordinal(), way.cost.total),
            Head.LEAST_TRAVEL: lambda way: (self.minutes(way), way.cost.total),
        }

    def ways(self) -> tuple[Way, ...]:
        """The cheapest whole way with each candidate, the cheapest first, and the soonest of all.

        Under every head one of them is the best of all whole ways.
        """
        own = self.question.problem.weights
        above = _above_any_way(self.question.problem)
        whole = _weighted(self.question, own.model_copy(update={"dropped_session": above}))
        return (*self._whole(whole.ways()), *self._soonest(above))

    def minutes(self, way: Way) -> int:
        """The expert's travel to the site and home again for all sessions that are added."""
        engagement, experts = self.question.engagement, self.question.experts
        if engagement.place is None:
            return 0
        travel = self.question.problem.travel_minutes
        home = travel.places.index(experts[way.expert].place)
        site = travel.places.index(engagement.place)
        both_ways = travel.minutes[home][site] + travel.minutes[site][home]
        return both_ways * (len(way.starts) - len(engagement.pinned))

    def _soonest(self, above: int) -> Iterator[Way]:
        """The cheapest of the whole ways whose first new session is the soonest.

        It is found without the sessions that stand, which are visits like others then. The first
        day is the least possible, so it lies within `max_gap_days` of them if any does; and with
        that day given, the gap before it costs the same in every way.
        """
        weights = self.question.problem.weights
        days = (self.question.engagement.latest - self.question.engagement.earliest).days + 1
        later = {"wait_per_day": above, "dropped_session": above * (days + 1)}
        soonest = _weighted(_without_pins(self.question), weights.model_copy(update=later))
        for way in soonest.ways()[:1]:
            yield self._priced(way)

    def _priced(self, added: Way) -> Way:
        """A way of the new sessions alone, as one of the engagement, at its true cost."""
        engagement = self.question.engagement
        starts = (*(pin.start for pin in engagement.pinned), *added.starts)
        problem = self.question.problem
        assignment = Assignment(engagement=engagement.id, expert=added.expert, starts=starts)
        overload = added.cost.overload
        cost = cost_of(problem, [assignment])
        total = cost.total - cost.overload + overload
        return replace(
            added,
            starts=starts,
            wanted=len(engagement.durations),
            cost=cost.model_copy(update={"total": total, "overload": overload}),
        )

    def _whole(self, ways: Iterable[Way]) -> Iterator[Way]:
        return (way for way in ways if way.is_complete)

    def _first_day(self, way: Way) -> dt.date:
        return way.starts[len(self.question.engagement.pinned)].date()


def _without_pins(question: Question) -> Question:
    """The same question about the sessions that are not pinned; those that are, are visits."""
    engagement = question.engagement
    pins = engagement.pinned
    if not pins:
        return question
    visits = tuple(
        Visit(
            expert=pin.expert,
            engagement=engagement.id,
            session=pin.session,
            start=pin.start,
            minutes=engagement.durations[pin.session - 1],
            place=engagement.place,
            held=True,
        )
        for pin in pins
    )
    next_day = pins[-1].start.date() + dt.timedelta(days=engagement.min_gap_days)
    candidates = (
        engagement.candidates
        if engagement.reassign
        else tuple(each for each in engagement.candidates if each.expert == pins[-1].expert)
    )
    rest = engagement.model_copy(
        update={
            "durations": engagement.durations[len(pins) :],
            "earliest": max(engagement.earliest, next_day),
            "candidates": candidates,
            "pinned": (),
            "reassign": False,
        }
    )
    return replace(question, visits=(*question.visits, *visits)).about(rest)


def _weighted(question: Question, weights: problem_1.Weights) -> Question:
    return replace(question, problem=question.problem.model_copy(update={"weights": weights}))


def _above_any_way(problem: Problem) -> int:
    """More than all parts of the cost of one way together, without sessions that are dropped."""
    weights, calendar = problem.weights, problem.calendar
    days = (calendar.last_day - calendar.first_day).days + 1
    gap = max(days, *(each.target_gap_days for each in problem.engagements))
    farthest = max((max(row) for row in problem.travel_minutes.minutes), default=0)
    a_session = (
        weights.match * 100
        + weights.off_preference
        + weights.travel_per_10_minutes * (farthest // 10)
        + weights.gap_per_day * gap
        + weights.overload
        + weights.move
    )
    return MAX_SESSIONS * a_session + weights.wait_per_day * days + weights.change_expert + 1


def _sessions_in(proposal: Proposal) -> int:
    own = (each for each in proposal.plan.assignments if each.engagement == proposal.engagement_id)
    return len(next(own).starts)


def _require_sessions_lacking(records: Records, engagement: Engagement) -> None:
    if len(records.sessions.get(engagement.id, ())) >= len(engagement.session_minutes):
        raise Conflict(
            "The engagement has all its sessions: there is nothing to offer. To change them, "
            "ask for an assignment, or start a planning run.",
            "すべての派遣の日程が確定しているため、割当案はありません。変更するには、"
            "割当てをやり直すか、派遣計画を作り直してください。",
            code="nothing_to_offer",
            state=engagement.state,
        )


def _require_own_sessions_stand(records: Records, asked: problem_1.Engagement) -> None:
    """Offers only add: what is published has to be kept as it is."""
    published = records.sessions.get(asked.id, ())
    loose = tuple(each.id for each in published[len(asked.pinned) :])
    if loose:
        raise Conflict(
            f"Published sessions cannot take place as they are: {', '.join(loose)}. "
            "Ask for an assignment, which plans them again.",
            f"確定した日程では実施できない派遣があります({'、'.join(loose)})。"
            "割当てを行い、日程を組み直してください。",
            code="to_replan",
            sessions=loose,
        )


def _gone(conditions: Sequence[Words]) -> Conflict:
    return Conflict(
        "These times are not possible now. In the way: "
        f"{', '.join(each.en for each in conditions)}. Ask for offers again.",
        f"この日程は現在確保できません。支障となる条件: "
        f"{'、'.join(each.ja for each in conditions)}。割当案を取り直してください。",
        code="offer_gone",
        in_the_way=tuple(each.model_dump() for each in conditions),
    )


def _told(offers: Sequence[Offer]) -> Words:
    proposal = offers[0].proposal
    wanted, found = proposal.wanted_sessions, _sessions_in(proposal)
    if found == wanted:
        return Words(
            ja=f"希望する{wanted}回すべてを実施できる割当案が{len(offers)}件あります。",
            en=f"{counted(len(offers), 'offer')}, each with all {wanted} sessions wanted.",
        )
    return Words(
        ja=f"確定・固定・仮押さえ済みの内容を変えずに、希望する{wanted}回すべてを組むことは"
        f"できません。最大となる{found}回までの割当案が{len(offers)}件あります。",
        en=f"All {wanted} sessions are not possible beside what is published, pinned and on hold; "
        f"{counted(len(offers), 'offer')} with {found}, the most that are.",
    )
