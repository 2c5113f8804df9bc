"""Why a plan changes what is published: each reason is an answer of the judge.

The question is always the same: the plan as it is, but for one engagement, which has its published
sessions, or one of them, back. What the judge's rules then find broken is why it could not stay;
where they find nothing, the change is the plan's own choice, and the judge says what it saves. Only
the rules of that engagement and of the calendars it touches are asked, so that a comparison of
hundreds of engagements is done at once.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple

from matcher.clock import wall_time
from matcher.planning.comparing.differences import (
    ChangeKind,
    EngagementChange,
    Place,
    SessionChange,
)
from matcher.planning.publishing.snapshots import SnapshotSession
from matcher.programme import Words
from solver.judged import (
    Calendar,
    Engagement,
    Service,
    Session,
    calendars_of,
    read_problem,
    services_of,
)
from solver.plan import Plan as PlanFile
from solver.validation import (
    PARTS_OF_A_CALENDAR,
    PARTS_OF_AN_ENGAGEMENT,
    RULES_OF_A_CALENDAR,
    RULES_OF_A_FREE_SESSION,
    RULES_OF_AN_ENGAGEMENT,
    Broken,
    candidate,
    expert_kept,
    gap_days,
    max_per_day,
    max_per_week,
    max_total,
    overlap,
    travel_time,
)


class ReasonKind(StrEnum):
    """What kind of reason it is, for programs."""

    # Its old place breaks a rule, whatever else there is.
    NO_CANDIDATE = "no_candidate"
    EXPERT_GOES_ON = "expert_goes_on"
    SEVERAL_EXPERTS = "several_experts"
    NOT_WANTED = "not_wanted"
    OFF_THE_GRID = "slot_grid"
    OUTSIDE_PERIOD = "period"
    CLOSED_DAY = "closed_day"
    OUTSIDE_WINDOW = "window"
    OUTSIDE_EXPERT_HOURS = "expert_hours"
    EXPERT_AWAY = "expert_busy"
    OUTSIDE_ORGANIZATION_HOURS = "organization_hours"
    ORGANIZATION_AWAY = "organization_busy"
    # It breaks a rule beside the rest of the plan.
    GAP = "gap_days"
    OVERLAP = "overlap"
    TRAVEL = "travel_time"
    DAY_FULL = "max_per_day"
    WEEK_FULL = "max_per_week"
    TOTAL_FULL = "max_total"
    ONE_EXPERT = "one_expert"
    IN_ORDER = "in_order"
    AS_JUDGED = "as_judged"
    # It is what is asked for now.
    LENGTH = "length"
    PLACE = "place"
    # No rule asks for it.
    SAVES = "saves"
    SAVES_TOGETHER = "saves_together"
    SERVES = "serves"
    # No plan was searched for.
    RESTORED = "restored"
    # Nobody can say.
    PUBLISHED_SINCE = "published_since"


CAPS: Final = frozenset({ReasonKind.DAY_FULL, ReasonKind.WEEK_FULL, ReasonKind.TOTAL_FULL})
"""An expert holds no more in a day, a week, the year."""


class OtherSession(NamedTuple):
    """A session that is in the way, as the plan has it."""

    engagement_id: str
    number: int
    start: dt.datetime
    changed: bool
    """Whether the plan puts it there; else it was there before."""


class Span(NamedTuple):
    """A time of Tokyo's clocks, [start, end)."""

    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True)
class Reason:
    """Why one session does not stay as it is; which facts it has depends on its kind."""

    kind: ReasonKind
    expert_id: str | None = None
    others: tuple[OtherSession, ...] = ()
    spans: tuple[Span, ...] = ()
    days: tuple[dt.date, dt.date] | None = None
    """The first and the last day of a period."""
    numbers: tuple[int, int] | None = None
    """The least and the most."""
    limit: int | None = None
    amount: int | None = None
    """What the plan would cost more without the change; below zero: less."""
    said: tuple[Broken, ...] = ()
    """What the judge says."""
    why: Words | None = None
    """What keeps the expert from being a candidate, where it is known."""

    @property
    def makes_room(self) -> bool:
        """Whether only the plan itself puts there what is in the way."""
        in_the_way = self.kind in {ReasonKind.OVERLAP, ReasonKind.TRAVEL}
        return in_the_way and all(each.changed for each in self.others)


@dataclass(frozen=True)
class Variant:
    """The plan with one engagement treated in another way, as far as that touches it."""

    service: Service
    calendars: tuple[Calendar, ...]

    @cached_property
    def broken(self) -> tuple[Broken, ...]:
        """What the judge has against it."""
        return tuple(self._broken())

    def _broken(self) -> Iterator[Broken]:
        own = self.service.engagement.id
        for rule in RULES_OF_AN_ENGAGEMENT:
            yield from (Broken(rule.__name__, own, text) for text in rule(self.service))
        for session in self.service.free:
            for check in RULES_OF_A_FREE_SESSION:
                yield from (Broken(check.__name__, own, text) for text in check(session))
        for calendar in self.calendars:
            for limit in RULES_OF_A_CALENDAR:
                expert = calendar.expert.id
                yield from (Broken(limit.__name__, expert, text) for text in limit(calendar))

    @property
    def cost(self) -> int:
        """What it is charged, with what the experts it touches are; for one that breaks no rule."""
        own = sum(part(self.service) for part in PARTS_OF_AN_ENGAGEMENT)
        return own + sum(part(each) for part in PARTS_OF_A_CALENDAR for each in self.calendars)

    def calendar_of(self, session: Session) -> Calendar:
        """The calendar in which a session stands."""
        return next(each for each in self.calendars if each.expert == session.expert)


class PlanInQuestion:
    """A plan that keeps every rule, and what would be if an engagement were treated otherwise.

    `changes` are all that it makes of what is published.
    """

    def __init__(self, problem: bytes, plan: PlanFile, changes: Iterable[EngagementChange]) -> None:
        self._terms = read_problem(json.loads(problem))
        assignments = {each.engagement: (each.expert, each.starts) for each in plan.assignments}
        self._services = {
            each.engagement.id: each for each in services_of(self._terms, assignments, [])
        }
        self._by_expert: dict[str, list[Session]] = defaultdict(list)
        for service in self._services.values():
            for session in service.sessions:
                self._by_expert[session.expert.id].append(session)
        self._changed: frozenset[Place] = frozenset(
            (each.engagement_id, session.after.number)
            for each in changes
            for session in each.sessions
            if session.after is not None
        )

    def reasons(self, change: EngagementChange) -> Mapping[int, tuple[Reason, ...]]:
        """Why each session of an engagement changes that does, by its number."""
        service = self._services.get(change.engagement_id)
        if service is None or not self._is_made_from(service.engagement, change.before):
            return {each.number: (Reason(ReasonKind.PUBLISHED_SINCE),) for each in change.sessions}
        inquiry = Inquiry(self, service, change)
        return {each.number: tuple(inquiry.reasons(each)) for each in change.sessions}

    def makes(self, change: EngagementChange) -> bool:
        """Whether what becomes of an engagement is what the plan makes of what it knew."""
        service = self._services.get(change.engagement_id)
        if service is None or not self._is_made_from(service.engagement, change.before):
            return False
        after = [(each.expert_id, wall_time(each.start_at)) for each in change.after]
        return after == [(each.expert.id, each.start) for each in service.sessions]

    def _is_made_from(self, engagement: Engagement, published: Sequence[SnapshotSession]) -> bool:
        """Whether what is published of an engagement is what the plan's problem has of it."""
        pins, wanted = engagement.pins, len(engagement.durations)
        placed = {each.number: (each.expert_id, wall_time(each.start_at)) for each in published}
        starts = list(engagement.current_starts) or [pins[number].start for number in sorted(pins)]
        last = placed.get(len(engagement.current_starts))
        return (
            starts == [wall_time(each.start_at) for each in published[:wanted]]
            and all(placed.get(n) == (pin.expert.id, pin.start) for n, pin in pins.items())
            and (last is None or last[0] == engagement.current_expert)
        )

    def variant(
        self, service: Service, expert: str | None, starts: Sequence[dt.datetime]
    ) -> Variant:
        """The plan with another expert and other times for one engagement.

        Where only pinned sessions are served, the expert is that of the last.
        """
        sessions = tuple(self._sessions(service.engagement, expert, starts))
        if sessions and all(each.pinned for each in sessions):
            expert = sessions[-1].expert.id
        changed = replace(service, expert=expert, starts=tuple(starts), sessions=sessions)
        touched = {each.expert.id for each in (*service.sessions, *changed.sessions)}
        others = [
            session
            for id in sorted(touched)
            for session in self._by_expert[id]
            if session.engagement.id != service.engagement.id
        ]
        calendars = calendars_of(self._terms, [*others, *changed.sessions])
        return Variant(changed, tuple(calendars))

    def _sessions(
        self, engagement: Engagement, expert: str | None, starts: Sequence[dt.datetime]
    ) -> Iterator[Session]:
        for number, start in enumerate(starts, 1):
            pin = engagement.pins.get(number)
            holder = pin.expert if pin else self._terms.experts[str(expert)]
            end = start + engagement.durations[number - 1]
            yield Session(self._terms, engagement, number, holder, start, end)

    def saved(self, service: Service, variant: Variant) -> int:
        """What the plan would cost more that way; below zero: less.

        The calendars that only one of the two touches are charged in both.
        """
        return variant.cost - self._same_calendars(service, variant).cost

    def _same_calendars(self, service: Service, variant: Variant) -> Variant:
        """The plan itself, with the calendars of the experts whom the variant touches."""
        touched = {each.expert.id for each in (*service.sessions, *variant.service.sessions)}
        sessions = [session for id in sorted(touched) for session in self._by_expert[id]]
        return Variant(service, tuple(calendars_of(self._terms, sessions)))

    def other(self, session: Session) -> OtherSession:
        """A session as one that is in the way."""
        place = (session.engagement.id, session.number)
        return OtherSession(*place, session.start, place in self._changed)


@dataclass(frozen=True)
class Inquiry:
    """The questions about one engagement that a plan changes."""

    plan: PlanInQuestion
    service: Service
    """What the plan makes of it."""
    change: EngagementChange

    def reasons(self, session: SessionChange) -> Iterator[Reason]:
        """Why one of its sessions changes."""
        if session.before is None:
            yield self._added()
            return
        kinds = session.kinds
        if {ChangeKind.MOVED, ChangeKind.HANDED_OVER, ChangeKind.DROPPED} & {*kinds}:
            yield from self._left(session.before.number, kinds)
        if session.after is None:
            return
        if ChangeKind.RESIZED in kinds:
            minutes = self._asked.durations[session.number - 1] // dt.timedelta(minutes=1)
            yield Reason(ReasonKind.LENGTH, limit=minutes)
        if ChangeKind.RELOCATED in kinds:
            known = session.after.municipality_code == self._asked.place
            yield Reason(ReasonKind.PLACE if known else ReasonKind.PUBLISHED_SINCE)

    @property
    def _asked(self) -> Engagement:
        return self.service.engagement

    @property
    def _wanted(self) -> int:
        return len(self._asked.durations)

    def _added(self) -> Reason:
        """What it would cost not to add the sessions that are added."""
        first = min(each.number for each in self.change.sessions if each.before is None)
        without = self.plan.variant(
            self.service, self.service.expert, self.service.starts[: first - 1]
        )
        if without.broken:
            return Reason(ReasonKind.AS_JUDGED, said=without.broken)
        return Reason(ReasonKind.SERVES, amount=self.plan.saved(self.service, without))

    def _left(self, number: int, kinds: Collection[ChangeKind]) -> Sequence[Reason]:
        """Why a published session does not stay with its expert at its time."""
        if number > self._wanted:
            return [Reason(ReasonKind.NOT_WANTED, limit=self._wanted)]
        if len({each.expert_id for each in self._loose}) > 1:
            return [Reason(ReasonKind.SEVERAL_EXPERTS)]
        kept = self._as_published
        if not kept.broken:
            return [self._saves(kept, alone=len(self.change.sessions) == 1)]
        if ChangeKind.HANDED_OVER in kinds:
            return self._against(kept, number) or [self._with_the_others(kept)]
        return self._moved_or_dropped(kept, number)

    def _moved_or_dropped(self, kept: Variant, number: int) -> Sequence[Reason]:
        """Why a session does not stay although its expert goes on with the engagement."""
        found = self._against(kept, number)
        if not found or any(each.kind in CAPS for each in found):
            # How much its expert holds depends on what the plan has, not on all that was published.
            return self._put_back(number)
        if all(each.makes_room for each in found):
            return self._bound_by_others(number) or found
        return found

    @cached_property
    def _loose(self) -> Sequence[SnapshotSession]:
        """The published sessions that are still wanted and may be changed."""
        pins = self._asked.pins
        return [each for each in self.change.before[: self._wanted] if each.number not in pins]

    @cached_property
    def _as_published(self) -> Variant:
        """The plan with the whole engagement as it is published."""
        starts = [wall_time(each.start_at) for each in self.change.before[: self._wanted]]
        return self.plan.variant(self.service, self._loose[-1].expert_id, starts)

    def _saves(self, variant: Variant, *, alone: bool) -> Reason:
        kind = ReasonKind.SAVES if alone else ReasonKind.SAVES_TOGETHER
        return Reason(kind, amount=self.plan.saved(self.service, variant))

    def _against(self, variant: Variant, number: int) -> list[Reason]:
        """What a session breaks there: all that it breaks by itself, else what is in its way.

        Each of these alone is enough; what else is in the way would only make a long sentence.
        """
        return self._unfit(variant, number) or self._in_the_way(variant, number)[:1]

    def _unfit(self, variant: Variant, number: int) -> list[Reason]:
        """The rules that the session breaks there by itself.

        Whoever is no candidate stands in no calendar, and nothing more is asked.
        """
        service, session = variant.service, variant.service.sessions[number - 1]
        if any(candidate(service)):
            return [Reason(ReasonKind.NO_CANDIDATE, expert_id=session.expert.id)]
        return [
            *_of_the_pins(service),
            *(
                _of_a_session(rule.__name__, session)
                for rule in RULES_OF_A_FREE_SESSION
                if any(rule(session))
            ),
            *self._gaps(variant, session),
        ]

    def _gaps(self, variant: Variant, session: Session) -> Iterator[Reason]:
        least, _, most = self._asked.gap_days
        service, sessions = variant.service, variant.service.sessions
        place = session.number - 1
        pairs = {
            other.number: tuple(sorted((session, other), key=lambda each: each.number))
            for other in (*sessions[max(place - 1, 0) : place], *sessions[place + 1 : place + 2])
        }
        broken = [
            self.plan.other(sessions[number - 1])
            for number, pair in pairs.items()
            if any(gap_days(replace(service, sessions=pair)))
        ]
        if broken:
            yield Reason(ReasonKind.GAP, others=tuple(broken), numbers=(least, most))

    def _in_the_way(self, variant: Variant, number: int) -> list[Reason]:
        """The rules that the session breaks there beside what else its expert does."""
        session = variant.service.sessions[number - 1]
        calendar = variant.calendar_of(session)
        return [*self._collisions(calendar, session), *self._caps(calendar, session)]

    def _collisions(self, calendar: Calendar, session: Session) -> Iterator[Reason]:
        place = calendar.sessions.index(session)
        neighbours = calendar.sessions[max(place - 1, 0) : place + 2]
        for rule, kind, around in (
            (overlap, ReasonKind.OVERLAP, calendar.sessions),
            (travel_time, ReasonKind.TRAVEL, neighbours),
        ):
            others = [
                each
                for each in around
                if each is not session and any(rule(_only(calendar, each, session)))
            ]
            if others:
                yield self._beside(kind, session, others)

    def _caps(self, calendar: Calendar, session: Session) -> Iterator[Reason]:
        for rule, kind, share in (
            (max_per_day, ReasonKind.DAY_FULL, _day),
            (max_per_week, ReasonKind.WEEK_FULL, _week),
            (max_total, ReasonKind.TOTAL_FULL, _all),
        ):
            sharing = [
                each
                for each in calendar.sessions
                if share(each) == share(session) and self._stays(each, session)
            ]
            if any(rule(_only(calendar, *sharing))):
                others = [each for each in sharing if each is not session]
                yield replace(
                    self._beside(kind, session, others),
                    limit=calendar.expert.caps[rule.__name__],
                )

    def _stays(self, other: Session, session: Session) -> bool:
        """Whether another session is there with one: of its own engagement those before it are."""
        is_own = other.engagement.id == session.engagement.id
        return not is_own or other.number <= session.number or other in self.service.sessions

    def _beside(self, kind: ReasonKind, session: Session, others: Iterable[Session]) -> Reason:
        return Reason(kind, expert_id=session.expert.id, others=tuple(map(self.plan.other, others)))

    def _with_the_others(self, variant: Variant) -> Reason:
        """It goes to another expert along with one that cannot stay."""
        bound = [
            self.plan.other(each)
            for each in variant.service.free
            if any(_binds(reason, each.number) for reason in self._against(variant, each.number))
        ]
        if not bound:
            return Reason(ReasonKind.AS_JUDGED, said=variant.broken)
        expert = variant.service.expert
        return Reason(ReasonKind.ONE_EXPERT, expert_id=expert, others=tuple(bound))

    def _bound_by_others(self, number: int) -> list[Reason]:
        """Why it cannot go back even if it need make no room: those before it are elsewhere now."""
        if number > len(self.service.starts) + 1:
            return []
        own = self._unfit(self._with_one_back(number), number)
        return [each for each in own if _binds(each, number)]

    def _with_one_back(self, number: int) -> Variant:
        """The plan with one session as it is published; it has all before that."""
        starts = list(self.service.starts)
        starts[number - 1 : number] = [wall_time(self.change.before[number - 1].start_at)]
        planned = self.service if self.service.has_free else self._as_published.service
        return self.plan.variant(self.service, planned.expert, starts)

    def _put_back(self, number: int) -> list[Reason]:
        """Why one session alone does not go back, the rest as the plan has it."""
        if number > len(self.service.starts) + 1:
            return [Reason(ReasonKind.IN_ORDER, limit=number - 1)]
        back = self._with_one_back(number)
        if not back.broken:
            return [self._saves(back, alone=True)]
        return self._against(back, number) or [Reason(ReasonKind.AS_JUDGED, said=back.broken)]


def _binds(reason: Reason, number: int) -> bool:
    """Whether it is this session that cannot stay: of two too close or too far, the later one."""
    return reason.kind is not ReasonKind.GAP or any(each.number < number for each in reason.others)


def _of_the_pins(service: Service) -> Iterator[Reason]:
    if any(expert_kept(service)):
        last = service.engagement.pins[max(service.engagement.pins)]
        yield Reason(ReasonKind.EXPERT_GOES_ON, expert_id=last.expert.id)


def _of_a_session(rule: str, session: Session) -> Reason:
    """A rule of a single session that it breaks, with the facts that it is said with."""
    reason = Reason(ReasonKind(rule), expert_id=session.expert.id)
    add: Callable[[Reason, Session], Reason] | None = _FACTS.get(reason.kind)
    return reason if add is None else add(reason, session)


def _period(reason: Reason, session: Session) -> Reason:
    return replace(reason, days=(session.problem.first_day, session.problem.last_day))


def _window(reason: Reason, session: Session) -> Reason:
    return replace(reason, days=(session.engagement.earliest, session.engagement.latest))


def _closed(reason: Reason, session: Session) -> Reason:
    return replace(reason, days=(session.day, session.day))


def _expert_busy(reason: Reason, session: Session) -> Reason:
    return replace(reason, spans=_met(session.expert.availability.busy, session))


def _organization_busy(reason: Reason, session: Session) -> Reason:
    return replace(reason, spans=_met(session.engagement.availability.busy, session))


_FACTS: Mapping[ReasonKind, Callable[[Reason, Session], Reason]] = {
    ReasonKind.OUTSIDE_PERIOD: _period,
    ReasonKind.OUTSIDE_WINDOW: _window,
    ReasonKind.CLOSED_DAY: _closed,
    ReasonKind.EXPERT_AWAY: _expert_busy,
    ReasonKind.ORGANIZATION_AWAY: _organization_busy,
}


def _met(busy: Iterable[tuple[dt.datetime, dt.datetime]], session: Session) -> tuple[Span, ...]:
    return tuple(
        Span(start, end) for start, end in busy if start < session.end and session.start < end
    )


def _only(calendar: Calendar, *sessions: Session) -> Calendar:
    """The part of a calendar that has these sessions alone."""
    ordered = sorted(sessions, key=lambda each: (each.start, each.end))
    return replace(calendar, sessions=tuple(ordered))


def _day(session: Session) -> object:
    return session.day


def _week(session: Session) -> object:
    return session.day.isocalendar()[:2]


def _all(session: Session) -> object:  # noqa: ARG001  all share the programme
    return None
