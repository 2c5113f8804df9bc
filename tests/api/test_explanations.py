"""Why an engagement has no more sessions, as a planner and as the organization read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from matcher.models import Role
from tests.api.records import new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService


@pytest.fixture(scope="module")
def office(service: RunningService) -> Mapping[str, Any]:
    """An engagement that waits and one that is assigned, of two organizations."""
    admin = service.caller(Role.ADMIN)
    industry = "fishery"
    expert_id = new_expert(admin, industries=[industry])
    own, other = (
        new(admin, "/v1/organizations", organization(industry=industry))["id"] for _ in range(2)
    )
    waiting, served = new_engagement(admin, own), new_engagement(admin, other)
    assert admin.post(f"/v1/engagements/{served}/assignment").status_code == 200
    (notice,) = admin.get(f"/v1/notices?application={waiting}").json()["items"]
    assert admin.post(f"/v1/notices/{notice['id']}/release").status_code == 200
    return {
        "waiting": waiting,
        "served": served,
        "expert_id": expert_id,
        "planner": service.caller(Role.PLANNER),
        "organization": service.caller(Role.ORGANIZATION, own),
    }


def explained(caller: Caller, engagement_id: str, query: str = "") -> dict[str, Any]:
    answer = caller.get(f"/v1/engagements/{engagement_id}/explanation{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_planner_reads_who_could_come_and_when(office: Mapping[str, Any]) -> None:
    found = explained(office["planner"], office["waiting"], "?seconds=1")
    assert (found["voice"], found["answer"]) == ("planner", "room")
    assert (found["served"], found["wanted"]) == (0, 2)
    own = next(each for each in found["candidates"] if each["expert_id"] == office["expert_id"])
    assert len(own["earliest"]) == 2
    assert own["barred_by"] is None
    offer = next(each for each in found["remedies"] if each["change"] == "place_now")
    assert offer["consent"] == "nobody"
    assigned = office["planner"].post(
        f"/v1/engagements/{office['waiting']}/assignment", {"publish": False}
    )
    assert [each["start_at"] for each in assigned.json()["sessions"]] == offer["starts"]


def test_an_engagement_with_all_its_sessions_is_served(office: Mapping[str, Any]) -> None:
    found = explained(office["planner"], office["served"])
    assert (found["answer"], found["remedies"], found["candidates"]) == ("served", [], [])


def test_an_organization_reads_its_own_and_of_nobody_else(office: Mapping[str, Any]) -> None:
    caller: Caller = office["organization"]
    found = explained(caller, office["waiting"])
    assert found["voice"] == "organization"
    assert found["sentences"][0]["ja"].startswith("貴団体")
    assert (found["candidates"], found["displaced"], found["room"]) == ([], [], None)
    assert all(each["cost"] is None for each in found["remedies"])
    text = str(found)
    assert office["expert_id"] not in text
    assert office["served"] not in text
    path = f"/v1/engagements/{office['waiting']}/explanation?voice=planner"
    assert caller.get(path).status_code == 403
    assert caller.get(f"/v1/engagements/{office['served']}/explanation").status_code == 404


def test_the_office_may_read_what_can_be_sent_to_an_organization(
    office: Mapping[str, Any],
) -> None:
    query = "?voice=organization"
    for_office = explained(office["planner"], office["waiting"], query)
    assert for_office == explained(office["organization"], office["waiting"])


def test_candidates_come_with_their_earliest_complete_schedule(office: Mapping[str, Any]) -> None:
    ranked = (
        office["planner"].get(f"/v1/engagements/{office['waiting']}/candidates").json()["ranked"]
    )
    own = next(each for each in ranked if each["expert"]["id"] == office["expert_id"])
    assert own["sessions"] == len(own["earliest"]) == 2
    assert own["earliest"] == sorted(own["earliest"])
