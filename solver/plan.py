"""plan/1: assignments, cost by part, bound and status, as they are written to a file."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from solver.problem import Moment

Status = Literal["optimal", "feasible", "infeasible_pins"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Assignment(_Record):
    """The sessions 1…k of one engagement, and the expert of those that are not pinned."""

    engagement: str
    expert: str
    starts: tuple[Moment, ...]


class Cost(_Record):
    """What a plan costs, by part; lower is better."""

    total: int
    unserved: int
    dropped: int
    match: int
    preference: int
    travel: int
    wait: int
    gap: int
    overload: int
    stability: int


class SolverRecord(_Record):
    """Which solver made the plan, and what a replay needs."""

    version: str
    seed: int
    workers: int
    seconds: float
    time_limit_seconds: float | None = None
    work_limit: int | None = None


class Plan(_Record):
    """One plan/1: a proposal, with the proof of how good it is."""

    format: Literal["plan/1"] = "plan/1"
    problem: str
    problem_sha256: str
    assignments: tuple[Assignment, ...]
    cost: Cost
    bound: int
    gap: Annotated[float, Field(ge=0)]
    status: Status
    solver: SolverRecord
    conflicts: tuple[str, ...] = ()
    """With `infeasible_pins`: the pinned sessions that no plan can keep, one sentence each."""

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a plan; raises pydantic's ValidationError where it is none."""
        return cls.model_validate_json(content)

    def to_json(self) -> bytes:
        """Write the plan as UTF-8 JSON."""
        without = set() if self.conflicts else {"conflicts"}
        return self.model_dump_json(exclude=without, indent=1).encode()

    def write(self, path: Path) -> None:
        """Write the plan to a file, gzipped where its name ends in `.gz`."""
        content = self.to_json()
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


@cache
def solver_version() -> str:
    """The version of this solver, as its plans name it."""
    return version("expert-dispatch-matcher")


def gap_of(total: int, bound: int) -> float:
    """How far a plan can be from the best one: (total - bound) / max(1, bound)."""
    return (total - bound) / max(1, bound)
