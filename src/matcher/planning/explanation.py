"""Why an engagement gets no session: reasons that were checked, in words.

Each candidate is asked the same questions in the same order, and the first that bars the next
session is its reason.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from matcher.errors import NotServable
from matcher.planning.matching import Exclusion
from matcher.programme import Words
from solver.problem import WEEKDAYS, BusyTime, Engagement, Expert, OpenHours, Problem

Obstacle = Literal["fully_booked", "hours_never_meet", "no_free_time", "no_room"]

WORDS: Mapping[Obstacle, Words] = {
    "fully_booked": Words(
        ja="担当回数が上限に達しています", en="already has the largest number of sessions agreed"
    ),
    "hours_never_meet": Words(
        ja="団体の受入可能時間と対応可能時間が重なりません",
        en="has no weekly hours in common with the organization",
    ),
    "no_free_time": Words(
        ja="期間内に団体と共通の空き時間がありません",
        en="has no free time in common with the organization within the period",
    ),
    "no_room": Words(
        ja="共通の空き時間はありますが、移動時間または1日・1週間の上限により日程を組めません",
        en="has free time in common with the organization, but travel or the limits a day and a "
        "week leave no room",
    ),
}
WINDOW_CLOSED = Words(
    ja="実施できる期間が残っていません", en="no day is left on which a session may take place"
)


def window_closed() -> NotServable:
    """There is no day left for another session."""
    return NotServable([WINDOW_CLOSED.en], [WINDOW_CLOSED.ja])


def nobody_may_serve(excluded: Iterable[Exclusion]) -> NotServable:
    """Every expert is excluded; the reasons with the number of experts each keeps away."""
    return _counted(map(_as_reason, excluded))


def _as_reason(exclusion: Exclusion) -> Words:
    """What follows a colon; the fully booked are one group, whatever number they agreed."""
    if exclusion.code == "fully_booked":
        return WORDS["fully_booked"]
    english = exclusion.text_en.rstrip(".")
    return Words(ja=exclusion.text_ja.rstrip("。"), en=english[:1].lower() + english[1:])


def nobody_is_free(problem: Problem, engagement_id: str) -> NotServable:
    """There are candidates, but none can give the next session."""
    engagement = next(each for each in problem.engagements if each.id == engagement_id)
    experts = {each.id: each for each in problem.experts}
    pairs = (_Pair(problem, engagement, experts[each.expert]) for each in engagement.candidates)
    return _counted(WORDS[pair.obstacle()] for pair in pairs)


def _counted(reasons: Iterable[Words]) -> NotServable:
    counts = Counter(reasons).most_common()
    return NotServable(
        [f"{words.en} ({count} expert{'s' * (count > 1)})" for words, count in counts],
        [f"{words.ja}({count}名)" for words, count in counts],
    )


@dataclass(frozen=True)
class _Pair:
    """An engagement and a candidate, and the first session that is not pinned."""

    problem: Problem
    engagement: Engagement
    expert: Expert

    def obstacle(self) -> Obstacle:
        if len(list(self._bound())) >= self.expert.max_total:
            return "fully_booked"
        common = list(_common_hours(self.expert.open, self.engagement.open))
        if not any(hours.closes - hours.opens >= self._minutes for hours in common):
            return "hours_never_meet"
        taken = [*self.expert.busy, *self.engagement.busy, *self._bound()]
        if any(_is_free(visit, taken) for visit in self._visits(common)):
            return "no_room"
        return "no_free_time"

    @property
    def _minutes(self) -> int:
        return self.engagement.durations[len(self.engagement.pinned)]

    def _bound(self) -> Iterator[BusyTime]:
        """The expert's pinned sessions."""
        for each in self.problem.engagements:
            for pin in each.pinned:
                if pin.expert == self.expert.id:
                    length = dt.timedelta(minutes=each.durations[pin.session - 1])
                    yield BusyTime(pin.start, pin.start + length)

    def _visits(self, common: list[OpenHours]) -> Iterator[BusyTime]:
        """Every time in the window that lies within hours of both."""
        closed = frozenset(self.problem.calendar.closed_days)
        slot = self.problem.calendar.slot_minutes
        day = self.engagement.earliest
        while day <= self.engagement.latest:
            midnight = dt.datetime.combine(day, dt.time())
            for hours in common:
                if day in closed or hours.weekday != WEEKDAYS[day.weekday()]:
                    continue
                first = -(-hours.opens // slot) * slot
                for start in range(first, hours.closes - self._minutes + 1, slot):
                    yield BusyTime(
                        midnight + dt.timedelta(minutes=start),
                        midnight + dt.timedelta(minutes=start + self._minutes),
                    )
            day += dt.timedelta(days=1)


def _common_hours(one: Iterable[OpenHours], other: Iterable[OpenHours]) -> Iterator[OpenHours]:
    other = tuple(other)
    for mine in one:
        for theirs in other:
            opens, closes = max(mine.opens, theirs.opens), min(mine.closes, theirs.closes)
            if mine.weekday == theirs.weekday and opens < closes:
                yield OpenHours(mine.weekday, opens, closes)


def _is_free(visit: BusyTime, taken: Iterable[BusyTime]) -> bool:
    return all(visit.end <= each.start or each.end <= visit.start for each in taken)
