from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matcher.models import Role, load_programme
from tests.api.records import application, new, organization
from tests.api.service import Caller, RunningService, serving

PATH = "/v1/programmes/tokyo-2025"


@pytest.fixture(scope="module")
def office(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service whose programme may be changed: 14 July 2025 by its clocks."""
    folder = tmp_path_factory.mktemp("programmes")
    path = shutil.copy(sqlite_template, folder / "matcher.sqlite")
    with serving(f"sqlite:///{path}", folder, "--no-worker") as running:
        yield running


@pytest.fixture
def staff(office: RunningService) -> Caller:
    """Somebody of the office, before a programme as it came."""
    with office.database() as db:
        load_programme(db, "tokyo-2025")
    return office.caller(Role.STAFF)


def edit(caller: Caller, changes: dict[str, Any]) -> Any:
    state = caller.get(PATH).headers["ETag"]
    return caller.ask("PATCH", PATH, {"reason": "申込多数のため", **changes}, If_Match=state)


def apply(caller: Caller) -> str:
    organization_id = new(caller, "/v1/organizations", organization())["id"]
    applied: str = new(caller, "/v1/applications", application(organization_id))["id"]
    return applied


def test_after_the_deadline_is_moved_forward_who_was_in_stays_in_and_nobody_else_comes(
    staff: Caller,
) -> None:
    early = apply(staff)
    moved = edit(staff, {"application_period": {"last_day": "2025-07-11"}})
    assert moved.json()["rules"]["application_period"]["last_day"] == "2025-07-11"
    late = application(new(staff, "/v1/organizations", organization())["id"])
    refused = staff.post("/v1/applications", late)
    assert (refused.status_code, refused.json()["code"]) == (409, "outside_application_period")
    assert refused.json()["last_day"] == "2025-07-11"
    findings = staff.get(f"/v1/applications/{early}/assessment").json()["findings"]
    in_time = next(each for each in findings if each["requirement"]["id"] == "applied_in_period")
    assert in_time["answer"] == "met"


def test_a_closure_moves_the_interviews_that_are_still_to_be_held(staff: Caller) -> None:
    path = f"/v1/applications/{apply(staff)}"
    assert staff.get(path).json()["interview"]["due_on"] == "2025-07-22"
    assert edit(staff, {"closed_days": ["2025-07-16", "2025-07-17"]}).status_code == 200
    assert staff.get(path).json()["interview"]["due_on"] == "2025-07-24"


def test_a_period_that_ends_before_it_begins_is_refused_and_nothing_changes(staff: Caller) -> None:
    before = staff.get(PATH).text
    refused = edit(staff, {"implementation_period": {"last_day": "2025-06-01"}})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "implementation_period.last_day"
    assert staff.get(PATH).text == before


def test_a_change_needs_its_reason_and_the_audit_tells_it(
    office: RunningService, staff: Caller
) -> None:
    state = staff.get(PATH).headers["ETag"]
    without = {"application_period": {"last_day": "2025-12-12"}}
    assert staff.ask("PATCH", PATH, without, If_Match=state).status_code == 422
    assert edit(staff, {**without, "reason": "枠が埋まったため"}).status_code == 200
    entry = staff.get("/v1/audit?kind=programme&limit=1").json()["items"][0]
    assert entry["operation"] == "programmes.edit"
    assert entry["after"]["rules"] == {"application_period": {"last_day": "2025-12-12"}}
    assert entry["after"]["revision_reason"] == "枠が埋まったため"


def test_only_the_office_changes_a_programme(office: RunningService, staff: Caller) -> None:
    organization_id = new(staff, "/v1/organizations", organization())["id"]
    assert edit(office.caller(Role.ORGANIZATION, organization_id), {}).status_code == 403
