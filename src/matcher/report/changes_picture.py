"""The changes of a plan or a release as one picture: experts down, weeks across.

What was published is an outline, what is to be is filled, and an arrow leads from the one to the
other. Only the experts concerned are drawn, and of their sessions those that change.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from matcher.clock import wall_time
from matcher.planning.comparing.comparison import Comparison, ToldSession
from matcher.planning.comparing.differences import ChangeKind
from matcher.planning.publishing.snapshots import SnapshotSession
from matcher.programme import Words
from matcher.report.changes import KINDS, SERVICES, title_words
from matcher.report.picture import LEFT, MARGIN, WIDTH, Scale
from matcher.report.svg import Drawing

HEADER = 244
LANE = 40
"""Height of the changes of one engagement with one expert."""
RADIUS = 7.0
LIFT = 9.0
"""What was published stands so much above the middle of its lane, what is to be below it."""
MARGIN_DAYS = 4
"""Days that are shown before the first change and after the last."""
LETTER = 6.4
"""Width of a letter of a label."""
DAY_LABELS_UP_TO = 120
"""Days across, up to which each Monday has its date."""

Heights = dict[tuple[str, str], float]
"""The middle of the lane of an expert and an engagement."""
Spans = dict[str, dict[str, list[float]]]
"""By expert and engagement, where its changes are drawn across."""

STYLE = """
text { font-family: sans-serif; fill: #1f2937; font-size: 12px }
.heading { font-size: 22px; font-weight: 600 }
.figure { font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums }
.subtitle { font-size: 13px; fill: #5b6573 }
.small { font-size: 10.5px; fill: #5b6573 }
.label { font-size: 10.5px; fill: #374151 }
.name { font-size: 13px; font-weight: 500 }
.end { text-anchor: end }
.page { fill: #ffffff }
.card { fill: #f5f7fa }
.band { fill: #f7f9fb }
.week { stroke: #e6eaf0; stroke-width: 1 }
.month { stroke: #b8c1cd; stroke-width: 1 }
.number { font-size: 9.5px; fill: #ffffff; text-anchor: middle }
.was { fill: #5b6573 }
.before { fill: #ffffff; stroke: #7b8794; stroke-width: 1.4 }
.gone { fill: #c2415d }
.dropped { fill: #fdecef; stroke: #c2415d; stroke-width: 1.8 }
.way { stroke: #7b8794; stroke-width: 1.4; fill: none }
.tip { fill: #7b8794 }
.moved { fill: #1f6fb2; stroke: #1f6fb2 }
.handed_over { fill: #e2762d; stroke: #e2762d }
.added { fill: #2f8f5b; stroke: #2f8f5b }
.other { fill: #8a63b8; stroke: #8a63b8 }
"""


def draw_changes(comparison: Comparison) -> bytes:
    """Draw the changes as one SVG: UTF-8 XML, readable at 1,240 pixels and scalable."""
    scale = _scale(comparison)
    spans = _spans(comparison, scale)
    rows = _rows(comparison, spans)
    tops = list(_tops(rows))
    height = tops[-1] + MARGIN
    title = title_words(comparison)
    page = Drawing.page(
        WIDTH,
        height,
        title=f"{title.ja} {title.en}",
        description=_describe(comparison),
        style=STYLE,
    )
    page.rectangle(0, 0, WIDTH, height, class_="page")
    _draw_heading(page, comparison)
    _draw_legend(page)
    if not rows:
        page.text(LEFT, HEADER + 24, "変更はありません。  Nothing changes.", class_="name")
        return page.to_bytes()
    for top, end in list(pairwise(tops))[::2]:
        page.rectangle(MARGIN - 8, top, WIDTH - 2 * MARGIN + 16, end - top, class_="band")
    _draw_calendar(page, scale, tops[-1])
    heights: Heights = {}
    for row, (top, end) in zip(rows, pairwise(tops), strict=True):
        _draw_name(page, row, (top + end) / 2)
        heights |= {
            (row.expert_id, engagement): (top + end) / 2 + (index - (len(row.lanes) - 1) / 2) * LANE
            for index, lane in enumerate(row.lanes)
            for engagement in lane
        }
    for engagement, told in _changes(comparison):
        _draw_change(page, engagement, told, heights, scale)
    for (expert, engagement), y in heights.items():
        _draw_label(page, engagement, spans[expert][engagement], y)
    return page.to_bytes()


class Row(NamedTuple):
    """An expert, and on each lane the engagements whose changes are drawn there."""

    expert_id: str
    name: Words
    lanes: list[list[str]]


@dataclass(frozen=True)
class _Point:
    x: float
    y: float


def _scale(comparison: Comparison) -> Scale:
    days = [
        wall_time(each.start_at).date() for _, told in _changes(comparison) for each in _ends(told)
    ] or [dt.date.min]
    margin = dt.timedelta(days=MARGIN_DAYS) if len(days) > 1 else dt.timedelta()
    return Scale(min(days) - margin, max(days) + margin)


def _changes(comparison: Comparison) -> Iterator[tuple[str, ToldSession]]:
    for engagement in comparison.engagements:
        for told in engagement.sessions:
            if told.change.kinds != (ChangeKind.RENUMBERED,):
                yield engagement.change.engagement_id, told


def _ends(told: ToldSession) -> Iterator[SnapshotSession]:
    for each in (told.change.before, told.change.after):
        if each is not None:
            yield each


def _spans(comparison: Comparison, scale: Scale) -> Spans:
    spans: Spans = defaultdict(lambda: defaultdict(list))
    for engagement, told in _changes(comparison):
        for each in _ends(told):
            spans[each.expert_id][engagement].append(scale.x_of(wall_time(each.start_at)))
    return spans


def _rows(comparison: Comparison, spans: Spans) -> list[Row]:
    """The experts concerned, by id, their engagements on as few lanes as possible."""
    return [
        Row(expert, comparison.names.experts[expert], _lanes(spans[expert]))
        for expert in sorted(spans)
    ]


def _lanes(spans: dict[str, list[float]]) -> list[list[str]]:
    lanes: list[list[str]] = []
    ends: list[float] = []
    for engagement in sorted(spans, key=lambda each: (min(spans[each]), each)):
        label = LETTER * len(engagement) + 2 * RADIUS + 8
        start, end = min(spans[engagement]) - label, max(spans[engagement]) + label
        free = next((index for index, taken in enumerate(ends) if taken < start + label), None)
        if free is None:
            lanes.append([engagement])
            ends.append(end)
        else:
            lanes[free].append(engagement)
            ends[free] = end
    return lanes


def _tops(rows: Iterable[Row]) -> Iterator[float]:
    """The upper edge of each row, and the lower one of the last."""
    top = float(HEADER + 6)
    yield top
    for row in rows:
        top += len(row.lanes) * LANE + 8
        yield top


def _describe(comparison: Comparison) -> str:
    sessions = sum(1 for _ in comparison.sessions)
    return (
        f"{sessions} sessions of {len(comparison.engagements)} engagements change; "
        f"{comparison.disturbed.count} people had been promised something else."
    )


def _draw_heading(page: Drawing, comparison: Comparison) -> None:
    title = title_words(comparison)
    page.text(MARGIN, 44, title.ja, class_="heading")
    page.text(MARGIN, 64, title.en, class_="subtitle")
    cards = list(_cards(comparison))
    step = (WIDTH - 2 * MARGIN + 10) / len(cards)
    for index, (words, figure) in enumerate(cards):
        x = MARGIN + index * step
        page.rectangle(x, 82, step - 10, 68, rx=6, class_="card")
        page.text(x + 12, 108, figure, class_="figure")
        page.text(x + 12, 127, words.ja, class_="label")
        page.text(x + 12, 142, words.en, class_="small")


def _cards(comparison: Comparison) -> Iterator[tuple[Words, str]]:
    for service, words in SERVICES.items():
        yield words, f"{comparison.count_services(service)}"
    for kind in (
        ChangeKind.MOVED,
        ChangeKind.HANDED_OVER,
        ChangeKind.ADDED,
        ChangeKind.DROPPED,
    ):
        yield KINDS[kind], f"{comparison.count_sessions(kind)}"
    yield (
        Words(ja="影響を受ける団体・専門家", en="people disturbed"),
        f"{comparison.disturbed.count}",
    )
    if comparison.cost is not None:
        more = comparison.cost.after.total - comparison.cost.before.total
        yield Words(ja="費用の増減", en="change of the cost"), f"{more:+,}"


def _draw_legend(page: Drawing) -> None:
    x, y = float(MARGIN), 178.0
    for kind, ja, en in (
        ("before", "変更前(数字は第何回か)", "as published, session 3"),
        ("moved", "変更後の日時", "moved"),
        ("handed_over", "別の専門家へ", "to another expert"),
        ("added", "追加", "added"),
        ("dropped", "取りやめ", "dropped"),
        ("other", "長さ・場所の変更", "another length or place"),
    ):
        _draw_mark(page, _Point(x + 7, y - 1), kind, "3")
        page.text(x + 21, y, ja)
        page.text(x + 21, y + 15, en, class_="small")
        x += 168


def _draw_calendar(page: Drawing, scale: Scale, bottom: float) -> None:
    days = [
        scale.first_day + dt.timedelta(days=number)
        for number in range((scale.last_day - scale.first_day).days + 1)
    ]
    for day in days:
        x = scale.x(day)
        if day.weekday() == 0:
            page.line(x, HEADER, x, bottom, class_="week")
            if len(days) <= DAY_LABELS_UP_TO:
                page.text(x + 3, HEADER - 2, f"{day.day}", class_="small")
        if day.day == 1 or day == days[0]:
            page.line(x, HEADER - 32, x, bottom, class_="month")
            if day.day == 1 or _days_left_in_month(day) * scale.day > 70:
                page.text(
                    x + 4, HEADER - 18, f"{day.year}年{day.month}月 {day:%b %Y}", class_="label"
                )


def _days_left_in_month(day: dt.date) -> int:
    return ((day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - day).days


def _draw_name(page: Drawing, row: Row, middle: float) -> None:
    page.text(MARGIN, middle - 1, row.name.ja, class_="name")
    page.text(MARGIN, middle + 12, f"{row.name.en} ({row.expert_id})", class_="small")


def _draw_change(
    page: Drawing,
    engagement: str,
    told: ToldSession,
    heights: Heights,
    scale: Scale,
) -> None:
    group = page.group(title=f"{told.sentence.ja}\n{told.sentence.en}")
    marks = [
        None
        if each is None
        else _Point(
            scale.x_of(wall_time(each.start_at)), heights[each.expert_id, engagement] + lift
        )
        for each, lift in ((told.change.before, -LIFT), (told.change.after, LIFT))
    ]
    before, after = marks
    if before is not None and after is not None and _apart(before, after) > 2 * LIFT + 1:
        _draw_arrow(group, before, after)
    number = str(told.change.number)
    if before is not None:
        _draw_mark(group, before, "before" if after else "dropped", number)
    if after is not None:
        _draw_mark(group, after, _colour(told.change.kinds), number)


def _colour(kinds: Sequence[ChangeKind]) -> str:
    for kind in (ChangeKind.HANDED_OVER, ChangeKind.MOVED, ChangeKind.ADDED):
        if kind in kinds:
            return kind.value
    return "other"


def _draw_mark(page: Drawing, at: _Point, kind: str, number: str) -> None:
    page.circle(at.x, at.y, RADIUS, class_=kind)
    words = {"before": "number was", "dropped": "number gone"}.get(kind, "number")
    page.text(at.x, at.y + 3.4, number, class_=words)


def _draw_arrow(page: Drawing, start: _Point, end: _Point) -> None:
    """A line from the edge of one mark to the edge of the other, with a tip."""
    way = _apart(start, end)
    along_x, along_y = (end.x - start.x) / way, (end.y - start.y) / way
    tip = _Point(end.x - along_x * (RADIUS + 1), end.y - along_y * (RADIUS + 1))
    foot = _Point(tip.x - along_x * 6, tip.y - along_y * 6)
    page.line(start.x + along_x * RADIUS, start.y + along_y * RADIUS, foot.x, foot.y, class_="way")
    corners = (
        (tip.x, tip.y),
        (foot.x - along_y * 3, foot.y + along_x * 3),
        (foot.x + along_y * 3, foot.y - along_x * 3),
    )
    page.polyline(corners, class_="tip")


def _apart(one: _Point, other: _Point) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def _draw_label(page: Drawing, engagement: str, marks: Sequence[float], y: float) -> None:
    """The engagement beside its last mark, or before its first where the page ends."""
    after = max(marks) + RADIUS + 5
    if after + LETTER * len(engagement) < WIDTH - MARGIN:
        page.text(after, y + 4, engagement, class_="label")
    else:
        page.text(min(marks) - RADIUS - 5, y + 4, engagement, class_="label end")
