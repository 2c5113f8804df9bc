"""Two clocks: moments are stored in UTC, people live by the wall clock of Tokyo.

A moment is an aware `datetime`; a wall-clock time is a naive one and always means Tokyo.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")


def utc_now() -> dt.datetime:
    """The moment it is, aware, in UTC. Use cases take it as `now`; only the doors ask for it."""
    return dt.datetime.now(dt.UTC)


def to_utc(moment: dt.datetime) -> dt.datetime:
    """The same moment, told in UTC.

    Raises:
        ValueError: it is naive, and so no moment.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} names no time zone")
    return moment.astimezone(dt.UTC)


def to_tokyo(moment: dt.datetime) -> dt.datetime:
    """The same moment, told in Tokyo.

    Raises:
        ValueError: it is naive, and so no moment.
    """
    return to_utc(moment).astimezone(TOKYO)


def wall_time(moment: dt.datetime) -> dt.datetime:
    """What the clocks on Tokyo's walls show at a moment, naive."""
    return to_tokyo(moment).replace(tzinfo=None)


def from_wall_time(wall: dt.datetime) -> dt.datetime:
    """The moment, in UTC, at which the clocks on Tokyo's walls show a naive time.

    Raises:
        ValueError: the time is aware, and so a moment already.
    """
    if wall.tzinfo is not None:
        raise ValueError(f"{wall.isoformat()} is a moment already")
    return wall.replace(tzinfo=TOKYO).astimezone(dt.UTC)


def start_of(day: dt.date) -> dt.datetime:
    """The moment, in UTC, at which a day begins in Tokyo."""
    return from_wall_time(dt.datetime.combine(day, dt.time()))
