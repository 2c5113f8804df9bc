"""The README keeps its word: every command it shows works, in the order in which it shows them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from matcher.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SERVE = next(index for index, block in enumerate(BLOCKS) if "make serve" in block)
SHOWN_ADDRESS = "127.0.0.1:8000"

SET_UP = ("ready", "kernels")
"""What make leaves in .venv when an environment is set up, in this order."""

LONGEST_SECONDS = 180


@pytest.mark.long
def test_every_command_shown_works(tmp_path: Path) -> None:
    clone = lay_out(tmp_path / "clone")
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if "MATCHER" not in name}
    environment |= {
        "MATCHER_DEMO_TIME_LIMIT": "4",
        "MATCHER_SERVE_PORT": str(port),
        "MATCHER_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    before, serve, after = BLOCKS[:SERVE], BLOCKS[SERVE], BLOCKS[SERVE + 1 :]
    run(clone, "\n".join(before), environment)
    with serving(clone, serve, environment, f"http://127.0.0.1:{port}/readyz"):
        shown = run(
            clone, "\n".join(after).replace(SHOWN_ADDRESS, f"127.0.0.1:{port}"), environment
        )
    assert '"is_optimal":true' in shown
    assert '"servable":true' in shown
    assert '"number":4' in shown
    assert "BEGIN:VCALENDAR" in shown


def test_the_picture_it_shows_is_there() -> None:
    for path in re.findall(r"\]\(((?!http)[^)#]+)", README):
        assert (ROOT / path).exists(), path


def test_it_tells_every_setting() -> None:
    shown = re.findall(r"^\| `MATCHER_([A-Z_]+)` \|", README, re.MULTILINE)
    assert [name.lower() for name in shown] == list(Settings.model_fields)


def lay_out(clone: Path) -> Path:
    """Lay out the project as in a fresh clone whose environment has been set up."""
    (clone / ".venv").mkdir(parents=True)
    for path in (*ROOT.iterdir(), *Path(sys.prefix).iterdir()):
        folder = clone if path.parent == ROOT else clone / ".venv"
        if path.name not in {".venv", *SET_UP, "var", "demo", ".git"}:
            (folder / path.name).symlink_to(path)
    for name in SET_UP:
        (clone / ".venv" / name).touch()
    return clone


def run(folder: Path, script: str, environment: Mapping[str, str]) -> str:
    """Run commands in one shell, up to the first that fails; what they print."""
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@contextmanager
def serving(
    folder: Path, script: str, environment: Mapping[str, str], address: str
) -> Iterator[None]:
    """Run the commands that start the service, until it is ready; end it afterwards."""
    log = folder / "serve.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            ["bash", "-euc", script],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(address, server, log)
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the service answers."""
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
