"""Makes instances of problem/1 like the shared ones, of any size and tightness."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matcher.business_days import national_holidays
from matcher.geography import MUNICIPALITIES, Area, travel_minutes
from solver import Parameters, Plan, Problem, ProblemFile, solve

Record = dict[str, Any]

FIRST_DAY, LAST_DAY = dt.date(2025, 7, 15), dt.date(2026, 3, 13)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
SPECIALTIES = ("labor", "sme", "counseling", "hr")
CENTRE = ("13101", "13103", "13104", "13113", "13102")
"""Where most organizations have their office: Chiyoda, Minato, Shinjuku, Shibuya, Chuo."""

EXPERT_HOURS = (("09:30", "17:30"), ("09:30", "17:30"), ("13:00", "18:00"), ("09:30", "12:30"))
ORGANIZATION_HOURS = (
    ("10:00", "17:00"),
    ("10:00", "17:00"),
    ("13:30", "17:30"),
    ("10:00", "12:00"),
)
BUSY_HOURS = (("00:00", "23:59"), ("13:00", "15:30"), ("09:30", "12:30"), ("15:30", "18:00"))
SECONDS_FOR_THE_PUBLISHED_PLAN = 20.0
WEIGHTS = {
    "unserved": 2000,
    "dropped_session": 1000,
    "match": 1,
    "off_preference": 10,
    "travel_per_10_minutes": 1,
    "wait_per_day": 1,
    "gap_per_day": 1,
    "overload": 5,
    "move": 40,
    "change_expert": 400,
}


@dataclass(frozen=True)
class Shape:
    """What an instance is like."""

    engagements: int = 60
    experts: int = 24
    seed: int = 0
    tightness: float = 0.76
    """Sessions wanted for each that the experts may hold: 0.76 is comfortable, 0.97 tight."""
    regions: int = 1
    """Parts of the country; an expert serves the engagements of one."""
    open_days: int = 3
    """Weekdays on which an expert works, on average, 1 to 4; the other axis of scarcity."""
    least_gap_days: int | None = None
    """The least gap between sessions, None for 7, 10 or 14 at random."""
    held_until: dt.date | None = None
    """A later day in the year: sessions before it are held and the rest is published; then
    two experts fall ill for four weeks, and some organizations ask for another expert."""


def generate(shape: Shape) -> Problem:
    """Make the instance of a shape; the same shape, the same instance, unless it is replanned."""
    chance = random.Random(shape.seed)  # noqa: S311  no secret
    places = [code for code, each in MUNICIPALITIES.items() if each.area is not Area.ISLANDS]
    engagements = [_engagement(chance, shape, places, n) for n in range(shape.engagements)]
    wanted = sum(len(engagement["durations"]) for engagement in engagements)
    each = wanted / shape.tightness / shape.experts
    experts = [_expert(chance, shape, places, number, each) for number in range(shape.experts)]
    specialties = {expert["id"]: chance.sample(SPECIALTIES, 2) for expert in experts}
    for number, engagement in enumerate(engagements):
        near = experts[number % shape.regions :: shape.regions]
        needs = chance.sample(SPECIALTIES, 2)
        engagement["candidates"] = list(_candidates(chance, near, specialties, needs))
    problem = Problem.model_validate(
        {
            "format": "problem/1",
            "name": f"generated-{shape.engagements}-{shape.experts}-{shape.seed}",
            "calendar": {
                "first_day": str(FIRST_DAY),
                "last_day": str(LAST_DAY),
                "timezone": "Asia/Tokyo",
                "slot_minutes": 30,
                "closed_days": [str(day) for day in _closed_days()],
            },
            "experts": experts,
            "engagements": engagements,
            "travel_minutes": {
                "places": places,
                "minutes": [[travel_minutes(one, other) for other in places] for one in places],
            },
            "weights": WEIGHTS,
        }
    )
    return _replanned(problem, shape.held_until, chance) if shape.held_until else problem


def _expert(
    chance: random.Random, shape: Shape, places: list[str], number: int, sessions: float
) -> Record:
    most = max(1, round(sessions * chance.uniform(0.6, 1.4)))
    count = min(5, max(1, shape.open_days + chance.choice((-1, 0, 0, 1))))
    days = sorted(chance.sample(WEEKDAYS, count), key=WEEKDAYS.index)
    hours = [[day, *chance.choice(EXPERT_HOURS)] for day in days]
    return {
        "id": f"E{number + 1:05d}",
        "open": hours,
        "busy": [list(busy) for busy in _busy(chance, 0.2, days)],
        "max_per_day": chance.choice((1, 2, 2, 3)),
        "max_per_week": chance.randint(2, 5),
        "max_total": most,
        "target_total": max(1, int(most * 0.78)),
        "place": chance.choice(places),
    }


def _engagement(chance: random.Random, shape: Shape, places: list[str], number: int) -> Record:
    days = sorted(chance.sample(WEEKDAYS, chance.choice((2, 3, 3, 4))), key=WEEKDAYS.index)
    least = shape.least_gap_days or chance.choice((7, 10, 14, 14))
    target = least + chance.choice((4, 7, 10))
    on_site = chance.random() < 0.75
    return {
        "id": f"A{number + 1:05d}",
        "weight": 1,
        "earliest": str(FIRST_DAY + dt.timedelta(days=int(190 * chance.random() ** 1.4))),
        "latest": str(LAST_DAY),
        "durations": chance.choices((60, 90, 120), k=chance.choice((2, 3, 4, 4, 5, 5, 5))),
        "min_gap_days": least,
        "target_gap_days": target,
        "max_gap_days": target + chance.choice((10, 14, 21)),
        "open": [[day, *chance.choice(ORGANIZATION_HOURS)] for day in days],
        "preferred": [[day, "13:30", "17:00"] for day in days if chance.random() < 0.5],
        "busy": [
            ["2025-08-12T00:00", "2025-08-15T23:59"],
            *map(list, _busy(chance, 0.02, WEEKDAYS)),
        ],
        "place": chance.choice(CENTRE if chance.random() < 0.6 else places) if on_site else None,
        "candidates": [],
    }


def _busy(
    chance: random.Random, share: float, weekdays: list[str] | tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Be busy on a share of the days on which one works, all day or for some hours."""
    for day in _days(FIRST_DAY, LAST_DAY):
        works = day.weekday() < 5 and WEEKDAYS[day.weekday()] in weekdays
        if works and chance.random() < share:
            start, end = chance.choice(BUSY_HOURS)
            yield f"{day}T{start}", f"{day}T{end}"


def _candidates(
    chance: random.Random,
    experts: list[Record],
    specialties: dict[str, list[str]],
    needs: list[str],
) -> Iterator[Record]:
    """Rank who may serve: by the first need met, and by how well."""
    main, other = needs
    for expert in experts:
        has = specialties[expert["id"]]
        if main in has:
            yield {"expert": expert["id"], "cost": chance.choice((3, 26)) + chance.randint(0, 4)}
        elif other in has:
            yield {"expert": expert["id"], "cost": chance.choice((48, 63)) + chance.randint(0, 4)}


def _closed_days() -> list[dt.date]:
    office = _days(dt.date(2025, 12, 29), dt.date(2026, 1, 3))
    return sorted({*national_holidays(FIRST_DAY, LAST_DAY), *office})


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for number in range((last - first).days + 1):
        yield first + dt.timedelta(days=number)


def _replanned(problem: Problem, today: dt.date, chance: random.Random) -> Problem:
    """Publish a plan, let the year run until a day, and let things happen."""
    parameters = Parameters(SECONDS_FOR_THE_PUBLISHED_PLAN, workers=1)
    plan = solve(ProblemFile.from_problem(problem), parameters)
    record = problem.model_dump(mode="json")
    for expert in chance.sample(record["experts"], min(2, len(record["experts"]))):
        back = today + dt.timedelta(days=28)
        expert["busy"].append([f"{today}T00:00", f"{back}T00:00"])
    for engagement in record["engagements"]:
        _publish(engagement, plan, today)
        engagement["reassign"] = chance.random() < 0.03
    return Problem.model_validate(record | {"name": f"{problem.name}-replan"})


def _publish(engagement: Record, plan: Plan, today: dt.date) -> None:
    """Hold the sessions before today; the rest is the published plan."""
    for assignment in plan.assignments:
        if assignment.engagement == engagement["id"]:
            starts = [start.isoformat(timespec="minutes") for start in assignment.starts]
            engagement["current"] = {"expert": assignment.expert, "starts": starts}
            engagement["pinned"] = [
                {"session": number, "expert": assignment.expert, "start": start}
                for number, start in enumerate(starts, 1)
                if start < str(today)
            ]
