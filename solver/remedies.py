"""What would serve an engagement that lacks sessions: small changes, each solved and priced.

A change is tried, not argued for: the engagement is placed exactly beside the rest of the plan
under the changed conditions, and the remedy says what the whole plan would cost then. Of a change
with an amount (days, sessions) the least that helps is found by bisection: more never harms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

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
Consent = Literal["nobody", "organization", "expert", "office"]

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
"""Who has to agree to a change."""

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
    rest: int
    """What everything else costs."""
    sessions: int = 1
    """How many it should get at the least."""

    @property
    def engagement(self) -> Engagement:
        """The engagement itself."""
        return self.question.engagement

    def remedy(self, change: Change, question: Question, **details: object) -> Iterator[Remedy]:
        """Give the remedy that a changed question allows, if it does."""
        for way in question.ways():
            if len(way.starts) >= self.sessions:
                cost = self.rest + way.cost.total - self.standing.cost
                yield Remedy(change, CONSENT[change], way, cost, **details)  # type: ignore[arg-type]  # its fields
                return


def find_remedies(lack: Lack, served: int) -> tuple[Remedy, ...]:
    """Find what would give an engagement more sessions than are served, the cheapest first.

    Where there is room for more beside the plan, that comes without a change. What is not possible
    at all is tried with every change of the catalogue: for one session more than is possible, and
    for all. The cheapest of each kind is given.
    """
    wanted, possible = len(lack.engagement.durations), lack.question.most
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
    if most < 1 or not changed(most).can_hold(lack.sessions):
        return
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if changed(middle).can_hold(lack.sessions):
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
