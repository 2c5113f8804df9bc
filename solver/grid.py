"""A problem compiled to integers: days, start masks, pairs and pins in flat arrays.

Days count from the first day of the period, minutes from midnight. A *start* is one of the
minutes of a day on which a session may begin; the starts of a day are bits of `WORDS` 64-bit
words. Everything below the reading of the file works on these arrays alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.kernel import kernel
from solver.openings import Openings, list_openings
from solver.problem import WEEKDAYS, Candidate, Engagement, Expert, Moment, OpenHours, Pin, Problem

IntArray = NDArray[np.int64]
MaskArray = NDArray[np.uint64]

DAY_MINUTES = 24 * 60
MAX_SESSIONS = 5
NO_DAY = -1
OUTSIDE = -2
"""The day of a published session before the period: wherever it is held now, it was moved."""


class Grid(NamedTuple):
    """The compiled problem. A = engagements, E = experts, P = pairs, D = days, W = words.

    A NamedTuple of arrays and integers, because compiled kernels take it as one argument.
    """

    days: int
    words: int
    start_minutes: IntArray  # (S,) minute of the day of each start, ascending
    week_of_day: IntArray  # (D,) running number of the ISO week
    travel: IntArray  # (places, places) minutes
    leave: IntArray  # (places,) the shortest way from each place to wherever
    # experts
    expert_starts: MaskArray  # (E, durations, D, W)
    expert_place: IntArray  # (E,)
    max_per_day: IntArray  # (E,)
    max_per_week: IntArray  # (E,)
    max_total: IntArray  # (E,)
    target_total: IntArray  # (E,)
    # engagements
    sessions: IntArray  # (A,) how many are wanted
    duration: IntArray  # (A, 5) minutes
    duration_index: IntArray  # (A, 5) into the second axis of expert_starts
    row: IntArray  # (A, 5) into the first axis of engagement_starts
    row_offset: IntArray  # (A + 1,) the rows of engagement a are offset[a] … offset[a + 1]
    engagement_starts: MaskArray  # (rows, D, W) where the organization could begin a session
    preferred_starts: MaskArray  # (rows, D, W) where it would be glad to
    first_day: IntArray  # (A,) earliest
    last_day: IntArray  # (A,) latest
    min_gap: IntArray  # (A,)
    target_gap: IntArray  # (A,)
    max_gap: IntArray  # (A,)
    week_need: IntArray  # (A,) room an expert's week needs before two sessions fall into it
    site: IntArray  # (A,) place, -1 online
    weight: IntArray  # (A,)
    pin_day: IntArray  # (A, 5) day of a pinned session, -1 where it is free
    pin_minute: IntArray  # (A, 5)
    pin_expert: IntArray  # (A, 5)
    least: IntArray  # (A,) the highest pinned number: fewer sessions are no plan
    current_day: IntArray  # (A, 5) day of the published session, -1 where there is none
    current_minute: IntArray  # (A, 5)
    # pairs of an engagement and an expert who may serve its free sessions
    pair_offset: IntArray  # (A + 1,) the pairs of engagement a are offset[a] … offset[a + 1]
    pair_expert: IntArray  # (P,)
    pair_engagement: IntArray  # (P,)
    pair_session_cost: IntArray  # (P,) match and travel of each free session
    pair_once_cost: IntArray  # (P,) change of expert, once
    openings: Openings
    # weights
    unserved: int
    dropped: int
    off_preference: int
    wait: int
    gap: int
    overload: int
    move: int


def compile_grid(problem: Problem) -> Grid:
    """Compile a checked problem."""
    calendar = problem.calendar
    days = (calendar.last_day - calendar.first_day).days + 1
    starts = np.arange(0, DAY_MINUTES, calendar.slot_minutes, dtype=np.int64)
    words = -(-len(starts) // 64)
    weekday_of_day = (calendar.first_day.weekday() + np.arange(days)) % 7
    open_day = np.ones(days, dtype=np.bool_)
    for closed in calendar.closed_days:
        if calendar.first_day <= closed <= calendar.last_day:
            open_day[(closed - calendar.first_day).days] = False
    masks = _MaskCompiler(calendar.first_day, starts, words, weekday_of_day, open_day)

    experts, engagements = problem.experts, problem.engagements
    durations = sorted({m for engagement in engagements for m in engagement.durations}) or [60]
    duration_number = {minutes: index for index, minutes in enumerate(durations)}
    expert_rows = [(index, m) for index in range(len(experts)) for m in durations]
    expert_starts = masks.rows(experts, expert_rows, [(0, days - 1)] * len(experts)).reshape(
        len(experts), len(durations), days, words
    )

    engagement_rows = [
        (index, minutes)
        for index, engagement in enumerate(engagements)
        for minutes in sorted(set(engagement.durations))
    ]
    row_number = {key: row for row, key in enumerate(engagement_rows)}
    first = _day_numbers(calendar.first_day, (e.earliest for e in engagements))
    last = _day_numbers(calendar.first_day, (e.latest for e in engagements))
    windows = list(zip(first.tolist(), last.tolist(), strict=True))
    wishes = [
        _Wishes(e.preferred or tuple(OpenHours(d, 0, DAY_MINUTES) for d in WEEKDAYS))
        for e in engagements
    ]

    engagement_starts = masks.rows(engagements, engagement_rows, windows)
    preferred_starts = masks.rows(wishes, engagement_rows, windows)
    row_offset = np.cumsum([0, *(len(set(e.durations)) for e in engagements)])

    def by_session(values: Iterable[Sequence[int]]) -> IntArray:
        table = np.full((len(engagements), MAX_SESSIONS), NO_DAY, dtype=np.int64)
        for index, row in enumerate(values):
            table[index, : len(row)] = row
        return table

    place_number = {place: index for index, place in enumerate(problem.travel_minutes.places)}
    expert_number = {expert.id: index for index, expert in enumerate(experts)}
    pins = _Pins(problem, expert_number)
    pairs = _Pairs(problem, expert_number, place_number)
    weights = problem.weights
    return Grid(
        days=days,
        words=words,
        start_minutes=starts,
        week_of_day=(np.arange(days) + calendar.first_day.weekday()) // 7,
        travel=np.array(problem.travel_minutes.minutes, dtype=np.int64).reshape(
            len(place_number), len(place_number)
        ),
        leave=np.array([min(row) for row in problem.travel_minutes.minutes], dtype=np.int64),
        expert_starts=expert_starts,
        expert_place=_integers(place_number[expert.place] for expert in experts),
        max_per_day=_integers(expert.max_per_day for expert in experts),
        max_per_week=_integers(expert.max_per_week for expert in experts),
        max_total=_integers(expert.max_total for expert in experts),
        target_total=_integers(expert.target_total for expert in experts),
        sessions=_integers(len(e.durations) for e in engagements),
        duration=by_session(e.durations for e in engagements),
        duration_index=by_session([duration_number[m] for m in e.durations] for e in engagements),
        row=by_session(
            [row_number[index, m] for m in e.durations] for index, e in enumerate(engagements)
        ),
        row_offset=row_offset,
        engagement_starts=engagement_starts,
        preferred_starts=preferred_starts,
        first_day=first,
        last_day=last,
        min_gap=_integers(e.min_gap_days for e in engagements),
        target_gap=_integers(e.target_gap_days for e in engagements),
        max_gap=_integers(e.max_gap_days for e in engagements),
        week_need=_integers(_week_need(e.min_gap_days) for e in engagements),
        site=_integers(-1 if e.place is None else place_number[e.place] for e in engagements),
        weight=_integers(e.weight for e in engagements),
        pin_day=pins.day,
        pin_minute=pins.minute,
        pin_expert=pins.expert,
        least=pins.least,
        current_day=pins.current_day,
        current_minute=pins.current_minute,
        pair_offset=pairs.offset,
        pair_expert=pairs.expert,
        pair_engagement=pairs.engagement,
        pair_session_cost=pairs.session_cost,
        pair_once_cost=pairs.once_cost,
        openings=list_openings(
            expert_starts,
            engagement_starts,
            preferred_starts,
            starts,
            row_offset,
            _integers(duration_number[minutes] for _, minutes in engagement_rows),
            np.stack([first, last], axis=1),
            pairs.engagement,
            pairs.expert,
        ),
        unserved=weights.unserved,
        dropped=weights.dropped_session,
        off_preference=weights.off_preference,
        wait=weights.wait_per_day,
        gap=weights.gap_per_day,
        overload=weights.overload,
        move=weights.move,
    )


def relax(grid: Grid) -> Grid:
    """The grid for bounds: it forbids only what every plan must avoid."""
    shortest = int(grid.duration.min(initial=DAY_MINUTES, where=grid.duration > 0))
    # Only consecutive sessions need the way between them: where one in between could shorten it,
    # nothing may be forbidden.
    direct = all(
        (grid.travel <= grid.travel[:, [via]] + grid.travel[[via], :] + shortest).all()
        for via in range(len(grid.travel))
    )
    return share_weeks(grid)._replace(
        travel=grid.travel if direct else np.zeros_like(grid.travel),
        leave=grid.leave if direct else np.zeros_like(grid.leave),
    )


def one_a_day(grid: Grid) -> Grid:
    """The grid for a plan: it never holds two sessions of one engagement on one day."""
    return grid._replace(min_gap=np.maximum(grid.min_gap, 1))


def share_weeks(grid: Grid) -> Grid:
    """The grid for the search: two sessions of one engagement share a week that has room for two.

    Where a third one finds no room there, tracing the path refuses it, at the cost of one step.
    """
    return grid._replace(week_need=np.minimum(grid.week_need, 2))


def _integers(values: Iterable[int]) -> IntArray:
    return np.fromiter(values, dtype=np.int64)


def _day_numbers(first_day: dt.date, dates: Iterable[dt.date]) -> IntArray:
    return _integers((date - first_day).days for date in dates)


def _week_need(min_gap_days: int) -> int:
    """How many sessions of one engagement can fall into one week, at the most.

    The shortest path over days sees two sessions at a time: where more could share a week it
    asks for room for all of them before it lets two share it.
    """
    return 1 + 6 // max(1, min_gap_days)


def split_moment(first_day: dt.date, moment: Moment) -> tuple[int, int]:
    """The day and the minute of a local time, counted from the first day of the period."""
    return (moment.date() - first_day).days, moment.hour * 60 + moment.minute


class _Wishes(NamedTuple):
    """The preferred hours of an engagement, in the shape of somebody's calendar."""

    open: tuple[OpenHours, ...]
    busy: tuple[tuple[dt.datetime, dt.datetime], ...] = ()


class _Pins:
    """Pinned and published sessions as tables of engagement × session."""

    def __init__(self, problem: Problem, expert_number: dict[str, int]) -> None:
        shape = (len(problem.engagements), MAX_SESSIONS)
        self.day, self.minute, self.expert, self.current_day, self.current_minute = (
            np.full(shape, NO_DAY, dtype=np.int64) for _ in range(5)
        )
        self.least = np.zeros(shape[0], dtype=np.int64)
        first_day = problem.calendar.first_day
        for index, engagement in enumerate(problem.engagements):
            for pin in engagement.pinned:
                at = index, pin.session - 1
                self.day[at], self.minute[at] = split_moment(first_day, pin.start)
                self.expert[at] = expert_number[pin.expert]
                self.least[index] = max(self.least[index], pin.session)
            if engagement.current is not None:
                for number, start in enumerate(engagement.current.starts):
                    at = index, number
                    day, self.current_minute[at] = split_moment(first_day, start)
                    # A day outside the period is no day of a session, but NO_DAY neither.
                    self.current_day[at] = day if day >= 0 else OUTSIDE


class _Pairs:
    """Who may serve the free sessions of which engagement, and what that costs a session."""

    def __init__(
        self, problem: Problem, expert_number: dict[str, int], place_number: dict[str, int]
    ) -> None:
        self._problem = problem
        self._place_number = place_number
        offset, expert, engagement, session_cost, once_cost = [0], [], [], [], []
        for index, each in enumerate(problem.engagements):
            for candidate in _allowed(each):
                number = expert_number[candidate.expert]
                expert.append(number)
                engagement.append(index)
                session_cost.append(self._session_cost(each, candidate, problem.experts[number]))
                changed = each.current is not None and each.current.expert != candidate.expert
                once_cost.append(problem.weights.change_expert if changed else 0)
            offset.append(len(expert))
        self.offset = np.array(offset, dtype=np.int64)
        self.expert = np.array(expert, dtype=np.int64)
        self.engagement = np.array(engagement, dtype=np.int64)
        self.session_cost = np.array(session_cost, dtype=np.int64)
        self.once_cost = np.array(once_cost, dtype=np.int64)

    def _session_cost(self, engagement: Engagement, candidate: Candidate, expert: Expert) -> int:
        weights = self._problem.weights
        total = weights.match * candidate.cost
        if engagement.place is not None:
            row = self._problem.travel_minutes.minutes[self._place_number[expert.place]]
            minutes = row[self._place_number[engagement.place]]
            total += weights.travel_per_10_minutes * (minutes // 10)
        return total


def _allowed(engagement: Engagement) -> list[Candidate]:
    """The experts who may serve the sessions that are not pinned (hard rule 1)."""
    last: Pin | None = max(engagement.pinned, key=lambda pin: pin.session, default=None)
    return [
        candidate
        for candidate in engagement.candidates
        if last is None or engagement.reassign or candidate.expert == last.expert
    ]


class _MaskCompiler:
    """Turns weekly hours and busy times into start masks, many calendars at once."""

    def __init__(
        self,
        first_day: dt.date,
        starts: IntArray,
        words: int,
        weekday_of_day: IntArray,
        open_day: NDArray[np.bool_],
    ) -> None:
        self._midnight = dt.datetime.combine(first_day, dt.time())
        self._starts = starts
        self._words = words
        self._weekday_of_day = weekday_of_day
        self._open_day = open_day

    def rows(
        self,
        calendars: Sequence[Expert | Engagement | _Wishes],
        rows: Sequence[tuple[int, int]],
        windows: Sequence[tuple[int, int]],
    ) -> MaskArray:
        """Masks (rows, D, W): the starts of a session of `minutes` in calendar `index`."""
        hours = [(WEEKDAYS.index(h.weekday), h.opens, h.closes) for c in calendars for h in c.open]
        busy = [
            (self._minutes(start), self._minutes(end))
            for calendar in calendars
            for start, end in calendar.busy
        ]
        masks = np.zeros((len(rows), len(self._open_day), self._words), dtype=np.uint64)
        _fill_masks(
            masks,
            self._starts,
            self._weekday_of_day,
            self._open_day,
            np.array(rows, dtype=np.int64).reshape(-1, 2),
            np.array(windows, dtype=np.int64).reshape(-1, 2),
            np.array(hours, dtype=np.int64).reshape(-1, 3),
            np.cumsum([0, *(len(c.open) for c in calendars)]),
            np.array(busy, dtype=np.int64).reshape(-1, 2),
            np.cumsum([0, *(len(c.busy) for c in calendars)]),
        )
        return masks

    def _minutes(self, moment: dt.datetime) -> int:
        return int((moment - self._midnight).total_seconds() // 60)


@kernel
def _fill_masks(
    masks: MaskArray,
    starts: IntArray,
    weekday_of_day: IntArray,
    open_day: NDArray[np.bool_],
    rows: IntArray,
    windows: IntArray,
    hours: IntArray,
    hours_offset: IntArray,
    busy: IntArray,
    busy_offset: IntArray,
) -> None:
    one = np.uint64(1)
    for row in range(len(rows)):
        calendar, minutes = rows[row]
        for day in range(windows[calendar, 0], windows[calendar, 1] + 1):
            if not open_day[day]:
                continue
            for i in range(hours_offset[calendar], hours_offset[calendar + 1]):
                if hours[i, 0] != weekday_of_day[day]:
                    continue
                for s in range(len(starts)):
                    end = starts[s] + minutes
                    # A session ends on the day on which it starts, before midnight.
                    if hours[i, 1] <= starts[s] and end <= hours[i, 2] and end < DAY_MINUTES:
                        masks[row, day, s >> 6] |= one << np.uint64(s & 63)
        for i in range(busy_offset[calendar], busy_offset[calendar + 1]):
            first = max(busy[i, 0] // DAY_MINUTES, windows[calendar, 0])
            last = min((busy[i, 1] - 1) // DAY_MINUTES, windows[calendar, 1])
            for day in range(first, last + 1):
                for s in range(len(starts)):
                    start = day * DAY_MINUTES + starts[s]
                    if start < busy[i, 1] and busy[i, 0] < start + minutes:
                        masks[row, day, s >> 6] &= ~(one << np.uint64(s & 63))
