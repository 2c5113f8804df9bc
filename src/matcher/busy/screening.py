"""What of a calendar is not expanded, because it would never end or says nothing.

No library for recurring events ends on every series: one event every second, an interval of 0, or
the product of a few lists of BY… keep them busy for ever. So a series that is out of all proportion
is read as its first event alone, and an event without a beginning is left out; both are counted.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Final

from icalendar import Calendar, Component, vBroken, vRecur

from matcher.calendars.identity import UID_DOMAIN

MOST_EVENTS: Final = 5_000
MOST_DATES: Final = 2_000
"""Of RDATE, and of EXDATE, in one event."""

MOST_PARTS: Final = 62
"""Of all BY… lists of a rule together: every day of a month, each at two hours."""

FREQUENCIES: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
LONGEST_OF_A_SERIES: Final = dt.timedelta(days=31)
YEARS: Final = range(1970, 2101)
SERIES: Final = ("RRULE", "RDATE", "EXRULE")


class TooManyEvents(Exception):
    """A calendar of more events than anybody keeps."""


def screen(calendar: Calendar, kind: str = "VEVENT") -> int:
    """Take out of a calendar what cannot be expanded; how many events were left out or cut short.

    Raises:
        TooManyEvents: there are more than `MOST_EVENTS`.
    """
    events = [each for each in calendar.subcomponents if each.name == kind]
    if len(events) > MOST_EVENTS:
        raise TooManyEvents
    cut = 0
    for event in events:
        if str(event.get("UID", "")).endswith(f"@{UID_DOMAIN}"):
            # One of our own sessions, which its owner has taken into the calendar: it would
            # stand in its own way.
            calendar.subcomponents.remove(event)
        elif not _begins(event):
            calendar.subcomponents.remove(event)
            cut += 1
        elif not _is_in_proportion(event):
            for name in (*SERIES, "EXDATE"):
                event.pop(name, None)
            cut += 1
        else:
            _count_the_last_day(event)
        for name in [name for name, value in event.items() if isinstance(value, vBroken)]:
            del event[name]
    _tell_apart([each for each in calendar.subcomponents if each.name == kind])
    return cut


def _begins(event: Component) -> bool:
    start = value_of(event, "DTSTART")
    return isinstance(start, dt.date) and start.year in YEARS


def _is_in_proportion(event: Component) -> bool:
    if "EXRULE" in event:
        return False
    if not any(name in event for name in SERIES):
        return True
    dates = (sum(len(_dates(each)) for each in _all(event, name)) for name in ("RDATE", "EXDATE"))
    return (
        all(map(_is_plain, _all(event, "RRULE")))
        and all(count <= MOST_DATES for count in dates)
        and _length(event) <= LONGEST_OF_A_SERIES
    )


def _is_plain(rule: object) -> bool:
    if not isinstance(rule, vRecur):
        return False
    frequency = [str(each).upper() for each in _list(rule.get("FREQ"))]
    intervals = _list(rule.get("INTERVAL", [1]))
    parts = sum(len(_list(values)) for name, values in rule.items() if name.startswith("BY"))
    return (
        len(frequency) == 1
        and frequency[0] in FREQUENCIES
        and all(isinstance(each, int) and each >= 1 for each in intervals)
        and parts <= MOST_PARTS
    )


def _count_the_last_day(event: Component) -> None:
    """Let a series of timed events that ends UNTIL a day take place on that day, too."""
    start = value_of(event, "DTSTART")
    if not isinstance(start, dt.datetime):
        return
    for rule in _all(event, "RRULE"):
        until = _list(rule.get("UNTIL"))
        if len(until) == 1 and not isinstance(until[0], dt.datetime):
            end = dt.datetime.combine(until[0], dt.time(23, 59, 59), start.tzinfo)
            rule["UNTIL"] = [end if end.tzinfo is None else end.astimezone(dt.UTC)]


def _tell_apart(events: list[Component]) -> None:
    """Give events of one UID that are no exceptions of each other UIDs of their own.

    Of those, the library would expand the first alone, and the time of the others would be lost.
    """
    seen: set[str] = set()
    for event in events:
        if "RECURRENCE-ID" in event:
            continue
        name = str(event.get("UID", ""))
        if not name or name in seen:
            event["UID"] = str(uuid.uuid4())
        seen.add(name)


def _length(event: Component) -> dt.timedelta:
    start, end = value_of(event, "DTSTART"), value_of(event, "DTEND")
    duration = value_of(event, "DURATION")
    if isinstance(duration, dt.timedelta):
        return duration
    if type(end) is type(start):
        try:
            return dt.timedelta(seconds=abs((end - start).total_seconds()))
        except TypeError:
            return dt.timedelta()
    return dt.timedelta()


def value_of(component: Component, name: str) -> Any:  # noqa: ANN401  what the property holds
    """The value of a date, a time or a duration; None where there is none that can be read."""
    value = component.get(name)
    return None if isinstance(value, vBroken) else getattr(value, "dt", None)


def _all(event: Component, name: str) -> list[Any]:
    return _list(event.get(name))


def _dates(value: object) -> list[object]:
    return list(getattr(value, "dts", []))


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
