"""How many promises a rerun breaks, by weights alone and where promises are kept; an ordinary week.

The week: twenty new applications, one expert away for four weeks, three organizations that cannot
keep a session any more, in a programme of which all other engagements are published.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from solver import Parameters, solve
from solver.plan import Assignment, Plan
from solver.problem import BusyTime, Current, Engagement, Expert, Pin, Problem
from solver.problem_file import ProblemFile
from solver.promises import disturbance, service_of
from solver.stability import keep_promises

NEW, AWAY_DAYS, WISHES = 20, 28, 3

DAYS_UNTIL_TODAY = 50
"""How much of the period is over when the week is planned."""


@dataclass(frozen=True)
class Rerun:
    """What one way to plan makes of what is published; the bounds are None where it has none."""

    problem: str
    way: str
    seconds: float
    lacking: int
    broken: int
    least_broken: int | None
    people: int
    least_people: int | None
    cost: int
    bound: int


def ordinary_week(problem: Problem, seconds: float, seed: int) -> ProblemFile:
    """A problem after an ordinary week; before it, all but the new engagements were published."""
    chance = Random(seed)  # noqa: S311  no secret
    names = [each.id for each in problem.engagements]
    new = set(chance.sample(names, NEW))
    before = tuple(each for each in problem.engagements if each.id not in new)
    plan = solve(
        ProblemFile.from_problem(problem.model_copy(update={"engagements": before})),
        Parameters(time_limit_seconds=seconds, seed=seed),
    )
    published = {each.engagement: each for each in plan.assignments}
    today = dt.datetime.combine(problem.calendar.first_day, dt.time()) + dt.timedelta(
        days=DAYS_UNTIL_TODAY
    )
    ill = chance.choice(problem.experts).id
    wishes = set(chance.sample(sorted(published), WISHES))
    week = problem.model_copy(
        update={
            "name": f"{problem.name}, an ordinary week",
            "experts": tuple(
                _away(each, today) if each.id == ill else each for each in problem.experts
            ),
            "engagements": tuple(
                _published(each, published.get(each.id), today, moved=each.id in wishes)
                for each in problem.engagements
            ),
        }
    )
    return ProblemFile.from_problem(week)


def _away(expert: Expert, today: dt.datetime) -> Expert:
    absence = BusyTime(today, today + dt.timedelta(days=AWAY_DAYS))
    return expert.model_copy(update={"busy": (*expert.busy, absence)})


def _published(
    engagement: Engagement, planned: Assignment | None, today: dt.datetime, *, moved: bool
) -> Engagement:
    """An engagement as planned, what is over held; `moved`: its next session cannot be kept."""
    if planned is None:
        return engagement
    coming = [start for start in planned.starts if start >= today]
    busy = engagement.busy
    if moved and coming:
        midnight = dt.datetime.combine(coming[0], dt.time())
        busy = (*busy, BusyTime(midnight, midnight + dt.timedelta(days=1)))
    return engagement.model_copy(
        update={
            "current": Current(expert=planned.expert, starts=planned.starts),
            "pinned": tuple(
                Pin(session=number, expert=planned.expert, start=start)
                for number, start in enumerate(planned.starts, 1)
                if start < today
            ),
            "busy": busy,
        }
    )


def measure(files: list[ProblemFile], seconds: float, seed: int) -> Iterator[Rerun]:
    """Plan each problem anew in both ways."""
    parameters = Parameters(time_limit_seconds=seconds, seed=seed)
    for file in files:
        began = time.monotonic()
        plan = solve(file, parameters)
        yield _rerun(file, "by weights", plan, time.monotonic() - began, None, None)
        began = time.monotonic()
        point = keep_promises(file, parameters)
        yield _rerun(
            file,
            "promises kept",
            point.plan,
            time.monotonic() - began,
            point.least_broken,
            point.least_people,
        )


def _rerun(
    file: ProblemFile,
    way: str,
    plan: Plan,
    seconds: float,
    least_broken: int | None,
    least_people: int | None,
) -> Rerun:
    changed = disturbance(file.problem, plan.assignments)
    return Rerun(
        file.problem.name,
        way,
        seconds,
        service_of(file.problem, plan.assignments),
        changed.broken,
        least_broken,
        changed.people,
        least_people,
        plan.cost.total,
        plan.bound,
    )


def as_markdown(reruns: list[Rerun]) -> str:
    """The table."""
    lines = [
        "| problem | way | s | lacking service | broken | at least | people | at least | cost "
        "| bound |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {each.problem} | {each.way} | {each.seconds:.1f} | {each.lacking} | {each.broken} "
        f"| {_proven(each.least_broken)} | {each.people} | {_proven(each.least_people)} "
        f"| {each.cost:,} | {each.bound:,} |"
        for each in reruns
    ]
    return "\n".join(lines)


def _proven(bound: int | None) -> str:
    return "" if bound is None else str(bound)
