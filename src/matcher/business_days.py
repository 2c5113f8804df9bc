"""Days on which the office works: Monday to Friday, without holidays and its own closures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from itertools import count, islice

import holidays

SATURDAY = 5
"""`date.weekday()` of the first day of a weekend."""


class BusinessCalendar:
    """The office's days, given those on which it is closed besides weekends."""

    def __init__(self, closed_days: Iterable[dt.date]) -> None:
        self._closed_days = frozenset(closed_days)

    def is_business_day(self, day: dt.date) -> bool:
        """Whether the office works on a day."""
        return day.weekday() < SATURDAY and day not in self._closed_days

    def days(self, first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
        """The business days from `first` to `last`, both included; none where they are reversed."""
        length = (last - first).days + 1
        return tuple(
            filter(self.is_business_day, (first + dt.timedelta(step) for step in range(length)))
        )

    def days_left(self, today: dt.date, due: dt.date) -> int:
        """How many business days are left; 0 on the day that is due, less than 0 once it is past.

        The due day counts, and `today` does not: on a Saturday one is left until Monday.
        """
        one_day = dt.timedelta(days=1)
        if today <= due:
            return len(self.days(today + one_day, due))
        return -len(self.days(due, today - one_day))

    def add(self, day: dt.date, days: int) -> dt.date:
        """The `days`-th business day after a day; the day itself does not count.

        Raises:
            ValueError: `days` is less than one.
        """
        if days < 1:
            raise ValueError("count at least one business day")
        following = (day + dt.timedelta(days=step) for step in count(1))
        return next(islice(filter(self.is_business_day, following), days - 1, None))


def national_holidays(first: dt.date, last: dt.date) -> frozenset[dt.date]:
    """Japan's national holidays from `first` to `last`, both included, substitutes among them."""
    years = range(first.year, last.year + 1)
    return frozenset(day for year in years for day in _holidays_of(year) if first <= day <= last)


@lru_cache
def _holidays_of(year: int) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays("JP", years=year))
