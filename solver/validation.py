"""The judge of all plans: every hard rule and the cost, read from the two files alone.

An own reading of problem/1 and plan/1, with the standard library and without the solver's
code, so that a mistake there cannot excuse itself here. The tables `RULES_OF_…` and `PARTS_OF_…`
are the table of contents: one function a rule or a part of the cost, its docstring the inequality.

A rule yields what is wrong in words, once for each thing wrong. What a plan says about itself
(problem, cost, bound, gap, status) has to be true where it is said. An assignment that cannot be
read, or has more sessions than are wanted, counts as not made; where its expert is no candidate,
it has no price and stands in no expert's calendar.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STATUSES = ("optimal", "feasible", "infeasible_pins")
GAP_TOLERANCE = 1e-6
"""How far a stated gap may lie from the recomputed one: six decimals are enough to read."""


@dataclass(frozen=True)
class Broken:
    """A rule that a plan breaks, whose session or expert breaks it, and how."""

    rule: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


@dataclass(frozen=True)
class CostByPart:
    """The recomputed cost of a plan; lower is better."""

    total: int
    unserved: int
    dropped: int
    match: int
    preference: int
    travel: int
    wait: int
    gap: int
    overload: int
    stability: int


@dataclass(frozen=True)
class Verdict:
    """What the judge found: the broken rules, and the figures as they truly are."""

    broken: tuple[Broken, ...]
    cost: CostByPart
    served: int
    """Engagements with one session at least."""
    engagements: int
    sessions: int
    wanted_sessions: int
    bound: int | None
    """The lower bound as the plan states it; a judge cannot prove it, only refute it."""
    problem_sha256: str | None
    """The digest of the problem's file as the plan states it."""
    pin_conflicts: tuple[Broken, ...]
    """The rules 5 and 6 as the pinned sessions alone break them: no plan can keep these."""

    @property
    def holds(self) -> bool:
        """Whether the plan keeps every hard rule and says nothing untrue about itself."""
        return not self.broken

    @property
    def gap(self) -> float | None:
        """(total - bound) / max(1, bound), None where the plan states no bound."""
        return None if self.bound is None else _gap(self.cost.total, self.bound)


# What is read ---------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class Calendar:
    """An expert's sessions in the order of time."""

    problem: Problem
    expert: Expert
    sessions: tuple[Session, ...]


Judged = TypeVar("Judged")
Json = Any
"""A value of a JSON document."""
Assignments = dict[str, tuple[str, tuple[dt.datetime, ...]]]
"""What a plan assigns: by engagement, the expert and the starts of sessions 1…k."""


def judge(problem: bytes, plan: bytes, *, sha256: str | None = None) -> Verdict:
    """Judge a plan/1 by the problem/1 it answers, both as unpacked JSON.

    The problem has to be one that its reader accepts; a plan may be any bytes. With `sha256`,
    the digest of the problem's file, the plan has to state that digest.
    """
    terms = _read_problem(json.loads(problem))
    stated, assignments, broken = _read_plan(plan)
    digest = stated.get("problem_sha256")
    services = _services(terms, assignments, broken)
    calendars = _calendars(terms, (each for service in services for each in service.sessions))
    for service in services:
        broken += _apply(RULES_OF_AN_ENGAGEMENT, service.engagement.id, service)
        for session in _free(service):
            broken += _apply(RULES_OF_A_FREE_SESSION, service.engagement.id, session)
    broken += _broken_calendars(calendars)
    verdict = Verdict(
        broken=(),
        cost=_cost(services, calendars),
        served=sum(service.count > 0 for service in services),
        engagements=len(terms.engagements),
        sessions=sum(service.count for service in services),
        wanted_sessions=sum(len(each.durations) for each in terms.engagements.values()),
        bound=stated["bound"] if _is_int(stated.get("bound")) else None,
        problem_sha256=digest if isinstance(digest, str) else None,
        pin_conflicts=tuple(_broken_calendars(_calendars(terms, _pinned_sessions(terms)))),
    )
    broken += _apply(RULES_OF_WHAT_IS_STATED, "the plan", Statement(terms, stated, verdict, sha256))
    return replace(verdict, broken=tuple(broken))


# Rules of an engagement -----------------------------------------------------------------


def candidate(service: Service) -> Iterator[str]:
    """Rule 1: the expert of the sessions that are not pinned is one of the candidates."""
    if service.has_free and service.expert not in service.engagement.candidates:
        yield f"{_show(service.expert)} is no candidate"


def expert_kept(service: Service) -> Iterator[str]:
    """Rule 1: with pins and without `reassign`, the expert is that of the last pinned session.

    So it is, whatever `reassign` says, where every served session is pinned.
    """
    pins = service.engagement.pins
    if not pins or not service.count or (service.engagement.reassign and service.has_free):
        return
    last = max(pins) if service.has_free else min(max(pins), service.count)
    if service.expert != pins[last].expert.id:
        yield f"leaves {pins[last].expert.id}, the expert of its pinned session {last}"


def pinned_served(service: Service) -> Iterator[str]:
    """Rule 2: k >= j for every pinned session j."""
    for number in service.engagement.pins:
        if number > service.count:
            yield f"pinned session {number} is missing"


def pinned_unmoved(service: Service) -> Iterator[str]:
    """Rule 2: start(j) = pin(j) for every pinned session j."""
    for session in service.sessions:
        pin = service.engagement.pins.get(session.number)
        if pin and pin.start != session.start:
            yield f"pinned session {session.number} moved to {session.start}"


def gap_days(service: Service) -> Iterator[str]:
    """Rule 4: min_gap_days <= day(j + 1) - day(j) <= max_gap_days, unless both are pinned."""
    least, _, most = service.engagement.gap_days
    for before, after in pairwise(service.sessions):
        days = (after.day - before.day).days
        if not (before.pinned and after.pinned) and not least <= days <= most:
            yield f"{days} days before session {after.number}, not {least} to {most}"


# Rules of a session that is not pinned --------------------------------------------------


def slot_grid(session: Session) -> Iterator[str]:
    """Rule 3: minutes from midnight to the start = 0 (mod slot_minutes)."""
    if _minute(session.start) % session.problem.slot_minutes or session.start.second:
        yield f"session {session.number} is off the grid at {session.start}"


def period(session: Session) -> Iterator[str]:
    """Rule 3: first_day <= day <= last_day."""
    if not session.problem.first_day <= session.day <= session.problem.last_day:
        yield f"session {session.number} is outside the period, on {session.day}"


def closed_day(session: Session) -> Iterator[str]:
    """Rule 3: no session on one of the closed days."""
    if session.day in session.problem.closed_days:
        yield f"session {session.number} is on {session.day}, a closed day"


def window(session: Session) -> Iterator[str]:
    """Rule 3: earliest <= day <= latest."""
    engagement = session.engagement
    if not engagement.earliest <= session.day <= engagement.latest:
        yield (
            f"session {session.number} is on {session.day}, "
            f"not within {engagement.earliest} to {engagement.latest}"
        )


def expert_hours(session: Session) -> Iterator[str]:
    """Rule 3: opens <= start and end <= closes for one of the expert's weekly hours."""
    if not _within(session.expert.availability.hours, session):
        yield f"session {session.number} is outside the expert's hours at {session.start}"


def expert_busy(session: Session) -> Iterator[str]:
    """Rule 3: end <= from or to <= start for each busy time of the expert."""
    if _meets(session.expert.availability.busy, session):
        yield f"session {session.number} is when the expert is busy, at {session.start}"


def organization_hours(session: Session) -> Iterator[str]:
    """Rule 3: opens <= start and end <= closes for one of the organization's weekly hours."""
    if not _within(session.engagement.availability.hours, session):
        yield f"session {session.number} is outside the organization's hours at {session.start}"


def organization_busy(session: Session) -> Iterator[str]:
    """Rule 3: end <= from or to <= start for each busy time of the organization."""
    if _meets(session.engagement.availability.busy, session):
        yield f"session {session.number} is when the organization is busy, at {session.start}"


# Rules of an expert's calendar ----------------------------------------------------------


def overlap(calendar: Calendar) -> Iterator[str]:
    """Rule 5: end(a) <= start(b) for consecutive sessions a, b of one expert."""
    for before, after in pairwise(calendar.sessions):
        if after.start < before.end:
            yield f"{_name(before)} and {_name(after)} overlap at {after.start}"


def travel_time(calendar: Calendar) -> Iterator[str]:
    """Rule 5: end(a) + travel(site(a), site(b)) <= start(b) on one day, unless both are online."""
    for before, after in pairwise(calendar.sessions):
        both_online = before.engagement.place is None and after.engagement.place is None
        if both_online or after.day != before.last_day or after.start < before.end:
            continue
        minutes = calendar.problem.travel_minutes[before.site, after.site]
        if before.end + dt.timedelta(minutes=minutes) > after.start:
            yield f"no {minutes} minutes to travel from {_name(before)} to {_name(after)}"


def max_per_day(calendar: Calendar) -> Iterator[str]:
    """Rule 6: sessions on a day <= max_per_day."""
    for day, count in Counter(session.day for session in calendar.sessions).items():
        if count > calendar.expert.caps["max_per_day"]:
            yield f"{count} sessions on {day}, max_per_day is {calendar.expert.caps['max_per_day']}"


def max_per_week(calendar: Calendar) -> Iterator[str]:
    """Rule 6: sessions in an ISO week <= max_per_week."""
    weeks = Counter(session.day.isocalendar()[:2] for session in calendar.sessions)
    for (year, week), count in weeks.items():
        if count > calendar.expert.caps["max_per_week"]:
            yield (
                f"{count} sessions in {year}-W{week:02d}, "
                f"max_per_week is {calendar.expert.caps['max_per_week']}"
            )


def max_total(calendar: Calendar) -> Iterator[str]:
    """Rule 6: sessions in the whole period <= max_total."""
    if len(calendar.sessions) > calendar.expert.caps["max_total"]:
        yield f"{len(calendar.sessions)} sessions, max_total is {calendar.expert.caps['max_total']}"


# Rules of what a plan states ------------------------------------------------------------


@dataclass(frozen=True)
class Statement:
    """What a plan says about itself, beside what was recomputed."""

    problem: Problem
    stated: Mapping[str, Any]
    verdict: Verdict
    sha256: str | None


def problem_named(statement: Statement) -> Iterator[str]:
    """Problem = name of the problem."""
    named = statement.stated.get("problem", statement.problem.name)
    if named != statement.problem.name:
        yield f"it is a plan for {_show(named)}, not for {_show(statement.problem.name)}"


def problem_digest(statement: Statement) -> Iterator[str]:
    """`problem_sha256` is 64 hexadecimal digits, those of the file where its digest is known."""
    digest = statement.stated.get("problem_sha256")
    if digest is not None and not (
        isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
    ):
        yield f"problem_sha256 is {_show(digest)}, not 64 hexadecimal digits"
    elif statement.sha256 is not None and digest != statement.sha256:
        yield f"problem_sha256 is {_show(digest)}, the file's is {statement.sha256}"


def cost_stated(statement: Statement) -> Iterator[str]:
    """Each stated part of the cost, and the total, is the recomputed one."""
    stated = statement.stated.get("cost")
    if stated is None:
        return
    if not isinstance(stated, dict):
        yield f"cost is {_show(stated)}, not the cost by part"
        return
    for part, cost in asdict(statement.verdict.cost).items():
        if not _is_int(stated.get(part)) or stated[part] != cost:
            yield f"it states {part} {_show(stated.get(part))}, it is {cost}"


def bound_stated(statement: Statement) -> Iterator[str]:
    """Bound <= total."""
    bound, total = statement.stated.get("bound"), statement.verdict.cost.total
    if bound is not None and not _is_int(bound):
        yield f"bound is {_show(bound)}, not a whole number"
    elif bound is not None and bound > total:
        yield f"it states a bound of {bound}, above its cost {total}"


def gap_stated(statement: Statement) -> Iterator[str]:
    """Gap = (total - bound) / max(1, bound)."""
    stated, gap = statement.stated.get("gap"), statement.verdict.gap
    if stated is None:
        return
    if not (isinstance(stated, float) or _is_int(stated)):
        yield f"gap is {_show(stated)}, not a number"
    elif gap is None or not math.isclose(stated, gap, rel_tol=GAP_TOLERANCE, abs_tol=GAP_TOLERANCE):
        yield f"it states a gap of {stated}, it is {gap}"


def status_stated(statement: Statement) -> Iterator[str]:
    """`optimal` if and only if total = bound; `infeasible_pins` only if pins allow no plan."""
    status, verdict = statement.stated.get("status"), statement.verdict
    closed = verdict.cost.total == verdict.bound
    if status is None:
        return
    if status not in STATUSES:
        yield f"status is {_show(status)}, not one of {', '.join(STATUSES)}"
    elif status == "infeasible_pins" and not _pins_may_conflict(statement):
        yield "it states infeasible_pins, but the pinned sessions keep rules 5 and 6"
    elif status == "optimal" and not closed:
        yield f"it states optimal, with a cost of {verdict.cost.total} and bound {verdict.bound}"
    elif status == "feasible" and closed:
        yield "it states feasible, with its cost equal to its bound: that is optimal"


def _pins_may_conflict(statement: Statement) -> bool:
    """Whether pins break rule 5 or 6, or need an earlier session that may have no place.

    The second is for the solver to prove; a judge that knows no search does not refute it.
    """
    return bool(statement.verdict.pin_conflicts) or any(
        len(engagement.pins) < max(engagement.pins, default=0)
        for engagement in statement.problem.engagements.values()
    )


# Parts of the cost ----------------------------------------------------------------------


def unserved(service: Service) -> int:
    """w.unserved x weight, where k = 0."""
    return 0 if service.count else service.problem.weights["unserved"] * service.engagement.weight


def dropped(service: Service) -> int:
    """w.dropped_session x weight x (n - k)."""
    missing = len(service.engagement.durations) - service.count
    return service.problem.weights["dropped_session"] * service.engagement.weight * missing


def match(service: Service) -> int:
    """w.match x candidate cost, for each free session."""
    costs = service.engagement.candidates
    return service.problem.weights["match"] * sum(costs[each.expert.id] for each in _free(service))


def preference(service: Service) -> int:
    """w.off_preference, for each free session outside the preferred hours, if there are any."""
    preferred = service.engagement.preferred
    off = sum(bool(preferred) and not _within(preferred, session) for session in _free(service))
    return service.problem.weights["off_preference"] * off


def travel(service: Service) -> int:
    """w.travel_per_10_minutes x floor(minutes to the site / 10), for each free on-site session."""
    site = service.engagement.place
    if site is None:
        return 0
    minutes = service.problem.travel_minutes
    tens = sum(minutes[each.expert.place, site] // 10 for each in _free(service))
    return service.problem.weights["travel_per_10_minutes"] * tens


def wait(service: Service) -> int:
    """w.wait_per_day x (day(1) - earliest), unless session 1 is pinned."""
    if not service.sessions or service.sessions[0].pinned:
        return 0
    days = (service.sessions[0].day - service.engagement.earliest).days
    return service.problem.weights["wait_per_day"] * days


def gap(service: Service) -> int:
    """w.gap_per_day x |days - target_gap_days|, for neighbours of which one is free."""
    _, target, _ = service.engagement.gap_days
    return service.problem.weights["gap_per_day"] * sum(
        abs((after.day - before.day).days - target)
        for before, after in pairwise(service.sessions)
        if not (before.pinned and after.pinned)
    )


def stability(service: Service) -> int:
    """w.change_expert where the current expert is left, w.move for each free session moved."""
    engagement, free = service.engagement, _free(service)
    if engagement.current_expert is None or not free:
        return 0
    published = engagement.current_starts
    moved = sum(
        session.number <= len(published) and session.start != published[session.number - 1]
        for session in free
    )
    left = service.expert != engagement.current_expert
    return service.problem.weights["change_expert"] * left + service.problem.weights["move"] * moved


def overload(calendar: Calendar) -> int:
    """w.overload x max(0, sessions - target_total) for an expert, pinned sessions counted."""
    over = max(0, len(calendar.sessions) - calendar.expert.target_total)
    return calendar.problem.weights["overload"] * over


# The table of contents ------------------------------------------------------------------

RULES_OF_AN_ENGAGEMENT = (candidate, expert_kept, pinned_served, pinned_unmoved, gap_days)
RULES_OF_A_FREE_SESSION = (
    slot_grid,
    period,
    closed_day,
    window,
    expert_hours,
    expert_busy,
    organization_hours,
    organization_busy,
)
RULES_OF_A_CALENDAR = (overlap, travel_time, max_per_day, max_per_week, max_total)
RULES_OF_WHAT_IS_STATED = (
    problem_named,
    problem_digest,
    cost_stated,
    bound_stated,
    gap_stated,
    status_stated,
)
PARTS_OF_AN_ENGAGEMENT = (unserved, dropped, match, preference, travel, wait, gap, stability)
PARTS_OF_A_CALENDAR = (overload,)


def _apply(
    rules: Iterable[Callable[[Judged], Iterator[str]]], subject: str, judged: Judged
) -> Iterator[Broken]:
    for rule in rules:
        for text in rule(judged):
            yield Broken(rule.__name__, subject, text)


def _broken_calendars(calendars: Iterable[Calendar]) -> Iterator[Broken]:
    for calendar in calendars:
        yield from _apply(RULES_OF_A_CALENDAR, calendar.expert.id, calendar)


def _cost(services: Sequence[Service], calendars: Sequence[Calendar]) -> CostByPart:
    parts = {part.__name__: sum(map(part, services)) for part in PARTS_OF_AN_ENGAGEMENT}
    parts |= {part.__name__: sum(map(part, calendars)) for part in PARTS_OF_A_CALENDAR}
    return CostByPart(total=sum(parts.values()), **parts)


# What the rules share -------------------------------------------------------------------


def _within(hours: Iterable[tuple[int, int, int]], session: Session) -> bool:
    """Whether [start, end) lies whole in one of the weekly hours."""
    weekday, start = session.start.weekday(), _minute(session.start)
    end = start + (session.end - session.start) // dt.timedelta(minutes=1)
    return any(day == weekday and opens <= start and end <= closes for day, opens, closes in hours)


def _meets(busy: Iterable[tuple[dt.datetime, dt.datetime]], session: Session) -> bool:
    """Whether [start, end) overlaps one of the busy intervals."""
    return any(start < session.end and session.start < end for start, end in busy)


def _free(service: Service) -> list[Session]:
    return [session for session in service.sessions if not session.pinned]


def _minute(moment: dt.datetime) -> int:
    """Minutes after midnight."""
    return 60 * moment.hour + moment.minute


def _gap(total: int, bound: int) -> float:
    return (total - bound) / max(1, bound)


def _is_int(value: object) -> bool:
    """Whether it is a whole number, of a size that can be divided."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _name(session: Session) -> str:
    return f"{session.engagement.id} session {session.number}"


def _show(value: object) -> str:
    """Show a value from a file on one short line, whatever it holds."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return f"{value!a:.80}"


# From assignments to calendars ----------------------------------------------------------


def _services(problem: Problem, assignments: Assignments, broken: list[Broken]) -> list[Service]:
    """Find what a plan does for each engagement; note those for none, or too long."""
    for name in assignments:
        if name not in problem.engagements:
            broken.append(Broken("engagement_known", _show(name), "there is no such engagement"))
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


def _pinned_sessions(problem: Problem) -> Iterator[Session]:
    for engagement in problem.engagements.values():
        for number, pin in engagement.pins.items():
            end = pin.start + engagement.durations[number - 1]
            yield Session(problem, engagement, number, pin.expert, pin.start, end)


def _calendars(problem: Problem, sessions: Iterable[Session]) -> list[Calendar]:
    """Make one calendar for each expert who holds sessions."""
    held = defaultdict(list)
    for session in sorted(sessions, key=lambda session: (session.start, session.end)):
        held[session.expert.id].append(session)
    return [Calendar(problem, problem.experts[name], tuple(held[name])) for name in held]


# Reading a problem ----------------------------------------------------------------------


def _read_problem(content: Json) -> Problem:
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


def _read_plan(content: bytes) -> tuple[dict[str, Any], Assignments, list[Broken]]:
    """Read what a plan states, its assignments by engagement, and where it is no plan/1."""
    broken: list[Broken] = []
    assignments: Assignments = {}

    def wrong(subject: str, text: str, rule: str = "format") -> None:
        broken.append(Broken(rule, subject, text))

    try:
        plan = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        wrong("the plan", f"it is not JSON: {_show(str(error))}")
        return {}, assignments, broken
    if not isinstance(plan, dict):
        wrong("the plan", "it is not a JSON object")
        return {}, assignments, broken
    if plan.get("format") != "plan/1":
        wrong("the plan", f"format is {_show(plan.get('format'))}, not 'plan/1'")
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
            wrong(_show(name), "assigned twice", "assigned_once")
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
        raise ValueError(f"{_show(text)} is no time YYYY-MM-DDTHH:MM") from None
    if moment.tzinfo is not None:
        raise ValueError(f"{_show(text)} is no local time: it has a zone")
    return moment


def _write_moment(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
