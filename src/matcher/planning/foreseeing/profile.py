"""The engagement that a forecast counts: what those of a programme ask for, in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low, mode

from matcher.models import Application, Delivery
from matcher.planning.stating.records import Records
from solver.problem import WEEKDAYS, OpenHours

OFFICE_HOURS = tuple(OpenHours(day, 9 * 60, 17 * 60) for day in WEEKDAYS[:5])
"""When an organization receives experts, where no application says so."""


@dataclass(frozen=True)
class Profile:
    """The engagement that is counted."""

    session_minutes: int
    municipality_code: str | None
    """None: online."""
    hours: tuple[OpenHours, ...]
    min_gap_days: int
    max_gap_days: int


def typical_profile(records: Records, applications: Sequence[Application]) -> Profile:
    """The engagement that the applications of a programme ask for, in the middle."""
    rules = records.rules
    lengths = [each for own in applications for each in own.session_minutes]
    online = sum(each.delivery == Delivery.ONLINE for each in applications)
    sites = [
        each.organization.municipality_code
        for each in applications
        if each.delivery == Delivery.ON_SITE
    ]
    return Profile(
        session_minutes=median_low(lengths) if lengths else rules.session_minutes.longest,
        municipality_code=None if 2 * online >= len(applications) else mode(sites),
        hours=tuple(_usual_hours(applications)) or OFFICE_HOURS,
        min_gap_days=rules.gaps.min_days,
        max_gap_days=rules.gaps.max_days,
    )


def _usual_hours(applications: Sequence[Application]) -> Iterator[OpenHours]:
    """Of each weekday on which most receive experts, when they open and close, in the middle."""
    for day in WEEKDAYS:
        spans = [
            (min(own.opens for own in hours), max(own.closes for own in hours))
            for each in applications
            if (hours := [own for own in each.weekly_hours if own.weekday == day])
        ]
        if spans and 2 * len(spans) >= len(applications):
            opens, closes = (median_low([span[end] for span in spans]) for end in (0, 1))
            if opens < closes:
                yield OpenHours(
                    day, opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute
                )
