"""The demo's folder: made anew, and nobody else's files touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher.demo.folder import MANIFEST, DemoFolder
from matcher.errors import Conflict


def test_what_was_made_before_is_gone_after_clearing(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    folder.claim("plan.json").write_text("old")
    folder.claim("calendars/one.ics").write_text("old")
    DemoFolder(tmp_path / "demo").clear()
    assert list((tmp_path / "demo").iterdir()) == []


def test_what_somebody_else_put_there_stays(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.claim("calendars/one.ics").write_text("old")
    (tmp_path / "calendars/mine.ics").write_text("mine")
    folder.clear()
    assert [each.name for each in (tmp_path / "calendars").iterdir()] == ["mine.ics"]


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("mine")
    with pytest.raises(Conflict, match="was not made by the demo"):
        DemoFolder(tmp_path).claim("plan.json")
    assert (tmp_path / "plan.json").read_text() == "mine"


def test_a_list_that_points_out_of_the_folder_deletes_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / MANIFEST).write_text(f"../mine\n{tmp_path}/mine\n")
    DemoFolder(tmp_path / "demo").clear()
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_listed_file_that_was_never_made_is_no_matter(tmp_path: Path) -> None:
    DemoFolder(tmp_path).claim("matcher.sqlite", "matcher.sqlite-wal")
    DemoFolder(tmp_path).clear()
    assert list(tmp_path.iterdir()) == []
