"""Components as content lines, folded the way every calendar program reads them."""

from __future__ import annotations

from typing import Final

from icalendar import Component

__all__ = ["folded"]

LINE_OCTETS: Final = 75


def folded(component: Component) -> bytes:
    """Return the component's lines, folded as RFC 5545 3.1 says, between characters.

    Unlike icalendar's own, no fold parts a backslash from what it escapes: Google drops an event
    for it (collective/icalendar#1501, mended there for line breaks only).
    """
    lines = (str(line).encode() for line in component.content_lines(sorted=False))
    return b"".join(_fold(line) + b"\r\n" for line in lines if line)


def _fold(line: bytes) -> bytes:
    pieces = []
    start, room = 0, LINE_OCTETS
    while len(line) - start > room:
        end = start + room
        while _is_inside_character(line[end]) or _ends_within_escape(line[start:end]):
            end -= 1
        pieces.append(line[start:end])
        start, room = end, LINE_OCTETS - 1
    return b"\r\n ".join((*pieces, line[start:]))


def _is_inside_character(octet: int) -> bool:
    return octet & 0b1100_0000 == 0b1000_0000


def _ends_within_escape(piece: bytes) -> bool:
    return (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1
