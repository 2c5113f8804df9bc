"""Asking an organization by telephone: offers, times on hold, and the answer."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from requests import Response
from werkzeug.serving import make_server

from api import create_app
from matcher.access import create_key
from matcher.models import Role, load_programme
from matcher.settings import Settings
from tests.answering import answering
from tests.api.records import new, new_engagement, new_expert, organization
from tests.api.service import PEPPER, Caller, RunningService


@dataclass(frozen=True)
class Asked:
    """Two engagements that the same experts could serve, and who asks for them."""

    staff: Caller
    first: str
    second: str

    def offers(self, engagement_id: str = "") -> dict[str, Any]:
        """What can be offered."""
        answer = self.staff.post(f"/v1/engagements/{engagement_id or self.first}/offers")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def hold(self, engagement_id: str, **changes: object) -> dict[str, Any]:
        """Hold the first offer."""
        body = as_hold(self.offers(engagement_id)["offers"][0], **changes)
        return new(self.staff, f"/v1/engagements/{engagement_id}/hold", body)


def as_hold(offer: dict[str, Any], **changes: object) -> dict[str, Any]:
    """What is sent to hold an offer."""
    starts = [each["start_at"] for each in offer["sessions"]]
    return {"expert_id": offer["expert"]["id"], "starts": starts, **changes}


def two_engagements(admin: Caller) -> list[str]:
    owners = [new(admin, "/v1/organizations", organization())["id"] for _ in range(2)]
    return [new_engagement(admin, each) for each in owners]


@pytest.fixture
def asked(service: RunningService, admin: Caller) -> Asked:
    new_expert(admin)
    return Asked(service.caller(Role.STAFF), *two_engagements(admin))


def test_an_offer_says_who_when_why_and_at_what_cost(asked: Asked) -> None:
    found = asked.offers()

    assert found["complete"] is True
    heads = [head for each in found["offers"] for head in each["heads"]]
    assert sorted(heads) == ["best", "least_travel", "soonest_start"]
    for each in found["offers"]:
        assert len(each["sessions"]) == each["wanted_sessions"] == 2
        assert each["start_at"] == each["sessions"][0]["start_at"]
        assert each["bound"] <= each["cost"]
        assert each["reasons"]
        assert each["travel_minutes"] >= 0
    (best,) = (each for each in found["offers"] if "best" in each["heads"])
    preview = asked.staff.post(f"/v1/engagements/{asked.first}/assignment", {"publish": False})
    assert (best["cost"], best["is_optimal"]) == (preview.json()["cost"], True)


def test_an_offer_is_held_listed_and_assigned(asked: Asked) -> None:
    held = asked.hold(asked.first, hours=24)
    path = f"/v1/holds/{held['id']}"

    assert (held["state"], held["ended_at"]) == ("holding", None)
    assert asked.staff.get(path).json() == held
    listed = asked.staff.get(f"/v1/holds?engagement={asked.first}&state=holding").json()["items"]
    assert listed == [held]
    assert asked.staff.get(f"/v1/holds?expert={held['expert_id']}&state=expired").json() == {
        "items": [],
        "next": None,
    }
    assigned = asked.staff.post(f"{path}/assignment")
    assert assigned.status_code == 200, assigned.text
    times = [each["start_at"] for each in assigned.json()["sessions"]]
    assert times == [each["start_at"] for each in held["sessions"]]
    assert asked.staff.get(path).json()["state"] == "assigned"
    sessions = asked.staff.get(f"/v1/sessions?engagement={asked.first}").json()["items"]
    assert sorted(each["start_at"] for each in sessions) == times
    again = asked.staff.post(f"{path}/assignment")
    assert (again.status_code, again.json()["code"]) == (409, "hold_ended")


def test_an_engagement_on_hold_is_left_alone_until_the_hold_is_released(asked: Asked) -> None:
    held = asked.hold(asked.first)
    path = f"/v1/engagements/{asked.first}"
    state = asked.staff.get(path).headers["ETag"]
    answers = [
        asked.staff.post(f"{path}/assignment"),
        asked.staff.post(f"{path}/offers"),
        asked.staff.ask("PATCH", path, {"max_gap_days": 40}, If_Match=state),
    ]
    assert [each.status_code for each in answers] == [409, 409, 409]
    for each in answers:
        assert (each.json()["code"], each.json()["hold"]) == ("on_hold", held["id"])

    released = asked.staff.post(f"/v1/holds/{held['id']}/cancellation").json()
    assert released["state"] == "released"
    assert released["ended_by"].startswith("tests, staff")
    assert asked.staff.post(f"{path}/assignment").status_code == 200


def test_a_withdrawal_frees_the_times(asked: Asked) -> None:
    held = asked.hold(asked.first)
    asked.staff.post(f"/v1/applications/{asked.first}/withdrawal", {"reason": "都合により"})

    assert asked.staff.get(f"/v1/holds/{held['id']}").json()["state"] == "released"
    body = {"expert_id": held["expert_id"], "starts": [e["start_at"] for e in held["sessions"]]}
    new(asked.staff, f"/v1/engagements/{asked.second}/hold", body)


def test_each_hold_is_in_the_audit_with_who_made_and_ended_it(asked: Asked) -> None:
    held = asked.hold(asked.first)
    asked.staff.post(f"/v1/holds/{held['id']}/cancellation")
    entries = asked.staff.get(f"/v1/audit?kind=hold&record={held['id']}").json()["items"]

    assert {each["operation"] for each in entries} == {"engagements.hold", "holds.release"}
    assert all(each["actor"].startswith("tests, staff") for each in entries)


def test_a_hold_repeated_under_its_key_is_made_once(asked: Asked) -> None:
    body = as_hold(asked.offers()["offers"][0])
    path = f"/v1/engagements/{asked.first}/hold"
    first = asked.staff.post(path, body, Idempotency_Key=asked.first)
    again = asked.staff.post(path, body, Idempotency_Key=asked.first)

    assert first.status_code == again.status_code == 201
    assert first.content == again.content


@dataclass
class Desk:
    """The service in this process, with a clock that a test sets, and two engagements."""

    now: dt.datetime
    admin: Caller = field(default_factory=lambda: Caller(""))
    engagements: list[str] = field(default_factory=list)

    def offer(self) -> dict[str, Any]:
        """What can be offered to the first of the two, who asks first."""
        path = f"/v1/engagements/{self.engagements[0]}/offers"
        offer: dict[str, Any] = self.admin.post(path).json()["offers"][0]
        return offer


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """On each database."""
    desk = Desk(dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC))
    settings = Settings.model_validate(
        {"database_url": database_url, "data_directory": tmp_path, "key_pepper": PEPPER}
    )
    app = create_app(settings, clock=lambda: desk.now)
    services = app.extensions["matcher"]
    with services.writing.begin() as db:
        load_programme(db, "tokyo-2025")
        _, key = create_key(
            db,
            role=Role.ADMIN,
            subject_id=None,
            label="",
            now=desk.now,
            expires_at=None,
            pepper=PEPPER.encode(),
        )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    desk.admin = Caller(
        f"http://127.0.0.1:{server.server_port}", {"Authorization": f"Bearer {key}"}
    )
    with closing(services), answering(server):
        new_expert(desk.admin)
        desk.engagements = two_engagements(desk.admin)
        yield desk


def test_of_two_requests_for_the_same_time_at_once_one_wins(desk: Desk) -> None:
    body, gate = as_hold(desk.offer()), threading.Barrier(2)

    def want(engagement_id: str) -> Response:
        gate.wait()
        return desk.admin.post(f"/v1/engagements/{engagement_id}/hold", body)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(want, desk.engagements))
    assert sorted(each.status_code for each in answers) == [201, 409]
    (refused,) = (each.json() for each in answers if each.status_code == 409)
    assert refused["code"] == "offer_gone"
    told = {"ja": "専門家のほかの派遣", "en": "the expert's other sessions"}
    assert told in refused["in_the_way"]


def test_a_hold_whose_time_runs_out_is_free_and_not_assigned(desk: Desk) -> None:
    first, second = desk.engagements
    body = as_hold(desk.offer(), hours=2)
    held = new(desk.admin, f"/v1/engagements/{first}/hold", body)
    path = f"/v1/holds/{held['id']}"
    assert desk.admin.post(f"/v1/engagements/{second}/hold", body).status_code == 409

    desk.now = dt.datetime.fromisoformat(held["held_until"]).astimezone(dt.UTC)
    assert desk.admin.get(path).json()["state"] == "expired"
    late = desk.admin.post(f"{path}/assignment")
    assert (late.status_code, late.json()["code"]) == (409, "hold_ended")
    assert f"Ask for offers for {first} again." in late.json()["detail"]
    new(desk.admin, f"/v1/engagements/{second}/hold", body)


def test_an_expert_who_is_away_by_now_is_told_when_a_hold_is_assigned(desk: Desk) -> None:
    held = new(desk.admin, f"/v1/engagements/{desk.engagements[0]}/hold", as_hold(desk.offer()))
    availability = f"/v1/experts/{held['expert_id']}/availability"
    hours: dict[str, list[object]] = {"weekly_hours": [], "absences": []}
    state = desk.admin.get(availability).headers["ETag"]
    assert desk.admin.ask("PUT", availability, hours, If_Match=state).status_code == 200
    refused = desk.admin.post(f"/v1/holds/{held['id']}/assignment")

    assert (refused.status_code, refused.json()["code"]) == (409, "offer_gone")
    told = {"ja": "専門家の対応可能時間", "en": "the expert's weekly hours"}
    assert refused.json()["in_the_way"] == [told]
    assert desk.admin.get(f"/v1/holds/{held['id']}").json()["state"] == "holding"
