"""Runs a solver on an instance as a process, and measures it from outside."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from benchmarks.instances import generate
from benchmarks.protocol import ROOT, SOLVERS, Solver, Task, limit_seconds, name_of
from benchmarks.shapes import Shape
from solver.problem_file import ProblemFile, read_bytes, unpack
from solver.validation import judge

GRACE_SECONDS = 30.0
"""How far beyond its limit a solver may run before it is ended."""

SECONDS_BETWEEN_LOOKS = 0.1
"""At the memory of a process while it runs."""

CLOSEST_POINTS = 1.02
"""Of three points of a curve that lie within this factor in time, the second is left out."""


@dataclass(frozen=True)
class Point:
    """From `seconds` after the start of the process on, a value holds."""

    seconds: float
    value: int


@dataclass(frozen=True)
class Curve:
    """Cost and bound over time, each only where it became better."""

    costs: tuple[Point, ...] = ()
    bounds: tuple[Point, ...] = ()

    def cost_at(self, seconds: float) -> int | None:
        """The cost of the best plan known then, None where there was none."""
        known = [point.value for point in self.costs if point.seconds <= seconds]
        return known[-1] if known else None

    def seconds_to(self, cost: int) -> float | None:
        """When a plan was known that costs no more, None where that never was."""
        return next((point.seconds for point in self.costs if point.value <= cost), None)


@dataclass(frozen=True)
class Run:
    """What one solver came to on one instance; figures are the judge's and the system's."""

    solver: str
    instance: str
    limit_seconds: float
    skipped: str | None = None
    """Why it did not run."""
    holds: bool = False
    cost: int | None = None
    bound: int = 0
    served: int = 0
    engagements: int = 0
    sessions: int = 0
    wanted_sessions: int = 0
    seconds: float = 0.0
    peak_mebibytes: int = 0
    broken: tuple[str, ...] = ()
    curve: Curve = Curve()

    @property
    def first_plan_seconds(self) -> float | None:
        """When the first plan was there, the start of the process counted."""
        return self.curve.costs[0].seconds if self.curve.costs else None


@dataclass(frozen=True)
class _Process:
    """A process that ended, as the system saw it, and what it said while it ran."""

    seconds: float
    peak_mebibytes: int
    exit_status: int
    reports: tuple[tuple[float, int, int], ...]
    """Seconds, cost and bound."""
    last_words: str
    """The last line on standard error."""


def run(
    solver: Solver,
    instance: Path,
    *,
    workers: int,
    seed: int,
    seconds: float | None = None,
    keep_plan: Path | None = None,
) -> Run:
    """Let a solver plan one instance; judge what it wrote."""
    file = ProblemFile.from_path(instance)
    name = name_of(instance)
    limit = seconds or limit_seconds(name, len(file.problem.engagements))
    blank = Run(solver.name, name, limit, skipped=solver.obstacle(file))
    if blank.skipped:
        return blank
    with TemporaryDirectory() as temporary:
        plan = keep_plan or Path(temporary) / "plan.json"
        plan.unlink(missing_ok=True)
        reading, writing = os.pipe()
        curve = Path(f"/dev/fd/{writing}")
        task = Task(instance, file, plan, curve, Path(temporary), limit, workers, seed)
        ended = _measure(solver.command(task), reading, writing, limit + GRACE_SECONDS)
        content = unpack(read_bytes(plan)) if plan.exists() else b"null"
    nothing = judge(file.json, _pinned_plan(file)).cost.total
    verdict = judge(file.json, content, sha256=file.sha256)
    return replace(
        blank,
        holds=verdict.holds,
        cost=verdict.cost.total,
        bound=verdict.bound or 0,
        served=verdict.served,
        engagements=verdict.engagements,
        sessions=verdict.sessions,
        wanted_sessions=verdict.wanted_sessions,
        seconds=round(ended.seconds, 2),
        peak_mebibytes=ended.peak_mebibytes,
        broken=(*_failure(ended), *map(str, verdict.broken)),
        curve=curve_of(ended.reports, below=nothing),
    )


def measure_start(workers: int) -> float:
    """Seconds to the engine's first plan where there is next to nothing to read or to plan."""
    with TemporaryDirectory() as temporary:
        instance = Path(temporary) / "start.json"
        instance.write_bytes(generate(Shape(engagements=1, experts=6)).to_json())
        started = run(SOLVERS[0], instance, workers=workers, seed=0, seconds=5)
    return started.first_plan_seconds or started.seconds


def _failure(ended: _Process) -> list[str]:
    if ended.exit_status == 0:
        return []
    return [f"it ended with exit status {ended.exit_status}: {ended.last_words}"]


def _pinned_plan(file: ProblemFile) -> bytes:
    """The plan that holds the pinned sessions and no other: what costs as much is no plan yet."""
    assignments = []
    for engagement in file.problem.engagements:
        pins = sorted(engagement.pinned, key=lambda pin: pin.session)
        if pins:
            starts = [pin.start.isoformat(timespec="minutes") for pin in pins]
            assignments.append(
                {"engagement": engagement.id, "expert": pins[-1].expert, "starts": starts}
            )
    return json.dumps({"format": "plan/1", "assignments": assignments}).encode()


def _measure(command: list[str], reading: int, writing: int, seconds: float) -> _Process:
    """Run a command to its end, or to that of its time; read the clock at each of its reports."""
    with TemporaryFile("w+", encoding="utf-8") as said:
        started = time.monotonic()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, pass_fds=(writing,), cwd=ROOT
        )
        os.close(writing)
        watch = _Watch(process, started + seconds)
        watch.start()
        with open(reading, encoding="utf-8") as stream:
            reports = tuple(_reports(stream, started))
        process.wait()
        took = time.monotonic() - started
        said.seek(0)
        last_words = said.read().strip().rpartition("\n")[2]
    return _Process(took, watch.peak_mebibytes, process.returncode, reports, last_words)


class _Watch(threading.Thread):
    """Notes the largest memory of a process, and ends one that does not come to its end.

    What the system tells of a process that has ended counts the memory of the one that began it.
    """

    def __init__(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._deadline = deadline
        self.peak_mebibytes = 0

    def run(self) -> None:
        status = Path(f"/proc/{self._process.pid}/status")
        while self._process.returncode is None:
            with suppress(OSError):  # it has ended, or this system has no such file
                found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
                self.peak_mebibytes = int(found[1]) // 1024 if found else self.peak_mebibytes
            if time.monotonic() > self._deadline:
                self._process.kill()
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _reports(stream: Iterable[str], started: float) -> Iterator[tuple[float, int, int]]:
    for row in csv.DictReader(stream):
        yield time.monotonic() - started, int(row["cost"]), int(row["bound"])


def curve_of(reports: Iterable[tuple[float, int, int]], *, below: int) -> Curve:
    """The curve of what a solver said; a plan that costs no less than `below` is none yet."""
    costs: list[Point] = []
    bounds: list[Point] = []
    for seconds, cost, bound in reports:
        if cost < (costs[-1].value if costs else below):
            _add(costs, Point(round(seconds, 3), cost))
        if bound > (bounds[-1].value if bounds else 0):
            _add(bounds, Point(round(seconds, 3), bound))
    return Curve(tuple(costs), tuple(bounds))


def _add(points: list[Point], point: Point) -> None:
    if len(points) > 1 and point.seconds < CLOSEST_POINTS * points[-2].seconds:
        points.pop()
    points.append(point)
