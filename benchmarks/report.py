"""Writes figures as a table to read and as JSON to compare."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version

from benchmarks.runner import Figures

COLUMNS = ("instance", "cost", "bound", "gap", "served", "sessions", "seconds", "limit", "memory")


def as_markdown(figures: Sequence[Figures]) -> str:
    """A table with one instance a line, then what went wrong."""
    lines = [_line(COLUMNS), _line(("---",) + ("---:",) * (len(COLUMNS) - 1))]
    lines += [_line(_cells(each)) for each in figures]
    for each in figures:
        lines += [f"\n{each.instance} fails: {text}" for text in each.broken[:5]]
        if each.exit_status:
            lines.append(f"\n{each.instance} ended with exit status {each.exit_status}")
    return "\n".join(lines)


def as_json(figures: Sequence[Figures], *, workers: int, seed: int) -> str:
    """The figures with what they depend on: version, machine, workers, seed."""
    return json.dumps(
        {
            "solver": version("expert-dispatch-matcher"),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "workers": workers,
            "seed": seed,
            "figures": [asdict(each) for each in figures],
        },
        indent=1,
    )


def _cells(figures: Figures) -> tuple[str, ...]:
    unknown = "-"
    return (
        figures.instance if figures.holds else f"**{figures.instance}**",
        f"{figures.cost:,}" if figures.holds else unknown,
        f"{figures.bound:,}" if figures.bound is not None else unknown,
        f"{figures.gap:.2%}" if figures.gap is not None else unknown,
        f"{figures.served:,} of {figures.engagements:,}",
        f"{figures.sessions:,} of {figures.wanted_sessions:,}",
        f"{figures.seconds:.1f} s",
        f"{figures.limit_seconds:g} s",
        f"{figures.peak_mebibytes:,} MiB",
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
