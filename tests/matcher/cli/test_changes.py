"""`matcher changes` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, session_factory
from matcher.settings import Settings
from tests.matcher.planning.published import (
    EVENTFUL,
    LATER,
    eventful_plan,
    publish_first,
    publish_plan,
)


@pytest.fixture
def plan_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plan that changes what release 1 published."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    assert main(["migrate"]) == 0
    engine = create_database_engine(Settings.from_environment().database_url)
    with session_factory(engine)() as db:
        publish_first(db)
        id = eventful_plan(db).id
    engine.dispose()
    return id


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main(["changes", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main(["changes", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_it_shows_what_a_plan_would_change(
    plan_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, plan_id)
    assert f"Changes of plan {plan_id} against what is published" in text
    assert "because Ichiro (E1) is away 21–23 Oct" in text
    assert "不在のためです" in told(capsys, plan_id, "--lang", "ja")


def test_it_writes_everything_for_programs(
    plan_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(told(capsys, plan_id, "--json"))
    assert found["plan_id"] == plan_id
    assert [each["engagement_id"] for each in found["engagements"]] == ["A1", "A2", "A3"]


def test_it_draws_a_picture(
    plan_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "changes.svg"
    told(capsys, plan_id, "--picture", picture)
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


def test_it_compares_releases(plan_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = create_database_engine(Settings.from_environment().database_url)
    with session_factory(engine)() as db:
        publish_plan(db, EVENTFUL, LATER)
    engine.dispose()
    assert "Changes of release 2 against release 1" in told(capsys, "--release", 2)
    backwards = told(capsys, "--release", 1, "--against", 2, "--programme", "tokyo-2025")
    assert "Changes of release 1 against release 2" in backwards


def test_what_it_cannot_compare_it_says_in_one_line(
    plan_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no plan 'P404'" in refused(capsys, "P404")
    assert "There is no release '7'" in refused(capsys, "--release", 7)
    assert "name a plan, or a release" in refused(capsys)
    assert "name a plan, or a release" in refused(capsys, plan_id, "--release", 1)
    assert "go with --release" in refused(capsys, plan_id, "--against", 1)
    nowhere = tmp_path / "nowhere" / "changes.svg"
    assert "No such file or directory" in refused(capsys, plan_id, "--picture", nowhere)
