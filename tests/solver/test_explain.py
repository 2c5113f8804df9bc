"""Why an engagement is served as it is."""

from __future__ import annotations

from typing import Any

import pytest

from solver import Parameters, solve
from solver.explain import Explanation, explain
from solver.standing import Inseparable, StandingPlan
from tests.solver.builders import file, pin, problem
from tests.solver.random_problems import random_problem

QUICK = Parameters(time_limit_seconds=None, work_limit=1)


def standing(**changes: Any) -> StandingPlan:
    problem_file = file(problem(**changes))
    return StandingPlan.load(problem_file, solve(problem_file, QUICK))


def explained(name: str = "bakers", **changes: Any) -> Explanation:
    return explain(standing(**changes), name)


def test_an_engagement_that_is_served_in_full_shows_what_each_candidate_would_cost() -> None:
    found = explained()
    assert (found.served, found.possible, found.asked, found.wanted) == (2, 2, 2, 2)
    assert (found.conflict, found.remedies) == ((), ())
    costs = [
        (each.expert, each.here and each.here.cost.total, each.alone and each.alone.cost.total)
        for each in found.candidates
    ]
    assert costs == [("ann", 8, 8), ("ben", 10, 10)]


def test_other_sessions_make_a_candidate_dearer_than_alone() -> None:
    found = explained(ann={"target_total": 2}, ben={"open": []})
    ann, ben = found.candidates
    assert ann.here
    assert ann.alone
    assert (ann.here.cost.total - ann.alone.cost.total, ann.load) == (2 * 5, 2)
    assert (ben.here, ben.alone, ben.sessions) == (None, None, 0)
    assert ben.diagnosis
    assert ben.diagnosis.conflict == ("expert_hours",)


def test_visits_in_the_way_are_named_with_their_engagement() -> None:
    visit = {"pinned": [pin(1, "ann", "2025-07-14T09:00")], "candidates": [], "durations": [120]}
    found = explained(
        ann={"open": [["mon", "09:00", "11:00"]]},
        bakers={
            "latest": "2025-07-14",
            "durations": [60],
            "candidates": [{"expert": "ann", "cost": 1}],
        },
        tailors=visit,
    )
    (ann,) = found.candidates
    assert [(each.engagement, each.session) for each in ann.in_the_way] == [("tailors", 1)]
    assert found.conflict == ("expert_hours", "window", "other_sessions")


def test_all_candidates_together_have_a_conflict_of_their_own() -> None:
    """Ann is away and Ben takes no more: either one would do."""
    away = {"busy": [["2025-07-14T00:00", "2025-08-09T00:00"]]}
    found = explained(ann=away, ben={"max_total": 0})
    assert [each.diagnosis and each.diagnosis.conflict for each in found.candidates] == [
        ("expert_busy",),
        ("max_total",),
    ]
    assert found.conflict == ("expert_busy", "max_total")


def test_it_is_asked_for_one_session_more_than_is_possible() -> None:
    found = explained(bakers={"durations": [60, 60, 60], "latest": "2025-07-22"})
    assert (found.served, found.possible, found.asked) == (2, 2, 3)
    assert found.conflict == ("window", "min_gap")


def test_remedies_come_with_what_the_whole_plan_would_cost() -> None:
    found = explained(bakers={"latest": "2025-07-18"})
    later = next(each for each in found.remedies if each.change == "later_latest")
    # A session more is not dropped, and costs the match and the way.
    assert (later.amount, later.plan_cost) == (3, -1000 + 4)


def test_an_engagement_whose_sessions_are_all_pinned_has_nothing_to_explain() -> None:
    pins = [pin(1, "ann", "2025-07-14T09:00"), pin(2, "ann", "2025-07-21T09:00")]
    found = explained(bakers={"pinned": pins})
    assert (found.served, found.asked, found.conflict, found.remedies) == (2, 2, (), ())
    assert found.candidates == ()


def test_without_candidates_there_is_nobody_to_explain() -> None:
    found = explained(bakers={"candidates": []})
    assert (found.candidates, found.conflict) == ((), ())
    assert [each.change for each in found.remedies] == ["another_expert"]


def test_explaining_changes_nothing() -> None:
    plan = standing(ann={"max_total": 2}, ben={"max_total": 1})
    before = plan.assignments, plan.cost
    for each in plan.problem.engagements:
        explain(plan, each.id)
    assert (plan.assignments, plan.cost) == before


def test_an_unknown_engagement_is_refused() -> None:
    with pytest.raises(KeyError):
        explain(standing(), "nobody")


@pytest.mark.parametrize("first", range(100, 160, 20))
def test_the_best_way_here_is_the_best_offer(first: int) -> None:
    for seed in range(first, first + 20):
        problem_file = file(random_problem(seed))
        plan = solve(problem_file, QUICK)
        if plan.status == "infeasible_pins":
            continue
        loaded = StandingPlan.load(problem_file, plan)
        for engagement in loaded.problem.engagements:
            try:
                offers = loaded.best_offers(engagement.id, 9)
            except Inseparable:
                continue
            found = explain(loaded, engagement.id, remedies=False)
            here = [each.here for each in found.candidates if each.here]
            assert [(way.expert, way.starts, way.cost) for way in here] == [
                (offer.expert, offer.starts, offer.cost) for offer in offers
            ]
            for each in found.candidates:
                assert (each.diagnosis is None) == (each.sessions >= found.asked)
