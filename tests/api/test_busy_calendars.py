"""Calendars that experts keep elsewhere, as they and the office meet them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from matcher.models import Role
from tests.api.records import new_expert
from tests.api.service import Caller, RunningService, serving
from tests.matcher.busy.web import Web, giving, web

BUSY = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n"
    b"DTSTAMP:20250701T000000Z\r\nSUMMARY:secret\r\nDTSTART:20250901T010000Z\r\n"
    b"DTEND:20250901T030000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture(scope="module")
def calendar() -> Iterator[Web]:
    with web(giving(BUSY)) as served:
        yield served


@pytest.fixture(scope="module")
def working(
    lasting_database_url: str, tmp_path_factory: pytest.TempPathFactory, calendar: Web
) -> Iterator[RunningService]:
    """A service with a worker, which may ask the calendar's host."""
    hosts = {"MATCHER_TRUSTED_CALENDAR_HOSTS": calendar.host}
    folder = tmp_path_factory.mktemp("working")
    with serving(lasting_database_url, folder, **hosts) as running:
        yield running


def wait_for(caller: Caller, path: str, state: str) -> dict[str, object]:
    deadline = time.monotonic() + 90
    while True:
        found: dict[str, object] = caller.get(path).json()
        if found["state"] == state:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_an_expert_gives_a_calendar_and_the_worker_reads_it(
    working: RunningService, calendar: Web
) -> None:
    admin = working.caller(Role.ADMIN)
    expert_id, other_id = new_expert(admin), new_expert(admin)
    expert = working.caller(Role.EXPERT, expert_id)
    body = {"owner_kind": "expert", "owner_id": expert_id, "url": calendar.url(), "name": "仕事"}
    answer = expert.post("/v1/busy-calendars", body)
    assert answer.status_code == 201, answer.text
    assert calendar.url() not in answer.text
    path = answer.headers["Location"]

    found = wait_for(expert, path, "current")
    assert (found["busy_times"], found["name"], found["problem"]) == (1, "仕事", None)
    other = working.caller(Role.EXPERT, other_id)
    assert other.get(path).status_code == 404
    assert other.post("/v1/busy-calendars", body).status_code == 404
    assert "secret" not in working.log.read_text()
    assert calendar.url("/") not in working.log.read_text()

    assert expert.post(f"{path}/removal").status_code == 204
    assert expert.get(path).status_code == 404


def test_an_address_of_a_private_network_is_refused_by_the_worker_and_said(
    working: RunningService,
) -> None:
    staff = working.caller(Role.STAFF)
    expert_id = new_expert(working.caller(Role.ADMIN))
    body = {"owner_kind": "expert", "owner_id": expert_id, "url": "http://169.254.169.254/c.ics"}
    path = staff.post("/v1/busy-calendars", body).headers["Location"]
    found = wait_for(staff, path, "stale")
    assert found["problem"] == "private_address"
    assert found["problem_text"] == {
        "ja": "インターネットに公開されていないアドレスです",
        "en": "the address is not in the public internet",
    }
    (stale,) = staff.get("/v1/busy-calendars?stale=true").json()["items"]
    assert stale["id"] == found["id"]


def test_a_file_is_taken_in_at_once_and_what_is_none_is_refused(working: RunningService) -> None:
    staff = working.caller(Role.STAFF)
    expert_id = new_expert(working.caller(Role.ADMIN))
    owner = {"owner_kind": "expert", "owner_id": expert_id}
    taken = staff.post("/v1/busy-calendars/uploads", {**owner, "content": BUSY.decode()})
    assert (taken.status_code, taken.json()["busy_times"]) == (201, 1)
    refused = staff.post("/v1/busy-calendars/uploads", {**owner, "content": "nothing"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "content"
    assert staff.get("/v1/busy-calendars/conflicts").json() == {"items": []}
