"""Excel workbooks (.xlsx): their first sheet, its values only.

A workbook is a zip of XML files. How much it unpacks to is looked at before anything is unpacked,
and `defusedxml`, which openpyxl takes where it is installed, refuses entities.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml import DefusedXmlException
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.child import _WorkbookChild

from matcher.errors import Invalid
from matcher.tables.table import MAX_COLUMNS, Row, Table, checked_row, table, too_large

__all__ = ["encode_excel", "parse_excel"]

MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_PARTS = 1000

_UNREADABLE = (
    zipfile.BadZipFile,
    InvalidFileException,
    DefusedXmlException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""What openpyxl raises on files that are not what it expects."""


def parse_excel(content: bytes) -> Table:
    """Read a table from the first sheet of a workbook.

    Raises:
        Invalid: it is no workbook, holds a formula, or is too large.
    """
    _check_size(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # they are only what the writer says
        return table("Excel (.xlsx)", list(_rows(sheet.iter_rows())))
    except _UNREADABLE as error:
        raise _no_workbook() from error


def encode_excel(rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows as a workbook of one sheet. Each cell is text: none is taken for a formula."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("matcher")
    sheet.freeze_panes = "A2"
    for number, row in enumerate(rows, start=1):
        sheet.append([_text_cell(sheet, text, bold=number == 1) for text in row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _text_cell(sheet: _WorkbookChild, text: str, *, bold: bool) -> Cell:
    cell: Cell = WriteOnlyCell(sheet, text or None)
    if text:
        cell.data_type = "s"
        cell.number_format = "@"  # what is typed over it stays text, with its leading zeros
    cell.font = Font(bold=bold)
    return cell


def _check_size(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except _UNREADABLE as error:
        raise _no_workbook() from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise too_large("what it unpacks to", "展開した内容")


def _rows(rows: Iterable[Sequence[Cell | MergedCell]]) -> Iterator[Row]:
    for number, cells in enumerate(rows, start=1):
        row = checked_row(number, [_text(cell) for cell in cells[: MAX_COLUMNS + 1]])
        if not row.blank:
            yield row


def _text(cell: Cell | MergedCell) -> str:
    """What a cell shows, as text; dates and times as ISO 8601 writes them."""
    value = cell.value
    if cell.data_type == "f":
        raise _formula(cell.coordinate)
    if isinstance(value, dt.datetime | dt.time):
        return _text_of_time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _text_of_time(value: dt.datetime | dt.time) -> str:
    if isinstance(value, dt.time):
        return value.isoformat("minutes")
    midnight = value.time() == dt.time()
    return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")


def _formula(place: str) -> Invalid:
    return Invalid(
        "file",
        f"cell {place} holds a formula",
        "paste its value in its place",
        reason_ja=f"セル {place} に数式が入っています",
        remedy_ja="数式の代わりに値を貼り付けてください",
    )


def _no_workbook() -> Invalid:
    return Invalid(
        "file",
        "it is no Excel workbook, or a damaged one",
        "save it as an Excel workbook (.xlsx)",
        reason_ja="Excel ブックではないか、壊れています",
        remedy_ja="Excel ブック(.xlsx)として保存し直してください",
    )
