"""How the optimum answers to a change of the problem, where theory says how it must.

The problems are tiny, have every feature, and are solved to a proof by one worker under a limit in
work. What has no plan at all, because of its pinned sessions, costs `NO_PLAN`.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from solver import Parameters, Plan, judge, solve
from tests.solver.builders import Record, encode, file, pin, plan
from tests.solver.random_problems import random_problem

NO_PLAN = 1 << 60
SEEDS = range(16)
PROOF = Parameters(time_limit_seconds=None, work_limit=100)


def proven(record: Record) -> Plan:
    found = solve(file(record), PROOF)
    assert found.status in ("optimal", "infeasible_pins")
    return found


def optimum(record: Record) -> int:
    found = proven(record)
    return NO_PLAN if found.status == "infeasible_pins" else found.cost.total


@functools.cache
def optimum_of(seed: int) -> int:
    return optimum(random_problem(seed))


def with_another_expert(record: Record, chance: random.Random) -> None:
    """Let somebody new serve one engagement or all of them."""
    newcomer = dict(chance.choice(record["experts"]), id="zoe", busy=[])
    record["experts"].append(newcomer)
    for engagement in chance.sample(record["engagements"], chance.randint(1, 2)):
        engagement["candidates"].append({"expert": "zoe", "cost": chance.choice((0, 30))})


def without_an_engagement(record: Record, chance: random.Random) -> None:
    record["engagements"].remove(chance.choice(record["engagements"]))


def with_a_higher_cap(record: Record, chance: random.Random) -> None:
    cap = chance.choice(("max_per_day", "max_per_week", "max_total", "target_total"))
    chance.choice(record["experts"])[cap] += 1


def with_a_shorter_least_gap(record: Record, chance: random.Random) -> None:
    engagement = chance.choice(record["engagements"])
    engagement["min_gap_days"] = engagement["min_gap_days"] // 2


def with_more_hours(record: Record, chance: random.Random) -> None:
    weekday = chance.choice(("mon", "wed", "fri"))
    who = chance.choice([*record["experts"], *record["engagements"]])
    who["open"] = [*who["open"], [weekday, "10:00", "12:00"]]


def without_something_in_the_calendar(record: Record, chance: random.Random) -> None:
    chance.choice([*record["experts"], *record["engagements"]])["busy"] = []


@pytest.mark.parametrize(
    "change",
    [
        with_another_expert,
        without_an_engagement,
        with_a_higher_cap,
        with_a_shorter_least_gap,
        with_more_hours,
        without_something_in_the_calendar,
    ],
)
def test_more_room_or_less_to_do_never_costs_more(
    change: Callable[[Record, random.Random], None],
) -> None:
    """Read backwards: fewer hours, a lower cap, one engagement more never cost less."""
    for seed in SEEDS:
        record = random_problem(seed)
        eased = copy.deepcopy(record)
        change(eased, random.Random(seed))  # noqa: S311  no secret
        assert optimum(eased) <= optimum_of(seed), record["name"]


def renamed(record: Record, prefix: str) -> Record:
    """Give every expert, engagement and place another name, and with it another rank."""
    names = [each["id"] for each in record["experts"] + record["engagements"]]
    names += record["travel_minutes"]["places"]
    text = json.dumps(record)
    for name in names:
        text = re.sub(f'"{name}"', f'"{prefix}{name[::-1]}"', text)
    changed: Record = json.loads(text)
    return changed


def reordered(record: Record, chance: random.Random) -> Record:
    """Shuffle every list of which the order says nothing."""
    changed: Record = copy.deepcopy(record)
    lists: list[list[Any]] = [changed["experts"], changed["engagements"]]
    for each in changed["experts"] + changed["engagements"]:
        lists += [each[key] for key in ("open", "busy", "preferred", "candidates") if key in each]
        lists += [each["pinned"]] if "pinned" in each else []
    for each in lists:
        chance.shuffle(each)
    return changed


def test_names_and_order_mean_nothing() -> None:
    for seed in SEEDS:
        record = random_problem(seed)
        shuffled = reordered(record, random.Random(seed))  # noqa: S311  no secret
        assert optimum(renamed(record, "x")) == optimum_of(seed), record["name"]
        assert optimum(shuffled) == optimum_of(seed), record["name"]


@pytest.mark.parametrize("factor", [2, 7])
def test_weights_times_a_factor_cost_that_factor(factor: int) -> None:
    for seed in SEEDS:
        record = random_problem(seed)
        scaled = copy.deepcopy(record)
        for part in scaled["weights"]:
            scaled["weights"][part] *= factor
        if (cost := optimum_of(seed)) != NO_PLAN:
            assert optimum(scaled) == factor * cost, record["name"]


def shifted(value: Any, days: int) -> Any:
    """Move every date and every moment by so many days."""
    match value:
        case dict():
            return {key: shifted(each, days) for key, each in value.items()}
        case list():
            return [shifted(each, days) for each in value]
        case str() if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?", value):
            day = dt.date.fromisoformat(value[:10]) + dt.timedelta(days=days)
            return f"{day}{value[10:]}"
    return value


@pytest.mark.parametrize("weeks", [1, -30, 52])
def test_the_same_weeks_later_or_earlier_are_the_same(weeks: int) -> None:
    for seed in SEEDS:
        record = random_problem(seed)
        assert optimum(shifted(record, 7 * weeks)) == optimum_of(seed), record["name"]


def merged(one: Record, other: Record) -> Record:
    """Join two problems that share nothing but the calendar and the weights."""
    matrices = one["travel_minutes"]["minutes"], other["travel_minutes"]["minutes"]
    width = len(matrices[0])
    return one | {
        "experts": one["experts"] + other["experts"],
        "engagements": one["engagements"] + other["engagements"],
        "travel_minutes": {
            "places": one["travel_minutes"]["places"] + other["travel_minutes"]["places"],
            "minutes": [row + [0] * width for row in matrices[0]]
            + [[0] * width + row for row in matrices[1]],
        },
    }


def test_two_problems_that_share_nobody_add_up() -> None:
    for seed in SEEDS:
        one = random_problem(seed)
        other = renamed(one, "x")
        with_more_hours(other, random.Random(seed))  # noqa: S311  no secret
        costs = optimum_of(seed), optimum(other)
        if NO_PLAN not in costs:
            assert optimum(merged(one, other)) == sum(costs), one["name"]


def test_a_session_pinned_where_the_best_plan_holds_it_leaves_that_plan_the_best() -> None:
    """A pinned session is not charged for, so the cost is that of the same plan beside the pin."""
    for seed in SEEDS:
        record, chance = random_problem(seed), random.Random(seed)  # noqa: S311  no secret
        best = proven(record)
        held = {
            each.engagement: (each.expert, [f"{start:%Y-%m-%dT%H:%M}" for start in each.starts])
            for each in best.assignments
        }
        free = [
            each
            for each in record["engagements"]
            if each["id"] in held and not {"pinned", "current"} & each.keys()
        ]
        if not free:
            continue
        engagement = chance.choice(free)
        who, starts = held[engagement["id"]]
        number = chance.randint(1, len(starts))
        engagement["pinned"] = [pin(number, who, starts[number - 1])]
        same = judge(encode(record), encode(plan(record, held)))
        assert same.holds, same.broken
        assert optimum(record) == same.cost.total, record["name"]
