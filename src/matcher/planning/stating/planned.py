"""A plan/1 as sessions, in the terms of the database: the way back from a problem."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matcher.clock import from_wall_time
from matcher.models import Engagement
from matcher.programme import Phase, ProgrammeRules
from solver import problem as problem_1
from solver.plan import Assignment, Plan
from solver.problem import Problem

ONLINE_JA, ONLINE_EN = "オンライン", "Online"


@dataclass(frozen=True)
class PlannedSession:
    """One session as a plan wants it, in the terms of the database."""

    engagement_id: str
    number: int
    phase: Phase
    expert_id: str
    start_at: dt.datetime
    end_at: dt.datetime
    municipality_code: str | None
    place_ja: str
    place_en: str
    meeting_url: str | None


def sessions_of(
    plan: Plan, problem: Problem, engagements: Mapping[str, Engagement], rules: ProgrammeRules
) -> tuple[PlannedSession, ...]:
    """The sessions of a plan that are not pinned, by engagement and number."""
    asked = {each.id: each for each in problem.engagements}
    return tuple(
        session
        for assignment in sorted(plan.assignments, key=lambda each: each.engagement)
        for session in _planned(
            asked[assignment.engagement],
            assignment,
            engagements[assignment.engagement],
            rules,
        )
    )


def _planned(
    asked: problem_1.Engagement,
    assignment: Assignment,
    engagement: Engagement,
    rules: ProgrammeRules,
) -> Iterator[PlannedSession]:
    organization = engagement.application.organization
    online = engagement.municipality_code is None
    pinned = {pin.session for pin in asked.pinned}
    for number, start in enumerate(assignment.starts, 1):
        if number in pinned:
            continue
        start_at = from_wall_time(start)
        yield PlannedSession(
            engagement_id=asked.id,
            number=number,
            phase=rules.phase(number, len(asked.durations)).id,
            expert_id=assignment.expert,
            start_at=start_at,
            end_at=start_at + dt.timedelta(minutes=asked.durations[number - 1]),
            municipality_code=engagement.municipality_code,
            place_ja=ONLINE_JA if online else organization.address_ja,
            place_en=ONLINE_EN if online else organization.address_en or organization.address_ja,
            meeting_url=engagement.meeting_url if online else None,
        )
