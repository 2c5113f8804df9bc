"""What a worker computed ahead, as planners read it."""

from __future__ import annotations

import datetime as dt

from matcher.clock import utc_now
from matcher.models import Programme, Role, StoredForecast, StoredRehearsal
from tests.api.records import new_expert
from tests.api.service import Caller, RunningService

AFTER_ALL_CHANGES = utc_now() + dt.timedelta(days=1)
"""When it was computed: no record has changed since."""


def rehearsed(expert_id: str, sessions_lost: int) -> StoredRehearsal:
    return StoredRehearsal(
        programme_id="tokyo-2024",
        expert_id=expert_id,
        release_number=1,
        day=dt.date(2025, 7, 14),
        sessions_to_come=5,
        lost=("A1",) if sessions_lost else (),
        shortened=(),
        sessions_lost=sessions_lost,
        moved=0,
        taken_over=5 - sessions_lost,
        held_times_lost=0,
        cost=100,
        bound=100,
        proven=True,
        computed_at=AFTER_ALL_CHANGES,
    )


def add_another_year(service: RunningService) -> None:
    with service.database() as db:
        rules = db.get_one(Programme, "tokyo-2025").rules
        db.merge(Programme(id="tokyo-2024", rules=rules))
        db.commit()


def test_a_forecast_says_whether_it_is_there_and_of_today(
    service: RunningService, admin: Caller
) -> None:
    add_another_year(service)
    path = "/v1/forecast?programme=tokyo-2024"
    assert admin.get(path).json()["freshness"] == "missing"
    with service.database() as db:
        db.add(
            StoredForecast(
                programme_id="tokyo-2024",
                release_number=0,
                day=dt.date(2025, 7, 14),
                content={"specialties": []},
                computed_at=AFTER_ALL_CHANGES,
            )
        )
        db.commit()
    found = admin.get(path).json()
    assert (found["freshness"], found["forecast"]) == ("current", {"specialties": []})
    for changed, fields in (
        ("records", {"computed_at": dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC)}),
        ("day", {"day": dt.date(2025, 7, 13)}),
        ("release", {"release_number": 3}),
    ):
        with service.database() as db:
            kept = db.get_one(StoredForecast, "tokyo-2024")
            for name, value in fields.items():
                setattr(kept, name, value)
            db.commit()
        found = admin.get(path).json()
        assert (found["freshness"], found["changed"]) == ("outdated", changed)
    assert admin.get("/v1/forecast?programme=tokyo-1999").status_code == 422
    assert admin.get("/v1/forecast").status_code == 422


def test_rehearsals_come_the_worst_first_and_page_by_page(
    service: RunningService, admin: Caller
) -> None:
    add_another_year(service)
    experts = [new_expert(admin) for _ in range(3)]
    with service.database() as db:
        db.add_all(rehearsed(id, lost) for id, lost in zip(experts, (0, 5, 2), strict=True))
        db.commit()
    path = "/v1/rehearsals?programme=tokyo-2024&limit=2"
    first = admin.get(path).json()
    second = admin.get(f"{path}&cursor={first['next']}").json()
    told = [(each["expert_id"], each["sessions_lost"]) for each in first["items"] + second["items"]]
    assert told == [(experts[1], 5), (experts[2], 2), (experts[0], 0)]
    assert second["next"] is None
    worst = first["items"][0]["expert"]
    expert = admin.get(f"/v1/experts/{experts[1]}").json()
    assert worst == {name: expert[name] for name in ("id", "name_ja", "name_en")}
    assert service.caller(Role.EXPERT, experts[0]).get(path).status_code == 403
