"""As few broken promises as possible, and the price of stability: held to every plan there is."""

from __future__ import annotations

import functools
import random

import pytest

from solver import Parameters, Progress, judge, solve
from solver.plan import Assignment
from solver.promises import disturbance, service_of
from solver.stability import keep_promises, price_of_stability, unkeepable
from tests.solver.brute_force import Choice, _choices, _Search
from tests.solver.builders import Record, encode, file, problem
from tests.solver.random_problems import random_problem

PARAMETERS = Parameters(time_limit_seconds=20)
CASES = [number for number in range(60) if number % 3 == 0]


def rerun(number: int) -> Record:
    """A tiny problem of which most is published already."""
    record, chance = random_problem(number), random.Random(number)  # noqa: S311  no secret
    for each in record["engagements"]:
        choices = [choice for choice in _choices(record, each) if choice.starts]
        if choices and chance.random() < 0.8:
            choice = chance.choice(choices)
            each["current"] = {"expert": choice.expert, "starts": list(choice.starts)}
    return record


class _Every(_Search):
    """Every plan there is, by broken promises: the best service of those that break so many."""

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self._stated = file(record).problem
        self.found: dict[int, int] = {}
        self.people: dict[int, int] = {}
        """By service: the fewest people that a plan disturbs."""

    def _extend(self, chosen: tuple[Choice, ...], cost: int) -> None:
        if len(chosen) < len(self.choices):
            for choice in self.choices[len(chosen)]:
                if self._mendable((*chosen, choice)):
                    self._extend((*chosen, choice), cost)
            return
        if not self._holds(chosen):
            return
        plan = [
            Assignment.model_validate(
                {"engagement": each.engagement, "expert": each.expert, "starts": each.starts}
            )
            for each in chosen
            if each.starts
        ]
        changed, service = disturbance(self._stated, plan), service_of(self._stated, plan)
        broken, people = changed.broken, changed.people
        self.found[broken] = min(self.found.get(broken, service), service)
        self.people[service] = min(self.people.get(service, people), people)

    def _holds(self, chosen: tuple[Choice, ...]) -> bool:
        self.best_cost = None
        self._finish(chosen, 0)
        return bool(self.best_cost is not None)


@functools.cache
def all_plans(number: int) -> _Every:
    search = _Every(rerun(number))
    if all(search.choices):
        search._extend((), 0)
    return search


def every_plan(number: int) -> dict[int, int]:
    return all_plans(number).found


def least(found: dict[int, int], most: int) -> int:
    return min(service for broken, service in found.items() if broken <= most)


@pytest.mark.parametrize("number", CASES)
def test_each_point_serves_as_well_as_any_plan_that_breaks_so_few_promises(number: int) -> None:
    found = every_plan(number)
    if not found:
        return
    record = rerun(number)
    for point in price_of_stability(file(record), PARAMETERS):
        best = least(found, point.most_broken)
        assert point.disturbance.broken <= point.most_broken
        assert point.least_service <= best == point.service
        fewest = min(broken for broken, service in found.items() if service <= best)
        assert point.least_broken <= fewest
        assert judge(encode(record), point.plan.to_json()).holds


@pytest.mark.parametrize("number", CASES)
def test_keeping_promises_reaches_the_best_service_with_the_fewest_broken(number: int) -> None:
    found = every_plan(number)
    if not found:
        return
    point = keep_promises(file(rerun(number)), PARAMETERS)
    best = min(found.values())
    fewest = min(broken for broken, service in found.items() if service == best)
    assert (point.service, point.disturbance.broken) == (best, fewest)
    assert point.is_proven
    assert point.least_broken <= fewest
    assert point.least_people <= all_plans(number).people[best] <= point.disturbance.people


@pytest.mark.parametrize("number", CASES[:6])
def test_no_plan_costs_less_than_the_bound_of_one_that_keeps_promises(number: int) -> None:
    if not every_plan(number):
        return
    record = rerun(number)
    cheapest = solve(file(record), PARAMETERS).cost.total
    point = keep_promises(file(record), PARAMETERS)
    assert 0 <= point.plan.bound <= cheapest <= point.plan.cost.total


def test_with_one_worker_and_a_limit_in_work_the_same_plan_is_found_again() -> None:
    record = rerun(CASES[1])
    parameters = Parameters(time_limit_seconds=None, work_limit=200)
    first, second = (keep_promises(file(record), parameters) for _ in range(2))
    assert first.plan.assignments == second.plan.assignments
    assert first.plan.solver.work_limit == parameters.work_limit


def test_progress_never_shows_the_figures_of_a_trade() -> None:
    seen: list[Progress] = []
    point = keep_promises(file(rerun(CASES[1])), PARAMETERS, on_progress=seen.append)
    assert seen[-1].stage == "done"
    assert seen[-1].cost == point.plan.cost.total
    assert {each.bound for each in seen if each.stage == "promises"} == {point.plan.bound}


def test_a_cancelled_rerun_keeps_a_plan_that_the_judge_passes() -> None:
    record = rerun(CASES[1])
    point = keep_promises(file(record), PARAMETERS, cancelled=lambda: True)
    assert judge(encode(record), point.plan.to_json()).holds


def test_who_cannot_be_kept_is_told_from_who_can() -> None:
    published = {"expert": "ann", "starts": ["2025-07-14T10:00", "2025-07-21T10:00"]}
    away = {"busy": [["2025-07-21T00:00", "2025-07-22T00:00"]]}
    stated = problem(ann=away, bakers={"current": published})
    assert unkeepable(file(stated).problem) == ({"bakers"}, {"ann"})
    assert unkeepable(file(problem(bakers={"current": published})).problem) == (set(), set())


def test_the_fewest_is_none_where_all_that_is_published_can_be_kept() -> None:
    """Also of an engagement that is published in part, whose next session would serve another."""
    two = {"expert": "ann", "starts": ["2025-07-14T09:00", "2025-07-21T09:00"]}
    ann = [{"expert": "ann", "cost": 1}]
    record = problem(
        ann={"max_total": 3},
        bakers={"durations": [60, 60, 60], "candidates": ann, "current": two},
        tailors={"durations": [60, 60], "candidates": ann, "weight": 2},
    )
    points = price_of_stability(file(record), PARAMETERS)
    assert [(each.most_broken, each.disturbance.broken) for each in points] == [(0, 0), (1, 1)]
    assert points[1].service < points[0].service
