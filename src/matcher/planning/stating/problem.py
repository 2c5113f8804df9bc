"""The programme's records as a problem/1: the one translation, of which `planned` is the way back.

The problem's ids are the database's ids, and its places are municipality codes. The database keeps
moments in UTC, the solver's files wall-clock times of Tokyo; intervals are half open in both.

Of the engagements in scope, the sessions that stand are pinned; the others are their `current`
plan. Of everything else the problem holds, pinned, what the experts in question are bound to, times
on hold included. So the problem of one engagement is small, and as true as the whole programme's.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy.orm import Session as Database

from matcher.clock import TOKYO, wall_time
from matcher.models import (
    ApplicationAbsence,
    BusyTime,
    Engagement,
    Expert,
    ExpertAbsence,
    PlanTerms,
    Session,
    WeeklyHours,
)
from matcher.planning.stating.hours import joined, whole_minutes
from matcher.planning.stating.records import EVERYTHING, Records, Visit
from matcher.planning.stating.travel import Ways
from solver import problem as problem_1
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.remedies import HIGHEST_MATCH_COST


def build_problem(
    db: Database, programme_id: str, *, terms: PlanTerms = EVERYTHING, now: dt.datetime
) -> ProblemFile:
    """Translate the programme into a problem, the same bytes for the same records and day.

    The terms say which engagements to plan; the rest stays as it is. Sessions up to the end of the
    day of `now` stand, and new ones are placed after it.

    Raises:
        NotFound: there is no such programme, or no plannable engagement of that id in it.
        Conflict: one that is asked for by its id is on hold.
    """
    records = Records.load(db, programme_id, now, terms=terms)
    return ProblemFile.from_problem(problem_of(records, records.in_scope()))


def problem_of(records: Records, scope: Sequence[Engagement]) -> Problem:
    """The problem of planning the engagements in scope, everything else fixed."""
    return _around(records, [_free(records, engagement) for engagement in scope])


def problem_with(records: Records, engagement: Engagement, expert_ids: Collection[str]) -> Problem:
    """The problem of one engagement with experts who are no candidates, everything else fixed.

    Each costs as much as a candidate may.
    """
    free = _free(records, engagement)
    others = tuple(problem_1.Candidate(expert=each, cost=HIGHEST_MATCH_COST) for each in expert_ids)
    changes = {"candidates": others, "reassign": bool(free.pinned)}
    return _around(records, [free.model_copy(update=changes)])


def problem_of_move(records: Records, session: Session) -> Problem:
    """The problem of giving one session another time, its expert and everything else fixed."""
    return _around(records, [_loosened(records, session)])


def problem_beside(records: Records, stranger: problem_1.Engagement) -> Problem:
    """The problem of an engagement that is not on record, everything that is there fixed."""
    return _around(records, [stranger])


def _around(records: Records, free: Sequence[problem_1.Engagement]) -> Problem:
    """The problem of some engagements among all that their experts are bound to."""
    concerned = _experts_of(free)
    others = records.engagements.keys() - {engagement.id for engagement in free}
    booked = {id: tuple(records.booked(id)) for id in others}
    fixed = [
        _fixed(records, records.engagements[id], visits)
        for id, visits in booked.items()
        if not concerned.isdisjoint(each.expert_id for each in visits)
    ]
    engagements = tuple(sorted([*free, *fixed], key=lambda each: each.id))
    homes = {id: each.municipality_code for id, each in records.experts.items()}
    ways = Ways.of(engagements, homes, records.first_free_day)
    engagements = tuple(map(ways.placed, engagements))
    bound: dict[str, list[dt.date]] = defaultdict(list)
    for each in engagements:
        for pin in each.pinned:
            bound[pin.expert].append(pin.start.date())
    experts = tuple(
        _expert(records.experts[id], bound[id]) for id in sorted(_experts_of(engagements))
    )
    return Problem(
        format="problem/1",
        name=records.programme_id,
        calendar=_calendar(records),
        experts=experts,
        engagements=engagements,
        travel_minutes=ways.travel(experts, engagements),
        weights=records.terms.weights or records.rules.weights,
    )


def _calendar(records: Records) -> problem_1.Calendar:
    period = records.rules.implementation_period
    return problem_1.Calendar(
        first_day=period.first_day,
        last_day=period.last_day,
        timezone=TOKYO.key,
        slot_minutes=records.rules.slot_minutes,
        closed_days=records.rules.closed_days(period.first_day, period.last_day),
    )


def _free(records: Records, engagement: Engagement) -> problem_1.Engagement:
    """An engagement in scope: what stands is pinned, what is published costs a change."""
    sessions = records.sessions.get(engagement.id, ())
    standing = records.standing(sessions)
    application = engagement.application
    earliest, latest = records.window(engagement)
    suitable = _suitable(records, engagement) if earliest <= latest else ()
    durations = _durations(engagement.session_minutes, sessions, standing)
    published = sessions[: len(durations)]  # fewer may be wanted by now
    last = sessions[max(standing) - 1] if standing else None
    return problem_1.Engagement(
        id=engagement.id,
        weight=engagement.weight,
        earliest=min(earliest, latest),
        latest=latest,
        durations=durations,
        min_gap_days=engagement.min_gap_days,
        target_gap_days=engagement.target_gap_days,
        max_gap_days=engagement.max_gap_days,
        open=_open_hours(application.weekly_hours),
        busy=_busy_times(application.unavailable),
        preferred=_open_hours(application.preferred_hours),
        place=engagement.municipality_code,
        candidates=suitable,
        pinned=tuple(each for each in _pins(sessions) if each.session in standing),
        reassign=last is not None
        and (
            engagement.expert_may_change or all(each.expert != last.expert_id for each in suitable)
        ),
        current=_current(published) if len(published) > len(standing) else None,
    )


def _loosened(records: Records, session: Session) -> problem_1.Engagement:
    """An engagement of which one session may get another time, and nothing else."""
    engagement = records.engagements[session.engagement_id]
    sessions = records.sessions[engagement.id]
    pins = zip(sessions, _pins(sessions), strict=True)
    return _free(records, engagement).model_copy(
        update={
            "durations": tuple(map(_minutes, sessions)),
            "candidates": (problem_1.Candidate(expert=session.expert_id, cost=0),),
            "pinned": tuple(pin for each, pin in pins if each.id != session.id),
            "reassign": len(sessions) > 1,  # the session goes on with its own expert
            "current": None,
        }
    )


def _fixed(
    records: Records, engagement: Engagement, visits: Sequence[Visit]
) -> problem_1.Engagement:
    """An engagement out of scope: its sessions stand, and it gets no others."""
    period = records.rules.implementation_period
    return problem_1.Engagement(
        id=engagement.id,
        earliest=period.first_day,
        latest=period.last_day,
        durations=tuple(map(_minutes, visits)),
        min_gap_days=0,
        target_gap_days=0,
        max_gap_days=0,
        open=(),
        busy=(),
        preferred=(),
        place=engagement.municipality_code,
        candidates=(),
        pinned=_pins(visits),
    )


def _suitable(records: Records, engagement: Engagement) -> tuple[problem_1.Candidate, ...]:
    ranked = records.candidates_of(engagement).ranked
    pinned = records.pinned_experts(engagement.id)
    return tuple(
        problem_1.Candidate(expert=each.expert_id, cost=each.cost)
        for each in ranked
        if not pinned or each.expert_id in pinned
    )


def _expert(expert: Expert, bound: Sequence[dt.date]) -> problem_1.Expert:
    """An expert, with the days of the sessions that stand.

    A cap below what stands already, because it was lowered since, is lifted to that: nothing
    could be planned otherwise, for anybody. A problem has one cap for all days, and one for
    all weeks, so the other days and weeks may then get as many.
    """
    return problem_1.Expert(
        id=expert.id,
        open=_open_hours(expert.weekly_hours),
        busy=_busy_times(expert.unavailable),
        max_per_day=max(expert.max_per_day, _most(bound)),
        max_per_week=max(expert.max_per_week, _most(map(_monday, bound))),
        max_total=max(expert.max_total, len(bound)),
        target_total=expert.target_total,
        place=expert.municipality_code,
    )


def _experts_of(engagements: Iterable[problem_1.Engagement]) -> frozenset[str]:
    """Everyone an engagement may get, has, or is to have."""
    return frozenset(
        expert
        for each in engagements
        for expert in (
            *(candidate.expert for candidate in each.candidates),
            *(pin.expert for pin in each.pinned),
            *((each.current.expert,) if each.current else ()),
        )
    )


def _most(days: Iterable[dt.date]) -> int:
    """How often the most frequent of some days occurs."""
    return max(Counter(days).values(), default=0)


def _monday(day: dt.date) -> dt.date:
    """The first day of the week of a day, by which a week is told from others."""
    return day - dt.timedelta(days=day.weekday())


def _durations(
    wanted: Sequence[int], sessions: Sequence[Session], standing: Collection[int]
) -> tuple[int, ...]:
    """The minutes of each session: of those that stand as they are, of the others as wanted."""
    return tuple(
        _minutes(sessions[number - 1])
        if number in standing or number > len(wanted)
        else wanted[number - 1]
        for number in range(1, max([len(wanted), *standing]) + 1)
    )


def _pins(visits: Iterable[Session | Visit]) -> tuple[problem_1.Pin, ...]:
    return tuple(
        problem_1.Pin(session=number, expert=each.expert_id, start=wall_time(each.start_at))
        for number, each in enumerate(visits, 1)
    )


def _current(sessions: Sequence[Session]) -> problem_1.Current:
    return problem_1.Current(
        expert=sessions[-1].expert_id,
        starts=tuple(wall_time(each.start_at) for each in sessions),
    )


def _minutes(visit: Session | Visit) -> int:
    return (visit.end_at - visit.start_at) // dt.timedelta(minutes=1)


def _open_hours(hours: Iterable[WeeklyHours]) -> tuple[problem_1.OpenHours, ...]:
    return tuple(
        problem_1.OpenHours(each.weekday, _clock(each.opens), _clock(each.closes))
        for each in joined(hours)
    )


def _clock(time: dt.time) -> int:
    """Minutes after midnight."""
    return time.hour * 60 + time.minute


def _busy_times(
    absences: Iterable[ExpertAbsence | ApplicationAbsence | BusyTime],
) -> tuple[problem_1.BusyTime, ...]:
    """Absences in their order, widened to whole minutes."""
    busy = sorted((wall_time(each.start_at), wall_time(each.end_at)) for each in absences)
    return tuple(problem_1.BusyTime(*whole_minutes(start, end)) for start, end in busy)
