"""Publishing, outdated plans, and the way back, as two planners do it over HTTP."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from requests import Response
from sqlalchemy.orm import Session as Database

from matcher.database import create_database_engine, session_factory
from matcher.models import ExpertAbsence, Role
from tests.api.service import Caller, RunningService, serving
from tests.matcher import rows
from tests.matcher.planning.plans import Wanted, ready_plan

A1: Wanted = {"A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00"))}
A2: Wanted = {"A2": ("E2", ("2025-10-01T14:00", "2025-10-22T14:00"))}
FIRST = {
    ("A1", 1): "2025-10-01T10:00",
    ("A1", 2): "2025-10-22T10:00",
    ("A2", 1): "2025-10-01T14:00",
    ("A2", 2): "2025-10-22T14:00",
}
MOVED: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00")),
    "A2": ("E2", ("2025-10-01T14:00", "2025-11-05T14:00")),
}


def test_plans_are_published_whole_or_in_part_and_taken_back(
    database_url: str, tmp_path: Path
) -> None:
    with serving(database_url, tmp_path, "--no-worker") as service:
        with opened(service) as db:
            rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
            db.commit()
        planners = service.caller(Role.PLANNER), service.caller(Role.PLANNER)
        _publish_two_at_once(service, planners)
        _publish_the_part_that_an_absence_leaves_alone(service, planners[0])
        _take_it_back(planners[0])
        _take_back_what_is_possible(service, planners[0])
        assert service.caller(Role.STAFF).post(back_to(1), {"note": "戻す"}).status_code == 403
    assert '"level": "error"' not in service.log.read_text()


@contextmanager
def opened(service: RunningService) -> Iterator[Database]:
    """The service's database, from behind, to be committed by who opens it."""
    engine = create_database_engine(service.settings.database_url)
    with session_factory(engine)() as db:
        yield db
    engine.dispose()


def new_plan(service: RunningService, wanted: Wanted, *only: str) -> str:
    """A plan that is ready; gives the path of its publication."""
    with opened(service) as db:
        plan = ready_plan(db, wanted, service.settings.now(), only=only or None)
        return f"/v1/plans/{plan.id}/publication"


def back_to(number: int) -> str:
    return f"/v1/releases/{number}/restoration"


def take_away(service: RunningService, expert_id: str, day: int, month: int) -> None:
    start_at = dt.datetime(2025, month, day, 0, tzinfo=dt.UTC)
    end_at = start_at + dt.timedelta(hours=9)
    with opened(service) as db:
        db.add(ExpertAbsence(expert_id=expert_id, start_at=start_at, end_at=end_at))
        db.commit()


def starts(caller: Caller) -> dict[tuple[str, int], str]:
    sessions = caller.get("/v1/sessions?limit=200").json()["items"]
    return {(each["engagement_id"], each["number"]): each["start_at"][:16] for each in sessions}


def _publish_two_at_once(service: RunningService, planners: tuple[Caller, Caller]) -> None:
    """One wins; the other is told, and publishes then what the first has not touched."""
    paths = [new_plan(service, A1, "A1"), new_plan(service, A2, "A2")]
    start = threading.Barrier(2)

    def publish(planner: Caller, path: str) -> Response:
        start.wait()
        return planner.post(path)

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(publish, planners, paths))
    assert sorted(each.status_code for each in answers) == [201, 409]
    loser = next(n for n, each in enumerate(answers) if each.status_code == 409)
    refusal = answers[loser].json()
    assert (refusal["code"], refusal["untouched"]) == ("plan_outdated", [f"A{loser + 1}"])
    assert "release" in refusal["moved"]
    winner = answers[1 - loser].json()
    assert refusal["newer_release"] == {
        name: winner[name] for name in ("number", "published_by", "published_at")
    }
    assert f"{winner['published_by']} published release 1 on" in refusal["detail"]
    assert refusal["touched"] == []
    part = planners[loser].post(paths[loser], {"part": "untouched", "note": "残り"})
    assert part.status_code == 201, part.text
    assert part.json()["number"] == 2
    assert part.json()["note"].startswith("残り\n")
    assert planners[0].get(part.json()["plan_url"]).json()["state"] == "published"
    assert starts(planners[0]) == FIRST


def _publish_the_part_that_an_absence_leaves_alone(
    service: RunningService, planner: Caller
) -> None:
    path = new_plan(service, MOVED)
    take_away(service, "E2", 5, 11)
    refusal = planner.post(path, Accept_Language="ja").json()
    assert "影響を受けない部分(派遣案件1件)だけ" in refusal["detail"]
    assert refusal["untouched"] == ["A1"]
    assert refusal["touched"] == [
        {
            "engagement_id": "A2",
            "reason": {
                "ja": "専門家E2の都合がつかない日時に派遣があります。",
                "en": "Expert E2 is not free at the time of a session.",
            },
        }
    ]
    published = planner.post(path, {"part": "untouched"})
    assert published.json()["changes"] == {"added": 0, "moved": 1, "dropped": 0}
    assert starts(planner) == FIRST | {("A1", 2): "2025-10-29T10:00"}
    again = planner.post(path, {"part": "untouched"})
    assert (again.status_code, again.json()["code"]) == (409, "nothing_untouched")


def _take_it_back(planner: Caller) -> None:
    assert planner.post(back_to(2), {}).status_code == 422
    assert planner.post(back_to(7), {"note": "戻す"}).status_code == 404
    restored = planner.post(back_to(2), {"note": "戻す"})
    assert restored.status_code == 201, restored.text
    assert starts(planner) == FIRST
    assert (restored.json()["kept"], restored.json()["not_restored"]) == ([], [])
    listed = planner.get("/v1/releases").json()["items"]
    assert [each["changes"] for each in listed] == [
        {"added": 0, "moved": 1, "dropped": 0},
        {"added": 0, "moved": 1, "dropped": 0},
        {"added": 2, "moved": 0, "dropped": 0},
        {"added": 2, "moved": 0, "dropped": 0},
    ]
    assert planner.get(restored.headers["Location"]).json() == listed[0]
    assert listed[0]["published_by"].startswith("tests, planner")
    nothing = planner.post(back_to(2), {"note": "戻す", "part": "possible"}).json()
    assert (nothing["code"], nothing["kept"]) == ("nothing_to_restore", [])


def _take_back_what_is_possible(service: RunningService, planner: Caller) -> None:
    later = MOVED | {"A2": ("E2", ("2025-10-01T14:00", "2025-10-29T14:00"))}
    assert planner.post(new_plan(service, later)).json()["number"] == 5
    take_away(service, "E1", 22, 10)
    refusal = planner.post(back_to(2), {"note": "戻す"})
    assert refusal.json()["code"] == "not_restorable", refusal.text
    (lost,) = refusal.json()["not_restored"]
    assert lost["engagement_id"] == "A1"
    assert lost["reason"]["en"] == "Expert E1 is not free at the time of a session."
    possible = planner.post(back_to(2), {"note": "戻す", "part": "possible"}).json()
    assert possible["not_restored"] == [lost]
    assert starts(planner) == FIRST | {("A1", 2): "2025-10-29T10:00"}
    told = planner.get("/v1/audit?record=A2&kind=session&limit=1").json()["items"][0]
    assert told["operation"] == "releases.restore"
    assert told["before"]["start_at"].startswith("2025-10-29T14:00")
    assert told["after"]["start_at"].startswith("2025-10-22T14:00")
