"""Write a table as a CSV or Excel file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matcher.errors import Invalid
from matcher.tables.csv_files import encode_csv
from matcher.tables.excel_files import encode_excel
from matcher.tables.kinds import FileKind, kind_of

__all__ = ["encode_table", "write_table"]


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows, the header first, to a file; what kind of file it is, its name says.

    Raises:
        Invalid: its name ends in neither .csv nor .xlsx.
        OSError: it cannot be written.
    """
    kind = kind_of(path)
    if kind is None:
        raise Invalid(
            "out",
            "its name ends in neither .csv nor .xlsx",
            "give a name with one of these",
            reason_ja="ファイル名が .csv でも .xlsx でもありません",
            remedy_ja=".csv または .xlsx で終わる名前を指定してください",
        )
    path.write_bytes(encode_table(kind, rows))


def encode_table(kind: FileKind, rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows, the header first, as a file of a kind."""
    match kind:
        case FileKind.CSV:
            return encode_csv(rows)
        case FileKind.EXCEL:
            return encode_excel(rows)
