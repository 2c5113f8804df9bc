"""Fetching from addresses that others give: what is refused, before any connection (check 30)."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from matcher.busy.fetching import MOST_BYTES, Known, NotFetched, fetch
from tests.matcher.busy.web import Web, giving, web

CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The addresses to which a connection was begun."""
    seen: list[object] = []
    connect = socket.socket.connect

    def noting(self: socket.socket, address: Any) -> None:
        seen.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noting)
    return seen


def problem_of(url: str, *trusted: str) -> str:
    with pytest.raises(NotFetched) as refused:
        fetch(url, Known(), trusted)
    return refused.value.problem


@pytest.mark.check(30)
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104  an address to refuse
        "2130706433",
        "0x7f000001",
        "127.1",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "255.255.255.255",
        "localhost",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https", "webcal", "WEBCAL"])
def test_no_address_of_a_private_network_is_connected_to(
    connections: list[object], scheme: str, host: str
) -> None:
    assert problem_of(f"{scheme}://{host}/calendar.ics") in {"private_address", "no_answer"}
    assert connections == []


@pytest.mark.check(30)
def test_a_name_that_leads_to_a_private_address_is_refused(
    connections: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, "10.0.0.5")
    assert problem_of("https://calendar.example/c.ics") == "private_address"
    assert connections == []


@pytest.mark.check(30)
def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, connections: list[object]
) -> None:
    """A name that changes its address between the check and the connection gains nothing."""
    asked = resolve(monkeypatch, "203.0.113.9", "93.184.216.34", "127.0.0.1")
    monkeypatch.setattr(socket.socket, "connect", refuse(connections))
    problem_of("https://calendar.example/c.ics")
    problem_of("https://calendar.example/c.ics")
    assert asked == ["calendar.example"] * 2
    assert [address[0] for address in connections if isinstance(address, tuple)] == [
        "93.184.216.34"
    ]


def refuse(seen: list[object]) -> Any:
    def connect(_: socket.socket, address: object) -> None:
        seen.append(address)
        raise ConnectionRefusedError

    return connect


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Names have these addresses, one after the other; the names that are asked for."""
    asked: list[str] = []
    left = iter(addresses)
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int | None, *rest: Any, **more: Any) -> Any:
        if not host[0].isalpha():
            return real(host, port, *rest, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(left), port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.check(30)
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://calendar.example/c.ics", "scheme"),
        ("gopher://calendar.example/", "scheme"),
        ("calendar.example/c.ics", "scheme"),
        ("https://calendar.example:22/c.ics", "port"),
        ("http://calendar.example:443/c.ics", "port"),
        ("https://user:secret@calendar.example/c.ics", "not_an_address"),
        ("https:///c.ics", "not_an_address"),
        ("https://calendar.example:port/c.ics", "not_an_address"),
        ("https://[::1/c.ics", "not_an_address"),
    ],
)
def test_an_address_that_is_none_of_a_calendar_is_refused(
    connections: list[object], url: str, problem: str
) -> None:
    assert problem_of(url) == problem
    assert connections == []


@pytest.fixture
def calendar() -> Iterator[Web]:
    """A calendar on a host that is trusted."""
    with web(giving(CALENDAR, ETag='"1"', Last_Modified="Mon, 05 Oct 2026 00:00:00 GMT")) as served:
        yield served


def test_a_host_of_our_own_is_asked_where_it_is_trusted(calendar: Web) -> None:
    assert problem_of(calendar.url()) == "port"
    found = fetch(calendar.url(), Known(), [calendar.host])
    assert found.content == CALENDAR
    assert found.known == Known('"1"', "Mon, 05 Oct 2026 00:00:00 GMT")
    assert "If-None-Match" not in calendar.asked[0]


def test_an_unchanged_calendar_is_not_sent_again(calendar: Web) -> None:
    calendar.answer = giving(b"", 304)
    known = Known('"1"', "Mon, 05 Oct 2026 00:00:00 GMT")
    assert fetch(calendar.url(), known, [calendar.host]).content is None
    assert calendar.asked[0]["If-None-Match"] == '"1"'
    assert calendar.asked[0]["If-Modified-Since"] == "Mon, 05 Oct 2026 00:00:00 GMT"


def test_a_redirect_is_followed_where_it_leads_to_a_calendar(calendar: Web) -> None:
    with web(giving(b"", 302, Location=calendar.url())) as before:
        found = fetch(before.url(), Known(), [before.host, calendar.host])
    assert found.content == CALENDAR


@pytest.mark.check(30)
@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("http://127.0.0.1/c.ics", "private_address"),
        ("http://169.254.169.254/latest/meta-data/", "private_address"),
        ("file:///etc/passwd", "scheme"),
        ("https://calendar.example:8443/", "port"),
    ],
)
def test_a_redirect_to_anything_else_is_not(target: str, problem: str) -> None:
    with web(giving(b"", 302, Location=target)) as before:
        assert problem_of(before.url(), before.host) == problem


def test_redirects_that_lead_nowhere_end(calendar: Web) -> None:
    calendar.answer = giving(b"", 302, Location="/again")
    assert problem_of(calendar.url(), calendar.host) == "redirects"
    assert len(calendar.asked) == 4


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500, 304])
def test_any_other_answer_is_no_calendar(calendar: Web, status: int) -> None:
    calendar.answer = giving(CALENDAR, status)
    assert problem_of(calendar.url(), calendar.host) == "status"


def test_what_is_too_large_is_left_as_soon_as_it_is(calendar: Web) -> None:
    calendar.answer = giving(bytes(MOST_BYTES + 1))
    assert problem_of(calendar.url(), calendar.host) == "too_large"


@pytest.mark.check(29)
def test_a_little_that_unpacks_to_a_lot_is_too_large(calendar: Web) -> None:
    bomb = gzip.compress(bytes(400_000_000))
    assert len(bomb) < MOST_BYTES
    calendar.answer = giving(bomb, Content_Encoding="gzip")
    assert problem_of(calendar.url(), calendar.host) == "too_large"


def test_who_does_not_answer_is_not_waited_for(
    calendar: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matcher.busy.fetching.READ_SECONDS", 0.3)

    def silent(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(1)

    calendar.answer = silent
    assert problem_of(calendar.url(), calendar.host) == "no_answer"
