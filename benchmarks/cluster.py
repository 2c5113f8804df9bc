"""A Dask cluster on this machine: a scheduler and worker processes, ended by their handles."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

START_SECONDS = 30
HERE = ("--host", "127.0.0.1", "--no-dashboard")


@dataclass(frozen=True)
class Cluster:
    """A running scheduler and its workers of one thread each."""

    address: str
    workers: tuple[subprocess.Popen[bytes], ...]


@contextmanager
def dask_cluster(workers: int) -> Iterator[Cluster]:
    """Start a cluster that only this machine reaches, and end it."""
    with TemporaryDirectory() as folder, ExitStack() as ends:
        file = Path(folder) / "scheduler.json"
        named = ("--scheduler-file", str(file))
        ends.enter_context(_process(folder, "dask_scheduler", *HERE, "--port", "0", *named))
        alone = (*HERE, *named, "--nthreads", "1", "--no-nanny", "--local-directory", folder)
        started = [
            ends.enter_context(_process(folder, "dask_worker", *alone)) for _ in range(workers)
        ]
        yield Cluster(_address(file), tuple(started))


@contextmanager
def _process(folder: str, program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
    log = (Path(folder) / "log").open("ab")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.kill()


def _address(file: Path) -> str:
    """Wait until the scheduler has written where it listens, and its workers are there."""
    deadline = time.monotonic() + START_SECONDS
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the scheduler did not start")
        time.sleep(0.05)
    address: str = json.loads(file.read_text())["address"]
    return address
