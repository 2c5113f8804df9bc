"""How a solve looks from the terminal and in a file: its stage, and cost and bound closing in."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from matcher.report.stages import stage_of

if TYPE_CHECKING:  # the engine takes a second to import; a type does not need it
    from solver import Progress

SECONDS_BETWEEN_LINES = 5.0
"""Where standard error is no terminal, lines of one stage come no closer than this."""

CURVE_COLUMNS = ("seconds", "stage", "cost", "bound", "gap", "served")
"""What is kept of each report; the plan itself is written once, at the end."""

WIDEST_GAP = 10.0
"""Above ten times the bound a gap says nothing but that bound or plan has yet to come."""


@contextmanager
def show_progress(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Show each report of a solve: in place on a terminal, with a clock; else as lines."""
    if console.is_terminal:
        with console.status("starting") as status:
            yield lambda progress: status.update(_Running(progress))
    else:
        yield _lines(console)


class _Running:
    """The latest report, with the seconds that have passed by the time it is drawn."""

    def __init__(self, latest: Progress) -> None:
        self._latest = latest
        self._began = time.monotonic() - latest.seconds

    def __rich__(self) -> Text:
        """What is drawn now."""
        return Text(describe(replace(self._latest, seconds=time.monotonic() - self._began)))


def describe(progress: Progress) -> str:
    """Say where a solve stands, on one line; a stage before the first plan has no figures."""
    line = f"{progress.seconds:6.1f} s  {stage_of(progress.stage).en:<28}"
    if progress.stage in ("reading", "pairs"):
        return line.rstrip()
    gap = f"{progress.gap:.2%}" if progress.gap < WIDEST_GAP else "wide"
    return (
        f"{line}  cost {progress.cost:,}  bound {progress.bound:,}"
        f"  gap {gap}  served {progress.served:,}"
    )


def _lines(console: Console) -> Callable[[Progress], None]:
    last: Progress | None = None

    def show(progress: Progress) -> None:
        nonlocal last
        if (
            last is None
            or progress.stage != last.stage
            or progress.seconds - last.seconds >= SECONDS_BETWEEN_LINES
        ):
            console.print(describe(progress), soft_wrap=True, highlight=False)
            last = progress

    return show


def keep_curve(file: TextIO) -> Callable[[Progress], None]:
    """Write each report of a solve as a line of CSV, at once: whoever follows the file sees it."""
    writer = csv.DictWriter(file, CURVE_COLUMNS, lineterminator="\n")
    writer.writeheader()

    def keep(progress: Progress) -> None:
        writer.writerow(asdict(progress))
        file.flush()

    return keep
