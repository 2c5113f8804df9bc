"""Fetching a calendar from an address that somebody else has given.

Nothing inside our own network is ever asked: each name is resolved once, every address it has to
be connected to is public, and the connection goes to the address that was checked. Redirects are
followed by hand, each hop held to the same rules. What comes is read up to a limit, unpacked.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress

MOST_BYTES: Final = 5_000_000
MOST_REDIRECTS: Final = 3
CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5.0, 10.0, 20.0
CHUNK: Final = 65_536

SCHEMES: Final = {"https": 443, "http": 80}
"""The schemes that are fetched, and the only port of each."""

USER_AGENT: Final = "Mozilla/5.0 (compatible; expert-dispatch-matcher; calendar import)"
"""Some servers answer no program that does not begin so."""

PROTECTED: Final = Config(
    ip_filter_enable=True,
    ip_filter_allow_loopback_ips=False,
    never_redirect=True,
    default_timeout=(CONNECT_SECONDS, READ_SECONDS),
    user_agent_override=USER_AGENT,
)
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED, OK = 304, 200


class NotFetched(Exception):
    """There is no calendar to be had there; `problem` says in one word why."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}" if detail else problem)
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True)
class Known:
    """What a server said of the copy that was fetched last; both None: there is none."""

    etag: str | None = None
    last_modified: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """To be asked with, so that an unchanged calendar need not be sent."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class Fetched:
    """A calendar as it came; None in place of its bytes: it is the one that is known."""

    content: bytes | None
    known: Known


def checked(url: str, trusted: Collection[str] = ()) -> SplitResult:
    """An address that may be fetched, as far as it can be told without asking for its name.

    `trusted` are hosts of our own, each with its port, that may be asked all the same.

    Raises:
        NotFetched: its scheme, its port or something else of it is none of a public calendar.
    """
    try:
        parts = urlsplit(url.strip())
        if parts.scheme == "webcal":
            parts = parts._replace(scheme="https")
        port = parts.port
    except ValueError as error:
        raise NotFetched("not_an_address") from error
    if parts.scheme not in SCHEMES:
        raise NotFetched("scheme")
    if not parts.hostname or parts.username or parts.password:
        raise NotFetched("not_an_address")
    if parts.netloc not in trusted and port not in (None, SCHEMES[parts.scheme]):
        raise NotFetched("port")
    return parts


def fetch(url: str, known: Known, trusted: Collection[str] = ()) -> Fetched:
    """Fetch a calendar, or learn that it is the one that is known.

    Raises:
        NotFetched: there is none to be had, or not within the limits.
    """
    until = time.monotonic() + TOTAL_SECONDS
    for _ in range(MOST_REDIRECTS + 1):
        parts = checked(url, trusted)
        with _session(parts, trusted) as session:
            try:
                with session.get(
                    parts.geturl(),
                    headers={**known.headers, "Accept": "text/calendar, */*;q=0.5"},
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    stream=True,
                    allow_redirects=False,
                ) as answer:
                    target = answer.headers.get("Location")
                    if answer.status_code not in REDIRECTS or not target:
                        return _read(answer, known, until)
            except InvalidIPAddress as error:
                raise NotFetched("private_address") from error
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise NotFetched("no_answer", type(error).__name__) from error
        url = urljoin(parts.geturl(), target)
    raise NotFetched("redirects")


def _session(parts: SplitResult, trusted: Collection[str]) -> requests.Session:
    session = requests.Session() if parts.netloc in trusted else HTTPSession(PROTECTED)
    session.trust_env = False  # no proxy, no password of this machine
    session.headers["User-Agent"] = USER_AGENT
    return session


def _read(answer: requests.Response, known: Known, until: float) -> Fetched:
    if answer.status_code == NOT_MODIFIED and known.headers:
        return Fetched(None, known)
    if answer.status_code != OK:
        raise NotFetched("status", str(answer.status_code))
    content = bytearray()
    for chunk in answer.iter_content(CHUNK):
        content += chunk
        if len(content) > MOST_BYTES:
            raise NotFetched("too_large")
        if time.monotonic() > until:
            raise NotFetched("too_slow")
    return Fetched(
        bytes(content), Known(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
    )
