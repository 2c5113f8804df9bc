"""Many runs at once over HTTP, carried out by two workers, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from matcher.database import create_database_engine, session_factory
from matcher.jobs import Jobs, open_queue
from matcher.models import Plan, Role, load_programme
from tests.api.records import new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService, serving

PATIENCE_SECONDS = 120
UNDER_WAY = {"queued", "solving"}


@pytest.fixture(scope="module")
def lasting_office(
    lasting_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service with two engagements to plan, and nobody yet who carries out runs."""
    folder = tmp_path_factory.mktemp("office")
    with serving(lasting_database_url, folder, "--no-worker") as running:
        with running.database() as db:
            load_programme(db, "tokyo-2025")
        admin = running.caller(Role.ADMIN)
        new_expert(admin)
        for _ in range(2):
            new_engagement(admin, new(admin, "/v1/organizations", organization())["id"])
        yield running


@pytest.fixture
def office(lasting_office: RunningService) -> Iterator[RunningService]:
    """The same with no run that goes on when a test ends."""
    yield lasting_office
    planner = lasting_office.caller(Role.PLANNER)
    for each in planner.get("/v1/plans").json()["items"]:
        if each["state"] in UNDER_WAY:
            assert planner.post(f"/v1/plans/{each['id']}/cancellation").ok


@pytest.fixture
def two_workers(office: RunningService, tmp_path: Path) -> Iterator[None]:
    program = "import sys; from matcher.cli import main; sys.exit(main())"
    environment = os.environ | {
        "MATCHER_DATABASE_URL": office.settings.database_url,
        "MATCHER_DATA_DIRECTORY": str(office.settings.data_directory),
        "MATCHER_CLOCK_SHIFT_DAYS": str(office.settings.clock_shift_days),
    }
    with (tmp_path / "workers.log").open("wb") as log:
        workers = [
            subprocess.Popen([sys.executable, "-c", program, "worker"], env=environment, stderr=log)
            for _ in range(2)
        ]
        yield
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(30)


def start(caller: Caller, **terms: object) -> str:
    answer = caller.post(
        "/v1/plans", {"programme_id": "tokyo-2025", "time_limit_seconds": 20, **terms}
    )
    assert answer.status_code == 202, answer.text
    plan_id: str = answer.json()["id"]
    return plan_id


def seen(caller: Caller, plan_ids: list[str]) -> list[dict[str, Any]]:
    return [caller.get(f"/v1/plans/{each}").json() for each in plan_ids]


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


def all_over(caller: Caller, plan_ids: list[str]) -> bool:
    return all(each["state"] not in UNDER_WAY for each in seen(caller, plan_ids))


def test_ten_runs_of_ten_clients_take_turns_with_two_workers_and_all_are_ready(
    office: RunningService, two_workers: None
) -> None:
    clients = [office.caller(Role.PLANNER) for _ in range(10)]
    with ThreadPoolExecutor(len(clients)) as threads:
        plan_ids = list(threads.map(start, clients))
    wait_until(lambda: all_over(clients[0], plan_ids))

    told = {(each["state"], each["error"], each["served"]) for each in seen(clients[0], plan_ids)}
    assert told == {("ready", None, 2)}
    began_and_ended = moments(office, plan_ids)
    assert len(began_and_ended) == len(plan_ids)
    assert all(one[1] <= following[0] for one, following in pairwise(began_and_ended))


def moments(office: RunningService, plan_ids: list[str]) -> list[tuple[datetime, datetime]]:
    """When each run began and ended, in that order; told over HTTP they are whole seconds."""
    with office.database() as db:
        plans = db.scalars(select(Plan).where(Plan.id.in_(plan_ids)).order_by(Plan.started_at))
        return [(each.started_at, each.finished_at) for each in plans]  # type: ignore[misc]


def test_a_run_tells_its_place_and_comes_nearer_when_one_before_it_is_cancelled(
    office: RunningService,
) -> None:
    planner = office.caller(Role.PLANNER)
    plan_ids = [start(planner) for _ in range(3)]
    place = [(each["waits_for"], each["runs_ahead"]) for each in seen(planner, plan_ids)]
    assert place == [(None, 0), (plan_ids[0], 1), (plan_ids[0], 2)]

    planner.post(f"/v1/plans/{plan_ids[0]}/cancellation")
    left = seen(planner, plan_ids[1:])
    assert [(each["waits_for"], each["runs_ahead"]) for each in left] == [
        (None, 0),
        (plan_ids[1], 1),
    ]


def test_a_run_that_is_next_after_a_cancellation_is_announced_at_once(
    office: RunningService,
) -> None:
    """Not only by the next sweep of a worker, and not those that still wait."""
    planner = office.caller(Role.PLANNER)
    plan_ids = [start(planner) for _ in range(3)]
    engine = create_database_engine(office.settings.database_url)
    queue = open_queue(office.settings)
    Jobs(queue, session_factory(engine))  # the queue knows its messages by it
    while queue.dequeue():
        pass  # as workers do that find that another run goes first
    planner.post(f"/v1/plans/{plan_ids[0]}/cancellation")

    assert [task.args[0] for task in queue.pending()] == [plan_ids[1]]
    queue.storage.close()
    engine.dispose()


def test_a_last_day_that_is_over_is_refused_with_its_field_and_a_remedy(
    office: RunningService,
) -> None:
    planner = office.caller(Role.PLANNER)
    body = {"programme_id": "tokyo-2025", "until": "2025-07-14"}
    for language, remedy in (("en", "give a day from"), ("ja", "日を指定するか、省略してください")):
        answer = planner.post("/v1/plans", body, Accept_Language=language)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["field"] == "until"
        assert remedy in error["remedy"]
