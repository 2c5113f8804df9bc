"""What planners promise, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from matcher.models import Role
from tests.api.records import new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService

WHY = "団体と約束済みのため"


@pytest.fixture
def planner(service: RunningService) -> Caller:
    return service.caller(Role.PLANNER)


@pytest.fixture
def engagement_id(admin: Caller) -> str:
    """One whose two sessions are published."""
    new_expert(admin)
    owner = new(admin, "/v1/organizations", organization())["id"]
    made = new_engagement(admin, owner)
    assert admin.post(f"/v1/engagements/{made}/assignment").status_code == 200
    return made


def sessions(caller: Caller, engagement_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = caller.get(f"/v1/sessions?engagement={engagement_id}").json()[
        "items"
    ]
    return sorted(items, key=lambda each: each["number"])


def test_a_pin_is_set_found_and_lifted(planner: Caller, engagement_id: str) -> None:
    body = {"kind": "schedule", "engagement_id": engagement_id, "reason": WHY}
    made = new(planner, "/v1/pins", body)
    listed = f"/v1/pins?engagement={engagement_id}"

    assert (made["kind"], made["reason"], made["lifted_at"]) == ("schedule", WHY, None)
    assert made["created_by"].startswith("tests, planner")
    assert planner.get(f"/v1/pins/{made['id']}").json() == made
    assert planner.get(f"{listed}&lifted=false&kind=schedule").json()["items"] == [made]
    assert planner.get(f"{listed}&lifted=true").json()["items"] == []

    lifted = planner.post(f"/v1/pins/{made['id']}/lifting").json()
    assert lifted["lifted_by"] == made["created_by"]
    assert planner.get(f"{listed}&lifted=true").json()["items"] == [lifted]
    assert planner.get(f"{listed}&lifted=false").json()["items"] == []


def test_a_person_who_would_change_what_is_pinned_is_told_by_whom_and_why(
    service: RunningService, planner: Caller, engagement_id: str
) -> None:
    first, second = sessions(planner, engagement_id)
    body = {"kind": "session", "session_id": second["id"], "reason": WHY}
    made = new(planner, "/v1/pins", body)
    staff = service.caller(Role.STAFF)
    path = f"/v1/sessions/{second['id']}"
    state = staff.get(path).headers["ETag"]
    moved = {"start_at": first["start_at"]}
    lapse = {"party": "expert", "reason": "急病のため"}

    for refused in (
        staff.ask("PATCH", path, moved, If_Match=state),
        staff.post(f"{path}/cancellation", lapse),
    ):
        problem = refused.json()
        assert (refused.status_code, problem["code"], problem["pin"]) == (409, "pinned", made["id"])
        assert (problem["pinned_by"], problem["reason"]) == (made["created_by"], WHY)
        assert f"Lift pin {made['id']} first." in problem["detail"]
    planner.post(f"/v1/pins/{made['id']}/lifting")
    assert staff.post(f"{path}/cancellation", lapse).status_code == 200


def test_staff_see_pins_and_set_none(service: RunningService, engagement_id: str) -> None:
    staff = service.caller(Role.STAFF)
    body = {"kind": "schedule", "engagement_id": engagement_id, "reason": WHY}

    assert staff.get("/v1/pins").status_code == 200
    assert staff.post("/v1/pins", body).status_code == 403


def test_a_pin_that_lacks_a_field_names_it(planner: Caller, engagement_id: str) -> None:
    body = {"kind": "expert", "engagement_id": engagement_id, "reason": WHY}
    refused = planner.post("/v1/pins", body)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "expert_id"


def test_each_pin_is_in_the_audit(planner: Caller, engagement_id: str) -> None:
    body = {"kind": "schedule", "engagement_id": engagement_id, "reason": WHY}
    made = new(planner, "/v1/pins", body)
    planner.post(f"/v1/pins/{made['id']}/lifting")
    entries = planner.get(f"/v1/audit?kind=pin&record={made['id']}").json()["items"]

    assert {each["operation"] for each in entries} == {"pins.create", "pins.lift"}
