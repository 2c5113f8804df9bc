from __future__ import annotations

from pathlib import Path

import pytest

from matcher.access import authenticate
from matcher.cli import main
from matcher.database import create_database_engine, session_factory
from matcher.models import Role
from matcher.settings import Settings
from tests.matcher import rows


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    return Settings.from_environment()


def test_a_key_is_made_in_a_new_database_and_is_all_that_goes_to_standard_output(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "--role", "staff", "--label", "受付"]) == 0
    (secret,) = capsys.readouterr().out.split()
    engine = create_database_engine(settings.database_url)
    with session_factory(engine)() as db:
        pepper = settings.key_pepper.get_secret_value().encode()
        assert authenticate(db, secret, settings.now(), pepper).role is Role.STAFF
    engine.dispose()


def test_keys_are_listed_without_secrets_and_revoked(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", "create", "--role", "planner", "--label", "計画", "--expires", "30"])
    _, key_id, random = capsys.readouterr().out.strip().split("_")
    assert main(["keys", "revoke", key_id]) == 0
    main(["keys", "list"])
    listed = capsys.readouterr().out
    assert key_id in listed
    assert "計画" in listed
    assert "revoked" in listed
    assert random not in listed


def test_a_list_of_keys_names_each_subject_whole(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main(["migrate"])
    engine = create_database_engine(settings.database_url)
    with session_factory(engine).begin() as db:
        db.add(rows.organization("organization-34"))
    engine.dispose()
    owner = ["--role", "organization", "--subject", "organization-34"]
    main(["keys", "create", *owner, "--label", "a label that is longer than its place"])
    capsys.readouterr()
    main(["keys", "list"])
    assert "organization-34" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", "--role", "king"], "'king' is not one of"),
        (["create", "--role", "expert"], "needs one; give the id of the expert"),
        (["create", "--role", "expert", "--subject", "E0"], "There is no expert 'E0'"),
        (["create", "--role", "staff", "--expires", "0"], "0 is not in the range"),
        (["revoke", "K0"], "There is no key 'K0'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    assert main(["keys", *arguments]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert len(said.splitlines()) == 1


def test_a_rotated_key_has_a_new_secret_which_is_all_that_goes_to_standard_output(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["keys", "create", "--role", "staff"])
    (before,) = capsys.readouterr().out.split()
    key_id = before.split("_")[1]
    assert main(["keys", "rotate", key_id]) == 0
    (after,) = capsys.readouterr().out.split()
    assert (after.split("_")[1], after == before) == (key_id, False)
