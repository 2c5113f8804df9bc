"""Tiny problems at random, with every feature of problem/1, small enough to enumerate.

Two or three engagements and two experts share a few short hours in two to four weeks, so that they
collide, travel and fill the caps; some have pinned sessions (on and off the grid, with whom it may
be), a published plan (in the period and around it), two sessions on one day, hours until midnight,
partial service as the best choice, or travel times that are not metric.
"""

from __future__ import annotations

import datetime as dt
import random

from tests.solver.builders import WEIGHTS, Record

MONDAYS = ("2025-07-14", "2025-09-29", "2025-12-22")
"""The first days; the last of them runs over the turn of the ISO year."""

HOURS = (
    ["mon", "10:00", "12:00"],
    ["mon", "13:00", "15:30"],
    ["tue", "09:00", "11:00"],
    ["tue", "10:30", "13:00"],
    ["thu", "10:00", "12:30"],
    ["sun", "22:00", "23:30"],
    ["wed", "21:30", "24:00"],
)
PLACES = ("north", "south", "east")


def random_problem(seed: int) -> Record:
    """Make the problem of this number; the same number, the same problem."""
    chance = random.Random(seed)  # noqa: S311  no secret
    first = dt.date.fromisoformat(chance.choice(MONDAYS))
    last = first + dt.timedelta(days=chance.choice((13, 18, 20, 25)))
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    experts = [_expert(chance, name, days) for name in ("ann", "ben")]
    names = ("one", "two", "three")[: chance.choice((2, 2, 3))]
    return {
        "format": "problem/1",
        "name": f"random {seed}",
        "calendar": {
            "first_day": str(first),
            "last_day": str(last),
            "timezone": "Asia/Tokyo",
            "slot_minutes": chance.choice((30, 30, 30, 30, 20, 60, 15)),
            "closed_days": sorted({str(chance.choice(days)) for _ in range(chance.randint(0, 3))}),
        },
        "experts": experts,
        "engagements": [_engagement(chance, name, days) for name in names],
        "travel_minutes": {"places": list(PLACES), "minutes": _minutes(chance)},
        "weights": _weights(chance),
    }


def _expert(chance: random.Random, name: str, days: list[dt.date]) -> Record:
    return {
        "id": name,
        "open": chance.sample(HOURS, chance.randint(1, 2)),
        "busy": _busy(chance, days),
        "max_per_day": chance.choice((1, 1, 2, 3)),
        "max_per_week": chance.choice((1, 2, 3)),
        "max_total": chance.choice((1, 2, 3, 4, 9)),
        "target_total": chance.choice((0, 1, 2, 9)),
        "place": chance.choice(PLACES),
    }


def _engagement(chance: random.Random, name: str, days: list[dt.date]) -> Record:
    count = chance.choice((1, 2, 2, 2, 3))
    least = chance.choice((0, 1, 1, 3, 7))
    engagement: Record = {
        "id": name,
        "weight": chance.choice((1, 1, 1, 3)),
        "earliest": str(chance.choice(days[:5])),
        "latest": str(chance.choice(days[-5:])),
        "durations": [chance.choice((60, 60, 75, 90, 120)) for _ in range(count)],
        "min_gap_days": least,
        "target_gap_days": chance.choice((least, least + 2, 7, 9, 0)),
        "max_gap_days": least + chance.choice((0, 4, 7, 14)),
        "open": chance.sample(HOURS, chance.randint(3, len(HOURS))),
        "busy": _busy(chance, days),
        "preferred": chance.sample(HOURS, chance.randint(0, 2)),
        "place": chance.choice((*PLACES, None)),
        "candidates": [
            {"expert": who, "cost": chance.choice((0, 1, 7, 30, 100))}
            for who in chance.sample(("ann", "ben"), chance.choice((1, 2, 2, 2)))
        ],
    }
    if chance.random() < 0.3:
        engagement["pinned"] = _pins(chance, count, days)
        engagement["reassign"] = chance.random() < 0.5
    if chance.random() < 0.3:
        around = [days[0] - dt.timedelta(days=1), *days, days[-1] + dt.timedelta(days=1)]
        starts = sorted(_moment(chance, around) for _ in range(chance.randint(0, count)))
        engagement["current"] = {"expert": chance.choice(("ann", "ben")), "starts": starts}
    return engagement


def _pins(chance: random.Random, count: int, days: list[dt.date]) -> list[Record]:
    """Pin one session or two, most often the first ones; seldom they cannot be kept."""
    numbers = [1] if chance.random() < 0.7 else chance.sample(range(1, count + 1), min(count, 2))
    starts = sorted({_moment(chance, days) for _ in numbers})
    same = chance.choice(("ann", "ben"))
    return [
        {
            "session": number,
            "expert": same if chance.random() < 0.8 else chance.choice(("ann", "ben")),
            "start": start,
        }
        for number, start in zip(sorted(numbers), starts, strict=False)
    ]


def _busy(chance: random.Random, days: list[dt.date]) -> list[list[str]]:
    busy = []
    for _ in range(chance.choice((0, 0, 1, 2))):
        day = chance.choice(days)
        until = day + dt.timedelta(days=chance.choice((0, 0, 3)))
        opens, closes = chance.choice((("00:00", "23:59"), ("11:00", "12:15"), ("09:00", "10:30")))
        busy.append([f"{day}T{opens}", f"{until}T{closes}"])
    return busy


def _moment(chance: random.Random, days: list[dt.date]) -> str:
    time = chance.choice(("10:00", "10:30", "11:00", "13:30", "09:00", "10:10", "23:30"))
    return f"{chance.choice(days)}T{time}"


def _minutes(chance: random.Random) -> list[list[int]]:
    if chance.random() < 0.2:
        return [[chance.choice((0, 15, 30, 90)) for _ in PLACES] for _ in PLACES]
    points = [chance.choice((0, 10, 35, 60)) for _ in PLACES]
    base = chance.choice((0, 10, 25))
    return [[base + abs(here - there) for there in points] for here in points]


def _weights(chance: random.Random) -> dict[str, int]:
    if chance.random() < 0.6:
        return dict(WEIGHTS)
    return {name: chance.choice((0, 1, 5, 40, weight)) for name, weight in WEIGHTS.items()}
