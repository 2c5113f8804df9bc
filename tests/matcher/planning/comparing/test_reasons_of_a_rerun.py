"""Every reason that is given for a rerun of a whole programme, checked by the oracle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from matcher.clock import from_wall_time
from matcher.models import (
    SessionStatus,
)
from matcher.planning.comparing.differences import differences
from matcher.planning.comparing.reasons import PlanInQuestion
from matcher.planning.publishing.snapshots import Snapshot, SnapshotSession
from solver import Parameters, solve
from solver import problem as problem_1
from solver.plan import Plan as PlanFile
from solver.problem import Problem
from solver.problem_file import ProblemFile
from tests.matcher.planning.oracle import check_every_reason


@pytest.fixture(scope="module")
def rerun(shared: Path) -> tuple[ProblemFile, PlanFile]:
    """The sample of sixty with a published plan, and the solver's plan for it."""
    content = (shared / "instances" / "tokyo-60-replan.json.gz").read_bytes()
    file = ProblemFile.from_bytes(content)
    return file, solve(file, Parameters(time_limit_seconds=2, workers=1))


def test_every_reason_of_a_rerun_of_a_whole_programme_holds(
    rerun: tuple[ProblemFile, PlanFile],
) -> None:
    file, plan = rerun
    assert check_changes(file, plan) >= 5


def test_every_reason_holds_whatever_was_published(rerun: tuple[ProblemFile, PlanFile]) -> None:
    file, plan = rerun
    random = Random(1)  # noqa: S311  no secret
    other = published_otherwise(file.problem, plan, random)
    assert check_changes(ProblemFile.from_problem(other), plan) >= 20


def check_changes(file: ProblemFile, plan: PlanFile) -> int:
    """Check what is said of all that a plan changes; how many reasons there are."""
    changes = differences(published_of(file.problem), planned_by(plan, file.problem))
    question = PlanInQuestion(file.json, plan, changes)
    told = [(each, question.reasons(each)) for each in changes]
    return check_every_reason(told, file.json, plan.to_json())


def published_otherwise(problem: Problem, plan: PlanFile, random: Random) -> Problem:
    """The same problem as if a quarter of its engagements had been promised otherwise."""
    planned = {each.engagement: each for each in plan.assignments}
    engagements = []
    for each in problem.engagements:
        found = planned.get(each.id)
        pins = {pin.session: pin.start for pin in each.pinned}
        changed = each
        if found is not None and len(pins) < len(found.starts) and random.random() < 1 / 4:
            starts = [
                pins.get(number)
                or start
                + dt.timedelta(
                    days=random.choice([0, 0, 1, -1, 7, -7, 14]),
                    minutes=random.choice([0, 0, 30, -60, 1200]),
                )
                for number, start in enumerate(found.starts, 1)
            ]
            candidates = [one.expert for one in each.candidates]
            expert = random.choice([found.expert, found.expert, *candidates])
            current = problem_1.Current(expert=expert, starts=tuple(starts))
            changed = each.model_copy(update={"current": current})
        engagements.append(changed)
    return problem.model_copy(update={"engagements": tuple(engagements)})


def published_of(problem: Problem) -> Snapshot:
    """What a problem has of the published plan."""
    return Snapshot(
        sessions=tuple(
            session
            for each in problem.engagements
            if each.current is not None
            for session in sessions_at(each, each.current.expert, each.current.starts)
        )
    )


def planned_by(plan: PlanFile, problem: Problem) -> Snapshot:
    """What a plan makes of it; engagements of which nothing may change are left out."""
    asked = {each.id: each for each in problem.engagements}
    return Snapshot(
        sessions=tuple(
            session
            for each in plan.assignments
            if asked[each.engagement].current or not asked[each.engagement].pinned
            for session in sessions_at(asked[each.engagement], each.expert, each.starts)
        )
    )


def sessions_at(
    asked: problem_1.Engagement, expert: str, starts: Sequence[dt.datetime]
) -> Iterator[SnapshotSession]:
    pins = {pin.session: pin.expert for pin in asked.pinned}
    for number, (start, minutes) in enumerate(zip(starts, asked.durations, strict=False), 1):
        start_at = from_wall_time(start)
        yield SnapshotSession(
            id=f"{asked.id}-{number}",
            engagement_id=asked.id,
            number=number,
            status=SessionStatus.CONFIRMED,
            expert_id=pins.get(number, expert),
            start_at=start_at,
            end_at=start_at + dt.timedelta(minutes=minutes),
            municipality_code=asked.place,
        )
