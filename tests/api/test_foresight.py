"""What a worker computed ahead, as planners read it."""

from __future__ import annotations

import datetime as dt

from matcher.clock import utc_now
from matcher.models import Programme, Role, StoredForecast, StoredRehearsal
from matcher.planning.foreseeing.freshness import Present
from matcher.programme import Words
from tests.api.records import new_expert
from tests.api.service import Caller, RunningService


def rehearsed(
    expert_id: str, engagements_lost: int, sessions_lost: int, moved: int = 0
) -> StoredRehearsal:
    return StoredRehearsal(
        programme_id="tokyo-2024",
        expert_id=expert_id,
        release_number=1,
        day=dt.date(2025, 7, 14),
        ground="-",
        sessions_to_come=5,
        held_times_lost=0,
        undetermined=False,
        reasons=(),
        engagements_lost=engagements_lost,
        sessions_lost=sessions_lost,
        moved=moved,
        lost=("A1",) * engagements_lost,
        shortened=(),
        taken_over=5 - sessions_lost,
        cost=100,
        bound=100,
        proven=True,
        computed_at=utc_now(),
    )


def undetermined(expert_id: str) -> StoredRehearsal:
    figures = ("lost", "shortened", "taken_over", "cost", "bound", "proven")
    kept = rehearsed(expert_id, 0, 0)
    for name in figures:
        setattr(kept, name, None)
    kept.undetermined = True
    kept.reasons = (Words(ja="両立しない派遣があります。", en="Two sessions clash."),)
    return kept


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
                ground=Present.of(db, "tokyo-2024", utc_now()).ground,
                content={"specialties": []},
                computed_at=utc_now(),
            )
        )
        db.commit()
    found = admin.get(path).json()
    assert (found["freshness"], found["forecast"]) == ("current", {"specialties": []})
    for changed, fields in (
        ("records", {"ground": "that of before"}),
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
    experts = [new_expert(admin) for _ in range(5)]
    damages = [(0, 0, 7), (0, 5, 0), (1, 2, 0), (0, 5, 3)]
    with service.database() as db:
        db.add_all(rehearsed(id, *damage) for id, damage in zip(experts[:4], damages, strict=True))
        db.add(undetermined(experts[4]))
        db.commit()
    path = "/v1/rehearsals?programme=tokyo-2024&limit=3"
    first = admin.get(path).json()
    second = admin.get(f"{path}&cursor={first['next']}").json()
    told = [each["expert_id"] for each in first["items"] + second["items"]]
    assert told == [experts[number] for number in (4, 2, 3, 1, 0)]
    assert second["next"] is None
    unknown = first["items"].pop(0)
    assert unknown["reasons"] == [{"ja": "両立しない派遣があります。", "en": "Two sessions clash."}]
    assert {unknown[name] for name in ("lost", "sessions_lost", "moved", "cost")} == {None}
    worst = first["items"][0]["expert"]
    expert = admin.get(f"/v1/experts/{experts[2]}").json()
    assert worst == {name: expert[name] for name in ("id", "name_ja", "name_en")}
    assert service.caller(Role.EXPERT, experts[0]).get(path).status_code == 403
