from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TWO_PARTS = """
import signal, sys
from matcher.cli.serve import run_together

signal.signal(signal.SIGHUP, signal.SIG_DFL)
part = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
sys.exit(run_together(part, [part], {}))
"""
"""Two programs side by side, which tell their ids; whether or not nohup started the tests."""


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_service_and_all_its_parts(number: signal.Signals) -> None:
    with running(TWO_PARTS) as service:
        assert service.stdout is not None
        parts = [int(service.stdout.readline()) for _ in range(2)]
        service.send_signal(number)
        assert service.wait(50) == 0
    assert not any(map(is_alive, parts))


def test_where_the_program_itself_ends_the_service_ends() -> None:
    program = TWO_PARTS.replace("(part, [part]", "([sys.executable, '-c', ''], [part]")
    with running(program) as service:
        _, complaint = service.communicate(timeout=50)
    assert service.returncode == 1
    assert "ended by itself" in complaint


def test_a_helper_that_is_killed_is_started_again_and_the_program_goes_on() -> None:
    with running(TWO_PARTS) as service:
        assert service.stdout is not None
        parts = [int(service.stdout.readline()) for _ in range(2)]
        helper = next(each for each in parts if each != first_started(service.pid))
        os.kill(helper, signal.SIGKILL)
        again = int(service.stdout.readline())
        assert again not in parts
        assert is_alive(again)
        service.send_signal(signal.SIGTERM)
        assert service.wait(50) == 0
    assert not any(map(is_alive, [*parts, again]))


def first_started(process_id: int) -> int:
    """The program of a service, which is started before its helpers: ids grow."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    return min(map(int, children))
