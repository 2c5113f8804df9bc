"""The service as its users meet it: `matcher serve` on a free port, and somebody who asks."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests
from sqlalchemy.orm import Session

from matcher.access import create_key
from matcher.database import create_database_engine, session_factory
from matcher.models import Role
from matcher.settings import Settings
from tests.clocks import days_to

START_LIMIT_SECONDS = 60
FIRST_DAY = dt.date(2025, 7, 14)
"""The day it is by the clocks of the service: in the application period of the programme."""

PEPPER = "a pepper for tests, of no secrecy"


@dataclass(frozen=True)
class Caller:
    """Somebody who asks the service, with a key or without."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        **headers: str,
    ) -> requests.Response:
        """Send one request; underscores in the names of headers stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method,
            self.url + path,
            json=body,
            data=content,
            headers={**self.headers, **named},
            timeout=60,
            allow_redirects=False,
        )

    def get(self, path: str, **headers: str) -> requests.Response:
        """Read."""
        return self.ask("GET", path, content=None, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> requests.Response:
        """Do."""
        return self.ask("POST", path, body, content=None, **headers)


@dataclass(frozen=True)
class RunningService:
    """A service that runs."""

    url: str
    settings: Settings
    log: Path

    @property
    def nobody(self) -> Caller:
        """Somebody without a key."""
        return Caller(self.url)

    @contextmanager
    def database(self) -> Iterator[Session]:
        """The service's database, from behind."""
        engine = create_database_engine(self.settings.database_url)
        with session_factory(engine).begin() as db:
            yield db
        engine.dispose()

    def caller(self, role: Role, subject_id: str | None = None) -> Caller:
        """Somebody with a new key of a role."""
        with self.database() as db:
            _, secret = create_key(
                db,
                role=role,
                subject_id=subject_id,
                label=f"tests, {role}",
                now=self.settings.now(),
                expires_at=None,
                pepper=self.settings.key_pepper.get_secret_value().encode(),
            )
        return replace(self.nobody, headers={"Authorization": f"Bearer {secret}"})


@contextmanager
def serving(
    database_url: str, folder: Path, *options: str, **environment: str
) -> Iterator[RunningService]:
    """Run `matcher serve` until the end of the block, then end it as a supervisor would."""
    port = _free_port()
    variables = {
        "MATCHER_DATABASE_URL": database_url,
        "MATCHER_DATA_DIRECTORY": str(folder / "var"),
        "MATCHER_KEY_PEPPER": PEPPER,
        "MATCHER_CLOCK_SHIFT_DAYS": str(days_to(FIRST_DAY)),
        "MATCHER_RATE_LIMIT": "100000/minute",
        "MATCHER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        **environment,
    }
    program = "import sys; from matcher.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "serve", "--port", str(port), *options]
    log = folder / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **variables}, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, url, log)
        yield RunningService(url, _settings(variables), log)
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError(f"the service did not start:\n{log.read_text()}")


def _settings(variables: Mapping[str, str]) -> Settings:
    given = {name.removeprefix("MATCHER_").lower(): value for name, value in variables.items()}
    return Settings.model_validate(given)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
