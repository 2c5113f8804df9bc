"""The best plan so far and the best bound so far: all that a stage of the solver hands on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from solver.plan import gap_of
from solver.schedule import Rows, Schedule, all_rows

Stage = Literal["pairs", "bound", "construct", "prove", "improve", "promises", "done"]


@dataclass(frozen=True)
class Progress:
    """How a run stands: seconds since its start, cost of the best plan, proven bound."""

    stage: Stage
    seconds: float
    cost: int
    bound: int
    gap: float
    served: int


class Incumbent:
    """The best plan and bound; both only ever get better."""

    def __init__(self, schedule: Schedule, cost: int, report: Callable[[Progress], None]) -> None:
        self.best: Rows = all_rows(schedule)
        self.cost = cost
        self.bound = 0
        self.stage: Stage = "pairs"
        self._report = report
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    @property
    def is_optimal(self) -> bool:
        """Whether the best plan is proven to be the best there is."""
        return self.cost == self.bound

    @property
    def gap(self) -> float:
        """How far the plan may be from the best there is, as a share of the bound."""
        return gap_of(self.cost, self.bound)

    def enter(self, stage: Stage) -> None:
        """Begin a stage, and say so."""
        self.stage = stage
        self.report()

    def offer(self, best: Rows, cost: int) -> bool:
        """Take a plan if it is better; `best` is copied."""
        if cost >= self.cost:
            return False
        self.best, self.cost = Rows._make(array.copy() for array in best), cost
        return True

    def raise_bound(self, bound: int) -> None:
        """Take a proven bound if it is better."""
        self.bound = max(self.bound, bound)

    def report(self) -> None:
        """Tell how the run stands now."""
        self._report(
            Progress(
                self.stage,
                self.seconds,
                self.cost,
                self.bound,
                self.gap,
                int((self.best.served > 0).sum()),
            )
        )
