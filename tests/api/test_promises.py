"""The price of stability as a planner asks for it: plans to compare, of which one is published."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

from matcher.database import create_database_engine, session_factory
from matcher.models import ApplicationAbsence, ExpertAbsence, Role
from tests.api.service import Caller, RunningService, serving
from tests.matcher.planning.published import publish_first, wall

PATIENCE_SECONDS = 90


def test_a_planner_sees_what_each_broken_promise_brings_and_chooses(
    database_url: str, tmp_path: Path
) -> None:
    with serving(database_url, tmp_path) as service:
        leave_one_way_out(service)
        planner = service.caller(Role.PLANNER)
        kept = ended(planner, start(planner))
        assert (kept["promises"]["broken"], kept["promises"]["least_broken"]) == (1, 1)
        assert kept["run_id"] is None

        priced = ended(planner, start(planner, promises="price"))
        points = planner.get(f"/v1/plans?run={priced['id']}").json()["items"]
        by_number = {each["promises"]["most_broken"]: each for each in points}
        assert sorted(by_number) == [0, 1]
        assert by_number[1]["id"] == priced["id"]
        assert by_number[0]["run_id"] == priced["id"]
        assert by_number[0]["promises"]["lacking"] > by_number[1]["promises"]["lacking"]

        see_that_nothing_changes(planner, by_number[0])
        chosen = planner.post(f"/v1/plans/{priced['id']}/publication", {"note": "第1案"})
        assert chosen.status_code == 201, chosen.text
        late = planner.post(f"/v1/plans/{by_number[0]['id']}/publication")
        assert late.status_code == 409
        assert "release" in late.json()["moved"]
    assert '"level": "error"' not in service.log.read_text()


def see_that_nothing_changes(planner: Caller, point: dict[str, Any]) -> None:
    """The plan that breaks nothing disturbs nobody; there is nothing of it to publish."""
    changes = planner.get(f"/v1/plans/{point['id']}/changes").json()
    assert changes["disturbed"]["count"] == 0
    assert changes["promises"]["broken"] == 0
    answer = planner.post(f"/v1/plans/{point['id']}/publication", {"note": "変更なし"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "nothing_changes"


def leave_one_way_out(service: RunningService) -> None:
    """A3 can be served by E1 alone, and only if another engagement gives way."""
    engine = create_database_engine(service.settings.database_url)
    with session_factory(engine)() as db:
        publish_first(db)
        for expert, first, after in (
            ("E2", "2025-07-01", "2026-03-31"),
            ("E1", "2025-07-01", "2025-10-01"),
            ("E1", "2025-10-09", "2025-10-22"),
            ("E1", "2025-10-23", "2026-03-31"),
        ):
            start_at, end_at = wall(f"{first}T00:00"), wall(f"{after}T00:00")
            db.add(ExpertAbsence(expert_id=expert, start_at=start_at, end_at=end_at))
        taken = wall("2025-10-08T00:00")
        db.add(
            ApplicationAbsence(
                application_id="A3", start_at=taken, end_at=taken + dt.timedelta(days=1)
            )
        )
        db.commit()
    engine.dispose()


def start(planner: Caller, **terms: object) -> str:
    wanted = {"programme_id": "tokyo-2025", "work_limit": 300, "frozen_days": 0, **terms}
    answer = planner.post("/v1/plans", wanted)
    assert answer.status_code == 202, answer.text
    plan_id: str = answer.json()["id"]
    return plan_id


def ended(planner: Caller, plan_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: dict[str, Any] = planner.get(f"/v1/plans/{plan_id}").json()
        if found["finished_at"]:
            assert found["state"] == "ready", found["error"]
            return found
        assert time.monotonic() < deadline, "it did not end in time"
        time.sleep(0.2)
