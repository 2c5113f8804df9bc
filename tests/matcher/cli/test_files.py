"""`matcher solve` and `matcher check` as a person types them."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from matcher.cli import main
from tests.solver.builders import Record, encode, pin, plan, problem
from tests.solver.random_problems import random_problem

MONDAYS = ("2025-07-14T10:00", "2025-07-21T10:00")


@pytest.fixture
def problem_path(tmp_path: Path) -> Path:
    return write(tmp_path / "problem.json", problem())


def write(path: Path, record: Record) -> Path:
    content = encode(record)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def complaint(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that refuses its input: exit 2, one line on standard error, nothing else."""
    assert main([str(argument) for argument in arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err


# check ----------------------------------------------------------------------------------


def test_check_prints_the_cost_by_part_of_a_plan_that_holds(
    problem_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_path = write(tmp_path / "plan.json", plan(problem(), {"bakers": ("ann", MONDAYS)}))
    assert main(["check", str(problem_path), str(plan_path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "total": 4008,
        "unserved": 2000,
        "dropped": 2000,
        "match": 2,
        "preference": 0,
        "travel": 6,
        "wait": 0,
        "gap": 0,
        "overload": 0,
        "stability": 0,
        "served": 1,
        "of": 2,
        "sessions": 2,
        "of_sessions": 4,
        "bound": None,
        "optimality_gap": None,
    }


def test_check_names_each_broken_rule_on_a_line_and_says_no(
    problem_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = plan(problem(), {"bakers": ("ann", ["2025-07-14T10:15"]), "no\nbody": ("ann", [])})
    assert main(["check", str(problem_path), str(write(tmp_path / "plan.json", wrong))]) == 1
    _, *lines = capsys.readouterr().out.splitlines()
    assert lines == [
        r"'no\nbody': there is no such engagement",
        "bakers: session 1 is off the grid at 2025-07-14 10:15:00",
    ]


def test_check_reads_gzipped_files(tmp_path: Path) -> None:
    problem_path = write(tmp_path / "problem.json.gz", problem())
    plan_path = write(tmp_path / "plan.json.gz", plan(problem(), {"bakers": ("ann", MONDAYS)}))
    assert main(["check", str(problem_path), str(plan_path)]) == 0


def test_check_notes_a_plan_made_from_another_file(
    problem_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_path = write(tmp_path / "plan.json", plan(problem(), {}, problem_sha256="0" * 64))
    assert main(["check", str(problem_path), str(plan_path)]) == 0
    assert "another problem file" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"hello", b"[]", b'{"format": "plan/2"}', b"\x1f\x8b"])
def test_check_refuses_what_is_no_plan(
    content: bytes, problem_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_path = tmp_path / "plan.json"
    plan_path.write_bytes(content)
    assert f"{plan_path}: " in complaint(capsys, "check", problem_path, plan_path)


def test_check_needs_no_solver(problem_path: Path, tmp_path: Path) -> None:
    plan_path = write(tmp_path / "plan.json", plan(problem(), {}))
    program = (
        "import sys; from matcher.cli import main; status = main(sys.argv[1:]);"
        "heavy = {'ortools', 'numba', 'numpy', 'flask', 'sqlalchemy'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else status)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, "check", problem_path, plan_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


# Bad input ------------------------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nothing.json"
    line = complaint(capsys, "check", path, path)
    assert line == f"matcher check: {path}: there is no such file; check its name\n"


def test_a_folder_is_no_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = complaint(capsys, "solve", tmp_path, "--out", tmp_path / "plan.json")
    assert line == f"matcher solve: {tmp_path}: it is a folder; name a file in it\n"


def test_a_wrong_problem_is_refused_with_its_place_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = problem(bakers={"candidates": [{"expert": "eve", "cost": 1}]})
    path = write(tmp_path / "problem.json", wrong)
    line = complaint(capsys, "solve", path, "--out", tmp_path / "plan.json")
    assert line == (
        f"matcher solve: {path}: engagements[0] (bakers).candidates[0].expert: "
        "there is no expert 'eve'; name one of experts[], or add the expert there\n"
    )


def test_a_file_of_three_gigabytes_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "problem.json"
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)
    assert "more than 256 MiB" in complaint(capsys, "check", path, path)


def test_a_file_that_nobody_may_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "loop.json"
    path.symlink_to(path)
    assert f"{path}: Too many levels" in complaint(capsys, "check", path, path)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--time-limit", "-1", "seconds above 0"),
        ("--time-limit", "0", "seconds above 0"),
        ("--time-limit", "nan", "seconds above 0"),
        ("--time-limit", "soon", "seconds above 0"),
        ("--workers", "0", "1<=x"),
        ("--seed", "-1", "0<=x"),
        ("--work-limit", "0", "x>=1"),
        ("--executor", "somewhere", "give local, processes, or"),
        ("--executor", "ftp://scheduler:8786", "give local, processes, or"),
        ("--executor", "tcp://127.0.0.1:1", "no Dask scheduler answers"),
    ],
)
def test_an_option_out_of_range_is_refused(
    option: str,
    value: str,
    says: str,
    problem_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "plan.json"
    assert says in complaint(capsys, "solve", problem_path, "--out", out, option, value)
    assert not out.exists()


def test_a_plan_that_cannot_be_written_is_refused_before_solving(
    problem_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere" / "plan.json"
    assert "make it first" in complaint(capsys, "solve", problem_path, "--out", nowhere)
    assert "it is a folder" in complaint(capsys, "solve", problem_path, "--out", tmp_path)
    assert "the problem itself" in complaint(capsys, "solve", problem_path, "--out", problem_path)
    assert "denied" in complaint(capsys, "solve", problem_path, "--out", Path("/dev/null"))
    too_long = tmp_path / ("plan" * 100)
    assert "too long" in complaint(capsys, "solve", problem_path, "--out", too_long)


def test_a_curve_takes_no_other_files_place(
    problem_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan.json"
    solve = ("solve", problem_path, "--out", out, "--curve")
    assert "name one more" in complaint(capsys, *solve, problem_path)
    assert "name one more" in complaint(capsys, *solve, out)
    assert "no such file" in complaint(capsys, *solve, tmp_path / "nowhere" / "curve.csv")


# solve ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plan.json", "plan.json.gz"])
def test_solve_writes_a_plan_that_check_passes(
    name: str, problem_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    assert main(["solve", str(problem_path), "--out", str(out), "--time-limit", "5"]) == 0
    output = capsys.readouterr()
    assert "served" in output.out
    assert "proving a bound" in output.err
    assert main(["check", str(problem_path), str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["optimality_gap"] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((name, "problem.json"))


def test_solve_keeps_cost_and_bound_over_time(problem_path: Path, tmp_path: Path) -> None:
    out, curve = tmp_path / "plan.json", tmp_path / "curve.csv"
    assert main(["solve", str(problem_path), "--out", str(out), "--curve", str(curve)]) == 0
    with curve.open(newline="") as file:
        reports = list(csv.DictReader(file))
    costs = [int(report["cost"]) for report in reports]
    assert costs == sorted(costs, reverse=True)
    assert reports[0]["stage"] == "pairs"
    assert reports[-1]["stage"] == "done"
    assert costs[-1] == int(reports[-1]["bound"]) == json.loads(out.read_text())["cost"]["total"]


def test_solve_repeats_itself_with_one_worker_and_a_work_limit(tmp_path: Path) -> None:
    problem_path = write(tmp_path / "problem.json", random_problem(3))
    plans = []
    for name in ("one.json", "two.json"):
        arguments = ["--out", str(tmp_path / name), "--workers", "1", "--work-limit", "20"]
        assert main(["solve", str(problem_path), *arguments]) == 0
        plans.append(json.loads((tmp_path / name).read_text())["assignments"])
    assert plans[0] == plans[1]


def test_solve_names_the_pinned_sessions_that_conflict_and_writes_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = problem(
        bakers={"pinned": [pin(1, "ann", "2025-07-14T10:00")]},
        tailors={"pinned": [pin(1, "ann", "2025-07-14T10:30")]},
    )
    path, out = write(tmp_path / "problem.json", record), tmp_path / "plan.json"
    line = complaint(capsys, "solve", path, "--out", out)
    assert "bakers" in line
    assert "tailors" in line
    assert json.loads(out.read_text())["status"] == "infeasible_pins"


def test_solve_interrupted_writes_the_best_plan_it_has(shared: Path, tmp_path: Path) -> None:
    problem_path, out = shared / "instances" / "metro-500-tight.json.gz", tmp_path / "plan.json"
    matcher = Path(sys.executable).with_name("matcher")
    run = subprocess.Popen(
        [matcher, "solve", problem_path, "--out", out, "--time-limit", "300"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert run.stderr
    for line in run.stderr:
        if "improving" in line:
            os.kill(run.pid, signal.SIGINT)
            break
    _, rest = run.communicate(timeout=60)
    assert "stopping" in rest
    assert run.returncode == 0
    assert main(["check", str(problem_path), str(out)]) == 0
