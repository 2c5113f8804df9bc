"""`matcher explain` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matcher.cli import main
from solver import Parameters, solve
from tests.solver.builders import Record, encode, file, problem


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """A problem in which the bakers get one session of two, and the solver's plan for it."""
    return written(tmp_path, problem(bakers={"latest": "2025-07-18"}))


def written(folder: Path, record: Record) -> tuple[Path, Path]:
    problem_path, plan_path = folder / "problem.json", folder / "plan.json"
    problem_path.write_bytes(encode(record))
    solve(file(record), Parameters(None, work_limit=1)).write(plan_path)
    return problem_path, plan_path


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["explain", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_it_tells_outcome_conflict_candidates_and_remedies(
    paths: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    text = told(capsys, *paths, "bakers")
    assert "bakers: 1 of 2 sessions by ann" in text
    assert "cannot all hold" in text
    assert "possible without the period Mon 14 Jul to Fri 18 Jul" in text
    assert "End the period 3 days later" in text
    assert "the organization has to agree" in text


def test_it_tells_the_same_in_japanese(
    paths: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    text = told(capsys, *paths, "bakers", "--lang", "ja")
    assert "希望2回のうち1回" in text
    assert "期間の終わりを3日延ばす" in text


def test_programs_read_json(paths: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, *paths, "bakers", "--json"))
    assert (found["served"], found["wanted"]) == (1, 2)
    assert found["conflict"] == ["window", "min_gap"]
    remedy = next(each for each in found["remedies"] if each["change"] == "later_latest")
    assert (remedy["amount"], remedy["consent"]) == (3, "organization")
    assert [each[:10] for each in remedy["way"]["starts"]] == ["2025-07-14", "2025-07-21"]


def test_what_cannot_be_explained_is_refused_in_one_line(
    paths: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem_path, plan_path = paths
    assert main(["explain", str(problem_path), str(plan_path), "nobody"]) == 2
    assert "no engagement 'nobody'" in capsys.readouterr().err
    other = tmp_path / "other.json"
    other.write_bytes(encode(problem(ann={"open": []})))
    assert main(["explain", str(other), str(plan_path), "bakers"]) == 2
    error = capsys.readouterr().err
    assert "outside the expert's hours" in error
    assert error.count("\n") == 1
    plan_path.write_text("{}")
    assert main(["explain", str(problem_path), str(plan_path), "bakers"]) == 2
    assert "no plan/1" in capsys.readouterr().err
