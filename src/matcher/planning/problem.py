"""The programme's records as a problem/1, and a plan/1 back as sessions: the one translation.

The problem's ids are the database's ids, and its places are municipality codes. The database keeps
moments in UTC, the solver's files wall-clock times of Tokyo; intervals are half open in both.

In scope are the engagements that were asked for and may still get sessions. Their sessions up to
the end of today are pinned; later ones are their `current` plan. Of everything else the problem
holds, pinned, what the experts in question are bound to. So the problem of one engagement is
small, and as true as the whole programme's.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload, selectinload

from matcher.clock import TOKYO, from_wall_time, wall_time
from matcher.errors import NotFound
from matcher.geography import travel_minutes
from matcher.models import (
    Application,
    ApplicationAbsence,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Programme,
    Session,
    SessionStatus,
    WeeklyHours,
)
from matcher.planning.hours import joined
from matcher.planning.matching import CandidateList, candidates
from matcher.programme import Phase, ProgrammeRules
from solver import problem as problem_1
from solver.plan import Assignment, Plan
from solver.problem import Problem
from solver.problem_file import ProblemFile

PLANNABLE_STATES = frozenset(
    {EngagementState.WAITING, EngagementState.PLANNED, EngagementState.IN_PROGRESS}
)
"""The states of an engagement in which sessions may still be planned."""

UNREACHABLE_MINUTES = 24 * 60
"""Between an island and elsewhere: longer than a day leaves room for. Nobody is sent that way."""

ONLINE_JA, ONLINE_EN = "オンライン", "Online"


def build_problem(
    db: Database, programme_id: str, *, only: Collection[str] | None = None, now: dt.datetime
) -> ProblemFile:
    """Translate the programme into a problem, the same bytes for the same records and day.

    `only` names the engagements to plan, by default all that are plannable; the rest stays as it
    is. Sessions up to the end of the day of `now` stand, and new ones are placed after it.

    Raises:
        NotFound: there is no such programme, or no plannable engagement of that id in it.
    """
    records = Records.load(db, programme_id, now)
    return ProblemFile.from_problem(records.problem(records.in_scope(only)))


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

    @classmethod
    def load(
        cls, db: Database, programme_id: str, now: dt.datetime, *, for_change: bool = False
    ) -> Records:
        """Read a programme's records, as they are now whatever this session read before.

        If it is for a change, nobody else withdraws an engagement, cancels one of its sessions or
        changes an expert's hours until the transaction ends.

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
                joinedload(Engagement.application).joinedload(Application.organization),
                joinedload(Engagement.application).selectinload(Application.absences),
            )
            .execution_options(populate_existing=True)
        )
        engagements = db.scalars(wanted.with_for_update(of=Engagement) if for_change else wanted)
        serving = (
            select(Expert)
            .order_by(Expert.id)
            .options(selectinload(Expert.absences), selectinload(Expert.conflicts))
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
        return cls(
            programme_id,
            programme.rules,
            {each.id: each for each in experts},
            {each.id: each for each in engagements},
            by_engagement,
            wall_time(now).date() + dt.timedelta(days=1),
        )

    def including(self, engagement: Engagement) -> Records:
        """The same records as if an engagement were among them that has no session yet."""
        return replace(self, engagements={**self.engagements, engagement.id: engagement})

    def in_scope(self, only: Collection[str] | None) -> tuple[Engagement, ...]:
        """The engagements to plan, by id.

        Raises:
            NotFound: one that is asked for is not there, or not plannable.
        """
        plannable = self.still_in_scope(only)
        missing = set(only or ()) - {each.id for each in plannable}
        if missing:
            raise NotFound("engagement", min(missing))
        return plannable

    def still_in_scope(self, only: Collection[str] | None) -> tuple[Engagement, ...]:
        """The engagements to plan, by id, without those that are gone or no longer plannable."""
        return tuple(
            each
            for each in self.engagements.values()
            if each.state in PLANNABLE_STATES and (only is None or each.id in only)
        )

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
        latest = max(min(engagement.latest, period.last_day), period.first_day)
        return max(engagement.earliest, period.first_day, self.first_free_day), latest

    def problem(self, scope: Sequence[Engagement]) -> Problem:
        """The problem of planning the engagements in scope, everything else fixed."""
        return self._around([self._free(engagement) for engagement in scope])

    def problem_of_move(self, session: Session) -> Problem:
        """The problem of giving one session another time, its expert and everything else fixed."""
        return self._around([self._loosened(session)])

    def _around(self, free: Sequence[problem_1.Engagement]) -> Problem:
        """The problem of some engagements among all that their experts are bound to."""
        concerned = _experts_of(free)
        others = self.engagements.keys() - {engagement.id for engagement in free}
        fixed = [
            self._fixed(self.engagements[id], sessions)
            for id, sessions in self.sessions.items()
            if id in others and not concerned.isdisjoint(each.expert_id for each in sessions)
        ]
        engagements = tuple(sorted([*free, *fixed], key=lambda each: each.id))
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
            travel_minutes=_travel(experts, engagements),
            weights=self.rules.weights,
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
        """An engagement in scope: what is past is pinned, what is published costs a change."""
        sessions = self.sessions.get(engagement.id, ())
        standing = [each for each in sessions if self.stands(each)]
        application = engagement.application
        earliest, latest = self.window(engagement)
        suitable = self._suitable(engagement) if earliest <= latest else ()
        durations = [_minutes(each) for each in standing]
        durations += engagement.session_minutes[len(standing) :]
        published = sessions[: len(durations)]  # fewer may be wanted by now
        return problem_1.Engagement(
            id=engagement.id,
            weight=engagement.weight,
            earliest=min(earliest, latest),
            latest=latest,
            durations=tuple(durations),
            min_gap_days=engagement.min_gap_days,
            target_gap_days=engagement.target_gap_days,
            max_gap_days=engagement.max_gap_days,
            open=_open_hours(application.weekly_hours),
            busy=_busy_times(application.absences),
            preferred=_open_hours(application.preferred_hours),
            place=engagement.municipality_code,
            candidates=suitable,
            pinned=_pins(standing),
            reassign=bool(standing)
            and all(each.expert != standing[-1].expert_id for each in suitable),
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

    def _fixed(self, engagement: Engagement, sessions: Sequence[Session]) -> problem_1.Engagement:
        """An engagement out of scope: its sessions stand, and it gets no others."""
        period = self.rules.implementation_period
        return problem_1.Engagement(
            id=engagement.id,
            earliest=period.first_day,
            latest=period.last_day,
            durations=tuple(map(_minutes, sessions)),
            min_gap_days=0,
            target_gap_days=0,
            max_gap_days=0,
            open=(),
            busy=(),
            preferred=(),
            place=engagement.municipality_code,
            candidates=(),
            pinned=_pins(sessions),
        )

    def stands(self, session: Session) -> bool:
        """Whether a plan may not change a session: it is over, or as good as."""
        return (
            session.status != SessionStatus.CONFIRMED
            or wall_time(session.start_at).date() < self.first_free_day
        )

    def _suitable(self, engagement: Engagement) -> tuple[problem_1.Candidate, ...]:
        ranked = self.candidates_of(engagement).ranked
        return tuple(problem_1.Candidate(expert=each.expert_id, cost=each.cost) for each in ranked)

    def _expert(self, expert: Expert, bound: Sequence[dt.date]) -> problem_1.Expert:
        """An expert, with the days of the sessions that stand.

        A cap below what stands already, because it was lowered since, is lifted to that: nothing
        could be planned otherwise, for anybody. A problem has one cap for all days, and one for
        all weeks, so the other days and weeks may then get as many.
        """
        return problem_1.Expert(
            id=expert.id,
            open=_open_hours(expert.weekly_hours),
            busy=_busy_times(expert.absences),
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


def _pins(sessions: Iterable[Session]) -> tuple[problem_1.Pin, ...]:
    return tuple(
        problem_1.Pin(session=number, expert=each.expert_id, start=wall_time(each.start_at))
        for number, each in enumerate(sessions, 1)
    )


def _current(sessions: Sequence[Session]) -> problem_1.Current:
    return problem_1.Current(
        expert=sessions[-1].expert_id,
        starts=tuple(wall_time(each.start_at) for each in sessions),
    )


def _minutes(session: Session) -> int:
    return (session.end_at - session.start_at) // dt.timedelta(minutes=1)


def _open_hours(hours: Iterable[WeeklyHours]) -> tuple[problem_1.OpenHours, ...]:
    return tuple(
        problem_1.OpenHours(each.weekday, _clock(each.opens), _clock(each.closes))
        for each in joined(hours)
    )


def _clock(time: dt.time) -> int:
    """Minutes after midnight."""
    return time.hour * 60 + time.minute


def _busy_times(
    absences: Iterable[ExpertAbsence | ApplicationAbsence],
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


def _travel(
    experts: Iterable[problem_1.Expert], engagements: Iterable[problem_1.Engagement]
) -> problem_1.Travel:
    """Door to door between the municipalities in use."""
    codes = {each.place for each in experts} | {each.place for each in engagements if each.place}
    places = tuple(sorted(codes))
    return problem_1.Travel(
        places=places,
        minutes=tuple(tuple(_way(origin, site) for site in places) for origin in places),
    )


def _way(origin: str, site: str) -> int:
    minutes = travel_minutes(origin, site)
    return UNREACHABLE_MINUTES if minutes is None else minutes
