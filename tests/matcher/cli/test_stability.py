"""`matcher stability` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher.cli import main
from solver import judge
from tests.solver.builders import encode, problem


def test_it_writes_a_plan_for_each_number_of_broken_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    published = {"expert": "ann", "starts": ["2025-07-14T10:00", "2025-07-21T10:00"]}
    away = {"busy": [["2025-07-21T00:00", "2025-07-22T00:00"]]}
    content = encode(problem(ann=away, bakers={"current": published}))
    path, out = tmp_path / "problem.json", tmp_path / "plans"
    path.write_bytes(content)
    assert main(["stability", str(path), "--out-dir", str(out)]) == 0
    assert "new expert" in capsys.readouterr().out
    assert [each.name for each in out.iterdir()] == ["broken-1.json"]
    assert judge(content, (out / "broken-1.json").read_bytes()).holds
