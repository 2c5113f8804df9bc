"""The settings of the service, read once, at start, from `MATCHER_…` in the environment."""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from matcher.clock import utc_now
from matcher.errors import Misconfigured
from matcher.fields import TimeLimit
from matcher.invitations.mailbox import Mailbox
from matcher.notices.smtp import MailServer, mailbox

PREFIX = "MATCHER_"
PEPPER_FILE = "key-pepper"


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError("give an address such as https://dispatch.example.jp")
    return text.rstrip("/")


def _rate(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]*/(second|minute|hour|day)", text):
        raise ValueError("give a number a second, minute, hour or day, such as 600/minute")
    return text


def _mail_server(url: SecretStr) -> SecretStr:
    MailServer.parse(url.get_secret_value())
    return url


def _mailbox(url: SecretStr, known: ValidationInfo) -> SecretStr:
    Mailbox.parse(url.get_secret_value())
    if known.data.get("smtp_url") is None:
        raise ValueError(f"nobody is invited, and answers, before {PREFIX}SMTP_URL is set as well")
    return url


def _mail_sender(text: str | None, known: ValidationInfo) -> str | None:
    if text is not None:
        mailbox(text)
    elif known.data.get("smtp_url") is not None:
        raise ValueError(
            "give the address that notices come from, such as office@dispatch.example.jp"
        )
    return text


class Settings(BaseSettings):
    """What differs from one installation to the next; the defaults need no server at all."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data_directory: Path = Path("var")
    """Where the service keeps its own files."""

    database_url: str = Field(
        default_factory=lambda known: f"sqlite:///{known['data_directory'] / 'matcher.sqlite'}"
    )
    """`sqlite:///FILE` or `postgresql+psycopg://…`."""

    queue_url: str | None = None
    """Where background jobs queue; by default in a file of their own in `data_directory`."""

    public_url: Annotated[str, AfterValidator(_web_address)] = "http://127.0.0.1:8000"
    """How the world reaches the service; addresses of calendars begin with it."""

    key_pepper: Annotated[SecretStr, Field(min_length=16)] = Field(
        default_factory=lambda known: kept_pepper(known["data_directory"])
    )
    """What API keys are digested with; by default made once and kept in `data_directory`."""

    default_time_limit_seconds: TimeLimit = 30
    """How long a planning run may take that asks for nothing else."""

    rate_limit: Annotated[str, AfterValidator(_rate)] = "600/minute"
    """How often one API key, or one address without a key, may ask; each HTTP worker counts."""

    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None
    """The server that mails released notices: `smtps://USER:PASSWORD@HOST:PORT` or `smtp://…`;
    with none they are downloaded and handed over by a person."""

    mail_sender: Annotated[str | None, AfterValidator(_mail_sender)] = Field(
        default=None, validate_default=True
    )
    """Who notices come from: `派遣事務局 <office@dispatch.example.jp>`."""

    imap_url: Annotated[SecretStr, AfterValidator(_mailbox)] | None = None
    """Where answers to invitations arrive: `imaps://USER:PASSWORD@HOST:PORT/FOLDER`, by default the
    folder INBOX; with none they are not read."""

    trusted_calendar_hosts: str = ""
    """Hosts of our own from which busy calendars may be fetched although they are in a private
    network: `calendar.example.jp:8443`, several separated by commas."""

    clock_shift_days: int = 0
    """How many days the service's clocks are set forward, or back: a programme of the past can be
    played as if it were today."""

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """Each of `trusted_calendar_hosts`."""
        return tuple(filter(None, map(str.strip, self.trusted_calendar_hosts.split(","))))

    def now(self) -> dt.datetime:
        """The moment it is by the service's clocks, in UTC."""
        return utc_now() + dt.timedelta(days=self.clock_shift_days)

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings.

        Raises:
            Misconfigured: one of them cannot be used; the message names it and not its value.
        """
        try:
            return cls()
        except ValidationError as error:
            raise _explain(error.errors()[0]) from None


def _explain(details: ErrorDetails) -> Misconfigured:
    variable = PREFIX + str(details["loc"][0]).upper()
    reason = details["msg"].removeprefix("Value error, ")
    return Misconfigured(
        f"{variable}: {reason}; correct it or leave it unset.",
        f"{variable} の値が正しくありません。修正するか、設定を外してください。",
        setting=variable,
    )


def kept_pepper(directory: Path) -> SecretStr:
    """The pepper kept in a directory; made there, for its owner's eyes only, the first time."""
    path = directory / PEPPER_FILE
    if not path.exists():
        _keep(path, secrets.token_urlsafe(32))
    return SecretStr(path.read_text().strip())


def _keep(path: Path, secret: str) -> None:
    """Put a secret in a file, whole or not at all; one that is there already stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secret)
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its pepper counts
    finally:
        Path(draft).unlink()
