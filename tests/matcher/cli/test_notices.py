from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.database import create_database_engine, migrate, session_factory
from matcher.models import Notice, NoticeState, Programme, load_programme
from matcher.notices.composition import draft_notice
from matcher.settings import Settings
from tests.matcher.notices import records
from tests.post_office import SENDER, PostOffice, post_office


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    for name in ("DATABASE_URL", "SMTP_URL", "MAIL_SENDER"):
        monkeypatch.delenv(f"MATCHER_{name}", raising=False)
    return Settings.from_environment()


@pytest.fixture
def notice_id(settings: Settings) -> str:
    """A draft in the database that the commands use."""
    migrate(settings.database_url)
    engine = create_database_engine(settings.database_url)
    with session_factory(engine).begin() as db:
        load_programme(db, "tokyo-2025")
        application = records.accepted(db.get_one(Programme, "tokyo-2025"))
        notice = draft_notice(application, "笠原 文子", records.DECIDED_AT)
        db.add_all((application, notice))
        db.flush()
        notice_id = notice.id
    engine.dispose()
    return notice_id


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[PostOffice]:
    """A mail server that the settings name."""
    with post_office() as office:
        monkeypatch.setenv("MATCHER_SMTP_URL", office.url)
        monkeypatch.setenv("MATCHER_MAIL_SENDER", SENDER)
        yield office


def state_of(settings: Settings, notice_id: str) -> NoticeState:
    engine = create_database_engine(settings.database_url)
    with session_factory(engine)() as db:
        state = db.get_one(Notice, notice_id).state
    engine.dispose()
    return state


def test_notices_are_listed_with_their_state(
    notice_id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["notices", "list"]) == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if notice_id in each]
    assert line.split()[1:5] == ["draft", "accepted", "A1", "2025-07-04"]
    main(["notices", "list", "--state", "sent"])
    assert notice_id not in capsys.readouterr().out


def test_a_notice_is_shown_in_either_language_and_as_a_page(
    notice_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    beginnings = {
        (): "専門家派遣の実施決定について(通知)",
        ("--lang", "en"): "Dear Imaginary Inns of Tokyo Cooperative,",
        ("--html",): '<html lang="ja">',
    }
    for options, beginning in beginnings.items():
        assert main(["notices", "show", notice_id, *options]) == 0
        assert beginning in capsys.readouterr().out


def test_without_a_mail_server_a_released_notice_is_handed_over(
    settings: Settings, notice_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notices", "release", notice_id, "--by", "早川 美和"]) == 0
    assert "yours to hand over" in capsys.readouterr().err
    assert state_of(settings, notice_id) == NoticeState.RELEASED
    assert main(["notices", "send"]) == 2
    assert "MATCHER_SMTP_URL: give" in capsys.readouterr().err


def test_a_released_notice_is_mailed_by_hand_where_no_worker_runs(
    settings: Settings, notice_id: str, office: PostOffice
) -> None:
    assert main(["notices", "release", notice_id]) == 0
    assert office.received == []
    assert main(["notices", "send"]) == 0
    assert len(office.received) == 1
    assert state_of(settings, notice_id) == NoticeState.SENT


@pytest.mark.parametrize("command", ["show", "release"])
def test_a_notice_that_is_not_there_is_told_in_one_line(
    settings: Settings, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main(["notices", command, "N0"]) == 2
    assert capsys.readouterr().err == "matcher notices: There is no notice 'N0'.\n"
