"""The strict reader refuses what it is there to refuse: each of these is one octet or line away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher.calendars.rendering import render
from tests.clients.strict import read_strictly
from tests.matcher.calendars.samples import ON_SITE, contents

FEED = render(contents(ON_SITE))
FOLD = b"\r\n "


def replaced(old: bytes, new: bytes) -> Callable[[], bytes]:
    """A feed with one thing in place of another."""

    def spoil() -> bytes:
        assert old in FEED
        return FEED.replace(old, new, 1)

    return spoil


def test_a_feed_as_it_is_is_read() -> None:
    assert len(read_strictly(FEED).named("VEVENT")) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: b"\xef\xbb\xbf" + FEED,
        lambda: FEED + b"\r\n",
        lambda: FEED.removesuffix(b"END:VCALENDAR\r\n"),
        lambda: FEED.replace(FOLD, b""),
        lambda: FEED.replace("架空".encode(), "架".encode() + FOLD + "空".encode()[:1] + FOLD, 1),
        replaced(b"\r\n", b"\n"),
        replaced(b"STATUS:", b"STATUS:\x07"),
        replaced(b"SUMMARY:", b"SUMMARY:\\" + FOLD + b"n"),
        replaced(b"SUMMARY:", b"SUMMARY:a;b"),
        replaced(b"TRANSP:OPAQUE", b"TRANSP:OPAQUE\r\nX-EVIL:1"),
        replaced(b"TRANSP:OPAQUE", b"TRANSP:OPAQUE\r\nATTENDEE:mailto:a@b.example"),
        replaced(b"TRANSP:OPAQUE\r\n", b""),
        replaced(b"STATUS:CONFIRMED", b"STATUS"),
        replaced(b"DTSTART;TZID=Asia/Tokyo:", b"DTSTART:"),
        replaced(b"TZID:Asia/Tokyo", b"TZID:JST"),
        replaced(b";VALUE=DURATION", b""),
        replaced(b"UID:session-S1", b"UID:session/S1"),
        replaced(b"METHOD:PUBLISH", b"METHOD:CANCEL"),
        lambda: FEED.replace(b"END:VCALENDAR", FEED[FEED.index(b"BEGIN:VEVENT") :].rstrip()),
    ],
    ids=[
        "a mark before it",
        "a line after it",
        "without its end",
        "a line too long",
        "a character cut in two",
        "a bare line feed",
        "a control character",
        "a fold within an escape",
        "a semicolon without its escape",
        "a property nobody knows",
        "an attendee",
        "a property that is missing",
        "a line without a colon",
        "a time without a zone",
        "a zone by another name",
        "an interval without its type",
        "a slash in a UID",
        "another method",
        "a UID twice",
    ],
)
def test_a_feed_that_is_spoilt_is_refused(spoil: Callable[[], bytes]) -> None:
    with pytest.raises((AssertionError, UnicodeDecodeError)):
        read_strictly(spoil())
