"""`matcher why` as a person types it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, session_factory
from matcher.models import Expert
from matcher.planning.publishing.releases import publish
from matcher.settings import Settings
from tests.clocks import days_to
from tests.matcher import rows
from tests.matcher.planning.plans import ready_plan

TODAY = dt.date(2025, 9, 10)
"""A Wednesday."""
NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only expert holds the sessions of A1 and takes no more; A2 waits."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(days_to(TODAY)))
    assert main(["migrate"]) == 0
    engine = create_database_engine(Settings.from_environment().database_url)
    with session_factory(engine)() as db:
        rows.add_engagements(db, "A1", "A2")
        plan = ready_plan(db, {"A1": ("E1", ("2025-09-17T10:00", "2025-10-08T10:00"))}, NOW)
        publish(db, plan.id, "", "planner", NOW)
        db.get_one(Expert, "E1").max_total = 2
        db.commit()
    engine.dispose()


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["why", *arguments]) == 0
    return capsys.readouterr().out


def test_a_planner_is_told_what_is_in_the_way_and_what_would_help(
    full: None, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, "A2")
    assert "it is proven that no plan gives it" in text
    assert "in the way: A1 session" in text
    assert "Raise the sessions of E1 in all by 1; the expert has to agree" in text


def test_the_organization_is_told_in_its_language_and_of_nobody_else(
    full: None, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, "A2", "--voice", "organization", "--lang", "ja")
    assert text.startswith("貴団体への派遣は、ご希望の2回の日程がまだ確定しておりません。")
    assert "A1" not in text
    assert "E1" not in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "matcher why: There is no engagement 'A9'.\n"),
        (["--lang", "ja"], "matcher why: 派遣案件「A9」は見つかりません。\n"),
    ],
)
def test_an_unknown_engagement_is_said_in_one_line_of_the_language_asked_for(
    full: None, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["why", "A9", *options]) == 2
    assert capsys.readouterr().err == said
