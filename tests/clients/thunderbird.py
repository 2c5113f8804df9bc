"""Thunderbird follows a week of changes; `make thunderbird` runs it, in some seven minutes.

It asks for its calendars every minute at most, which is too slow for `make test`: so this file is
named as no test is.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.programs import NEW_YORK, Seen
from tests.e2e.week import opened_week

PATIENCE_SECONDS = 150
"""It starts within half a minute, and refreshes each minute."""

EVENTS = "SELECT event_start, event_end, title, ical_status, id FROM cal_events WHERE cal_id = ?"


@dataclass(frozen=True)
class Thunderbird:
    """A Thunderbird that runs, without a screen, and what it subscribes to."""

    profile: Path
    calendars: Mapping[str, str]
    """The ids that it knows them by, by ours."""

    def comes_to_see(self, expected: Mapping[str, list[Seen]]) -> dict[str, list[Seen]]:
        """Wait until it shows what is expected; what it shows then, or in the end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        seen = self._sees()
        while seen != expected and time.monotonic() < deadline:
            time.sleep(1)
            seen = self._sees()
        return seen

    def _sees(self) -> dict[str, list[Seen]]:
        """Read a copy of what it keeps, as it lets nobody else into the file."""
        kept = self.profile / "calendar-data"
        copy = self.profile.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        try:
            shutil.copytree(kept, copy)
            with closing(sqlite3.connect(copy / "cache.sqlite")) as db:
                return {
                    each: sorted(_seen(*row) for row in db.execute(EVENTS, (calendar,)))
                    for each, calendar in self.calendars.items()
                }
        except (OSError, sqlite3.DatabaseError):  # it is about to write
            return {}


def _seen(start: int, end: int, title: str, status: str, uid: str) -> Seen:
    first, last = (dt.datetime.fromtimestamp(each / 1_000_000, dt.UTC) for each in (start, end))
    return Seen(first, last, title, cancelled=status == "CANCELLED", uid=uid)


@contextmanager
def running_thunderbird(urls: Mapping[str, str], folder: Path) -> Iterator[Thunderbird]:
    """Run Thunderbird in New York with subscriptions, until the end of the block."""
    if shutil.which("thunderbird") is None:
        pytest.skip("Thunderbird is not installed: run make thunderbird")
    profile = folder / "profile"
    profile.mkdir()
    calendars = {each: str(uuid4()) for each in urls}
    lines = [_preferences(calendars[each], each, url) for each, url in urls.items()]
    (profile / "user.js").write_text("".join(lines))
    with (folder / "thunderbird.log").open("w") as log:
        process = subprocess.Popen(
            ("thunderbird", "--headless", "--no-remote", "--profile", str(profile)),
            stdout=log,
            stderr=log,
            env=os.environ | {"TZ": NEW_YORK.key, "HOME": str(folder), "MOZ_HEADLESS": "1"},
        )
    try:
        yield Thunderbird(profile, calendars)
    finally:
        process.terminate()
        process.wait(30)


def _preferences(calendar: str, name: str, url: str) -> str:
    """Subscribe as the dialogue for a calendar on the network does."""
    values = {
        "type": '"ics"',
        "uri": f'"{url}"',
        "name": f'"{name}"',
        "cache.enabled": "true",
        "readOnly": "true",
        "refreshInterval": '"1"',
    }
    return "".join(
        f'user_pref("calendar.registry.{calendar}.{key}", {value});\n'
        for key, value in values.items()
    )


@pytest.mark.check(10)
def test_thunderbird_shows_what_the_database_holds_through_a_week_of_changes(
    sqlite_url: str, tmp_path: Path
) -> None:
    with opened_week(sqlite_url, tmp_path) as week:
        urls = {each.id: each.url for each in week.readers}
        with running_thunderbird(urls, tmp_path) as thunderbird:
            for expected in week.live():
                assert thunderbird.comes_to_see(expected) == expected
