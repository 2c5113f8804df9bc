"""problem/1: the types of a problem file, read and checked.

A problem is read whole or not at all: the first thing wrong with it is raised as one
`ProblemError` that names the place in the file and the remedy. Times are local wall-clock
times of `calendar.timezone`; intervals are half open; costs are integers.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, get_args
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    model_serializer,
)
from pydantic_core import ErrorDetails

MAX_BYTES = 256 * 1024 * 1024
"""The largest file that is read, packed or not. Ten thousand engagements take 19 MB."""

GZIP_MAGIC = b"\x1f\x8b"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


class ProblemError(ValueError):
    """A problem that cannot be read: where in the file, what is wrong, and what would help."""

    def __init__(self, place: str, reason: str, remedy: str) -> None:
        self.place = place
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{place}: {reason}; {remedy}")


def _read_clock(value: object, info: ValidationInfo) -> int:
    """Minutes after midnight of `HH:MM`; `24:00` is the end of the day.

    A problem made in memory gives the minutes themselves.
    """
    match value:
        case int() if info.mode == "python" and 0 <= value <= 24 * 60:
            return value
        case str() if re.fullmatch("[0-9]{2}:[0-9]{2}", value):
            hours, minutes = int(value[:2]), int(value[3:])
            if minutes < 60 and hours * 60 + minutes <= 24 * 60:
                return hours * 60 + minutes
    raise ValueError("a clock time is written HH:MM")


def _write_clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _read_moment(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value
    if isinstance(value, str) and re.fullmatch(
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}", value
    ):
        return dt.datetime.fromisoformat(value)
    raise ValueError("a local time is written YYYY-MM-DDTHH:MM")


def _write_moment(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _read_date(value: object) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return dt.date.fromisoformat(value)
    raise ValueError("a date is written YYYY-MM-DD")


Clock = Annotated[int, BeforeValidator(_read_clock), PlainSerializer(_write_clock)]
Moment = Annotated[dt.datetime, BeforeValidator(_read_moment), PlainSerializer(_write_moment)]
Day = Annotated[dt.date, BeforeValidator(_read_date)]
Identifier = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Minutes = Annotated[int, Field(strict=True, ge=0, le=100_000)]
WeightOfPart = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class OpenHours(NamedTuple):
    """One of the weekly hours of an expert or an organization, minutes after midnight."""

    weekday: Weekday
    opens: Clock
    closes: Clock


class BusyTime(NamedTuple):
    """An interval in which somebody is not free, whatever the weekly hours say."""

    start: Moment
    end: Moment


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Calendar(_Record):
    """The implementation period and the grid on which sessions may start."""

    first_day: Day
    last_day: Day
    timezone: Annotated[str, Field(max_length=100)]
    slot_minutes: Annotated[int, Field(strict=True, ge=1, le=60)]
    closed_days: tuple[Day, ...]


class Expert(_Record):
    """A person who serves engagements, with hours and hard caps on sessions."""

    id: Identifier
    open: tuple[OpenHours, ...]
    busy: tuple[BusyTime, ...]
    max_per_day: Count
    max_per_week: Count
    max_total: Count
    target_total: Count
    place: Identifier


class Candidate(_Record):
    """An expert who may serve an engagement, and the cost of that for each session."""

    expert: Identifier
    cost: Annotated[int, Field(strict=True, ge=0, le=100)]


class Pin(_Record):
    """A held or frozen session: it stands in every plan, exactly so."""

    session: Annotated[int, Field(strict=True, ge=1, le=5)]
    expert: Identifier
    start: Moment


class Current(_Record):
    """The published plan of an engagement, from which a change costs."""

    expert: Identifier
    starts: tuple[Moment, ...]


class Engagement(_Record):
    """One organization to be served by one expert in up to five sessions."""

    id: Identifier
    weight: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    earliest: Day
    latest: Day
    durations: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=60, le=120)], ...],
        Field(min_length=1, max_length=5),
    ]
    min_gap_days: Count
    target_gap_days: Count
    max_gap_days: Count
    open: tuple[OpenHours, ...]
    busy: tuple[BusyTime, ...]
    preferred: tuple[OpenHours, ...]
    place: Identifier | None
    candidates: tuple[Candidate, ...]
    pinned: tuple[Pin, ...] = ()
    reassign: Annotated[bool, Field(strict=True)] = False
    current: Current | None = None

    @model_serializer(mode="wrap")
    def _without_absent_options(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        absent = {name for name in ("pinned", "reassign", "current") if not getattr(self, name)}
        return {name: value for name, value in write(self).items() if name not in absent}


class Travel(_Record):
    """Door to door minutes between places; the diagonal is between two sites of one place."""

    places: tuple[Identifier, ...]
    minutes: tuple[tuple[Minutes, ...], ...]


class Weights(_Record):
    """What each part of the cost counts."""

    unserved: WeightOfPart
    dropped_session: WeightOfPart
    match: WeightOfPart
    off_preference: WeightOfPart
    travel_per_10_minutes: WeightOfPart
    wait_per_day: WeightOfPart
    gap_per_day: WeightOfPart
    overload: WeightOfPart
    move: WeightOfPart
    change_expert: WeightOfPart


class Problem(_Record):
    """One problem/1: who may serve whom, at what cost, when."""

    format: Literal["problem/1"]
    name: str
    calendar: Calendar
    experts: tuple[Expert, ...]
    engagements: tuple[Engagement, ...]
    travel_minutes: Travel
    weights: Weights

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read and check a problem.

        Raises:
            ProblemError: the first thing that is wrong, its place and its remedy.
        """
        try:
            problem = cls.model_validate_json(content)
        except ValidationError as error:
            raise _explain(error.errors(include_url=False)[0]) from None
        check_problem(problem)
        return problem

    def to_json(self) -> bytes:
        """Write the problem as UTF-8 JSON; what is optional and absent is left out."""
        return self.model_dump_json().encode()


@dataclass(frozen=True)
class ProblemFile:
    """A problem with the bytes it was read from: the judge and the digest need those."""

    problem: Problem
    json: bytes
    """The unpacked content, UTF-8 JSON."""
    sha256: str
    """The digest of the file as it is stored, packed or not."""

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Read a problem from the content of a file, plain or gzipped."""
        content = unpack(stored)
        return cls(Problem.from_json(content), content, hashlib.sha256(stored).hexdigest())

    @classmethod
    def from_path(cls, path: Path) -> Self:
        """Read a problem from a file, plain or gzipped.

        Raises:
            ProblemError: it is too large, or no problem.
            OSError: the file cannot be read.
        """
        return cls.from_bytes(read_bytes(path))

    @classmethod
    def from_problem(cls, problem: Problem) -> Self:
        """Take a problem made in memory, checked as if it were read."""
        check_problem(problem)
        content = problem.to_json()
        return cls(problem, content, hashlib.sha256(content).hexdigest())


def check_problem(problem: Problem) -> None:
    """Check what one field alone cannot show: references, order, uniqueness, the period.

    Raises:
        ProblemError: the first thing that is wrong, its place and its remedy.
    """
    _check_calendar(problem.calendar)
    _check_travel(problem.travel_minutes)
    places = frozenset(problem.travel_minutes.places)
    _check_unique(problem.experts, "experts")
    _check_unique(problem.engagements, "engagements")
    for index, expert in enumerate(problem.experts):
        place = f"experts[{index}] ({expert.id})"
        _check_times(expert, place)
        _check_place(expert.place, places, place)
    experts = frozenset(expert.id for expert in problem.experts)
    for index, engagement in enumerate(problem.engagements):
        place = f"engagements[{index}] ({engagement.id})"
        _check_times(engagement, place)
        if engagement.place is not None:
            _check_place(engagement.place, places, place)
        _check_dates(engagement, problem.calendar, place)
        _check_candidates(engagement, experts, place)
        _check_pins(engagement, experts, problem.calendar, place)
        _check_current(engagement, experts, place)


def _check_calendar(calendar: Calendar) -> None:
    if 60 % calendar.slot_minutes:
        raise ProblemError(
            "calendar.slot_minutes",
            f"{calendar.slot_minutes} minutes do not divide an hour",
            "give a grid such as 15, 30 or 60",
        )
    if calendar.last_day.year >= dt.MAXYEAR:
        raise ProblemError(
            "calendar.last_day",
            f"{calendar.last_day} is where the calendar ends",
            "give a last day of this age",
        )
    if calendar.last_day < calendar.first_day:
        raise ProblemError(
            "calendar.last_day",
            f"{calendar.last_day} is before first_day {calendar.first_day}",
            "give a last day on or after the first",
        )
    if (calendar.last_day - calendar.first_day).days >= 1000:
        raise ProblemError(
            "calendar.last_day",
            "the period is longer than 1,000 days",
            "plan one programme, a year at most, at a time",
        )
    if calendar.timezone not in available_timezones():
        raise ProblemError(
            "calendar.timezone",
            f"there is no zone {calendar.timezone!r}",
            "give an IANA name such as Asia/Tokyo",
        )


def _check_travel(travel: Travel) -> None:
    for place, times in Counter(travel.places).items():
        if times > 1:
            raise ProblemError(
                "travel_minutes.places", f"{place!r} stands {times} times", "name each place once"
            )
    size = len(travel.places)
    lengths = [len(travel.minutes), *(len(row) for row in travel.minutes)]
    if any(length != size for length in lengths):
        raise ProblemError(
            "travel_minutes.minutes",
            f"it is not a square of {size} rows and columns",
            "give one row and one column for each of travel_minutes.places",
        )


def _check_unique(records: Iterable[Expert | Engagement], field: str) -> None:
    seen: set[str] = set()
    for index, record in enumerate(records):
        if record.id in seen:
            raise ProblemError(
                f"{field}[{index}].id", f"{record.id!r} is taken", "give each one its own id"
            )
        seen.add(record.id)


def _check_times(record: Expert | Engagement, place: str) -> None:
    for field, index, hours in _weekly_hours(record):
        if hours.closes <= hours.opens:
            raise ProblemError(
                f"{place}.{field}[{index}]",
                f"it closes at {_write_clock(hours.closes)}, not after it opens",
                "give [weekday, from, to] with from before to",
            )
    for index, busy in enumerate(record.busy):
        if busy.end <= busy.start:
            raise ProblemError(
                f"{place}.busy[{index}]",
                f"it ends at {_write_moment(busy.end)}, not after its start",
                "give [from, to] with from before to",
            )


def _weekly_hours(record: Expert | Engagement) -> Iterator[tuple[str, int, OpenHours]]:
    for index, hours in enumerate(record.open):
        yield "open", index, hours
    if isinstance(record, Engagement):
        for index, hours in enumerate(record.preferred):
            yield "preferred", index, hours


def _check_place(name: str, places: frozenset[str], place: str) -> None:
    if name not in places:
        raise ProblemError(
            f"{place}.place",
            f"{name!r} is not among travel_minutes.places",
            "add it there, or name one of them",
        )


def _check_dates(engagement: Engagement, calendar: Calendar, place: str) -> None:
    for field, day in (("earliest", engagement.earliest), ("latest", engagement.latest)):
        if not calendar.first_day <= day <= calendar.last_day:
            raise ProblemError(
                f"{place}.{field}",
                f"{day} is outside the period {calendar.first_day} to {calendar.last_day}",
                "give a day within calendar.first_day and last_day",
            )
    if engagement.latest < engagement.earliest:
        raise ProblemError(
            f"{place}.latest",
            f"{engagement.latest} is before earliest {engagement.earliest}",
            "give a latest day on or after the earliest",
        )
    if engagement.max_gap_days < engagement.min_gap_days:
        raise ProblemError(
            f"{place}.max_gap_days",
            f"{engagement.max_gap_days} is less than min_gap_days {engagement.min_gap_days}",
            "give a largest gap at least as long as the smallest",
        )


def _check_candidates(engagement: Engagement, experts: frozenset[str], place: str) -> None:
    seen: set[str] = set()
    for index, candidate in enumerate(engagement.candidates):
        _check_expert(candidate.expert, experts, f"{place}.candidates[{index}].expert")
        if candidate.expert in seen:
            raise ProblemError(
                f"{place}.candidates[{index}].expert",
                f"{candidate.expert!r} is a candidate twice",
                "name each candidate once",
            )
        seen.add(candidate.expert)


def _check_expert(name: str, experts: frozenset[str], place: str) -> None:
    if name not in experts:
        raise ProblemError(
            place, f"there is no expert {name!r}", "name one of experts[], or add the expert there"
        )


def _check_pins(
    engagement: Engagement, experts: frozenset[str], calendar: Calendar, place: str
) -> None:
    seen: set[int] = set()
    for index, pin in enumerate(engagement.pinned):
        where = f"{place}.pinned[{index}]"
        _check_expert(pin.expert, experts, f"{where}.expert")
        if pin.session > len(engagement.durations):
            raise ProblemError(
                f"{where}.session",
                f"there is no session {pin.session} of {len(engagement.durations)}",
                "pin a session that has a duration",
            )
        if pin.session in seen:
            raise ProblemError(
                f"{where}.session", f"session {pin.session} is pinned twice", "pin it once"
            )
        if not calendar.first_day <= pin.start.date() <= calendar.last_day:
            raise ProblemError(
                f"{where}.start",
                f"{_write_moment(pin.start)} is outside the period "
                f"{calendar.first_day} to {calendar.last_day}",
                "give a time within calendar.first_day and last_day",
            )
        seen.add(pin.session)
    pins = sorted(engagement.pinned, key=lambda pin: pin.session)
    for before, after in pairwise(pins):
        if after.start <= before.start:
            raise ProblemError(
                f"{place}.pinned",
                f"session {after.session} is pinned before session {before.session}",
                "pin sessions in the order of their numbers",
            )


def _check_current(engagement: Engagement, experts: frozenset[str], place: str) -> None:
    if engagement.current is None:
        return
    _check_expert(engagement.current.expert, experts, f"{place}.current.expert")
    if len(engagement.current.starts) > len(engagement.durations):
        raise ProblemError(
            f"{place}.current.starts",
            f"{len(engagement.current.starts)} sessions where "
            f"{len(engagement.durations)} have a duration",
            "give one start for each session of the published plan",
        )


def read_bytes(path: Path) -> bytes:
    """Read a file whole, but no more than `MAX_BYTES` of it.

    Raises:
        ProblemError: it is larger.
        OSError: the file cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise _too_large()
    with path.open("rb") as file:
        return _within_limit(file.read(MAX_BYTES + 1))


def unpack(stored: bytes) -> bytes:
    """Unpack the content of a file where it is gzipped.

    Raises:
        ProblemError: its gzip data is damaged, or unpacks to more than `MAX_BYTES`.
    """
    if not stored.startswith(GZIP_MAGIC):
        return stored
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
            return _within_limit(file.read(MAX_BYTES + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged() from error


def _within_limit(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise _too_large()
    return content


def _too_large() -> ProblemError:
    return ProblemError(
        "the file",
        f"it holds more than {MAX_BYTES // 1024**2} MiB",
        "plan fewer engagements at a time",
    )


def _damaged() -> ProblemError:
    return ProblemError("the file", "its gzip data is damaged or cut short", "pack it anew")


_REASONS = {
    "extra_forbidden": "problem/1 has no such field",
    "missing": "it is missing",
}
"""Said in place of pydantic's own words."""

_REMEDIES = {
    "extra_forbidden": "remove it, or correct its spelling",
    "missing": "add it",
    "json_invalid": "give a problem/1 as UTF-8 JSON, plain or gzipped",
    "literal_error": "give one of the values that are named",
    "int_type": "give a whole number",
    "greater_than_equal": "give a number in that range",
    "less_than_equal": "give a number in that range",
    "value_error": "write it so",
    "model_type": "give a problem/1 as docs/formats.md describes it",
}


def _explain(details: ErrorDetails) -> ProblemError:
    kind, message = details["type"], details["msg"].removeprefix("Value error, ")
    reason = _REASONS.get(kind) or f"{message[:1].lower()}{message[1:]}"
    if kind not in ("json_invalid", "missing", "extra_forbidden"):
        reason = f"{_shorten(details['input'])}: {reason}"
    return ProblemError(_place(details["loc"]), reason, _REMEDIES.get(kind, "correct the value"))


def _shorten(given: object) -> str:
    """Show a value of the file in a few words; long lists and objects by their kind alone."""
    match given:
        case None | bool() | float():
            return json.dumps(given)
        case int() if abs(given) < 10**40:
            return str(given)
        case int():
            return "a number of more than 40 digits"
        case str():
            return f"{given!r:.60}"
        case dict():
            return "an object"
        case _:
            return "a list"


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the file"


def pack(content: bytes) -> bytes:
    """Gzip bytes for storing, the same bytes for the same content."""
    return gzip.compress(content, mtime=0)
