"""A plan as one picture: experts down, weeks across, one thread for each engagement."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from matcher.report.svg import Drawing

Phase = Literal["action_plan", "manual_development", "finalization"]

PHASES: dict[Phase, tuple[str, str]] = {
    "action_plan": ("第1回 行動計画の策定", "Session 1: action plan"),
    "manual_development": ("第2~4回 マニュアル作成支援", "Sessions 2–4: manual development"),
    "finalization": ("第5回 総仕上げ・運用確認", "Session 5: finalization"),
}


@dataclass(frozen=True)
class Visit:
    """One session: a mark."""

    number: int
    phase: Phase
    start: dt.datetime
    """Wall-clock time."""
    online: bool


@dataclass(frozen=True)
class Thread:
    """One engagement's sessions with one expert, in order of time: marks on a thread."""

    organization_ja: str
    organization_en: str
    visits: tuple[Visit, ...]


@dataclass(frozen=True)
class Row:
    """One expert: threads, and the load beside them, in sessions."""

    name_ja: str
    name_en: str
    threads: tuple[Thread, ...]
    load: int
    target: int
    maximum: int


@dataclass(frozen=True)
class Picture:
    """All that is drawn."""

    title_ja: str
    title_en: str
    first_day: dt.date
    last_day: dt.date
    closed_days: frozenset[dt.date]
    rows: tuple[Row, ...]
    served: int
    accepted: int
    cost: int
    bound: int
    gap: float


WIDTH = 1240
MARGIN = 28
NAMES = 132
"""Width of the column of names."""
LOADS = 150
"""Width of the column of loads."""
LEFT = MARGIN + NAMES
RIGHT = WIDTH - MARGIN - LOADS
HEADER = 236
LANE = 11
"""Height of one thread."""
LEAST_ROW = 32
WEEKS = 92
"""Height of the sessions by week below the rows."""
BAR = 92
"""Length of the bar of the expert with the highest cap."""

STYLE = """
text { font-family: sans-serif; fill: #1f2937; font-size: 12px }
.heading { font-size: 22px; font-weight: 600 }
.figure { font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums }
.subtitle { font-size: 13px; fill: #5b6573 }
.small { font-size: 10.5px; fill: #5b6573 }
.name { font-size: 13px; font-weight: 500 }
.end { text-anchor: end }
.page { fill: #ffffff }
.card { fill: #f5f7fa }
.band { fill: #f7f9fb }
.closed { fill: #e3e7ed }
.week { stroke: #eef1f5; stroke-width: 1 }
.month { stroke: #b8c1cd; stroke-width: 1 }
.thread { stroke: #c3cedb; stroke-width: 2 }
.action_plan { fill: #14467f; stroke: #14467f }
.manual_development { fill: #57a3d9; stroke: #57a3d9 }
.finalization { fill: #e2762d; stroke: #e2762d }
.mark { stroke-width: 1.8 }
.online { fill: #ffffff }
.cap { fill: #e8ecf1 }
.load { fill: #8aa4bd }
.over { fill: #c2415d }
.target { stroke: #14467f; stroke-width: 1.6 }
.weekly { fill: #9db4cb }
"""


def draw_plan(picture: Picture) -> bytes:
    """Draw a plan as one SVG: UTF-8 XML, readable at 1,240 pixels and scalable."""
    tops = list(_tops(picture.rows))
    bottom = tops[-1]
    page = Drawing.page(
        WIDTH,
        bottom + WEEKS + MARGIN,
        title=f"{picture.title_ja} {picture.title_en}",
        description=_describe(picture),
        style=STYLE,
    )
    page.rectangle(0, 0, WIDTH, bottom + WEEKS + MARGIN, class_="page")
    scale = Scale(picture.first_day, picture.last_day)
    _draw_heading(page, picture)
    _draw_legend(page)
    _draw_bands(page, tops)
    _draw_calendar(page, picture, scale, bottom)
    most = max((row.maximum for row in picture.rows), default=1)
    for row, top, end in zip(picture.rows, tops, tops[1:], strict=False):
        _draw_row(page, row, top, end, scale)
        _draw_load(page, row, (top + end) / 2, most)
    _draw_weeks(page, picture, scale, bottom)
    return page.to_bytes()


@dataclass(frozen=True)
class Scale:
    """From days to pixels, linear over the implementation period."""

    first_day: dt.date
    last_day: dt.date

    @property
    def day(self) -> float:
        """The width of a day."""
        return (RIGHT - LEFT - 16) / ((self.last_day - self.first_day).days + 1)

    def x(self, day: dt.date) -> float:
        """The left edge of a day."""
        return LEFT + (day - self.first_day).days * self.day

    def x_of(self, moment: dt.datetime) -> float:
        """The middle of the day of a moment."""
        return self.x(moment.date()) + self.day / 2


def _describe(picture: Picture) -> str:
    sessions = sum(row.load for row in picture.rows)
    return (
        f"{len(picture.rows)} experts serve {picture.served} of {picture.accepted} engagements in "
        f"{sessions} sessions from {picture.first_day} to {picture.last_day}. Cost {picture.cost:,},"
        f" proven lower bound {picture.bound:,}, gap {picture.gap:.2%}."
    )


def _draw_heading(page: Drawing, picture: Picture) -> None:
    page.text(MARGIN, 44, picture.title_ja, class_="heading")
    page.text(MARGIN, 64, picture.title_en, class_="subtitle")
    sessions = sum(row.load for row in picture.rows)
    figures = (
        ("派遣先", "served", f"{picture.served} / {picture.accepted}"),
        ("派遣回数", "sessions", f"{sessions:,}"),
        ("費用", "cost", f"{picture.cost:,}"),
        ("証明済みの下界", "proven bound", f"{picture.bound:,}"),
        ("最適との差", "gap, at most", f"{picture.gap:.2%}"),
    )
    step = (WIDTH - 2 * MARGIN + 10) / len(figures)
    for index, (name_ja, name_en, figure) in enumerate(figures):
        x = MARGIN + index * step
        page.rectangle(x, 82, step - 10, 60, rx=6, class_="card")
        page.text(x + 14, 110, figure, class_="figure")
        page.text(x + 14, 131, name_ja)
        page.text(x + step - 24, 131, name_en, class_="small end")


def _draw_legend(page: Drawing) -> None:
    x, y = float(MARGIN), 170.0
    for phase, (name_ja, name_en) in PHASES.items():
        _draw_mark(page, x + 5, y - 4, phase, online=False)
        page.text(x + 17, y, name_ja)
        page.text(x + 17, y + 16, name_en, class_="small")
        x += 214
    _draw_mark(page, x + 5, y - 4, "manual_development", online=True)
    page.text(x + 17, y, "オンライン")
    page.text(x + 17, y + 16, "Online", class_="small")
    x += 106
    page.rectangle(x, y - 11, 12, 14, class_="closed")
    page.text(x + 19, y, "休業日")
    page.text(x + 19, y + 16, "Closed", class_="small")


def _draw_mark(page: Drawing, x: float, y: float, phase: Phase, *, online: bool) -> None:
    kind = f"mark {phase} online" if online else f"mark {phase}"
    page.circle(x, y, 3.6, class_=kind)


def _draw_bands(page: Drawing, tops: Sequence[float]) -> None:
    for top, end in list(zip(tops, tops[1:], strict=False))[::2]:
        page.rectangle(MARGIN - 8, top, WIDTH - 2 * MARGIN + 16, end - top, class_="band")


def _draw_calendar(page: Drawing, picture: Picture, scale: Scale, bottom: float) -> None:
    end = bottom + WEEKS - 18
    for day in sorted(picture.closed_days):
        if picture.first_day <= day <= picture.last_day:
            page.rectangle(scale.x(day), HEADER, scale.day, bottom - HEADER, class_="closed")
    for day in _days(picture.first_day, picture.last_day):
        if day.weekday() == 0:
            page.line(scale.x(day), HEADER, scale.x(day), end, class_="week")
    for day in _days(picture.first_day, picture.last_day):
        if day.day == 1 or day == picture.first_day:
            page.line(scale.x(day), HEADER - 26, scale.x(day), end, class_="month")
            _name_month(page, day, scale.x(day) + 5, picture)


def _name_month(page: Drawing, day: dt.date, x: float, picture: Picture) -> None:
    turns = day == picture.first_day or day.month == 1
    page.text(x, HEADER - 14, f"{day.year}年{day.month}月" if turns else f"{day.month}月")
    page.text(x, HEADER - 2, f"{day:%b %Y}" if turns else f"{day:%b}", class_="small")


def _draw_row(page: Drawing, row: Row, top: float, end: float, scale: Scale) -> None:
    middle = (top + end) / 2
    page.text(MARGIN, middle - 1, row.name_ja, class_="name")
    page.text(MARGIN, middle + 12, row.name_en, class_="small")
    lanes = _lanes(row.threads)
    first = middle - (len(lanes) - 1) * LANE / 2
    for index, lane in enumerate(lanes):
        for thread in lane:
            _draw_thread(page, thread, first + index * LANE, scale)


def _draw_thread(page: Drawing, thread: Thread, y: float, scale: Scale) -> None:
    visits = thread.visits
    group = page.group(title=_tell(thread))
    group.line(scale.x_of(visits[0].start), y, scale.x_of(visits[-1].start), y, class_="thread")
    for visit in visits:
        _draw_mark(group, scale.x_of(visit.start), y, visit.phase, online=visit.online)


def _tell(thread: Thread) -> str:
    lines = (f"{visit.number}: {visit.start:%Y-%m-%d %H:%M}" for visit in thread.visits)
    return "\n".join((thread.organization_ja, thread.organization_en, *lines))


def _draw_load(page: Drawing, row: Row, middle: float, most: int) -> None:
    x, unit = RIGHT, BAR / most
    within = min(row.load, row.target)
    page.rectangle(x, middle - 5, row.maximum * unit, 10, rx=2, class_="cap")
    page.rectangle(x, middle - 5, within * unit, 10, rx=2, class_="load")
    if row.load > row.target:
        over = (row.load - row.target) * unit
        page.rectangle(x + within * unit, middle - 5, over, 10, class_="over")
    mark = x + row.target * unit
    page.line(mark, middle - 8, mark, middle + 8, class_="target")
    page.text(WIDTH - MARGIN, middle + 4, f"{row.load} / {row.maximum}", class_="end")


def _draw_weeks(page: Drawing, picture: Picture, scale: Scale, top: float) -> None:
    page.text(RIGHT, HEADER - 14, "担当回数・目標・上限")
    page.text(RIGHT, HEADER - 2, "Load, target, maximum", class_="small")
    page.text(MARGIN, top + 40, "週ごとの派遣回数", class_="name")
    page.text(MARGIN, top + 54, "Sessions a week", class_="small")
    weekly = Counter(
        visit.start.date() - dt.timedelta(days=visit.start.weekday())
        for row in picture.rows
        for thread in row.threads
        for visit in thread.visits
    )
    base, height = top + WEEKS - 18, WEEKS - 46
    for monday, sessions in sorted(weekly.items()):
        length = height * sessions / max(weekly.values())
        left = max(scale.x(monday), LEFT)
        page.rectangle(left + 3, base - length, 5 * scale.day, length, class_="weekly", rx=1)
        middle = left + 3 + 2.5 * scale.day
        page.text(middle, base - length - 4, str(sessions), class_="small", text_anchor="middle")
    page.line(LEFT, base, RIGHT - 16, base, class_="month")


def _tops(rows: Iterable[Row]) -> Iterator[float]:
    top = float(HEADER + 6)
    for row in rows:
        yield top
        top += max(LEAST_ROW, len(_lanes(row.threads)) * LANE + 10)
    yield top


def _lanes(threads: Iterable[Thread]) -> list[list[Thread]]:
    """Lay threads on as few lanes as possible, first come first, so that none covers another."""
    lanes: list[list[Thread]] = []
    for thread in sorted(threads, key=lambda thread: thread.visits[0].start):
        free = (lane for lane in lanes if _clear(lane[-1], thread))
        lane = next(free, None)
        if lane is None:
            lanes.append([thread])
        else:
            lane.append(thread)
    return lanes


def _clear(before: Thread, after: Thread) -> bool:
    return after.visits[0].start - before.visits[-1].start >= dt.timedelta(days=4)


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for offset in range((last - first).days + 1):
        yield first + dt.timedelta(days=offset)
