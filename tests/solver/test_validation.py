"""The judge agrees with the independent check on plans that hold and on plans broken on purpose."""

from __future__ import annotations

import ast
import copy
import datetime as dt
import gzip
import json
import random
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest

from solver import Parameters, ProblemFile, judged, solve, validation
from solver.validation import Verdict, judge
from tests.solver.brute_force import brute_force
from tests.solver.builders import Record, encode, pin, plan, problem
from tests.solver.conftest import CheckPlan
from tests.solver.greedy import greedy
from tests.solver.mutations import AFTER_THE_COST_IS_STATED, BEFORE_THE_COST_IS_STATED
from tests.solver.random_problems import random_problem

INSTANCES = (
    "tokyo-60",
    "tokyo-60-tight",
    "tokyo-60-replan",
    "metro-500",
    "metro-500-tight",
    "metro-500-replan",
    "region-2000",
    "nation-10000",
)
MONDAYS = ("2025-07-14T10:00", "2025-07-21T10:00")


def read(path: Path) -> Record:
    record: Record = json.loads(gzip.decompress(path.read_bytes()))
    return record


def agreed(record: Record, found: Record, check_plan: CheckPlan) -> Verdict:
    """Judge a plan, and compare the verdict with the independent check.

    Where every served session is pinned, problem.md says whose name the assignment carries, and
    the check does not look; a session that ends at midnight lies within half-open hours
    until 24:00, and the check says it does not: there the text decides.
    """
    verdict = judge(encode(record), encode(found))
    broken, cost, served, sessions = check_plan(record, found)
    assert (asdict(verdict.cost), verdict.served, verdict.sessions) == (cost, served, sessions)
    if {each.rule for each in verdict.broken} != {"expert_kept"} and not until_midnight(
        record, found
    ):
        assert verdict.holds == (not broken), (verdict.broken, broken)
    return verdict


def until_midnight(record: Record, found: Record) -> bool:
    durations = {each["id"]: each["durations"] for each in record["engagements"]}
    return any(
        (dt.datetime.fromisoformat(start) + dt.timedelta(minutes=minutes)).time() == dt.time()
        for each in found["assignments"]
        for start in each["starts"]
        for minutes in durations.get(each["engagement"], ())
    )


def stated(record: Record, found: Record, check_plan: CheckPlan) -> Record:
    """Let a plan state what the independent check says that it costs, and a bound below."""
    _, cost, _, _ = check_plan(record, found)
    return found | {"cost": cost, "bound": cost["total"] - 1 if cost["total"] else 0}


@pytest.mark.parametrize("module", [judged, validation])
def test_the_judge_shares_no_code_and_needs_no_library(module: ModuleType) -> None:
    nodes = list(ast.walk(ast.parse(Path(str(module.__file__)).read_text())))
    imported = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    own = {"solver.judged"} & imported
    assert {name.partition(".")[0] for name in imported - own} <= sys.stdlib_module_names


@pytest.mark.parametrize("name", INSTANCES)
def test_the_judges_agree_on_a_plan_of_each_instance(
    name: str, instances: Path, check_plan: CheckPlan
) -> None:
    record = read(instances / f"{name}.json.gz")
    found = stated(record, greedy(record, at_most=120), check_plan)
    verdict = agreed(record, found, check_plan)
    assert verdict.broken == ()
    assert verdict.served > 30


@pytest.mark.parametrize("name", ["tokyo-60-tight", "tokyo-60-replan", "metro-500-replan"])
def test_the_judges_agree_on_a_solved_plan(
    name: str, instances: Path, check_plan: CheckPlan
) -> None:
    file = ProblemFile.from_path(instances / f"{name}.json.gz")
    found = solve(file, Parameters(None, work_limit=20))
    assert judge(file.json, found.to_json(), sha256=file.sha256).broken == ()
    assert agreed(json.loads(file.json), json.loads(found.to_json()), check_plan).broken == ()


def mutants(
    record: Record, found: Record, chance: random.Random, count: int, check_plan: CheckPlan
) -> Counter[str]:
    """Break a plan in many ways, one or two at a time; count the rules that were broken."""
    rules: Counter[str] = Counter()
    for _ in range(count):
        ground, broken = copy.deepcopy(record), copy.deepcopy(found)
        for change in chance.choices(BEFORE_THE_COST_IS_STATED, k=chance.choice((1, 1, 1, 2))):
            if broken["assignments"] and all(each["starts"] for each in broken["assignments"]):
                change(ground, broken, chance)
        broken = stated(ground, broken, check_plan)
        if chance.random() < 0.1:
            chance.choice(AFTER_THE_COST_IS_STATED)(ground, broken, chance)
        rules.update({each.rule for each in agreed(ground, broken, check_plan).broken})
    return rules


RULES_THAT_BOTH_JUDGE = {
    "engagement_known",
    "assigned_once",
    "session_count",
    "candidate",
    "expert_kept",
    "pinned_served",
    "pinned_unmoved",
    "gap_days",
    "slot_grid",
    "period",
    "closed_day",
    "window",
    "expert_hours",
    "expert_busy",
    "organization_hours",
    "organization_busy",
    "overlap",
    "travel_time",
    "max_per_day",
    "max_per_week",
    "max_total",
    "cost_stated",
    "bound_stated",
}


def test_the_judges_agree_on_thousands_of_plans_broken_on_purpose(check_plan: CheckPlan) -> None:
    chance = random.Random(7)  # noqa: S311  no secret
    rules: Counter[str] = Counter()
    for number in range(150):
        record = random_problem(number)
        best = brute_force(record)
        if best is not None and best.assignments:
            rules += mutants(record, plan(record, best.assignments), chance, 20, check_plan)
    assert set(rules) == RULES_THAT_BOTH_JUDGE
    assert min(rules.values()) >= 5


@pytest.mark.parametrize("name", ["tokyo-60-tight", "tokyo-60-replan"])
def test_the_judges_agree_on_broken_plans_of_real_size(
    name: str, instances: Path, check_plan: CheckPlan
) -> None:
    record = read(instances / f"{name}.json.gz")
    chance = random.Random(7)  # noqa: S311  no secret
    rules = mutants(record, greedy(record), chance, 60, check_plan)
    assert len(rules) > 12


# What only the text says ----------------------------------------------------------------


def rules_of(found: object, record: Record | None = None, sha256: str | None = None) -> set[str]:
    content = found if isinstance(found, bytes) else json.dumps(found).encode()
    return {each.rule for each in judge(encode(record or problem()), content, sha256=sha256).broken}


def whole_plan(**stated: object) -> Record:
    """A plan that states everything, and truly: the bakers are served, the tailors are not."""
    record = problem()
    found = plan(record, {"bakers": ("ann", MONDAYS)})
    cost = asdict(judge(encode(record), encode(found)).cost)
    total = cost["total"]
    return (
        found
        | {"problem_sha256": "0" * 64, "cost": cost, "bound": total - 8}
        | {"gap": 8 / (total - 8), "status": "feasible", "solver": {}}
        | stated
    )


def test_a_plan_that_states_everything_truly_holds() -> None:
    assert rules_of(whole_plan()) == set()
    assert rules_of(whole_plan(), sha256="0" * 64) == set()


def test_a_plan_that_is_optimal_says_so() -> None:
    total = whole_plan()["cost"]["total"]
    assert rules_of(whole_plan(bound=total, gap=0, status="optimal")) == set()
    assert rules_of(whole_plan(bound=total, gap=0.0, status="feasible")) == {"status_stated"}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"problem": "another"}, "problem_named"),
        ({"problem_sha256": "0" * 63}, "problem_digest"),
        ({"problem_sha256": 7}, "problem_digest"),
        ({"cost": 7}, "cost_stated"),
        ({"cost": {}}, "cost_stated"),
        ({"gap": 0.1}, "gap_stated"),
        ({"gap": "small"}, "gap_stated"),
        ({"gap": True}, "gap_stated"),
        ({"status": "optimal"}, "status_stated"),
        ({"status": "best"}, "status_stated"),
        ({"status": []}, "status_stated"),
        ({"status": "infeasible_pins"}, "status_stated"),
        ({"format": "plan/2"}, "format"),
    ],
    ids=str,
)
def test_a_statement_that_is_untrue_is_refused(wrong: Record, rule: str) -> None:
    assert rules_of(whole_plan(**wrong)) == {rule}


def test_a_plan_for_another_file_is_refused() -> None:
    assert rules_of(whole_plan(), sha256="1" * 64) == {"problem_digest"}


def test_a_bound_that_is_no_whole_number_is_refused() -> None:
    assert rules_of(whole_plan(bound=1.5, gap=None)) == {"bound_stated"}


def test_where_all_served_sessions_are_pinned_the_last_one_names_the_expert() -> None:
    record = problem(bakers={"pinned": [pin(1, "ann", MONDAYS[0])], "reassign": True})
    assert rules_of(plan(record, {"bakers": ("ann", MONDAYS[:1])}), record) == set()
    assert rules_of(plan(record, {"bakers": ("ben", MONDAYS[:1])}), record) == {"expert_kept"}


def test_a_session_that_ends_at_midnight_lies_within_hours_that_do() -> None:
    evening = {"open": [["mon", "22:00", "24:00"]]}
    record = problem(ann=evening, bakers=evening)
    assert rules_of(plan(record, {"bakers": ("ann", ["2025-07-14T23:00"])}), record) == set()
    late = plan(record, {"bakers": ("ann", ["2025-07-14T23:30"])})
    assert rules_of(late, record) == {"expert_hours", "organization_hours"}


def test_nobody_travels_from_one_day_to_the_next() -> None:
    record = problem(
        ann={"open": [["tue", "00:00", "02:00"]]},
        bakers={"pinned": [pin(1, "ann", "2025-07-14T23:00")]},
        tailors={"open": [["tue", "00:00", "02:00"]]},
    )
    found = plan(
        record, {"bakers": ("ann", ["2025-07-14T23:00"]), "tailors": ("ann", ["2025-07-15T00:00"])}
    )
    assert rules_of(found, record) == set()


def test_pins_that_conflict_are_named_and_the_status_is_then_true() -> None:
    record = problem(
        bakers={"pinned": [pin(1, "ann", "2025-07-14T10:00")]},
        tailors={"pinned": [pin(1, "ann", "2025-07-14T10:30")]},
    )
    verdict = judge(encode(record), encode(plan(record, {}, status="infeasible_pins")))
    assert [str(each) for each in verdict.pin_conflicts] == [
        "ann: bakers session 1 and tailors session 1 overlap at 2025-07-14 10:30:00"
    ]
    assert {each.rule for each in verdict.broken} == {"pinned_served"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"plan/1"',
        b"\xff",
        b"[" * 100_000,
        b'{"assignments": NaN}',
        b'{"assignments": ' + b"9" * 5000 + b"}",
        b"{}",
        b'{"format": "plan/1"}',
        b'{"format": "plan/1", "assignments": {}}',
        b'{"format": "plan/1", "assignments": [7]}',
        b'{"format": "plan/1", "assignments": [{"engagement": "bakers"}]}',
        b'{"format": "plan/1", "assignments": [{"engagement": [], "expert": "ann", "starts": []}]}',
    ],
    ids=lambda content: f"{content!r:.40}",
)
def test_what_is_no_plan_is_judged_not_raised(content: bytes) -> None:
    verdict = judge(encode(problem()), content)
    assert {each.rule for each in verdict.broken} == {"format"}
    assert verdict.served == 0


@pytest.mark.parametrize(
    "start",
    [
        7,
        None,
        "",
        "soon",
        "2025-07-14",
        "2025-07-14 10:00",
        "2025-07-14T10:00:00",
        "2025-07-14T10:00Z",
        "2025-W29-1T10:00",
        "9999-12-31T23:59",
        "2025-02-30T10:00",
        "\ud800",
    ],
    ids=ascii,
)
def test_a_start_that_is_not_written_as_it_should_is_refused(start: object) -> None:
    found = plan(problem(), {}) | {
        "assignments": [{"engagement": "bakers", "expert": "ann", "starts": [start]}]
    }
    assert "format" in rules_of(found)


ODD_VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    1.5,
    10**400,
    -(10**400),
    "",
    "\ud800\n",
    [],
    [[]],
    [None],
    {},
    {"total": []},
)


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: f"{value!s:.12}")
def test_an_odd_value_anywhere_in_a_plan_is_judged_not_raised(value: object) -> None:
    whole = whole_plan()
    assignment = whole["assignments"][0]
    for record in (whole, whole["cost"], assignment):
        for field in record:
            before, record[field] = record[field], value
            assert all(str(each).isprintable() for each in verdict_of(whole).broken)
            record[field] = before


def test_lists_as_deep_as_json_goes_are_judged_not_raised() -> None:
    for depth in range(900, 1000):
        deep = b"[" * depth + b"]" * depth
        for field in (
            b"format",
            b"problem",
            b"problem_sha256",
            b"cost",
            b"bound",
            b"gap",
            b"status",
        ):
            assert not judge(encode(problem()), b'{"%s": %s}' % (field, deep)).holds


def verdict_of(found: Record) -> Verdict:
    return judge(encode(problem()), encode(found))
