"""A published plan in figures: who is served, what it costs, who carries it and when."""

from __future__ import annotations

import datetime as dt
import gzip
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload

from matcher.clock import wall_time
from matcher.errors import Conflict
from matcher.geography import municipality
from matcher.models import (
    Application,
    Engagement,
    Expert,
    Organization,
    Outcome,
    Plan,
    Programme,
    Session,
    SessionStatus,
)
from matcher.programme import Period, Phase, ProgrammeRules, Words
from solver.plan import Plan as PlanFile
from solver.problem import Problem
from solver.problem_file import ProblemFile

__all__ = [
    "Declined",
    "ExpertFigures",
    "IntakeFigures",
    "PlanFigures",
    "Visit",
    "read_intake",
    "read_plan",
]


@dataclass(frozen=True)
class Declined:
    """An organization that is not served by the programme, and the conditions it does not meet."""

    application_id: str
    organization: Words
    reasons: tuple[Words, ...]


@dataclass(frozen=True)
class IntakeFigures:
    """What has come of the applications so far."""

    applications: int
    accepted: int
    declined: tuple[Declined, ...]

    @property
    def undecided(self) -> int:
        """Those whose decision is still to come."""
        return self.applications - self.accepted - len(self.declined)


@dataclass(frozen=True)
class Visit:
    """A session as its expert sees it; times by Tokyo's clocks."""

    engagement_id: str
    number: int
    of: int
    phase: Phase
    start: dt.datetime
    end: dt.datetime
    organization: Words
    place: Words
    online: bool


@dataclass(frozen=True)
class ExpertFigures:
    """An expert's sessions, in order of time, beside the agreed numbers."""

    id: str
    name: Words
    visits: tuple[Visit, ...]
    target: int
    maximum: int

    @property
    def load(self) -> int:
        """How many sessions it is."""
        return len(self.visits)


@dataclass(frozen=True)
class PlanFigures:
    """A plan that is published, and the sessions that came of it."""

    rules: ProgrammeRules
    problem: Problem
    plan: PlanFile
    organizations: dict[str, Words]
    """The names behind the plan's engagements."""
    experts: tuple[ExpertFigures, ...]

    @property
    def period(self) -> Period:
        """The implementation period."""
        return self.rules.implementation_period

    @property
    def closed_days(self) -> frozenset[dt.date]:
        """The days of the period on which nothing takes place, weekends apart."""
        return frozenset(self.rules.closed_days(self.period.first_day, self.period.last_day))

    @property
    def engagements(self) -> int:
        """How many were to be served."""
        return len(self.problem.engagements)

    @property
    def served(self) -> int:
        """How many of them are."""
        return len(self.plan.assignments)

    @property
    def sessions(self) -> int:
        """How many sessions take place."""
        return sum(len(each.starts) for each in self.plan.assignments)

    @property
    def wanted_sessions(self) -> int:
        """How many were asked for."""
        return sum(len(each.durations) for each in self.problem.engagements)

    @property
    def unserved(self) -> tuple[Words, ...]:
        """The organizations that get no session."""
        served = {each.engagement for each in self.plan.assignments}
        ids = (each.id for each in self.problem.engagements if each.id not in served)
        return tuple(self.organizations[id] for id in ids)

    @property
    def short(self) -> tuple[tuple[Words, int, int], ...]:
        """The organizations that get fewer sessions than they asked for: name, number, wanted."""
        given = {each.engagement: len(each.starts) for each in self.plan.assignments}
        return tuple(
            (self.organizations[each.id], given[each.id], len(each.durations))
            for each in self.problem.engagements
            if 0 < given.get(each.id, 0) < len(each.durations)
        )

    @property
    def months(self) -> tuple[tuple[dt.date, int], ...]:
        """Sessions by month, each month told by its first day, those without any included."""
        counted = Counter(
            visit.start.date().replace(day=1) for expert in self.experts for visit in expert.visits
        )
        return tuple((month, counted[month]) for month in _months(self.period))

    def expert(self, id: str) -> ExpertFigures:
        """One of the experts."""
        return next(each for each in self.experts if each.id == id)

    @property
    def busiest(self) -> ExpertFigures:
        """The expert with the most sessions."""
        return max(self.experts, key=lambda each: each.load)


def read_intake(db: Database, programme_id: str) -> IntakeFigures:
    """Count the applications of a programme and say why some were declined."""
    rules = db.get_one(Programme, programme_id).rules
    applications = db.scalars(
        select(Application)
        .where(Application.programme_id == programme_id)
        .order_by(Application.submitted_at)
        .options(joinedload(Application.organization), joinedload(Application.decision))
    ).all()
    decided = [each.decision.outcome for each in applications if each.decision is not None]
    return IntakeFigures(
        applications=len(applications),
        accepted=decided.count(Outcome.ACCEPTED),
        declined=tuple(
            Declined(
                each.id,
                _name(each.organization),
                tuple(_reason(rules, reason) for reason in each.decision.reasons),
            )
            for each in applications
            if each.decision is not None and each.decision.outcome == Outcome.DECLINED
        ),
    )


def read_plan(db: Database, plan: Plan) -> PlanFigures:
    """Read a plan, and the sessions as they are published now.

    Raises:
        Conflict: the run has not made a plan yet.
    """
    if plan.problem is None or plan.plan is None:
        raise Conflict("There is no plan yet.", "派遣計画はまだありません。")
    rules = db.get_one(Programme, plan.programme_id).rules
    engagements = db.scalars(
        select(Engagement)
        .where(Engagement.programme_id == plan.programme_id)
        .options(joinedload(Engagement.organization))
    ).all()
    return PlanFigures(
        rules=rules,
        problem=ProblemFile.from_bytes(plan.problem).problem,
        plan=PlanFile.from_json(gzip.decompress(plan.plan)),
        organizations={each.id: _name(each.organization) for each in engagements},
        experts=_experts(db, plan.programme_id),
    )


def _experts(db: Database, programme_id: str) -> tuple[ExpertFigures, ...]:
    sessions = db.scalars(
        select(Session)
        .join(Session.engagement)
        .where(Engagement.programme_id == programme_id)
        .where(Session.status != SessionStatus.CANCELLED)
        .order_by(Session.start_at)
        .options(joinedload(Session.engagement).joinedload(Engagement.organization))
    ).all()
    experts = db.scalars(select(Expert).where(Expert.active).order_by(Expert.id))
    return tuple(
        ExpertFigures(
            id=expert.id,
            name=_name(expert),
            visits=tuple(_visit(each) for each in sessions if each.expert_id == expert.id),
            target=expert.target_total,
            maximum=expert.max_total,
        )
        for expert in experts
    )


def _visit(session: Session) -> Visit:
    engagement = session.engagement
    return Visit(
        engagement_id=engagement.id,
        number=session.number,
        of=len(engagement.session_minutes),
        phase=session.phase,
        start=wall_time(session.start_at),
        end=wall_time(session.end_at),
        organization=_name(engagement.organization),
        place=_place(session),
        online=session.municipality_code is None,
    )


def _place(session: Session) -> Words:
    """The municipality; an address would tell a planner no more."""
    if session.municipality_code is None:
        return Words(ja=session.place_ja, en=session.place_en)
    found = municipality(session.municipality_code)
    return Words(ja=found.name_ja, en=found.name_en)


def _name(record: Expert | Organization) -> Words:
    return Words(ja=record.name_ja, en=record.name_en)


def _reason(rules: ProgrammeRules, reason: str) -> Words:
    """A requirement by its text; words as they are."""
    for requirement in rules.requirements:
        if requirement.id == reason:
            return requirement.text
    return Words(ja=reason, en=reason)


def _months(period: Period) -> tuple[dt.date, ...]:
    """The first day of each month that has a day in the period."""
    return tuple(dict.fromkeys(day.replace(day=1) for day in period.days()))
