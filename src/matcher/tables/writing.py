"""Write a table as a CSV or Excel file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matcher.errors import Invalid
from matcher.tables.csv_files import encode_csv
from matcher.tables.excel_files import encode_excel

__all__ = ["write_table"]


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows, the header first, to a file; what kind of file it is, its name says.

    Raises:
        Invalid: its name ends in neither .csv nor .xlsx.
        OSError: it cannot be written.
    """
    match path.suffix.lower():
        case ".csv":
            path.write_bytes(encode_csv(rows))
        case ".xlsx":
            path.write_bytes(encode_excel(rows))
        case _:
            raise Invalid(
                "out",
                "its name ends in neither .csv nor .xlsx",
                "give a name with one of these",
                reason_ja="ファイル名が .csv でも .xlsx でもありません",
                remedy_ja=".csv または .xlsx で終わる名前を指定してください",
            )
