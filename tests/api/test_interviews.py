"""The interview and what surrounds it: whom to call, what it changes, what would come of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from matcher.models import Role
from tests.api.records import accept, application, hours, new, new_expert, organization
from tests.api.service import Caller, RunningService

CALLER = {"caller": "架空 次郎"}


@pytest.fixture
def staff(service: RunningService) -> Caller:
    return service.caller(Role.STAFF)


def submitted(staff: Caller, *, phone: str = "", **wishes: object) -> str:
    """An application of a new organization; gives its path."""
    owner = new(staff, "/v1/organizations", organization(contact_phone=phone))
    record = new(staff, "/v1/applications", application(owner["id"], **wishes))
    return f"/v1/applications/{record['id']}"


def assessed(staff: Caller) -> str:
    path = submitted(staff)
    assert staff.post(f"{path}/assessment").status_code == 200
    return path


def listed(staff: Caller, path: str, query: str = "") -> dict[str, Any] | None:
    """The application as the work list shows it."""
    answer = staff.get(f"/v1/interviews{query}")
    assert answer.status_code == 200, answer.text
    application_id = path.rpartition("/")[2]
    found: list[dict[str, Any]] = answer.json()["items"]
    return next((each for each in found if each["application_id"] == application_id), None)


def test_an_application_is_on_the_work_list_until_it_is_interviewed(staff: Caller) -> None:
    path = submitted(staff, phone="03-0000-0042")
    item = listed(staff, path)
    assert item is not None
    assert (item["state"], item["due_on"]) == ("submitted", "2025-07-22")  # the 21st is a holiday
    assert (item["business_days_left"], item["overdue"]) == (5, False)
    assert item["organization"]["contact_phone"] == "03-0000-0042"
    assert item["organization"]["name_ja"].startswith("架空小売協同組合")
    assert "labor_laws_kept" in [each["id"] for each in item["still_to_ask"]]
    assert all(each["text"]["ja"] and each["text"]["en"] for each in item["still_to_ask"])
    assert staff.post(f"{path}/assessment").status_code == 200
    assert staff.post(f"{path}/interview", CALLER).status_code == 200
    assert listed(staff, path) is None


def test_the_work_list_of_another_programme_is_another(staff: Caller) -> None:
    path = submitted(staff)
    assert listed(staff, path, "?programme=tokyo-2025") is not None
    assert listed(staff, path, "?programme=tokyo-1999") is None


def test_the_work_list_tells_pace_and_forecast(staff: Caller) -> None:
    submitted(staff)
    found = staff.get("/v1/interviews").json()
    assert found["held"] == 0  # nobody called before today: nothing is ever reached
    assert {each["reached_on"] for each in found["items"]} == {None}
    assert all(each["will_be_late"] for each in found["items"])
    assert found["forecast"][-1]["overdue"] == len(found["items"])


def test_an_interview_replaces_the_wishes_that_it_names_and_can_be_corrected(
    staff: Caller,
) -> None:
    path = assessed(staff)
    wishes = {
        "needs": {"hr": 2},
        "session_minutes": [120],
        "delivery": "online",
        "preferred_hours": hours("13:00", "16:00")[:1],
        "absences": [
            {"start_at": "2025-08-12T00:00:00+09:00", "end_at": "2025-08-16T00:00:00+09:00"}
        ],
    }
    before = staff.get(path).json()
    first = staff.post(f"{path}/interview", {**CALLER, "notes": "会報で告知。", **wishes})
    assert first.status_code == 200, first.text
    after = first.json()
    assert {name: after[name] for name in ("needs", "session_minutes", "delivery")} == {
        name: wishes[name] for name in ("needs", "session_minutes", "delivery")
    }
    assert after["weekly_hours"] == before["weekly_hours"]
    assert [each["start_at"] for each in after["absences"]] == ["2025-08-12T00:00:00+09:00"]
    corrected = staff.post(f"{path}/interview", {**CALLER, "absences": []}).json()
    assert corrected["absences"] == []
    assert corrected["needs"] == {"hr": 2}
    assert corrected["interview"]["notes"] == "会報で告知。"
    assert corrected["interview"]["held_at"] == after["interview"]["held_at"]


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"session_minutes": [30]}, "session_minutes"),
        ({"first_wish_day": "2026-03-14"}, "first_wish_day"),
        ({"needs": {}}, "needs"),
        ({"needs": None}, "needs"),
        ({"weekly_hours": []}, "weekly_hours"),
    ],
)
def test_wishes_that_cannot_be_are_refused_by_their_field(
    staff: Caller, wishes: dict[str, object], field: str
) -> None:
    path = assessed(staff)
    refused = staff.post(f"{path}/interview", {**CALLER, **wishes})
    assert refused.status_code == 422, refused.text
    assert [each["field"] for each in refused.json()["errors"]] == [field]
    assert staff.get(path).json()["state"] == "assessed"


def test_a_prospect_is_the_assignment_that_follows_and_ends_with_the_decision(
    staff: Caller,
) -> None:
    new_expert(staff)
    path = submitted(staff)
    prospect = staff.get(f"{path}/prospect")
    assert prospect.status_code == 200, prospect.text
    found = prospect.json()
    assert found["servable"]
    assert found["reasons"] == []
    assert len(found["proposal"]["sessions"]) == 2
    assert found["proposal"]["bound"] <= found["proposal"]["cost"]
    application_id = path.rpartition("/")[2]
    assert staff.get(f"/v1/engagements/{application_id}").status_code == 404

    accept(staff, application_id)
    assignment = f"/v1/engagements/{application_id}/assignment"
    assigned = staff.post(assignment, {"publish": False}).json()
    assert {name: assigned[name] for name in found["proposal"]} == found["proposal"]
    decided = staff.get(f"{path}/prospect")
    assert decided.status_code == 409
    assert decided.json()["state"] == "accepted"


def test_a_prospect_says_in_both_languages_why_an_organization_could_not_be_served(
    staff: Caller,
) -> None:
    path = submitted(staff, last_wish_day="2025-07-18")  # the notice takes until the 22nd
    found = staff.get(f"{path}/prospect").json()
    assert (found["servable"], found["proposal"]) == (False, None)
    (reason,) = found["reasons"]
    assert "No day is left" in reason["en"]
    assert "実施できる日がありません" in reason["ja"]


def test_applications_are_found_by_what_staff_look_for(admin: Caller) -> None:
    """By municipality, by specialty, by the day on which the interview is due."""
    there = new(admin, "/v1/organizations", organization(municipality_code="13421"))["id"]
    body = application(there, needs={"hr": 2})
    found = new(admin, "/v1/applications", body)["id"]
    due_on = admin.get(f"/v1/applications/{found}").json()["interview"]["due_on"]
    after = (dt.date.fromisoformat(due_on) + dt.timedelta(days=1)).isoformat()
    for query, is_found in {
        "municipality=13421": True,
        "municipality=13421&specialty=hr": True,
        "municipality=13421&specialty=labor": False,
        f"municipality=13421&due_before={after}": True,
        f"municipality=13421&due_before={due_on}": False,
        "municipality=13421&submitted_since=2099-01-01T00:00:00Z": False,
        "specialty=hr&limit=200": True,
    }.items():
        items = admin.get(f"/v1/applications?{query}").json()["items"]
        assert (found in [each["id"] for each in items]) == is_found, query
