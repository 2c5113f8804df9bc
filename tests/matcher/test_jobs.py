"""Jobs through real queues and, for what only a process can show, real workers."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from huey import Huey

from matcher.database import create_database_engine, session_factory
from matcher.errors import Misconfigured
from matcher.jobs import Jobs, open_queue
from matcher.models import AuditEntry, Base, Plan, PlanState, PlanTerms
from matcher.planning.running.attempt import Attempt, Sessions
from matcher.planning.running.runs import RunParameters, judged, start_run
from matcher.sample import load_sample
from matcher.settings import Settings
from tests.clocks import days_to

START_OF_YEAR = dt.datetime(2025, 7, 10, 3, tzinfo=dt.UTC)
QUICK = RunParameters(terms=PlanTerms(only=("2025-001",)), time_limit_seconds=60)
"""Proven in a moment; the limit is for a busy machine."""
LONG = RunParameters(time_limit_seconds=600)
"""Proven after a few seconds: whoever means to interrupt it does so as soon as it is taken up."""
PATIENCE_SECONDS = 90


def clock() -> dt.datetime:
    return START_OF_YEAR


@pytest.fixture(scope="module")
def sample_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the sample's year, to be copied."""
    path = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("sample") / "sample.sqlite"))
    engine = create_database_engine(f"sqlite:///{path}")
    with session_factory(engine).begin() as db:
        load_sample(db)
    engine.dispose()
    return path


@pytest.fixture
def settings(sample_template: Path, tmp_path: Path) -> Settings:
    """An installation of its own, with the sample's year, whose clocks show July 2025."""
    shutil.copy(sample_template, tmp_path / "matcher.sqlite")
    return Settings(data_directory=tmp_path, clock_shift_days=days_to(START_OF_YEAR.date()))


@pytest.fixture
def sessions(settings: Settings) -> Iterator[Sessions]:
    engine = create_database_engine(settings.database_url)
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def queue(settings: Settings) -> Iterator[Huey]:
    queue = open_queue(settings)
    yield queue
    queue.storage.close()


@pytest.fixture
def jobs(queue: Huey, sessions: Sessions) -> Jobs:
    return Jobs(queue, sessions, clock=clock)


def queue_run(
    sessions: Sessions, parameters: RunParameters = QUICK, now: dt.datetime = START_OF_YEAR
) -> str:
    with sessions.begin() as db:
        return start_run(db, "tokyo-2025", parameters, "planner", now).id


def plan_of(sessions: Sessions, plan_id: str) -> Plan:
    with sessions() as db:
        return db.get_one(Plan, plan_id)


def announced(queue: Huey) -> list[str]:
    return [task.args[0] for task in queue.pending()]


def test_a_queued_run_is_carried_out_once(jobs: Jobs, sessions: Sessions) -> None:
    plan_id = queue_run(sessions)

    assert jobs.execute(plan_id)
    assert plan_of(sessions, plan_id).state == PlanState.READY
    assert not jobs.execute(plan_id)


def test_a_message_is_only_the_id_of_a_run(jobs: Jobs, sessions: Sessions, queue: Huey) -> None:
    plan_id = queue_run(sessions)
    jobs.enqueue(plan_id)

    assert announced(queue) == [plan_id]


def test_a_queued_run_without_a_message_gets_one(
    jobs: Jobs, sessions: Sessions, queue: Huey
) -> None:
    plan_id = queue_run(sessions)
    jobs.sweep()
    jobs.sweep()

    assert announced(queue) == [plan_id]


def test_a_silent_run_gets_a_new_message(jobs: Jobs, sessions: Sessions, queue: Huey) -> None:
    plan_id = queue_run(sessions)
    long_ago = START_OF_YEAR - dt.timedelta(minutes=10)
    Attempt.claim(sessions, plan_id, clock=lambda: long_ago, lease=dt.timedelta(minutes=1))
    jobs.sweep()

    assert announced(queue) == [plan_id]
    assert plan_of(sessions, plan_id).state == PlanState.QUEUED


def test_a_second_message_for_a_run_does_nothing(
    jobs: Jobs, sessions: Sessions, queue: Huey
) -> None:
    plan_id = queue_run(sessions)
    assert jobs.execute(plan_id)

    assert not jobs.execute(plan_id)
    assert plan_of(sessions, plan_id).attempt == 1


def test_a_queue_that_is_away_keeps_nobody_from_asking(
    settings: Settings, jobs: Jobs, sessions: Sessions, queue: Huey
) -> None:
    plan_id = queue_run(sessions)
    queue.storage.close()
    (settings.data_directory / "queue.sqlite").write_bytes(b"not a database" * 100)
    jobs.enqueue(plan_id)

    assert plan_of(sessions, plan_id).state == PlanState.QUEUED


def test_a_queue_that_is_away_undoes_nothing_of_what_has_ended(
    settings: Settings, jobs: Jobs, sessions: Sessions, queue: Huey
) -> None:
    first, second = queue_run(sessions), queue_run(sessions)
    queue.storage.close()
    (settings.data_directory / "queue.sqlite").write_bytes(b"not a database" * 100)
    oldest, other = sorted((first, second))  # asked for at the same moment

    assert jobs.execute(oldest)
    assert plan_of(sessions, oldest).state == PlanState.READY
    assert plan_of(sessions, other).state == PlanState.QUEUED


def test_of_runs_that_take_turns_only_the_next_is_announced(
    jobs: Jobs, sessions: Sessions, queue: Huey
) -> None:
    oldest, other = sorted((queue_run(sessions), queue_run(sessions)))
    jobs.announce_waiting()
    assert announced(queue) == [oldest]

    queue.dequeue()
    assert jobs.execute(oldest)
    assert announced(queue) == [other]


def test_a_queue_on_postgresql_carries_messages_too(
    postgres_url: str, settings: Settings, sessions: Sessions
) -> None:
    url = postgres_url
    queue = open_queue(settings.model_copy(update={"queue_url": url}))
    plan_id = queue_run(sessions)
    Jobs(queue, sessions, clock=clock).enqueue(plan_id)

    assert announced(queue) == [plan_id]
    queue.storage.close()


def test_a_queue_that_is_not_known_is_refused(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="MATCHER_QUEUE_URL"):
        open_queue(settings.model_copy(update={"queue_url": "amqp://localhost"}))


@dataclass
class Workers:
    """Starts `matcher worker` processes, and ends those that are left."""

    settings: Settings
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What they log."""
        return self.settings.data_directory / "workers.log"

    def start(self) -> subprocess.Popen[bytes]:
        """Start one, which takes a run over after four silent seconds."""
        program = "import sys; from matcher.cli import main; sys.exit(main())"
        environment = os.environ | {
            "MATCHER_DATA_DIRECTORY": str(self.settings.data_directory),
            "MATCHER_DATABASE_URL": self.settings.database_url,
            "MATCHER_CLOCK_SHIFT_DAYS": str(self.settings.clock_shift_days),
        }
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-c", program, "worker", "--lease", "4"],
                env=environment,
                stderr=log,
            )
        self.started.append(worker)
        return worker

    def end(self) -> None:
        """Kill those that are left."""
        for worker in self.started:
            if worker.poll() is None:
                worker.kill()
            worker.wait()


@pytest.fixture
def workers(settings: Settings) -> Iterator[Workers]:
    workers = Workers(settings)
    yield workers
    workers.end()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_a_worker_carries_out_a_run_and_stops_when_told(
    jobs: Jobs, sessions: Sessions, workers: Workers
) -> None:
    worker = workers.start()
    plan_id = queue_run(sessions)
    jobs.enqueue(plan_id)
    wait_until(lambda: plan_of(sessions, plan_id).state == PlanState.READY)

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert plan_of(sessions, plan_id).served


def test_a_worker_logs_a_json_object_a_line(workers: Workers) -> None:
    worker = workers.start()
    wait_until(lambda: "started" in workers.log.read_text())
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)

    lines = [json.loads(line) for line in workers.log.read_text().splitlines()]
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)


def test_a_worker_that_is_told_to_end_hands_its_run_back(
    sessions: Sessions, workers: Workers
) -> None:
    plan_id = queue_run(sessions, LONG)
    worker = workers.start()
    wait_until(lambda: plan_of(sessions, plan_id).state == PlanState.SOLVING)

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    plan = plan_of(sessions, plan_id)
    assert (plan.state, plan.attempt, plan.crashes) == (PlanState.QUEUED, 1, 0)


@pytest.mark.long
def test_a_run_whose_worker_is_killed_is_tried_once_more_and_then_fails(
    sessions: Sessions, workers: Workers
) -> None:
    plan_id = queue_run(sessions, LONG)
    for attempt in (1, 2):
        worker = workers.start()

        def is_being_solved(attempt: int = attempt) -> bool:
            plan = plan_of(sessions, plan_id)
            return plan.attempt == attempt and plan.state == PlanState.SOLVING

        wait_until(is_being_solved)
        worker.kill()
        worker.wait()

    workers.start()
    wait_until(lambda: plan_of(sessions, plan_id).state == PlanState.FAILED)
    assert "stopped answering twice" in (plan_of(sessions, plan_id).error or "")


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[tuple[Sessions, Workers]]:
    """The sample's year on each kind of database, and workers on it."""
    shift = days_to(START_OF_YEAR.date())
    settings = Settings(data_directory=tmp_path, database_url=database_url, clock_shift_days=shift)
    engine = create_database_engine(database_url)
    sessions = session_factory(engine)
    with sessions.begin() as db:
        load_sample(db)
    workers = Workers(settings)
    yield sessions, workers
    workers.end()
    engine.dispose()


def on_record(sessions: Sessions) -> dict[str, list[str]]:
    """All that is on record beside the runs and what the audit says of them."""
    wanted = {name: table.select() for name, table in Base.metadata.tables.items()}
    del wanted["plans"]
    wanted["audit_entries"] = wanted["audit_entries"].where(AuditEntry.kind != "plan")
    with sessions() as db:
        return {name: sorted(map(str, db.execute(rows))) for name, rows in wanted.items()}


@pytest.mark.long
def test_another_worker_takes_over_from_one_that_is_killed_and_touches_nothing_else(
    both: tuple[Sessions, Workers],
) -> None:
    sessions, workers = both
    plan_id = queue_run(sessions, LONG)
    next_id = queue_run(sessions, now=START_OF_YEAR + dt.timedelta(minutes=1))
    before = on_record(sessions)
    killed = workers.start()
    wait_until(lambda: plan_of(sessions, plan_id).state == PlanState.SOLVING)
    workers.start()
    killed.kill()
    killed.wait()

    wait_until(lambda: plan_of(sessions, next_id).state == PlanState.READY)
    plan = plan_of(sessions, plan_id)
    assert (plan.state, plan.attempt, plan.crashes) == (PlanState.READY, 2, 1)
    with sessions() as db:
        assert judged(db.get_one(Plan, plan_id)).holds
    assert on_record(sessions) == before


def test_a_run_is_taken_from_a_dead_worker_where_none_is_left(
    jobs: Jobs, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that answers requests keeps watch: whoever asked for the run is told."""
    monkeypatch.setattr("matcher.jobs.SWEEP_EVERY", dt.timedelta(seconds=0.2))
    plan_id = queue_run(sessions)
    long_ago = START_OF_YEAR - dt.timedelta(minutes=5)
    assert Attempt.claim(sessions, plan_id, clock=lambda: long_ago, lease=dt.timedelta(seconds=30))
    jobs.keep_watch()
    wait_until(lambda: plan_of(sessions, plan_id).state == PlanState.QUEUED)
    assert plan_of(sessions, plan_id).crashes == 1
    jobs.stop()
