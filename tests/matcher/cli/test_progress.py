from __future__ import annotations

import io

import pytest
from rich.console import Console

from matcher.cli.progress import describe, show_progress
from solver import Progress

FIRST = Progress("construct", 1.5, 1_100, 1_000, 0.1, 12)


def shown(console: Console, *reports: Progress) -> str:
    with show_progress(console) as show:
        for report in reports:
            show(report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_report_says_the_stage_and_the_figures() -> None:
    assert describe(FIRST).split() == [
        *("1.5", "s", "building", "a", "first", "plan"),
        *("cost", "1,100", "bound", "1,000", "gap", "10.00%", "served", "12"),
    ]


def test_a_gap_without_a_bound_is_called_wide() -> None:
    assert "gap wide" in describe(Progress("construct", 1.5, 1_100, 0, 1_100.0, 12))


def test_a_terminal_shows_the_latest_report_in_place() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    text = shown(console, FIRST)
    assert "cost 1,100" in text
    assert text.count("building a first plan") <= 2


@pytest.mark.parametrize(("seconds", "lines"), [(2.0, 1), (7.0, 2)])
def test_lines_of_one_stage_come_no_closer_than_five_seconds(seconds: float, lines: int) -> None:
    later = Progress("construct", seconds, 1_050, 1_000, 0.05, 12)
    text = shown(Console(file=io.StringIO(), width=120), FIRST, later)
    assert len(text.splitlines()) == lines
