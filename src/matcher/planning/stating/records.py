"""The programme's records at one moment: what is in scope of a run, what stands, and for whom.

In scope are the engagements that were asked for and may still get sessions. Their sessions up to
the end of today stand, and so does what is frozen by the terms of a run or by a planner's pins.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload, selectinload

from matcher.clock import to_tokyo, wall_time
from matcher.errors import Conflict, NotFound
from matcher.models import (
    Application,
    Engagement,
    EngagementState,
    Expert,
    Hold,
    Organization,
    Pin,
    PlanTerms,
    Programme,
    Session,
    SessionStatus,
)
from matcher.planning.stating.agreement import outgrown
from matcher.planning.stating.matching import CandidateList, candidates
from matcher.planning.stating.replanning import unfit
from matcher.programme import ProgrammeRules

PLANNABLE_STATES = frozenset(
    {EngagementState.WAITING, EngagementState.PLANNED, EngagementState.IN_PROGRESS}
)
"""The states of an engagement in which sessions may still be planned."""

EVERYTHING = PlanTerms(frozen_days=0)
"""All that is plannable, nothing frozen but what is over."""


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
        engagements = db.scalars(
            wanted.with_for_update(of=Engagement, key_share=True) if for_change else wanted
        )
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

    def booked(self, engagement_id: str) -> Iterator[Visit]:
        """The visits that an engagement has by now, held or published, and those on hold for it."""
        for session in self.sessions.get(engagement_id, ()):
            yield Visit(session.expert_id, session.start_at, session.end_at)
        hold = self.holds.get(engagement_id)
        if hold is not None:
            for own in hold.sessions:
                yield Visit(hold.expert_id, own.start_at, own.end_at)

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

    def standing(self, sessions: Sequence[Session]) -> frozenset[int]:
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
        pinned = self.pinned_experts(session.engagement_id)
        return not pinned or session.expert_id in pinned

    def pinned_experts(self, engagement_id: str) -> frozenset[str]:
        """Who alone may serve an engagement, by a planner's pins; nobody: anyone who can."""
        pins = self.pins.get(engagement_id, ())
        return frozenset(pin.expert_id for pin in pins if pin.expert_id is not None)


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
        held_until=to_tokyo(hold.held_until).isoformat(timespec="seconds"),
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
