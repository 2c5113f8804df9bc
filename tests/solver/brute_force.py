"""The best plan of a tiny problem, by trying every one: slow, plain and honest.

It works on the JSON of a problem, shares no code with the solver or the judge, and leaves out a
plan only where it already costs as much as the best one, or where what is chosen breaks a rule
that no further choice can mend.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.solver.builders import Record

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Visit:
    """One session in an expert's calendar."""

    expert: str
    start: dt.datetime
    end: dt.datetime
    site: str
    online: bool


@dataclass(frozen=True)
class Choice:
    """One way to serve an engagement, or not to; its cost without overload."""

    engagement: str
    expert: str
    starts: tuple[str, ...]
    visits: tuple[Visit, ...]
    cost: int


@dataclass(frozen=True)
class Best:
    """The cheapest plan there is."""

    cost: int
    assignments: dict[str, tuple[str, tuple[str, ...]]]


def brute_force(problem: Record) -> Best | None:
    """Find the cheapest plan; None where pinned sessions leave none."""
    return _Search(problem).run()


def size(problem: Record) -> int:
    """Count the plans, feasible or not: the product of every engagement's choices."""
    product = 1
    for engagement in problem["engagements"]:
        product *= len(list(_choices(problem, engagement)))
    return product


class _Search:
    """Depth first over engagements, cheapest choice first."""

    def __init__(self, problem: Record) -> None:
        self.problem = problem
        self.experts = {expert["id"]: expert for expert in problem["experts"]}
        self.choices = [
            sorted(_choices(problem, engagement), key=lambda choice: choice.cost)
            for engagement in problem["engagements"]
        ]
        self.best_cost: int | None = None
        self.best: tuple[Choice, ...] = ()

    def run(self) -> Best | None:
        if all(self.choices):
            self._extend((), 0)
        if self.best_cost is None:
            return None
        assignments = {
            choice.engagement: (choice.expert, choice.starts)
            for choice in self.best
            if choice.starts
        }
        return Best(self.best_cost, assignments)

    def _extend(self, chosen: tuple[Choice, ...], cost: int) -> None:
        if len(chosen) == len(self.choices):
            self._finish(chosen, cost)
            return
        rest = sum(choices[0].cost for choices in self.choices[len(chosen) + 1 :])
        for choice in self.choices[len(chosen)]:
            if self.best_cost is not None and cost + choice.cost + rest >= self.best_cost:
                return
            if self._mendable((*chosen, choice)):
                self._extend((*chosen, choice), cost + choice.cost)

    def _finish(self, chosen: tuple[Choice, ...], cost: int) -> None:
        calendars = _calendars(chosen)
        over = sum(
            max(0, len(visits) - self.experts[name]["target_total"])
            for name, visits in calendars.items()
        )
        cost += self.problem["weights"]["overload"] * over
        if (self.best_cost is None or cost < self.best_cost) and all(
            self._reachable(before, after)
            for visits in calendars.values()
            for before, after in pairwise(visits)
        ):
            self.best_cost, self.best = cost, chosen

    def _mendable(self, chosen: tuple[Choice, ...]) -> bool:
        """Whether nobody is in two places at once, and no cap is exceeded."""
        for name, visits in _calendars(chosen).items():
            expert = self.experts[name]
            days = Counter(visit.start.date() for visit in visits)
            weeks = Counter(visit.start.isocalendar()[:2] for visit in visits)
            if (
                len(visits) > expert["max_total"]
                or max(days.values()) > expert["max_per_day"]
                or max(weeks.values()) > expert["max_per_week"]
                or any(after.start < before.end for before, after in pairwise(visits))
            ):
                return False
        return True

    def _reachable(self, before: Visit, after: Visit) -> bool:
        """Whether there is time to travel; only at the end, as a visit between may shorten it."""
        if before.end.date() != after.start.date() or (before.online and after.online):
            return True
        travel = self.problem["travel_minutes"]
        row, column = (travel["places"].index(visit.site) for visit in (before, after))
        way = dt.timedelta(minutes=travel["minutes"][row][column])
        return before.end + way <= after.start


def _calendars(chosen: tuple[Choice, ...]) -> dict[str, list[Visit]]:
    calendars = defaultdict(list)
    for choice in chosen:
        for visit in choice.visits:
            calendars[visit.expert].append(visit)
    for visits in calendars.values():
        visits.sort(key=lambda visit: visit.start)
    return calendars


def _choices(problem: Record, engagement: Record) -> Iterator[Choice]:
    """Every way to serve an engagement that keeps the rules 1 to 4."""
    pins = {pin["session"]: pin for pin in engagement.get("pinned", ())}
    if not pins:
        yield _choice(problem, engagement, "", ())
    last = pins[max(pins)]["expert"] if pins else None
    candidates = {
        who: [
            [pins[number]["start"]] if number in pins else _free(problem, engagement, who, number)
            for number in range(1, len(engagement["durations"]) + 1)
        ]
        for who in (candidate["expert"] for candidate in engagement["candidates"])
        if last in (None, who) or engagement.get("reassign")
    }
    for count in range(max(pins, default=1), len(engagement["durations"]) + 1):
        if all(number in pins for number in range(1, count + 1)):
            starts = tuple(pins[number]["start"] for number in range(1, count + 1))
            yield _choice(problem, engagement, str(pins[count]["expert"]), starts)
            continue
        for who, possible in candidates.items():
            for starts in _starts(engagement, possible, count):
                yield _choice(problem, engagement, who, starts)


def _starts(engagement: Record, possible: list[list[str]], count: int) -> Iterator[tuple[str, ...]]:
    """Every way to place sessions 1 to count, each at one of its possible starts, by rule 4."""
    pins = {pin["session"] for pin in engagement.get("pinned", ())}
    if count == 0:
        yield ()
        return
    for before in _starts(engagement, possible, count - 1):
        for start in possible[count - 1]:
            if before and not (count in pins and count - 1 in pins):
                days = _days(before[-1], start)
                if not engagement["min_gap_days"] <= days <= engagement["max_gap_days"]:
                    continue
            yield (*before, start)


def _free(problem: Record, engagement: Record, who: str, number: int) -> list[str]:
    """Every start of a session that is not pinned, by rule 3."""
    calendar = problem["calendar"]
    (expert,) = (each for each in problem["experts"] if each["id"] == who)
    duration = dt.timedelta(minutes=engagement["durations"][number - 1])
    day = dt.datetime.fromisoformat(max(calendar["first_day"], engagement["earliest"]))
    end_of_all = dt.datetime.fromisoformat(min(calendar["last_day"], engagement["latest"]))
    starts = []
    while day <= end_of_all:
        for minute in range(0, 24 * 60, calendar["slot_minutes"]):
            start = day + dt.timedelta(minutes=minute)
            if str(day.date()) not in calendar["closed_days"] and all(
                _lies_in(each["open"], start, start + duration)
                and not _meets(each["busy"], start, start + duration)
                for each in (expert, engagement)
            ):
                starts.append(start.isoformat(timespec="minutes"))
        day += dt.timedelta(days=1)
    return starts


def _choice(problem: Record, engagement: Record, who: str, starts: tuple[str, ...]) -> Choice:
    pins = {pin["session"]: pin["expert"] for pin in engagement.get("pinned", ())}
    places = {expert["id"]: expert["place"] for expert in problem["experts"]}
    visits = []
    for number, text in enumerate(starts, 1):
        start = dt.datetime.fromisoformat(text)
        end = start + dt.timedelta(minutes=engagement["durations"][number - 1])
        holder = pins.get(number, who)
        site = engagement["place"] or places[holder]
        visits.append(Visit(holder, start, end, site, engagement["place"] is None))
    cost = _cost(problem, engagement, who, starts)
    return Choice(engagement["id"], who, starts, tuple(visits), cost)


def _cost(problem: Record, engagement: Record, who: str, starts: tuple[str, ...]) -> int:
    """Add up everything but overload."""
    weights, pinned = problem["weights"], {pin["session"] for pin in engagement.get("pinned", ())}
    missing = len(engagement["durations"]) - len(starts)
    cost = weights["dropped_session"] * engagement["weight"] * missing
    if not starts:
        return int(cost + weights["unserved"] * engagement["weight"])
    free = [number for number in range(1, len(starts) + 1) if number not in pinned]
    cost += sum(_session_cost(problem, engagement, who, number, starts) for number in free)
    if 1 in free:
        cost += weights["wait_per_day"] * _days(engagement["earliest"], starts[0])
    for number, (before, after) in enumerate(pairwise(starts), 1):
        if number in free or number + 1 in free:
            off = abs(_days(before, after) - engagement["target_gap_days"])
            cost += weights["gap_per_day"] * off
    current = engagement.get("current")
    if current and free and current["expert"] != who:
        cost += weights["change_expert"]
    return int(cost)


def _session_cost(
    problem: Record, engagement: Record, who: str, number: int, starts: tuple[str, ...]
) -> int:
    weights, travel = problem["weights"], problem["travel_minutes"]
    start = dt.datetime.fromisoformat(starts[number - 1])
    end = start + dt.timedelta(minutes=engagement["durations"][number - 1])
    (match,) = (each["cost"] for each in engagement["candidates"] if each["expert"] == who)
    cost = weights["match"] * match
    if engagement["preferred"] and not _lies_in(engagement["preferred"], start, end):
        cost += weights["off_preference"]
    if engagement["place"]:
        (home,) = (each["place"] for each in problem["experts"] if each["id"] == who)
        row, column = travel["places"].index(home), travel["places"].index(engagement["place"])
        cost += weights["travel_per_10_minutes"] * (travel["minutes"][row][column] // 10)
    published = (engagement.get("current") or {"starts": []})["starts"]
    if number <= len(published) and published[number - 1] != starts[number - 1]:
        cost += weights["move"]
    return int(cost)


def _days(before: str, after: str) -> int:
    return (dt.date.fromisoformat(after[:10]) - dt.date.fromisoformat(before[:10])).days


def _lies_in(hours: list[list[str]], start: dt.datetime, end: dt.datetime) -> bool:
    return start.date() == end.date() and any(
        WEEKDAYS.index(day) == start.weekday()
        and opens <= f"{start:%H:%M}"
        and f"{end:%H:%M}" <= closes
        for day, opens, closes in hours
    )


def _meets(busy: list[list[str]], start: dt.datetime, end: dt.datetime) -> bool:
    return any(
        dt.datetime.fromisoformat(opens) < end and start < dt.datetime.fromisoformat(closes)
        for opens, closes in busy
    )
