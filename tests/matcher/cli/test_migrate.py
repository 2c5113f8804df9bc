from __future__ import annotations

from pathlib import Path

import pytest

from matcher.cli import main
from tests.matcher.test_migrations import HEAD


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command is typed in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_makes_the_database_and_says_so(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the folder that the defaults name."""
    assert main(["migrate"]) == 0

    assert capsys.readouterr().out == (
        f"sqlite:///var/matcher.sqlite has been made, at schema {HEAD}.\n"
    )
    assert (own_folder / "var" / "matcher.sqlite").is_file()


def test_it_can_be_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing left to do."""
    main(["migrate"])
    capsys.readouterr()

    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == (
        f"sqlite:///var/matcher.sqlite is up to date, at schema {HEAD}.\n"
    )


def test_a_database_we_do_not_know_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, which names the setting and the remedy."""
    monkeypatch.setenv("MATCHER_DATABASE_URL", "mysql://office:secret@db/matcher")

    assert main(["migrate"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("matcher migrate: MATCHER_DATABASE_URL: give sqlite:///FILE")
    assert complaint.count("\n") == 1
    assert "secret" not in complaint
