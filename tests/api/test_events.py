"""A run as it goes on, followed over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from matcher.models import Role, load_programme
from matcher.planning.running.following import FOLLOWERS
from tests.api.records import new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService, serving


@pytest.fixture(scope="module")
def working(
    sqlite_url_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service with a worker, and one engagement to plan."""
    with serving(sqlite_url_of_module, tmp_path_factory.mktemp("events")) as running:
        with running.database() as db:
            load_programme(db, "tokyo-2025")
        admin = running.caller(Role.ADMIN)
        new_expert(admin)
        new_engagement(admin, new(admin, "/v1/organizations", organization())["id"])
        yield running


@pytest.fixture(scope="module")
def sqlite_url_of_module(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("events-database") / "matcher.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


def start(caller: Caller, seconds: float) -> str:
    body = {"programme_id": "tokyo-2025", "time_limit_seconds": seconds}
    plan_id: str = caller.post("/v1/plans", body).json()["id"]
    return plan_id


def heard(answer: requests.Response) -> list[tuple[str, dict[str, object]]]:
    """The events of a stream, by name, until it ends."""
    name, found = "", []
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((name, json.loads(line.removeprefix("data: "))))
    return found


def stream(caller: Caller, plan_id: str) -> requests.Response:
    return requests.get(
        f"{caller.url}/v1/plans/{plan_id}/events",
        headers=dict(caller.headers),
        stream=True,
        timeout=60,
    )


def test_a_follower_hears_of_a_run_until_it_is_ready(working: RunningService) -> None:
    planner = working.caller(Role.PLANNER)
    plan_id = start(planner, 3)

    with stream(planner, plan_id) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        events = heard(answer)

    states = [data["state"] for name, data in events if name == "state"]
    assert states[-1] == "ready"
    plan = planner.get(f"/v1/plans/{plan_id}").json()
    assert [data for name, data in events if name == "progress"] == plan["progress"]


def test_who_was_cut_off_says_where_as_a_browser_does(working: RunningService) -> None:
    planner = working.caller(Role.PLANNER)
    plan_id = start(planner, 2)
    with stream(planner, plan_id) as answer:
        told = sum(name == "progress" for name, _ in heard(answer))

    path = f"/v1/plans/{plan_id}/events"
    last = planner.get(path, Last_Event_ID=str(told - 1)).text
    assert last.count("event: progress") == 1
    assert f"id: {told}\n" in last
    assert planner.get(f"{path}?after={told - 1}").text == last
    assert "event: progress" not in planner.get(f"{path}?after=0", Last_Event_ID=str(told)).text
    assert planner.get(path, Last_Event_ID="soon").status_code == 422


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"only": ["A-unknown"]}, "only.0"),
        ({"specialties": ["astrology"]}, "specialties.0"),
        ({"points": 5}, "points"),
        ({"points": 5, "promises": "weigh"}, "points"),
    ],
)
def test_a_run_of_what_there_is_not_is_refused_by_its_field(
    working: RunningService, terms: dict[str, object], field: str
) -> None:
    body = {"programme_id": "tokyo-2025"} | terms
    refused = working.caller(Role.PLANNER).post("/v1/plans", body)
    assert refused.status_code == 422
    errors = refused.json()["errors"]
    assert [each["field"] for each in errors] == [field]
    assert all(each["remedy"] for each in errors)


def test_a_run_waits_for_an_older_one_and_says_so(working: RunningService) -> None:
    planner = working.caller(Role.PLANNER)
    first, second = start(planner, 20), start(planner, 5)
    assert planner.get(f"/v1/plans/{second}").json()["waits_for"] == first
    planner.post(f"/v1/plans/{first}/cancellation")
    with stream(planner, second) as answer:
        assert heard(answer)[-1] == ("state", {"state": "ready"})
    ended, began = (planner.get(f"/v1/plans/{each}").json() for each in (first, second))
    assert ended["state"] in {"ready", "cancelled"}
    assert ended["finished_at"] <= began["started_at"]  # to the second


def test_only_so_many_follow_at_once_and_the_others_are_told(service: RunningService) -> None:
    """A service without a worker: nothing ends by itself."""
    planner = service.caller(Role.PLANNER)
    plan_id = start(planner, 5)
    opened = [stream(planner, plan_id) for _ in range(FOLLOWERS)]
    try:
        with stream(planner, plan_id) as refused:
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0
    finally:
        planner.post(f"/v1/plans/{plan_id}/cancellation")
    threads = [threading.Thread(target=heard, args=[each]) for each in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def test_a_ready_plan_is_put_aside_and_then_not_published(working: RunningService) -> None:
    planner = working.caller(Role.PLANNER)
    plan_id = start(planner, 2)
    with stream(planner, plan_id) as answer:
        heard(answer)

    assert planner.post(f"/v1/plans/{plan_id}/discarding").json()["state"] == "discarded"
    assert planner.post(f"/v1/plans/{plan_id}/discarding").status_code == 409
    assert planner.post(f"/v1/plans/{plan_id}/publication").status_code == 409
