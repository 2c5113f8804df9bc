"""A plain first-fit planner: its plans keep the rules and are good for nothing else."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.solver.builders import Record, plan

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Visit = tuple[dt.datetime, dt.datetime, str, bool]
"""Start, end, site, online."""


def greedy(problem: Record, *, at_most: int = 10**9) -> Record:
    """Serve the engagements in their order, up to a number of them, each with its first expert.

    Pinned sessions stand; what follows them is added where it fits.
    """
    return plan(problem, _Greedy(problem).assign(at_most))


class _Greedy:
    def __init__(self, problem: Record) -> None:
        self.problem = problem
        self.experts = {expert["id"]: expert for expert in problem["experts"]}
        self.calendars: dict[str, list[Visit]] = defaultdict(list)
        for engagement in problem["engagements"]:
            for pin in engagement.get("pinned", ()):
                visit = self._visit(engagement, pin["session"], pin["expert"], pin["start"])
                self.calendars[pin["expert"]].append(visit)

    def assign(self, at_most: int) -> dict[str, tuple[str, list[str]]]:
        assignments = {}
        for index, engagement in enumerate(self.problem["engagements"]):
            pins = {pin["session"]: pin for pin in engagement.get("pinned", ())}
            if index >= at_most and not pins:
                continue
            starts = [pins[number]["start"] for number in sorted(pins)]
            expert = pins[max(pins)]["expert"] if pins else engagement["candidates"][0]["expert"]
            if expert in {each["expert"] for each in engagement["candidates"]}:
                self._extend(engagement, expert, starts)
            if starts:
                assignments[engagement["id"]] = (expert, starts)
        return assignments

    def _extend(self, engagement: Record, expert: str, starts: list[str]) -> None:
        """Add sessions while there is room for the next one."""
        while len(starts) < len(engagement["durations"]):
            for start in self._starts(engagement, starts):
                visit = self._visit(engagement, len(starts) + 1, expert, start)
                if self._fits(engagement, expert, visit):
                    self.calendars[expert].append(visit)
                    starts.append(start)
                    break
            else:
                return

    def _starts(self, engagement: Record, starts: list[str]) -> Iterator[str]:
        calendar = self.problem["calendar"]
        first, last = max(engagement["earliest"], calendar["first_day"]), engagement["latest"]
        if starts:
            before = dt.date.fromisoformat(starts[-1][:10])
            first = max(first, str(before + dt.timedelta(days=engagement["min_gap_days"])))
            last = min(last, str(before + dt.timedelta(days=engagement["max_gap_days"])))
        day = dt.date.fromisoformat(first)
        while str(day) <= last:
            if str(day) not in calendar["closed_days"] and day.weekday() < 5:
                for slot in range(18, 34):
                    yield f"{day}T{slot // 2:02d}:{slot % 2 * 30:02d}"
            day += dt.timedelta(days=1)

    def _visit(self, engagement: Record, number: int, expert: str, text: str) -> Visit:
        start = dt.datetime.fromisoformat(text)
        end = start + dt.timedelta(minutes=engagement["durations"][number - 1])
        site = engagement["place"] or self.experts[expert]["place"]
        return start, end, site, engagement["place"] is None

    def _fits(self, engagement: Record, name: str, visit: Visit) -> bool:
        expert, visits = self.experts[name], sorted([*self.calendars[name], visit])
        start, end, _, _ = visit
        week = start.isocalendar()[:2]
        return (
            len(visits) <= expert["max_total"]
            and sum(each[0].date() == start.date() for each in visits) <= expert["max_per_day"]
            and sum(each[0].isocalendar()[:2] == week for each in visits) <= expert["max_per_week"]
            and all(_free(who, start, end) for who in (expert, engagement))
            and all(self._apart(before, after) for before, after in pairwise(visits))
        )

    def _apart(self, before: Visit, after: Visit) -> bool:
        travel = self.problem["travel_minutes"]
        row, column = travel["places"].index(before[2]), travel["places"].index(after[2])
        way = 0 if before[3] and after[3] else travel["minutes"][row][column]
        return before[1].date() != after[0].date() or (
            before[1] + dt.timedelta(minutes=way) <= after[0]
        )


def _free(who: Record, start: dt.datetime, end: dt.datetime) -> bool:
    day, opens, closes = WEEKDAYS[start.weekday()], f"{start:%H:%M}", f"{end:%H:%M}"
    begin, finish = f"{start:%Y-%m-%dT%H:%M}", f"{end:%Y-%m-%dT%H:%M}"
    return any(
        each[0] == day and each[1] <= opens and closes <= each[2] for each in who["open"]
    ) and not any(each[0] < finish and begin < each[1] for each in who["busy"])
