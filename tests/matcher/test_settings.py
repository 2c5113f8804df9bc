from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matcher.errors import Misconfigured
from matcher.settings import PEPPER_FILE, Settings, kept_pepper


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read in an empty folder, with nothing set."""
    monkeypatch.chdir(tmp_path)


def test_nothing_needs_to_be_set() -> None:
    """The defaults are a service on one machine."""
    settings = Settings.from_environment()

    assert settings.database_url == "sqlite:///var/matcher.sqlite"
    assert settings.queue_url is None
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.default_time_limit_seconds == 30


def test_each_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, after MATCHER_."""
    monkeypatch.setenv("MATCHER_DATABASE_URL", "postgresql+psycopg://office@db/matcher")
    monkeypatch.setenv("MATCHER_KEY_PEPPER", "sixteen letters, at least")
    monkeypatch.setenv("MATCHER_DEFAULT_TIME_LIMIT_SECONDS", "12.5")

    settings = Settings.from_environment()

    assert settings.database_url == "postgresql+psycopg://office@db/matcher"
    assert settings.key_pepper.get_secret_value() == "sixteen letters, at least"
    assert settings.default_time_limit_seconds == 12.5


def test_the_database_lies_in_the_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One setting moves everything the service keeps."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path / "kept"))

    assert Settings.from_environment().database_url == f"sqlite:///{tmp_path}/kept/matcher.sqlite"


def test_the_pepper_is_made_once_and_kept_for_its_owner_only() -> None:
    """Keys stay valid over a restart."""
    first, second = Settings.from_environment(), Settings.from_environment()
    file = Path("var") / PEPPER_FILE

    assert first.key_pepper == second.key_pepper
    assert len(first.key_pepper.get_secret_value()) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == [PEPPER_FILE]


def test_two_processes_that_start_at_once_keep_one_pepper(tmp_path: Path) -> None:
    """The second takes what the first made."""
    with ThreadPoolExecutor(8) as threads:
        peppers = set(threads.map(kept_pepper, [tmp_path] * 8))

    assert len(peppers) == 1


def test_a_secret_is_not_shown() -> None:
    """Settings end up in logs."""
    settings = Settings.from_environment()

    assert settings.key_pepper.get_secret_value() not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("MATCHER_RATE_LIMIT", "often", "such as 600/minute"),
        ("MATCHER_RATE_LIMIT", "0/minute", "such as 600/minute"),
        ("MATCHER_PUBLIC_URL", "dispatch.example.jp", "such as https://dispatch.example.jp"),
        ("MATCHER_SMTP_URL", "mail.example.jp:25", "smtp://HOST:PORT or smtps://USER"),
        ("MATCHER_MAIL_SENDER", "派遣事務局", "such as 派遣事務局 <office@dispatch.example.jp>"),
    ],
)
def test_a_setting_in_another_form_is_refused_with_an_example(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(Misconfigured, match=f"^{variable}: give .*{remedy}"):
        Settings.from_environment()


def test_answers_are_read_where_somebody_is_invited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_IMAP_URL", "imaps://office:hush@mail.example.jp")

    with pytest.raises(Misconfigured, match=r"^MATCHER_IMAP_URL: .*MATCHER_SMTP_URL") as refused:
        Settings.from_environment()

    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example.jp",
        "smtp://",
        "smtp://mail.example.jp:mail",
        "smtp://mail.example.jp/inbox",
        "smtp://office@mail.example.jp",
        "smtp://office:hush/hush@mail.example.jp",
    ],
)
def test_the_address_of_no_mail_server_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MATCHER_SMTP_URL", url)
    monkeypatch.setenv("MATCHER_MAIL_SENDER", "office@dispatch.example.jp")

    with pytest.raises(Misconfigured, match=r"^MATCHER_SMTP_URL: give smtp://") as refused:
        Settings.from_environment()

    assert "hush" not in str(refused.value)


def test_a_mail_server_needs_to_know_who_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_SMTP_URL", "smtps://office:hush@mail.example.jp")

    with pytest.raises(Misconfigured, match=r"^MATCHER_MAIL_SENDER: give the address"):
        Settings.from_environment()

    monkeypatch.setenv("MATCHER_MAIL_SENDER", "派遣事務局 <office@dispatch.example.jp>")
    assert "hush" not in repr(Settings.from_environment())


def test_no_run_gets_a_longer_time_limit_by_default_than_it_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATCHER_DEFAULT_TIME_LIMIT_SECONDS", "7200")

    with pytest.raises(Misconfigured, match="less than or equal to 3600"):
        Settings.from_environment()


def test_the_address_of_the_service_ends_without_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHER_PUBLIC_URL", "https://example.jp/dispatch/")

    assert Settings.from_environment().public_url == "https://example.jp/dispatch"


def test_a_setting_that_cannot_be_used_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The value may be a secret."""
    monkeypatch.setenv("MATCHER_KEY_PEPPER", "short")

    with pytest.raises(Misconfigured, match=r"^MATCHER_KEY_PEPPER: .*16") as refused:
        Settings.from_environment()

    assert "short" not in refused.value.message_en.replace("too short", "")
