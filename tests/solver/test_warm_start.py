"""What of a published plan a rerun keeps, and that it never does worse than keeping it."""

from __future__ import annotations

import numpy as np

from solver import Parameters, ProblemFile, judge, solve
from solver.bound import assignment_problem
from solver.construct import construct, order_pairs
from solver.cost import cost_of
from solver.engine import assignments_of
from solver.grid import compile_grid, one_a_day
from solver.pieces import Ground, price_range
from solver.plan import Assignment
from solver.problem import Current
from solver.schedule import NOBODY, Rows, all_rows, pinned_schedule, total_cost
from solver.warm_start import keep_published
from tests.solver.builders import Plan, Record, encode, file, pin, plan, problem
from tests.solver.test_engine import crowded

BAKERS = ("2025-07-15T10:00", "2025-07-22T10:00")
TAILORS = ("2025-07-15T13:00", "2025-07-23T13:00")
EVERYTHING: Plan = {"bakers": ("ann", BAKERS), "tailors": ("ann", TAILORS)}


def published(record: Record, assignments: Plan = EVERYTHING) -> Record:
    """Write the assignments into the problem as what is published."""
    for each in record["engagements"]:
        if each["id"] in assignments:
            who, starts = assignments[each["id"]]
            each["current"] = {"expert": who, "starts": list(starts)}
    return record


def kept(record: Record) -> dict[str, int]:
    """Count the sessions that are kept, by engagement."""
    found = file(record).problem
    schedule = keep_published(found, compile_grid(found))
    return {
        found.engagements[a].id: int(schedule.served[a])
        for a in np.nonzero(schedule.pair != NOBODY)[0]
    }


def test_a_published_plan_that_still_holds_is_kept_whole_at_its_cost() -> None:
    record = published(problem())
    schedule = keep_published(file(record).problem, grid := compile_grid(file(record).problem))
    verdict = judge(encode(record), encode(plan(record, EVERYTHING)))
    assert kept(record) == {"bakers": 2, "tailors": 2}
    assert total_cost(grid, schedule) == verdict.cost.total


def test_what_is_not_published_is_left_out() -> None:
    assert kept(published(problem(), {"tailors": ("ben", TAILORS)})) == {"tailors": 2}
    assert kept(problem()) == {}


def test_an_engagement_of_which_one_session_no_longer_fits_is_left_to_the_construction() -> None:
    ill = {"busy": [["2025-07-22T00:00", "2025-07-22T23:59"]]}
    assert kept(published(problem(ann=ill))) == {"tailors": 2}


def test_an_expert_who_is_no_candidate_any_more_keeps_nothing() -> None:
    record = published(problem(bakers={"candidates": [{"expert": "ben", "cost": 0}]}))
    assert kept(record) == {"tailors": 2}


def test_a_start_off_the_grid_is_not_kept() -> None:
    late = {"bakers": ("ann", ["2025-07-15T10:15"]), "tailors": ("ann", ["2025-07-15T23:45"])}
    assert kept(published(problem(), late)) == {}


def test_gaps_that_are_asked_for_now_decide() -> None:
    assert kept(published(problem(tailors={"min_gap_days": 9}))) == {"bakers": 2}
    assert kept(published(problem(tailors={"max_gap_days": 7}))) == {"bakers": 2}


def test_a_pinned_session_stands_where_it_is_pinned() -> None:
    held = pin(1, "ann", "2025-07-14T10:15")
    record = published(problem(bakers={"pinned": [held]}))
    assert kept(record) == {"bakers": 2, "tailors": 2}
    held["start"] = "2025-07-20T10:00"
    assert kept(record) == {"tailors": 2}


def test_what_collides_with_a_pinned_session_is_not_kept() -> None:
    held = [pin(1, "ann", "2025-07-15T12:45"), pin(2, "ann", "2025-07-22T10:00")]
    assert kept(published(problem(bakers={"pinned": held}))) == {}


def test_within_a_cap_that_fell_one_engagement_after_the_other_is_kept() -> None:
    assert kept(published(problem(ann={"max_total": 3}))) == {"bakers": 2}
    assert kept(published(problem(ann={"max_per_day": 1}))) == {"bakers": 2}
    assert kept(published(problem(ann={"max_per_week": 1}))) == {"bakers": 2}
    assert kept(published(problem(ann={"max_per_week": 0}))) == {}


def test_a_session_held_between_two_others_shortens_the_way_for_both() -> None:
    """From one end to the other it takes three hours, over the middle half an hour."""
    record = published(
        problem(minutes=((0, 0, 0), (0, 0, 0), (0, 0, 0))),
        {"bakers": ("ann", ["2025-07-15T09:00"]), "tailors": ("ann", ["2025-07-15T12:00"])},
    )
    record["travel_minutes"] = {
        "places": ["office", "bakers", "tailors"],
        "minutes": [[0, 15, 15], [15, 0, 180], [15, 180, 0]],
    }
    record["experts"][0]["max_per_day"] = 3
    assert kept(record) == {"bakers": 1}
    online = dict(record["engagements"][0], id="smiths", place=None)
    online["current"] = {"expert": "ann", "starts": ["2025-07-15T10:30"]}
    record["engagements"].append(online)
    assert kept(record) == {"bakers": 1, "tailors": 1, "smiths": 1}


def test_a_session_that_was_published_before_the_period_was_moved() -> None:
    record = published(problem(), {"bakers": ("ann", ["2025-07-13T10:00"])})
    assert kept(record) == {}
    assert solve(file(record), Parameters(5)).cost.stability == 40


def test_a_rerun_that_is_stopped_at_once_is_no_worse_than_what_was_published() -> None:
    first = crowded(engagements=30, experts=12)
    before = solve(first, Parameters(None, work_limit=200))
    again = first.problem.model_dump(mode="json")
    starts = {
        each.engagement: (each.expert, [start.isoformat("T", "minutes") for start in each.starts])
        for each in before.assignments
    }
    rerun = file(published(again, starts))
    assert solve(rerun, cancelled=lambda: True).cost.total <= before.cost.total


def test_an_engagement_that_is_new_is_put_beside_what_is_kept() -> None:
    record = published(problem(), {"bakers": ("ann", BAKERS)})
    found = solve(ProblemFile.from_bytes(encode(record)), cancelled=lambda: True)
    assert found.cost.stability == 0


def test_the_construction_leaves_what_is_kept_where_it_is_and_adds_the_rest() -> None:
    problem_file = crowded(engagements=30, experts=12)
    plan_of_before = solve(problem_file, Parameters(None, 1, 0, 200))
    served = {each.engagement: each for each in plan_of_before.assignments}
    left_out = sorted(served)[:5]
    found = problem_file.problem.model_copy(
        update={
            "engagements": tuple(
                each.model_copy(update={"current": current_of(served[each.id])})
                if each.id in served and each.id not in left_out
                else each
                for each in problem_file.problem.engagements
            )
        }
    )
    grid = compile_grid(found)
    schedule = keep_published(found, grid)
    before = Rows(*(array.copy() for array in all_rows(schedule)))
    held = before.pair != NOBODY
    assert held.sum() == len(served) - len(left_out)

    cost = price_range(Ground(grid), (0, len(grid.pair_expert)))
    pairs = assignment_problem(grid, pinned_schedule(grid), cost)
    table = order_pairs(pairs, np.zeros(len(grid.max_total), np.int64))
    construct(one_a_day(grid), schedule, table, lambda: False)

    after = all_rows(schedule)
    for was, became in zip(before, after, strict=True):
        assert (was[held] == became[held]).all()
    assert (after.pair != NOBODY).sum() > held.sum()
    assert total_cost(grid, schedule) == cost_of(found, assignments_of(found, grid, after)).total


def current_of(assignment: Assignment) -> Current:
    return Current(expert=assignment.expert, starts=assignment.starts)
