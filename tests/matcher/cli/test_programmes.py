from __future__ import annotations

import json
from pathlib import Path

import pytest

from matcher.cli import main


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)


def programmes(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["programmes", *words]) == 0
    return capsys.readouterr().out


def test_a_new_database_has_the_programmes_that_come_with_the_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = programmes(capsys, "list")
    assert listed.startswith("tokyo-2025  ")
    assert "applications 2025-06-30 to 2026-01-09" in listed


def test_next_years_programme_needs_a_file_and_no_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = json.loads(programmes(capsys, "show", "tokyo-2025"))
    rules["id"] = "tokyo-2026"
    rules["application_period"] |= {"first_day": "2026-06-29", "last_day": "2027-01-08"}
    rules["implementation_period"] |= {"first_day": "2026-07-15", "last_day": "2027-03-15"}
    path = tmp_path / "tokyo-2026.json"
    path.write_text(json.dumps(rules), encoding="utf-8")

    assert programmes(capsys, "add", str(path)) == "tokyo-2026 is on record.\n"

    assert "tokyo-2026  " in programmes(capsys, "list")
    sheet = tmp_path / "sheet.csv"
    assert main(["template", "applications", "--programme", "tokyo-2026", "--out", str(sheet)]) == 0
    assert sheet.exists()
    assert main(["programmes", "add", str(path)]) == 2
    assert "is on record" in capsys.readouterr().err


def test_a_file_that_is_no_programme_is_refused_by_the_place_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{"id": "tokyo-2026"}', encoding="utf-8")
    assert main(["programmes", "add", str(path)]) == 2
    said = capsys.readouterr().err
    assert "broken.json: fiscal_year: Field required; and " in said
    assert len(said.splitlines()) == 1


def test_a_programme_that_is_not_there_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["programmes", "show", "tokyo-1999"]) == 2
    assert "matcher programmes list" in capsys.readouterr().err


def test_a_year_in_which_nobody_could_be_accepted_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = json.loads(programmes(capsys, "show", "tokyo-2025")) | {"id": "tokyo-2026"}
    path = tmp_path / "tokyo-2026.json"

    unknown = json.loads(json.dumps(rules))
    machine = next(each for each in unknown["requirements"] if each["kind"] == "machine")
    machine["id"] += "_2026"
    path.write_text(json.dumps(unknown), encoding="utf-8")
    assert main(["programmes", "add", str(path)]) == 2
    assert "no machine answers this requirement" in capsys.readouterr().err

    path.write_text(json.dumps(rules | {"phases": rules["phases"][:-1]}), encoding="utf-8")
    assert main(["programmes", "add", str(path)]) == 2
    assert "session 5 is in no phase" in capsys.readouterr().err
