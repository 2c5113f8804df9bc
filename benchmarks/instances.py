"""Makes instances of problem/1 like the shared ones, of any size and tightness."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

from benchmarks.shapes import Shape
from matcher.business_days import national_holidays
from matcher.geography import MUNICIPALITIES, Area, travel_minutes
from solver import Assignment, Parameters, Problem, ProblemFile, solve

Record = dict[str, Any]

FIRST_DAY, LAST_DAY = dt.date(2025, 7, 15), dt.date(2026, 3, 13)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
SPECIALTIES = ("labor", "sme", "counseling", "hr")
SCARCE = "counseling"
CENTRE = ("13101", "13103", "13104", "13113", "13102")
"""Where most organizations have their office: Chiyoda, Minato, Shinjuku, Shibuya, Chuo."""

EXPERT_HOURS = (("09:30", "17:30"), ("09:30", "17:30"), ("13:00", "18:00"), ("09:30", "12:30"))
ORGANIZATION_HOURS = (
    ("10:00", "17:00"),
    ("10:00", "17:00"),
    ("13:30", "17:30"),
    ("10:00", "12:00"),
)
EVENING_HOURS = (("20:00", "24:00"), ("21:00", "24:00"))
HALF_DAYS = (("09:30", "12:30"), ("13:00", "17:00"))
OF_EXPERTS = {"office": EXPERT_HOURS, "half-days": HALF_DAYS, "evenings": EVENING_HOURS}
OF_ORGANIZATIONS = {
    "office": ORGANIZATION_HOURS,
    "half-days": ORGANIZATION_HOURS,
    "evenings": EVENING_HOURS,
}
BUSY_HOURS = (("00:00", "23:59"), ("13:00", "15:30"), ("09:30", "12:30"), ("15:30", "18:00"))
WORK_FOR_THE_PUBLISHED_PLAN, SECONDS_FOR_THE_PUBLISHED_PLAN = 4_000, 20.0
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


def generate(shape: Shape) -> Problem:
    """Make the instance of a shape; the same shape, the same instance."""
    chance = random.Random(shape.seed)  # noqa: S311  no secret
    places = [code for code, each in MUNICIPALITIES.items() if each.area is not Area.ISLANDS]
    engagements = [_engagement(chance, shape, places, n) for n in range(shape.engagements)]
    wanted = sum(len(engagement["durations"]) for engagement in engagements)
    each = wanted / shape.tightness / max(1, shape.experts)
    experts = [_expert(chance, shape, places, number, each) for number in range(shape.experts)]
    specialties = {
        expert["id"]: _two_specialties(chance, scarce=number % 12 == 0 if shape.scarce else None)
        for number, expert in enumerate(experts)
    }
    for number, engagement in enumerate(engagements):
        near = experts[number % shape.regions :: shape.regions]
        needs = _two_specialties(chance, scarce=number % 3 == 0 if shape.scarce else None)
        candidates = sorted(
            _candidates(chance, near, specialties, needs), key=lambda each: each["cost"]
        )
        engagement["candidates"] = candidates[: shape.most_candidates]
    problem = Problem.model_validate(
        {
            "format": "problem/1",
            "name": f"generated-{shape.engagements}-{shape.experts}-{shape.seed}",
            "calendar": {
                "first_day": str(FIRST_DAY),
                "last_day": str(LAST_DAY),
                "timezone": "Asia/Tokyo",
                "slot_minutes": shape.slot_minutes,
                "closed_days": [str(day) for day in _closed_days()],
            },
            "experts": experts,
            "engagements": engagements,
            "travel_minutes": {
                "places": places,
                "minutes": [[travel_minutes(one, other) for other in places] for one in places],
            },
            "weights": _weights(chance) if shape.varied_weights else WEIGHTS,
        }
    )
    if shape.held_until:
        return _replanned(problem, shape.held_until, chance)
    return problem if shape.free is None else _held(problem, shape.free)


def _two_specialties(chance: random.Random, *, scarce: bool | None) -> list[str]:
    """Two at random; the scarce one first, or not among them, or as it comes."""
    if scarce is None:
        return chance.sample(SPECIALTIES, 2)
    others = chance.sample([each for each in SPECIALTIES if each != SCARCE], 2)
    return [SCARCE, others[0]] if scarce else others


def _weights(chance: random.Random) -> dict[str, int]:
    return {
        part: chance.choice((weight // 3, weight, 3 * weight)) for part, weight in WEIGHTS.items()
    }


def _expert(
    chance: random.Random, shape: Shape, places: list[str], number: int, sessions: float
) -> Record:
    most = max(1, round(sessions * chance.uniform(0.6, 1.4)))
    count = min(5, max(1, shape.open_days + chance.choice((-1, 0, 0, 1))))
    if shape.hours == "half-days":
        count = 1
    days = sorted(chance.sample(WEEKDAYS, count), key=WEEKDAYS.index)
    hours = [[day, *chance.choice(OF_EXPERTS[shape.hours])] for day in days]
    return {
        "id": f"E{number + 1:05d}",
        "open": hours,
        "busy": [list(busy) for busy in _busy(chance, shape.busy, days)],
        "max_per_day": shape.max_per_day or chance.choice((1, 2, 2, 3)),
        "max_per_week": chance.randint(2, 5),
        "max_total": most,
        "target_total": max(1, int(most * 0.78)),
        "place": chance.choice(places),
    }


def _engagement(chance: random.Random, shape: Shape, places: list[str], number: int) -> Record:
    days = sorted(chance.sample(WEEKDAYS, chance.choice((2, 3, 3, 4))), key=WEEKDAYS.index)
    least = shape.least_gap_days
    if least is None:
        least = chance.choice((7, 10, 14, 14))
    target = least + chance.choice((4, 7, 10))
    on_site = chance.random() >= shape.online
    return {
        "id": f"A{number + 1:05d}",
        "weight": chance.randint(1, 9) if shape.varied_weights else 1,
        "earliest": str(FIRST_DAY + dt.timedelta(days=int(190 * chance.random() ** 1.4))),
        "latest": str(LAST_DAY),
        "durations": chance.choices((60, 90, 120), k=chance.choice((2, 3, 4, 4, 5, 5, 5))),
        "min_gap_days": least,
        "target_gap_days": target,
        "max_gap_days": target + chance.choice((10, 14, 21)),
        "open": [[day, *chance.choice(OF_ORGANIZATIONS[shape.hours])] for day in days],
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
            start, end = BUSY_HOURS[0] if share == 1 else chance.choice(BUSY_HOURS)
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


def _published(problem: Problem) -> dict[str, Assignment]:
    """A plan of the problem, by engagement; the same one where the work ends before the seconds."""
    parameters = Parameters(
        SECONDS_FOR_THE_PUBLISHED_PLAN, workers=1, work_limit=WORK_FOR_THE_PUBLISHED_PLAN
    )
    plan = solve(ProblemFile.from_problem(problem), parameters)
    return {assignment.engagement: assignment for assignment in plan.assignments}


def _replanned(problem: Problem, today: dt.date, chance: random.Random) -> Problem:
    """Publish a plan, let the year run until a day, and let things happen."""
    published = _published(problem)
    record = problem.model_dump(mode="json")
    for expert in chance.sample(record["experts"], min(2, len(record["experts"]))):
        back = today + dt.timedelta(days=28)
        expert["busy"].append([f"{today}T00:00", f"{back}T00:00"])
    for engagement in record["engagements"]:
        if engagement["id"] in published:
            _publish(engagement, published[engagement["id"]], today)
        engagement["reassign"] = chance.random() < 0.03
    return Problem.model_validate(record | {"name": f"{problem.name}-replan"})


def _held(problem: Problem, free: int) -> Problem:
    """Publish a plan and hold all of it but the first engagements."""
    published = _published(problem)
    record = problem.model_dump(mode="json")
    for engagement in record["engagements"][free:]:
        if engagement["id"] in published:
            _publish(engagement, published[engagement["id"]], LAST_DAY + dt.timedelta(days=1))
    return Problem.model_validate(record | {"name": f"{problem.name}-held"})


def _publish(engagement: Record, assignment: Assignment, today: dt.date) -> None:
    """Hold the sessions before a day; the rest is the published plan."""
    starts = [start.isoformat(timespec="minutes") for start in assignment.starts]
    engagement["current"] = {"expert": assignment.expert, "starts": starts}
    engagement["pinned"] = [
        {"session": number, "expert": assignment.expert, "start": start}
        for number, start in enumerate(starts, 1)
        if start < str(today)
    ]
