"""Read a table from a CSV or Excel file that somebody else made: nothing in it is trusted."""

from __future__ import annotations

from pathlib import Path

from matcher.errors import Invalid
from matcher.tables.csv_files import parse_csv
from matcher.tables.excel_files import parse_excel
from matcher.tables.kinds import FileKind, kind_of
from matcher.tables.table import MAX_FILE_BYTES, Table, too_large

__all__ = ["parse_table", "read_table"]


def read_table(path: Path, *, encoding: str | None = None) -> Table:
    """Read the table in a file; what kind of file it is, its name says.

    `encoding` is that of a CSV file, where it is known.

    Raises:
        Invalid: it is no such file, or too large.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    kind = kind_of(path)
    if kind is None:
        raise Invalid(
            "file",
            "its name ends in neither .csv nor .xlsx",
            "save it as one of these",
            reason_ja="ファイル名が .csv でも .xlsx でもありません",
            remedy_ja="CSV または Excel ブック(.xlsx)として保存してください",
        )
    return parse_table(content, kind, encoding=encoding)


def parse_table(content: bytes, kind: FileKind, *, encoding: str | None = None) -> Table:
    """Read the table that a file of a kind holds.

    `encoding` is that of a CSV file, where it is known.

    Raises:
        Invalid: it is no such file, or too large.
    """
    if len(content) > MAX_FILE_BYTES:
        raise too_large("it", "ファイル")
    match kind:
        case FileKind.CSV:
            return parse_csv(content, encoding)
        case FileKind.EXCEL:
            return parse_excel(content)
