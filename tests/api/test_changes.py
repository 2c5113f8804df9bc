"""Changes that touch what others rely on: they are made, and say what follows."""

from __future__ import annotations

import pytest

from matcher.models import Role, load_programme
from tests.api.records import (
    application,
    hours,
    new,
    new_engagement,
    new_expert,
    organization,
)
from tests.api.service import Caller, RunningService

PROGRAMME = "/v1/programmes/tokyo-2025"


@pytest.fixture
def assigned(admin: Caller) -> tuple[str, list[dict[str, object]]]:
    """An expert who alone fits an engagement, and its published sessions."""
    expert_id = new_expert(admin, industries=["fishery"])
    owner = new(admin, "/v1/organizations", organization(industry="fishery"))["id"]
    engagement_id = new_engagement(admin, owner)
    answer = admin.post(f"/v1/engagements/{engagement_id}/assignment")
    expert_id = answer.json()["expert"]["id"]
    sessions = admin.get(f"/v1/sessions?engagement={engagement_id}").json()["items"]
    return expert_id, sessions


def to_replan(caller: Caller, expert_id: str) -> list[dict[str, object]]:
    """What is to be planned again for an expert."""
    answer = caller.get(f"/v1/experts/{expert_id}/sessions-to-replan")
    assert answer.status_code == 200, answer.text
    sessions: list[dict[str, object]] = answer.json()["sessions_to_replan"]
    return sessions


def test_hours_that_leave_out_published_sessions_say_which_and_move_none(
    service: RunningService, admin: Caller, assigned: tuple[str, list[dict[str, object]]]
) -> None:
    expert_id, sessions = assigned
    expert = service.caller(Role.EXPERT, expert_id)
    path = f"/v1/experts/{expert_id}/availability"
    read = expert.get(path)
    none: dict[str, object] = {"weekly_hours": [], "absences": []}
    changed = expert.ask("PUT", path, none, If_Match=read.headers["ETag"])
    assert changed.status_code == 200
    named = {each["id"]: each for each in changed.json()["sessions_to_replan"]}
    for each in sessions:
        assert named[str(each["id"])] == {
            "id": each["id"],
            "engagement_id": each["engagement_id"],
            "number": each["number"],
            "start_at": each["start_at"],
            "reason": {
                "ja": "対応可能時間の外です。",
                "en": "It lies outside the weekly hours.",
            },
        }
        assert admin.get(f"/v1/sessions/{each['id']}").json() == each
    assert changed.headers["ETag"] == expert.get(path).headers["ETag"]
    assert to_replan(expert, expert_id) == changed.json()["sessions_to_replan"]
    full = {"weekly_hours": hours(), "absences": []}
    again = expert.ask("PUT", path, full, If_Match=changed.headers["ETag"])
    assert again.json()["sessions_to_replan"] == []
    assert to_replan(expert, expert_id) == []


def test_what_is_to_be_planned_again_is_shown_to_the_office_and_to_the_expert_alone(
    service: RunningService, admin: Caller, assigned: tuple[str, list[dict[str, object]]]
) -> None:
    expert_id, _ = assigned
    for role in (Role.PLANNER, Role.STAFF):
        assert to_replan(service.caller(role), expert_id) == []
    other = service.caller(Role.EXPERT, new_expert(admin))
    assert other.get(f"/v1/experts/{expert_id}/sessions-to-replan").status_code == 404


def test_an_expert_who_takes_no_more_engagements_has_the_published_ones_named(
    admin: Caller, assigned: tuple[str, list[dict[str, object]]]
) -> None:
    expert_id, sessions = assigned
    path = f"/v1/experts/{expert_id}"
    changed = admin.ask("PATCH", path, {"active": False}, If_Match=admin.get(path).headers["ETag"])
    named = {each["id"] for each in changed.json()["sessions_to_replan"]}
    assert {each["id"] for each in sessions} <= named
    assert {str(each["id"]) for each in to_replan(admin, expert_id)} == named
    admin.ask("PATCH", path, {"active": True}, If_Match=changed.headers["ETag"])


def test_an_expert_edits_nothing_but_hours_and_absences(
    service: RunningService, admin: Caller
) -> None:
    expert_id = new_expert(admin)
    own = service.caller(Role.EXPERT, expert_id)
    answer = own.ask("PATCH", f"/v1/experts/{expert_id}", {"max_total": 1}, If_Match="*")
    assert answer.status_code == 403


def test_staff_move_the_deadline_and_the_texts_follow(
    service: RunningService, admin: Caller
) -> None:
    staff = service.caller(Role.STAFF)
    owner = new(admin, "/v1/organizations", organization())["id"]
    before = new(admin, "/v1/applications", application(owner))
    read = staff.get(PROGRAMME)
    changes = {
        "application_period": {"last_day": "2025-07-13"},
        "closed_days": ["2025-07-18"],
        "reason": "申込多数のため",
    }
    assert staff.ask("PATCH", PROGRAMME, changes).status_code == 428
    try:
        changed = staff.ask("PATCH", PROGRAMME, changes, If_Match=read.headers["ETag"])
        assert changed.status_code == 200, changed.text
        assert changed.json()["interviews_moved"] >= 1
        assert changed.json()["engagements_ending_later"] == 0
        rules = changed.json()["rules"]
        assert [each["reason"] for each in rules["revisions"]] == ["申込多数のため"]
        assert changed.headers["ETag"] == staff.get(PROGRAMME).headers["ETag"]
        late = staff.ask("PATCH", PROGRAMME, changes, If_Match=read.headers["ETag"])
        assert (late.status_code, late.json()["current"]["rules"]) == (412, rules)
        other = new(admin, "/v1/organizations", organization())["id"]
        refused = admin.post("/v1/applications", application(other))
        assert refused.json()["code"] == "outside_application_period"
        assert refused.json()["last_day"] == "2025-07-13"
        findings = admin.get(f"/v1/applications/{before['id']}/assessment").json()["findings"]
        in_period = next(
            each for each in findings if each["requirement"]["id"] == "applied_in_period"
        )
        assert in_period["answer"] == "met"
        assert "2025年7月13日まで" in in_period["requirement"]["text"]["ja"]
        assert "July 13, 2025" in in_period["requirement"]["text"]["en"]
    finally:
        with service.database() as db:
            load_programme(db, "tokyo-2025")  # for the tests that share this service


def test_staff_name_the_office_and_the_letters_say_how_to_reach_it(
    service: RunningService, admin: Caller
) -> None:
    office = {
        "name": {"ja": "架空派遣事務局", "en": "Imaginary Dispatch Office"},
        "telephone": "03-0000-0000",
        "email": "office@dispatch.example.jp",
        "hours": None,
    }
    staff = service.caller(Role.STAFF)
    assert staff.get(PROGRAMME).json()["rules"]["office"] is None
    state = staff.get(PROGRAMME).headers["ETag"]
    changes = {"office": office, "reason": "窓口の開設"}
    named = staff.ask("PATCH", PROGRAMME, changes, If_Match=state)
    try:
        assert named.json()["rules"]["office"] == office
        owner = new(admin, "/v1/organizations", organization())["id"]
        engagement_id = new_engagement(admin, owner)
        letter = staff.get(f"/v1/notices?application={engagement_id}").json()["items"][0]
        page = staff.get(f"/v1/notices/{letter['id']}/document?language=en").text
        assert "Telephone: 03-0000-0000" in page
    finally:
        none = {"office": None, "reason": "窓口の閉鎖"}
        gone = staff.ask("PATCH", PROGRAMME, none, If_Match=named.headers["ETag"])
    assert gone.json()["rules"]["office"] is None


def test_an_office_without_a_number_is_refused_by_its_field(admin: Caller) -> None:
    office = {"name": {"ja": "事務局", "en": "Office"}, "telephone": "", "email": "a@example.jp"}
    answer = admin.ask("PATCH", PROGRAMME, {"office": office, "reason": "誤り"}, If_Match="*")
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["office.telephone"]


def test_a_period_that_ends_before_it_begins_is_refused_by_its_field(admin: Caller) -> None:
    changes = {"application_period": {"last_day": "2025-06-01"}, "reason": "誤り"}
    state = admin.get(PROGRAMME).headers["ETag"]
    answer = admin.ask("PATCH", PROGRAMME, changes, If_Match=state, Accept_Language="ja")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "application_period.last_day",
            "detail": "初日(2025-06-30)より前です",
            "remedy": "初日以降の日を指定してください",
        }
    ]
