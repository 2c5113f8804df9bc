"""Caps that leave no room: what is said is so, and what the caps alone show is seen."""

from __future__ import annotations

from solver.capacity import exceeds_caps
from tests.solver.brute_force import brute_force
from tests.solver.builders import Record, file, pin, problem
from tests.solver.random_problems import random_problem


def exceeds(record: Record) -> bool:
    return exceeds_caps(file(record).problem)


def test_caps_that_are_just_enough_leave_room_and_one_less_does_not() -> None:
    assert not exceeds(problem(ann={"max_total": 3}, ben={"max_total": 1}))
    assert exceeds(problem(ann={"max_total": 2}, ben={"max_total": 1}))


def test_the_caps_of_those_who_are_no_candidates_are_no_room() -> None:
    only_ann = {"candidates": [{"expert": "ann", "cost": 1}]}
    assert exceeds(problem(ann={"max_total": 3}, bakers=only_ann, tailors=only_ann))
    assert not exceeds(problem(ann={"max_total": 3}, bakers=only_ann))


def test_who_held_a_session_goes_on_unless_another_may_take_over() -> None:
    begun = {"pinned": [pin(1, "ann", "2025-07-14T10:00")]}
    assert exceeds(problem(ann={"max_total": 1}, bakers=begun))
    assert not exceeds(problem(ann={"max_total": 1}, bakers=begun | {"reassign": True}))


def test_pinned_sessions_take_room() -> None:
    begun = {"pinned": [pin(1, "ann", "2025-07-14T10:00")], "reassign": True}
    assert not exceeds(problem(ann={"max_total": 1}, ben={"max_total": 3}, bakers=begun))
    assert exceeds(problem(ann={"max_total": 1}, ben={"max_total": 2}, bakers=begun))


def test_no_plan_of_all_there_are_serves_everybody_beyond_the_caps() -> None:
    beyond = 0
    for number in range(200):
        record = random_problem(number)
        if exceeds(record):
            beyond += 1
            best = brute_force(generous(record))
            assert best is None or not serves_all(record, best.assignments), number
    assert beyond > 5


def generous(record: Record) -> Record:
    """The same problem where a session less costs more than all else together."""
    service = {"unserved": 10**6, "dropped_session": 10**6}
    return record | {"weights": record["weights"] | service}


def serves_all(record: Record, assignments: dict[str, tuple[str, tuple[str, ...]]]) -> bool:
    return all(
        len(assignments[each["id"]][1] if each["id"] in assignments else ())
        == len(each["durations"])
        for each in record["engagements"]
    )
