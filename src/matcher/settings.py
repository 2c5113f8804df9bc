"""The settings of the service, read once, at start, from `MATCHER_…` in the environment."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PEPPER_FILE = "key-pepper"


class Settings(BaseSettings):
    """What differs from one installation to the next; the defaults need no server at all."""

    model_config = SettingsConfigDict(env_prefix="MATCHER_", frozen=True, extra="ignore")

    data_directory: Path = Path("var")
    """Where the service keeps its own files."""

    database_url: str = Field(
        default_factory=lambda known: f"sqlite:///{known['data_directory'] / 'matcher.sqlite'}"
    )
    """`sqlite:///FILE` or `postgresql+psycopg://…`."""

    queue_url: str | None = None
    """Where background jobs queue; by default in a file of their own in `data_directory`."""

    public_url: str = "http://127.0.0.1:8000"
    """How the world reaches the service; addresses of calendars begin with it."""

    key_pepper: Annotated[SecretStr, Field(min_length=16)] = Field(
        default_factory=lambda known: kept_pepper(known["data_directory"])
    )
    """What API keys are digested with; by default made once and kept in `data_directory`."""

    default_time_limit_seconds: Annotated[float, Field(gt=0)] = 30
    """How long a planning run may take that asks for nothing else."""


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
