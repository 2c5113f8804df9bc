"""A run as it is seen: on a terminal, and in a file."""

from __future__ import annotations

import io

from rich.console import Console

from matcher.report.language import Voice
from matcher.report.run_display import RunDisplay
from solver import Progress

REPORTS = (
    Progress("pairs", 0.0, 9000, 0, 9000.0, 0),
    Progress("construct", 1.0, 9000, 100, 89.0, 0),
    Progress("improve", 2.0, 200, 100, 1.0, 7),
    Progress("improve", 3.0, 150, 100, 0.5, 8),
    Progress("improve", 19.0, 120, 100, 0.2, 8),
    Progress("done", 20.0, 101, 100, 0.01, 8),
)


def shown(*, terminal: bool) -> str:
    """What the reports look like."""
    page = io.StringIO()
    console = Console(file=page, width=100, force_terminal=terminal, legacy_windows=False)
    with RunDisplay(console, Voice("both"), time_limit_seconds=20.0) as display:
        for each in REPORTS:
            display(each)
    return page.getvalue()


def test_in_a_file_it_is_a_line_for_each_stage_and_some_in_between() -> None:
    lines = shown(terminal=False).splitlines()
    assert [line.split()[0] for line in lines] == ["0.0", "1.0", "2.0", "19.0", "20.0"]
    assert "計画の改善  improving the plan: 費用 cost 200, 下界 bound 100" in lines[2]


def test_the_cost_of_serving_nobody_is_not_told() -> None:
    lines = shown(terminal=False).splitlines()
    assert "9,000" not in "".join(lines)


def test_on_a_terminal_it_ends_with_the_final_figures() -> None:
    last = shown(terminal=True).rsplit("経過", 1)[1]
    assert "20 / 20 s" in last
    assert "101" in last
    assert "1.00%" in last


def test_the_gap_is_seen_closing() -> None:
    last = shown(terminal=True).rsplit("経過", 1)[1]
    curve = "".join(letter for letter in last if letter in "▁▂▃▄▅▆▇█")
    assert curve[0] == "█"
    assert sorted(curve, reverse=True) == list(curve)
