"""A calendar of 1,000 sessions as this service serves it, and Radicale beside it, in one run.

Each server is a process of its own on one machine; a subscriber asks it over a connection of its
own each time, as calendar programs do. What counts is the processor time that the server takes for
a request, so that whatever else runs on the machine disturbs little.
"""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.calendars.subscriptions import create_feed
from matcher.database import create_database_engine, migrate, session_factory
from matcher.models import FeedLanguage, FeedOwner, Organization, Session
from tests.matcher import rows
from tests.post_office import free_port

RADICALE: Final = Path(".peers/radicale/bin/python")
START_SECONDS: Final = 60
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    etag: str | None
    content: bytes


@dataclass(frozen=True)
class Served:
    """A calendar on a server that runs."""

    server: str
    url: str
    process: int
    headers: dict[str, str]
    change: Callable[[int], None]
    """Change one event, so that what was kept of the calendar is outdated."""
    forget: Callable[[int], None]
    """Leave nothing of the calendar that was kept, so that every event is made anew."""

    def ask(self, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """Send one request over a connection of its own."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, parts.path, body, {**self.headers, **named})
        response = connection.getresponse()
        answer = Answer(response.status, response.getheader("ETag"), response.read())
        connection.close()
        return answer

    def seconds(self) -> float:
        """Processor time that the server and what it has started took so far."""
        return sum(_seconds_of(each) for each in _family(self.process))


@dataclass(frozen=True)
class Figure:
    """How one server did with one kind of request."""

    server: str
    kind: str
    status: int
    size: int
    processor: float
    """Seconds of processor time a request: the median of the rounds."""
    wall: float
    """Seconds a request takes, likewise."""


def measure(events: int, requests: int, rounds: int) -> Iterator[Figure]:
    """Let both serve the same events, and ask."""
    with tempfile.TemporaryDirectory() as folder, _matcher(Path(folder), events) as served:
        content = served.ask().content
        assert content.count(b"BEGIN:VEVENT") == events  # noqa: S101  or it measures nothing
        yield from _figures(served, requests, rounds)
    if RADICALE.exists():
        with tempfile.TemporaryDirectory() as folder, _radicale(Path(folder), content) as served:
            assert served.ask().content.count(b"BEGIN:VEVENT") == events  # noqa: S101  likewise
            yield from _figures(served, requests, rounds)


def _figures(served: Served, requests: int, rounds: int) -> Iterator[Figure]:
    few = max(1, requests // 20)

    def cold(number: int) -> Answer:
        served.forget(number)
        return served.ask()

    def after_a_change(number: int) -> Answer:
        served.change(number)
        return served.ask()

    etag = ""

    def known(_: int) -> Answer:
        return served.ask(If_None_Match=etag)

    yield _figure(served, "cold", cold, few, rounds, itself=served.forget)
    yield _figure(served, "after a change", after_a_change, few, rounds, itself=served.change)
    yield _figure(served, "unchanged, whole", lambda _: served.ask(), requests // 5, rounds)
    etag = served.ask().etag or ""
    yield _figure(served, "unchanged, with its ETag", known, requests, rounds)


def _figure(
    served: Served,
    kind: str,
    ask: Callable[[int], Answer],
    requests: int,
    rounds: int,
    *,
    itself: Callable[[int], None] | None = None,
) -> Figure:
    """Ask in rounds, without the time for what `itself` does of a request beside its answer."""
    processor, wall = [], []
    answer = ask(0)
    for round_ in range(rounds):
        numbers = range(round_ * requests + 1, (round_ + 1) * requests + 1)
        least = _taken(served, itself, numbers) if itself else (0.0, 0.0)
        used, passed = _taken(served, ask, numbers)
        processor.append(max(used - least[0], 0) / requests)
        wall.append(max(passed - least[1], 0) / requests)
    size = len(answer.content)
    return Figure(served.server, kind, answer.status, size, median(processor), median(wall))


def _taken(served: Served, ask: Callable[[int], object], numbers: range) -> tuple[float, float]:
    used, began = served.seconds(), time.monotonic()
    for number in numbers:
        ask(number)
    return served.seconds() - used, time.monotonic() - began


@contextmanager
def _matcher(folder: Path, events: int) -> Iterator[Served]:
    """Serve one expert's sessions by this service, without a worker, from a SQLite file."""
    url = f"sqlite:///{folder / 'matcher.sqlite'}"
    migrate(url)
    engine = create_database_engine(url)
    sessions = session_factory(engine)
    now = dt.datetime.now(dt.UTC)
    with sessions.begin() as db:
        rows.add_engagements(db, "A1")
        first = now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
        db.add_all(
            rows.session(f"S{each}", first + dt.timedelta(hours=12 * each), number=1)
            if each == 0
            else _another(each, first)
            for each in range(events)
        )
        feed = (FeedOwner.EXPERT, "E1", FeedLanguage.BOTH)
        _, token = create_feed(db, *feed, now)
    port = free_port()
    environment = os.environ | {
        "MATCHER_DATABASE_URL": url,
        "MATCHER_DATA_DIRECTORY": str(folder / "var"),
        "MATCHER_RATE_LIMIT": "1000000/minute",
        "MATCHER_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    program = "import sys; from matcher.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "serve", "--no-worker", "--port", str(port)]
    with _running(command, environment, folder / "log") as process:
        address = f"http://127.0.0.1:{port}/calendars/{token}.ics"
        served = Served(
            "this service", address, process, {}, _move(sessions), _rename_the_partner(sessions)
        )
        _wait_for(served)
        yield served
    engine.dispose()


def _another(number: int, first: dt.datetime) -> Session:
    """A session that the index on numbers does not mind: cancelled ones need none of their own."""
    start = first + dt.timedelta(hours=12 * number)
    return rows.session(f"S{number}", start, status="cancelled")


def _move(sessions: sessionmaker[Database]) -> Callable[[int], None]:
    def change(number: int) -> None:
        with sessions.begin() as db:
            db.get_one(Session, "S0").place_ja = f"会議室{number}"

    return change


def _rename_the_partner(sessions: sessionmaker[Database]) -> Callable[[int], None]:
    """To give the organization another name, which stands in every event."""

    def forget(number: int) -> None:
        with sessions.begin() as db:
            db.get_one(Organization, "O1").name_ja = f"東京架空旅館協同組合{number}"

    return forget


@contextmanager
def _radicale(folder: Path, content: bytes) -> Iterator[Served]:
    """Radicale, which holds the same events as a calendar of somebody who may read it."""
    port = free_port()
    command = [
        *(str(RADICALE.absolute()), "-m", "radicale"),
        *("--server-hosts", f"127.0.0.1:{port}"),
        *("--storage-filesystem-folder", str(folder / "store")),
        *("--auth-type", "none", "--logging-level", "warning"),
    ]
    key = base64.b64encode(b"office:any").decode()
    headers = {"Authorization": f"Basic {key}"}
    address = f"http://127.0.0.1:{port}/office/sessions/"
    head, *events = content.split(b"BEGIN:VEVENT\r\n")
    event = events[0].partition(b"END:VEVENT\r\n")[0]
    uid = event.partition(b"UID:")[2].partition(b"\r\n")[0].decode()

    with _running(command, dict(os.environ), folder / "log") as process:

        def change(number: int) -> None:
            other = event.replace(b"SUMMARY:", f"SUMMARY:{number} ".encode(), 1)
            own = head + b"BEGIN:VEVENT\r\n" + other + b"END:VEVENT\r\nEND:VCALENDAR\r\n"
            one = Served("", f"{address}{names[0]}", process, headers, change, forget)
            assert one.ask("PUT", own, Content_Type="text/calendar").status in {201, 204}  # noqa: S101

        def forget(_: int) -> None:
            for cache in [*(folder / "store").rglob(".Radicale.cache")]:
                shutil.rmtree(cache)

        served = Served("Radicale", address, process, headers, change, forget)
        _wait_for(served)
        made = served.ask("PUT", content, Content_Type="text/calendar")
        assert made.status == http.client.CREATED, made  # noqa: S101  or it measures nothing
        names = [
            each.name
            for each in (folder / "store").rglob("*")
            if each.is_file() and uid.encode() in each.read_bytes() and each.suffix == ".ics"
        ]
        yield served


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _wait_for(served: Served) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            served.ask()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _family(process: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield process
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _seconds_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def as_markdown(figures: list[Figure], events: int) -> str:
    """The figures as a table."""
    lines = [
        f"A calendar of {events:,} sessions; processor time of the server, a request. Cold: no",
        "event was kept; of this service each has changed, of Radicale its cache is gone, which it",
        "then writes anew.",
        "",
        "| server | request | answer | kB | processor time | requests a second and core | wall |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in figures:
        rate = _rate(1 / each.processor) if each.processor else "–"
        lines.append(
            f"| {each.server} | {each.kind} | {each.status} | {each.size / 1000:,.0f} | "
            f"{each.processor * 1000:,.1f} ms | {rate} | {each.wall * 1000:,.1f} ms |"
        )
    if not RADICALE.exists():
        lines += ["", "Without Radicale, which `make .peers/radicale/ready` installs."]
    return "\n".join(lines)


def _rate(requests: float) -> str:
    return f"{requests:,.0f}" if requests >= 10 else f"{requests:.1f}"
