"""problem/1: the types of a problem, each field checked by itself.

Times are local wall-clock times of `calendar.timezone`; intervals are half open; costs are
integers. `consistency` checks the fields against each other, `problem_file` reads the file.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
)

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


def write_clock(minutes: int) -> str:
    """`HH:MM`, as the file has it."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _read_moment(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value
    if isinstance(value, str) and re.fullmatch(
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}", value
    ):
        return dt.datetime.fromisoformat(value)
    raise ValueError("a local time is written YYYY-MM-DDTHH:MM")


def write_moment(moment: dt.datetime) -> str:
    """`YYYY-MM-DDTHH:MM`, as the file has it."""
    return moment.isoformat(timespec="minutes")


def _read_date(value: object) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return dt.date.fromisoformat(value)
    raise ValueError("a date is written YYYY-MM-DD")


Clock = Annotated[int, BeforeValidator(_read_clock), PlainSerializer(write_clock)]
Moment = Annotated[dt.datetime, BeforeValidator(_read_moment), PlainSerializer(write_moment)]
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

    def to_json(self) -> bytes:
        """Write the problem as UTF-8 JSON; what is optional and absent is left out."""
        return self.model_dump_json().encode()
