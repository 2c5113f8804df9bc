"""When the owner of a calendar is busy, by the calendar alone.

Busy is whatever a calendar does not say to be free: events that are tentative, too, and not those
that are cancelled or transparent (RFC 5545 3.8.1.11, 3.8.2.7); times of a VFREEBUSY that are not
FREE; and, of a VAVAILABILITY (RFC 7953), what is not AVAILABLE. A time without a zone is one on
the owner's walls, a day without a time is the owner's day.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import recurring_ical_events
import x_wr_timezone
from icalendar import Calendar, Component, Event

from matcher.busy.screening import screen, value_of
from matcher.clock import TOKYO
from matcher.intervals import Interval, union, within, without

DAY: Final = dt.timedelta(days=1)
LOWEST_PRIORITY: Final = 10
"""What RFC 7953 3.2 makes of 0, and of none."""


class NotACalendar(Exception):
    """The bytes are no iCalendar data."""


@dataclass(frozen=True)
class Expansion:
    """When somebody is busy, and how much of the calendar could not be read."""

    busy: tuple[Interval, ...]
    """In UTC, in order, none touching another."""
    left_out: int
    """Events without a beginning, and series read as their first event alone."""


def expand(content: bytes, window: Interval) -> Expansion:
    """Read when the owner of a calendar is busy within a window.

    Raises:
        NotACalendar: the bytes are none, or none that is whole.
        TooManyEvents: of a calendar nobody keeps.
    """
    busy: list[Interval] = []
    left_out = 0
    for parsed in _parsed(content):
        left_out += screen(parsed)
        calendar = x_wr_timezone.to_standard(parsed)
        busy += _of_events(calendar, window)
        busy += _of_free_busy(calendar)
        busy += _of_availability(calendar, window)
    return Expansion(union(within(busy, window)), left_out)


def _parsed(content: bytes) -> list[Calendar]:
    # Bytes, never text: a text that is the name of a file would be read from there.
    try:
        found = Calendar.from_ical(content, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        raise NotACalendar(str(error)[:200]) from error
    calendars = [each for each in found if each.name == "VCALENDAR"]
    if not calendars:
        raise NotACalendar("there is no VCALENDAR in it")
    return calendars


def _of_events(calendar: Calendar, window: Interval) -> Iterator[Interval]:
    return (_interval(each) for each in _expanded(calendar, window) if _blocks(each))


def _expanded(calendar: Calendar, window: Interval) -> Iterable[Component]:
    """The events that could touch a window: a day more on both sides, for times without a zone."""
    query = recurring_ical_events.of(calendar, components=["VEVENT"], skip_bad_series=True)
    found: Iterable[Component] = query.between(window.start - DAY, window.end + DAY)
    return found


def _blocks(event: Component) -> bool:
    status = str(event.get("STATUS", "")).upper()
    transparent = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    return status != "CANCELLED" and not transparent


def _interval(event: Component) -> Interval:
    return Interval(_moment(value_of(event, "DTSTART")), _moment(value_of(event, "DTEND")))


def _moment(value: dt.date | dt.datetime) -> dt.datetime:
    """A time in UTC; without a zone it is on the owner's walls, and a day begins at midnight."""
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return (value.replace(tzinfo=TOKYO) if value.tzinfo is None else value).astimezone(dt.UTC)


def _of_free_busy(calendar: Calendar) -> Iterator[Interval]:
    for component in calendar.walk("VFREEBUSY"):
        periods: Any = component.get("FREEBUSY", [])
        for period in periods if isinstance(periods, list) else [periods]:
            if str(period.params.get("FBTYPE", "BUSY")).upper() != "FREE":
                start, end = period.dt
                ends = start + end if isinstance(end, dt.timedelta) else end
                yield Interval(_moment(start), _moment(ends))


def _of_availability(calendar: Calendar, window: Interval) -> Iterator[Interval]:
    """What is not available; where two speak of the same time, the more important one counts."""
    covered: list[Interval] = []
    for component in sorted(calendar.walk("VAVAILABILITY"), key=_priority):
        span = tuple(without(within([_span(component, window)], window), covered))
        yield from without(span, _available(component, window))
        covered += span


def _priority(component: Component) -> int:
    given = int(str(component.get("PRIORITY", 0)))
    return given if 1 <= given < LOWEST_PRIORITY else LOWEST_PRIORITY


def _span(component: Component, window: Interval) -> Interval:
    start, end = value_of(component, "DTSTART"), value_of(component, "DTEND")
    duration = value_of(component, "DURATION")
    begins = window.start if start is None else _moment(start)
    if end is not None:
        return Interval(begins, _moment(end))
    return Interval(begins, window.end if duration is None else begins + duration)


def _available(component: Component, window: Interval) -> tuple[Interval, ...]:
    """The times of AVAILABLE, expanded as if they were events."""
    calendar = Calendar()
    for each in component.subcomponents:
        if each.name == "AVAILABLE":
            event = Event()
            event.update(copy.deepcopy(dict(each.items())))
            calendar.add_component(event)
    screen(calendar)
    return tuple(_of_events(calendar, window))
