"""Read a table from a CSV or Excel file that somebody else made: nothing in it is trusted."""

from __future__ import annotations

from pathlib import Path

from matcher.errors import Invalid
from matcher.tables.csv_files import parse_csv
from matcher.tables.excel_files import parse_excel
from matcher.tables.table import MAX_FILE_BYTES, Table, too_large

__all__ = ["read_table"]


def read_table(path: Path, *, encoding: str | None = None) -> Table:
    """Read the table in a file; what kind of file it is, its name says.

    `encoding` is that of a CSV file, where it is known.

    Raises:
        Invalid: it is no such file, or too large.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise too_large("it", "ファイル")
    match path.suffix.lower():
        case ".csv":
            return parse_csv(content, encoding)
        case ".xlsx":
            return parse_excel(content)
    raise Invalid(
        "file",
        "its name ends in neither .csv nor .xlsx",
        "save it as one of these",
        reason_ja="ファイル名が .csv でも .xlsx でもありません",
        remedy_ja="CSV または Excel ブック(.xlsx)として保存してください",
    )
