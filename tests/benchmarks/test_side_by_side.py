from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from click.testing import CliRunner

from benchmarks.__main__ import cli
from benchmarks.chart import draw
from benchmarks.protocol import limit_seconds
from benchmarks.report import as_markdown
from benchmarks.results import Results
from benchmarks.runner import Curve, Point, Run, curve_of

SVG = "{http://www.w3.org/2000/svg}"

ENGINE = Run(
    solver="engine",
    instance="small",
    limit_seconds=30,
    holds=True,
    cost=1010,
    bound=1000,
    served=10,
    engagements=10,
    sessions=40,
    wanted_sessions=40,
    seconds=29.5,
    peak_mebibytes=200,
    curve=Curve(
        costs=(Point(0.8, 1500), Point(2.0, 1100), Point(9.0, 1010)),
        bounds=(Point(0.7, 900), Point(12.0, 1000)),
    ),
)
TIMEFOLD = replace(
    ENGINE,
    solver="timefold",
    cost=1200,
    bound=0,
    curve=Curve(costs=(Point(1.5, 1700), Point(4.5, 1400), Point(25.0, 1200))),
)
SKIPPED = Run("single-model", "small", 30, skipped="it does not fit")
RESULTS = Results("2026-11-22", "2 cores", "0.2.0", 2, 0, 0.5, (ENGINE, TIMEFOLD, SKIPPED))


def cells(markdown: str, table: int) -> list[str]:
    """The cells of the first row of a table."""
    lines = [line for line in markdown.splitlines() if line.startswith("| small")]
    return [cell.strip() for cell in lines[table].strip("|").split("|")]


def test_the_limit_is_the_protocols_or_follows_the_size() -> None:
    assert limit_seconds("tokyo-60-tight", 60) == 60
    assert [limit_seconds("x", size) for size in (60, 500, 2000, 10_000)] == [30, 60, 120, 600]


def test_a_curve_begins_with_the_first_plan_that_serves_somebody() -> None:
    reports = [(0.1, 5000, 0), (0.5, 5000, 90), (1.0, 800, 90), (2.0, 800, 90), (3.0, 700, 95)]
    curve = curve_of(reports, below=5000)
    assert curve.costs == (Point(1.0, 800), Point(3.0, 700))
    assert curve.bounds == (Point(0.5, 90), Point(3.0, 95))


def test_a_curve_keeps_its_shape_with_few_points() -> None:
    reports = [(1 + number / 1000, 10_000 - number, 0) for number in range(9_000)]
    curve = curve_of(reports, below=20_000)
    assert len(curve.costs) < 300
    assert curve.costs[0] == Point(1.0, 10_000)
    assert curve.costs[-1] == Point(9.999, 1001)
    for seconds, cost, _ in reports:
        reached = curve.seconds_to(cost)
        assert reached is not None
        assert seconds - 0.001 <= reached <= 1.03 * seconds


def test_the_table_tells_how_far_each_is_from_the_bound() -> None:
    assert cells(as_markdown(RESULTS), 0) == [
        *("small", "30 s", "1,000", "–"),
        *("1,010 (1.00%)", "1,200 (20.00%)", "–", "–"),
    ]


def test_the_table_tells_who_was_there_first() -> None:
    _, first, within, ahead, share, early, timefold, *_ = cells(as_markdown(RESULTS), 1)
    assert (first, within) == ("0.8 s", "1 s")
    assert (ahead, share) == ("2.0 s", "7%")
    assert (early, timefold) == ("1,500", "4.5 s")


def test_what_was_skipped_or_broke_a_rule_is_named() -> None:
    broken = replace(TIMEFOLD, holds=False, broken=("a session overlaps",))
    markdown = as_markdown(replace(RESULTS, runs=(ENGINE, broken, SKIPPED)))
    assert "single-model on small was skipped: it does not fit." in markdown
    assert "timefold on small fails: a session overlaps." in markdown
    assert "**breaks a rule**" in markdown


def test_results_are_read_back_as_they_were_written() -> None:
    assert Results.from_json(RESULTS.to_json()) == RESULTS


def test_the_chart_draws_a_line_a_solver_and_the_bound() -> None:
    picture = ET.fromstring(draw(RESULTS))  # noqa: S314  made here
    kinds = [line.get("class") for line in picture.iter(f"{SVG}polyline")]
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert sorted(filter(None, kinds)) == ["bound", "curve engine", "curve timefold"]
    assert {"small", "1,010", "1,200", "+10 %", "30 s"} <= set(texts)


def test_a_better_cost_is_drawn_lower_and_a_later_one_further_right() -> None:
    picture = ET.fromstring(draw(RESULTS))  # noqa: S314  made here
    (line,) = (
        each for each in picture.iter(f"{SVG}polyline") if each.get("class") == "curve engine"
    )
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert points == sorted(points)
    assert points[0][1] < points[-1][1]


def test_a_run_prints_the_tables_and_keeps_them_with_the_plans(tmp_path: Path) -> None:
    instance, kept = tmp_path / "small.json.gz", tmp_path / "kept"
    make = ["generate", "--engagements", "4", "--experts", "3", "--out", str(instance)]
    assert CliRunner().invoke(cli, make).exit_code == 0
    measure = ["run", "--instances", str(instance), "--seconds", "6", "--keep", str(kept)]
    measure += [
        "--solvers",
        "engine",
        "--solvers",
        "hand-rules",
        "--plans",
        str(tmp_path / "plans"),
    ]
    ran = CliRunner().invoke(cli, measure)
    assert ran.exit_code == 0
    assert "| small |" in ran.stdout
    assert sorted(path.name for path in kept.iterdir()) == [
        *("results.json", "results.md", "results.svg")
    ]
    engine, hand_rules = Results.from_json((kept / "results.json").read_bytes()).runs
    assert engine.holds
    assert hand_rules.holds
    assert engine.peak_mebibytes > 10
    assert engine.curve.costs[-1].value == engine.cost
    assert hand_rules.curve.costs[-1].value == hand_rules.cost
    assert (tmp_path / "plans" / "small.engine.plan.json").exists()


def test_a_run_names_an_instance_that_does_not_exist() -> None:
    ran = CliRunner().invoke(cli, ["run", "--instances", "nowhere"])
    assert ran.exit_code == 2
    assert "no instance 'nowhere'" in ran.stderr
