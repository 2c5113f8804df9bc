"""Draws results: a small picture an instance, a line a solver, the bound closing in from below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.protocol import SOLVERS
from benchmarks.results import Results
from benchmarks.runner import Point, Run
from matcher.report.svg import Drawing

WIDTH = 1160
MARGIN = 28
COLUMNS = 2
HEADER = 118
PANEL_HEIGHT = 268
TICKS = 62
"""Width of the names of heights, at the left of a panel."""
VALUES = 76
"""Width of the values at the right of a panel, where lines end."""
PLOT_TOP, PLOT_BOTTOM = 40, 232
"""Of a panel's plot, from the panel's top."""
CLOSEST_VALUES = 13
"""Below this distance in pixels values at the ends of lines are moved apart."""

EARLIEST_SECONDS = 0.5
LINEAR = 0.001
"""Heights are linear up to this distance from the bound, logarithmic beyond."""
HIGHEST, LOWEST = 10.0, -0.1
"""Distances from the bound between which is drawn."""
HEIGHTS = (10.0, 1.0, 0.1, 0.01, 0.001, 0.0, -0.001, -0.01, -0.1)

STYLE = """
text { font-family: sans-serif; fill: #1f2937; font-size: 12px }
.heading { font-size: 21px; font-weight: 600 }
.subtitle { fill: #5b6573 }
.title { font-size: 14px; font-weight: 600 }
.tick { font-size: 10.5px; fill: #5b6573 }
.value { font-size: 11px; font-variant-numeric: tabular-nums }
.end { text-anchor: end }
.middle { text-anchor: middle }
.page { fill: #ffffff }
.plot { fill: #f7f9fb }
.grid { stroke: #e3e7ed; stroke-width: 1 }
.proven { stroke: #8a94a3; stroke-width: 1 }
.curve { fill: none; stroke-width: 1.8; stroke-linejoin: round }
.engine { stroke: #14467f; stroke-width: 2.6 }
.bound { fill: none; stroke: #14467f; stroke-width: 1.6; stroke-dasharray: 5 3 }
.timefold { stroke: #e2762d }
.single-model { stroke: #2f8f5b }
.hand-rules { stroke: #8a5aa8 }
.of-engine { fill: #14467f; font-weight: 600 }
.of-timefold { fill: #b4551a }
.of-single-model { fill: #24704a }
.of-hand-rules { fill: #714a8a }
"""


def draw(results: Results) -> bytes:
    """Draw results as one SVG: UTF-8 XML."""
    rows = math.ceil(len(results.instances) / COLUMNS)
    height = HEADER + rows * PANEL_HEIGHT + MARGIN
    page = Drawing.page(
        WIDTH,
        height,
        title="Cost and bound over time",
        description=f"{results.date}, {results.machine}: {', '.join(results.instances)}",
        style=STYLE,
    )
    page.node.attrib["lang"] = "en"
    page.rectangle(0, 0, WIDTH, height, class_="page")
    page.text(MARGIN, 40, "Cost and bound over time", class_="heading")
    page.text(MARGIN, 61, f"{results.date}, {results.machine}", class_="subtitle")
    _draw_legend(page)
    width = (WIDTH - 2 * MARGIN) / COLUMNS
    for index, instance in enumerate(results.instances):
        row, column = divmod(index, COLUMNS)
        left, top = MARGIN + column * width, HEADER + row * PANEL_HEIGHT
        _draw_panel(page, results, instance, left, top, width)
    return page.to_bytes()


@dataclass(frozen=True)
class Scale:
    """From seconds, logarithmic, and costs, by their distance from a bound, to pixels."""

    left: float
    right: float
    top: float
    bottom: float
    latest_seconds: float
    bound: int

    def x(self, seconds: float) -> float:
        """The place of a moment."""
        within = min(max(seconds, EARLIEST_SECONDS), self.latest_seconds)
        share = math.log(within / EARLIEST_SECONDS) / math.log(
            self.latest_seconds / EARLIEST_SECONDS
        )
        return self.left + share * (self.right - self.left)

    def y(self, cost: int) -> float:
        """The place of a cost or a bound."""
        return self.height((cost - self.bound) / max(1, self.bound))

    def height(self, distance: float) -> float:
        """The place of a distance from the bound, as a share of the bound."""
        highest, lowest = _bent(HIGHEST), _bent(LOWEST)
        within = min(max(_bent(distance), lowest), highest)
        return self.bottom - (within - lowest) / (highest - lowest) * (self.bottom - self.top)


def _bent(distance: float) -> float:
    return math.asinh(distance / LINEAR)


def _draw_legend(page: Drawing) -> None:
    x = float(MARGIN)
    for name, title in [(each.name, each.title) for each in SOLVERS] + [
        ("bound", "the bound this engine has proven")
    ]:
        page.line(x, 88, x + 26, 88, class_="bound" if name == "bound" else f"curve {name}")
        page.text(x + 33, 92, title)
        x += 52 + 6.6 * len(title)
    page.text(
        MARGIN,
        HEADER - 6,
        "Height: distance from the best proven bound. Across: seconds since the process began.",
        class_="tick",
    )


def _draw_panel(
    page: Drawing, results: Results, instance: str, left: float, top: float, width: float
) -> None:
    runs = [run for run in results.runs if run.instance == instance and run.holds]
    limit = max(run.limit_seconds for run in results.runs if run.instance == instance)
    bound = results.best_bound(instance) or min((run.cost or 0 for run in runs), default=0)
    scale = Scale(
        left + TICKS, left + width - VALUES, top + PLOT_TOP, top + PLOT_BOTTOM, limit, bound
    )
    page.text(scale.left, top + 30, instance, class_="title")
    page.text(scale.right, top + 30, f"bound {bound:,}, limit {limit:g} s", class_="tick end")
    _draw_axes(page, scale)
    for run in reversed(runs):
        _draw_line(page, scale, run.curve.costs, f"curve {run.solver}")
        _draw_line(page, scale, run.curve.bounds, "bound")
    _draw_values(page, scale, runs)


def _draw_axes(page: Drawing, scale: Scale) -> None:
    page.rectangle(
        scale.left, scale.top, scale.right - scale.left, scale.bottom - scale.top, class_="plot"
    )
    for distance in HEIGHTS:
        y = scale.height(distance)
        kind = "proven" if distance == 0 else "grid"
        page.line(scale.left, y, scale.right, y, class_=kind)
        page.text(scale.left - 7, y + 4, _percent(distance), class_="tick end")
    for seconds in _moments(scale.latest_seconds):
        x = scale.x(seconds)
        page.line(x, scale.top, x, scale.bottom, class_="grid")
        page.text(x, scale.bottom + 15, f"{seconds:g} s", class_="tick middle")


def _percent(distance: float) -> str:
    return f"{100 * distance:+g} %".replace("-", "−").replace("+0 %", "bound")


def _moments(latest: float) -> Iterator[float]:
    """0.5, 1, 3, 10, 30, … seconds, and the limit."""
    yield EARLIEST_SECONDS
    for power in range(-1, 5):
        for digit in (1, 3):
            seconds = digit * 10.0**power
            if EARLIEST_SECONDS < seconds < 0.75 * latest:
                yield seconds
    yield latest


def _draw_line(page: Drawing, scale: Scale, points: Sequence[Point], kind: str) -> None:
    if points:
        page.polyline(_steps(scale, points), class_=kind)


def _steps(scale: Scale, points: Sequence[Point]) -> Iterator[tuple[float, float]]:
    """A value holds until the next one; steps of less than half a pixel are passed over."""
    x, y = scale.x(points[0].seconds), scale.y(points[0].value)
    yield x, y
    for point in points[1:]:
        next_x, next_y = scale.x(point.seconds), scale.y(point.value)
        if abs(next_x - x) >= 0.5 or point is points[-1]:
            yield next_x, y
            yield next_x, next_y
            x, y = next_x, next_y
    yield scale.right, y


def _draw_values(page: Drawing, scale: Scale, runs: Sequence[Run]) -> None:
    """Write each cost where its line ends, moved apart where two would touch."""
    y = -math.inf
    for run in sorted(runs, key=lambda run: -(run.cost or 0)):
        y = max(scale.y(run.cost or 0) + 4, y + CLOSEST_VALUES)
        page.text(scale.right + 6, y, f"{run.cost:,}", class_=f"value of-{run.solver}")
