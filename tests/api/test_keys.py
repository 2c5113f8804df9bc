from __future__ import annotations

from dataclasses import replace

from matcher.models import AuditEntry, Role
from tests.api.records import new, new_expert
from tests.api.service import Caller, RunningService


def keyed(service: RunningService, key: str) -> Caller:
    return replace(service.nobody, headers={"Authorization": f"Bearer {key}"})


def test_an_admin_makes_a_key_and_sees_its_secret_once(
    service: RunningService, admin: Caller
) -> None:
    made = new(admin, "/v1/keys", {"role": "staff", "label": "窓口"})
    assert keyed(service, made["key"]).get("/v1/applications").status_code == 200
    shown = admin.get(f"/v1/keys/{made['id']}")
    assert shown.json() == {name: made[name] for name in made if name != "key"}
    assert shown.json()["state"] == "valid"
    assert made["key"] not in admin.get("/v1/keys?limit=200").text


def test_a_repeated_request_makes_one_key_and_tells_its_secret_no_second_time(
    admin: Caller,
) -> None:
    body = {"role": "planner"}
    first = admin.post("/v1/keys", body, Idempotency_Key="one planner")
    again = admin.post("/v1/keys", body, Idempotency_Key="one planner")
    assert (first.status_code, again.status_code) == (201, 409)
    assert first.headers["Cache-Control"] == "no-store"
    assert "matcher_" not in again.text


def test_a_key_of_an_expert_names_the_expert(service: RunningService, admin: Caller) -> None:
    expert_id = new_expert(admin)
    made = new(admin, "/v1/keys", {"role": "expert", "subject_id": expert_id})
    own = keyed(service, made["key"])
    assert [each["id"] for each in own.get("/v1/experts").json()["items"]] == [expert_id]
    nobody = admin.post("/v1/keys", {"role": "expert", "subject_id": "E0"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")
    without = admin.post("/v1/keys", {"role": "expert"})
    assert (without.status_code, without.json()["errors"][0]["field"]) == (422, "subject")


def test_a_rotated_key_has_another_secret_and_stays_the_same_key(
    service: RunningService, admin: Caller
) -> None:
    made = new(admin, "/v1/keys", {"role": "staff", "label": "before"})
    rotated = admin.post(f"/v1/keys/{made['id']}/rotation").json()
    assert (rotated["id"], rotated["label"]) == (made["id"], "before")
    assert keyed(service, made["key"]).get("/v1/experts").status_code == 401
    assert keyed(service, rotated["key"]).get("/v1/experts").status_code == 200


def test_a_revoked_key_opens_nothing_and_is_not_renewed(
    service: RunningService, admin: Caller
) -> None:
    made = new(admin, "/v1/keys", {"role": "staff"})
    path = f"/v1/keys/{made['id']}"
    assert admin.post(f"{path}/revocation").json()["state"] == "revoked"
    assert keyed(service, made["key"]).get("/v1/experts").status_code == 401
    again = admin.post(f"{path}/rotation")
    assert (again.status_code, again.json()["state"]) == (409, "revoked")
    assert admin.post(f"{path}/revocation").status_code == 409


def test_a_key_does_not_revoke_itself(service: RunningService, admin: Caller) -> None:
    made = new(admin, "/v1/keys", {"role": "admin"})
    own = keyed(service, made["key"])
    assert own.post(f"/v1/keys/{made['id']}/revocation").status_code == 409
    assert own.get("/v1/keys").status_code == 200


def test_an_expired_key_opens_nothing(service: RunningService, admin: Caller) -> None:
    past = {"role": "staff", "expires_at": "2025-07-01T00:00:00+09:00"}
    made = new(admin, "/v1/keys", past)
    assert made["state"] == "expired"
    assert keyed(service, made["key"]).get("/v1/experts").status_code == 401


def test_the_audit_tells_of_keys_and_of_no_secret(service: RunningService, admin: Caller) -> None:
    made = new(admin, "/v1/keys", {"role": Role.STAFF.value})
    admin.post(f"/v1/keys/{made['id']}/rotation")
    with service.database() as db:
        told = [
            entry
            for entry in db.query(AuditEntry).where(AuditEntry.record_id == made["id"])
            if entry.operation
        ]
    assert [entry.operation for entry in told] == ["keys.create", "keys.rotate"]
    secret = made["key"].rsplit("_", 1)[1]
    assert all(secret not in f"{entry.before}{entry.after}" for entry in told)
