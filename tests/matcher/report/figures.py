"""A plan small enough to see through: two organizations that both want the first of two experts."""

from __future__ import annotations

import datetime as dt

from matcher.programme import Phase, Words, read_rules
from matcher.report.figures import ExpertFigures, PlanFigures, Visit
from solver import Plan, Problem, ProblemFile, solve
from solver.problem import Calendar, Candidate, Engagement, Expert, OpenHours, Travel

RULES = read_rules("tokyo-2025")
NAMES = {
    "bakers": Words(ja="東京パン組合", en="Tokyo Bakers"),
    "tailors": Words(ja="東京仕立組合", en="Tokyo Tailors"),
}
HOURS = (OpenHours("tue", 10 * 60, 12 * 60),)


def problem() -> Problem:
    """Two organizations that want the same expert at the only hour that all three have."""
    period = RULES.implementation_period
    return Problem(
        format="problem/1",
        name="two of two",
        calendar=Calendar(
            first_day=period.first_day,
            last_day=period.last_day,
            timezone="Asia/Tokyo",
            slot_minutes=30,
            closed_days=(),
        ),
        experts=(_expert("first"), _expert("second")),
        engagements=(_engagement("bakers", "first"), _engagement("tailors", "first", "second")),
        travel_minutes=Travel(places=("13101",), minutes=((25,),)),
        weights=RULES.weights,
    )


def plan() -> Plan:
    """The best plan of the problem."""
    return solve(ProblemFile.from_problem(problem()))


def figures() -> PlanFigures:
    """The figures of that plan, as they would be published."""
    best = plan()
    return PlanFigures(
        rules=RULES,
        problem=problem(),
        plan=best,
        organizations=NAMES,
        experts=tuple(_figures(best, id) for id in ("first", "second")),
    )


def _expert(id: str) -> Expert:
    return Expert(
        id=id,
        open=HOURS,
        busy=(),
        max_per_day=1,
        max_per_week=1,
        max_total=2,
        target_total=1,
        place="13101",
    )


def _engagement(id: str, *experts: str) -> Engagement:
    tuesday = dt.date(2025, 9, 2)
    return Engagement(
        id=id,
        earliest=tuesday,
        latest=tuesday,
        durations=(120,),
        min_gap_days=14,
        target_gap_days=21,
        max_gap_days=35,
        open=HOURS,
        busy=(),
        preferred=(),
        place="13101",
        candidates=tuple(
            Candidate(expert=each, cost=10 * place) for place, each in enumerate(experts)
        ),
    )


def _figures(plan: Plan, expert: str) -> ExpertFigures:
    return ExpertFigures(
        id=expert,
        name=Words(ja=f"専門家 {expert}", en=f"Expert {expert}"),
        visits=tuple(
            Visit(
                engagement_id=each.engagement,
                number=number,
                of=1,
                phase=Phase.ACTION_PLAN,
                start=start,
                end=start + dt.timedelta(minutes=120),
                organization=NAMES[each.engagement],
                place=Words(ja="千代田区", en="Chiyoda"),
                online=False,
            )
            for each in plan.assignments
            if each.expert == expert
            for number, start in enumerate(each.starts, 1)
        ),
        target=1,
        maximum=2,
    )
