"""Calendar programs that others wrote, reading our feeds: what each of them then shows.

All of them run in New York, where a time zone that a feed forgot cannot stay hidden.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".clients"
NEW_YORK = ZoneInfo("America/New_York")
SYSTEM_PYTHON = "/usr/bin/python3"
"""The one that Debian's packages for Python belong to."""

SESSION_SERVICES = Path("/usr/share/dbus-1/services")
_LOCAL_TIME = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, order=True)
class Seen:
    """An event as a client shows it; times in UTC."""

    start_at: dt.datetime
    end_at: dt.datetime
    summary: str
    cancelled: bool = False
    uid: str = ""
    """Empty: the client does not keep it."""


def read_with_ical_js(content: bytes) -> list[Seen]:
    """Parse with ical.js, the strictest parser; Thunderbird's."""
    return _events(_ical_js(content))


def read_free_busy_with_ical_js(content: bytes) -> list[tuple[dt.datetime, dt.datetime, str]]:
    """Parse free and busy time: the periods as they come, in UTC, each with its FBTYPE."""
    return [
        (
            dt.datetime.fromisoformat(each["start"]),
            dt.datetime.fromisoformat(each["end"]),
            each["kind"],
        )
        for each in json.loads(_ical_js(content, "freebusy"))
    ]


def _ical_js(content: bytes, *options: str) -> str:
    if not (INSTALLED / "node_modules" / "ical.js").is_dir():
        pytest.skip("ical.js is not installed: run make clients")
    script = Path(__file__).with_name("read_with_ical.cjs")
    modules = str(INSTALLED / "node_modules")
    return _run("node", str(script), *options, given=content, NODE_PATH=modules)


class Subscriber:
    """Somebody who subscribes by vdirsyncer and looks at khal."""

    def __init__(self, url: str, folder: Path) -> None:
        if not (INSTALLED / "python" / "bin" / "khal").exists():
            pytest.skip("vdirsyncer and khal are not installed: run make clients")
        self._folder = folder
        (folder / "vdirsyncer.conf").write_text(_vdirsyncer_settings(url, folder))
        (folder / "khal.conf").write_text(_khal_settings(folder))
        self._vdirsyncer("discover", "sessions", given=b"y\n" * 9)

    def synchronize(self) -> None:
        """Fetch the feed, as a client does every so often."""
        self._vdirsyncer("sync")

    def sees(self, first_day: dt.date, days: int) -> list[Seen]:
        """Return what khal lists from a day on."""
        listed = _run(
            str(INSTALLED / "python" / "bin" / "khal"),
            "-c",
            str(self._folder / "khal.conf"),
            "list",
            "--notstarted",
            "--day-format",
            "",
            "--format",
            "{start-long}|{end-long}|{status}|{title}",
            first_day.isoformat(),
            f"{days}d",
            HOME=str(self._folder),
            XDG_CACHE_HOME=str(self._folder),
        )
        return sorted(_khal_line(line) for line in listed.splitlines() if line)

    def _vdirsyncer(self, *arguments: str, given: bytes = b"") -> None:
        settings = str(self._folder / "vdirsyncer.conf")
        program = str(INSTALLED / "python" / "bin" / "vdirsyncer")
        _run(program, "-c", settings, *arguments, given=given, HOME=str(self._folder))


class Evolution:
    """Evolution's data server, which keeps the calendars of GNOME, for as long as it runs.

    It hangs beyond some 25 subscriptions.
    """

    def __init__(self, asked: IO[str], answers: IO[str], log: Path) -> None:
        self._asked = asked
        self._answers = answers
        self._log = log

    def sees(self, url: str) -> list[Seen]:
        """Subscribe to a feed, or refresh it, and return what is shown of it then."""
        print(url, file=self._asked, flush=True)
        answer = self._answers.readline()
        assert answer, self._log.read_text()
        return _events(answer)


@contextmanager
def running_evolution(folder: Path) -> Iterator[Evolution]:
    """Run the data server on a session bus of its own, with a folder for all it keeps."""
    if not _has_evolution():
        pytest.skip("Evolution's data server is not installed: run make clients")
    script = Path(__file__).with_name("read_with_evolution.py")
    log = folder / "evolution.log"
    places = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR"), str(folder))
    unset = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "")
    with (
        log.open("w") as errors,
        subprocess.Popen(
            ("timeout", "300", "dbus-run-session", "--", SYSTEM_PYTHON, str(script)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=_abroad() | places | unset,
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        yield Evolution(process.stdin, process.stdout, log)


def _has_evolution() -> bool:
    check = "import gi; gi.require_version('ECal', '2.0'); gi.require_version('EDataServer', '1.2')"
    return (
        shutil.which("dbus-run-session") is not None
        and any(SESSION_SERVICES.glob("org.gnome.evolution.dataserver.Calendar*.service"))
        and subprocess.call((SYSTEM_PYTHON, "-c", check), stderr=subprocess.DEVNULL) == 0
    )


def read_with_calcurse(content: bytes, folder: Path) -> list[Seen]:
    """Import into calcurse, which knows no STATUS and shows minutes."""
    if shutil.which("calcurse") is None:
        pytest.skip("calcurse is not installed: run make clients")
    feed = folder / "feed.ics"
    feed.write_bytes(content)
    _run("calcurse", "-D", str(folder), "-q", "-i", str(feed))
    lines = (folder / "apts").read_text().splitlines()
    return sorted(_calcurse_line(line) for line in lines)


def _run(*command: str, given: bytes = b"", **environment: str) -> str:
    finished = subprocess.run(
        command,
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
        env=_abroad() | environment,
    )
    assert finished.returncode == 0, finished.stderr.decode() + finished.stdout.decode()
    return finished.stdout.decode()


def _abroad() -> dict[str, str]:
    return os.environ | {"TZ": NEW_YORK.key, "LC_ALL": "C.UTF-8"}


def _events(answer: str) -> list[Seen]:
    """Read what our scripts print in JSON."""
    return sorted(
        Seen(
            dt.datetime.fromisoformat(event["start"]),
            dt.datetime.fromisoformat(event["end"]),
            event["summary"],
            cancelled=event["status"].upper() == "CANCELLED",
            uid=event["uid"],
        )
        for event in json.loads(answer)
    )


def _khal_line(line: str) -> Seen:
    start, end, status, title = line.split("|", 3)
    return Seen(_from_new_york(start), _from_new_york(end), title, "CANCELLED" in status)


def _calcurse_line(line: str) -> Seen:
    """Read `08/31/2025 @ 21:00 -> 08/31/2025 @ 23:00>a1b2... |Summary`."""
    times, summary = line.split("|", 1)
    start, end = (part.strip()[:18] for part in times.split("->"))
    day_first = "%m/%d/%Y @ %H:%M"
    return Seen(_from_new_york(start, day_first), _from_new_york(end, day_first), summary)


def _from_new_york(text: str, form: str = _LOCAL_TIME) -> dt.datetime:
    local = dt.datetime.strptime(text.strip(), form).replace(tzinfo=NEW_YORK)
    return local.astimezone(dt.UTC)


def _vdirsyncer_settings(url: str, folder: Path) -> str:
    return f"""\
[general]
status_path = "{folder}/status"
[pair sessions]
a = "feed"
b = "here"
collections = null
[storage feed]
type = "http"
url = "{url}"
[storage here]
type = "filesystem"
path = "{folder}/events"
fileext = ".ics"
"""


def _khal_settings(folder: Path) -> str:
    return f"""\
[calendars]
[[sessions]]
path = {folder}/events
readonly = True
[locale]
local_timezone = {NEW_YORK.key}
default_timezone = {NEW_YORK.key}
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = {_LOCAL_TIME}
longdatetimeformat = {_LOCAL_TIME}
[sqlite]
path = {folder}/khal.db
"""
