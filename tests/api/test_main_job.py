"""The main job through `matcher serve`, as staff, a planner and an expert do it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from matcher.models import Role, load_programme
from tests.api.records import application, expert, hours, new, organization
from tests.api.service import Caller, serving

RUN_LIMIT_SECONDS = 60


def test_an_application_becomes_sessions_in_calendars(database_url: str, tmp_path: Path) -> None:
    with serving(database_url, tmp_path) as service:
        with service.database() as db:
            load_programme(db, "tokyo-2025")
        staff, planner = service.caller(Role.STAFF), service.caller(Role.PLANNER)
        expert_id = _register_expert(staff)
        application_id = _take_application(staff)
        _see_candidates(staff, application_id, expert_id)
        sessions = _assign(staff, application_id, expert_id)
        _read_calendar(service.caller(Role.EXPERT, expert_id), expert_id, sessions)
        waiting = _take_application(staff)
        _plan_the_rest(planner, application_id, waiting)
    assert '"level": "error"' not in service.log.read_text()


def _register_expert(staff: Caller) -> str:
    expert_id: str = new(staff, "/v1/experts", expert())["id"]
    path = f"/v1/experts/{expert_id}/availability"
    state = staff.get(path).headers["ETag"]
    assert staff.ask("PUT", path, {"weekly_hours": hours(), "absences": []}, If_Match=state).ok
    return expert_id


def _take_application(staff: Caller) -> str:
    organization_id = new(staff, "/v1/organizations", organization())["id"]
    submitted = new(staff, "/v1/applications", application(organization_id))
    assert submitted["state"] == "submitted"
    assert submitted["interview"]["due_on"] == "2025-07-22"  # the 21st is a holiday
    path = f"/v1/applications/{submitted['id']}"
    unknown = [
        each["requirement"]["id"]
        for each in staff.get(f"{path}/assessment").json()["findings"]
        if each["answer"] == "unknown"
    ]
    answers = [{"requirement_id": each, "answer": "met"} for each in unknown]
    assessed = staff.post(f"{path}/assessment", {"source": "verified", "answers": answers})
    assert assessed.json()["eligible"]
    interview = {"caller": "架空 次郎", "notes": "会員向けの手引きを作りたい。"}
    interviewed = staff.post(f"{path}/interview", interview)
    assert interviewed.json().get("state") == "interviewed", interviewed.text
    decided = staff.post(f"{path}/decision", {"outcome": "accepted"})
    assert decided.json()["decision"]["outcome"] == "accepted"
    return str(submitted["id"])


def _see_candidates(staff: Caller, engagement_id: str, expert_id: str) -> None:
    found = staff.get(f"/v1/engagements/{engagement_id}/candidates").json()
    assert [each["expert"]["id"] for each in found["ranked"]] == [expert_id]
    assert all(each["text_ja"] and each["text_en"] for each in found["ranked"][0]["reasons"])


def _assign(staff: Caller, engagement_id: str, expert_id: str) -> list[dict[str, Any]]:
    path = f"/v1/engagements/{engagement_id}/assignment"
    proposal = staff.post(path, {"publish": False}).json()
    assert proposal["release"] is None
    assert staff.get("/v1/sessions").json()["items"] == []
    assigned = staff.post(path)
    assert assigned.status_code == 200, assigned.text
    answer = assigned.json()
    assert answer["release"] == 1
    assert answer["expert"]["id"] == expert_id
    assert answer["sessions"] == proposal["sessions"]
    assert answer["bound"] <= answer["cost"]
    sessions: list[dict[str, Any]] = staff.get(f"/v1/sessions?engagement={engagement_id}").json()[
        "items"
    ]
    assert [each["number"] for each in sessions] == [1, 2]
    assert [each["start_at"] for each in sessions] == [
        each["start_at"] for each in answer["sessions"]
    ]
    assert staff.get(f"/v1/engagements/{engagement_id}").json()["state"] == "planned"
    return sessions


def _read_calendar(owner: Caller, expert_id: str, sessions: list[dict[str, Any]]) -> None:
    feed = new(owner, "/v1/feeds", {"owner_kind": "expert", "owner_id": expert_id})
    calendar = Caller("").get(feed["url"])
    assert calendar.headers["Content-Type"] == "text/calendar; charset=utf-8"
    for session in sessions:
        start = session["start_at"].replace("-", "").replace(":", "").removesuffix("+0900")
        assert f"DTSTART;TZID=Asia/Tokyo:{start}" in calendar.text


def _plan_the_rest(planner: Caller, *served: str) -> None:
    run = planner.post("/v1/plans", {"programme_id": "tokyo-2025", "time_limit_seconds": 5})
    assert run.status_code == 202, run.text
    plan = _finished(planner, run.headers["Location"])
    assert plan["state"] == "ready", plan
    assert plan["served"] == 2
    assert plan["bound"] <= plan["cost"]
    assert plan["progress"][-1]["stage"] == "done"
    release = planner.post(f"{run.headers['Location']}/publication", {"note": "見本"})
    assert release.status_code == 201, release.text
    assert release.json()["number"] == 2
    assert planner.get(release.headers["Location"]).json() == release.json()
    for engagement_id in served:
        assert planner.get(f"/v1/engagements/{engagement_id}").json()["state"] == "planned"
    story = planner.get(f"/v1/audit?record={plan['id']}").json()["items"][::-1]
    assert [(each["operation"], each["after"]["state"]) for each in story] == [
        ("plans.start", "queued"),
        ("matcher worker", "solving"),
        ("matcher worker", "ready"),
        ("plans.publish", "published"),
    ]


def _finished(caller: Caller, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + RUN_LIMIT_SECONDS
    while time.monotonic() < deadline:
        plan: dict[str, Any] = caller.get(path).json()
        if plan["state"] not in {"queued", "solving"}:
            return plan
        time.sleep(0.2)
    pytest.fail(f"the run did not end: {plan}")
