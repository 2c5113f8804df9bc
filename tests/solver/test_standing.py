"""A published plan that is asked about one engagement at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from solver import Parameters, Plan, solve
from solver.plan import Assignment
from solver.standing import Inseparable, OutdatedOffer, StandingPlan, UnsoundPlan, solve_one
from solver.validation import judge
from tests.solver.brute_force import brute_force
from tests.solver.builders import Record, encode, file, pin, problem
from tests.solver.random_problems import random_problem

QUICK = Parameters(time_limit_seconds=None, work_limit=1)
MONDAYS = ("2025-07-14T09:00", "2025-07-21T09:00")
CASES = 60


def standing(**changes: Any) -> StandingPlan:
    """Load a plan that the solver made."""
    problem_file = file(problem(**changes))
    return StandingPlan.load(problem_file, solve(problem_file, QUICK))


def times(assignment: Assignment | None) -> list[str]:
    assert assignment
    return [start.isoformat(timespec="minutes") for start in assignment.starts]


def in_order(plan: Plan) -> bool:
    """Whether no session of a day precedes one of a lower number: a plan may, but not a pin."""
    return all(list(each.starts) == sorted(each.starts) for each in plan.assignments)


def held(record: Record, plan: Plan, name: str) -> Record:
    """Describe the same problem with every engagement but one held as it is in the plan."""
    served = {each.engagement: each for each in plan.assignments}
    copy: Record = json.loads(json.dumps(record))
    for engagement in copy["engagements"]:
        if engagement["id"] == name:
            continue
        pins = {each["session"]: each for each in engagement.get("pinned", ())}
        assignment = served.get(engagement["id"])
        engagement["candidates"] = []
        if assignment:
            engagement["pinned"] = [
                pins.get(number, pin(number, assignment.expert, start))
                for number, start in enumerate(times(assignment), 1)
            ]
    return copy


def test_a_plan_is_loaded_with_its_cost_and_bound() -> None:
    loaded = standing()
    assert (loaded.cost, loaded.bound) == (16, 16)
    assert [each.engagement for each in loaded.assignments] == ["bakers", "tailors"]
    assert loaded.plan().status == "optimal"


def test_a_bound_of_another_file_proves_nothing_here() -> None:
    plan = solve(file(problem()), QUICK)
    other = StandingPlan.load(file(problem(ben={"target_total": 9})), plan)
    assert (other.cost, other.bound, other.plan().status) == (16, 0, "feasible")


def test_a_plan_that_breaks_a_rule_is_not_loaded() -> None:
    plan = solve(file(problem()), QUICK)
    away = file(problem(ann={"busy": [["2025-07-14T00:00", "2025-07-15T00:00"]]}))
    with pytest.raises(UnsoundPlan, match="when the expert is busy"):
        StandingPlan.load(away, plan)


def test_pins_that_conflict_are_not_loaded() -> None:
    overlapping = problem(
        bakers={"pinned": [pin(1, "ann", "2025-07-14T10:00")]},
        tailors={"pinned": [pin(1, "ann", "2025-07-14T10:30")]},
    )
    with pytest.raises(UnsoundPlan, match="overlaps"):
        StandingPlan(file(overlapping))


def test_offers_name_each_expert_once_with_the_cost_by_part() -> None:
    first, second = standing().best_offers("bakers", 5)
    assert (first.expert, first.change, first.is_complete) == ("ann", 0, True)
    # Ben costs one point more a session; his first morning is taken by nobody.
    assert (second.expert, second.change) == ("ben", 2)
    assert (second.cost.total, second.cost.match, second.cost.travel) == (10, 4, 6)
    assert [each.isoformat(timespec="minutes") for each in second.starts] == list(MONDAYS)


def test_only_so_many_offers_are_made_as_are_asked_for() -> None:
    assert len(standing().best_offers("bakers")) == 1


def test_asking_changes_nothing() -> None:
    loaded = standing()
    before = loaded.assignments
    loaded.best_offers("tailors", 2)
    assert loaded.assignments == before


def test_overload_that_an_offer_adds_is_part_of_its_cost() -> None:
    loaded = standing(ann={"target_total": 2}, ben={"open": []})
    (offer,) = loaded.best_offers("tailors")
    assert offer.cost.overload == 2 * 5


def test_an_offer_is_put_into_the_plan_and_taken_out_again() -> None:
    loaded = standing()
    offer = loaded.best_offers("bakers", 2)[1]
    loaded.insert(offer)
    assignment = loaded.assignment("bakers")
    assert assignment
    assert (assignment.expert, loaded.cost) == ("ben", 16 + offer.change)
    loaded.remove("bakers")
    assert loaded.assignment("bakers") is None
    assert loaded.cost == 8 + 2000 + 2 * 1000
    (again,) = loaded.best_offers("bakers")
    assert (again.expert, again.change) == ("ann", 8 - 4000)
    loaded.insert(again)
    assert judge(loaded.file.json, loaded.plan().to_json()).holds
    assert loaded.cost == 16


def test_pinned_sessions_stay_when_the_others_are_taken_out() -> None:
    loaded = standing(bakers={"pinned": [pin(1, "ben", "2025-07-15T10:10")]})
    loaded.remove("bakers")
    assert times(loaded.assignment("bakers")) == ["2025-07-15T10:10"]


def test_an_offer_does_not_outlive_a_change() -> None:
    loaded = standing()
    offer = loaded.best_offers("bakers")[0]
    loaded.remove("tailors")
    with pytest.raises(OutdatedOffer, match="ask again"):
        loaded.insert(offer)


def test_a_visit_that_others_need_between_them_is_not_taken_out() -> None:
    # From one tailors' site to the next takes 150 minutes, by way of the bakers none.
    minutes = [[0, 0, 0], [0, 0, 0], [0, 0, 150]]
    problem_file = file(
        problem(
            ann={"max_per_day": 3},
            bakers={"durations": [60]},
            tailors={"min_gap_days": 0},
            minutes=minutes,
        )
    )
    visits = {
        "bakers": ("2025-07-14T10:00",),
        "tailors": ("2025-07-14T09:00", "2025-07-14T11:30"),
    }
    assignments = tuple(
        Assignment.model_validate({"engagement": name, "expert": "ann", "starts": starts})
        for name, starts in visits.items()
    )
    plan = solve(problem_file, QUICK).model_copy(update={"assignments": assignments})
    loaded = StandingPlan.load(problem_file, plan)
    with pytest.raises(Inseparable, match="without the sessions of bakers"):
        loaded.best_offers("bakers")
    assert loaded.assignments == assignments
    assert loaded.best_offers("tailors")


def test_an_unknown_engagement_is_refused() -> None:
    with pytest.raises(KeyError):
        standing().best_offers("nobody")


@pytest.mark.parametrize("first", range(0, CASES, 20))
def test_the_best_offer_is_the_optimum_beside_the_rest(first: int) -> None:
    """Equal to brute force with everything else held, whatever the problem's features are."""
    for seed in range(first, first + 20):
        record = random_problem(seed)
        plan = solve(file(record), QUICK)
        if plan.status == "infeasible_pins" or not in_order(plan):
            continue
        for engagement in record["engagements"]:
            rest = held(record, plan, engagement["id"])
            best = brute_force(rest)
            least = least_change(StandingPlan.load(file(record), plan), engagement["id"])
            one = solve_one(file(rest), engagement["id"])
            if best is None:
                assert (least, one.status) == (None, "infeasible_pins")
                continue
            now = judge(encode(rest), plan.to_json()).cost.total
            assert least == best.cost - now
            assert one.cost.total == one.bound == best.cost


def least_change(loaded: StandingPlan, name: str) -> int | None:
    """Put the best offer in where it is better than serving nobody; what that changed."""
    before = loaded.cost
    try:
        offers = loaded.best_offers(name)
        loaded.remove(name)
    except Inseparable:
        return None
    for offer in loaded.best_offers(name):
        assert (offer.expert, offer.starts) == (offers[0].expert, offers[0].starts)
        assert before + offers[0].change == loaded.cost + offer.change
        if offer.change < 0:
            loaded.insert(offer)
    loaded.plan()
    return loaded.cost - before


def test_one_engagement_is_solved_with_proof() -> None:
    record = problem(tailors={"candidates": []})
    plan = solve_one(file(record), "bakers")
    assert (plan.status, plan.cost.total, plan.bound) == ("optimal", 4008, 4008)
    assert plan.cost == solve(file(record), QUICK).cost


def test_nobody_is_served_where_that_costs_less() -> None:
    record = problem(tailors={"candidates": []})
    record["weights"] = record["weights"] | {"unserved": 0, "dropped_session": 0}
    plan = solve_one(file(record), "bakers")
    assert (plan.status, plan.assignments) == ("optimal", ())


def test_pins_that_leave_no_plan_are_named() -> None:
    record = problem(
        bakers={"pinned": [pin(2, "ann", "2025-07-15T10:00")]}, tailors={"candidates": []}
    )
    plan = solve_one(file(record), "bakers")
    assert plan.status == "infeasible_pins"
    assert plan.conflicts == solve(file(record), QUICK).conflicts
    record["engagements"][1]["pinned"] = [pin(1, "ann", "2025-07-15T10:30")]
    assert solve_one(file(record), "bakers").status == "infeasible_pins"


def test_two_engagements_with_a_choice_are_not_solved_as_one() -> None:
    with pytest.raises(ValueError, match="tailors has candidates"):
        solve_one(file(problem()), "bakers")
