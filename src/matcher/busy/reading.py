"""Reading a calendar in a process of its own, whose time and memory are bounded.

Whoever gives an address decides what is read, so nothing of it happens in the worker itself: the
process that fetches and expands ends by itself or is ended, and what it says is checked.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Final

from pydantic import BaseModel, ConfigDict

from matcher.busy.expansion import NotACalendar, expand
from matcher.busy.fetching import TOTAL_SECONDS, Fetched, Known, NotFetched, fetch
from matcher.busy.screening import TooManyEvents
from matcher.intervals import Interval

CPU_SECONDS, MEMORY_BYTES = 8, 1 << 30
WALL_SECONDS: Final = TOTAL_SECONDS + 10


class Request(BaseModel):
    """What to read, and for which time."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    window: Interval
    url: str | None = None
    content: bytes | None = None
    """In place of an address: the calendar itself."""
    etag: str | None = None
    last_modified: str | None = None
    trusted: tuple[str, ...] = ()


class Reading(BaseModel):
    """What came of it."""

    model_config = ConfigDict(frozen=True)

    problem: str | None = None
    """Why there is none, in one word; None: all went well."""
    detail: str = ""
    unchanged: bool = False
    busy: tuple[Interval, ...] = ()
    left_out: int = 0
    etag: str | None = None
    last_modified: str | None = None


def read(request: Request) -> Reading:
    """Read a calendar in a process of its own; what fails is said, and never raised."""
    command = [sys.executable, "-m", "matcher.busy.reading"]
    try:
        done = subprocess.run(  # noqa: S603  this very program
            command,
            input=request.model_dump_json().encode(),
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Reading(problem="too_slow")
    if done.returncode != 0:
        # A signal ended it, or it could not get the memory: else the calendar itself is at fault.
        costly = done.returncode < 0 or b"MemoryError" in done.stderr
        return Reading(problem="too_costly" if costly else "not_a_calendar")
    return Reading.model_validate_json(done.stdout)


def carry_out(request: Request) -> Reading:
    """Read a calendar in this process."""
    try:
        fetched = _fetched(request)
        if fetched.content is None:
            return Reading(unchanged=True, etag=request.etag, last_modified=request.last_modified)
        found = expand(fetched.content, request.window)
    except NotFetched as error:
        return Reading(problem=error.problem, detail=error.detail)
    except NotACalendar:
        return Reading(problem="not_a_calendar")
    except TooManyEvents:
        return Reading(problem="too_many_events")
    return Reading(
        busy=found.busy,
        left_out=found.left_out,
        etag=fetched.known.etag,
        last_modified=fetched.known.last_modified,
    )


def _fetched(request: Request) -> Fetched:
    known = Known(request.etag, request.last_modified)
    if request.url is None:
        return Fetched(request.content or b"", known)
    return fetch(request.url, known, request.trusted)


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reading = carry_out(Request.model_validate_json(sys.stdin.buffer.read()))
    sys.stdout.write(reading.model_dump_json())


if __name__ == "__main__":
    _main()
