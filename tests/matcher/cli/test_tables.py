from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from matcher.cli import main
from tests.api.service import FIRST_DAY
from tests.clocks import days_to


@pytest.fixture(autouse=True)
def july(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of its own, in the application period."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(days_to(FIRST_DAY)))


def fill_in(what: str, path: Path) -> Path:
    """Write a template, and put a name of one's own into its example."""
    assert main(["template", what, "--out", str(path)]) == 0
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        header, example = book.worksheets[0].iter_rows()
        for title, cell in zip(header, example, strict=True):
            if "Name in English" in str(title.value):
                cell.value = "Filled In"
        book.save(path)
    else:
        text = path.read_text("utf-8-sig")
        for name in ("Haruka Mihon", "Mihon Stationers' Cooperative"):
            text = text.replace(name, "Filled In")
        path.write_text(text, "utf-8-sig")
    return path


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize("what", ["applications", "experts"])
def test_a_template_is_written_taken_in_and_written_out_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, suffix: str
) -> None:
    path, out = fill_in(what, tmp_path / f"sheet.{suffix}"), str(tmp_path / f"out.{suffix}")
    assert main(["import", what, str(path)]) == 0
    assert "Taken in: 1; rows refused: 0." in capsys.readouterr().err
    assert main(["export", what, "--out", out]) == 0
    assert f"1 {what} written" in capsys.readouterr().err


def test_a_sheet_in_shift_jis_is_read_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sheet.csv"
    fill_in("experts", path)
    path.write_bytes(path.read_text("utf-8-sig").encode("cp932"))
    assert main(["import", "experts", str(path), "--lang", "ja"]) == 0
    assert "CSV, Shift_JIS (CP932) として読み取りました。登録 1件" in capsys.readouterr().err


def _workbook(tmp_path: Path) -> Path:
    """Two experts: the second has a speciality that there is not."""
    path = tmp_path / "sheet.xlsx"
    fill_in("experts", path)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    second = [cell.value for cell in sheet[2]]
    second[4] = "弁護士"
    sheet.append(second)
    book.save(path)
    return path


def test_a_refused_row_is_told_and_nothing_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(_workbook(tmp_path))
    capsys.readouterr()
    assert main(["import", "experts", path]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("row 3, 資格 / Qualifications: it is none of the values")
    assert "Taken in: 0; rows refused: 1." in said.err
    assert main(["import", "experts", path, "--lang", "ja"]) == 1
    assert capsys.readouterr().out.startswith("3行目、資格 / Qualifications: 指定できる値では")
    main(["export", "experts", "--out", str(tmp_path / "out.csv")])
    assert "0 experts written" in capsys.readouterr().err


def test_what_is_right_is_kept_with_partial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "experts", str(_workbook(tmp_path)), "--partial"]) == 1
    assert "Taken in: 1; rows refused: 1." in capsys.readouterr().err


def test_an_export_has_contacts_only_where_they_are_asked_for(tmp_path: Path) -> None:
    sheet, out = fill_in("applications", tmp_path / "sheet.csv"), tmp_path / "out.csv"
    main(["import", "applications", str(sheet)])
    main(["export", "organizations", "--out", str(out)])
    assert "office@" not in out.read_text("utf-8-sig")
    main(["export", "organizations", "--out", str(out), "--with-contacts"])
    assert "office@" in out.read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["import", "experts", "nothing.csv"], "No such file"),
        (["import", "experts", "sheet.txt"], "neither .csv nor .xlsx"),
        (["import", "experts", "sheet.xlsx"], "no Excel workbook"),
        (["import", "experts", "sheet.csv"], "there is no column 'hello'"),
        (["import", "experts", "sheet.csv", "--lang", "ja"], "「hello」という列はありません"),
        (["import", "experts", "sheet.csv", "--programme", "osaka-1970"], "osaka-1970"),
        (["template", "experts", "--out", "sheet.ods"], "neither .csv nor .xlsx"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sheet.csv", "sheet.xlsx", "sheet.txt"):
        (tmp_path / name).write_text("hello\nworld\n")
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_a_sheet_that_excel_saved_in_shift_jis_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole template, header and example, through the code page of Windows and back."""
    for what in ("applications", "experts"):
        template, saved = fill_in(what, tmp_path / f"{what}.csv"), tmp_path / f"{what}-saved.csv"
        text = template.read_text(encoding="utf-8-sig").replace("〜", "～")
        saved.write_bytes(text.encode("cp932"))
        capsys.readouterr()
        assert main(["import", what, str(saved)]) == 0, capsys.readouterr()
