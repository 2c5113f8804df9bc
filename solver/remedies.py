"""What would serve an engagement that lacks sessions: small changes, each solved and priced.

A change is tried, not argued for: the engagement is placed exactly beside the rest of the plan
under the changed conditions, and the remedy says what the whole plan would cost then. Of a change
with an amount (days, sessions) the least that helps is found by bisection: more never harms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Self

from solver.plan import Assignment
from solver.problem import WEEKDAYS, Candidate, Engagement, Expert, OpenHours
from solver.question import Question, Way
from solver.standing import Inseparable, StandingPlan

Change = Literal[
    "place_now",
    "move_another",
    "later_latest",
    "earlier_earliest",
    "smaller_min_gap",
    "larger_max_gap",
    "more_hours",
    "online",
    "reassign",
    "raise_max_total",
    "raise_max_per_week",
    "raise_max_per_day",
    "another_expert",
]
Consent = Literal["nobody", "organization", "expert", "organization_and_expert", "office"]

CONSENT: dict[Change, Consent] = {
    "place_now": "nobody",
    "move_another": "nobody",
    "later_latest": "organization",
    "earlier_earliest": "organization",
    "smaller_min_gap": "organization",
    "larger_max_gap": "organization",
    "more_hours": "organization",
    "online": "organization",
    "reassign": "organization",
    "raise_max_total": "expert",
    "raise_max_per_week": "expert",
    "raise_max_per_day": "expert",
    "another_expert": "office",
}
"""Who has to agree to a change that moves no published session of the engagement's own."""

HIGHEST_MATCH_COST = 100
"""What an expert who is no candidate is taken to cost a session: the most that any may."""

MOST_ADDED = 5
"""Sessions by which a cap is raised at the most: those of a whole engagement."""

HALF_DAYS = ((9 * 60, 12 * 60), (13 * 60, 17 * 60))
"""Mornings and afternoons, from Monday to Friday, that an organization might add to its hours."""


@dataclass(frozen=True)
class Remedy:
    """A change under which an engagement gets more sessions, and what the plan costs with it."""

    change: Change
    consent: Consent
    """Who has to agree."""
    way: Way
    """How the engagement is served then, at its least cost."""
    plan_cost: int
    """What the cost of the whole plan changes by, from what it is now."""
    amount: int | None = None
    """Days by which a window or a gap is widened; sessions by which a cap is raised."""
    expert: str | None = None
    """Whose cap is raised."""
    hours: OpenHours | None = None
    """The half-day that is added."""
    moved: Way | None = None
    """How the other engagement is served then."""


@dataclass(frozen=True, kw_only=True)
class Lack:
    """An engagement that lacks sessions, in its plan."""

    standing: StandingPlan
    question: Question
    now: int
    """What the engagement is charged as it is served now."""
    sessions: int = 1
    """How many it should get at the least."""
    keeps_current: bool = False
    """Whether its own published sessions stay as they are."""

    @classmethod
    def of(cls, standing: StandingPlan, question: Question) -> Self:
        """What an engagement lacks in a plan.

        Raises:
            Inseparable: the rest of the plan cannot stand without it.
        """
        now = standing.cost - standing.cost_beside(question.engagement.id)
        return cls(standing=standing, question=question, now=now)

    @property
    def engagement(self) -> Engagement:
        """The engagement itself."""
        return self.question.engagement

    def remedy(self, change: Change, question: Question, **details: object) -> Iterator[Remedy]:
        """Give the remedy that a changed question allows, if it does."""
        possible = [
            question.priced(way)  # a pinned session is not charged, one that is kept is
            for way in self.asked(question).ways()
            if len(way.starts) >= self.sessions
        ]
        if possible:
            way = min(possible, key=lambda each: each.cost.total)
            cost, consent = way.cost.total - self.now, self._consent(change, way)
            yield Remedy(change, consent, way, cost, **details)  # type: ignore[arg-type]  # its fields

    def can_hold(self, question: Question) -> bool:
        """Whether a changed question allows the sessions."""
        return self.asked(question).can_hold(self.sessions)

    def asked(self, question: Question) -> Question:
        """A changed question, with the published sessions pinned where they are kept."""
        return question.with_current_kept() if self.keeps_current else question

    def _consent(self, change: Change, way: Way) -> Consent:
        """Who has to agree: those as well to whom other dates were promised."""
        consent = CONSENT[change]
        if consent == "office" or not moved_sessions(self.engagement, way):
            return consent
        return "organization_and_expert"


def moved_sessions(engagement: Engagement, after: Way | Assignment) -> tuple[int, ...]:
    """The numbers of the published sessions that get another time or expert."""
    current, pinned = engagement.current, {pin.session for pin in engagement.pinned}
    if current is None:
        return ()
    pairs = zip(current.starts, after.starts, strict=False)
    return tuple(
        number
        for number, (before, start) in enumerate(pairs, 1)
        if number not in pinned and (before, current.expert) != (start, after.expert)
    )


def find_remedies(lack: Lack, served: int) -> tuple[Remedy, ...]:
    """Find what would give an engagement more sessions than are served, the cheapest first.

    Where there is room for more beside the plan, that comes without a change. What is not possible
    at all is tried with every change of the catalogue: for one session more than is possible, and
    for all. The cheapest of each kind is given. Sessions that are served are possible, also where
    they are pinned and there is no way for another.
    """
    wanted = len(lack.engagement.durations)
    possible = max(served, lack.asked(lack.question).most)
    found: list[Remedy] = []
    if possible > served:
        found += replace(lack, sessions=served + 1).remedy("place_now", lack.question)
    for sessions in sorted({min(wanted, possible + 1), wanted}):
        if sessions > possible:
            for change in CATALOGUE:
                tried = change(replace(lack, sessions=sessions))
                found += sorted(tried, key=lambda each: each.plan_cost)[:1]
    distinct = dict.fromkeys(found)
    return tuple(sorted(distinct, key=lambda each: each.plan_cost))


def _later_latest(lack: Lack) -> Iterator[Remedy]:
    """Widen the window at its end: latest + d."""
    most = (lack.question.problem.calendar.last_day - lack.engagement.latest).days
    yield from _least(
        lack,
        "later_latest",
        most,
        lambda days: lack.question.changed(latest=lack.engagement.latest + dt.timedelta(days)),
    )


def _earlier_earliest(lack: Lack) -> Iterator[Remedy]:
    """Widen the window at its beginning: earliest - d."""
    most = (lack.engagement.earliest - lack.question.problem.calendar.first_day).days
    yield from _least(
        lack,
        "earlier_earliest",
        most,
        lambda days: lack.question.changed(earliest=lack.engagement.earliest - dt.timedelta(days)),
    )


def _smaller_min_gap(lack: Lack) -> Iterator[Remedy]:
    """Let sessions follow sooner: min_gap_days - d, a day at the least."""
    least = lack.engagement.min_gap_days
    yield from _least(
        lack,
        "smaller_min_gap",
        least - 1,
        lambda days: lack.question.changed(min_gap_days=least - days),
    )


def _larger_max_gap(lack: Lack) -> Iterator[Remedy]:
    """Let sessions follow later: max_gap_days + d."""
    calendar, largest = lack.question.problem.calendar, lack.engagement.max_gap_days
    yield from _least(
        lack,
        "larger_max_gap",
        (calendar.last_day - calendar.first_day).days - largest,
        lambda days: lack.question.changed(max_gap_days=largest + days),
    )


def _least(
    lack: Lack, change: Change, most: int, changed: Callable[[int], Question], **details: str
) -> Iterator[Remedy]:
    """Find the least amount from 1 to `most` that helps."""
    if most < 1 or not lack.can_hold(changed(most)):
        return
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if lack.can_hold(changed(middle)):
            high = middle
        else:
            low = middle
    yield from lack.remedy(change, changed(high), amount=high, **details)


def _more_hours(lack: Lack) -> Iterator[Remedy]:
    """Open the organization for one more half-day a week."""
    for weekday in WEEKDAYS[:5]:
        for opens, closes in HALF_DAYS:
            hours = OpenHours(weekday, opens, closes)
            question = lack.question.changed(open=(*lack.engagement.open, hours))
            yield from lack.remedy("more_hours", question, hours=hours)


def _online(lack: Lack) -> Iterator[Remedy]:
    """Hold the sessions online instead of on site."""
    if lack.engagement.place is not None:
        yield from lack.remedy("online", lack.question.changed(place=None))


def _reassign(lack: Lack) -> Iterator[Remedy]:
    """Let another candidate take over after the pinned sessions."""
    if lack.engagement.pinned and not lack.engagement.reassign:
        yield from lack.remedy("reassign", lack.question.changed(reassign=True))


def _raise_max_total(lack: Lack) -> Iterator[Remedy]:
    """Give one expert more sessions in the whole period."""
    yield from _raised(lack, "raise_max_total", "max_total")


def _raise_max_per_week(lack: Lack) -> Iterator[Remedy]:
    """Give one expert more sessions a week."""
    yield from _raised(lack, "raise_max_per_week", "max_per_week")


def _raise_max_per_day(lack: Lack) -> Iterator[Remedy]:
    """Give one expert more sessions a day."""
    yield from _raised(lack, "raise_max_per_day", "max_per_day")


def _raised(lack: Lack, change: Change, cap: str) -> Iterator[Remedy]:
    for expert_id in lack.question.candidates:
        question = lack.question.of_candidate(expert_id)
        expert = question.experts[expert_id]

        def raised(by: int, expert: Expert = expert, question: Question = question) -> Question:
            return question.with_expert(expert.model_copy(update={cap: getattr(expert, cap) + by}))

        yield from _least(lack, change, MOST_ADDED, raised, expert=expert_id)


def _another_expert(lack: Lack) -> Iterator[Remedy]:
    """Take an expert who is no candidate so far, at the highest cost that one may have."""
    known = set(lack.question.candidates)
    others = tuple(
        Candidate(expert=each.id, cost=HIGHEST_MATCH_COST)
        for each in lack.standing.problem.experts
        if each.id not in known
    )
    if others:
        stranger = lack.engagement.model_copy(update={"candidates": others})
        yield from lack.remedy("another_expert", lack.standing.question(stranger))


def _move_another(lack: Lack) -> Iterator[Remedy]:
    """Take one other engagement out, place this one, and give that one its best place again."""
    if lack.keeps_current:
        return  # the plan's own offers place it anew
    movable = {visit.engagement for visit in lack.question.visits if not visit.held}
    for other in sorted(movable):
        yield from _moved(lack, other)


def _moved(lack: Lack, other: str) -> Iterator[Remedy]:
    standing, name = lack.standing, lack.engagement.id
    before = standing.cost
    with standing.trial(name, other):
        try:
            standing.remove(other)
            offers = standing.best_offers(name)
        except Inseparable:
            return
        if not offers or len(offers[0].starts) < lack.sessions:
            return
        standing.insert(offers[0])
        for again in standing.best_offers(other):
            standing.insert(again)
            cost = standing.cost - before
            yield Remedy("move_another", "nobody", offers[0], cost, moved=again)


CATALOGUE: tuple[Callable[[Lack], Iterator[Remedy]], ...] = (
    _move_another,
    _later_latest,
    _earlier_earliest,
    _smaller_min_gap,
    _larger_max_gap,
    _more_hours,
    _online,
    _reassign,
    _raise_max_total,
    _raise_max_per_week,
    _raise_max_per_day,
    _another_expert,
)
"""What is tried, one function a change."""
