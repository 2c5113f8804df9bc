"""A plan as one picture: experts down, weeks across, one thread for each engagement."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matcher.programme import Phase
from matcher.report.figures import ExpertFigures, PlanFigures, Visit
from matcher.report.svg import Drawing

Thread = tuple[Visit, ...]
"""The sessions of one engagement with one expert, in order of time."""

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


def draw_plan(figures: PlanFigures) -> bytes:
    """Draw a plan as one SVG: UTF-8 XML, readable at 1,240 pixels and scalable."""
    rows = [(expert, _lanes(_threads(expert))) for expert in figures.experts]
    tops = list(_tops(len(lanes) for _, lanes in rows))
    bottom = tops[-1]
    page = Drawing.page(
        WIDTH,
        bottom + WEEKS + MARGIN,
        title=f"{_title_ja(figures)} {_title_en(figures)}",
        description=_describe(figures),
        style=STYLE,
    )
    page.rectangle(0, 0, WIDTH, bottom + WEEKS + MARGIN, class_="page")
    scale = Scale(figures.period.first_day, figures.period.last_day)
    _draw_heading(page, figures)
    _draw_legend(page, figures)
    _draw_bands(page, tops)
    _draw_calendar(page, figures, scale, bottom)
    most = max((expert.maximum for expert in figures.experts), default=1)
    for (expert, lanes), (top, end) in zip(rows, pairwise(tops), strict=True):
        middle = (top + end) / 2
        _draw_name(page, expert, middle)
        _draw_lanes(page, lanes, middle, scale)
        _draw_load(page, expert, middle, most)
    _draw_weeks(page, figures, scale, bottom)
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


def _title_ja(figures: PlanFigures) -> str:
    return f"{figures.rules.fiscal_year}年度 {figures.rules.name.ja}"


def _title_en(figures: PlanFigures) -> str:
    return f"{figures.rules.name.en}, fiscal {figures.rules.fiscal_year}: the published plan"


def _describe(figures: PlanFigures) -> str:
    plan = figures.plan
    return (
        f"{len(figures.experts)} experts serve {figures.served} of {figures.engagements} "
        f"engagements in {figures.sessions} sessions from {figures.period.first_day} to "
        f"{figures.period.last_day}. Cost {plan.cost.total:,}, proven lower bound "
        f"{plan.bound:,}, gap {plan.gap:.2%}."
    )


def _draw_heading(page: Drawing, figures: PlanFigures) -> None:
    page.text(MARGIN, 44, _title_ja(figures), class_="heading")
    page.text(MARGIN, 64, _title_en(figures), class_="subtitle")
    plan = figures.plan
    cards = (
        ("派遣先", "served", f"{figures.served} / {figures.engagements}"),
        ("派遣回数", "sessions", f"{figures.sessions} / {figures.wanted_sessions}"),
        ("費用", "cost", f"{plan.cost.total:,}"),
        ("証明済みの下界", "proven bound", f"{plan.bound:,}"),
        ("最適との差", "gap, at most", f"{plan.gap:.2%}"),
    )
    step = (WIDTH - 2 * MARGIN + 10) / len(cards)
    for index, (name_ja, name_en, figure) in enumerate(cards):
        x = MARGIN + index * step
        page.rectangle(x, 82, step - 10, 60, rx=6, class_="card")
        page.text(x + 14, 110, figure, class_="figure")
        page.text(x + 14, 131, name_ja)
        page.text(x + step - 24, 131, name_en, class_="small end")


def _draw_legend(page: Drawing, figures: PlanFigures) -> None:
    x, y = float(MARGIN), 170.0
    for phase in figures.rules.phases:
        numbers = f"{phase.first_session}–{phase.last_session}".removesuffix(
            f"–{phase.first_session}"
        )
        _draw_mark(page, x + 5, y - 4, phase.id, online=False)
        page.text(x + 17, y, f"第{numbers}回 {phase.title.ja}")
        page.text(x + 17, y + 16, f"{numbers}: {phase.title.en}", class_="small")
        x += 288
    _draw_mark(page, x + 5, y - 4, Phase.MANUAL_DEVELOPMENT, online=True)
    page.text(x + 17, y, "オンライン")
    page.text(x + 17, y + 16, "Online", class_="small")
    x += 106
    page.rectangle(x, y - 11, 12, 14, class_="closed")
    page.text(x + 19, y, "休業日")
    page.text(x + 19, y + 16, "Closed", class_="small")


def _draw_mark(page: Drawing, x: float, y: float, phase: Phase, *, online: bool) -> None:
    kind = f"mark {phase.value} online" if online else f"mark {phase.value}"
    page.circle(x, y, 3.6, class_=kind)


def _draw_bands(page: Drawing, tops: Sequence[float]) -> None:
    for top, end in list(pairwise(tops))[::2]:
        page.rectangle(MARGIN - 8, top, WIDTH - 2 * MARGIN + 16, end - top, class_="band")


def _draw_calendar(page: Drawing, figures: PlanFigures, scale: Scale, bottom: float) -> None:
    end = bottom + WEEKS - 18
    for day in sorted(figures.closed_days):
        page.rectangle(scale.x(day), HEADER, scale.day, bottom - HEADER, class_="closed")
    for day in figures.period.days():
        if day.weekday() == 0:
            page.line(scale.x(day), HEADER, scale.x(day), end, class_="week")
    for day in figures.period.days():
        if day.day == 1 or day == figures.period.first_day:
            page.line(scale.x(day), HEADER - 26, scale.x(day), end, class_="month")
            _name_month(page, day, scale.x(day) + 5, figures)


def _name_month(page: Drawing, day: dt.date, x: float, figures: PlanFigures) -> None:
    turns = day == figures.period.first_day or day.month == 1
    page.text(x, HEADER - 14, f"{day.year}年{day.month}月" if turns else f"{day.month}月")
    page.text(x, HEADER - 2, f"{day:%b %Y}" if turns else f"{day:%b}", class_="small")


def _draw_name(page: Drawing, expert: ExpertFigures, middle: float) -> None:
    page.text(MARGIN, middle - 1, expert.name.ja, class_="name")
    page.text(MARGIN, middle + 12, expert.name.en, class_="small")


def _draw_lanes(page: Drawing, lanes: list[list[Thread]], middle: float, scale: Scale) -> None:
    first = middle - (len(lanes) - 1) * LANE / 2
    for index, lane in enumerate(lanes):
        for thread in lane:
            _draw_thread(page, thread, first + index * LANE, scale)


def _draw_thread(page: Drawing, thread: Thread, y: float, scale: Scale) -> None:
    group = page.group(title=_tell(thread))
    group.line(scale.x_of(thread[0].start), y, scale.x_of(thread[-1].start), y, class_="thread")
    for visit in thread:
        _draw_mark(group, scale.x_of(visit.start), y, visit.phase, online=visit.online)


def _tell(thread: Thread) -> str:
    lines = (f"{visit.number}: {visit.start:%Y-%m-%d %H:%M}" for visit in thread)
    return "\n".join((thread[0].organization.ja, thread[0].organization.en, *lines))


def _draw_load(page: Drawing, expert: ExpertFigures, middle: float, most: int) -> None:
    x, unit = RIGHT, BAR / most
    within = min(expert.load, expert.target)
    page.rectangle(x, middle - 5, expert.maximum * unit, 10, rx=2, class_="cap")
    page.rectangle(x, middle - 5, within * unit, 10, rx=2, class_="load")
    if expert.load > expert.target:
        over = (expert.load - expert.target) * unit
        page.rectangle(x + within * unit, middle - 5, over, 10, class_="over")
    mark = x + expert.target * unit
    page.line(mark, middle - 8, mark, middle + 8, class_="target")
    page.text(WIDTH - MARGIN, middle + 4, f"{expert.load} / {expert.maximum}", class_="end")


def _draw_weeks(page: Drawing, figures: PlanFigures, scale: Scale, top: float) -> None:
    page.text(RIGHT, HEADER - 14, "担当回数・目標・上限")
    page.text(RIGHT, HEADER - 2, "Load, target, maximum", class_="small")
    page.text(MARGIN, top + 40, "週ごとの派遣回数", class_="name")
    page.text(MARGIN, top + 54, "Sessions a week", class_="small")
    weekly = Counter(
        visit.start.date() - dt.timedelta(days=visit.start.weekday())
        for expert in figures.experts
        for visit in expert.visits
    )
    base, height = top + WEEKS - 18, WEEKS - 46
    for monday, sessions in sorted(weekly.items()):
        length = height * sessions / max(weekly.values())
        left = max(scale.x(monday), LEFT)
        page.rectangle(left + 3, base - length, 5 * scale.day, length, class_="weekly", rx=1)
        middle = left + 3 + 2.5 * scale.day
        page.text(middle, base - length - 4, str(sessions), class_="small", text_anchor="middle")
    page.line(LEFT, base, RIGHT - 16, base, class_="month")


def _tops(lane_counts: Iterable[int]) -> Iterator[float]:
    """The upper edge of each row, and the lower one of the last."""
    top = float(HEADER + 6)
    for count in lane_counts:
        yield top
        top += max(LEAST_ROW, count * LANE + 10)
    yield top


def _threads(expert: ExpertFigures) -> list[Thread]:
    by_engagement: dict[str, list[Visit]] = {}
    for visit in expert.visits:
        by_engagement.setdefault(visit.engagement_id, []).append(visit)
    return [tuple(visits) for visits in by_engagement.values()]


def _lanes(threads: Iterable[Thread]) -> list[list[Thread]]:
    """Lay threads on as few lanes as possible, first come first, so that none covers another."""
    lanes: list[list[Thread]] = []
    for thread in sorted(threads, key=lambda thread: thread[0].start):
        free = (lane for lane in lanes if _clear(lane[-1], thread))
        lane = next(free, None)
        if lane is None:
            lanes.append([thread])
        else:
            lane.append(thread)
    return lanes


def _clear(before: Thread, after: Thread) -> bool:
    return after[0].start - before[-1].start >= dt.timedelta(days=4)
