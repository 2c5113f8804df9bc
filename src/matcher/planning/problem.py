"""The programme's records as a problem/1, and a plan/1 back as sessions: the one translation.

The problem's ids are the database's ids, and its places are municipality codes. The database keeps
moments in UTC, the solver's files wall-clock times of Tokyo; intervals are half open in both.

In scope are the engagements that were asked for and may still get sessions. Their sessions up to
the end of today are pinned, and so is what is frozen by the terms of a run or by a planner's pins;
the others are their `current` plan. Of everything else the problem holds, pinned, what the experts
in question are bound to, times on hold included. So the problem of one engagement is small, and as
true as the whole programme's.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload, selectinload

from matcher.clock import TOKYO, from_wall_time, wall_time
from matcher.errors import Conflict, NotFound
from matcher.geography import travel_minutes
from matcher.models import (
    Application,
    ApplicationAbsence,
    BusyTime,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Hold,
    Organization,
    Pin,
    PlanTerms,
    Programme,
    Session,
    SessionStatus,
    WeeklyHours,
)
from matcher.planning.agreement import outgrown
from matcher.planning.hours import joined
from matcher.planning.matching import CandidateList, candidates
from matcher.planning.replanning import unfit
from matcher.programme import Phase, ProgrammeRules
from solver import problem as problem_1
from solver.plan import Assignment, Plan
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.remedies import HIGHEST_MATCH_COST

PLANNABLE_STATES = frozenset(
    {EngagementState.WAITING, EngagementState.PLANNED, EngagementState.IN_PROGRESS}
)
"""The states of an engagement in which sessions may still be planned."""

UNREACHABLE_MINUTES = 24 * 60
"""Between an island and elsewhere: longer than a day leaves room for. Nobody is sent that way."""

EVERYTHING = PlanTerms(frozen_days=0)
"""All that is plannable, nothing frozen but what is over."""

ONLINE_JA, ONLINE_EN = "オンライン", "Online"


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
    return ProblemFile.from_problem(records.problem(records.in_scope()))


class Visit(NamedTuple):
    """Time of an expert that is spoken for, [start_at, end_at)."""

    expert_id: str
    start_at: dt.datetime
    end_at: dt.datetime


@dataclass(frozen=True)
class Records:
    """What a problem is made of, as the database holds it at one moment."""

    programme_id: str
    rules: ProgrammeRules
    experts: Mapping[str, Expert]
    engagements: Mapping[str, Engagement]
    sessions: Mapping[str, Sequence[Session]]
    """By engagement, in the order of their numbers; cancelled ones left out."""
    first_free_day: dt.date
    """The first day on which a session may be placed: tomorrow."""
    terms: PlanTerms
    pins: Mapping[str, Sequence[Pin]]
    """By engagement: those that hold."""
    holds: Mapping[str, Hold]
    """By engagement: the one that holds."""

    @classmethod
    def load(
        cls,
        db: Database,
        programme_id: str,
        now: dt.datetime,
        *,
        terms: PlanTerms = EVERYTHING,
        held_at: dt.datetime | None = None,
        for_change: bool = False,
    ) -> Records:
        """Read a programme's records, as they are now whatever this session read before.

        Sessions are placed after the day of `now`; holds count that hold at `held_at`, by default
        the same moment. If it is for a change, nobody else withdraws an engagement, cancels one of
        its sessions or changes an expert's hours until the transaction ends.

        Raises:
            NotFound: there is no such programme.
        """
        programme = db.get(Programme, programme_id)
        if programme is None:
            raise NotFound("programme", programme_id)
        wanted = (
            select(Engagement)
            .where(Engagement.programme_id == programme_id)
            .order_by(Engagement.id)
            .options(
                joinedload(Engagement.application)
                .joinedload(Application.organization)
                .selectinload(Organization.busy_times),
                joinedload(Engagement.application).selectinload(Application.absences),
            )
            .execution_options(populate_existing=True)
        )
        engagements = db.scalars(wanted.with_for_update(of=Engagement) if for_change else wanted)
        serving = (
            select(Expert)
            .order_by(Expert.id)
            .options(
                selectinload(Expert.absences),
                selectinload(Expert.busy_times),
                selectinload(Expert.conflicts),
            )
            .execution_options(populate_existing=True)
        )
        experts = db.scalars(
            serving.with_for_update(read=True, of=Expert) if for_change else serving
        )
        by_engagement: dict[str, list[Session]] = defaultdict(list)
        for session in db.scalars(
            select(Session)
            .join(Engagement)
            .where(Engagement.programme_id == programme_id)
            .where(Session.status != SessionStatus.CANCELLED)
            .order_by(Session.engagement_id, Session.number)
            .execution_options(populate_existing=True)
        ):
            by_engagement[session.engagement_id].append(session)
        pins: dict[str, list[Pin]] = defaultdict(list)
        for pin in db.scalars(_pins_of(programme_id)):
            pins[pin.engagement_id].append(pin)
        holds = db.scalars(_holds_of(programme_id, held_at or now))
        return cls(
            programme_id,
            programme.rules,
            {each.id: each for each in experts},
            {each.id: each for each in engagements},
            by_engagement,
            wall_time(now).date() + dt.timedelta(days=1),
            terms,
            pins,
            {each.engagement_id: each for each in holds},
        )

    def including(self, engagement: Engagement) -> Records:
        """The same records as if an engagement were among them that has no session yet."""
        return replace(self, engagements={**self.engagements, engagement.id: engagement})

    def as_of(self, now: dt.datetime) -> Records:
        """The same records, for sessions that are placed after the day of `now`."""
        return replace(self, first_free_day=wall_time(now).date() + dt.timedelta(days=1))

    def in_scope(self) -> tuple[Engagement, ...]:
        """The engagements to plan, by id.

        Raises:
            NotFound: one that is asked for by its id is not there, or not plannable.
            Conflict: one that is asked for by its id is on hold.
        """
        asked = frozenset(self.terms.only or ())
        for held in sorted(asked & self.holds.keys()):
            raise on_hold(self.holds[held])
        plannable = frozenset(each.id for each in self.plannable)
        if not asked <= plannable:
            raise NotFound("engagement", min(asked - plannable))
        return self.still_in_scope()

    def still_in_scope(self) -> tuple[Engagement, ...]:
        """The engagements to plan, by id, without those that are gone or no longer plannable."""
        only, specialties = self.terms.only, self.terms.specialties
        return tuple(
            each
            for each in self.plannable
            if (only is None or each.id in only)
            and (specialties is None or any(map(each.application.needs.get, specialties)))
            and each.id not in self.holds
        )

    @property
    def plannable(self) -> tuple[Engagement, ...]:
        """The engagements that may still get sessions, by id."""
        return tuple(each for each in self.engagements.values() if each.state in PLANNABLE_STATES)

    def candidates_of(
        self, engagement: Engagement, workload: Mapping[str, int] | None = None
    ) -> CandidateList:
        """Who may serve an engagement; with a workload, without those it leaves no room."""
        application = engagement.application
        return candidates(
            engagement,
            application,
            application.organization,
            self.experts.values(),
            self.rules,
            workload=workload,
        )

    def window(self, engagement: Engagement) -> tuple[dt.date, dt.date]:
        """First and last day on which it may get a session; reversed where none is left."""
        period = self.rules.implementation_period
        last_day = min(engagement.latest, period.last_day, self.terms.until or dt.date.max)
        latest = max(last_day, period.first_day)
        return max(engagement.earliest, period.first_day, self.first_free_day), latest

    def problem(self, scope: Sequence[Engagement]) -> Problem:
        """The problem of planning the engagements in scope, everything else fixed."""
        return self._around([self._free(engagement) for engagement in scope])

    def problem_with(self, engagement: Engagement, expert_ids: Collection[str]) -> Problem:
        """The problem of one engagement with experts who are no candidates, everything else fixed.

        Each costs as much as a candidate may.
        """
        free = self._free(engagement)
        others = tuple(
            problem_1.Candidate(expert=each, cost=HIGHEST_MATCH_COST) for each in expert_ids
        )
        changes = {"candidates": others, "reassign": bool(free.pinned)}
        return self._around([free.model_copy(update=changes)])

    def problem_of_move(self, session: Session) -> Problem:
        """The problem of giving one session another time, its expert and everything else fixed."""
        return self._around([self._loosened(session)])

    def problem_beside(self, stranger: problem_1.Engagement) -> Problem:
        """The problem of an engagement that is not on record, everything that is there fixed."""
        return self._around([stranger])

    def _around(self, free: Sequence[problem_1.Engagement]) -> Problem:
        """The problem of some engagements among all that their experts are bound to."""
        concerned = _experts_of(free)
        others = self.engagements.keys() - {engagement.id for engagement in free}
        booked = {id: tuple(self.booked(id)) for id in others}
        fixed = [
            self._fixed(self.engagements[id], visits)
            for id, visits in booked.items()
            if not concerned.isdisjoint(each.expert_id for each in visits)
        ]
        engagements = tuple(sorted([*free, *fixed], key=lambda each: each.id))
        homes = {id: each.municipality_code for id, each in self.experts.items()}
        shortcuts = tuple(_shortcuts(engagements, homes, self.first_free_day))
        codes = {each.id: each.place or "" for each in engagements}
        sites = {each.place: codes[each.engagement_id] for each in shortcuts}
        engagements = tuple(_by_shortcuts(each, shortcuts) for each in engagements)
        bound: dict[str, list[dt.date]] = defaultdict(list)
        for each in engagements:
            for pin in each.pinned:
                bound[pin.expert].append(pin.start.date())
        experts = tuple(
            self._expert(self.experts[id], bound[id]) for id in sorted(_experts_of(engagements))
        )
        return Problem(
            format="problem/1",
            name=self.programme_id,
            calendar=self._calendar,
            experts=experts,
            engagements=engagements,
            travel_minutes=_travel(experts, engagements, shortcuts, sites),
            weights=self.terms.weights or self.rules.weights,
        )

    @cached_property
    def _calendar(self) -> problem_1.Calendar:
        period = self.rules.implementation_period
        return problem_1.Calendar(
            first_day=period.first_day,
            last_day=period.last_day,
            timezone=TOKYO.key,
            slot_minutes=self.rules.slot_minutes,
            closed_days=self.rules.closed_days(period.first_day, period.last_day),
        )

    def _free(self, engagement: Engagement) -> problem_1.Engagement:
        """An engagement in scope: what stands is pinned, what is published costs a change."""
        sessions = self.sessions.get(engagement.id, ())
        standing = self._standing(sessions)
        application = engagement.application
        earliest, latest = self.window(engagement)
        suitable = self._suitable(engagement) if earliest <= latest else ()
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
            reassign=last is not None and all(each.expert != last.expert_id for each in suitable),
            current=_current(published) if len(published) > len(standing) else None,
        )

    def _loosened(self, session: Session) -> problem_1.Engagement:
        """An engagement of which one session may get another time, and nothing else."""
        engagement = self.engagements[session.engagement_id]
        sessions = self.sessions[engagement.id]
        pins = zip(sessions, _pins(sessions), strict=True)
        return self._free(engagement).model_copy(
            update={
                "durations": tuple(map(_minutes, sessions)),
                "candidates": (problem_1.Candidate(expert=session.expert_id, cost=0),),
                "pinned": tuple(pin for each, pin in pins if each.id != session.id),
                "reassign": len(sessions) > 1,  # the session goes on with its own expert
                "current": None,
            }
        )

    def booked(self, engagement_id: str) -> Iterator[Visit]:
        """The visits that an engagement has by now, held or published, and those on hold for it."""
        for session in self.sessions.get(engagement_id, ()):
            yield Visit(session.expert_id, session.start_at, session.end_at)
        hold = self.holds.get(engagement_id)
        if hold is not None:
            for own in hold.sessions:
                yield Visit(hold.expert_id, own.start_at, own.end_at)

    def _fixed(self, engagement: Engagement, visits: Sequence[Visit]) -> problem_1.Engagement:
        """An engagement out of scope: its sessions stand, and it gets no others."""
        period = self.rules.implementation_period
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

    def stands(self, session: Session) -> bool:
        """Whether no plan may change a session: it is over, or as good as."""
        return (
            session.status != SessionStatus.CONFIRMED
            or wall_time(session.start_at).date() < self.first_free_day
        )

    def pin_on(self, session: Session) -> Pin | None:
        """The planner's pin that holds a session to its expert and time; None: no pin does."""
        pins = self.pins.get(session.engagement_id, ())
        return next((pin for pin in pins if pin.covers(session.id)), None)

    def pin_on_expert(self, engagement_id: str) -> Pin | None:
        """The planner's pin that names who serves an engagement; None: no pin does."""
        pins = self.pins.get(engagement_id, ())
        return next((pin for pin in pins if pin.expert_id is not None), None)

    def _standing(self, sessions: Sequence[Session]) -> frozenset[int]:
        """The numbers of an engagement's sessions that stand in a run under these terms.

        What is frozen by its day alone stands only where it can still take place: to hold a run to
        a time at which the expert is away would keep no promise.
        """
        return frozenset(
            number
            for number, session in enumerate(sessions, 1)
            if self.stands(session)
            or self._is_pinned(session)
            or (self._is_frozen(session) and all(map(self._can_take_place, sessions[:number])))
        )

    def _is_frozen(self, session: Session) -> bool:
        """Whether its day keeps a run from changing it."""
        day = wall_time(session.start_at).date()
        return not self._first_loose_day <= day <= (self.terms.until or dt.date.max)

    @property
    def _first_loose_day(self) -> dt.date:
        """The first day whose published sessions a run may change."""
        return self.first_free_day + dt.timedelta(days=self.terms.frozen_days)

    def _is_pinned(self, session: Session) -> bool:
        return self.pin_on(session) is not None

    def _can_take_place(self, session: Session) -> bool:
        """Whether it is over, or still fits its expert and what its engagement asks for."""
        if self.stands(session):
            return True
        engagement = self.engagements[session.engagement_id]
        sessions = self.sessions[session.engagement_id]
        return (
            unfit(self.experts[session.expert_id], session, self.rules) is None
            and self._is_as_pinned(session)
            and session not in outgrown(engagement, sessions, self.first_free_day)
        )

    def _is_as_pinned(self, session: Session) -> bool:
        pinned = self._pinned_experts(session.engagement_id)
        return not pinned or session.expert_id in pinned

    def _pinned_experts(self, engagement_id: str) -> frozenset[str]:
        pins = self.pins.get(engagement_id, ())
        return frozenset(pin.expert_id for pin in pins if pin.expert_id is not None)

    def _suitable(self, engagement: Engagement) -> tuple[problem_1.Candidate, ...]:
        ranked = self.candidates_of(engagement).ranked
        pinned = self._pinned_experts(engagement.id)
        return tuple(
            problem_1.Candidate(expert=each.expert_id, cost=each.cost)
            for each in ranked
            if not pinned or each.expert_id in pinned
        )

    def _expert(self, expert: Expert, bound: Sequence[dt.date]) -> problem_1.Expert:
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


@dataclass(frozen=True)
class PlannedSession:
    """One session as a plan wants it, in the terms of the database."""

    engagement_id: str
    number: int
    phase: Phase
    expert_id: str
    start_at: dt.datetime
    end_at: dt.datetime
    municipality_code: str | None
    place_ja: str
    place_en: str
    meeting_url: str | None


def sessions_of(
    plan: Plan, problem: Problem, engagements: Mapping[str, Engagement], rules: ProgrammeRules
) -> tuple[PlannedSession, ...]:
    """The sessions of a plan that are not pinned, by engagement and number."""
    asked = {each.id: each for each in problem.engagements}
    return tuple(
        session
        for assignment in sorted(plan.assignments, key=lambda each: each.engagement)
        for session in _planned(
            asked[assignment.engagement],
            assignment,
            engagements[assignment.engagement],
            rules,
        )
    )


def _planned(
    asked: problem_1.Engagement,
    assignment: Assignment,
    engagement: Engagement,
    rules: ProgrammeRules,
) -> Iterator[PlannedSession]:
    organization = engagement.application.organization
    online = engagement.municipality_code is None
    pinned = {pin.session for pin in asked.pinned}
    for number, start in enumerate(assignment.starts, 1):
        if number in pinned:
            continue
        start_at = from_wall_time(start)
        yield PlannedSession(
            engagement_id=asked.id,
            number=number,
            phase=rules.phase(number, len(asked.durations)).id,
            expert_id=assignment.expert,
            start_at=start_at,
            end_at=start_at + dt.timedelta(minutes=asked.durations[number - 1]),
            municipality_code=engagement.municipality_code,
            place_ja=ONLINE_JA if online else organization.address_ja,
            place_en=ONLINE_EN if online else organization.address_en or organization.address_ja,
            meeting_url=engagement.meeting_url if online else None,
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


def on_hold(hold: Hold) -> Conflict:
    """Why an engagement is not planned: its times wait for an answer."""
    until = wall_time(hold.held_until)
    return Conflict(
        f"Times are on hold for {hold.engagement_id} until {until:%Y-%m-%d %H:%M}. "
        "Assign or release them first.",
        f"{hold.engagement_id}は{until:%Y-%m-%d %H:%M}まで日程を仮押さえしています。"
        "先に確定するか、仮押さえを解除してください。",
        code="on_hold",
        hold=hold.id,
        held_until=hold.held_until.isoformat(),
    )


def _pins_of(programme_id: str) -> Select[Pin]:
    return (
        select(Pin)
        .where(Pin.programme_id == programme_id, Pin.lifted_at.is_(None))
        .order_by(Pin.id)
        .execution_options(populate_existing=True)
    )


def _holds_of(programme_id: str, at: dt.datetime) -> Select[Hold]:
    return (
        select(Hold)
        .where(Hold.programme_id == programme_id)
        .where(Hold.ended_at.is_(None), Hold.held_until > at)
        .order_by(Hold.created_at)
        .execution_options(populate_existing=True)
    )


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
    minute = dt.timedelta(minutes=1)
    busy = sorted((wall_time(each.start_at), wall_time(each.end_at)) for each in absences)
    return tuple(
        problem_1.BusyTime(
            _whole_minute(start), _whole_minute(end + minute - dt.datetime.resolution)
        )
        for start, end in busy
    )


def _whole_minute(time: dt.datetime) -> dt.datetime:
    return time.replace(second=0, microsecond=0)


class _Shortcut(NamedTuple):
    """A way that was gone in less time than it takes by now, because a place has changed since."""

    engagement_id: str
    other: str
    minutes: int

    @property
    def place(self) -> str:
        """The site of the engagement, by a name of its own: the way is shorter from there alone."""
        return f"site-{self.engagement_id}"


def _shortcuts(
    engagements: Iterable[problem_1.Engagement],
    homes: Mapping[str, str],
    first_free_day: dt.date,
) -> Iterator[_Shortcut]:
    """The ways between sessions that are over and would not leave the time for them by now.

    What took place took place, wherever its engagement or its expert has moved since: like a cap
    that was lowered, such a way is taken as it was, or nothing could be planned for anybody.
    """
    days: dict[tuple[str, dt.date], list[tuple[dt.datetime, int, problem_1.Engagement]]]
    days = defaultdict(list)
    for each in engagements:
        for pin in each.pinned:
            if pin.start.date() < first_free_day:
                minutes = each.durations[pin.session - 1]
                days[pin.expert, pin.start.date()].append((pin.start, minutes, each))
    for (expert, _), visits in days.items():
        ordered = sorted(visits, key=lambda visit: visit[0])
        for (start, minutes, one), (then, _, other) in pairwise(ordered):
            left = int((then - start).total_seconds()) // 60 - minutes
            here, there = one.place or homes[expert], other.place or homes[expert]
            if one.place is None and other.place is None:
                continue
            if 0 <= left < _way(here, there):
                moved, end = (one, there) if one.place else (other, here)
                yield _Shortcut(moved.id, end, left)


def _by_shortcuts(
    engagement: problem_1.Engagement, shortcuts: Sequence[_Shortcut]
) -> problem_1.Engagement:
    """An engagement at the place of its own from which a way is shorter, if there is one."""
    for each in shortcuts:
        if each.engagement_id == engagement.id:
            return engagement.model_copy(update={"place": each.place})
    return engagement


def _travel(
    experts: Iterable[problem_1.Expert],
    engagements: Sequence[problem_1.Engagement],
    shortcuts: Sequence[_Shortcut],
    sites: Mapping[str, str],
) -> problem_1.Travel:
    """Door to door between the municipalities in use, and from what has a place of its own."""
    codes = {each.place for each in experts} | {each.place for each in engagements if each.place}
    places = tuple(sorted(codes))
    shorter: dict[tuple[str, str], int] = {}
    for each in shortcuts:
        for end in {each.other} | {
            other.place for other in shortcuts if sites[other.place] == each.other
        }:
            for way in ((each.place, end), (end, each.place)):
                shorter[way] = min(each.minutes, shorter.get(way, each.minutes))
    return problem_1.Travel(
        places=places,
        minutes=tuple(
            tuple(
                shorter.get((origin, site), _way(sites.get(origin, origin), sites.get(site, site)))
                for site in places
            )
            for origin in places
        ),
    )


def _way(origin: str, site: str) -> int:
    minutes = travel_minutes(origin, site)
    return UNREACHABLE_MINUTES if minutes is None else minutes
