"""`matcher interviews` as a person types it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, session_factory
from matcher.models import ApplicationState, Interview, load_programme
from matcher.settings import Settings
from tests.clocks import days_to
from tests.matcher import rows

TODAY = dt.date(2025, 9, 10)
"""A Wednesday."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a migrated database that knows the programme; the day is `TODAY`."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(days_to(TODAY)))
    assert main(["migrate"]) == 0
    return Settings.from_environment()


@pytest.fixture
def waiting(settings: Settings) -> None:
    """Two organizations wait for a call: one is due today, one is overdue."""
    engine = create_database_engine(settings.database_url)
    with session_factory(engine).begin() as db:
        load_programme(db, "tokyo-2025")
        for number, due in ((1, TODAY), (2, TODAY - dt.timedelta(days=2))):
            organization = rows.organization(f"O{number}")
            organization.contact_phone = f"03-0000-000{number}"
            db.add(organization)
            db.flush()
            application = rows.application(f"A{number}", f"O{number}")
            application.state = ApplicationState.SUBMITTED
            application.interview = Interview(due_on=due)
            db.add(application)
    engine.dispose()


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["interviews", *arguments]) == 0
    return capsys.readouterr().out


def test_it_lists_whom_to_call_overdue_first(
    waiting: None, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys)
    assert text.index("03-0000-0002") < text.index("03-0000-0001")
    assert "overdue by 2 business days" in text
    assert "due today" in text
    assert "Imaginary Inns of Tokyo Cooperative" in text
    assert "labor" in text
    assert "2 to be held, 1 of them overdue; 0 held in the last 10 business days." in text
    assert "At this pace 2 will be overdue at the end of 2025-09-10." in text


def test_it_tells_the_same_in_japanese(waiting: None, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "--lang", "ja", "--programme", "tokyo-2025")
    assert "2営業日超過" in text
    assert "本日期限" in text
    assert "東京架空旅館協同組合" in text
    assert "受付済み" in text
    assert "東京都内で活動していること。" in text
    assert "事前ヒアリング待ち2件、うち期限超過1件。直近10営業日の実施は0件です。" in text


def test_where_nobody_waits_it_says_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys).startswith("0 to be held")


def test_an_unknown_programme_is_refused_in_one_line(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["interviews", "--programme", "tokyo-1999"]) == 2
    said = capsys.readouterr().err
    assert "There is no programme 'tokyo-1999'" in said
    assert len(said.splitlines()) == 1
