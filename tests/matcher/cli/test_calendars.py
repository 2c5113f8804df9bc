from __future__ import annotations

from pathlib import Path

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, migrate, session_factory
from matcher.settings import Settings
from tests.matcher import rows


@pytest.fixture
def on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One session of E1."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path / "var"))
    for name in ("DATABASE_URL", "MAIL_SENDER", "SMTP_URL"):
        monkeypatch.delenv(f"MATCHER_{name}", raising=False)
    url = Settings.from_environment().database_url
    migrate(url)
    engine = create_database_engine(url)
    with session_factory(engine).begin() as db:
        rows.add_engagements(db, "A1")
        db.add(rows.session("S1"))
    engine.dispose()


@pytest.mark.usefixtures("on_record")
@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--expert", "E1"), ["expert-E1.ics"]),
        (("--organization", "O1"), ["organization-O1.ics"]),
        (("--engagement", "A1"), ["engagement-A1.ics"]),
        (("--programme", "tokyo-2025"), ["office.ics", "expert-E1.ics", "organization-O1.ics"]),
    ],
)
def test_each_is_written_to_files_that_are_told(
    options: tuple[str, ...],
    names: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "out"
    assert main(["calendars", "export", *options, "--out", str(folder), "--lang", "ja"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(folder / each) for each in names]
    assert all((folder / each).read_bytes().startswith(b"BEGIN:VCALENDAR") for each in names)


@pytest.mark.usefixtures("on_record")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "given: none"),
        (("--expert", "E1", "--engagement", "A1"), "given: --expert and --engagement"),
        (("--expert", "E9"), "There is no expert 'E9'"),
        (("--release", "7"), "There is no release '7'"),
    ],
)
def test_what_cannot_be_exported_is_told_and_nothing_written(
    options: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    assert main(["calendars", "export", *options, "--out", str(folder)]) == 2
    assert told in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.usefixtures("on_record")
def test_a_file_that_is_there_is_replaced_only_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.ics"
    command = ["calendars", "export", "--engagement", "A1", "--out", str(file)]
    file.write_text("kept")
    assert main(command) == 2
    assert f"{file} is there already; nothing was written. Give --force" in capsys.readouterr().err
    assert file.read_text() == "kept"
    assert main([*command, "--force"]) == 0
    assert file.read_bytes().startswith(b"BEGIN:VCALENDAR")
