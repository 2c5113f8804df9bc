"""Plans composed of sessions that are known: some engagements get theirs, all others stay as is.

So the part of an outdated plan that still holds is published, and the sessions of an earlier
release come back. A composed plan answers a problem of today's records, in which everything but
its engagements is fixed, and passes the judge like every other. Engagements whose sessions break
a rule by now are left out, round after round, until the rest holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.models import Plan, PlanState
from matcher.planning.publishing.obstacles import (
    EXPERT_PINNED,
    FIXED_BREAK_A_RULE,
    NEEDLESS,
    NO_DAY_LEFT,
    ON_HOLD,
    OUT_OF_SCOPE,
    SESSIONS_CHANGED,
    WISHES_CHANGED,
    Obstacle,
    ended,
    obstacles,
    rule_broken,
)
from matcher.planning.running.attempt import result_of
from matcher.planning.stating.ground import ground_of, latest_release_number
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import PLANNABLE_STATES, Records
from matcher.programme import Words
from solver import problem as problem_1
from solver.plan import Assignment, Cost, SolverRecord, gap_of
from solver.plan import Plan as PlanFile
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.validation import RULES_OF_A_CALENDAR, Broken, Verdict, judge

__all__ = [
    "Composition",
    "booked_visits",
    "compose",
    "keep",
    "untouched_part",
    "visits_of",
]

OF_A_CALENDAR = frozenset(rule.__name__ for rule in RULES_OF_A_CALENDAR)
"""The rules of the judge that an expert's sessions break together."""


Visit = tuple[str, dt.datetime, dt.datetime]
"""Expert, start and end of a session, by the wall clock."""


@dataclass(frozen=True)
class Composition:
    """The sessions that some engagements can have, everything else as it stands."""

    records: Records
    chosen: Mapping[str, Assignment]
    """What each of them gets; no starts: no sessions."""
    left_out: tuple[Obstacle, ...]
    """Those that cannot have what was meant for them, by id."""


def compose(records: Records, meant: Mapping[str, Assignment]) -> Composition:
    """Find which engagements can have what is meant for them, by the records as they are.

    `meant` is by engagement; an assignment without starts takes its sessions away. Whoever is
    left out cannot have it beside all the others that do.
    """
    left_out: dict[str, Words] = {}
    crowded: set[str] = set()
    chosen = dict(meant)
    while chosen:
        draft = _Draft.of(records, chosen)
        blamed = draft.misfits()
        if not blamed:
            blamed = draft.crowds()
            crowded |= blamed.keys()
        if not blamed:
            break
        left_out |= blamed
        chosen = {id: each for id, each in chosen.items() if id not in blamed}
    # What stood in the way of one may have been left out after it.
    bound = {id: _bound(records, id, each) for id, each in meant.items()}
    for id in sorted(crowded, key=lambda id: (-records.engagements[id].weight, id)):
        # Only calendars of its own experts could have no room for it: the others are as they were.
        beside = {other: each for other, each in chosen.items() if bound[other] & bound[id]}
        draft = _Draft.of(records, {**beside, id: meant[id]}).around(bound[id])
        if draft.verdict.holds:
            chosen[id] = meant[id]
            del left_out[id]
        elif left_out[id] is not FIXED_BREAK_A_RULE:
            left_out[id] = draft.reason_against(id)
    return Composition(records, chosen, obstacles(left_out))


def _bound(records: Records, engagement_id: str, meant: Assignment) -> frozenset[str]:
    """The experts of an engagement's sessions, as they are and as they are meant to be."""
    booked = {expert for expert, _, _ in booked_visits(records, engagement_id)}
    return frozenset(booked | ({meant.expert} if meant.starts else set()))


def keep(db: Database, composition: Composition, made_of: str, by: str, now: dt.datetime) -> Plan:
    """Keep a composition as a plan that is ready to be published; `made_of` says what it is.

    No search has proven anything about it, so it has no bound.
    """
    draft = _Draft.of(composition.records, composition.chosen)
    file = ProblemFile.from_problem(draft.problem)
    plan = Plan(
        programme_id=composition.records.programme_id,
        state=PlanState.READY,
        terms=composition.records.terms.model_copy(
            update={"only": tuple(sorted(composition.chosen)), "specialties": None}
        ),
        time_limit_seconds=0.0,
        workers=1,
        seed=0,
        created_at=now,
        created_by=by,
        started_at=now,
        finished_at=now,
        ground=ground_of(
            draft.problem, latest_release_number(db, composition.records.programme_id)
        ),
        **result_of(file, draft.plan_file(file, made_of)) | {"bound": None, "gap": None},
    )
    db.add(plan)
    db.flush()
    return plan


def untouched_part(
    records: Records, then: Problem, there: Problem, plan: PlanFile, now: dt.datetime
) -> Composition:
    """Find the part of a plan that is not touched by what has changed since it was begun.

    `then` is the problem it answers, `there` what would be asked in its place by now. An
    engagement is touched where it was changed itself, where its sessions break a rule by now, or
    where it would give way to nobody but others that are touched.
    """
    touched: dict[str, Words] = {}
    meant: dict[str, Assignment] = {}
    planned = {each.engagement: each for each in plan.assignments}
    by_now = {each.id: each for each in there.engagements}
    for asked in then.engagements:
        own = planned.get(asked.id) or _nothing(asked.id)
        if visits_of(asked, own) == booked_visits(records, asked.id):
            continue
        reason = _what_changed(records, asked, by_now.get(asked.id))
        if reason is None:
            meant[asked.id] = own
        elif visits_of(asked, own) != visits_of(asked, _present(asked)):
            touched[asked.id] = reason
    while True:
        rest = {id: each for id, each in meant.items() if id not in touched}
        part = compose(records.as_of(now), rest)
        left_out = {each.engagement_id: each.reason for each in part.left_out}
        missing = touched.keys() | left_out.keys()
        wanted = {planned[id].expert for id in missing & planned.keys() if planned[id].starts}
        needless = _needless(part, wanted)
        if not needless:
            return Composition(part.records, part.chosen, obstacles(touched | left_out))
        touched |= dict.fromkeys(needless, NEEDLESS)


def visits_of(asked: problem_1.Engagement, assignment: Assignment) -> tuple[Visit, ...]:
    """The visits that an assignment comes to; what is pinned stays with its expert."""
    pinned = {pin.session: pin.expert for pin in asked.pinned}
    return tuple(
        (pinned.get(number, assignment.expert), start, start + dt.timedelta(minutes=minutes))
        for number, (start, minutes) in enumerate(
            zip(assignment.starts, asked.durations, strict=False), 1
        )
    )


def booked_visits(records: Records, engagement_id: str) -> tuple[Visit, ...]:
    """The sessions that an engagement has."""
    return tuple(
        (each.expert_id, wall_time(each.start_at), wall_time(each.end_at))
        for each in records.sessions.get(engagement_id, ())
    )


@dataclass(frozen=True)
class _Draft:
    """A problem in which all but some engagements are fixed, and who would be served how."""

    records: Records
    problem: Problem
    chosen: Mapping[str, Assignment]
    assignments: Mapping[str, Assignment]
    """Of the chosen engagements and the fixed ones, as far as they have sessions."""

    @classmethod
    def of(cls, records: Records, chosen: Mapping[str, Assignment]) -> _Draft:
        """Put the chosen sessions among all that stand."""
        problem = problem_of(records, [records.engagements[id] for id in sorted(chosen)])
        assignments = {
            each.id: chosen.get(each.id) or _present(each) for each in problem.engagements
        }
        served = {id: each for id, each in assignments.items() if each.starts}
        return cls(records, problem, chosen, served)

    @cached_property
    def verdict(self) -> Verdict:
        """What the judge says of it."""
        rows = ",".join(each.model_dump_json() for each in self.assignments.values())
        plan = f'{{"format": "plan/1", "assignments": [{rows}]}}'
        return judge(self.problem.to_json(), plan.encode())

    def plan_file(self, file: ProblemFile, made_of: str) -> PlanFile:
        """The plan/1 that it is."""
        cost = Cost(**asdict(self.verdict.cost))
        return PlanFile(
            problem=self.problem.name,
            problem_sha256=file.sha256,
            assignments=tuple(self.assignments[id] for id in sorted(self.assignments)),
            cost=cost,
            bound=0,
            gap=gap_of(cost.total, 0),
            status="feasible" if cost.total else "optimal",
            solver=SolverRecord(version=made_of, seed=0, workers=1, seconds=0.0),
        )

    def misfits(self) -> Mapping[str, Words]:
        """The engagements whose sessions break a rule by themselves, and which."""
        broken = reversed(self.verdict.broken)
        own = {each.subject: each for each in broken if each.rule not in OF_A_CALENDAR}
        return {id: self._words(each, id) for id, each in own.items() if id in self.chosen}

    def crowds(self) -> Mapping[str, Words]:
        """The engagements to leave out because sessions break a rule together, and which."""
        calendars = {each.subject: each for each in reversed(self.verdict.broken)}
        blamed = {
            id: self._words(each, id)
            for expert, each in calendars.items()
            for id in self._too_many_for(expert)
        }
        if calendars and not blamed:
            return dict.fromkeys(self.chosen, FIXED_BREAK_A_RULE)
        return blamed

    def reason_against(self, engagement_id: str) -> Words:
        """Why it does not hold with an engagement, and does without."""
        own = [each for each in self.verdict.broken if each.subject == engagement_id]
        return self._words((own or self.verdict.broken)[0], engagement_id)

    def keeping(self, engagement_id: str) -> _Draft:
        """The same, with what an engagement has by now."""
        present = _present(self._asked[engagement_id])
        others = {id: each for id, each in self.assignments.items() if id != engagement_id}
        kept = others | ({engagement_id: present} if present.starts else {})
        return _Draft(self.records, self.problem, self.chosen, kept)

    def around(self, experts: frozenset[str]) -> _Draft:
        """What of it has to do with some experts: small, and true of their calendars."""
        concerned = {id for id in self._asked if not experts.isdisjoint(self._experts_of(id))}
        engagements = tuple(each for each in self.problem.engagements if each.id in concerned)
        return _Draft(
            self.records,
            self.problem.model_copy(update={"engagements": engagements}),
            self.chosen,
            {id: each for id, each in self.assignments.items() if id in concerned},
        )

    def is_needless(self, engagement_id: str, wanted: Collection[str]) -> bool:
        """Whether the rest holds without an engagement's change, and costs no more.

        Only a change that brings it no further session can be, and only where it frees time of an
        expert who is wanted elsewhere.
        """
        asked, after = self._asked[engagement_id], self.chosen[engagement_id]
        present = visits_of(asked, _present(asked))
        left = {expert for expert, _, _ in present}
        if len(present) < len(after.starts) or left.isdisjoint(wanted):
            return False
        with_it = self.around(frozenset({*left, after.expert}))
        without = with_it.keeping(engagement_id)
        return without.verdict.holds and without.verdict.cost.total <= with_it.verdict.cost.total

    @cached_property
    def _asked(self) -> Mapping[str, problem_1.Engagement]:
        return {each.id: each for each in self.problem.engagements}

    def _experts_of(self, engagement_id: str) -> frozenset[str]:
        """Those of its sessions, as they are and as they would be."""
        asked = self._asked[engagement_id]
        visits = visits_of(asked, _present(asked))
        if engagement_id in self.assignments:
            visits += visits_of(asked, self.assignments[engagement_id])
        return frozenset(expert for expert, _, _ in visits)

    def _too_many_for(self, expert: str) -> tuple[str, ...]:
        """Whose sessions are too many in an expert's calendar: the least, where one is enough."""
        involved = [id for id in self.chosen if self._is_served_by(id, expert)]
        involved.sort(key=lambda id: (-self._asked[id].weight, id), reverse=True)
        calendar = self.around(frozenset({expert}))
        faults = calendar.faults_of(expert)
        for id in involved:
            if calendar.keeping(id).faults_of(expert) < faults:
                return (id,)
        return tuple(involved)

    def faults_of(self, expert: str) -> int:
        """How many rules are broken in an expert's calendar."""
        broken = self.verdict.broken
        return sum(each.rule in OF_A_CALENDAR and each.subject == expert for each in broken)

    def _is_served_by(self, engagement_id: str, expert: str) -> bool:
        """Whether a session of it that may be changed is to be with an expert."""
        own = self.chosen[engagement_id]
        free = len(own.starts) > len(self._asked[engagement_id].pinned)
        return free and own.expert == expert

    def _words(self, broken: Broken, engagement_id: str) -> Words:
        """What is said of an engagement for which a rule is broken."""
        engagement = self.records.engagements[engagement_id]
        earliest, latest = self.records.window(engagement)
        if earliest > latest:
            return NO_DAY_LEFT
        pins = self.records.pins.get(engagement_id, ())
        if broken.rule == "candidate" and any(pin.expert_id for pin in pins):
            return EXPERT_PINNED
        is_calendar = broken.rule in OF_A_CALENDAR
        expert = broken.subject if is_calendar else self.chosen[engagement_id].expert
        return rule_broken(broken.rule, expert=expert, earliest=earliest, latest=latest)


def _needless(part: Composition, wanted: Collection[str]) -> frozenset[str]:
    """Which changes only move or drop sessions of experts who are wanted by who is left out."""
    if not part.chosen or not wanted:
        return frozenset()
    draft = _Draft.of(part.records, part.chosen)
    waiting, wanted = sorted(part.chosen), set(wanted)
    while id := next((id for id in waiting if draft.is_needless(id, wanted)), None):
        waiting.remove(id)
        wanted.add(part.chosen[id].expert)
        draft = draft.keeping(id)
    return frozenset(part.chosen) - frozenset(waiting)


def _what_changed(
    records: Records, then: problem_1.Engagement, there: problem_1.Engagement | None
) -> Words | None:
    """What was changed about an engagement itself; None: nothing that its sessions depend on.

    Who may serve it does not count: whether its expert still may is for the judge to say.
    """
    engagement = records.engagements[then.id]
    if engagement.state not in PLANNABLE_STATES:
        return ended(engagement.state)
    if then.id in records.holds:
        return ON_HOLD
    if there is None:
        return OUT_OF_SCOPE
    of_experts = {"candidates": (), "reassign": False}
    before, after = then.model_copy(update=of_experts), there.model_copy(update=of_experts)
    if before == after:
        return None
    if (before.pinned, before.current) != (after.pinned, after.current):
        return SESSIONS_CHANGED
    return WISHES_CHANGED


def _present(asked: problem_1.Engagement) -> Assignment:
    """What an engagement has by now: the sessions that are published, or all that are pinned."""
    if asked.current is not None:
        current = asked.current
        return Assignment(engagement=asked.id, expert=current.expert, starts=current.starts)
    if not asked.pinned:
        return _nothing(asked.id)
    return Assignment(
        engagement=asked.id,
        expert=asked.pinned[-1].expert,
        starts=tuple(pin.start for pin in asked.pinned),
    )


def _nothing(engagement_id: str) -> Assignment:
    return Assignment(engagement=engagement_id, expert="", starts=())
