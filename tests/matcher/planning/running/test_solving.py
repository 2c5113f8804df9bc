"""What a run makes of sessions that are published: promises are kept, weighed, or priced."""

from __future__ import annotations

import gzip

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import undefer

from matcher.database import session_factory
from matcher.errors import Conflict
from matcher.models import (
    ApplicationAbsence,
    ExpertAbsence,
    Plan,
    PlanState,
    PlanTerms,
    PromisePolicy,
)
from matcher.planning.comparing.comparison import compare_plan
from matcher.planning.publishing.releases import publish
from matcher.planning.running.attempt import Sessions, execute_run
from matcher.planning.running.replay import replay
from matcher.planning.running.runs import RunParameters, judged, start_run
from matcher.report.changes_document import changes_document
from solver.plan import Plan as PlanFile
from solver.problem_file import ProblemFile
from solver.promises import disturbance, service_of
from tests.matcher.planning.published import LATER, publish_first, wall


@pytest.fixture
def published(engine: Engine) -> Sessions:
    """Two engagements with sessions of E1, and a third that nobody serves yet."""
    sessions = session_factory(engine)
    with sessions() as db:
        publish_first(db)
    return sessions


def fall_ill(sessions: Sessions, first: str, after: str, expert: str = "E1") -> None:
    """An expert is away from one day to before another."""
    start, end = wall(f"{first}T00:00"), wall(f"{after}T00:00")
    with sessions.begin() as db:
        db.add(ExpertAbsence(expert_id=expert, start_at=start, end_at=end))


def leave_no_room(sessions: Sessions) -> None:
    """E1 alone is left, with three Wednesdays, of which A3 cannot take the one that is free."""
    fall_ill(sessions, "2025-07-01", "2026-03-31", expert="E2")
    for first, after in (
        ("2025-07-01", "2025-10-01"),
        ("2025-10-09", "2025-10-22"),
        ("2025-10-23", "2026-03-31"),
    ):
        fall_ill(sessions, first, after)
    start, end = wall("2025-10-08T00:00"), wall("2025-10-09T00:00")
    with sessions.begin() as db:
        db.add(ApplicationAbsence(application_id="A3", start_at=start, end_at=end))


def run(sessions: Sessions, **terms: object) -> Plan:
    """The plan of a run that is limited in work, so that it can be replayed."""
    parameters = RunParameters(
        terms=PlanTerms.model_validate({"frozen_days": 0, **terms}), work_limit=300
    )
    with sessions.begin() as db:
        plan_id = start_run(db, "tokyo-2025", parameters, "planner", LATER).id
    assert execute_run(sessions, plan_id, clock=lambda: LATER)
    return plans_of_run(sessions, plan_id)[-1]


def plans_of_run(sessions: Sessions, run_id: str) -> list[Plan]:
    """All that a run has made, from the fewest broken promises on; its own plan is the last."""
    wanted = select(Plan).where((Plan.id == run_id) | (Plan.run_id == run_id))
    with sessions() as db:
        found = db.scalars(wanted.options(undefer(Plan.problem), undefer(Plan.plan))).all()
    assert all(plan.state is PlanState.READY and judged(plan).holds for plan in found)
    return sorted(found, key=lambda plan: plan.promises.most_broken if plan.promises else 0)


def files(plan: Plan) -> tuple[ProblemFile, PlanFile]:
    assert plan.problem
    assert plan.plan
    return (
        ProblemFile.from_bytes(gzip.decompress(plan.problem)),
        PlanFile.from_json(gzip.decompress(plan.plan)),
    )


def test_a_run_changes_nothing_of_what_is_published_unless_it_must(published: Sessions) -> None:
    plan = run(published)

    assert plan.promises is not None
    assert (plan.promises.broken, plan.promises.people, plan.promises.lacking) == (0, 0, 0)
    assert plan.served == 3
    with published() as db:
        assert compare_plan(db, plan.id, LATER).disturbed.count == 0


def test_where_an_expert_is_away_only_the_sessions_of_those_days_give_way(
    published: Sessions,
) -> None:
    fall_ill(published, "2025-10-21", "2025-10-24")
    plan = run(published)

    assert plan.promises is not None
    assert (plan.promises.broken, plan.promises.least_broken) == (2, 2)
    assert (plan.promises.people, plan.promises.least_people) == (3, 3)
    with published() as db:
        found = compare_plan(db, plan.id, LATER)
    changed = {
        (e.change.engagement_id, s.change.number) for e in found.engagements for s in e.sessions
    }
    assert {("A1", 2), ("A2", 2)} <= changed
    assert not {("A1", 1), ("A2", 1)} & changed
    assert found.disturbed.count == plan.promises.people


def test_the_document_of_changes_says_what_was_proven_of_promises(published: Sessions) -> None:
    fall_ill(published, "2025-10-21", "2025-10-24")
    plan = run(published)
    with published() as db:
        document = changes_document(compare_plan(db, plan.id, LATER))

    assert document.promises is not None
    assert (document.promises.broken, document.promises.least_people) == (2, 3)


def test_a_run_that_only_weighs_promises_proves_nothing_of_them(published: Sessions) -> None:
    plan = run(published, promises=PromisePolicy.WEIGH)

    assert (plan.promises, plan.run_id) == (None, None)


def test_where_nothing_that_is_published_may_change_there_are_no_promises(
    published: Sessions,
) -> None:
    plan = run(published, only=("A3",))

    assert plan.promises is None
    assert plan.served == 3


def test_the_price_of_stability_is_a_plan_for_each_number_of_broken_promises(
    published: Sessions,
) -> None:
    leave_no_room(published)
    plan = run(published, promises=PromisePolicy.PRICE)
    points = plans_of_run(published, plan.id)

    assert points[-1].id == plan.id
    assert [point.run_id for point in points] == [plan.id] * (len(points) - 1) + [None]
    assert [point.promises.most_broken for point in points if point.promises] == [0, 1]
    lacking = [point.promises.lacking for point in points if point.promises]
    assert lacking[0] > lacking[1] > 0
    for point in points:
        assert point.promises is not None
        file, made = files(point)
        assert disturbance(file.problem, made.assignments).broken == point.promises.broken
        assert point.promises.broken == point.promises.most_broken
        assert service_of(file.problem, made.assignments) == point.promises.lacking
        assert point.promises.least_lacking == point.promises.lacking


def test_a_planner_may_publish_any_point_and_the_others_are_then_out_of_date(
    published: Sessions,
) -> None:
    leave_no_room(published)
    plan = run(published, promises=PromisePolicy.PRICE)
    first, *_, last = plans_of_run(published, plan.id)
    assert first.id != last.id == plan.id
    with published.begin() as db, pytest.raises(Conflict) as refusal:
        publish(db, first.id, "", "planner", LATER)
    assert refusal.value.code == "nothing_changes"
    with published.begin() as db:
        assert publish(db, last.id, "", "planner", LATER).number == 2
    with published() as db:
        assert "release" in compare_plan(db, first.id, LATER).ground_moved


def test_each_point_is_found_again_by_its_replay(published: Sessions) -> None:
    leave_no_room(published)
    plan = run(published, promises=PromisePolicy.PRICE)
    for point in plans_of_run(published, plan.id):
        with published() as db:
            assert replay(db, point.id).is_same


def test_the_figures_of_a_rerun_are_those_of_its_own_problem(published: Sessions) -> None:
    fall_ill(published, "2025-10-21", "2025-10-24")
    plan = run(published)
    _, made = files(plan)

    assert plan.progress[-1].cost == plan.cost == made.cost.total
    assert plan.bound == made.bound
    assert 0 < made.bound <= made.cost.total
