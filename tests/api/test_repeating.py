"""Asking twice: the same request again, two who edit at once, one page after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from matcher.models import Role
from tests.api.records import (
    application,
    expert,
    hours,
    new,
    new_engagement,
    new_expert,
    organization,
)
from tests.api.service import Caller, RunningService


def test_a_request_repeated_under_its_key_is_answered_as_before_and_done_once(
    admin: Caller,
) -> None:
    body = expert(name_en="Repeated")
    first = admin.post("/v1/experts", body, Idempotency_Key="one")
    again = admin.post("/v1/experts", body, Idempotency_Key="one")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    items = admin.get("/v1/experts?limit=200").json()["items"]
    assert [each["name_en"] for each in items].count("Repeated") == 1


def test_a_key_used_for_another_request_is_refused(admin: Caller) -> None:
    assert admin.post("/v1/experts", expert(), Idempotency_Key="two").status_code == 201
    other = admin.post("/v1/experts", expert(), Idempotency_Key="two")
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_request_that_failed_may_be_repeated_corrected_under_its_key(admin: Caller) -> None:
    assert admin.post("/v1/experts", {}, Idempotency_Key="three").status_code == 422
    assert admin.post("/v1/experts", expert(), Idempotency_Key="three").status_code == 201


def test_two_callers_never_meet_in_one_key(service: RunningService, admin: Caller) -> None:
    body = expert()
    first = admin.post("/v1/experts", body, Idempotency_Key="four")
    other = service.caller(Role.STAFF).post("/v1/experts", expert(), Idempotency_Key="four")
    assert first.json()["id"] != other.json()["id"]


def test_of_equal_requests_at_one_moment_one_is_done(admin: Caller) -> None:
    body = expert(name_en="Racing")

    def post(_: int) -> int:
        return admin.post("/v1/experts", body, Idempotency_Key="five").status_code

    with ThreadPoolExecutor(4) as callers:
        statuses = list(callers.map(post, range(4)))
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    items = admin.get("/v1/experts?limit=200").json()["items"]
    assert [each["name_en"] for each in items].count("Racing") == 1


def test_a_secret_is_shown_once_even_under_an_idempotency_key(admin: Caller) -> None:
    feed = {"owner_kind": "expert", "owner_id": new_expert(admin)}
    assert admin.post("/v1/feeds", feed, Idempotency_Key="six").status_code == 201
    again = admin.post("/v1/feeds", feed, Idempotency_Key="six")
    assert again.status_code == 409
    assert again.json()["code"] == "secret_shown"


@pytest.mark.parametrize("key", ["", "a" * 256, "two words"])
def test_a_key_that_is_none_is_refused(admin: Caller, key: str) -> None:
    assert admin.post("/v1/experts", expert(), Idempotency_Key=key).status_code == 422


def test_a_change_needs_the_state_it_was_made_to(admin: Caller) -> None:
    path = f"/v1/organizations/{new(admin, '/v1/organizations', organization())['id']}"
    state = admin.get(path).headers["ETag"]
    assert admin.ask("PATCH", path, {"contact_name": "一郎"}).status_code == 428
    changed = admin.ask("PATCH", path, {"contact_name": "一郎"}, If_Match=state)
    assert changed.json()["contact_name"] == "一郎"
    late = admin.ask("PATCH", path, {"contact_name": "二郎"}, If_Match=state)
    assert late.status_code == 412
    assert late.json()["current"] == changed.json()
    assert late.headers["ETag"] == changed.headers["ETag"]
    assert admin.get(path).headers["ETag"] == changed.headers["ETag"]
    assert admin.get(path).json()["contact_name"] == "一郎"


def test_a_change_leaves_what_it_does_not_name(admin: Caller) -> None:
    before = new(admin, "/v1/experts", expert())
    path = f"/v1/experts/{before['id']}"
    state = admin.get(path).headers["ETag"]
    after = admin.ask("PATCH", path, {"max_per_week": 1}, If_Match=state)
    assert after.json() == {**before, "max_per_week": 1, "sessions_to_replan": []}
    assert after.headers["ETag"] == admin.get(path).headers["ETag"]
    null = admin.ask("PATCH", path, {"name_ja": None}, If_Match=after.headers["ETag"])
    assert null.status_code == 422


def test_conflicts_of_interest_are_replaced_whole(admin: Caller) -> None:
    one, two = (new(admin, "/v1/organizations", organization())["id"] for _ in range(2))
    conflicts = [{"organization_id": one, "reason": "顧問契約がある"}]
    made = new(admin, "/v1/experts", expert(conflicts=conflicts))
    assert made["conflicts"] == conflicts
    path = f"/v1/experts/{made['id']}"
    for wanted in (
        [
            {"organization_id": one, "reason": "親族がいる"},
            {"organization_id": two, "reason": "役員"},
        ],
        [{"organization_id": two, "reason": "役員"}],
        [],
    ):
        state = admin.get(path).headers["ETag"]
        answer = admin.ask("PATCH", path, {"conflicts": wanted}, If_Match=state)
        assert sorted(answer.json()["conflicts"], key=str) == sorted(wanted, key=str)


def test_of_two_who_set_the_same_hours_one_is_told(admin: Caller) -> None:
    path = f"/v1/experts/{new_expert(admin)}/availability"
    state = admin.get(path).headers["ETag"]

    def put(opens: str) -> int:
        body = {"weekly_hours": hours(opens), "absences": []}
        return admin.ask("PUT", path, body, If_Match=state).status_code

    with ThreadPoolExecutor(2) as callers:
        assert sorted(callers.map(put, ["10:00", "11:00"])) == [200, 412]


def test_absences_are_kept_and_shown_in_tokyo(admin: Caller) -> None:
    path = f"/v1/experts/{new_expert(admin)}/availability"
    absence = {
        "start_at": "2025-08-11T15:00:00Z",
        "end_at": "2025-08-15T15:00:00Z",
        "reason": "休暇",
    }
    state = admin.get(path).headers["ETag"]
    admin.ask("PUT", path, {"weekly_hours": hours(), "absences": [absence]}, If_Match=state)
    assert admin.get(path).json()["absences"] == [
        {
            "start_at": "2025-08-12T00:00:00+09:00",
            "end_at": "2025-08-16T00:00:00+09:00",
            "reason": "休暇",
        }
    ]


def test_what_has_not_changed_is_not_sent_again(admin: Caller) -> None:
    first = admin.get("/v1/programmes")
    again = admin.get("/v1/programmes", If_None_Match=first.headers["ETag"])
    assert again.status_code == 304
    assert again.content == b""


def test_assignments_asked_for_at_once_are_all_made(admin: Caller) -> None:
    new_expert(admin)
    owners = [new(admin, "/v1/organizations", organization())["id"] for _ in range(3)]
    paths = [f"/v1/engagements/{new_engagement(admin, each)}/assignment" for each in owners]
    with ThreadPoolExecutor(3) as callers:
        answers = list(callers.map(admin.post, paths))
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert len({each.json()["release"] for each in answers}) == 3


def _pages(caller: Caller, path: str) -> list[str]:
    """The ids of a list, read two at a time."""
    seen: list[str] = []
    cursor = ""
    while True:
        page = caller.get(f"{path}?limit=2&cursor={cursor}").json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return seen


def test_pages_follow_one_another_without_gap_or_repetition(admin: Caller) -> None:
    made = {new(admin, "/v1/organizations", organization())["id"] for _ in range(5)}
    seen = _pages(admin, "/v1/organizations")
    assert seen == sorted(set(seen))
    assert made <= set(seen)


def test_pages_of_a_list_in_order_of_time_follow_one_another_too(admin: Caller) -> None:
    owners = [new(admin, "/v1/organizations", organization())["id"] for _ in range(5)]
    made = [new(admin, "/v1/applications", application(each))["id"] for each in owners]
    seen = _pages(admin, "/v1/applications")
    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in made] == made


def test_pages_of_a_list_that_begins_with_the_newest_follow_one_another_too(admin: Caller) -> None:
    run = {"programme_id": "tokyo-2025"}
    made = [admin.post("/v1/plans", run).json()["id"] for _ in range(5)]
    seen = _pages(admin, "/v1/plans")
    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in made] == made[::-1]


@pytest.mark.parametrize("cursor", ["nonsense", "WzFd", "W10", "bnVsbA", "WyJcdTAwMDAiXQ"])
def test_a_cursor_from_nowhere_is_refused(admin: Caller, cursor: str) -> None:
    answer = admin.get(f"/v1/organizations?cursor={cursor}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"
