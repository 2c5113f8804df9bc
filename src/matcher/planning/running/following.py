"""A run as it goes on, for those who watch it: what is new since they last heard of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session as Database

from matcher.models import Plan, PlanState, ProgressRecord

__all__ = ["FOLLOWERS", "News", "Seats", "follow"]

LOOK_EVERY_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 3600.0
"""After this a follower is let go, and may come back."""

FOLLOWERS: Final = 4
"""How many may follow runs in one process at once: each keeps one of its eight threads."""

UNDER_WAY: Final = frozenset({PlanState.QUEUED, PlanState.SOLVING})


@dataclass(frozen=True)
class News:
    """What became known: the state, and one more record of the progress, if there is one."""

    number: int
    """Of the last record that is known; a follower who names it hears of those after it."""
    state: PlanState
    record: ProgressRecord | None


class Seats:
    """How many may follow at once."""

    def __init__(self, number: int = FOLLOWERS) -> None:
        self._free = threading.Semaphore(number)

    def take(self) -> bool:
        """Take a seat; False where none is free."""
        return self._free.acquire(blocking=False)

    def leave(self) -> None:
        """Give the seat back."""
        self._free.release()


def follow(
    open_database: Callable[[], Database],
    plan_id: str,
    known: int = 0,
    *,
    wait: Callable[[float], None] = time.sleep,
    longest: float = LONGEST_SECONDS,
) -> Iterator[News | None]:
    """Tell of a run until it is over; None where there is nothing new.

    The database is opened for each look only, so that a follower keeps nobody waiting.
    """
    state: PlanState | None = None
    until = time.monotonic() + longest
    while time.monotonic() < until:
        with open_database() as db:
            plan = db.get_one(Plan, plan_id)
            now, records = plan.state, plan.progress[known:]
        for record in records:
            known += 1
            yield News(known, now, record)
        if now != state:
            yield News(known, now, None)
        elif not records:
            yield None
        state = now
        if state not in UNDER_WAY:
            return
        wait(LOOK_EVERY_SECONDS)
