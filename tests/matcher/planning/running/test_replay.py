from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.clock import from_wall_time
from matcher.database import create_database_engine, session_factory
from matcher.errors import Conflict, NotFound
from matcher.models import Plan
from matcher.planning.assigning.assignment import propose, publish_proposal
from matcher.planning.assigning.holding import HoldDraft, assign_hold, hold_times
from matcher.planning.publishing.releases import publish
from matcher.planning.publishing.restoration import RestorationDraft, restore
from matcher.planning.running.attempt import Sessions, execute_run
from matcher.planning.running.replay import replay
from matcher.planning.running.runs import RunParameters, start_run
from solver.plan import Plan as PlanFile
from solver.plan import SolverRecord
from solver.problem_file import ProblemFile, pack
from tests.matcher import rows
from tests.matcher.planning.plans import Wanted, plan_file, ready_plan

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
IN_WORK = RunParameters(work_limit=3, workers=1, seed=7)
LATE: Wanted = {"A1": ("E1", ("2025-11-05T10:00", "2025-11-26T10:00"))}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: only plain queries are sent from here."""
    return sqlite_url


@pytest.fixture
def sessions(database_url: str) -> Iterator[Sessions]:
    engine = create_database_engine(database_url)
    factory = session_factory(engine)
    with factory.begin() as db:
        rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
    yield factory
    engine.dispose()


def solved(sessions: Sessions, parameters: RunParameters = IN_WORK) -> str:
    with sessions.begin() as db:
        plan_id = start_run(db, "tokyo-2025", parameters, "planner", NOW).id
    assert execute_run(sessions, plan_id, clock=lambda: NOW)
    return plan_id


def test_a_plan_of_one_worker_and_a_work_limit_replays_exactly(sessions: Sessions) -> None:
    plan_id = solved(sessions)
    with sessions() as db:
        found = replay(db, plan_id)
    assert found.is_same
    assert found.why_it_may == ()


def test_a_plan_that_was_limited_in_time_says_that_it_may_differ(sessions: Sessions) -> None:
    plan_id = solved(sessions, RunParameters(time_limit_seconds=5, workers=2))
    with sessions() as db:
        told = [each.en for each in replay(db, plan_id).why_it_may]
    assert any("limited in time" in each for each in told)
    assert any("2 workers" in each for each in told)


def test_an_assignment_on_request_replays_exactly(sessions: Sessions) -> None:
    with sessions.begin() as db:
        release = publish_proposal(db, propose(db, "A1", NOW), "staff", NOW)
        assert release.plan_id is not None
        assert replay(db, release.plan_id).is_same


def test_another_plan_is_told_by_cost_and_by_engagement(sessions: Sessions) -> None:
    plan_id = solved(sessions)
    with sessions.begin() as db:
        row = db.get_one(Plan, plan_id)
        assert row.problem is not None
        file = ProblemFile.from_bytes(gzip.decompress(row.problem))
        record = SolverRecord(version="0.0.1", seed=7, workers=1, seconds=1.0, work_limit=3)
        other = plan_file(file, LATE).model_copy(update={"solver": record})
        row.plan = pack(other.to_json())
        db.flush()
        found = replay(db, plan_id)
    told = " ".join(each.en for each in found.differences)
    assert not found.is_same
    assert "cost, total" in told
    assert "another expert or other dates: A1, A2" in told
    assert ["another version of the solver" in each.en for each in found.why_it_may] == [True]


def test_what_was_not_found_by_a_search_is_not_replayed(sessions: Sessions) -> None:
    with sessions.begin() as db:
        plan = ready_plan(db, LATE, NOW)
        assert PlanFile.from_json(gzip.decompress(plan.plan or b"")).solver.work_limit is None
        with pytest.raises(Conflict) as refused:
            replay(db, plan.id)
    assert refused.value.code == "not_solved"


def test_times_that_a_person_has_chosen_are_not_replayed(sessions: Sessions) -> None:
    starts = tuple(from_wall_time(dt.datetime.fromisoformat(each)) for each in LATE["A1"][1])
    with sessions.begin() as db:
        held = hold_times(db, "A1", HoldDraft(expert_id="E1", starts=starts), "staff", NOW)
        _, release = assign_hold(db, held.id, "staff", NOW)
        assert release.plan_id is not None
        with pytest.raises(Conflict) as refused:
            replay(db, release.plan_id)
    assert refused.value.code == "not_solved"


def test_a_plan_that_was_put_together_is_not_replayed(sessions: Sessions) -> None:
    sooner: Wanted = {"A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00"))}
    with sessions() as db:
        for wanted in (LATE, sooner):
            publish(db, ready_plan(db, wanted, NOW).id, "", "planner", NOW)
            db.commit()
        plan_id = restore(
            db, "tokyo-2025", 1, RestorationDraft(note="戻す"), "planner", NOW
        ).release.plan_id
        assert plan_id is not None
        assert (db.get_one(Plan, plan_id).bound, db.get_one(Plan, plan_id).gap) == (None, None)
        with pytest.raises(Conflict) as refused:
            replay(db, plan_id)
    assert refused.value.code == "not_solved"


def test_a_run_that_was_stopped_says_that_it_may_differ(sessions: Sessions) -> None:
    plan_id = solved(sessions)
    with sessions.begin() as db:
        db.get_one(Plan, plan_id).cancel_requested_at = NOW
    with sessions() as db:
        assert "stopped before its end" in replay(db, plan_id).why_it_may[0].en


def test_a_plan_that_is_not_there_is_not_found(sessions: Sessions) -> None:
    with sessions() as db, pytest.raises(NotFound):
        replay(db, "P0")


def test_the_command_says_whether_it_is_the_same(
    sessions: Sessions,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MATCHER_DATABASE_URL", database_url)
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    plan_id = solved(sessions)
    assert main(["replay", plan_id]) == 0
    assert "the same plan again" in capsys.readouterr().out
    assert main(["replay", plan_id, "--lang", "ja"]) == 0
    assert "同じ派遣計画になりました" in capsys.readouterr().out
    assert main(["replay", "P0"]) == 2
