"""The changes of plans and releases, as planners and staff ask for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session as Database

from matcher.database import create_database_engine, session_factory
from matcher.models import Release, Role
from tests.api.service import Caller, RunningService, serving
from tests.matcher.planning.published import (
    EVENTFUL,
    LATER,
    eventful_plan,
    publish_first,
    publish_plan,
)


@pytest.fixture(scope="module")
def compared(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service of this module alone."""
    folder = tmp_path_factory.mktemp("compared")
    path = shutil.copy(sqlite_template, folder / "matcher.sqlite")
    with serving(f"sqlite:///{path}", folder, "--no-worker") as running:
        yield running


@contextmanager
def opened(compared: RunningService) -> Iterator[Database]:
    """The service's database, for what commits by itself."""
    engine = create_database_engine(compared.settings.database_url)
    with session_factory(engine)() as db:
        yield db
    engine.dispose()


@pytest.fixture(scope="module")
def plan_id(compared: RunningService) -> str:
    """A plan that changes what is published."""
    with opened(compared) as db:
        publish_first(db)
        return eventful_plan(db).id


@pytest.fixture(scope="module")
def planner(compared: RunningService) -> Caller:
    return compared.caller(Role.PLANNER)


def test_the_changes_of_a_plan_are_told_with_their_reasons(planner: Caller, plan_id: str) -> None:
    answer = planner.get(f"/v1/plans/{plan_id}/changes")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["plan_id"], found["release"], found["against"]) == (plan_id, None, 1)
    assert found["counts"]["moved"] == 1
    assert found["disturbed"] == {"count": 3, "organizations": ["O1", "O2"], "experts": ["E1"]}
    assert [(each["owner_id"], each["subscribed"]) for each in found["unaware"]] == [
        ("O1", False),
        ("O2", False),
        ("E1", False),
    ]
    assert found["ground_moved"] == []
    moved = found["engagements"][0]["sessions"][0]
    assert moved["before"]["start_at"] == "2025-10-22T10:00:00+09:00"
    assert moved["after"]["start_at"] == "2025-10-29T10:00:00+09:00"
    assert moved["sentence_en"] == (
        "Session 2 of A1 (Imaginary Inns) moves from Wed 22 Oct 10:00 to Wed 29 Oct 10:00 "
        "because Ichiro (E1) is away 21–23 Oct."
    )
    assert moved["sentence_ja"].endswith("一郎さん(E1)が10月21日から23日まで不在のためです。")
    total = planner.get(f"/v1/plans/{plan_id}").json()["cost"]
    assert found["cost"]["after"]["total"] == total


def test_staff_may_see_the_changes_and_organizations_may_not(
    compared: RunningService, plan_id: str
) -> None:
    path = f"/v1/plans/{plan_id}/changes"
    assert compared.caller(Role.STAFF).get(path).status_code == 200
    assert compared.caller(Role.ORGANIZATION, "O1").get(path).status_code == 403


def test_a_run_without_a_plan_has_no_changes_yet(planner: Caller, plan_id: str) -> None:
    run = planner.post("/v1/plans", {"programme_id": "tokyo-2025"}).json()["id"]
    answer = planner.get(f"/v1/plans/{run}/changes")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "There is no plan yet: the run is queued."
    assert planner.get("/v1/plans/P404/changes").status_code == 404


def test_releases_are_compared_with_the_one_before_or_another(
    compared: RunningService, planner: Caller, plan_id: str
) -> None:
    with opened(compared) as db:
        release = publish_plan(db, EVENTFUL, LATER)
        published = release.plan_id
    found = planner.get("/v1/releases/2/changes?programme=tokyo-2025").json()
    assert (found["release"], found["against"], found["cost"]) == (2, 1, None)
    assert found["engagements"][0]["sessions"][0]["reasons"][0]["code"] == "expert_busy"
    back = planner.get("/v1/releases/1/changes?against=2").json()
    assert back["counts"]["no_longer_served"] == 1
    assert planner.get("/v1/releases/1/changes?against=9").status_code == 404
    asked = planner.get(f"/v1/plans/{published}/changes")
    assert (asked.status_code, asked.json()["code"]) == (409, "plan_published")
    with compared.database() as db:
        db.get_one(Release, ("tokyo-2025", 1)).snapshot = None
    refused = planner.get("/v1/releases/2/changes")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_snapshot")
