"""A run of the solver as it goes on: its stage, and cost and bound closing in on each other."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from matcher.report.language import Voice
from matcher.report.stages import stage_of
from solver import Progress

SECONDS_BETWEEN_LINES = 10.0
"""Where the output is no terminal, lines of one stage come no closer than this."""

COLUMNS = 48
"""The width of the curve of the gap, which stands for the time limit."""

LEVELS = "▁▂▃▄▅▆▇█"
WIDEST_GAP, NARROWEST_GAP = 1.0, 0.001
"""The gaps that the highest and the lowest level stand for; between them the scale is a log."""


class RunDisplay:
    """Takes the reports of a run: on a terminal a panel that moves, elsewhere lines."""

    def __init__(self, console: Console, voice: Voice, time_limit_seconds: float) -> None:
        self._console = console
        self._voice = voice
        self._limit = time_limit_seconds
        self._began = time.monotonic()
        self._latest: Progress | None = None
        self._printed: Progress | None = None
        self._curve: dict[int, float] = {}
        self._live = Live(
            console=console, get_renderable=self._panel, refresh_per_second=8, transient=False
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        """Take a report."""
        self._latest = progress
        if progress.served:
            column = int(progress.seconds / self._limit * COLUMNS)
            self._curve[min(column, COLUMNS - 1)] = progress.gap
        if not self._console.is_terminal and self._is_news(progress):
            self._printed = progress
            self._console.print(self._line(progress), soft_wrap=True, highlight=False)

    def _is_news(self, progress: Progress) -> bool:
        return (
            self._printed is None
            or progress.stage != self._printed.stage
            or progress.seconds - self._printed.seconds >= SECONDS_BETWEEN_LINES
        )

    def _line(self, progress: Progress) -> str:
        say = self._voice.say
        line = f"  {progress.seconds:5.1f} s  {self._stage(progress)}"
        if not progress.served:
            return line  # the cost of serving nobody says nothing
        return (
            f"{line}: {say('費用', 'cost', between=' ')} {progress.cost:,}, "
            f"{say('下界', 'bound', between=' ')} {progress.bound:,}, "
            f"{say('差', 'gap', between=' ')} {progress.gap:.2%}, "
            f"{say('派遣先', 'served', between=' ')} {progress.served}"
        )

    def _stage(self, progress: Progress) -> str:
        ja, en = stage_of(progress.stage)
        return self._voice.say(ja, en)

    def _panel(self) -> Padding:
        say = self._voice.say
        figures = Table.grid(padding=(0, 2))
        seconds = self._seconds()
        clock = f"{seconds:.0f} / {self._limit:.0f} s"
        figures.add_row(say("経過", "elapsed"), f"{_bar(seconds / self._limit)} {clock}")
        latest = self._latest
        if latest is not None:
            figures.add_row(say("段階", "stage"), self._stage(latest))
            if latest.served:
                figures.add_row(say("費用", "cost"), Text(f"{latest.cost:,}", style="bold"))
                figures.add_row(say("証明済みの下界", "proven bound"), f"{latest.bound:,}")
                gap = Text.assemble((self._drawn_curve(), "cyan"), f" {latest.gap:.2%}")
                figures.add_row(say("最適との差", "gap, at most"), gap)
                figures.add_row(say("派遣先", "served"), f"{latest.served}")
        return Padding(figures, (0, 0, 0, 2))

    def _seconds(self) -> float:
        if self._latest is not None and self._latest.stage == "done":
            return self._latest.seconds
        return time.monotonic() - self._began

    def _drawn_curve(self) -> str:
        """The gap over time, one column for each part of the time limit."""
        last = max(self._curve, default=0)
        level, drawn = " ", ""
        for column in range(last + 1):
            if column in self._curve:
                level = _level(self._curve[column])
            drawn += level
        return drawn.ljust(COLUMNS)


def _bar(share: float) -> str:
    full = round(min(max(share, 0.0), 1.0) * COLUMNS)
    return "━" * full + "╌" * (COLUMNS - full)


def _level(gap: float) -> str:
    gap = min(max(gap, NARROWEST_GAP), WIDEST_GAP)
    height = math.log(gap / NARROWEST_GAP) / math.log(WIDEST_GAP / NARROWEST_GAP)
    return LEVELS[round(height * (len(LEVELS) - 1))]
