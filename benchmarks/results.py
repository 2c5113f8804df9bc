"""What one execution of the benchmark came to, and what it depends on; kept as JSON."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.runner import Run


@dataclass(frozen=True)
class Results:
    """All runs, with the date and the machine in words."""

    date: str
    machine: str
    version: str
    workers: int
    seed: int
    start_seconds: float
    """From the start of the engine's process to its first plan of a problem of one session."""
    runs: tuple[Run, ...]

    @property
    def instances(self) -> tuple[str, ...]:
        """The names of the instances, in the order in which they ran."""
        return tuple(dict.fromkeys(run.instance for run in self.runs))

    def of(self, instance: str, solver: str) -> Run | None:
        """The run of a solver on an instance, None where it was not asked for."""
        return next(
            (run for run in self.runs if (run.instance, run.solver) == (instance, solver)), None
        )

    def best_bound(self, instance: str) -> int:
        """The highest lower bound that a run proved whose plan the judge passed."""
        return max(
            (run.bound for run in self.runs if run.instance == instance and run.holds), default=0
        )

    def to_json(self) -> bytes:
        """Write all of it."""
        return _JSON.dump_json(self, indent=None).replace(b'},{"solver"', b'},\n{"solver"') + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Results:
        """Read what `to_json` wrote."""
        return _JSON.validate_json(content)


_JSON = TypeAdapter(Results)


def now_and_here(
    runs: tuple[Run, ...], *, workers: int, seed: int, start_seconds: float
) -> Results:
    """The runs with today's date and this machine."""
    return Results(
        date=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        machine=machine(),
        version=version("expert-dispatch-matcher"),
        workers=workers,
        seed=seed,
        start_seconds=start_seconds,
        runs=runs,
    )


def machine() -> str:
    """Processor, cores, memory and system in words; nothing that names the machine."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cores} cores ({_processor()}), {memory:.0f} GiB of memory, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    text = information.read_text() if information.exists() else ""
    found = re.search(r"model name\s*:\s*(.+)", text)
    return " ".join(found[1].split()) if found else platform.machine()
