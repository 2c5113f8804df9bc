"""Programmes are played with the clocks set to their year: by how many days, and what day it is."""

from __future__ import annotations

import datetime as dt

from matcher.clock import to_tokyo, utc_now


def days_to(day: dt.date) -> int:
    """The shift of the service's clocks with which it is this day in Tokyo.

    Not the days between two dates of UTC: those are one too many every evening.
    """
    return (day - to_tokyo(utc_now()).date()).days
