"""Broken promises: what a plan changes of what is published, and what the service level is.

The service of a plan is what it lacks of it: the parts `unserved` and `dropped`, as the problem's
own weights count them, divided by their common divisor; lower is better. A promise is broken by
each published session that is not pinned and starts at another time, by each that is not served
any more, and once more by each engagement whose free sessions go to another expert. An engagement
that loses all of its sessions counts as many more as an unserved one weighs dropped sessions.

`promise_problem` states the trade between the two as a problem of its own, whose bound L proves
that every plan has scale * service + price * broken >= L. So whoever knows L for some prices knows
how few promises can be broken at a service level, and how good service can be for so many.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from solver.cost import cost_of
from solver.plan import Assignment
from solver.problem import Engagement, Moment, Pin, Problem
from solver.problem_file import ProblemFile

HIGHEST_WEIGHT = 10_000
"""The most that an engagement may weigh in a problem/1."""

HIGHEST_PRICE = 1_000_000
"""The most that a part of the cost may count in a problem/1."""


@dataclass(frozen=True)
class Disturbance:
    """What a plan changes of what is published."""

    moved: tuple[tuple[str, int], ...] = ()
    """Engagement and number of each published session that starts at another time."""
    dropped: tuple[tuple[str, int], ...] = ()
    """Of each that is not served any more."""
    reassigned: tuple[str, ...] = ()
    """The engagements whose free sessions go to another expert."""
    organizations: tuple[str, ...] = ()
    """The engagements of which anything changes."""
    experts: tuple[str, ...] = ()
    """The experts for whom these were published."""
    lost: int = 0
    """What engagements count that lose all their published sessions."""

    @property
    def broken(self) -> int:
        """How many promises are broken."""
        return len(self.moved) + len(self.dropped) + len(self.reassigned) + self.lost

    @property
    def people(self) -> int:
        """How many organizations and experts are disturbed."""
        return len(self.organizations) + len(self.experts)


def disturbance(problem: Problem, assignments: Iterable[Assignment]) -> Disturbance:
    """Compare a plan with what the problem says is published."""
    now = {assignment.engagement: assignment for assignment in assignments}
    moved: list[tuple[str, int]] = []
    dropped: list[tuple[str, int]] = []
    reassigned: list[str] = []
    lost = 0
    experts: dict[str, None] = {}
    for engagement in problem.engagements:
        before, after = engagement.current, now.get(engagement.id)
        if before is None:
            continue
        starts = after.starts if after else ()
        free = _free(engagement, len(starts))
        gone = range(len(starts) + 1, len(before.starts) + 1)
        late = [n for n, start in _published(engagement) if n in free and starts[n - 1] != start]
        dropped += [(engagement.id, number) for number in gone]
        moved += [(engagement.id, number) for number in late]
        changed = after is not None and bool(free) and after.expert != before.expert
        if changed:
            reassigned.append(engagement.id)
        if gone or late or changed:
            experts[before.expert] = None
        if gone and not starts:
            lost += weight_of_loss(problem)
    organizations = dict.fromkeys([*(name for name, _ in (*moved, *dropped)), *reassigned])
    return Disturbance(
        tuple(moved), tuple(dropped), tuple(reassigned), tuple(organizations), tuple(experts), lost
    )


def has_promises(problem: Problem) -> bool:
    """Whether anything is published that a plan could change."""
    return any(
        number not in {pin.session for pin in each.pinned}
        for each in problem.engagements
        for number, _ in _published(each)
    )


def weight_of_loss(problem: Problem) -> int:
    """How many promises more an engagement counts that loses all its published sessions."""
    unserved, dropped, _ = service_parts(problem)
    return -(-unserved // dropped) if dropped else 1


def service_parts(problem: Problem) -> tuple[int, int, int]:
    """What an unserved engagement and a dropped session lack of service, and the unit of both."""
    weights = problem.weights
    unit = math.gcd(weights.unserved, weights.dropped_session) or 1
    return weights.unserved // unit, weights.dropped_session // unit, unit


def service_of(problem: Problem, assignments: Iterable[Assignment]) -> int:
    """What a plan lacks of service: lower is better, 0 serves everybody whole."""
    cost = cost_of(problem, assignments)
    return (cost.unserved + cost.dropped) // service_parts(problem)[2]


def most_broken(problem: Problem, engagements: Collection[str]) -> int:
    """How many promises can be broken at the most where only these engagements change."""
    sessions = [
        len(each.current.starts)
        for each in problem.engagements
        if each.current and each.id in engagements
    ]
    return sum(sessions) + len(sessions) * (1 + weight_of_loss(problem))


def _free(engagement: Engagement, served: int) -> set[int]:
    pinned = {pin.session for pin in engagement.pinned}
    return {number for number in range(1, served + 1) if number not in pinned}


def _published(engagement: Engagement) -> Iterable[tuple[int, Moment]]:
    return enumerate(engagement.current.starts, 1) if engagement.current else ()


@dataclass(frozen=True)
class PromiseProblem:
    """A problem in which a plan costs scale * service + price * broken promises at the most."""

    file: ProblemFile
    scale: int
    price: int

    def least_service(self, bound: int, broken: int) -> int:
        """What every plan lacks of service at the least that breaks so many promises."""
        return max(0, -(-(bound - self.price * broken) // self.scale))

    def least_broken(self, bound: int, service: int) -> int:
        """How many promises every plan breaks at the least that lacks so much of service."""
        return max(0, -(-(bound - self.scale * service) // self.price))


def promise_problem(problem: Problem, scale: int, price: int) -> PromiseProblem:
    """State a trade between service and promises as a problem.

    The weight of an engagement that is published whole is raised, so that a session dropped of it
    costs a broken promise, too. Of one that is published in part, that would charge sessions which
    nobody was promised: there the search may drop one, and the bound holds all the same.
    """
    unserved, dropped, _ = service_parts(problem)
    heaviest = max((each.weight for each in problem.engagements), default=1)
    scale = max(1, min(scale, (HIGHEST_WEIGHT - 1) // heaviest))
    price = min(price, HIGHEST_PRICE)
    promised = min(price // dropped, HIGHEST_WEIGHT - scale * heaviest) if dropped else 0
    parts = dict.fromkeys(type(problem.weights).model_fields, 0)
    parts |= {"unserved": unserved, "dropped_session": dropped}
    parts |= {"move": price, "change_expert": price}
    engagements = tuple(
        each.model_copy(
            update={"weight": scale * each.weight + (promised if _is_published(each) else 0)}
        )
        for each in problem.engagements
    )
    made = problem.model_copy(
        update={"weights": problem.weights.model_copy(update=parts), "engagements": engagements}
    )
    return PromiseProblem(ProblemFile.from_problem(made), scale, price)


def _is_published(engagement: Engagement) -> bool:
    """Whether every session is."""
    current = engagement.current
    return current is not None and len(current.starts) == len(engagement.durations)


def with_kept(
    problem: Problem, assignments: Iterable[Assignment], *, reassigned: bool = False
) -> Problem:
    """The problem in which every published session is pinned that a plan leaves alone.

    `reassigned`: also the sessions that keep their time with another expert.
    """
    plan = {assignment.engagement: assignment for assignment in assignments}
    engagements = tuple(
        _kept(each, plan.get(each.id), reassigned=reassigned) for each in problem.engagements
    )
    return problem.model_copy(update={"engagements": engagements})


def with_spared(problem: Problem, disturbed: Collection[str]) -> Problem:
    """The problem in which only these engagements may lose or move what is published."""
    as_published = [
        Assignment(engagement=each.id, expert=each.current.expert, starts=each.current.starts)
        for each in problem.engagements
        if each.current and each.id not in disturbed
    ]
    return with_kept(problem, as_published)


def _kept(engagement: Engagement, planned: Assignment | None, *, reassigned: bool) -> Engagement:
    """Its published sessions pinned; the others then stay with the same expert, as one plan has."""
    if engagement.current is None or planned is None:
        return engagement
    if planned.expert != engagement.current.expert and not reassigned:
        return engagement
    free = _free(engagement, len(planned.starts))
    kept = [
        Pin(session=number, expert=planned.expert, start=start)
        for number, start in _published(engagement)
        if number in free and planned.starts[number - 1] == start
    ]
    pinned = sorted((*engagement.pinned, *kept), key=lambda pin: pin.session)
    if not kept or pinned[-1].expert != planned.expert:
        return engagement
    return engagement.model_copy(update={"pinned": tuple(pinned), "reassign": False})
