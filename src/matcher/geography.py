"""Tokyo's 62 municipalities, and how long it takes from one to another, door to door.

Positions are those of the municipal offices, from `data/municipalities.csv`; where that comes from
is told in `data/SOURCES.md`.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from matcher.errors import NotFound

EARTH_RADIUS_KM = 6371.0
ROUNDED_UP_TO_MINUTES = 5


class Area(StrEnum):
    """The three parts of Tokyo."""

    WARDS = "wards"
    TAMA = "tama"
    ISLANDS = "islands"


@dataclass(frozen=True)
class Municipality:
    """A ward, city, town or village; the position is that of its office, in degrees."""

    code: str
    name_ja: str
    name_kana: str
    name_en: str
    kind: str
    area: Area
    latitude: float
    longitude: float


def _read() -> dict[str, Municipality]:
    content = (files("matcher") / "data" / "municipalities.csv").read_text(encoding="utf-8")
    return {
        row["code"]: Municipality(
            code=row["code"],
            name_ja=row["name_ja"],
            name_kana=row["name_kana"],
            name_en=row["name_en"],
            kind=row["kind"],
            area=Area(row["area"]),
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
        )
        for row in csv.DictReader(content.splitlines())
    }


MUNICIPALITIES = _read()
"""All 62, by code."""


def municipality(code: str) -> Municipality:
    """One of Tokyo's municipalities.

    Raises:
        NotFound: the code is of none of them.
    """
    if code not in MUNICIPALITIES:
        raise NotFound("municipality", code)
    return MUNICIPALITIES[code]


@cache
def travel_minutes(from_code: str, to_code: str) -> int | None:
    """Minutes from door to door; None where an island is an end, which is served online only.

    Two sites in one municipality are told apart by nothing, and stand at distance 0.

    Raises:
        NotFound: a code is of none of Tokyo's municipalities.
    """
    start, end = municipality(from_code), municipality(to_code)
    areas = {start.area, end.area}
    if Area.ISLANDS in areas:
        return None
    waiting, per_km = (23, 2.1) if areas == {Area.WARDS} else (25, 2.0)
    minutes = waiting + per_km * distance_km(start, end)
    return math.ceil(minutes / ROUNDED_UP_TO_MINUTES) * ROUNDED_UP_TO_MINUTES


def distance_km(start: Municipality, end: Municipality) -> float:
    """Kilometres from office to office along a great circle, by the haversine formula."""
    from_latitude, to_latitude = math.radians(start.latitude), math.radians(end.latitude)
    haversine = (
        math.sin((to_latitude - from_latitude) / 2) ** 2
        + math.cos(from_latitude)
        * math.cos(to_latitude)
        * math.sin(math.radians(end.longitude - start.longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(haversine))
