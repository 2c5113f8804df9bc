"""How a peer says what it found: its curve while it runs, a plan/1 at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

from solver.cost import cost_of
from solver.plan import Assignment, Plan, SolverRecord, gap_of
from solver.problem_file import ProblemFile


class Curve:
    """Lines of CSV, each written at once: the runner reads the clock when one arrives."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._write("cost,bound")

    @classmethod
    @contextmanager
    def at(cls, path: Path) -> Iterator[Self]:
        """Begin a curve."""
        with path.open("w", encoding="utf-8") as file:
            yield cls(file)

    def add(self, cost: int, bound: int = 0) -> None:
        """Tell of a better plan; a bound of 0 is none."""
        self._write(f"{cost},{bound}")

    def _write(self, line: str) -> None:
        print(line, file=self._file, flush=True)


def write_plan(file: ProblemFile, assignments: tuple[Assignment, ...], out: Path) -> None:
    """Write a plan with the bound that every plan has."""
    cost = cost_of(file.problem, assignments)
    Plan(
        problem=file.problem.name,
        problem_sha256=file.sha256,
        assignments=assignments,
        cost=cost,
        bound=0,
        gap=gap_of(cost.total, 0),
        status="feasible" if cost.total else "optimal",
        solver=SolverRecord(version="peer", seed=0, workers=1, seconds=0),
    ).write(out)
