"""The ways between the places of a problem, in minutes from door to door."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

from matcher.geography import travel_minutes
from solver import problem as problem_1

UNREACHABLE_MINUTES = 24 * 60
"""Between an island and elsewhere: longer than a day leaves room for. Nobody is sent that way."""


class _Shortcut(NamedTuple):
    """A way that was gone in less time than it takes by now, because a place has changed since."""

    engagement_id: str
    other: str
    minutes: int

    @property
    def place(self) -> str:
        """The site of the engagement, by a name of its own: the way is shorter from there alone."""
        return f"site-{self.engagement_id}"


@dataclass(frozen=True)
class Ways:
    """The ways of a problem, with those that were gone in less time than they take by now."""

    shortcuts: tuple[_Shortcut, ...]
    sites: Mapping[str, str]
    """By the place of a shortcut: where it is."""

    @classmethod
    def of(
        cls,
        engagements: Sequence[problem_1.Engagement],
        homes: Mapping[str, str],
        first_free_day: dt.date,
    ) -> Self:
        """The ways between the sessions of some engagements; `homes` are their experts' places."""
        shortcuts = tuple(_shortcuts(engagements, homes, first_free_day))
        codes = {each.id: each.place or "" for each in engagements}
        return cls(shortcuts, {each.place: codes[each.engagement_id] for each in shortcuts})

    def placed(self, engagement: problem_1.Engagement) -> problem_1.Engagement:
        """An engagement at the place of its own from which a way is shorter, if there is one."""
        for each in self.shortcuts:
            if each.engagement_id == engagement.id:
                return engagement.model_copy(update={"place": each.place})
        return engagement

    def travel(
        self,
        experts: Iterable[problem_1.Expert],
        engagements: Iterable[problem_1.Engagement],
    ) -> problem_1.Travel:
        """Door to door between the municipalities in use, and from what is `placed`."""
        codes = {each.place for each in experts} | {each.place for each in engagements}
        places = tuple(sorted(filter(None, codes)))
        shorter = self._shorter()
        return problem_1.Travel(
            places=places,
            minutes=tuple(
                tuple(
                    shorter.get((origin, site), _way(self._site(origin), self._site(site)))
                    for site in places
                )
                for origin in places
            ),
        )

    def _shorter(self) -> Mapping[tuple[str, str], int]:
        """The minutes of each way that is short, both ways."""
        shorter: dict[tuple[str, str], int] = {}
        for each in self.shortcuts:
            there = {place for place, site in self.sites.items() if site == each.other}
            for end in {each.other} | there:
                for way in ((each.place, end), (end, each.place)):
                    shorter[way] = min(each.minutes, shorter.get(way, each.minutes))
        return shorter

    def _site(self, place: str) -> str:
        return self.sites.get(place, place)


def _shortcuts(
    engagements: Iterable[problem_1.Engagement],
    homes: Mapping[str, str],
    first_free_day: dt.date,
) -> Iterator[_Shortcut]:
    """The ways between sessions that are over and would not leave the time for them by now.

    What took place took place, wherever its engagement or its expert has moved since: like a cap
    that was lowered, such a way is taken as it was, or nothing could be planned for anybody.
    """
    days: dict[tuple[str, dt.date], list[tuple[dt.datetime, int, problem_1.Engagement]]]
    days = defaultdict(list)
    for each in engagements:
        for pin in each.pinned:
            if pin.start.date() < first_free_day:
                minutes = each.durations[pin.session - 1]
                days[pin.expert, pin.start.date()].append((pin.start, minutes, each))
    for (expert, _), visits in days.items():
        ordered = sorted(visits, key=lambda visit: visit[0])
        for (start, minutes, one), (then, _, other) in pairwise(ordered):
            left = int((then - start).total_seconds()) // 60 - minutes
            here, there = one.place or homes[expert], other.place or homes[expert]
            if one.place is None and other.place is None:
                continue
            if 0 <= left < _way(here, there):
                moved, end = (one, there) if one.place else (other, here)
                yield _Shortcut(moved.id, end, left)


def _way(origin: str, site: str) -> int:
    minutes = travel_minutes(origin, site)
    return UNREACHABLE_MINUTES if minutes is None else minutes
