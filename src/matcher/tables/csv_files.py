"""CSV as people's programs write it: in UTF-8, or in Shift_JIS as Excel does in Japan.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, which may do harm.
So such a cell is written with an apostrophe before it, and read without: `+81-3-…` comes back as
it was. A cell that already begins with an apostrophe gets another, so that none is lost.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from matcher.errors import Invalid
from matcher.tables.table import Row, Table, checked_row, table

__all__ = ["ENCODINGS", "Encoding", "encode_csv", "parse_csv"]

Encoding = Literal["utf-8", "cp932"]

ENCODINGS = {"utf-8": "utf-8-sig", "cp932": "cp932"}
"""By the name under which one is asked for; Excel's Shift_JIS is Microsoft's, code page 932."""

_READ_AS = {"utf-8-sig": "CSV, UTF-8", "cp932": "CSV, Shift_JIS (CP932)"}
_HARMFUL = re.compile("[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n']")
_JAPANESE = re.compile("[\u0800-\U0010ffff]")
"""What only three and more bytes of UTF-8 say; no Shift_JIS reads like that by chance."""
_NOT_ASSIGNED = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
"""What Python makes of the bytes that stand for nothing in code page 932."""
_HALF_WIDTH_KATAKANA = re.compile("[\uff61-\uff9f]")


def parse_csv(content: bytes, encoding: str | None = None) -> Table:
    """Read a table from a CSV file.

    Raises:
        Invalid: it is in another encoding or in an unclear one, no CSV, or too large.
    """
    codec = _codec(content) if encoding is None else ENCODINGS[encoding]
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise _unknown_encoding() from error
    return table(_READ_AS[codec], list(_rows(text)))


def encode_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows as CSV in UTF-8, with the mark by which Excel knows it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _rows(text: str) -> Iterable[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            row = checked_row(number, [_as_it_was(cell) for cell in cells])
            if not row.blank:
                yield row
    except csv.Error as error:
        raise Invalid(
            "file",
            f"line {reader.line_num} is no CSV ({error})",
            "save it as CSV, with commas between the cells",
            reason_ja=f"{reader.line_num}行目がCSVとして読み取れません",
            remedy_ja="カンマ区切りのCSVとして保存してください",
        ) from error


def _codec(content: bytes) -> str:
    """The encoding that the bytes can only be in.

    Raises:
        Invalid: they can be in neither, or in both with different texts.
    """
    as_utf_8, as_cp932 = (_decoded(content, codec) for codec in _READ_AS)
    if as_utf_8 is None and as_cp932 is None:
        raise _unknown_encoding()
    if as_utf_8 is None or as_cp932 is None:
        return "cp932" if as_utf_8 is None else "utf-8-sig"
    if as_utf_8 != as_cp932 and not _clearly_utf_8(content, as_utf_8, as_cp932):
        raise Invalid(
            "file",
            "it reads as UTF-8 and as Shift_JIS, differently",
            "save it as 'CSV UTF-8' or .xlsx, or give its encoding, utf-8 or cp932",
            reason_ja="UTF-8 とも Shift_JIS とも読めます",
            remedy_ja="「CSV UTF-8」か .xlsx で保存するか、encoding に utf-8 か cp932 を"
            "指定してください",
        )
    return "utf-8-sig"


def _clearly_utf_8(content: bytes, as_utf_8: str, as_cp932: str) -> bool:
    marked = content.startswith(b"\xef\xbb\xbf")
    return marked or bool(_JAPANESE.search(as_utf_8)) or not _HALF_WIDTH_KATAKANA.search(as_cp932)


def _decoded(content: bytes, codec: str) -> str | None:
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        return None
    return None if codec == "cp932" and _NOT_ASSIGNED.search(text) else text


def _unknown_encoding() -> Invalid:
    return Invalid(
        "file",
        "its text is neither UTF-8 nor Shift_JIS",
        "save it as 'CSV UTF-8' or .xlsx",
        reason_ja="文字コードが UTF-8 でも Shift_JIS でもありません",
        remedy_ja="「CSV UTF-8」または .xlsx で保存してください",
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if _HARMFUL.match(cell) else cell


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _HARMFUL.match(cell, 1) else cell
