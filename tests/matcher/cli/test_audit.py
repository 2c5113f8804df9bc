from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from matcher.cli import main
from matcher.database import create_database_engine, session_factory
from matcher.intake.programmes import ProgrammeChanges, revise_programme
from matcher.models import Programme
from matcher.settings import Settings

NOW = dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC)


@contextmanager
def opened(settings: Settings) -> Iterator[Session]:
    engine = create_database_engine(settings.database_url)
    with session_factory(engine)() as db:
        yield db
    engine.dispose()


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)


def make_key(capsys: pytest.CaptureFixture[str], label: str) -> tuple[str, str]:
    """A key's id and its secret."""
    assert main(["keys", "create", "--role", "staff", "--label", label]) == 0
    _, key_id, secret = capsys.readouterr().out.strip().split("_")
    return key_id, secret


def audit(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["audit", *options]) == 0
    return capsys.readouterr().out


def test_a_command_that_changes_something_is_on_record(capsys: pytest.CaptureFixture[str]) -> None:
    """The newest first, without secrets."""
    key_id, secret = make_key(capsys, "受付")
    assert main(["keys", "revoke", key_id]) == 0
    capsys.readouterr()

    lines = (" ".join(line.split()) for line in audit(capsys).splitlines())
    head, revoked, made, *_ = lines

    assert head.split() == ["at", "who", "operation", "record", "what"]
    assert f"command line matcher keys revoke api_key {key_id} revoked_at: – → 20" in revoked
    assert f"command line matcher keys create api_key {key_id} created; role: staff" in made
    assert "label: 受付; secret_digest: ***" in made
    assert secret not in audit(capsys, "--json")


def test_for_programs_all_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """As one JSON document, with Tokyo's times."""
    key_id, _ = make_key(capsys, "[bold] 長い" * 20)

    (entry,) = json.loads(audit(capsys, "--json", "--kind", "api_key"))

    assert entry["at"].endswith("+09:00")
    assert entry["after"]["label"] == "[bold] 長い" * 20
    assert (entry["kind"], entry["record_id"], entry["action"]) == ("api_key", key_id, "created")
    assert (entry["actor"], entry["operation"]) == ("command line", "matcher keys create")
    shown = audit(capsys)
    assert "[bold] 長い[bold] 長い" in shown
    assert "…" in shown


def test_only_what_is_asked_for_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """By kind, by record, by person, by request, and no more than so many."""
    first, _ = make_key(capsys, "one")
    second, _ = make_key(capsys, "two")

    def shown(*options: str) -> list[str]:
        return [each["record_id"] for each in json.loads(audit(capsys, "--json", *options))]

    assert shown() == [second, first, "tokyo-2025"]  # which the first command put on record
    assert shown("--limit", "1") == [second]
    assert shown("--record", first) == [first]
    assert shown("--actor", "command line", "--kind", "api_key") == [second, first]
    assert shown("--actor", "somebody") == []
    assert shown("--kind", "expert") == []
    assert shown("--request", "none") == []


def test_of_a_document_only_the_parts_that_changed_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And of its list of revisions the new one."""
    audit(capsys)
    with opened(Settings.from_environment()) as db:
        programme = db.get_one(Programme, "tokyo-2025")
        for day in (19, 12):
            given = {"application_period": {"last_day": f"2025-12-{day}"}, "reason": f"混雑{day}"}
            changes = ProgrammeChanges.model_validate(given, strict=False)
            revise_programme(db, programme, changes, "planner", NOW)
            db.commit()

    newest = audit(capsys, "--kind", "programme", "--limit", "1")

    assert '"last_day": "2025-12-19"' in newest
    assert '"last_day": "2025-12-12"' in newest
    assert "混雑12" in newest
    assert "混雑19" not in newest
    assert "rules.specialties" not in newest


def test_a_kind_that_is_none_is_refused_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["audit", "--kind", "key"]) == 2
    said = capsys.readouterr().err
    assert "'key' is not one of 'api_key', 'application'" in said
    assert len(said.splitlines()) == 1
