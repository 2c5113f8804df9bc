"""`matcher forecast` and `matcher rehearse` as a person types them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, session_factory
from matcher.models import Engagement, Expert
from matcher.settings import Settings
from tests.clocks import days_to
from tests.matcher import rows

TODAY = dt.date(2025, 9, 10)
"""A Wednesday, three weeks before the one session that is published."""


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in which E1, who agreed to ten sessions, has one to come."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(days_to(TODAY)))
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
    assert (
        "With 5 more in all of E1 Taro Kaku, at least 1 more engagement of 5 sessions can be"
        in text
    )


def test_a_forecast_is_of_another_place_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert "sessions of 60 minutes, Chiyoda," in told(capsys, "forecast")
    assert "sessions of 60 minutes, online," in told(capsys, "forecast", "--place", "online")
    beyond = told(capsys, "forecast", "--place", "13421")
    assert "sessions of 60 minutes, Ogasawara," in beyond
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


def add_a_clash() -> None:
    """E2 goes from Chiyoda to Machida in no time; E1 is to serve A1."""
    engine = create_database_engine(Settings.from_environment().database_url)
    with session_factory(engine).begin() as db:
        db.add_all([rows.expert("E2"), rows.application("A2"), rows.application("A3")])
        db.flush()
        db.add_all([rows.engagement("A2"), rows.engagement("A3")])
        db.flush()
        db.get_one(Engagement, "A3").municipality_code = "13209"
        noon = rows.MORNING + dt.timedelta(hours=2)
        db.add_all(
            [
                rows.session("S2", engagement_id="A2", expert_id="E2"),
                rows.session("S3", noon, engagement_id="A3", expert_id="E2"),
            ]
        )
    engine.dispose()


@pytest.mark.parametrize(
    ("language", "word", "reason"),
    [
        ("en", "undetermined", "E1: Expert E2 cannot hold both session 1 of A2"),
        ("ja", "判定できません", "E1: 専門家E2は、A2の第1回"),
    ],
)
def test_a_rehearsal_tells_what_cannot_be_told_and_why(
    capsys: pytest.CaptureFixture[str], language: str, word: str, reason: str
) -> None:
    add_a_clash()
    text = told(capsys, "rehearse", "--lang", language)
    row = next(line for line in text.splitlines() if "E1" in line)
    assert [cell.strip() for cell in row.split("│")[2:5]] == ["1", word, "?"]
    assert reason in text


def test_a_forecast_tells_who_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    add_a_clash()
    text = told(capsys, "forecast")
    assert "2 experts (1 of them not counted)" in text
    assert "E2 Taro Kaku is not counted. Expert E2 cannot hold both session 1 of A2" in text
    assert "any more" not in text
    text = told(capsys, "forecast", "--lang", "ja")
    assert "専門家2名(うち1名は計算対象外)" in text
    assert "E2 架空 太郎は計算に含めていません。専門家E2は、A2の第1回" in text
    assert "実施できなくなります" not in text


def test_a_programme_that_is_not_there_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["forecast", "--programme", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
