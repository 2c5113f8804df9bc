from __future__ import annotations

import csv
import math
from itertools import combinations, product
from pathlib import Path

import pytest

from matcher.errors import NotFound
from matcher.geography import MUNICIPALITIES, Area, distance_km, municipality, travel_minutes

CHIYODA, CHUO, EDOGAWA, SETAGAYA = "13101", "13102", "13123", "13112"
MUSASHINO, HACHIOJI, OKUTAMA, HACHIJO = "13203", "13201", "13308", "13401"


def test_tokyo_has_62_municipalities() -> None:
    """23 wards, 30 in Tama, 9 on islands."""
    areas = [each.area for each in MUNICIPALITIES.values()]

    assert [areas.count(area) for area in Area] == [23, 30, 9]


def test_they_are_those_of_the_shared_data(shared: Path) -> None:
    """Field by field."""
    with (shared / "data" / "tokyo_municipalities.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))

    assert list(MUNICIPALITIES) == [row["code"] for row in listed]
    for row in listed:
        each = MUNICIPALITIES[row["code"]]
        assert (each.name_ja, each.name_kana, each.name_en, each.kind, each.area) == (
            row["name_ja"], row["name_kana"], row["name_en"], row["kind"], row["area"],
        )  # fmt: skip
        assert (each.latitude, each.longitude) == (float(row["latitude"]), float(row["longitude"]))


def test_a_code_of_nowhere_in_tokyo_is_not_found() -> None:
    """Yokohama's is a good one, but not of Tokyo."""
    with pytest.raises(NotFound, match="no municipality '14103'"):
        municipality("14103")


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        pytest.param(CHIYODA, CHUO, 30, id="neighbours: 23 + 2.1 x 3.1 km = 29.5"),
        pytest.param(CHIYODA, EDOGAWA, 45, id="across the wards: 23 + 2.1 x 10.46 km = 44.96"),
        pytest.param(CHIYODA, SETAGAYA, 50, id="across the wards: 23 + 2.1 x 10.52 km = 45.10"),
        pytest.param(CHIYODA, HACHIOJI, 105, id="out of the wards: 25 + 2.0 x 39.7 km = 104.3"),
        pytest.param(MUSASHINO, OKUTAMA, 115, id="within Tama: 25 + 2.0 x 43.6 km = 112.2"),
    ],
)
def test_travel_is_a_wait_and_so_much_a_kilometre_rounded_up_to_five(
    start: str, end: str, minutes: int
) -> None:
    """Faster to begin with inside the wards."""
    assert travel_minutes(start, end) == minutes


def test_two_sites_of_one_municipality_are_at_distance_zero() -> None:
    """What is left is the wait: 23 or 25, rounded up."""
    assert travel_minutes(CHIYODA, CHIYODA) == 25
    assert travel_minutes(HACHIOJI, HACHIOJI) == 25


def test_nobody_travels_to_or_on_an_island() -> None:
    """Islands are served online only."""
    assert travel_minutes(CHIYODA, HACHIJO) is None
    assert travel_minutes(HACHIJO, CHIYODA) is None
    assert travel_minutes(HACHIJO, HACHIJO) is None


def test_the_way_back_is_as_long() -> None:
    """For every pair."""
    for start, end in product(MUNICIPALITIES, repeat=2):
        assert travel_minutes(start, end) == travel_minutes(end, start)


def test_kilometres_are_those_of_a_great_circle() -> None:
    """As the spherical law of cosines gives them, another formula for the same arc."""
    for start, end in combinations(MUNICIPALITIES.values(), 2):
        north, south = math.radians(start.latitude), math.radians(end.latitude)
        turn = math.radians(end.longitude - start.longitude)
        cosine = math.sin(north) * math.sin(south) + math.cos(north) * math.cos(south) * math.cos(
            turn
        )

        assert distance_km(start, end) == pytest.approx(6371.0 * math.acos(cosine), abs=0.001)
