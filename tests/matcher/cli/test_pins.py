from __future__ import annotations

from pathlib import Path

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, migrate, session_factory
from matcher.models import Pin
from matcher.settings import Settings
from tests.matcher import rows


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One engagement, and an expert who may serve it."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    settings = Settings.from_environment()
    migrate(settings.database_url)
    engine = create_database_engine(settings.database_url)
    with session_factory(engine).begin() as db:
        rows.add_engagements(db, "A1")
    engine.dispose()
    return settings


def the_pin(settings: Settings) -> Pin:
    engine = create_database_engine(settings.database_url)
    with session_factory(engine)() as db:
        (pin,) = db.query(Pin)
    engine.dispose()
    return pin


def test_a_pin_is_added_listed_and_lifted(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["--engagement", "A1", "--expert", "E1", "--reason", "団体の希望", "--by", "計画係"]
    assert main(["pins", "add", "expert", *wanted]) == 0
    pin = the_pin(settings)
    assert (pin.expert_id, pin.reason, pin.created_by) == ("E1", "団体の希望", "計画係")
    capsys.readouterr()
    main(["pins", "list", "--engagement", "A1"])
    listed = capsys.readouterr().out
    for told in (pin.id, "expert", "E1", "計画係", "団体の希望"):
        assert told in listed

    assert main(["pins", "lift", pin.id]) == 0
    assert the_pin(settings).lifted_by == "matcher pins"
    capsys.readouterr()
    main(["pins", "list"])
    assert pin.id not in capsys.readouterr().out
    main(["pins", "list", "--all"])
    assert pin.id in capsys.readouterr().out


def test_what_cannot_be_pinned_is_said_in_one_line(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["pins", "add", "schedule", "--engagement", "A1", "--reason", "約束済み"]
    assert main(wanted) == 2
    assert capsys.readouterr().err == (
        "matcher pins: There is no published session to come that could be pinned.\n"
    )


@pytest.mark.usefixtures("settings")
def test_a_reason_of_no_words_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pins", "add", "schedule", "--engagement", "A1", "--reason", " "]) == 2
    assert "--reason" in capsys.readouterr().err
