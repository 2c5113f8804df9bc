"""Ways to break a plan, or to move the ground under it: most break one rule, some none.

Each takes a problem and a plan (JSON) that are its own to change, and a source of chance.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

from tests.solver.builders import Record

Mutation = Callable[[Record, Record, random.Random], object]
PARTS = [
    "total",
    "unserved",
    "dropped",
    "match",
    "preference",
    "travel",
    "wait",
    "gap",
    "overload",
    "stability",
]


def _shift(chance: random.Random, plan: Record, **distance: int) -> None:
    """Move one session by a distance in time."""
    starts = chance.choice(plan["assignments"])["starts"]
    index = chance.randrange(len(starts))
    moved = dt.datetime.fromisoformat(starts[index]) + dt.timedelta(**distance)
    starts[index] = moved.isoformat(timespec="minutes")


def _engagement(problem: Record, assignment: Record) -> Record:
    """Find what an assignment is for; the first engagement where it is for none."""
    engagements = {each["id"]: each for each in problem["engagements"]}
    found: Record = engagements.get(assignment["engagement"], problem["engagements"][0])
    return found


def off_the_grid(problem: Record, plan: Record, chance: random.Random) -> None:
    _shift(chance, plan, minutes=chance.choice((-10, 5, 1)))


def another_time(problem: Record, plan: Record, chance: random.Random) -> None:
    _shift(chance, plan, minutes=chance.choice((-90, -60, -30, 30, 60, 240)))


def another_day(problem: Record, plan: Record, chance: random.Random) -> None:
    _shift(chance, plan, days=chance.choice((-30, -7, -2, -1, 1, 2, 7, 30, 300)))


def out_of_the_period(problem: Record, plan: Record, chance: random.Random) -> None:
    _shift(chance, plan, days=chance.choice((-364, 364)))


def onto_a_closed_day(problem: Record, plan: Record, chance: random.Random) -> None:
    starts = chance.choice(plan["assignments"])["starts"]
    problem["calendar"]["closed_days"] = [*problem["calendar"]["closed_days"], starts[-1][:10]]


def another_expert(problem: Record, plan: Record, chance: random.Random) -> None:
    assignment = chance.choice(plan["assignments"])
    assignment["expert"] = chance.choice(problem["experts"])["id"]


def nobody(problem: Record, plan: Record, chance: random.Random) -> None:
    chance.choice(plan["assignments"])["expert"] = "nobody"


def one_session_fewer(problem: Record, plan: Record, chance: random.Random) -> None:
    chance.choice(plan["assignments"])["starts"].pop()


def first_session_left_out(problem: Record, plan: Record, chance: random.Random) -> None:
    del chance.choice(plan["assignments"])["starts"][0]


def left_out(problem: Record, plan: Record, chance: random.Random) -> None:
    plan["assignments"].remove(chance.choice(plan["assignments"]))


def one_session_more(problem: Record, plan: Record, chance: random.Random) -> None:
    starts = chance.choice(plan["assignments"])["starts"]
    starts.append(f"{dt.datetime.fromisoformat(starts[-1]) + dt.timedelta(days=7):%Y-%m-%dT%H:%M}")


def far_too_many(problem: Record, plan: Record, chance: random.Random) -> None:
    starts = chance.choice(plan["assignments"])["starts"]
    starts.extend([starts[-1]] * 5)


def assigned_twice(problem: Record, plan: Record, chance: random.Random) -> None:
    assignment = dict(chance.choice(plan["assignments"]))
    plan["assignments"].append(assignment | {"starts": assignment["starts"][:1]})


def for_no_engagement(problem: Record, plan: Record, chance: random.Random) -> None:
    chance.choice(plan["assignments"])["engagement"] = "nothing"


def with_another_engagement(problem: Record, plan: Record, chance: random.Random) -> None:
    """Hold one session with the expert, and at the time, of another engagement, or just after."""
    one, other = chance.choices(plan["assignments"], k=2)
    start = dt.datetime.fromisoformat(chance.choice(other["starts"]))
    start += dt.timedelta(minutes=chance.choice((0, 60, 60, 90, 120)))
    one["expert"] = other["expert"]
    one["starts"][chance.randrange(len(one["starts"]))] = f"{start:%Y-%m-%dT%H:%M}"


def everything_the_same_day(problem: Record, plan: Record, chance: random.Random) -> None:
    assignment = chance.choice(plan["assignments"])
    assignment["starts"] = [
        assignment["starts"][0][:11] + start[11:] for start in assignment["starts"]
    ]


def a_lower_cap(problem: Record, plan: Record, chance: random.Random) -> None:
    cap = chance.choice(("max_per_day", "max_per_week", "max_total"))
    expert = chance.choice(problem["experts"])
    expert[cap] = min(expert[cap], chance.choice((0, 1, 2, 5)))


def a_lower_target(problem: Record, plan: Record, chance: random.Random) -> None:
    chance.choice(problem["experts"])["target_total"] = chance.choice((0, 1, 2))


def a_busy_time(problem: Record, plan: Record, chance: random.Random) -> None:
    """Make somebody busy before, during, or after a session, by minutes."""
    assignment = chance.choice(plan["assignments"])
    session = dt.datetime.fromisoformat(chance.choice(assignment["starts"]))
    start = session + dt.timedelta(minutes=chance.choice((-60, -59, 0, 59, 60, 119, 120)))
    busy = [f"{start:%Y-%m-%dT%H:%M}", f"{start + dt.timedelta(hours=1):%Y-%m-%dT%H:%M}"]
    chance.choice((_engagement(problem, assignment), *problem["experts"]))["busy"].append(busy)


def shorter_hours(problem: Record, plan: Record, chance: random.Random) -> None:
    assignment = chance.choice(plan["assignments"])
    who = chance.choice((_engagement(problem, assignment), *problem["experts"]))
    who["open"] = [[day, max(opens, "10:00"), closes] for day, opens, closes in who["open"]][:2]


def a_longer_way(problem: Record, plan: Record, chance: random.Random) -> None:
    more = chance.choice((5, 30, 200))
    for row in problem["travel_minutes"]["minutes"]:
        row[:] = [minutes + more for minutes in row]


def other_gaps(problem: Record, plan: Record, chance: random.Random) -> None:
    engagement = _engagement(problem, chance.choice(plan["assignments"]))
    engagement["min_gap_days"] += chance.choice((0, 1, 7))
    engagement["max_gap_days"] = engagement["min_gap_days"] + chance.choice((0, 3, 14))


def another_window(problem: Record, plan: Record, chance: random.Random) -> None:
    assignment = chance.choice(plan["assignments"])
    engagement = _engagement(problem, assignment)
    day = dt.date.fromisoformat(chance.choice(assignment["starts"])[:10])
    engagement[chance.choice(("earliest", "latest"))] = str(
        day + dt.timedelta(days=chance.choice((-1, 0, 1)))
    )


def a_candidate_less(problem: Record, plan: Record, chance: random.Random) -> None:
    engagement = _engagement(problem, chance.choice(plan["assignments"]))
    engagement["candidates"] = engagement["candidates"][1:]


def a_pin(problem: Record, plan: Record, chance: random.Random) -> None:
    """Pin a session where it is, or elsewhere, with whom it may be."""
    assignment = chance.choice(plan["assignments"])
    engagement = _engagement(problem, assignment)
    number = chance.randint(1, min(len(assignment["starts"]), len(engagement["durations"])))
    start = chance.choice(assignment["starts"])
    expert = chance.choice(problem["experts"])["id"]
    engagement["pinned"] = [{"session": number, "expert": expert, "start": start}]
    engagement["reassign"] = chance.random() < 0.5


def another_published_plan(problem: Record, plan: Record, chance: random.Random) -> None:
    assignment = chance.choice(plan["assignments"])
    starts = chance.choice(plan["assignments"])["starts"]
    _engagement(problem, assignment)["current"] = {
        "expert": chance.choice(problem["experts"])["id"],
        "starts": chance.choice((starts, assignment["starts"], [])),
    }


def a_part_misstated(problem: Record, plan: Record, chance: random.Random) -> None:
    if "cost" in plan:
        plan["cost"][chance.choice(PARTS)] += chance.choice((-1, 1, 1000))


def a_part_not_stated(problem: Record, plan: Record, chance: random.Random) -> None:
    if "cost" in plan:
        del plan["cost"][chance.choice(PARTS)]


def a_bound_too_high(problem: Record, plan: Record, chance: random.Random) -> None:
    if "cost" in plan:
        plan["bound"] = plan["cost"]["total"] + 1


BEFORE_THE_COST_IS_STATED: tuple[Mutation, ...] = (
    off_the_grid,
    another_time,
    another_day,
    out_of_the_period,
    onto_a_closed_day,
    another_expert,
    nobody,
    one_session_fewer,
    first_session_left_out,
    left_out,
    one_session_more,
    far_too_many,
    assigned_twice,
    for_no_engagement,
    with_another_engagement,
    everything_the_same_day,
    a_lower_cap,
    a_lower_target,
    a_busy_time,
    shorter_hours,
    a_longer_way,
    other_gaps,
    another_window,
    a_candidate_less,
    a_pin,
    another_published_plan,
)
AFTER_THE_COST_IS_STATED: tuple[Mutation, ...] = (
    a_part_misstated,
    a_part_not_stated,
    a_bound_too_high,
)
