"""What an inquiry finds in tiny problems at random, against trying every plan there is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from matcher.planning.explaining.inquiry import Case, Finding, Standing, find
from matcher.planning.explaining.inquiry import _with_remedy as with_remedy
from solver import Parameters, solve
from solver.conditions import CONDITIONS, relax
from solver.plan import Assignment
from solver.problem import Current, Engagement, Pin, Problem, ProblemError
from solver.problem_file import ProblemFile
from solver.standing import StandingPlan, UnsoundPlan
from tests.solver.brute_force import _Search as Search
from tests.solver.builders import file
from tests.solver.random_problems import random_problem

QUICK = Parameters(time_limit_seconds=None, work_limit=1)
SECONDS = 10.0
"""More than any of these problems takes, so that none stays undecided."""


def exists(problem: Problem, least: Mapping[str, int]) -> bool:
    """Whether any plan at all gives each engagement at least so many sessions."""
    search = Search(json.loads(problem.to_json()))
    search.choices = [
        [way for way in ways if len(way.starts) >= least.get(each.id, 0)]
        for each, ways in zip(problem.engagements, search.choices, strict=True)
    ]
    return search.run() is not None


def cases(seeds: range) -> Iterator[Case]:
    """Each engagement that lacks sessions beside the others, who were planned without it."""
    for seed in seeds:
        problem = file(random_problem(seed)).problem
        for each in problem.engagements:
            served = _planned(problem if each.pinned else _without(problem, each))
            count = len(served[each.id].starts) if each.id in served else 0
            if each.candidates and served and count < len(each.durations):
                with suppress(ProblemError):  # two sessions on one day, the second one first
                    yield case(problem, served, each)


def _planned(problem: Problem) -> Mapping[str, Assignment]:
    plan = solve(ProblemFile.from_problem(problem), QUICK)
    return {each.engagement: each for each in plan.assignments}


def _without(problem: Problem, engagement: Engagement) -> Problem:
    others = tuple(each for each in problem.engagements if each.id != engagement.id)
    return problem.model_copy(update={"engagements": others})


def case(problem: Problem, served: Mapping[str, Assignment], asked: Engagement) -> Case:
    published = problem.model_copy(
        update={"engagements": tuple(_published(e, served.get(e.id)) for e in problem.engagements)}
    )
    fixed = tuple(
        each if each.id == asked.id else _fixed(each, served[each.id])
        for each in published.engagements
        if each.id == asked.id or each.id in served
    )
    return Case(
        file=ProblemFile.from_problem(problem.model_copy(update={"engagements": fixed})),
        loosened=published,
        engagement_id=asked.id,
        served=len(served[asked.id].starts) if asked.id in served else 0,
        kept={id: len(each.starts) for id, each in served.items() if id != asked.id},
    )


def _published(engagement: Engagement, served: Assignment | None) -> Engagement:
    current = served and Current(expert=served.expert, starts=served.starts)
    return engagement.model_copy(update={"current": current})


def _fixed(engagement: Engagement, served: Assignment) -> Engagement:
    experts = {pin.session: pin.expert for pin in engagement.pinned}
    pins = tuple(
        Pin(session=number, expert=experts.get(number, served.expert), start=start)
        for number, start in enumerate(served.starts, 1)
    )
    changes: dict[str, Any] = {"candidates": (), "pinned": pins, "current": None}
    durations = engagement.durations[: len(pins)]
    return engagement.model_copy(update=changes | {"durations": durations})


def findings(seeds: range) -> Iterator[tuple[Case, Finding]]:
    for each in cases(seeds):
        try:
            yield each, find(each, SECONDS)
        except UnsoundPlan:
            continue  # by ways that are shorter over a third place


def alone(case: Case) -> Problem:
    own = (case.engagement,)
    return case.file.problem.model_copy(update={"engagements": own})


def needs(case: Case, finding: Finding) -> Mapping[str, int]:
    return {**case.kept, case.engagement_id: finding.asked}


SEEDS = range(50)


@pytest.fixture(scope="module")
def found() -> list[tuple[Case, Finding]]:
    return list(findings(SEEDS))


def test_every_answer_comes_up(found: list[tuple[Case, Finding]]) -> None:
    answers = {finding.of_asked for _, finding in found}
    assert answers >= {Standing.IMPOSSIBLE, Standing.NOT_CHOSEN, Standing.MOVABLE}
    assert Standing.UNDECIDED not in answers
    assert {finding.beyond for _, finding in found if finding.answer is Standing.ROOM} >= {
        None,
        Standing.IMPOSSIBLE,
    }


def test_what_is_called_impossible_no_plan_does_with_nobody_else_to_serve(
    found: list[tuple[Case, Finding]],
) -> None:
    for case, finding in found:
        if finding.of_asked is Standing.IMPOSSIBLE and not _held(case):
            assert not exists(alone(case), {case.engagement_id: finding.asked})
        elif finding.of_asked not in {Standing.IMPOSSIBLE, Standing.SERVED}:
            assert exists(alone(case), {case.engagement_id: finding.asked})


def _held(case: Case) -> bool:
    return any(each.pinned for each in case.loosened.engagements if each.id in case.kept)


def test_who_was_not_chosen_gets_more_in_no_plan_that_keeps_everybody_elses_service(
    found: list[tuple[Case, Finding]],
) -> None:
    for case, finding in found:
        if finding.of_asked is Standing.NOT_CHOSEN:
            assert not exists(case.loosened, needs(case, finding)), case.loosened.name
        elif finding.of_asked in {Standing.MOVABLE, Standing.ROOM}:
            assert exists(case.loosened, needs(case, finding)), case.loosened.name


def test_room_is_there_beside_everybody_elses_sessions(found: list[tuple[Case, Finding]]) -> None:
    for case, finding in found:
        in_place = exists(case.file.problem, {case.engagement_id: case.served + 1})
        assert in_place == (finding.answer is Standing.ROOM)
        if finding.way:
            assert exists(case.file.problem, {case.engagement_id: len(finding.way.starts)})


def test_beyond_the_room_that_there_is_nothing_fits_beside_what_others_have(
    found: list[tuple[Case, Finding]],
) -> None:
    for case, finding in found:
        if finding.beyond is not None:
            assert finding.way
            assert case.served < len(finding.way.starts) < finding.asked <= finding.wanted
            assert not exists(case.file.problem, {case.engagement_id: finding.asked})
        elif finding.way is not None:
            assert exists(case.file.problem, {case.engagement_id: finding.wanted})


def test_a_plan_that_makes_room_says_whose_sessions_it_moves(
    found: list[tuple[Case, Finding]],
) -> None:
    for case, finding in found:
        if finding.of_asked is Standing.MOVABLE:
            assert finding.room
            assert finding.room.moved_sessions
            assert len(finding.room.assignment.starts) >= finding.asked
            for each in finding.room.moved:
                assert len(each.after.starts) >= case.kept[each.before.engagement]


def test_a_conflict_cannot_be_made_smaller(found: list[tuple[Case, Finding]]) -> None:
    for case, finding in found:
        if finding.of_asked is not Standing.IMPOSSIBLE:
            continue
        if _held(case):
            continue  # what is held stands in the way as well
        question = StandingPlan(case.file).question(case.engagement)
        question = question.without(question.visits)
        rest = set(CONDITIONS) - set(finding.conflict)
        assert not relax(question, rest).can_hold(finding.asked)
        for each in finding.conflict:
            assert relax(question, rest | {each}).can_hold(finding.asked)


def test_without_the_visits_in_the_way_there_is_room_and_with_any_of_them_there_is_not(
    found: list[tuple[Case, Finding]],
) -> None:
    told = 0
    for case, finding in found:
        if not finding.displaced:
            continue
        told += 1
        (expert,) = {each.expert for each in finding.displaced}
        question = StandingPlan(case.file).question(case.engagement).of_candidate(expert)
        gone = {(each.engagement, each.session) for each in finding.displaced}
        for back in (None, *gone):
            visits = tuple(
                each
                for each in question.visits
                if (each.engagement, each.session) not in gone - {back}
            )
            assert replace(question, visits=visits).can_hold(finding.asked) == (back is None)
    assert told


def test_each_remedy_serves_more_when_every_plan_of_the_changed_problem_is_tried(
    found: list[tuple[Case, Finding]],
) -> None:
    tried = set()
    for case, finding in found[::3]:
        for remedy in finding.remedies:
            changed = with_remedy(case.file.problem, remedy)
            assert len(remedy.way.starts) > finding.served
            assert exists(changed, {case.engagement_id: len(remedy.way.starts)}), remedy
            tried.add(remedy.change)
    assert len(tried) >= 4
