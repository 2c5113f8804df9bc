"""The benchmark of calendars measures what it says, in small."""

from __future__ import annotations

import pytest

from benchmarks.calendars import RADICALE, as_markdown, measure


def test_both_serve_the_same_events_and_this_service_says_what_is_unchanged() -> None:
    figures = list(measure(events=12, requests=20, rounds=1))
    own = {each.kind: each for each in figures if each.server == "this service"}
    assert [(each.status, each.size > 0) for each in own.values()] == [
        (200, True),
        (200, True),
        (200, True),
        (304, False),
    ]
    table = as_markdown(figures, 12)
    assert "| this service | unchanged, with its ETag | 304 |" in table
    if not RADICALE.exists():
        pytest.skip("Radicale is not installed: run make .peers/radicale/ready")
    for kind in ("cold", "after a change"):
        assert f"| Radicale | {kind} | 200 |" in table
