from __future__ import annotations

from matcher.models import Role
from tests.api.records import expert, new, new_expert
from tests.api.service import Caller, RunningService


def _with(service: RunningService, key: str) -> Caller:
    return Caller(service.url, {"Authorization": f"Bearer {key}"})


def test_a_key_that_is_made_over_the_api_opens_what_its_role_opens(
    service: RunningService, admin: Caller
) -> None:
    made = admin.post("/v1/keys", {"role": "staff", "label": "受付"})
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    staff = _with(service, made.json()["key"])
    assert staff.get("/v1/applications").status_code == 200
    assert staff.get("/v1/keys").status_code == 403


def test_a_secret_is_in_the_answer_that_made_it_and_nowhere_else(admin: Caller) -> None:
    made = new(admin, "/v1/keys", {"role": "planner", "label": "once"})
    shown = admin.get(f"/v1/keys/{made['id']}").json()
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert (shown["state"], shown["role"], shown["label"]) == ("valid", "planner", "once")
    secret = made["key"].rpartition("_")[2]
    assert secret not in admin.get("/v1/keys?limit=200").text


def test_a_repeated_request_for_a_key_makes_no_second_one_and_shows_no_secret(
    admin: Caller,
) -> None:
    body = {"role": "staff", "label": "asked for twice"}
    assert admin.post("/v1/keys", body, Idempotency_Key="keys-1").status_code == 201
    again = admin.post("/v1/keys", body, Idempotency_Key="keys-1")
    assert (again.status_code, again.json()["code"]) == (409, "secret_shown")
    labels = [each["label"] for each in admin.get("/v1/keys?limit=200").json()["items"]]
    assert labels.count("asked for twice") == 1


def test_a_key_speaks_for_somebody_on_record(service: RunningService, admin: Caller) -> None:
    nobody = admin.post("/v1/keys", {"role": "expert"}, Accept_Language="ja")
    assert nobody.json()["errors"] == [
        {
            "field": "subject_id",
            "detail": "役割「専門家」のキーには必要です",
            "remedy": "専門家または団体のIDを指定してください",
        }
    ]
    expert_id = new_expert(admin)
    made = new(admin, "/v1/keys", {"role": "expert", "subject_id": expert_id})
    own = _with(service, made["key"]).get("/v1/experts").json()["items"]
    assert [each["id"] for each in own] == [expert_id]


def test_a_key_that_would_have_expired_already_is_refused(admin: Caller) -> None:
    answer = admin.post("/v1/keys", {"role": "staff", "expires_at": "2025-01-01T00:00:00+09:00"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "expires_at"


def test_a_rotated_key_keeps_its_id_and_refuses_its_old_secret(
    service: RunningService, admin: Caller
) -> None:
    made = new(admin, "/v1/keys", {"role": "staff", "label": "rotated"})
    rotated = admin.post(f"/v1/keys/{made['id']}/rotation")
    assert rotated.status_code == 200
    assert rotated.headers["Cache-Control"] == "no-store"
    assert (rotated.json()["id"], rotated.json()["label"]) == (made["id"], "rotated")
    assert _with(service, made["key"]).get("/v1/programmes").status_code == 401
    assert _with(service, rotated.json()["key"]).get("/v1/programmes").status_code == 200


def test_a_revoked_key_opens_nothing_and_cannot_be_rotated(
    service: RunningService, admin: Caller
) -> None:
    made = new(admin, "/v1/keys", {"role": "staff"})
    assert admin.post(f"/v1/keys/{made['id']}/revocation").json()["state"] == "revoked"
    assert _with(service, made["key"]).get("/v1/programmes").status_code == 401
    rotation = admin.post(f"/v1/keys/{made['id']}/rotation")
    assert (rotation.status_code, rotation.json()["state"]) == (409, "revoked")
    assert admin.get(f"/v1/keys/{made['id']}").json()["state"] == "revoked"


def test_keys_are_for_admins_alone(service: RunningService) -> None:
    for role in (Role.PLANNER, Role.STAFF):
        assert service.caller(role).post("/v1/keys", {"role": "admin"}).status_code == 403


def test_an_expert_is_no_key(admin: Caller) -> None:
    expert_id = new(admin, "/v1/experts", expert())["id"]
    assert admin.get(f"/v1/keys/{expert_id}").status_code == 404
