"""An expert's free and busy times over HTTP, for the office's calendars."""

from __future__ import annotations

from matcher.models import Role
from tests.api.records import new_expert
from tests.api.service import Caller, RunningService


def test_the_office_sees_when_an_expert_is_free(service: RunningService, admin: Caller) -> None:
    expert_id = new_expert(admin)
    window = "since=2025-09-01T00:00:00Z&until=2025-09-02T00:00:00Z"
    answer = service.caller(Role.STAFF).get(f"/v1/experts/{expert_id}/free-busy?{window}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert f"free-busy-{expert_id}.ifb" in answer.headers["Content-Disposition"]
    assert "FBTYPE=BUSY-UNAVAILABLE:20250901T" in answer.text
    assert "FBTYPE=BUSY:" not in answer.text


def test_a_window_that_ends_before_it_starts_is_refused_by_its_field(admin: Caller) -> None:
    expert_id = new_expert(admin)
    window = "since=2025-09-02T00:00:00Z&until=2025-09-01T00:00:00Z"
    answer = admin.get(f"/v1/experts/{expert_id}/free-busy?{window}")
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["until"]


def test_an_expert_sees_the_own_and_nobody_elses(service: RunningService, admin: Caller) -> None:
    own, other = new_expert(admin), new_expert(admin)
    expert = service.caller(Role.EXPERT, own)
    assert expert.get(f"/v1/experts/{own}/free-busy").status_code == 200
    assert expert.get(f"/v1/experts/{other}/free-busy").status_code == 404
