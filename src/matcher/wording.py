"""How days, times and numbers are said, wherever the service says them.

A letter of the office is more formal: `matcher.notices` has its own, with the era's year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from matcher.programme import Words

__all__ = ["WEEKDAYS_JA", "counted", "day_words", "listed", "time_words"]

WEEKDAYS_JA = "月火水木金土日"


def day_words(day: dt.date) -> Words:
    """A day with its weekday, for whom the year is clear."""
    return Words(
        ja=f"{day.month}月{day.day}日({WEEKDAYS_JA[day.weekday()]})",
        en=f"{day:%a} {day.day} {day:%b}",
    )


def time_words(wall: dt.datetime) -> Words:
    """A wall-clock time of Tokyo, naive, on its day."""
    day = day_words(wall)
    return Words(ja=f"{day.ja}{wall:%H:%M}", en=f"{day.en} {wall:%H:%M}")


def counted(number: int, noun: str) -> str:
    """So many of something, in English."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(texts: Iterable[str]) -> str:
    """Some texts, one at the least, as an English sentence joins them."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
