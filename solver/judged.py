"""What the judge reads: a problem and a plan, from their files, for `validation.py` alone.

An own reading of problem/1 and plan/1 with the standard library; it shares no code with the
solver. A problem is taken as its reader accepted it; a plan may be anything, and what it holds
that is no plan/1 is noted and passed over.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Json = Any
"""A value of a JSON document."""
Assignments = dict[str, tuple[str, tuple[dt.datetime, ...]]]
"""What a plan assigns: by engagement, the expert and the starts of sessions 1…k."""


@dataclass(frozen=True)
class Broken:
    """A rule that a plan breaks, whose session or expert breaks it, and how."""

    rule: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


@dataclass(frozen=True, slots=True)
class Availability:
    """Weekly hours as (weekday, opens, closes) in minutes after midnight, and busy intervals."""

    hours: tuple[tuple[int, int, int], ...]
    busy: tuple[tuple[dt.datetime, dt.datetime], ...]


@dataclass(frozen=True, slots=True)
class Expert:
    """An expert as the rules need one."""

    id: str
    availability: Availability
    caps: Mapping[str, int]
    target_total: int
    place: str


@dataclass(frozen=True, slots=True)
class Pin:
    """A session that stands in every plan, exactly so."""

    expert: Expert
    start: dt.datetime


@dataclass(frozen=True, slots=True)
class Engagement:
    """An engagement as the rules need one."""

    id: str
    weight: int
    earliest: dt.date
    latest: dt.date
    durations: tuple[dt.timedelta, ...]
    gap_days: tuple[int, int, int]
    """Least, wished and most calendar days from one session to the next."""
    availability: Availability
    preferred: tuple[tuple[int, int, int], ...]
    place: str | None
    candidates: Mapping[str, int]
    pins: Mapping[int, Pin]
    reassign: bool
    current_expert: str | None
    current_starts: tuple[dt.datetime, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as the rules need one."""

    name: str
    first_day: dt.date
    last_day: dt.date
    slot_minutes: int
    closed_days: frozenset[dt.date]
    experts: Mapping[str, Expert]
    engagements: Mapping[str, Engagement]
    travel_minutes: Mapping[tuple[str, str], int]
    weights: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a plan: of which engagement, with whom, when; half open [start, end)."""

    problem: Problem
    engagement: Engagement
    number: int
    expert: Expert
    start: dt.datetime
    end: dt.datetime

    @property
    def pinned(self) -> bool:
        """Whether it stands in every plan."""
        return self.number in self.engagement.pins

    @property
    def day(self) -> dt.date:
        """The day on which it counts."""
        return self.start.date()

    @property
    def last_day(self) -> dt.date:
        """The day of its last minute: half open, an end at midnight is not yet the next day."""
        return (self.end - dt.timedelta(minutes=1)).date()

    @property
    def site(self) -> str:
        """Where its expert is: at the organization's, or at home for an online session."""
        return self.engagement.place or self.expert.place


@dataclass(frozen=True, slots=True)
class Service:
    """What a plan does for one engagement: the expert it names, and when sessions 1…k start."""

    problem: Problem
    engagement: Engagement
    expert: str | None
    starts: tuple[dt.datetime, ...]
    sessions: tuple[Session, ...]
    """Empty where the free sessions have no expert who may hold them."""

    @property
    def count(self) -> int:
        """How many sessions are served: k."""
        return len(self.starts)

    @property
    def has_free(self) -> bool:
        """Whether it serves a session that is not pinned."""
        return any(number not in self.engagement.pins for number in range(1, self.count + 1))

    @property
    def free(self) -> list[Session]:
        """The sessions that are not pinned."""
        return [session for session in self.sessions if not session.pinned]


@dataclass(frozen=True, slots=True)
class Calendar:
    """An expert's sessions in the order of time."""

    problem: Problem
    expert: Expert
    sessions: tuple[Session, ...]


# From assignments to calendars ----------------------------------------------------------


def services_of(problem: Problem, assignments: Assignments, broken: list[Broken]) -> list[Service]:
    """Find what a plan does for each engagement; note those for none, or too long."""
    for name in assignments:
        if name not in problem.engagements:
            broken.append(Broken("engagement_known", show(name), "there is no such engagement"))
    services = []
    for name, engagement in problem.engagements.items():
        expert, starts = assignments.get(name, (None, ()))
        wanted = len(engagement.durations)
        if len(starts) > wanted:
            text = f"{len(starts)} sessions where {wanted} are wanted"
            broken.append(Broken("session_count", name, text))
        else:
            services.append(_service(problem, engagement, expert, starts))
    return services


def _service(
    problem: Problem, engagement: Engagement, expert: str | None, starts: tuple[dt.datetime, ...]
) -> Service:
    service = Service(problem, engagement, expert, starts, ())
    if service.has_free and expert not in engagement.candidates:
        return service
    sessions = []
    for number, start in enumerate(starts, 1):
        pin = engagement.pins.get(number)
        holder = pin.expert if pin else problem.experts[str(expert)]
        end = start + engagement.durations[number - 1]
        sessions.append(Session(problem, engagement, number, holder, start, end))
    return replace(service, sessions=tuple(sessions))


def pinned_sessions(problem: Problem) -> Iterator[Session]:
    """Find the sessions that stand in every plan."""
    for engagement in problem.engagements.values():
        for number, pin in engagement.pins.items():
            end = pin.start + engagement.durations[number - 1]
            yield Session(problem, engagement, number, pin.expert, pin.start, end)


def calendars_of(problem: Problem, sessions: Iterable[Session]) -> list[Calendar]:
    """Make one calendar for each expert who holds sessions."""
    held = defaultdict(list)
    for session in sorted(sessions, key=lambda session: (session.start, session.end)):
        held[session.expert.id].append(session)
    return [Calendar(problem, problem.experts[name], tuple(held[name])) for name in held]


# Reading a problem ----------------------------------------------------------------------


def read_problem(content: Json) -> Problem:
    """Read a problem that its reader accepted."""
    calendar, matrix = content["calendar"], content["travel_minutes"]
    experts = {each["id"]: _read_expert(each) for each in content["experts"]}
    return Problem(
        name=content["name"],
        first_day=dt.date.fromisoformat(calendar["first_day"]),
        last_day=dt.date.fromisoformat(calendar["last_day"]),
        slot_minutes=calendar["slot_minutes"],
        closed_days=frozenset(map(dt.date.fromisoformat, calendar["closed_days"])),
        experts=experts,
        engagements={
            each["id"]: _read_engagement(each, experts) for each in content["engagements"]
        },
        travel_minutes={
            (origin, destination): minutes
            for origin, row in zip(matrix["places"], matrix["minutes"], strict=True)
            for destination, minutes in zip(matrix["places"], row, strict=True)
        },
        weights=content["weights"],
    )


def _read_expert(record: Json) -> Expert:
    return Expert(
        id=record["id"],
        availability=_read_availability(record),
        caps={cap: record[cap] for cap in ("max_per_day", "max_per_week", "max_total")},
        target_total=record["target_total"],
        place=record["place"],
    )


def _read_engagement(record: Json, experts: Mapping[str, Expert]) -> Engagement:
    current = record.get("current") or {"expert": None, "starts": ()}
    return Engagement(
        id=record["id"],
        weight=record.get("weight", 1),
        earliest=dt.date.fromisoformat(record["earliest"]),
        latest=dt.date.fromisoformat(record["latest"]),
        durations=tuple(dt.timedelta(minutes=minutes) for minutes in record["durations"]),
        gap_days=(record["min_gap_days"], record["target_gap_days"], record["max_gap_days"]),
        availability=_read_availability(record),
        preferred=_read_hours(record["preferred"]),
        place=record["place"],
        candidates={each["expert"]: each["cost"] for each in record["candidates"]},
        pins={
            pin["session"]: Pin(experts[pin["expert"]], dt.datetime.fromisoformat(pin["start"]))
            for pin in record.get("pinned") or ()
        },
        reassign=record.get("reassign") or False,
        current_expert=current["expert"],
        current_starts=tuple(map(dt.datetime.fromisoformat, current["starts"])),
    )


def _read_availability(record: Json) -> Availability:
    return Availability(
        hours=_read_hours(record["open"]),
        busy=tuple(
            (dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end))
            for start, end in record["busy"]
        ),
    )


def _read_hours(rows: Json) -> tuple[tuple[int, int, int], ...]:
    return tuple(
        (WEEKDAYS.index(weekday), _read_clock(opens), _read_clock(closes))
        for weekday, opens, closes in rows
    )


def _read_clock(text: str) -> int:
    return 60 * int(text[:2]) + int(text[3:])


# Reading a plan -------------------------------------------------------------------------


def read_plan(content: bytes) -> tuple[dict[str, Any], Assignments, list[Broken]]:
    """Read what a plan states, its assignments by engagement, and where it is no plan/1."""
    broken: list[Broken] = []
    assignments: Assignments = {}

    def wrong(subject: str, text: str, rule: str = "format") -> None:
        broken.append(Broken(rule, subject, text))

    try:
        plan = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        wrong("the plan", f"it is not JSON: {show(str(error))}")
        return {}, assignments, broken
    if not isinstance(plan, dict):
        wrong("the plan", "it is not a JSON object")
        return {}, assignments, broken
    if plan.get("format") != "plan/1":
        wrong("the plan", f"format is {show(plan.get('format'))}, not 'plan/1'")
    rows = plan.get("assignments")
    if not isinstance(rows, list):
        wrong("the plan", "assignments is no list")
        rows = []
    for index, row in enumerate(rows):
        try:
            name, expert, starts = _read_assignment(row)
        except ValueError as error:
            wrong(f"assignments[{index}]", str(error))
            continue
        if name in assignments:
            wrong(show(name), "assigned twice", "assigned_once")
            continue
        assignments[name] = expert, starts
        if [_write_moment(start) for start in starts] != row["starts"]:
            wrong(f"assignments[{index}]", "a start is not written YYYY-MM-DDTHH:MM")
    return plan, assignments, broken


def _read_assignment(row: Json) -> tuple[str, str, tuple[dt.datetime, ...]]:
    """Read one assignment; raises ValueError where it is none."""
    match row:
        case {"engagement": str(name), "expert": str(expert), "starts": list(texts)}:
            return name, expert, tuple(_read_moment(text) for text in texts)
    raise ValueError("it is not {engagement, expert, starts}")


def _read_moment(text: Json) -> dt.datetime:
    """Read a local time, also one spelled in another way; raises ValueError where it is none."""
    try:
        moment = dt.datetime.fromisoformat(text)
        moment + dt.timedelta(days=1)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{show(text)} is no time YYYY-MM-DDTHH:MM") from None
    if moment.tzinfo is not None:
        raise ValueError(f"{show(text)} is no local time: it has a zone")
    return moment


def _write_moment(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def show(value: object) -> str:
    """Show a value from a file on one short line, whatever it holds."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return f"{value!a:.80}"
