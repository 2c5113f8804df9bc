from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.clock import wall_time
from matcher.database import create_database_engine, migrate, session_factory
from matcher.models import HeldSession, Hold
from matcher.settings import Settings
from tests.matcher import rows

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Times that are on hold for an hour from now."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    settings = Settings.from_environment()
    migrate(settings.database_url)
    now = settings.now()
    engine = create_database_engine(settings.database_url)
    with session_factory(engine).begin() as db:
        rows.add_engagements(db, "A1")
        hold = Hold(
            programme_id="tokyo-2025",
            engagement_id="A1",
            expert_id="E1",
            sessions=(HeldSession(1, rows.MORNING, rows.MORNING + HOUR),),
            held_until=now + HOUR,
            created_at=now,
            created_by="受付",
        )
        db.add(hold)
    engine.dispose()
    return hold


def test_holds_are_listed_with_whose_they_are_and_until_when_and_released(
    held: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["holds", "list"])
    listed = capsys.readouterr().out
    until = f"{wall_time(held.held_until):%Y-%m-%d %H:%M}"
    for told in (held.id, "holding", "A1", "E1", until, "受付", "2025-10-01 10:00"):
        assert told in listed

    assert main(["holds", "release", held.id]) == 0
    capsys.readouterr()
    main(["holds", "list"])
    assert held.id not in capsys.readouterr().out
    main(["holds", "list", "--state", "released"])
    assert held.id in capsys.readouterr().out


def test_a_hold_that_has_ended_is_not_released_again(
    held: Hold, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["holds", "release", held.id])
    capsys.readouterr()

    assert main(["holds", "release", held.id]) == 2
    assert capsys.readouterr().err.startswith("matcher holds: This hold was released already.")
