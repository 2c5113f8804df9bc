"""Small problems and plans that a test reads at a glance.

Two experts, Ann and Ben, two engagements, the bakers and the tailors, four weeks from Monday
14 July 2025, sessions of an hour a week apart. A test changes what it is about and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from solver.problem_file import ProblemFile

Record = dict[str, Any]
Plan = Mapping[str, tuple[str, Sequence[str]]]
"""By engagement, its expert and the starts of sessions 1…k."""

OFFICE_HOURS = [[day, "09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")]
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


def expert(name: str, **changes: object) -> Record:
    """Describe an expert who travels from the office."""
    return {
        "id": name,
        "open": OFFICE_HOURS,
        "busy": [],
        "max_per_day": 2,
        "max_per_week": 5,
        "max_total": 10,
        "target_total": 10,
        "place": "office",
    } | changes


def engagement(name: str, **changes: object) -> Record:
    """Describe an engagement of two sessions, at a place of its own name."""
    return {
        "id": name,
        "weight": 1,
        "earliest": "2025-07-14",
        "latest": "2025-08-08",
        "durations": [60, 60],
        "min_gap_days": 7,
        "target_gap_days": 7,
        "max_gap_days": 14,
        "open": OFFICE_HOURS,
        "busy": [],
        "preferred": [],
        "place": name,
        "candidates": [{"expert": "ann", "cost": 1}, {"expert": "ben", "cost": 2}],
    } | changes


def problem(
    *,
    ann: Record | None = None,
    ben: Record | None = None,
    bakers: Record | None = None,
    tailors: Record | None = None,
    calendar: Record | None = None,
    minutes: Sequence[Sequence[int]] = ((10, 30, 30), (30, 10, 30), (30, 30, 10)),
) -> Record:
    """Describe a two-by-two problem: each argument changes fields of its record."""
    return {
        "format": "problem/1",
        "name": "two by two",
        "calendar": {
            "first_day": "2025-07-14",
            "last_day": "2025-08-08",
            "timezone": "Asia/Tokyo",
            "slot_minutes": 30,
            "closed_days": [],
        }
        | (calendar or {}),
        "experts": [expert("ann", **(ann or {})), expert("ben", **(ben or {}))],
        "engagements": [
            engagement("bakers", **(bakers or {})),
            engagement("tailors", **(tailors or {})),
        ],
        "travel_minutes": {"places": ["office", "bakers", "tailors"], "minutes": minutes},
        "weights": WEIGHTS,
    }


def file(record: Record) -> ProblemFile:
    """Read a problem as it would be read from a file."""
    return ProblemFile.from_bytes(json.dumps(record).encode())


def plan(record: Record, assignments: Plan, **stated: object) -> Record:
    """Write down a plan that states nothing of itself but what is given."""
    return {
        "format": "plan/1",
        "problem": record["name"],
        "assignments": [
            {"engagement": name, "expert": who, "starts": list(starts)}
            for name, (who, starts) in assignments.items()
        ],
    } | stated


def encode(record: Record) -> bytes:
    """Write a problem or a plan as JSON."""
    return json.dumps(record).encode()


def pin(session: int, who: str, start: str) -> Record:
    """Describe a held session."""
    return {"session": session, "expert": who, "start": start}
