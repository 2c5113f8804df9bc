"""`matcher forecast` and `matcher rehearse` as a person types them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.clock import to_tokyo, utc_now
from matcher.database import create_database_engine, session_factory
from matcher.models import Expert
from matcher.settings import Settings
from tests.matcher import rows

TODAY = dt.date(2025, 9, 10)
"""A Wednesday, three weeks before the one session that is published."""


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in which E1, who agreed to ten sessions, has one to come."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    shift = (TODAY - to_tokyo(utc_now()).date()).days
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(shift))
    assert main(["migrate"]) == 0
    engine = create_database_engine(Settings.from_environment().database_url)
    with session_factory(engine).begin() as db:
        rows.add_engagements(db, "A1")
        db.get_one(Expert, "E1").max_total = 10
        db.add(rows.session("S1"))
    engine.dispose()


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_a_forecast_tells_the_room_of_each_week_and_the_last_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = told(capsys, "forecast")
    first_week = next(line for line in text.splitlines() if "2025-09-10" in line)
    assert [cell.strip() for cell in first_week.split("│")[3:6]] == ["1", "2", "3"]
    assert "no typical engagement of 5 sessions" in text
    assert "With 5 more in all of E1, 1 more of five fit." in text


def test_a_forecast_is_of_another_place_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert "sessions of 60 minutes, 13101," in told(capsys, "forecast")
    assert "sessions of 60 minutes, online," in told(capsys, "forecast", "--place", "online")
    beyond = told(capsys, "forecast", "--place", "13421")
    assert "sessions of 60 minutes, 13421," in beyond
    assert "0 experts" in beyond  # nobody can travel to the islands
    assert main(["forecast", "--place", "elsewhere"]) != 0
    assert "elsewhere" in capsys.readouterr().err


def test_a_forecast_is_told_in_japanese(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "forecast", "--lang", "ja")
    assert "最後まで実施できなくなります" in text
    assert "accepted" not in text


def test_a_rehearsal_names_what_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    row = next(line for line in told(capsys, "rehearse").splitlines() if "E1" in line)
    assert [cell.strip() for cell in row.split("│")[1:6]] == [
        "E1 Taro Kaku",
        "1",
        "A1",
        "–",
        "1",
    ]


def test_a_programme_that_is_not_there_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["forecast", "--programme", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
