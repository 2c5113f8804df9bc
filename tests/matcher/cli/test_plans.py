"""Runs from the command line."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, migrate, session_factory
from matcher.programme import read_rules
from matcher.settings import Settings
from tests.clocks import days_to
from tests.matcher import rows

BEFORE_THE_FIRST_SESSION = dt.date(2025, 9, 10)


@pytest.fixture(autouse=True)
def programme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One engagement, and an expert who may serve it."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(days_to(BEFORE_THE_FIRST_SESSION)))
    settings = Settings.from_environment()
    migrate(settings.database_url)
    engine = create_database_engine(settings.database_url)
    with session_factory(engine).begin() as db:
        rows.add_engagements(db, "A1")
    engine.dispose()


def start(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["plans", "start", "--work-limit", "100", *options]) == 0
    return capsys.readouterr().out.strip()


def shown(capsys: pytest.CaptureFixture[str], plan_id: str) -> dict[str, Any]:
    assert main(["plans", "show", plan_id, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_run_is_started_carried_out_listed_and_put_aside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan_id = start(capsys, "--here", "--only", "A1", "--by", "計画係", "--weight", "move=7")
    found = shown(capsys, plan_id)
    assert (found["state"], found["served"], found["created_by"]) == ("ready", 1, "計画係")
    assert found["bound"] <= found["cost"]
    assert found["terms"]["only"] == ["A1"]
    as_the_programme_has_it = read_rules("tokyo-2025").weights.model_dump()
    assert found["terms"]["weights"] == as_the_programme_has_it | {"move": 7}

    assert main(["plans", "list"]) == 0
    listed = capsys.readouterr().out
    for told in (plan_id, "ready", "計画係", f"{found['cost']:,}", f"{found['bound']:,}", "A1"):
        assert told in listed
    assert main(["plans", "show", plan_id]) == 0
    assert "terms.frozen_days" in capsys.readouterr().out

    assert main(["plans", "discard", plan_id]) == 0
    assert shown(capsys, plan_id)["state"] == "discarded"
    capsys.readouterr()
    assert main(["plans", "list", "--state", "ready"]) == 0
    assert plan_id not in capsys.readouterr().out


def test_a_run_that_waits_is_cancelled_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = start(capsys), start(capsys, "--promises", "weigh", "--until", "2025-12-26")
    found = shown(capsys, second)
    assert (found["state"], found["waits_for"]) == ("queued", first)
    assert (found["terms"]["promises"], found["terms"]["until"]) == ("weigh", "2025-12-26")

    assert main(["plans", "cancel", second]) == 0
    assert "is cancelled" in capsys.readouterr().err
    assert shown(capsys, second)["state"] == "cancelled"


def test_what_does_not_come_to_a_plan_here_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    first = start(capsys)
    assert main(["plans", "start", "--here"]) == 1
    assert f"run {first} goes before it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--only", "A9"], "only.0: there is no engagement A9 in this programme"),
        (["--until", "2025-09-10"], "until: no session can be placed before 2025-09-11"),
        (["--programme", "tokyo-1999"], "tokyo-1999"),
        (["--programme", "tokyo-1999", "--weight", "move=7"], "tokyo-1999"),
        (["--weight", "moves=7"], "moves=7: give PART=0 to PART=1000000, of unserved,"),
        (["--weight", "move=1000001"], "move=1000001: give"),
        (["--points", "5"], "--points: give it with --promises price"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], options: list[str], why: str
) -> None:
    assert main(["plans", "start", *options]) == 2
    complaint = capsys.readouterr().err
    assert why in complaint
    assert complaint.count("\n") == 1


def test_an_unknown_plan_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plans", "show", "P00000000"]) == 2
    assert "P00000000" in capsys.readouterr().err
