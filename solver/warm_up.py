"""Compile the kernels ahead: `python -m solver.warm_up` solves two small problems, and asks once.

The machine code is kept beside the source, so that no run spends its time limit on compiling.
"""

import datetime as dt

from solver.engine import Parameters, solve
from solver.explain import explain
from solver.problem import (
    WEEKDAYS,
    Calendar,
    Candidate,
    Current,
    Engagement,
    Expert,
    OpenHours,
    Problem,
    Travel,
    Weights,
)
from solver.problem_file import ProblemFile
from solver.standing import StandingPlan

HOURS = tuple(OpenHours(weekday, 9 * 60, 17 * 60) for weekday in WEEKDAYS)


def smallest_problem() -> Problem:
    """Two engagements of two sessions for one expert, on site and online."""
    first, last = dt.date(2025, 9, 1), dt.date(2025, 10, 31)
    return Problem(
        format="problem/1",
        name="warm-up",
        calendar=Calendar(
            first_day=first,
            last_day=last,
            timezone="Asia/Tokyo",
            slot_minutes=30,
            closed_days=(),
        ),
        experts=(
            Expert(
                id="expert",
                open=HOURS,
                busy=(),
                max_per_day=2,
                max_per_week=3,
                max_total=4,
                target_total=3,
                place="here",
            ),
        ),
        engagements=tuple(
            Engagement(
                id=name,
                weight=1,
                earliest=first,
                latest=last,
                durations=(60, 90),
                min_gap_days=7,
                target_gap_days=14,
                max_gap_days=21,
                open=HOURS,
                busy=(),
                preferred=HOURS[:1],
                place=place,
                candidates=(Candidate(expert="expert", cost=5),),
                current=Current(expert="expert", starts=starts),
            )
            for name, place, starts in (
                ("on site", "here", (dt.datetime(2025, 9, 1, 9),)),
                ("online", None, (dt.datetime(2025, 9, 2, 9), dt.datetime(2025, 9, 16, 9))),
            )
        ),
        travel_minutes=Travel(places=("here",), minutes=((20,),)),
        weights=Weights(
            unserved=2000,
            dropped_session=1000,
            match=1,
            off_preference=10,
            travel_per_10_minutes=1,
            wait_per_day=1,
            gap_per_day=1,
            overload=5,
            move=40,
            change_expert=400,
        ),
    )


def crowded_problem() -> Problem:
    """Four engagements that want the same days: too large to be closed, so that it is searched."""
    problem = smallest_problem()
    twins = tuple(
        each.model_copy(update={"id": f"{each.id} {number}"})
        for each in problem.engagements
        for number in (1, 2)
    )
    (expert,) = problem.experts
    busy = expert.model_copy(update={"max_per_day": 1, "max_total": 8})
    return problem.model_copy(update={"experts": (busy,), "engagements": twins})


def main() -> None:
    """Run every stage once."""
    for problem in (smallest_problem(), crowded_problem()):
        file = ProblemFile.from_problem(problem)
        plan = solve(file, Parameters(time_limit_seconds=None, work_limit=20))
        explain(StandingPlan.load(file, plan), problem.engagements[0].id)


if __name__ == "__main__":
    main()
