from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api import create_app
from api.identity import OPEN_OPERATIONS
from api.service import Service
from matcher.access import PERMISSIONS, Reach
from matcher.models import Role
from matcher.settings import Settings
from tests.api.records import application, new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService


@dataclass(frozen=True)
class Route:
    """A method and an address that the service answers, and the operation it is."""

    operation: str
    method: str
    path: str


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    app = create_app(Settings(database_url=sqlite_url, data_directory=tmp_path))
    yield app
    app.extensions["matcher"].close()


def test_each_operation_has_its_row_in_the_permissions_or_is_open(app: Service) -> None:
    operations = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert operations == set(PERMISSIONS) | OPEN_OPERATIONS


def test_each_route_is_refused_without_a_key_and_to_each_role_that_has_no_part_in_it(
    app: Service, service: RunningService
) -> None:
    experts = [new_expert(service.caller(Role.ADMIN))]
    organizations = [new(service.caller(Role.ADMIN), "/v1/organizations", organization())["id"]]
    subjects = {Role.EXPERT: experts[0], Role.ORGANIZATION: organizations[0]}
    callers = {role: service.caller(role, subjects.get(role)) for role in Role}
    for route in _routes(app):
        body: dict[str, object] | None = None if route.method == "GET" else {}
        assert service.nobody.ask(route.method, route.path, body).status_code == 401, route
        for role, caller in callers.items():
            answer = caller.ask(route.method, route.path, body)
            if PERMISSIONS[route.operation][role] is Reach.NONE:
                assert answer.status_code == 403, (route, role)
                assert answer.json()["code"] == "forbidden"
            else:
                # 415: it takes a file, and no JSON.
                allowed = {200, 404, 415, 422, 428}
                assert answer.status_code in allowed, (route, role, answer.text)


@pytest.fixture(scope="module")
def two_sides(service: RunningService) -> Mapping[str, Any]:
    """One engagement that is assigned, and the keys of those who have no part in it."""
    admin = service.caller(Role.ADMIN)
    industry = "agriculture"  # so that nobody else of this service fits as well
    expert_id, other_id = new_expert(admin, industries=[industry]), new_expert(admin)
    own, other = (
        new(admin, "/v1/organizations", organization(industry=each))["id"]
        for each in (industry, "retail")
    )
    engagement_id = new_engagement(admin, own)
    assigned = admin.post(f"/v1/engagements/{engagement_id}/assignment")
    assert assigned.json()["expert"]["id"] == expert_id
    return {
        "engagement": engagement_id,
        "expert": service.caller(Role.EXPERT, expert_id),
        "expert_id": expert_id,
        "other_expert": service.caller(Role.EXPERT, other_id),
        "organization": service.caller(Role.ORGANIZATION, own),
        "organization_id": own,
        "other_organization": service.caller(Role.ORGANIZATION, other),
        "other_organization_id": other,
    }


@pytest.mark.parametrize("role", ["expert", "organization"])
def test_an_expert_and_an_organization_see_their_own_sessions_and_no_others(
    two_sides: Mapping[str, Any], role: str
) -> None:
    own: Caller = two_sides[role]
    other: Caller = two_sides[f"other_{role}"]
    sessions = own.get("/v1/sessions").json()["items"]
    assert [each["engagement_id"] for each in sessions] == [two_sides["engagement"]] * 2
    assert other.get("/v1/sessions").json()["items"] == []
    for path in (
        f"/v1/sessions/{sessions[0]['id']}",
        f"/v1/engagements/{two_sides['engagement']}",
    ):
        assert own.get(path).status_code == 200
        assert other.get(path).status_code == 404


def test_an_expert_sees_no_other_expert_and_sets_nobody_elses_hours(
    two_sides: Mapping[str, Any],
) -> None:
    other: Caller = two_sides["other_expert"]
    path = f"/v1/experts/{two_sides['expert_id']}"
    assert other.get(path).status_code == 404
    assert len(other.get("/v1/experts").json()["items"]) == 1
    hours: dict[str, list[object]] = {"weekly_hours": [], "absences": []}
    assert other.ask("PUT", f"{path}/availability", hours, If_Match='"x"').status_code == 404


def test_an_organization_applies_for_itself_only_and_not_before_others(
    two_sides: Mapping[str, Any],
) -> None:
    other: Caller = two_sides["other_organization"]
    for_another = application(two_sides["organization_id"])
    assert other.post("/v1/applications", for_another).status_code == 403
    heavy = application(two_sides["other_organization_id"], weight=5)
    assert other.post("/v1/applications", heavy).status_code == 403
    plain = application(two_sides["other_organization_id"])
    assert other.post("/v1/applications", plain).status_code == 201


def test_nobody_makes_a_feed_of_somebody_elses_calendar(two_sides: Mapping[str, Any]) -> None:
    feed = {"owner_kind": "expert", "owner_id": two_sides["expert_id"]}
    assert two_sides["other_expert"].post("/v1/feeds", feed).status_code == 404
    assert two_sides["organization"].post("/v1/feeds", feed).status_code == 404
    assert two_sides["expert"].post("/v1/feeds", feed).status_code == 201


def _routes(app: Service) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN_OPERATIONS:
            continue
        path = rule.rule.replace("<number>", "1")
        for argument in rule.arguments:
            path = path.replace(f"<{argument}>", "nothing-there")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(rule.endpoint, method, path)


def test_what_the_office_notes_of_an_interview_is_for_the_office_alone(
    service: RunningService, two_sides: Mapping[str, Any]
) -> None:
    path = f"/v1/applications/{two_sides['engagement']}"
    for_office = service.caller(Role.STAFF).get(path).json()
    own = two_sides["organization"].get(path).json()
    assert for_office["interview"]["notes"] is not None
    assert (for_office["weight"], own["weight"]) == (1, None)
    assert own == {
        **for_office,
        "weight": None,
        "interview": {**for_office["interview"], "notes": None},
        "decision": {**for_office["decision"], "decided_by": None},
    }
