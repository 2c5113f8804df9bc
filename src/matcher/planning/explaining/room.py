"""Whether others can make room for one engagement's next session without losing any of their own.

Two solves for service alone answer it, unless the experts' caps do already. The *proof* is of a
problem that is easier than the truth: whoever does not share an expert with the engagement is left
out but for what stands anyway, no way is longer than the shortest detour, and caps are as high as
what is published. Its bound then holds for every plan there is. The *search* is of the problem that
a planning run would have, and what it finds is judged as such a run's plan.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from solver import NoPlanFound, Parameters, Progress, solve
from solver.capacity import exceeds_caps
from solver.plan import Assignment, Plan
from solver.problem import Engagement, Expert, Problem, Travel, Weights
from solver.problem_file import ProblemFile
from solver.question import Way
from solver.remedies import moved_sessions
from solver.standing import StandingPlan, UnsoundPlan

PROOF_SHARE = 0.4
"""The share of the time that the proof may take; the search has the rest."""

MISSING = 100_000
"""What a session less counts, where a moved one counts 1: nothing makes up for it."""

NO_WEIGHTS = dict.fromkeys(Weights.model_fields, 0)
SERVICE = Weights(**{**NO_WEIGHTS, "unserved": MISSING, "dropped_session": MISSING})
SERVICE_AND_CALM = SERVICE.model_copy(update={"move": 1, "change_expert": 1})


@dataclass(frozen=True)
class Moved:
    """An engagement whose published sessions make room, as it is now and as it would be."""

    before: Assignment
    after: Way | Assignment
    sessions: tuple[int, ...]
    """The numbers of those that get another time or expert."""

    @classmethod
    def of(cls, engagement: Engagement, after: Way | Assignment) -> Moved | None:
        """What moves if an engagement is served so; None where nothing that is published does."""
        current, sessions = engagement.current, moved_sessions(engagement, after)
        if current is None or not sessions:
            return None
        before = Assignment(engagement=engagement.id, expert=current.expert, starts=current.starts)
        return cls(before, after, sessions)


@dataclass(frozen=True)
class RoomPlan:
    """A plan that gives the engagement its next session, and everybody else as many as before."""

    assignment: Assignment
    """How the engagement itself is served then."""
    moved: tuple[Moved, ...]
    """The others, whose sessions make room."""

    @property
    def moved_sessions(self) -> int:
        """How many sessions of others get another time or expert."""
        return sum(len(each.sessions) for each in self.moved)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be served: the problem of planning some engagements anew, and how many each."""

    problem: Problem
    """Those who share an expert with the engagement may be planned anew, the rest is pinned."""
    engagement: str
    sessions: int
    """How many it is to get."""
    kept: Mapping[str, int]
    """How many each of the others that may be planned anew has, and is to keep."""
    immovable: frozenset[str] = frozenset()
    """The pinned engagements that no planning run may touch."""


def find_room(wanted: Wanted, seconds: float) -> RoomPlan | None:
    """Search a plan that serves everybody as wanted; None where none was found in time."""
    problem = _trimmed(wanted, wanted.problem.engagements, SERVICE_AND_CALM)
    plan = _solved(problem, seconds, lambda so_far: so_far.cost == 0)
    if plan is None or _misses(plan):
        return None
    return _judged(wanted, plan)


def is_proven_full(wanted: Wanted, seconds: float) -> bool:
    """Whether it is proven that no plan at all serves everybody as wanted."""
    if is_beyond_caps(wanted):
        return True
    plan = _solved(
        _easier(wanted), seconds, lambda so_far: so_far.bound > 0 or so_far.cost < MISSING
    )
    return plan is not None and plan.bound > 0


def is_beyond_caps(wanted: Wanted) -> bool:
    """Whether the experts' caps alone leave no room for one session more, whatever the calendars.

    Where they leave none for what the others have, either, that is no reason against this one.
    """
    before = replace(wanted, sessions=wanted.sessions - 1)
    return exceeds_caps(_easier(wanted)) and not exceeds_caps(_easier(before))


def _solved(problem: Problem, seconds: float, enough: Callable[[Progress], bool]) -> Plan | None:
    """The best plan in the time; None where pinned sessions leave none, or none was found."""
    seen: list[bool] = []
    file = ProblemFile.from_problem(problem)
    try:
        plan = solve(
            file,
            Parameters(time_limit_seconds=seconds),
            on_progress=lambda so_far: seen.append(enough(so_far)),
            cancelled=lambda: any(seen[-1:]),
        )
    except NoPlanFound:
        return None
    return None if plan.status == "infeasible_pins" else plan


def _misses(plan: Plan) -> bool:
    return plan.cost.unserved + plan.cost.dropped > 0


def _trimmed(wanted: Wanted, engagements: tuple[Engagement, ...], weights: Weights) -> Problem:
    """The problem of serving each as often as wanted; who has nothing yet is left out."""
    sessions = {**wanted.kept, wanted.engagement: wanted.sessions}
    kept = tuple(
        _as_often(each, sessions[each.id]) if each.id in sessions else each
        for each in engagements
        if each.id in sessions or not each.candidates or each.pinned
    )
    return wanted.problem.model_copy(update={"engagements": kept, "weights": weights})


def _as_often(engagement: Engagement, sessions: int) -> Engagement:
    current = engagement.current
    if current is not None:
        current = current.model_copy(update={"starts": current.starts[:sessions]})
    durations = engagement.durations[:sessions]
    changes = {"durations": durations, "weight": 1, "current": current}
    return engagement.model_copy(update=changes)


def _easier(wanted: Wanted) -> Problem:
    """A problem that every plan which serves all as wanted solves as well, and more do."""
    stay = {*wanted.kept, wanted.engagement, *wanted.immovable}
    engagements = tuple(each for each in wanted.problem.engagements if each.id in stay)
    problem = _trimmed(wanted, engagements, SERVICE)
    booked = _days_booked(wanted.problem)
    experts = tuple(_lifted(each, booked[each.id]) for each in problem.experts)
    travel = _shortest(problem.travel_minutes)
    return problem.model_copy(update={"experts": experts, "travel_minutes": travel})


def _days_booked(problem: Problem) -> Mapping[str, list[dt.date]]:
    """The days of each expert's sessions, as they are pinned or published."""
    days: dict[str, list[dt.date]] = defaultdict(list)
    for engagement in problem.engagements:
        pinned = {pin.session for pin in engagement.pinned}
        for pin in engagement.pinned:
            days[pin.expert].append(pin.start.date())
        if engagement.current is not None:
            for number, start in enumerate(engagement.current.starts, 1):
                if number not in pinned:
                    days[engagement.current.expert].append(start.date())
    return days


def _lifted(expert: Expert, days: list[dt.date]) -> Expert:
    """An expert whose caps leave room for what is published, where they were lowered since."""
    weeks = Counter(day - dt.timedelta(days=day.weekday()) for day in days)
    caps = {
        "max_per_day": max([expert.max_per_day, *Counter(days).values()]),
        "max_per_week": max([expert.max_per_week, *weeks.values()]),
        "max_total": max(expert.max_total, len(days)),
    }
    return expert.model_copy(update=caps)


def _shortest(travel: Travel) -> Travel:
    """The ways with every detour that is shorter: a session less then makes no way longer."""
    minutes = np.array(travel.minutes, dtype=np.int64).reshape(len(travel.places), -1)
    for via in range(len(travel.places)):
        minutes = np.minimum(minutes, minutes[:, [via]] + minutes[[via], :])
    return travel.model_copy(update={"minutes": tuple(map(tuple, minutes.tolist()))})


def _judged(wanted: Wanted, plan: Plan) -> RoomPlan | None:
    """Let the judge pass a plan as one of the planning run that it stands for."""
    file = ProblemFile.from_problem(wanted.problem)
    try:
        standing = StandingPlan.load(file, plan)
    except UnsoundPlan:
        return None  # others who wait are pinned in part: their sessions are missing
    after = {each.engagement: each for each in standing.assignments}
    assignment = after[wanted.engagement]
    return RoomPlan(assignment, tuple(_moves(wanted, after)))


def _moves(wanted: Wanted, after: Mapping[str, Assignment]) -> Iterator[Moved]:
    for engagement in wanted.problem.engagements:
        if engagement.id in wanted.kept:
            moved = Moved.of(engagement, after[engagement.id])
            if moved is not None:
                yield moved
