"""How many more engagements fit beside what is published, held and pinned, and until when.

What is counted are engagements alike, of a profile that the forecast states. One expert serves all
sessions of an engagement, so what fits into a specialty is the sum of what fits into the free time
of each of its experts. For each expert such engagements are placed, one after the other, as soon as
they can be, until nothing complete fits: so many do fit, and the judge has passed them. How many
can fit at most follows from the expert's days, weeks and caps. An engagement that waits without
sessions takes nothing away; `waiting` counts those that will.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import median_low, mode
from typing import Literal

from matcher.geography import travel_minutes
from matcher.intake.acceptance import LEAD_BUSINESS_DAYS
from matcher.models import Application, Delivery, Expert
from matcher.planning.problem import Records
from matcher.programme import Period, ProgrammeRules, Specialty, Words
from solver.problem import (
    WEEKDAYS,
    BusyTime,
    Candidate,
    Engagement,
    OpenHours,
    Problem,
    Weights,
)
from solver.problem import Expert as PlannedExpert
from solver.problem_file import ProblemFile
from solver.standing import StandingPlan, UnsoundPlan

LENGTHS = (5, 4, 3)
"""The numbers of sessions for which room is counted."""

MORE_A_WEEK, MORE_IN_ALL = 1, 5
"""By how much a cap is raised to see what it is worth."""

OFFICE_HOURS = tuple(OpenHours(day, 9 * 60, 17 * 60) for day in WEEKDAYS[:5])
"""When an organization receives experts, where no application says so."""

WEIGHTS = Weights(
    unserved=100_000,
    dropped_session=100_000,
    match=0,
    off_preference=0,
    travel_per_10_minutes=0,
    wait_per_day=1,
    gap_per_day=1,
    overload=0,
    move=0,
    change_expert=0,
)
"""A complete engagement before all, and then a soon and close one: it leaves most to the next."""

TYPICAL = "typical"


class Interrupted(Exception):
    """Something more urgent waits."""


def never() -> bool:
    """Nothing more urgent ever waits."""
    return False


@dataclass(frozen=True)
class Profile:
    """The engagement that is counted."""

    session_minutes: int
    municipality_code: str | None
    """None: online."""
    hours: tuple[OpenHours, ...]
    min_gap_days: int
    max_gap_days: int


@dataclass(frozen=True)
class Room:
    """How many engagements fit: at least so many, as they were placed; at most so many, proven."""

    at_least: int
    at_most: int


@dataclass(frozen=True)
class WeekOfRoom:
    """What fits of engagements accepted on a day, by their number of sessions."""

    accepted_on: dt.date
    first_session_from: dt.date
    room: Mapping[int, Room]


@dataclass(frozen=True)
class Bottleneck:
    """How many more engagements of five sessions were placed with one cap of one expert raised."""

    expert_id: str
    limit: Literal["max_per_week", "max_total"]
    raised_by: int
    gain: int


@dataclass(frozen=True)
class SpecialtyForecast:
    """What fits into a specialty. Experts of two specialties are counted in both."""

    specialty: Specialty
    experts: int
    waiting: int
    """Engagements that need the specialty and have no session yet; they are not subtracted."""
    weeks: tuple[WeekOfRoom, ...]
    last_days: Mapping[int, dt.date | None]
    """By number of sessions: the last day of acceptance on which one still fits; None: none."""
    bottlenecks: tuple[Bottleneck, ...]
    """The limits worth the most first; only those that are worth something."""


@dataclass(frozen=True)
class Forecast:
    """What more fits into a programme, as of one day."""

    profile: Profile
    specialties: tuple[SpecialtyForecast, ...]
    together: tuple[WeekOfRoom, ...]
    """All specialties, each expert counted once."""


def typical_profile(records: Records, applications: Sequence[Application]) -> Profile:
    """The engagement that the applications of a programme ask for, in the middle."""
    rules = records.rules
    lengths = [each for own in applications for each in own.session_minutes]
    online = sum(each.delivery == Delivery.ONLINE for each in applications)
    sites = [
        each.organization.municipality_code
        for each in applications
        if each.delivery == Delivery.ON_SITE
    ]
    return Profile(
        session_minutes=median_low(lengths) if lengths else rules.session_minutes.longest,
        municipality_code=None if 2 * online >= len(applications) else mode(sites),
        hours=tuple(_usual_hours(applications)) or OFFICE_HOURS,
        min_gap_days=rules.gaps.min_days,
        max_gap_days=rules.gaps.max_days,
    )


def _usual_hours(applications: Sequence[Application]) -> Iterator[OpenHours]:
    """Of each weekday on which most receive experts, when they open and close, in the middle."""
    for day in WEEKDAYS:
        spans = [
            (min(own.opens for own in hours), max(own.closes for own in hours))
            for each in applications
            if (hours := [own for own in each.weekly_hours if own.weekday == day])
        ]
        if spans and 2 * len(spans) >= len(applications):
            opens, closes = (median_low([span[end] for span in spans]) for end in (0, 1))
            if opens < closes:
                yield OpenHours(
                    day, opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute
                )


def forecast(
    records: Records, profile: Profile, *, interrupted: Callable[[], bool] = never
) -> Forecast:
    """Count what fits as of each week until the application period ends.

    Raises:
        Interrupted: `interrupted` said so, between two experts.
    """
    rules, today = records.rules, records.first_free_day - dt.timedelta(days=1)
    days = tuple(_acceptance_days(rules, today))
    found: dict[str, _ExpertRoom] = {}
    problem = _problem(records, profile)
    for expert in records.experts.values():
        if interrupted():
            raise Interrupted
        if _may_serve(expert, profile):
            found[expert.id] = _room_of(_Diary.of(problem, expert.id), rules, days)
    return Forecast(
        profile,
        tuple(_of_specialty(each.id, records, days, found) for each in rules.specialties),
        _sum(days, rules, tuple(found.values())),
    )


def _may_serve(expert: Expert, profile: Profile) -> bool:
    site = profile.municipality_code
    reachable = site is None or travel_minutes(expert.municipality_code, site) is not None
    return expert.active and reachable


def _acceptance_days(rules: ProgrammeRules, today: dt.date) -> Iterator[dt.date]:
    """Today, the same weekday of each week, and the last day of the application period."""
    day = max(today, rules.application_period.first_day)
    last = max(day, rules.application_period.last_day)
    while day < last:
        yield day
        day += dt.timedelta(weeks=1)
    yield last


def first_session_from(rules: ProgrammeRules, accepted_on: dt.date) -> dt.date:
    """The first day on which an engagement may have a session, by the day of its acceptance."""
    ready = rules.business_day_after(accepted_on, LEAD_BUSINESS_DAYS)
    return max(ready, rules.implementation_period.first_day)


def _problem(records: Records, profile: Profile) -> Problem:
    """All experts with what they are bound to, beside one engagement of the profile."""
    period = records.rules.implementation_period
    experts = tuple(Candidate(expert=id, cost=0) for id in sorted(records.experts))
    typical = Engagement(
        id=TYPICAL,
        earliest=period.first_day,
        latest=period.last_day,
        durations=(profile.session_minutes,),
        min_gap_days=profile.min_gap_days,
        target_gap_days=profile.min_gap_days,
        max_gap_days=profile.max_gap_days,
        open=profile.hours,
        busy=(),
        preferred=(),
        place=profile.municipality_code,
        candidates=experts,
    )
    return records.problem_beside(typical).model_copy(update={"weights": WEIGHTS})


@dataclass(frozen=True)
class _Diary:
    """One expert, what the expert is bound to, and the engagement that is to fit beside it."""

    problem: Problem
    """Without the engagement."""
    typical: Engagement
    expert: PlannedExpert

    @classmethod
    def of(cls, problem: Problem, expert_id: str) -> _Diary:
        bound = tuple(
            each
            for each in problem.engagements
            if any(pin.expert == expert_id for pin in each.pinned)
        )
        named = {pin.expert for each in bound for pin in each.pinned} | {expert_id}
        experts = tuple(each for each in problem.experts if each.id in named)
        (expert,) = (each for each in experts if each.id == expert_id)
        (typical,) = (each for each in problem.engagements if each.id == TYPICAL)
        typical = typical.model_copy(update={"candidates": (Candidate(expert=expert_id, cost=0),)})
        small = problem.model_copy(update={"engagements": bound, "experts": experts})
        return cls(small, typical, expert)

    def changed(self, **caps: int) -> _Diary:
        """The same diary of an expert with other caps."""
        expert = self.expert.model_copy(update=caps)
        experts = tuple(expert if each.id == expert.id else each for each in self.problem.experts)
        problem = self.problem.model_copy(update={"experts": experts})
        return replace(self, problem=problem, expert=expert)

    def room(self, first_day: dt.date, sessions: int, known: int = 0) -> Room:
        """How many engagements of so many sessions fit from a day on; `known` are known to."""
        most = self._at_most(first_day, sessions)
        if known >= most:
            return Room(known, most)
        least = max(known, self.placed(first_day, sessions, most))
        return Room(least, most if least else 0)  # the first is placed wherever one can be

    def has_room(self, first_day: dt.date, sessions: int) -> bool:
        """Whether one engagement of so many sessions fits from a day on."""
        return self._at_most(first_day, sessions) > 0 and self.placed(first_day, sessions, 1) == 1

    def placed(self, first_day: dt.date, sessions: int, wanted: int) -> int:
        """Place up to so many engagements, each complete, and let the judge pass them."""
        if wanted <= 0:
            return 0
        typical = self.typical.model_copy(
            update={
                "earliest": first_day,
                "durations": self.typical.durations * sessions,
            }
        )
        more = tuple(
            typical.model_copy(update={"id": f"{TYPICAL} {number}"})
            for number in range(1, wanted + 1)
        )
        engagements = (*self.problem.engagements, *more)
        file = ProblemFile.from_problem(
            self.problem.model_copy(update={"engagements": engagements})
        )
        try:
            standing = StandingPlan(file)
        except UnsoundPlan:
            return 0  # what stands contradicts itself: nothing is promised beside it
        count = 0
        for each in more:
            (offer, *_) = standing.best_offers(each.id) or (None,)
            if offer is None or not offer.is_complete:
                break
            standing.insert(offer)
            count += 1
        standing.plan()
        return count

    def _at_most(self, first_day: dt.date, sessions: int) -> int:
        """No more than this fit: session k of each lies where the sessions beside it leave it."""
        last_day = self.problem.calendar.last_day
        if first_day > last_day:
            return 0
        gap = dt.timedelta(days=self.typical.min_gap_days)
        windows = (
            (first_day + number * gap, last_day - (sessions - 1 - number) * gap)
            for number in range(sessions)
        )
        return min(
            max(0, self.expert.max_total - self._bound_in_all) // sessions,
            self._within_weeks(first_day, last_day) // sessions,
            *(self._within_weeks(*window) for window in windows),
        )

    @property
    def _bound_days(self) -> list[dt.date]:
        return [
            pin.start.date()
            for each in self.problem.engagements
            for pin in each.pinned
            if pin.expert == self.expert.id
        ]

    @property
    def _bound_in_all(self) -> int:
        return len(self._bound_days)

    @cached_property
    def _free_by_week(self) -> tuple[tuple[int, Mapping[dt.date, int]], ...]:
        """How many more sessions each week may have, and how many each of its days has time for.

        Travel is left aside, and days without time are left out.
        """
        bound = Counter(self._bound_days)
        bound_a_week = Counter(map(_monday, self._bound_days))
        calendar = self.problem.calendar
        closed = set(calendar.closed_days)
        busy = [*self.expert.busy, *self._visits()]
        free: dict[dt.date, dict[dt.date, int]] = defaultdict(dict)
        for day in Period(first_day=calendar.first_day, last_day=calendar.last_day).days():
            if day in closed:
                continue
            spans = _free_spans(day, self.expert.open, self.typical.open, busy)
            fit = sum(span // self.typical.durations[0] for span in spans)
            count = min(self.expert.max_per_day - bound[day], fit)
            if count > 0:
                free[_monday(day)][day] = count
        return tuple(
            (max(0, self.expert.max_per_week - bound_a_week[monday]), days)
            for monday, days in free.items()
        )

    def _visits(self) -> Iterator[BusyTime]:
        for each in self.problem.engagements:
            for pin in each.pinned:
                if pin.expert == self.expert.id:
                    minutes = each.durations[pin.session - 1]
                    yield BusyTime(pin.start, pin.start + dt.timedelta(minutes=minutes))

    def _within_weeks(self, first: dt.date, last: dt.date) -> int:
        """How many sessions fit from day to day, by the caps of each day and each week."""
        return sum(
            min(left, sum([count for day, count in days.items() if first <= day <= last]))
            for left, days in self._free_by_week
        )


def _free_spans(
    day: dt.date, ours: Sequence[OpenHours], theirs: Sequence[OpenHours], busy: Sequence[BusyTime]
) -> Iterator[int]:
    """The lengths, in minutes, of the times of a day at which both are there and free."""
    midnight = dt.datetime.combine(day, dt.time())
    taken = [
        ((each.start - midnight).total_seconds() // 60, (each.end - midnight).total_seconds() // 60)
        for each in busy
        if each.end > midnight and each.start < midnight + dt.timedelta(days=1)
    ]
    name = WEEKDAYS[day.weekday()]
    for own in ours:
        for other in theirs:
            if own.weekday == other.weekday == name:
                opens, closes = max(own.opens, other.opens), min(own.closes, other.closes)
                edges = sorted(
                    {opens, closes, *(int(t) for span in taken for t in span if opens < t < closes)}
                )
                yield from _joined(edges, taken)


def _joined(edges: Sequence[int], taken: Sequence[tuple[float, float]]) -> Iterator[int]:
    """The stretches between edges that nothing covers, neighbours joined."""
    length = 0
    for start, end in pairwise(edges):
        if any(begin < end and start < until for begin, until in taken):
            yield length
            length = 0
        else:
            length += end - start
    yield length


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


@dataclass(frozen=True)
class _ExpertRoom:
    """What fits into one expert's free time."""

    weeks: tuple[Mapping[int, Room], ...]
    last_days: Mapping[int, dt.date | None]
    gains: tuple[Bottleneck, ...]


def _room_of(diary: _Diary, rules: ProgrammeRules, days: Sequence[dt.date]) -> _ExpertRoom:
    """Count from the last week to the first: what fits later fits earlier, and so do parts."""
    later = dict.fromkeys(LENGTHS, Room(0, 0))
    weeks: list[Mapping[int, Room]] = []
    for day in reversed(days):
        first, least, now = first_session_from(rules, day), 0, dict[int, Room]()
        for sessions in LENGTHS:
            now[sessions] = diary.room(first, sessions, max(least, later[sessions].at_least))
            least = now[sessions].at_least
        weeks.append(now)
        later = now
    last_days = {each: _last_day(diary, rules, days, weeks[::-1], each) for each in LENGTHS}
    gains = tuple(_gains(diary, first_session_from(rules, days[0]), later[LENGTHS[0]]))
    return _ExpertRoom(tuple(reversed(weeks)), last_days, gains)


def _last_day(
    diary: _Diary,
    rules: ProgrammeRules,
    days: Sequence[dt.date],
    weeks: Sequence[Mapping[int, Room]],
    sessions: int,
) -> dt.date | None:
    """The last day of acceptance after which no engagement fits, by halving: exact.

    On some days it is known already, by the weeks.
    """

    def fits(day: dt.date) -> bool:
        return diary.has_room(first_session_from(rules, day), sessions)

    good = max(
        (day for day, room in zip(days, weeks, strict=True) if room[sessions].at_least > 0),
        default=None,
    )
    if good is None:
        return None
    bad = diary.problem.calendar.last_day + dt.timedelta(days=1)
    while (bad - good).days > 1:
        middle = good + (bad - good) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def _gains(diary: _Diary, first_day: dt.date, now: Room) -> Iterator[Bottleneck]:
    """What one cap raised is worth, each placed anew."""
    expert, sessions = diary.expert, LENGTHS[0]
    raised: tuple[tuple[Literal["max_per_week", "max_total"], int, int], ...] = (
        ("max_per_week", MORE_A_WEEK, expert.max_per_week),
        ("max_total", MORE_IN_ALL, expert.max_total),
    )
    for limit, by, cap in raised:
        gain = diary.changed(**{limit: cap + by}).room(first_day, sessions).at_least - now.at_least
        if gain > 0:
            yield Bottleneck(expert.id, limit, by, gain)


def _of_specialty(
    specialty: Specialty,
    records: Records,
    days: Sequence[dt.date],
    found: Mapping[str, _ExpertRoom],
) -> SpecialtyForecast:
    rules = records.rules
    (named,) = (each for each in rules.specialties if each.id == specialty)
    held = {each.id for each in named.qualifications}
    rooms = [
        room for id, room in found.items() if held.intersection(records.experts[id].qualifications)
    ]
    gains = [gain for room in rooms for gain in room.gains]
    return SpecialtyForecast(
        specialty,
        len(rooms),
        sum(
            specialty in each.application.needs and not any(records.booked(each.id))
            for each in records.plannable
        ),
        _sum(days, rules, rooms),
        {
            each: max((day for room in rooms if (day := room.last_days[each])), default=None)
            for each in LENGTHS
        },
        tuple(sorted(gains, key=lambda each: (-each.gain, each.expert_id, each.limit))),
    )


def _sum(
    days: Sequence[dt.date], rules: ProgrammeRules, rooms: Sequence[_ExpertRoom]
) -> tuple[WeekOfRoom, ...]:
    return tuple(
        WeekOfRoom(
            day,
            first_session_from(rules, day),
            {
                each: Room(
                    sum(room.weeks[number][each].at_least for room in rooms),
                    sum(room.weeks[number][each].at_most for room in rooms),
                )
                for each in LENGTHS
            },
        )
        for number, day in enumerate(days)
    )


WEEKDAYS_JA = "月火水木金土日"


def last_day_sentence(name: Words, sessions: int, day: dt.date | None) -> Words:
    """Until when a typical engagement still fits, as it was tried."""
    if day is None:
        return Words(
            ja=f"{name.ja}では、標準的な{sessions}回の派遣を最後まで実施できる専門家が現時点でいません。",
            en=f"No typical engagement of {sessions} sessions in {name.en} can be completed now.",
        )
    return Words(
        ja=f"{day.month}月{day.day}日({WEEKDAYS_JA[day.weekday()]})より後に決定すると、"
        f"{name.ja}では標準的な{sessions}回の派遣を最後まで実施できなくなります。",
        en=f"After {day:%a} {day.day} {day:%B} no typical engagement of {sessions} sessions "
        f"in {name.en} can be completed any more.",
    )
