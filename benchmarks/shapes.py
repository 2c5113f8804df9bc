"""What instances may be like, and the shapes that have broken solvers before, by name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Hours = Literal["office", "half-days", "evenings"]


@dataclass(frozen=True)
class Shape:
    """What an instance is like; the defaults make one like tokyo-60."""

    engagements: int = 60
    experts: int = 24
    seed: int = 0
    tightness: float = 0.76
    """Sessions wanted for each that the experts may hold: 0.76 is comfortable, 0.97 tight."""
    regions: int = 1
    """Parts of the country; an expert serves the engagements of one."""
    open_days: int = 3
    """Weekdays on which an expert works, on average, 1 to 4; the other axis of scarcity."""
    hours: Hours = "office"
    """Of both sides: office hours; of an expert one half-day a week; evenings until midnight."""
    busy: float = 0.2
    """The share of an expert's working days with something else in the calendar; 1: all of it."""
    online: float = 0.25
    """The share of engagements that are held online."""
    most_candidates: int = 60
    """An engagement names its cheapest ones."""
    scarce: bool = False
    """Whether one specialty is the first need of every third, and of one expert in twelve."""
    least_gap_days: int | None = None
    """The least gap between sessions, None for 7, 10 or 14 at random."""
    max_per_day: int | None = None
    """Sessions a day of every expert, None for 1 to 3 at random."""
    slot_minutes: int = 30
    varied_weights: bool = False
    """Whether engagements count for 1 to 9, and the parts of the cost for anything."""
    held_until: dt.date | None = None
    """A later day in the year: sessions before it are held and the rest is published; then
    two experts fall ill for four weeks, and some organizations ask for another expert."""
    free: int | None = None
    """All engagements but so many are published and held, every session of them."""


SHAPES = {
    "usual": Shape(),
    "no-engagements": Shape(engagements=0),
    "no-experts": Shape(experts=0),
    "nothing": Shape(engagements=0, experts=0),
    "one-expert": Shape(engagements=20, experts=1),
    "one-engagement": Shape(engagements=1),
    "online": Shape(online=1),
    "on-site": Shape(online=0),
    "scarce": Shape(scarce=True),
    "half-days": Shape(hours="half-days"),
    "half-days-500": Shape(engagements=500, experts=120, hours="half-days"),
    "evenings": Shape(hours="evenings"),
    "busy": Shape(busy=0.9),
    "always-busy": Shape(busy=1),
    "very-tight": Shape(tightness=1.3),
    "very-tight-500": Shape(engagements=500, experts=120, tightness=1.3),
    "very-loose": Shape(tightness=0.2),
    "very-loose-500": Shape(engagements=500, experts=120, tightness=0.2),
    "weights": Shape(varied_weights=True),
    "weights-500": Shape(engagements=500, experts=120, varied_weights=True),
    "gap-0": Shape(least_gap_days=0),
    "gap-1": Shape(least_gap_days=1),
    "gap-7": Shape(least_gap_days=7),
    "gap-14": Shape(least_gap_days=14),
    "one-a-day": Shape(max_per_day=1),
    "five-a-day": Shape(max_per_day=5),
    "five-a-day-500": Shape(engagements=500, experts=60, max_per_day=5, open_days=1),
    "quarter-hours": Shape(slot_minutes=15),
    "hours": Shape(slot_minutes=60),
    "regions": Shape(engagements=500, experts=120, regions=5),
    "replan": Shape(held_until=dt.date(2025, 11, 1)),
    "replan-500": Shape(engagements=500, experts=120, held_until=dt.date(2025, 11, 1)),
    "all-but-one": Shape(free=1),
    "all-but-one-500": Shape(engagements=500, experts=120, free=1),
    "few-experts": Shape(engagements=2000, experts=30),
    "few-experts-tight": Shape(engagements=2000, experts=30, tightness=10),
    "scarce-2000": Shape(engagements=2000, experts=500, scarce=True, tightness=0.97),
    "large": Shape(engagements=10_000, experts=2400, regions=20),
}
