"""Runs `matcher solve` on an instance as a process, and measures it from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from solver.problem_file import ProblemFile, read_bytes, unpack
from solver.validation import judge

LIMIT_SECONDS = ((100, 30), (1_000, 60), (5_000, 120))
"""The time limit by the largest number of engagements it is for; 600 seconds above."""

LONGEST_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Figures:
    """What one run came to, recomputed by the judge; time and memory as the system saw them."""

    instance: str
    holds: bool
    cost: int | None
    bound: int | None
    gap: float | None
    served: int
    engagements: int
    sessions: int
    wanted_sessions: int
    seconds: float
    limit_seconds: float
    peak_mebibytes: int
    exit_status: int
    broken: tuple[str, ...]


def limit_seconds(engagements: int) -> int:
    """The time limit of the protocol."""
    for most, limit in LIMIT_SECONDS:
        if engagements <= most:
            return limit
    return LONGEST_LIMIT_SECONDS


def run(
    instance: Path, plan: Path, *, workers: int, seed: int, time_limit: float | None = None
) -> Figures:
    """Solve one instance, judge the plan that was written, and report both."""
    file = ProblemFile.from_path(instance)
    limit = time_limit or limit_seconds(len(file.problem.engagements))
    command = [
        *(str(Path(sys.executable).with_name("matcher")), "solve", str(instance)),
        *("--out", str(plan), "--time-limit", str(limit)),
        *("--workers", str(workers), "--seed", str(seed)),
    ]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    content = unpack(read_bytes(plan)) if plan.exists() else json.dumps(None).encode()
    verdict = judge(file.json, content, sha256=file.sha256)
    return Figures(
        instance=instance.name.removesuffix(".gz").removesuffix(".json"),
        holds=verdict.holds,
        cost=verdict.cost.total,
        bound=verdict.bound,
        gap=verdict.gap,
        served=verdict.served,
        engagements=verdict.engagements,
        sessions=verdict.sessions,
        wanted_sessions=verdict.wanted_sessions,
        seconds=round(seconds, 2),
        limit_seconds=limit,
        peak_mebibytes=usage.ru_maxrss // 1024,
        exit_status=process.returncode,
        broken=tuple(map(str, verdict.broken)),
    )
