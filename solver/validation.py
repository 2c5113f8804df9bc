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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

from solver.judged import (
    Broken,
    Calendar,
    Problem,
    Service,
    Session,
    calendars_of,
    pinned_sessions,
    read_plan,
    read_problem,
    services_of,
    show,
)

__all__ = ["Broken", "CostByPart", "Verdict", "judge"]

STATUSES = ("optimal", "feasible", "infeasible_pins")
GAP_TOLERANCE = 1e-6
"""How far a stated gap may lie from the recomputed one: six decimals are enough to read."""


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


Judged = TypeVar("Judged")


def judge(problem: bytes, plan: bytes, *, sha256: str | None = None) -> Verdict:
    """Judge a plan/1 by the problem/1 it answers, both as unpacked JSON.

    The problem has to be one that its reader accepts; a plan may be any bytes. With `sha256`,
    the digest of the problem's file, the plan has to state that digest.
    """
    terms = read_problem(json.loads(problem))
    stated, assignments, broken = read_plan(plan)
    digest = stated.get("problem_sha256")
    services = services_of(terms, assignments, broken)
    calendars = calendars_of(terms, (each for service in services for each in service.sessions))
    for service in services:
        broken += _apply(RULES_OF_AN_ENGAGEMENT, service.engagement.id, service)
        for session in service.free:
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
        pin_conflicts=tuple(_broken_calendars(calendars_of(terms, pinned_sessions(terms)))),
    )
    broken += _apply(RULES_OF_WHAT_IS_STATED, "the plan", Statement(terms, stated, verdict, sha256))
    return replace(verdict, broken=tuple(broken))


# Rules of an engagement -----------------------------------------------------------------


def candidate(service: Service) -> Iterator[str]:
    """Rule 1: the expert of the sessions that are not pinned is one of the candidates."""
    if service.has_free and service.expert not in service.engagement.candidates:
        yield f"{show(service.expert)} is no candidate"


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
        yield f"it is a plan for {show(named)}, not for {show(statement.problem.name)}"


def problem_digest(statement: Statement) -> Iterator[str]:
    """`problem_sha256` is 64 hexadecimal digits, those of the file where its digest is known."""
    digest = statement.stated.get("problem_sha256")
    if digest is not None and not (
        isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
    ):
        yield f"problem_sha256 is {show(digest)}, not 64 hexadecimal digits"
    elif statement.sha256 is not None and digest != statement.sha256:
        yield f"problem_sha256 is {show(digest)}, the file's is {statement.sha256}"


def cost_stated(statement: Statement) -> Iterator[str]:
    """Each stated part of the cost, and the total, is the recomputed one."""
    stated = statement.stated.get("cost")
    if stated is None:
        return
    if not isinstance(stated, dict):
        yield f"cost is {show(stated)}, not the cost by part"
        return
    for part, cost in asdict(statement.verdict.cost).items():
        if not _is_int(stated.get(part)) or stated[part] != cost:
            yield f"it states {part} {show(stated.get(part))}, it is {cost}"


def bound_stated(statement: Statement) -> Iterator[str]:
    """Bound <= total."""
    bound, total = statement.stated.get("bound"), statement.verdict.cost.total
    if bound is not None and not _is_int(bound):
        yield f"bound is {show(bound)}, not a whole number"
    elif bound is not None and bound > total:
        yield f"it states a bound of {bound}, above its cost {total}"


def gap_stated(statement: Statement) -> Iterator[str]:
    """Gap = (total - bound) / max(1, bound)."""
    stated, gap = statement.stated.get("gap"), statement.verdict.gap
    if stated is None:
        return
    if not (isinstance(stated, float) or _is_int(stated)):
        yield f"gap is {show(stated)}, not a number"
    elif gap is None or not math.isclose(stated, gap, rel_tol=GAP_TOLERANCE, abs_tol=GAP_TOLERANCE):
        yield f"it states a gap of {stated}, it is {gap}"


def status_stated(statement: Statement) -> Iterator[str]:
    """`optimal` if and only if total = bound; `infeasible_pins` only if pins allow no plan."""
    status, verdict = statement.stated.get("status"), statement.verdict
    closed = verdict.cost.total == verdict.bound
    if status is None:
        return
    if status not in STATUSES:
        yield f"status is {show(status)}, not one of {', '.join(STATUSES)}"
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
    return service.problem.weights["match"] * sum(costs[each.expert.id] for each in service.free)


def preference(service: Service) -> int:
    """w.off_preference, for each free session outside the preferred hours, if there are any."""
    preferred = service.engagement.preferred
    off = sum(bool(preferred) and not _within(preferred, session) for session in service.free)
    return service.problem.weights["off_preference"] * off


def travel(service: Service) -> int:
    """w.travel_per_10_minutes x floor(minutes to the site / 10), for each free on-site session."""
    site = service.engagement.place
    if site is None:
        return 0
    minutes = service.problem.travel_minutes
    tens = sum(minutes[each.expert.place, site] // 10 for each in service.free)
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
    engagement, free = service.engagement, service.free
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
