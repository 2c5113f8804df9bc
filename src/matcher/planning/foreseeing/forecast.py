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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from matcher.geography import travel_minutes
from matcher.models import Expert
from matcher.planning.foreseeing.diary import Diary, Room, problem_of_profile
from matcher.planning.foreseeing.profile import Profile
from matcher.planning.stating.records import Records
from matcher.programme import ProgrammeRules, Specialty, Words

LENGTHS = (5, 4, 3)
"""The numbers of sessions for which room is counted."""

MORE_A_WEEK, MORE_IN_ALL = 1, 5
"""By how much a cap is raised to see what it is worth."""


class Interrupted(Exception):
    """Something more urgent waits."""


def never() -> bool:
    """Nothing more urgent ever waits."""
    return False


@dataclass(frozen=True)
class WeekOfRoom:
    """What fits of engagements accepted on a day, by their number of sessions."""

    accepted_on: dt.date
    first_session_from: dt.date
    room: Mapping[int, Room]


@dataclass(frozen=True)
class Bottleneck:
    """How many more engagements of five sessions fit with one cap of one expert raised."""

    expert_id: str
    limit: Literal["max_per_week", "max_total"]
    raised_by: int
    gain: int
    """So many more at least, proven: placed, beyond what can fit at most without."""
    placed: int
    """So many more than were placed without."""


@dataclass(frozen=True)
class Uncounted:
    """An expert of whom nothing could be tried, as what is fixed by itself clashes."""

    expert_id: str
    reasons: tuple[Words, ...]


@dataclass(frozen=True)
class SpecialtyForecast:
    """What fits into a specialty. Experts of two specialties are counted in both."""

    specialty: Specialty
    experts: int
    """With those who are not counted."""
    uncounted: tuple[Uncounted, ...]
    """Of them no engagement is promised, and none ruled out."""
    waiting: int
    """Engagements that need the specialty and have no session yet; they are not subtracted."""
    weeks: tuple[WeekOfRoom, ...]
    last_days: Mapping[int, dt.date | None]
    """By number of sessions: the last day of acceptance on which one still fits; None: none.

    So it is with the experts who are counted; with others it may be later.
    """
    bottlenecks: tuple[Bottleneck, ...]
    """The limits worth the most first; only those that are worth something."""


@dataclass(frozen=True)
class Forecast:
    """What more fits into a programme, as of one day."""

    profile: Profile
    specialties: tuple[SpecialtyForecast, ...]
    together: tuple[WeekOfRoom, ...]
    """All specialties, each expert counted once."""


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
    problem = problem_of_profile(records, profile)
    for expert in records.experts.values():
        if interrupted():
            raise Interrupted
        if _may_serve(expert, profile):
            found[expert.id] = _room_of(Diary.of(problem, expert.id), rules, days)
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


@dataclass(frozen=True)
class _ExpertRoom:
    """What fits into one expert's free time."""

    weeks: tuple[Mapping[int, Room], ...]
    last_days: Mapping[int, dt.date | None]
    gains: tuple[Bottleneck, ...]
    uncounted: tuple[Uncounted, ...]
    """The expert, who is not; or nobody."""


def _room_of(diary: Diary, rules: ProgrammeRules, days: Sequence[dt.date]) -> _ExpertRoom:
    """Count from the last week to the first: what fits later fits earlier, and so do parts."""
    later = dict.fromkeys(LENGTHS, Room(0, 0))
    weeks: list[Mapping[int, Room]] = []
    for day in reversed(days):
        first, least, now = rules.first_session_day(day), 0, dict[int, Room]()
        for sessions in LENGTHS:
            now[sessions] = diary.room(first, sessions, max(least, later[sessions].at_least))
            least = now[sessions].at_least
        weeks.append(now)
        later = now
    last_days = {each: _last_day(diary, rules, days, weeks[::-1], each) for each in LENGTHS}
    gains = tuple(_gains(diary, rules.first_session_day(days[0]), later[LENGTHS[0]]))
    uncounted = (Uncounted(diary.expert.id, diary.clashes),) if diary.clashes else ()
    return _ExpertRoom(tuple(reversed(weeks)), last_days, gains, uncounted)


def _last_day(
    diary: Diary,
    rules: ProgrammeRules,
    days: Sequence[dt.date],
    weeks: Sequence[Mapping[int, Room]],
    sessions: int,
) -> dt.date | None:
    """The last day of acceptance after which no engagement fits, by halving: exact.

    On some days it is known already, by the weeks.
    """

    def fits(day: dt.date) -> bool:
        return diary.has_room(rules.first_session_day(day), sessions)

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


def _gains(diary: Diary, first_day: dt.date, now: Room) -> Iterator[Bottleneck]:
    """What one cap raised is worth, each placed anew."""
    expert, sessions = diary.expert, LENGTHS[0]
    raised: tuple[tuple[Literal["max_per_week", "max_total"], int, int], ...] = (
        ("max_per_week", MORE_A_WEEK, expert.max_per_week),
        ("max_total", MORE_IN_ALL, expert.max_total),
    )
    for limit, by, cap in raised:
        least = diary.changed(**{limit: cap + by}).room(first_day, sessions).at_least
        if least > now.at_least:
            gain = max(0, least - now.at_most)
            yield Bottleneck(expert.id, limit, by, gain, least - now.at_least)


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
        tuple(each for room in rooms for each in room.uncounted),
        sum(
            specialty in each.application.needs and not any(records.booked(each.id))
            for each in records.plannable
        ),
        _sum(days, rules, rooms),
        {
            each: max((day for room in rooms if (day := room.last_days[each])), default=None)
            for each in LENGTHS
        },
        tuple(sorted(gains, key=_worth)),
    )


def _worth(each: Bottleneck) -> tuple[int, int, str, str]:
    return -each.gain, -each.placed, each.expert_id, each.limit


def _sum(
    days: Sequence[dt.date], rules: ProgrammeRules, rooms: Sequence[_ExpertRoom]
) -> tuple[WeekOfRoom, ...]:
    return tuple(
        WeekOfRoom(
            day,
            rules.first_session_day(day),
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
