"""Each hard rule alone on a two-by-two problem: a plan that keeps it and one that breaks it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from solver import Parameters, judge, solve
from tests.solver.builders import Plan, Record, encode, file, pin, plan, problem
from tests.solver.conftest import CheckPlan

MONDAYS = ("2025-07-14T10:00", "2025-07-21T10:00")
AFTERNOONS = ("2025-07-14T14:00", "2025-07-21T14:00")
TUESDAYS = ("2025-07-15T10:00", "2025-07-22T10:00")
MONDAY_PIN = pin(1, "ann", "2025-07-14T10:00")


@dataclass(frozen=True)
class Rule:
    """A rule on a problem, with a plan on either side of it."""

    name: str
    says: str
    kept: Plan
    broken: Plan
    on: Record = field(default_factory=problem)
    breaks_too: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.says}"


def bakers(*starts: str, by: str = "ann") -> Plan:
    return {"bakers": (by, starts)}


def both(ann_at: tuple[str, ...], then_at: tuple[str, ...]) -> Plan:
    return {"bakers": ("ann", ann_at), "tailors": ("ann", then_at)}


RULES = (
    Rule(
        "candidate",
        "who is no candidate holds no session",
        on=problem(bakers={"candidates": [{"expert": "ann", "cost": 1}]}),
        kept=bakers(*MONDAYS),
        broken=bakers(*MONDAYS, by="ben"),
    ),
    Rule(
        "expert_kept",
        "the expert of the pinned sessions holds the others too",
        on=problem(bakers={"pinned": [MONDAY_PIN]}),
        kept=bakers(*MONDAYS),
        broken=bakers(*MONDAYS, by="ben"),
    ),
    Rule(
        "expert_kept",
        "with several experts pinned, the last one goes on",
        on=problem(
            bakers={
                "durations": [60, 60, 60],
                "pinned": [pin(1, "ben", "2025-07-14T10:00"), pin(2, "ann", "2025-07-21T10:00")],
            }
        ),
        kept=bakers(*MONDAYS, "2025-07-28T10:00"),
        broken=bakers(*MONDAYS, "2025-07-28T10:00", by="ben"),
    ),
    Rule(
        "candidate",
        "with reassign another expert may go on, but only a candidate",
        on=problem(
            bakers={
                "pinned": [MONDAY_PIN],
                "reassign": True,
                "candidates": [{"expert": "ben", "cost": 1}],
            }
        ),
        kept=bakers(*MONDAYS, by="ben"),
        broken=bakers(*MONDAYS, by="ann"),
    ),
    Rule(
        "session_count",
        "no more sessions than are wanted",
        kept=bakers(*MONDAYS),
        broken=bakers(*MONDAYS, "2025-07-28T10:00"),
    ),
    Rule(
        "pinned_served",
        "a pinned session is never left out",
        on=problem(bakers={"pinned": [pin(2, "ann", "2025-07-21T10:00")]}),
        kept=bakers(*MONDAYS),
        broken=bakers(MONDAYS[0]),
    ),
    Rule(
        "pinned_served",
        "an engagement with a pinned session is never left out",
        on=problem(bakers={"pinned": [MONDAY_PIN]}),
        kept=bakers(MONDAYS[0]),
        broken={},
    ),
    Rule(
        "pinned_unmoved",
        "a pinned session stands where it is",
        on=problem(bakers={"pinned": [MONDAY_PIN]}),
        kept=bakers(*MONDAYS),
        broken=bakers("2025-07-14T10:30", MONDAYS[1]),
    ),
    Rule(
        "slot_grid",
        "a session starts on the half hour",
        kept=bakers("2025-07-14T10:30"),
        broken=bakers("2025-07-14T10:15"),
    ),
    Rule(
        "period",
        "no session after the last day",
        kept=bakers("2025-08-08T10:00"),
        broken=bakers("2025-08-11T10:00"),
        breaks_too=("window",),
    ),
    Rule(
        "closed_day",
        "no session on a closed day",
        on=problem(calendar={"closed_days": ["2025-07-21"]}),
        kept=bakers(*TUESDAYS),
        broken=bakers(*MONDAYS),
    ),
    Rule(
        "window",
        "no session before the earliest day",
        on=problem(bakers={"earliest": "2025-07-15"}),
        kept=bakers(*TUESDAYS),
        broken=bakers(*MONDAYS),
    ),
    Rule(
        "window",
        "no session after the latest day",
        on=problem(bakers={"latest": "2025-07-21"}),
        kept=bakers(*MONDAYS),
        broken=bakers(*TUESDAYS),
    ),
    Rule(
        "expert_hours",
        "a session lies whole in the expert's hours",
        on=problem(ann={"open": [["mon", "09:30", "11:00"]]}),
        kept=bakers(*MONDAYS),
        broken=bakers("2025-07-14T10:30"),
    ),
    Rule(
        "expert_hours",
        "a session lies in one of the hours, not across two that meet",
        on=problem(ann={"open": [["mon", "09:00", "10:30"], ["mon", "10:30", "12:00"]]}),
        kept=bakers("2025-07-14T10:30"),
        broken=bakers("2025-07-14T10:00"),
    ),
    Rule(
        "expert_busy",
        "a session ends before the expert is busy",
        on=problem(ann={"busy": [["2025-07-14T11:00", "2025-07-14T12:00"]]}),
        kept=bakers("2025-07-14T10:00"),
        broken=bakers("2025-07-14T10:30"),
    ),
    Rule(
        "organization_hours",
        "a session lies whole in the organization's hours",
        on=problem(bakers={"open": [["mon", "10:00", "11:00"]]}),
        kept=bakers(*MONDAYS),
        broken=bakers("2025-07-14T10:30"),
    ),
    Rule(
        "organization_busy",
        "a session starts after the organization is busy",
        on=problem(bakers={"busy": [["2025-07-13T00:00", "2025-07-14T10:00"]]}),
        kept=bakers("2025-07-14T10:00"),
        broken=bakers("2025-07-14T09:30"),
    ),
    Rule(
        "gap_days",
        "the least gap from one session to the next",
        kept=bakers("2025-07-14T10:00", "2025-07-21T09:00"),
        broken=bakers("2025-07-14T10:00", "2025-07-18T16:00"),
    ),
    Rule(
        "gap_days",
        "the largest gap from one session to the next",
        kept=bakers("2025-07-14T10:00", "2025-07-28T16:00"),
        broken=bakers("2025-07-14T10:00", "2025-07-29T09:00"),
    ),
    Rule(
        "gap_days",
        "the gap after a pinned session",
        on=problem(bakers={"pinned": [MONDAY_PIN]}),
        kept=bakers(*MONDAYS),
        broken=bakers(MONDAYS[0], "2025-07-15T10:00"),
    ),
    Rule(
        "overlap",
        "two sessions of an expert do not overlap",
        on=problem(minutes=[[0, 0, 0]] * 3),
        kept=both(MONDAYS, ("2025-07-14T11:00",)),
        broken=both(MONDAYS, ("2025-07-14T10:30",)),
    ),
    Rule(
        "travel_time",
        "an expert has time to travel from place to place",
        kept=both(MONDAYS, ("2025-07-14T11:30",)),
        broken=both(MONDAYS, ("2025-07-14T11:00",)),
    ),
    Rule(
        "travel_time",
        "the way out counts, not the way back",
        on=problem(minutes=[[0, 0, 0], [0, 0, 60], [0, 30, 0]]),
        kept=both(("2025-07-14T11:30",), ("2025-07-14T10:00",)),
        broken=both(("2025-07-14T10:00",), ("2025-07-14T11:30",)),
    ),
    Rule(
        "travel_time",
        "two sites in one municipality lie as far apart as the diagonal says",
        on=problem(tailors={"place": "bakers"}),
        kept=both(MONDAYS, ("2025-07-14T11:30",)),
        broken=both(MONDAYS, ("2025-07-14T11:00",)),
    ),
    Rule(
        "travel_time",
        "before an online session the expert travels home",
        on=problem(tailors={"place": None}),
        kept=both(MONDAYS, ("2025-07-14T11:30",)),
        broken=both(MONDAYS, ("2025-07-14T11:00",)),
    ),
    Rule(
        "overlap",
        "from one online session to the next nobody travels",
        on=problem(bakers={"place": None}, tailors={"place": None}),
        kept=both(MONDAYS, ("2025-07-14T11:00",)),
        broken=both(MONDAYS, ("2025-07-14T10:30",)),
    ),
    Rule(
        "travel_time",
        "to and from a pinned session the expert travels too",
        on=problem(bakers={"pinned": [MONDAY_PIN]}),
        kept=both(MONDAYS, ("2025-07-14T11:30",)),
        broken=both(MONDAYS, ("2025-07-14T11:00",)),
    ),
    Rule(
        "max_per_day",
        "no more sessions a day than the expert's cap",
        on=problem(ann={"max_per_day": 1}),
        kept=both(MONDAYS, TUESDAYS),
        broken=both(MONDAYS, AFTERNOONS[:1]),
    ),
    Rule(
        "max_per_week",
        "no more sessions an ISO week than the expert's cap",
        on=problem(ann={"max_per_week": 1}),
        kept=both(MONDAYS, ("2025-07-28T10:00",)),
        broken=both(MONDAYS, ("2025-07-25T10:00",)),
    ),
    Rule(
        "max_total",
        "no more sessions in all than the expert's cap",
        on=problem(ann={"max_total": 3}),
        kept=both(MONDAYS, ("2025-07-15T10:00",)),
        broken=both(MONDAYS, TUESDAYS),
    ),
    Rule(
        "max_total",
        "pinned sessions count",
        on=problem(ann={"max_total": 1}, bakers={"pinned": [MONDAY_PIN]}),
        kept=bakers(MONDAYS[0]),
        broken=bakers(*MONDAYS),
    ),
)

each_rule = pytest.mark.parametrize("rule", RULES, ids=str)


@each_rule
def test_a_plan_that_keeps_the_rule_holds(rule: Rule) -> None:
    assert judge(encode(rule.on), encode(plan(rule.on, rule.kept))).broken == ()


@each_rule
def test_a_plan_that_breaks_the_rule_breaks_that_one_alone(rule: Rule) -> None:
    verdict = judge(encode(rule.on), encode(plan(rule.on, rule.broken)))
    assert {broken.rule for broken in verdict.broken} == {rule.name, *rule.breaks_too}


@each_rule
def test_the_independent_check_says_the_same(rule: Rule, check_plan: CheckPlan) -> None:
    assert check_plan(rule.on, plan(rule.on, rule.kept))[0] == []
    assert check_plan(rule.on, plan(rule.on, rule.broken))[0] != []


@each_rule
def test_the_problem_is_one_that_is_read(rule: Rule) -> None:
    assert file(rule.on).problem.name == "two by two"


@each_rule
def test_a_solved_plan_keeps_the_rule_and_is_no_worse(rule: Rule) -> None:
    found = solve(file(rule.on), Parameters(time_limit_seconds=5))
    kept = judge(encode(rule.on), encode(plan(rule.on, rule.kept)))
    assert judge(encode(rule.on), found.to_json()).broken == ()
    assert found.bound <= found.cost.total <= kept.cost.total
