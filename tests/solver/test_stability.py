"""As few broken promises as possible, and the price of stability: held to every plan there is."""

from __future__ import annotations

import functools
import random

import pytest

from solver import Parameters, judge
from solver.plan import Assignment
from solver.problem import Problem
from solver.promises import disturbance, promise_problem, service_of, weight_of_loss
from solver.stability import Point, keep_promises, price_of_stability, unkeepable
from tests.solver.brute_force import _choices, _Search
from tests.solver.builders import Record, encode, engagement, file, problem
from tests.solver.random_problems import random_problem

PARAMETERS = Parameters(time_limit_seconds=20)
CASES = [number for number in range(60) if number % 3 == 0]


def rerun(number: int) -> Record:
    """A tiny problem of which most is published already."""
    record, chance = random_problem(number), random.Random(number)
    for each in record["engagements"]:
        choices = [choice for choice in _choices(record, each) if choice.starts]
        if choices and chance.random() < 0.8:
            choice = chance.choice(choices)
            each["current"] = {"expert": choice.expert, "starts": list(choice.starts)}
    return record


@functools.cache
def every_plan(number: int) -> dict[int, int] | None:
    """By broken promises, the best service of all plans that break exactly so many."""
    record = rerun(number)
    stated, found = file(record).problem, {}

    class All(_Search):
        def _extend(self, chosen, cost):  # type: ignore[no-untyped-def]  # as it is there
            if len(chosen) < len(self.choices):
                for choice in self.choices[len(chosen)]:
                    if self._mendable((*chosen, choice)):
                        self._extend((*chosen, choice), 0)
                return
            self.best_cost = None
            self._finish(chosen, 0)
            if self.best_cost is None:
                return
            plan = [
                Assignment.model_validate(
                    {"engagement": each.engagement, "expert": each.expert, "starts": each.starts}
                )
                for each in chosen
                if each.starts
            ]
            broken = disturbance(stated, plan).broken
            found[broken] = min(found.get(broken, 10**9), service_of(stated, plan))

    search = All(record)
    if not all(search.choices):
        return None
    search._extend((), 0)
    return found or None


def least(found: dict[int, int], most: int) -> int:
    return min(service for broken, service in found.items() if broken <= most)
