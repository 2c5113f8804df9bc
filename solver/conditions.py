"""Why an engagement cannot get its sessions: groups of conditions, taken away one by one.

Nothing is guessed from the numbers: each group of conditions can be taken away from a question,
and whether the sessions are possible then is answered exactly. From this come two dual sets, both
minimal:

* a *conflict*: conditions that cannot all hold, while any of them left out lets the rest hold,
  found by deletion filtering (Chinneck, Dravnieks 1991; Junker 2004 is quicker for large sets);
* a *correction*: conditions that, taken away together, make the sessions possible, while none of
  them may be kept.

Taking away never makes anything impossible, so one pass over the groups finds either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

from solver.grid import DAY_MINUTES
from solver.problem import WEEKDAYS, OpenHours
from solver.question import Question, Visit

Condition = Literal[
    "expert_kept",
    "organization_hours",
    "expert_hours",
    "window",
    "min_gap",
    "max_gap",
    "organization_busy",
    "expert_busy",
    "closed_days",
    "max_total",
    "max_per_week",
    "max_per_day",
    "travel",
    "other_sessions",
]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
"""The more lasting ones first: where two reasons are true, the first of them is told."""

ALWAYS = tuple(OpenHours(weekday, 0, DAY_MINUTES) for weekday in WEEKDAYS)


def _no_closed_days(question: Question) -> Question:
    calendar = question.problem.calendar.model_copy(update={"closed_days": ()})
    return _with_problem(question, calendar=calendar)


def _no_travel(question: Question) -> Question:
    places = question.problem.travel_minutes.places
    at_once = tuple((0,) * len(places) for _ in places)
    travel = question.problem.travel_minutes.model_copy(update={"minutes": at_once})
    return _with_problem(question, travel_minutes=travel)


def _with_problem(question: Question, **changes: object) -> Question:
    return replace(question, problem=question.problem.model_copy(update=changes))


def _whole_period(question: Question) -> Question:
    """All that is left of it: nobody can bring back a day that is over."""
    calendar = question.problem.calendar
    first_day = max(calendar.first_day, question.not_before or calendar.first_day)
    return question.changed(earliest=first_day, latest=calendar.last_day)


def _any_gap_above(question: Question) -> Question:
    calendar = question.problem.calendar
    return question.changed(max_gap_days=(calendar.last_day - calendar.first_day).days)


def _next_day(question: Question) -> Question:
    """Sessions may follow each other from day to day: nobody wants two on one day."""
    return question.changed(min_gap_days=min(1, question.engagement.min_gap_days))


def _enough(question: Question) -> int:
    """A cap that no plan reaches."""
    return len(question.visits) + 2 * len(question.engagement.durations)


RELAXATIONS: Mapping[Condition, Callable[[Question], Question]] = {
    "expert_kept": lambda question: question.changed(reassign=True),
    "organization_hours": lambda question: question.changed(open=ALWAYS),
    "expert_hours": lambda question: question.with_experts(open=ALWAYS),
    "window": _whole_period,
    "min_gap": _next_day,
    "max_gap": _any_gap_above,
    "organization_busy": lambda question: question.changed(busy=()),
    "expert_busy": lambda question: question.with_experts(busy=()),
    "closed_days": _no_closed_days,
    "max_total": lambda question: question.with_experts(max_total=_enough(question)),
    "max_per_week": lambda question: question.with_experts(max_per_week=_enough(question)),
    "max_per_day": lambda question: question.with_experts(max_per_day=_enough(question)),
    "travel": _no_travel,
    "other_sessions": lambda question: question.without(question.visits),
}
"""What is left of a question when a group of conditions is taken away from it."""


def relax(question: Question, conditions: Collection[Condition]) -> Question:
    """Take groups of conditions away from a question."""
    for condition in CONDITIONS:
        if condition in conditions:
            question = RELAXATIONS[condition](question)
    return question


@dataclass(frozen=True)
class Diagnosis:
    """Why one of some candidates cannot hold so many sessions."""

    conflict: tuple[Condition, ...]
    """These cannot all hold; without any one of them, the others can."""
    corrections: tuple[tuple[Condition, ...], ...]
    """Each one, taken away, makes the sessions possible: single conditions where there are any,
    else one smallest set. Nothing where the pinned sessions themselves are in the way."""


def diagnose(question: Question, sessions: int) -> Diagnosis:
    """Find out why no candidate can hold sessions 1…k; they must not be possible as it is."""

    @cache
    def possible(without: frozenset[Condition]) -> bool:
        return relax(question, without).can_hold(sessions)

    return Diagnosis(_conflict(possible), _corrections(possible))


Possible = Callable[[frozenset[Condition]], bool]
"""Whether the sessions are possible with some conditions taken away."""


def _conflict(possible: Possible) -> tuple[Condition, ...]:
    """Leave out whatever is not needed for the sessions to be impossible, the last ones first."""
    gone: frozenset[Condition] = frozenset()
    for condition in reversed(CONDITIONS):
        if not possible(gone | {condition}):
            gone |= {condition}
    return tuple(each for each in CONDITIONS if each not in gone)


def _corrections(possible: Possible) -> tuple[tuple[Condition, ...], ...]:
    everything = frozenset(CONDITIONS)
    single = tuple((each,) for each in CONDITIONS if possible(frozenset({each})))
    if single or not possible(everything):
        return single
    gone = everything
    for condition in CONDITIONS:
        if possible(gone - {condition}):
            gone -= {condition}
    return (tuple(each for each in CONDITIONS if each in gone),)


def visits_in_the_way(question: Question, sessions: int) -> tuple[Visit, ...]:
    """The fewest visits without which one of the candidates can hold sessions 1…k.

    With any of them back it is not possible. Nothing where visits alone are not the reason.
    """
    gone = tuple(sorted(question.visits, key=lambda each: (not each.held, each.start)))
    if not question.without(gone).can_hold(sessions):
        return ()
    for visit in gone:
        fewer = tuple(each for each in gone if each != visit)
        if question.without(fewer).can_hold(sessions):
            gone = fewer
    return tuple(sorted(gone, key=lambda each: each.start))
