from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from matcher.errors import Invalid
from matcher.tables.reading import read_table
from matcher.tables.table import MAX_CELL_LENGTH, MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS
from matcher.tables.writing import write_table

TEXT = "団体名,業種\r\n東都架空組合,retail\r\n"


def _file(folder: Path, content: bytes, name: str = "sheet.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _book(folder: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    path = folder / "sheet.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("content", "read_as"),
    [
        (TEXT.encode(), "CSV, UTF-8"),
        (TEXT.encode("utf-8-sig"), "CSV, UTF-8"),
        (TEXT.encode("cp932"), "CSV, Shift_JIS (CP932)"),
    ],
    ids=["UTF-8", "with its mark", "Shift_JIS"],
)
def test_the_encoding_of_a_csv_file_is_found_out(
    tmp_path: Path, content: bytes, read_as: str
) -> None:
    table = read_table(_file(tmp_path, content))
    assert (table.read_as, table.header) == (read_as, ("団体名", "業種"))
    assert [(row.number, row.cells) for row in table.rows] == [(2, ("東都架空組合", "retail"))]


def test_what_only_microsofts_shift_jis_can_write_is_read(tmp_path: Path) -> None:
    table = read_table(_file(tmp_path, "名\r\n髙﨑①株式会社\r\n".encode("cp932")))
    assert table.rows[0].cells == ("髙﨑①株式会社",)


def test_an_encoding_that_is_unclear_is_asked_for(tmp_path: Path) -> None:
    path = _file(tmp_path, "name\r\nﾃｽﾃｽ\r\n".encode("cp932"))  # UTF-8 could read it as ýý
    with pytest.raises(Invalid, match="give its encoding, utf-8 or cp932"):
        read_table(path)
    assert read_table(path, encoding="cp932").rows[0].cells == ("ﾃｽﾃｽ",)


@pytest.mark.parametrize("content", [TEXT.encode("utf-16"), b"\xff\xff\xff", TEXT.encode("euc-jp")])
def test_another_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Invalid, match="save it as"):
        read_table(_file(tmp_path, content))


def test_rows_keep_the_numbers_that_the_sheet_shows(tmp_path: Path) -> None:
    content = b'name,note\r\n"one","two\nlines"\r\n\r\n,,\r\nlast\r\n'
    table = read_table(_file(tmp_path, content))
    assert [row.number for row in table.rows] == [2, 5]
    table = read_table(_book(tmp_path, ["name"], ["one"], [], [None], ["last"]))
    assert [row.number for row in table.rows] == [2, 5]


def test_the_values_of_a_workbook_are_read_as_their_sheet_shows_them(tmp_path: Path) -> None:
    row = [13101, 2.5, True, dt.date(2025, 8, 12), dt.time(10, 30), None, " text "]
    table = read_table(_book(tmp_path, list("abcdefg"), row))
    assert table.rows[0].cells == ("13101", "2.5", "yes", "2025-08-12", "10:30", "", "text")


def test_a_formula_is_refused_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cell B3 holds a formula") as refused:
        read_table(_book(tmp_path, ["a", "b"], ["x"], ["y", "=1+1"]))
    assert "セル B3" in refused.value.message_ja


@pytest.mark.parametrize(
    "content", [b"", b"no workbook", b"PK\x03\x04 broken", TEXT.encode()], ids=repr
)
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Invalid, match="no Excel workbook"):
        read_table(_file(tmp_path, content, "sheet.xlsx"))


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(Invalid, match="no Excel workbook"):
        read_table(_file(tmp_path, content.getvalue(), "sheet.xlsx"))


def test_a_workbook_that_unpacks_to_too_much_is_refused_unopened(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(11):
            archive.writestr(f"xl/{part}.xml", bytes(10 * 1024 * 1024))
    assert len(content.getvalue()) < MAX_FILE_BYTES
    with pytest.raises(Invalid, match="what it unpacks to is too large"):
        read_table(_file(tmp_path, content.getvalue(), "sheet.xlsx"))


def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    plain = _book(tmp_path, ["a"], ["b"]).read_bytes()
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as before, zipfile.ZipFile(content, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            if name.endswith("worksheets/sheet1.xml"):
                declared = b'<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa">]>'
                part = declared + part[part.find(b"<worksheet") :].replace(b">b<", b">&a;&a;<")
                assert b"&a;" in part
            after.writestr(name, part)
    with pytest.raises(Invalid, match="no Excel workbook"):
        read_table(_file(tmp_path, content.getvalue(), "sheet.xlsx"))


@pytest.mark.parametrize(
    "content",
    [
        b"a\r\n" * (MAX_ROWS + 2),
        b"a," * MAX_COLUMNS + b"a\r\nb\r\n",
        b"a\r\n" + b"b" * (MAX_CELL_LENGTH + 1),
        b"a\r\n" + b"b\r\n" * (MAX_FILE_BYTES // 3),
    ],
    ids=["rows", "columns", "cell", "bytes"],
)
def test_too_much_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Invalid, match="too large; give at most 5000 rows"):
        read_table(_file(tmp_path, content))


def test_as_much_as_is_allowed_is_read(tmp_path: Path) -> None:
    assert len(read_table(_file(tmp_path, b"a\r\n" * (MAX_ROWS + 1))).rows) == MAX_ROWS


def test_a_row_far_below_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "a"
    book.worksheets[0].cell(MAX_ROWS + 2, 1).value = "b"
    book.save(tmp_path / "sheet.xlsx")
    with pytest.raises(Invalid, match="too large"):
        read_table(tmp_path / "sheet.xlsx")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "its first row is empty"),
        (b"\r\na\r\n", "its first row is empty"),
        (b"a,b\r\n\r\n,,\r\n", "nothing stands below its header"),
        (b'a,b\r\n"x', "is no CSV"),
    ],
)
def test_a_file_without_a_table_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        read_table(_file(tmp_path, content))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="neither"):
        read_table(_file(tmp_path, b"a", "sheet.ods"))
    with pytest.raises(Invalid, match="neither"):
        write_table(tmp_path / "sheet.ods", [["a"]])


HARMFUL = ["=1+1", "+81-3-0000-0001", "-1", "@SUM(A1)", "\uff1d1", "'quoted", "'=x", "plain"]


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.xlsx"])
def test_what_is_written_is_read_as_it_was(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_table(path, [[f"c{number}" for number in range(len(HARMFUL))], HARMFUL])
    assert read_table(path).rows[0].cells == tuple(HARMFUL)


def test_no_cell_of_a_csv_file_begins_like_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    write_table(path, [["name"], *([text] for text in HARMFUL)])
    lines = path.read_text("utf-8-sig").splitlines()
    assert [line for line in lines if line[0] in "=+-@\uff1d"] == []
