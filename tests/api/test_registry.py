"""The two sides of the programme over HTTP: found by filters, recognized when they come twice."""

from __future__ import annotations

import pytest

from matcher.models import Role, new_identifier
from tests.api.records import expert, new, organization
from tests.api.service import Caller, RunningService


def _ids(caller: Caller, path: str) -> list[str]:
    answer = caller.get(path)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def test_an_organization_that_comes_twice_is_recognized(admin: Caller) -> None:
    body = organization()
    first = new(admin, "/v1/organizations", body)
    again = admin.post("/v1/organizations", body)
    assert (again.status_code, again.json()["code"]) == (409, "registered_already")
    assert again.json()["organization_id"] == first["id"]
    alike = body | {"corporate_number": None}
    answer = admin.post("/v1/organizations", alike, Accept_Language="ja")
    assert (answer.status_code, answer.json()["code"]) == (409, "looks_registered_already")
    assert answer.json()["organization_ids"] == [first["id"]]
    assert first["id"] in answer.json()["detail"]
    other = new(admin, "/v1/organizations", alike | {"is_another": True})
    assert [each["code"] for each in other["warnings"]] == ["looks_like_another"]


def test_what_looks_wrong_is_shown_to_the_office_and_nothing_of_others_to_an_organization(
    service: RunningService, admin: Caller
) -> None:
    body = organization(municipality_code="14131", has_manual=True)
    one = new(admin, "/v1/organizations", body)
    assert one["has_manual"] is True
    new(admin, "/v1/organizations", body | {"corporate_number": None, "is_another": True})
    path = f"/v1/organizations/{one['id']}"
    codes = [each["code"] for each in admin.get(path).json()["warnings"]]
    assert codes == ["outside_tokyo", "looks_like_another"]
    own = service.caller(Role.ORGANIZATION, one["id"])
    assert [each["code"] for each in own.get(path).json()["warnings"]] == ["outside_tokyo"]


def test_an_organization_is_edited_in_the_state_that_was_read(admin: Caller) -> None:
    path = f"/v1/organizations/{new(admin, '/v1/organizations', organization())['id']}"
    state = admin.get(path).headers["ETag"]
    answer = admin.ask("PATCH", path, {"has_manual": True}, If_Match=state)
    assert (answer.status_code, answer.json()["has_manual"]) == (200, True)
    assert admin.ask("PATCH", path, {"has_manual": False}, If_Match=state).status_code == 412


def test_organizations_are_found_by_what_is_known_of_them(admin: Caller) -> None:
    industry, name = "energy", new_identifier("name-")
    changes = {"industry": industry, "municipality_code": "13421", "name_en": f"100% {name}"}
    body = organization(**changes)
    wanted = new(admin, "/v1/organizations", body)["id"]
    new(admin, "/v1/organizations", organization())
    for query in (
        f"corporate_number={body['corporate_number']}",
        f"industry={industry}",
        f"municipality=13421&industry={industry}",
        f"name={name.upper()}",
        f"name=100%25 {name}",
    ):
        assert _ids(admin, f"/v1/organizations?{query}") == [wanted]
    assert _ids(admin, f"/v1/organizations?municipality=13101&industry={industry}") == []
    assert _ids(admin, f"/v1/organizations?name=1_0% {name}") == []
    assert admin.get("/v1/organizations?industry=retial").status_code == 422


def test_experts_are_found_by_what_they_can_do(admin: Caller) -> None:
    industry = "waste_disposal"
    one, other = (
        new(
            admin,
            "/v1/experts",
            expert(industries=[industry, "retail"], qualifications=[qualification], **changes),
        )["id"]
        for qualification, changes in (
            ("licensed_psychologist", {"municipality_code": "13104"}),
            ("career_consultant", {"municipality_code": "13201", "active": False}),
        )
    )
    own = f"/v1/experts?industry={industry}"
    assert sorted(_ids(admin, own)) == sorted([one, other])
    for query, found in (
        ("qualification=licensed_psychologist", [one]),
        ("specialty=counseling", [one]),
        ("specialty=hr", [other]),
        ("specialty=labor", []),
        ("active=true", [one]),
        ("active=false", [other]),
        ("municipality=13201", [other]),
    ):
        assert _ids(admin, f"{own}&{query}") == found
    assert _ids(admin, "/v1/experts?industry=energy") == []


@pytest.mark.parametrize("query", ["active=perhaps", "specialty=law", "municipality=1"])
def test_a_filter_that_makes_no_sense_is_refused(admin: Caller, query: str) -> None:
    assert admin.get(f"/v1/experts?{query}").status_code == 422
