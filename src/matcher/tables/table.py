"""A table as it is read: a header, and rows that keep the numbers their sheet shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matcher.errors import Invalid

__all__ = ["MAX_CELL_LENGTH", "MAX_COLUMNS", "MAX_FILE_BYTES", "MAX_ROWS", "Row", "Table", "table"]

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_ROWS = 5000
"""Below the header; what one office takes in by hand in a year is a tenth of it."""
LAST_ROW = 1_048_576
"""A sheet of Excel has no more, whatever a file says."""
MAX_COLUMNS = 100
MAX_CELL_LENGTH = 5000


@dataclass(frozen=True)
class Row:
    """One line of a table, and its number on the sheet, of which the header has the first."""

    number: int
    cells: tuple[str, ...]

    @property
    def blank(self) -> bool:
        """Nothing stands in it."""
        return not any(self.cells)

    def cell(self, position: int) -> str:
        """What stands in a column; nothing, where the row ends before it."""
        return self.cells[position] if position < len(self.cells) else ""


@dataclass(frozen=True)
class Table:
    """A header and what stands below it, without blank rows."""

    read_as: str
    """What the file was taken for, such as `CSV, UTF-8`."""
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def table(read_as: str, rows: Sequence[Row]) -> Table:
    """Make a table of the rows that are not blank; the first of all rows is the header.

    Raises:
        Invalid: there is no header, nothing below it, or too much of anything.
    """
    if not rows or rows[0].number != 1:
        raise Invalid(
            "file",
            "its first row is empty",
            "begin with the header of the template",
            reason_ja="1行目が空です",
            remedy_ja="ひな形の見出し行から始めてください",
        )
    header, *others = rows
    below = tuple(others)
    if not below:
        raise Invalid(
            "file",
            "nothing stands below its header",
            "fill in at least one row",
            reason_ja="見出しの下にデータがありません",
            remedy_ja="1行以上入力してください",
        )
    return Table(read_as, header.cells, below)


def checked_row(number: int, cells: Sequence[str]) -> Row:
    """One row, without the blanks around its texts and after its last one.

    Raises:
        Invalid: it stands too far down, or it or one of its cells is too long.
    """
    texts = [text.strip() for text in cells]
    while texts and not texts[-1]:
        texts.pop()
    longest = max(map(len, texts), default=0)
    if len(texts) > MAX_COLUMNS or longest > MAX_CELL_LENGTH:
        raise too_large(f"row {number}", f"{number}行目")
    if number > LAST_ROW or (number > MAX_ROWS + 1 and texts):
        raise too_large("it", "ファイル")
    return Row(number, tuple(texts))


def too_large(what: str, what_ja: str) -> Invalid:
    """Say what fits into one file."""
    megabytes = MAX_FILE_BYTES // 1024**2
    return Invalid(
        "file",
        f"{what} is too large",
        f"give at most {MAX_ROWS} rows, {MAX_COLUMNS} columns, {MAX_CELL_LENGTH} characters a "
        f"cell and {megabytes} MiB; divide it into several files",
        reason_ja=f"{what_ja}が大きすぎます",
        remedy_ja=f"{MAX_ROWS}行、{MAX_COLUMNS}列、1セル{MAX_CELL_LENGTH}文字、{megabytes}MiB"
        "までです。複数のファイルに分けてください",
    )
