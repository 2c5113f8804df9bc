"""A problem is read whole, or refused with the place of what is wrong and the remedy."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from solver.problem import ProblemError
from solver.problem_file import MAX_BYTES, ProblemFile
from tests.solver.builders import encode, expert, pin, problem

Path_ = tuple[str | int, ...]

FULL = problem(
    ann={"busy": [["2025-07-14T09:00", "2025-07-14T10:00"]]},
    bakers={
        "preferred": [["mon", "10:00", "12:00"]],
        "pinned": [pin(1, "ann", "2025-07-14T10:00")],
        "current": {"expert": "ann", "starts": ["2025-07-14T10:00", "2025-07-21T10:00"]},
        "reassign": True,
    },
    calendar={"closed_days": ["2025-07-21"]},
)
"""A problem with every field there is."""


def changed(place: Path_, value: object) -> bytes:
    """The full problem with one value in another's place."""
    record = copy.deepcopy(FULL)
    parent: Any = record
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return encode(record)


def refusal(content: bytes) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        ProblemFile.from_bytes(content)
    return caught.value


def complaint(content: bytes) -> str:
    """Say why a problem is refused, nothing where it is read; any other error passes through."""
    try:
        ProblemFile.from_bytes(content)
    except ProblemError as error:
        return str(error)
    return ""


def places(value: object, here: Path_ = ()) -> Iterator[Path_]:
    if here:
        yield here
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*here, key))
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, (*here, index))


def test_a_full_problem_is_read_and_written_back_the_same() -> None:
    read = ProblemFile.from_bytes(encode(FULL)).problem
    assert json.loads(read.to_json()) == json.loads(encode(FULL))
    assert ProblemFile.from_bytes(read.to_json()).problem == read


WRONG: tuple[tuple[Path_, object, str, str], ...] = (
    (("format",), "problem/2", "format", "'problem/1'"),
    (("engagement",), [], "engagement", "remove it, or correct its spelling"),
    (("engagements", 0, "experts"), [], "engagements[0].experts", "remove it"),
    (("calendar", "last_day"), "2025-07-01", "calendar.last_day", "on or after the first"),
    (("calendar", "last_day"), "2025-02-30", "calendar.last_day", "day is out of range"),
    (("calendar", "last_day"), "2025-W30-1", "calendar.last_day", "YYYY-MM-DD"),
    (("calendar", "last_day"), "2095-07-01", "calendar.last_day", "1,000 days"),
    (("calendar", "timezone"), "../Tokyo", "calendar.timezone", "Asia/Tokyo"),
    (("calendar", "timezone"), "Asia", "calendar.timezone", "Asia/Tokyo"),
    (("calendar", "slot_minutes"), 0, "calendar.slot_minutes", "greater than"),
    (("calendar", "slot_minutes"), 45, "calendar.slot_minutes", "divide an hour"),
    (("experts", 1, "id"), "ann", "experts[1].id", "its own id"),
    (("experts", 0, "place"), "moon", "experts[0] (ann).place", "travel_minutes.places"),
    (("experts", 0, "open", 0, 0), "Mon", "experts[0].open[0][0]", "'mon'"),
    (("experts", 0, "open", 0, 1), "9:00", "experts[0].open[0][1]", "HH:MM"),
    (("experts", 0, "open", 0, 1), "٠٩:٠٠", "experts[0].open[0][1]", "HH:MM"),
    (("experts", 0, "open", 0, 2), "08:00", "experts[0] (ann).open[0]", "from before to"),
    (("experts", 0, "busy", 0, 1), "2025-07-14T09:00", "experts[0] (ann).busy[0]", "before"),
    (("experts", 0, "busy", 0, 1), "2025-07-14 09:00", "experts[0].busy[0][1]", "YYYY-MM-DDTHH"),
    (("experts", 0, "max_total"), 1.5, "experts[0].max_total", "integer"),
    (("experts", 0, "max_total"), "3", "experts[0].max_total", "whole number"),
    (("experts", 0, "max_total"), True, "experts[0].max_total", "whole number"),
    (("experts", 0, "max_total"), -1, "experts[0].max_total", "greater than or equal to 0"),
    (("experts", 0, "max_total"), 10**30, "experts[0].max_total", "less than"),
    (("engagements", 0, "earliest"), "2025-07-13", "engagements[0] (bakers).earliest", "period"),
    (("engagements", 0, "latest"), "2025-08-09", "engagements[0] (bakers).latest", "period"),
    (("engagements", 0, "durations"), [], "engagements[0].durations", "at least 1"),
    (("engagements", 0, "durations", 0), 30, "engagements[0].durations[0]", "60"),
    (("engagements", 0, "max_gap_days"), 3, "engagements[0] (bakers).max_gap_days", "smallest"),
    (("engagements", 0, "place"), "moon", "engagements[0] (bakers).place", "moon"),
    (
        ("engagements", 0, "candidates", 0, "expert"),
        "eve",
        "engagements[0] (bakers).candidates[0].expert",
        "there is no expert 'eve'",
    ),
    (
        ("engagements", 0, "candidates", 1, "expert"),
        "ann",
        "engagements[0] (bakers).candidates[1].expert",
        "once",
    ),
    (
        ("engagements", 0, "pinned", 0, "expert"),
        "eve",
        "engagements[0] (bakers).pinned[0].expert",
        "there is no expert 'eve'",
    ),
    (
        ("engagements", 0, "pinned", 0, "start"),
        "2025-09-01T10:00",
        "engagements[0] (bakers).pinned[0].start",
        "outside the period",
    ),
    (
        ("engagements", 0, "pinned", 0, "session"),
        3,
        "engagements[0] (bakers).pinned[0].session",
        "there is no session 3 of 2",
    ),
    (
        ("engagements", 0, "pinned"),
        [pin(1, "ann", "2025-07-14T10:00")] * 2,
        "engagements[0] (bakers).pinned[1].session",
        "pinned twice",
    ),
    (
        ("engagements", 0, "pinned"),
        [pin(1, "ann", "2025-07-21T10:00"), pin(2, "ann", "2025-07-14T10:00")],
        "engagements[0] (bakers).pinned",
        "in the order of their numbers",
    ),
    (("engagements", 0, "current", "expert"), "eve", "engagements[0] (bakers).current", "eve"),
    (("travel_minutes", "minutes"), [[0]], "travel_minutes.minutes", "not a square"),
    (("travel_minutes", "places", 1), "office", "travel_minutes.places", "each place once"),
    (("weights", "gap_per_day"), -1, "weights.gap_per_day", "greater than or equal to 0"),
)


@pytest.mark.parametrize(("place", "value", "names", "says"), WRONG)
def test_a_wrong_value_is_named_with_its_place_and_remedy(
    place: Path_, value: object, names: str, says: str
) -> None:
    error = refusal(changed(place, value))
    assert error.place.startswith(names)
    assert says in str(error)


@pytest.mark.parametrize("place", [place for place in places(FULL) if isinstance(place[-1], str)])
def test_a_missing_field_is_named(place: Path_) -> None:
    record: Any = copy.deepcopy(FULL)
    parent = record
    for step in place[:-1]:
        parent = parent[step]
    del parent[place[-1]]
    if place[-1] in {"weight", "pinned", "reassign", "current"}:
        ProblemFile.from_bytes(encode(record))
    else:
        error = refusal(encode(record))
        assert error.place.endswith(str(place[-1]))
        assert error.remedy == "add it"


ODD_VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "x" * 10_000,
    "\x00\n\x1b[31m",
    "日本",
    "2025-99-99",
    "9999-12-31T23:59",
    "25:61",
    [],
    [[]],
    [None] * 3,
    {},
    {"id": 1},
)


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: f"{value!s:.12}")
def test_an_odd_value_anywhere_is_refused_or_read_but_never_a_crash(value: object) -> None:
    """Read every place with the odd value in it: a ProblemError of one short line, or a problem."""
    for place in places(FULL):
        assert len(complaint(changed(place, value))) < 600


NOT_JSON = {
    "nothing": b"",
    "text": b"hello",
    "cut short": encode(FULL)[:-1],
    "two documents": encode(FULL) * 2,
    "deep nesting": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "a byte order mark": b"\xef\xbb\xbf" + encode(FULL),
    "UTF-16": encode(FULL).decode().encode("utf-16"),
    "broken UTF-8": encode(FULL).replace(b"bakers", b"bak\xffrs"),
    "a lone surrogate": encode(FULL).replace(b"bakers", rb"\ud800"),
    "no number": encode(FULL).replace(b'"weight": 1', b'"weight": 1e400'),
    "a huge number": encode(FULL).replace(b'"weight": 1', b'"weight": 1' + b"0" * 10_000),
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "gzip that is cut short": gzip.compress(encode(FULL))[:-20],
    "gzip that is damaged": gzip.compress(encode(FULL))[:60] + b"\x00" * 60,
    "gzip of nothing": gzip.compress(b""),
    "gzip and nothing else": b"\x1f\x8b",
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_no_problem_is_refused_in_one_short_line(content: bytes) -> None:
    error = refusal(content)
    assert "\n" not in str(error)
    assert len(str(error)) < 400


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)
    with pytest.raises(ProblemError, match="more than 256 MiB"):
        ProblemFile.from_path(path)


def test_a_small_file_that_unpacks_to_a_large_one_is_refused() -> None:
    bomb = gzip.compress(b" " * (MAX_BYTES + 1), compresslevel=1)
    assert "more than 256 MiB" in str(refusal(bomb))


def test_a_file_packed_in_parts_is_read_whole() -> None:
    content = encode(FULL)
    parts = gzip.compress(content[:100]) + gzip.compress(content[100:])
    assert ProblemFile.from_bytes(parts).json == content


def test_bytes_changed_at_random_never_crash_the_reader() -> None:
    chance = random.Random(1)  # noqa: S311  no secret
    content = encode(FULL)
    for _ in range(500):
        broken = bytearray(content)
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        assert "\n" not in complaint(bytes(broken))


def test_an_expert_more_needs_an_own_id() -> None:
    record = copy.deepcopy(FULL)
    record["experts"].append(expert("ben"))
    assert refusal(encode(record)).place == "experts[2].id"
