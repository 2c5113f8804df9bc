from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.orm import undefer

from matcher.database import create_database_engine, session_factory
from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import (
    Engagement,
    EngagementState,
    Plan,
    PlanState,
    PlanTerms,
    ProgressRecord,
)
from matcher.planning.publishing.releases import publish
from matcher.planning.running.attempt import Attempt, LeaseLostError, Sessions, execute_run
from matcher.planning.running.runs import (
    RunParameters,
    cancel_run,
    judged,
    queued_runs,
    reap,
    start_run,
)
from matcher.sample import load_sample
from solver import Progress
from tests.matcher import rows

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
QUICK = RunParameters(time_limit_seconds=20)
"""The best plan for one engagement is proven in a moment; the rest is for a busy machine."""


def clock() -> dt.datetime:
    return NOW


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """Database sessions on a programme with one engagement and one expert."""
    factory = session_factory(engine)
    with factory.begin() as db:
        rows.add_engagements(db, "A1")
    return factory


def queue_run(sessions: Sessions, parameters: RunParameters = QUICK) -> str:
    with sessions.begin() as db:
        return start_run(db, "tokyo-2025", parameters, "planner", NOW).id


def plan_of(sessions: Sessions, plan_id: str) -> Plan:
    with sessions() as db:
        plan = db.get_one(Plan, plan_id, options=[undefer(Plan.ground)])
        assert plan.problem is None or plan.plan is None or judged(plan).holds
        return plan


def claim(sessions: Sessions, plan_id: str, now: dt.datetime = NOW) -> Attempt | None:
    return Attempt.claim(sessions, plan_id, clock=lambda: now, lease=MINUTE)


def test_a_run_becomes_a_judged_plan_with_a_proven_bound(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)

    assert execute_run(sessions, plan_id, clock=clock)
    plan = plan_of(sessions, plan_id)
    assert (plan.state, plan.error, plan.attempt, plan.served) == (PlanState.READY, None, 1, 1)
    assert plan.bound is not None
    assert plan.cost is not None
    assert plan.bound <= plan.cost
    assert (plan.stage, plan.finished_at, plan.lease_until) == ("done", NOW, None)
    assert plan.ground.keys() == {"programme", "release", "expert:E1", "engagement:A1"}


def test_a_finished_run_can_be_published(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    execute_run(sessions, plan_id, clock=clock)

    with sessions.begin() as db:
        assert publish(db, plan_id, "first", "planner", NOW).number == 1
        assert db.get_one(Engagement, "A1").state == EngagementState.PLANNED


def test_progress_is_reported_and_kept(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    seen: list[Progress] = []
    execute_run(sessions, plan_id, clock=clock, on_progress=seen.append)

    plan = plan_of(sessions, plan_id)
    assert seen
    assert plan.progress
    assert plan.progress[-1].cost == plan.cost == seen[-1].cost


def test_a_run_is_asked_for_with_parameters_in_range() -> None:
    with pytest.raises(ValidationError, match="time_limit_seconds"):
        RunParameters(time_limit_seconds=0)


def test_a_run_of_an_unknown_programme_is_refused(sessions: Sessions) -> None:
    with sessions.begin() as db, pytest.raises(NotFound, match="programme"):
        start_run(db, "tokyo-1999", QUICK, "planner", NOW)


def test_a_run_of_an_unknown_engagement_is_refused(sessions: Sessions) -> None:
    terms = PlanTerms(only=("A1", "A9"))
    with sessions.begin() as db, pytest.raises(Invalid) as refused:
        start_run(db, "tokyo-2025", RunParameters(terms=terms), "planner", NOW)
    assert (refused.value.field, refused.value.reason) == (
        "only.1",
        "there is no engagement A9 in this programme",
    )


def test_a_run_of_an_engagement_that_is_over_is_refused_with_its_state(sessions: Sessions) -> None:
    with sessions.begin() as db:
        db.get_one(Engagement, "A1").state = EngagementState.COMPLETED
    terms = PlanTerms(only=("A1",))
    with sessions.begin() as db, pytest.raises(Invalid, match="engagement A1 is completed"):
        start_run(db, "tokyo-2025", RunParameters(terms=terms), "planner", NOW)


@pytest.mark.parametrize(
    ("until", "why"),
    [
        (dt.date(2025, 9, 10), "no session can be placed before 2025-09-11"),
        (dt.date(2026, 3, 14), "the period ends on 2026-03-13"),
    ],
)
def test_a_run_up_to_a_day_without_room_is_refused_with_what_would_do(
    sessions: Sessions, until: dt.date, why: str
) -> None:
    terms = RunParameters(terms=PlanTerms(until=until))
    with sessions.begin() as db, pytest.raises(Invalid, match=why) as refused:
        start_run(db, "tokyo-2025", terms, "planner", NOW)
    assert refused.value.field == "until"
    assert refused.value.remedy == "give a day from 2025-09-11 to 2026-03-13, or none"


@pytest.mark.parametrize("until", [dt.date(2025, 9, 11), dt.date(2026, 3, 13)])
def test_a_run_up_to_the_first_or_the_last_free_day_is_taken(
    sessions: Sessions, until: dt.date
) -> None:
    plan_id = queue_run(sessions, RunParameters(terms=PlanTerms(until=until)))
    assert plan_of(sessions, plan_id).terms.until == until


def test_of_two_claims_at_once_one_succeeds(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    start = threading.Barrier(4)
    claims: list[Attempt | None] = []

    def race() -> None:
        start.wait()
        claims.append(claim(sessions, plan_id))

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.number for each in claims if each is not None] == [1]


def test_a_run_that_somebody_else_has_is_left_alone(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    claim(sessions, plan_id)

    assert not execute_run(sessions, plan_id, clock=clock)


def test_a_silent_run_is_queued_again_once(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    claim(sessions, plan_id)

    with sessions.begin() as db:
        assert reap(db, NOW + MINUTE) == ()
        assert reap(db, NOW + 2 * MINUTE) == (plan_id,)
        assert [each.id for each in queued_runs(db)] == [plan_id]


def test_a_run_that_falls_silent_twice_has_failed(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    for attempt in range(2):
        now = NOW + 5 * attempt * MINUTE
        assert claim(sessions, plan_id, now) is not None
        with sessions.begin() as db:
            reap(db, now + 2 * MINUTE)

    plan = plan_of(sessions, plan_id)
    assert plan.state == PlanState.FAILED
    assert plan.error is not None
    assert plan.error.startswith("The worker stopped answering twice.")
    assert plan.error_ja
    assert plan.error_ja.startswith("ワーカーの応答が2回途絶えました。")


def test_a_worker_that_lost_its_lease_cannot_write(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    first = claim(sessions, plan_id)
    with sessions.begin() as db:
        reap(db, NOW + 2 * MINUTE)
    second = claim(sessions, plan_id, NOW + 2 * MINUTE)

    assert first is not None
    assert second is not None
    with pytest.raises(LeaseLostError):
        first.write(stage="done")
    second.write(stage="bound")
    assert plan_of(sessions, plan_id).stage == "bound"


def test_a_queued_run_is_cancelled_at_once(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    with sessions.begin() as db:
        cancel_run(db, plan_id, NOW)

    assert plan_of(sessions, plan_id).state == PlanState.CANCELLED
    assert not execute_run(sessions, plan_id, clock=clock)


def test_a_run_that_is_over_cannot_be_cancelled(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)
    with sessions.begin() as db:
        cancel_run(db, plan_id, NOW)

    with sessions.begin() as db, pytest.raises(Conflict, match="cancelled"):
        cancel_run(db, plan_id, NOW)


def test_a_run_that_fails_says_why(sessions: Sessions) -> None:
    plan_id = queue_run(sessions, QUICK.model_copy(update={"terms": PlanTerms(only=("A1",))}))
    with sessions.begin() as db:
        db.get_one(Engagement, "A1").state = EngagementState.WITHDRAWN
    execute_run(sessions, plan_id, clock=clock)

    plan = plan_of(sessions, plan_id)
    assert (plan.state, plan.error) == (PlanState.FAILED, "There is no engagement 'A1'.")
    assert plan.error_ja == "派遣案件「A1」は見つかりません。"


def test_a_plan_that_is_not_there_yet_is_not_judged(sessions: Sessions) -> None:
    plan_id = queue_run(sessions)

    with pytest.raises(Conflict, match="the run is queued"):
        judged(plan_of(sessions, plan_id))


def test_a_run_that_was_asked_to_stop_is_not_taken_up_again(sessions: Sessions) -> None:
    # Of two that were asked for at the same moment the one with the lesser id goes first.
    handed_back, silent = sorted((queue_run(sessions), queue_run(sessions)))
    for plan_id in (handed_back, silent):
        attempt = claim(sessions, plan_id)
        assert attempt is not None
        with sessions.begin() as db:
            cancel_run(db, plan_id, NOW)
        if plan_id == handed_back:
            attempt.hand_back()
    with sessions.begin() as db:
        assert reap(db, NOW + 2 * MINUTE) == ()

    for plan_id in (handed_back, silent):
        plan = plan_of(sessions, plan_id)
        assert (plan.state, plan.finished_at) == (PlanState.CANCELLED, NOW)


@pytest.fixture
def sample(sqlite_url: str) -> Iterator[Sessions]:
    """The sample's year: large enough that its solving can be interrupted."""
    engine = create_database_engine(sqlite_url)
    factory = session_factory(engine)
    with factory.begin() as db:
        load_sample(db)
    yield factory
    engine.dispose()


def test_a_run_that_is_stopped_keeps_its_best_plan(sample: Sessions) -> None:
    plan_id = queue_run(sample, RunParameters(time_limit_seconds=300))

    def stop(progress: Progress) -> None:
        if progress.served:
            with sample.begin() as db:
                cancel_run(db, plan_id, NOW)

    started = time.monotonic()
    assert execute_run(sample, plan_id, clock=clock, on_progress=stop)
    plan = plan_of(sample, plan_id)
    assert time.monotonic() - started < 100
    assert plan.state == PlanState.READY
    assert plan.cancel_requested_at == NOW
    assert plan.served


def test_a_run_whose_process_ends_is_queued_again(sample: Sessions) -> None:
    plan_id = queue_run(sample, RunParameters(time_limit_seconds=60))
    stopping = threading.Event()

    def end(progress: Progress) -> None:
        stopping.set()

    execute_run(sample, plan_id, clock=clock, stopping=stopping, on_progress=end)
    plan = plan_of(sample, plan_id)
    assert (plan.state, plan.lease_until, plan.plan) == (PlanState.QUEUED, None, None)


def test_a_run_that_is_stopped_while_its_process_ends_keeps_its_best_plan(sample: Sessions) -> None:
    plan_id = queue_run(sample, RunParameters(time_limit_seconds=60))
    stopping = threading.Event()

    def end(progress: Progress) -> None:
        if progress.served and not stopping.is_set():
            with sample.begin() as db:
                cancel_run(db, plan_id, NOW)
            stopping.set()

    execute_run(sample, plan_id, clock=clock, stopping=stopping, on_progress=end)
    plan = plan_of(sample, plan_id)
    assert plan.state == PlanState.READY
    assert plan.served


def test_a_run_that_is_taken_over_goes_on_telling_where_its_first_worker_fell_silent(
    sessions: Sessions,
) -> None:
    plan_id = queue_run(sessions)
    told = (ProgressRecord("bound", 0.5, 900, 800, 0.125, 1),) * 3
    first = claim(sessions, plan_id)
    assert first is not None
    first.write(progress=told)
    with sessions.begin() as db:
        assert reap(db, NOW + 2 * MINUTE) == (plan_id,)
    execute_run(sessions, plan_id, clock=clock)

    progress = plan_of(sessions, plan_id).progress
    assert progress[:3] == told
    assert len(progress) > 3
