"""The audit, as the office reads it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from matcher.models import Role
from tests.api.records import expert, new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService


def entries(caller: Caller, **wanted: str) -> list[dict[str, Any]]:
    """The newest entries that fulfil what is asked for."""
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    answer = caller.get(f"/v1/audit?limit=200&{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_request_is_on_record_by_the_id_in_its_answer(service: RunningService) -> None:
    staff = service.caller(Role.STAFF)
    made = staff.post("/v1/experts", expert(name_ja="架空 記録"))
    key_id = staff.headers["Authorization"].split("_")[1]

    (entry,) = entries(staff, request=made.headers["X-Request-Id"])

    assert entry["kind"] == "expert"
    assert entry["record_id"] == made.json()["id"]
    assert (entry["action"], entry["before"]) == ("created", {})
    assert entry["after"]["name_ja"] == "架空 記録"
    assert entry["operation"] == "experts.create"
    assert entry["actor"] == f"tests, staff ({key_id})"
    assert entry["at"].startswith("2025-07-14T")
    assert entry["at"].endswith("+09:00")
    assert entries(staff, actor=key_id) == [entry]


def test_a_request_id_of_the_callers_own_is_on_record_too(admin: Caller) -> None:
    new_id = new_expert(admin)
    path = f"/v1/experts/{new_id}"
    state = admin.get(path).headers["ETag"]
    changed = admin.ask("PATCH", path, {"max_total": 3}, If_Match=state, X_Request_Id="office-7")
    assert changed.status_code == 200

    (entry,) = entries(admin, request="office-7")

    assert (entry["before"], entry["after"]) == ({"max_total": 20}, {"max_total": 3})


def test_what_was_refused_or_only_repeated_leaves_no_entry(admin: Caller) -> None:
    body = expert()
    assert admin.post("/v1/experts", body, Idempotency_Key="audit-1").status_code == 201
    again = admin.post("/v1/experts", body, Idempotency_Key="audit-1", X_Request_Id="again")
    assert again.headers["Idempotency-Replayed"] == "true"
    conflicts = [{"organization_id": "O0", "reason": "顧問先"}]
    refused = admin.post("/v1/experts", expert(conflicts=conflicts), X_Request_Id="refused")
    assert refused.status_code == 404
    assert entries(admin, request="again") == entries(admin, request="refused") == []


def test_a_record_is_shown_with_what_belongs_to_it(admin: Caller) -> None:
    owner = new(admin, "/v1/organizations", organization())["id"]
    accepted = new_engagement(admin, owner)

    kinds = {each["kind"] for each in entries(admin, record=accepted)}

    assert kinds >= {"application", "interview", "requirement_answer", "decision", "engagement"}
    assert not kinds & {"organization", "expert"}
    assert {each["kind"] for each in entries(admin, record=accepted, kind="decision")} == {
        "decision"
    }


def test_changes_of_keys_and_notices_are_told_to_those_who_may_list_them(
    service: RunningService, admin: Caller
) -> None:
    owner = new(admin, "/v1/organizations", organization())["id"]
    new_engagement(admin, owner)  # its notice waits in the outbox
    service.caller(Role.STAFF)

    def told(role: Role, kind: str) -> bool:
        return bool(entries(service.caller(role), kind=kind))

    assert told(Role.ADMIN, "api_key")
    assert told(Role.STAFF, "notice")
    assert not told(Role.STAFF, "api_key")
    assert not told(Role.PLANNER, "api_key")
    assert not told(Role.PLANNER, "notice")
    assert "notice" not in {each["kind"] for each in entries(service.caller(Role.PLANNER))}


def test_entries_are_found_by_time(admin: Caller) -> None:
    new_expert(admin)
    (newest,) = admin.get("/v1/audit?limit=1").json()["items"]
    assert newest in entries(admin, since="2025-07-13T15:00:00Z", kind=newest["kind"])
    assert newest in entries(admin, since="2025-07-14T00:00:00%2B09:00", kind=newest["kind"])
    assert entries(admin, until="2025-07-13T15:00:00Z") == []


def test_pages_follow_one_another_while_entries_arrive(admin: Caller) -> None:
    made = [new_expert(admin) for _ in range(3)]
    wanted = "kind=expert&limit=2"
    page = admin.get(f"/v1/audit?{wanted}").json()
    seen = page["items"]
    while page["next"] is not None and len(seen) < 12:
        new_expert(admin)
        page = admin.get(f"/v1/audit?{wanted}&cursor={page['next']}").json()
        seen += page["items"]
    ids = [each["id"] for each in seen]
    assert ids == sorted(set(ids), reverse=True)
    created = [each["record_id"] for each in seen if each["action"] == "created"]
    assert created[:3] == made[::-1]


@pytest.mark.parametrize("place", [2**63, -(2**64), 1.5, True, "1", None])
def test_a_cursor_of_no_entry_is_refused(admin: Caller, place: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([place]).encode()).decode().rstrip("=")
    answer = admin.get(f"/v1/audit?cursor={cursor}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=experts", "kind"),
        ("since=2025-07-14", "since"),
        ("until=2025-07-14T00:00:00", "until"),
        ("request=a%20b", "request"),
        ("record=", "record"),
        ("person=K1", "person"),
    ],
)
def test_a_wish_that_is_none_is_refused_by_its_name(admin: Caller, query: str, field: str) -> None:
    for language in ("en", "ja"):
        answer = admin.get(f"/v1/audit?{query}", Accept_Language=language)
        assert answer.status_code == 422
        (problem,) = answer.json()["errors"]
        assert problem["field"] == field
        assert problem["remedy"]


def test_the_address_of_a_calendar_is_in_no_entry(admin: Caller) -> None:
    feed = new(admin, "/v1/feeds", {"owner_kind": "expert", "owner_id": new_expert(admin)})
    rotated = admin.post(f"/v1/feeds/{feed['id']}/rotation").json()

    kept = json.dumps(entries(admin, record=feed["id"]))

    assert [each["action"] for each in json.loads(kept)] == ["changed", "created"]
    assert feed["token"] not in kept
    assert rotated["token"] not in kept
