"""Sheets of many, sent as they are: CSV and Excel files over HTTP."""

from __future__ import annotations

import csv
import io
from itertools import count

import openpyxl
import pytest
from requests import Response

from matcher.models import Role
from matcher.tables.kinds import MEDIA_TYPES, FileKind
from matcher.tables.writing import encode_table
from tests.api.records import corporate_number, expert
from tests.api.service import Caller, RunningService

CSV, EXCEL = MEDIA_TYPES[FileKind.CSV], MEDIA_TYPES[FileKind.EXCEL]
YEAR = "programme=tokyo-2025"
MEBIBYTE = 1024 * 1024

_numbers = count(5000)  # beyond those of other records of this service


def send(
    caller: Caller, what: str, content: bytes, query: str = YEAR, type: str = CSV, **headers: str
) -> Response:
    path = f"/v1/{what}/imports?{query}"
    return caller.ask("POST", path, content=content, Content_Type=type, **headers)


def sheet(caller: Caller, what: str, *changes: dict[str, str]) -> list[list[str]]:
    """The template, with its example once for each of the changes; each row somebody else."""
    text = caller.get(f"/v1/{what}/imports/template?{YEAR}").content.decode("utf-8-sig")
    header, example = csv.reader(io.StringIO(text))
    names = [title.rpartition(" / ")[2] for title in header]
    rows = [header]
    for own in changes:
        number = next(_numbers)
        somebody = {"Name in Japanese": f"見本組合{number}", "Name in English": f"Mihon {number}"}
        somebody["E-mail"] = f"office{number}@mihon.example.jp"
        somebody["Corporate number"] = corporate_number(number)
        values = dict(zip(names, example, strict=True)) | somebody | own
        rows.append([values[name] for name in names])
    return rows


def as_csv(rows: list[list[str]]) -> bytes:
    return encode_table(FileKind.CSV, rows)


@pytest.mark.parametrize("what", ["applications", "experts"])
def test_a_sheet_is_taken_in_as_csv_and_as_an_excel_book(admin: Caller, what: str) -> None:
    for kind, read_as in ((FileKind.CSV, "CSV, UTF-8"), (FileKind.EXCEL, "Excel (.xlsx)")):
        content = encode_table(kind, sheet(admin, what, {}, {}))
        answer = send(admin, what, content, type=MEDIA_TYPES[kind])
        assert answer.status_code == 200, answer.text
        assert (answer.json()["read_as"], answer.json()["faults"]) == (read_as, [])
        ids = answer.json()["ids"]
        assert len(set(ids)) == 2
        for each in ids:
            assert admin.get(f"/v1/{what}/{each}").status_code == 200


@pytest.mark.parametrize("what", ["applications", "experts"])
def test_the_template_is_the_same_sheet_as_csv_and_as_an_excel_book(
    admin: Caller, what: str
) -> None:
    path = f"/v1/{what}/imports/template?{YEAR}"
    plain = admin.get(path)
    assert plain.headers["Content-Type"].startswith(CSV)
    assert plain.headers["Content-Disposition"] == f'attachment; filename="{what}.csv"'
    book = admin.get(f"{path}&format=xlsx")
    assert book.headers["Content-Type"] == EXCEL
    cells = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[0].values
    header, example = csv.reader(io.StringIO(plain.content.decode("utf-8-sig")))
    assert [tuple(cell or "" for cell in row) for row in cells] == [tuple(header), tuple(example)]
    assert admin.get(f"{path}&format=ods").status_code == 422
    assert admin.get(f"/v1/{what}/imports/template?programme=osaka-1970").status_code == 404


def test_where_rows_are_refused_nothing_is_taken_in_and_each_fault_has_its_place(
    admin: Caller,
) -> None:
    rows = sheet(admin, "experts", {}, {"Qualifications": "弁護士", "At most a day": "many"})
    answer = send(admin, "experts", as_csv(rows), Accept_Language="ja")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "rows_refused")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["detail"].startswith("不備のある行が1行あるため、1件も登録していません。")
    assert problem["read_as"] == "CSV, UTF-8"
    assert [(each["row"], each["column"]) for each in problem["faults"]] == [
        (3, "資格 / Qualifications"),
        (3, "1日の上限 / At most a day"),
    ]
    assert all(each["text_ja"] and each["text_en"] for each in problem["faults"])
    # The row that is right was not kept: it is taken in when it comes again.
    assert send(admin, "experts", as_csv(rows[:2])).status_code == 200


def test_what_is_right_is_taken_in_where_that_is_asked_for(admin: Caller) -> None:
    rows = sheet(admin, "applications", {}, {"Minutes of each session": "30"})
    answer = send(admin, "applications", as_csv(rows), f"{YEAR}&partial=true")
    assert answer.status_code == 200
    (taken,) = answer.json()["ids"]
    assert admin.get(f"/v1/applications/{taken}").json()["state"] == "submitted"
    (fault,) = answer.json()["faults"]
    assert (fault["row"], fault["column"]) == (3, "各回の時間(分) / Minutes of each session")
    assert "60" in fault["text_en"]


def test_a_sheet_sent_again_under_its_key_is_taken_in_once(admin: Caller) -> None:
    for kind in FileKind:
        content, type = encode_table(kind, sheet(admin, "experts", {})), MEDIA_TYPES[kind]
        key = f"sheet {kind}".replace(" ", "-")
        first = send(admin, "experts", content, type=type, Idempotency_Key=key)
        again = send(admin, "experts", content, type=type, Idempotency_Key=key)
        assert first.status_code == again.status_code == 200
        assert again.content == first.content
        assert again.headers["Idempotency-Replayed"] == "true"
        other = send(admin, "experts", content + b"\n", type=type, Idempotency_Key=key)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_a_sheet_that_was_refused_may_be_sent_again_corrected_under_its_key(
    admin: Caller,
) -> None:
    header, row = sheet(admin, "experts", {})
    wrong = as_csv([header, ["", *row[1:]]])
    assert send(admin, "experts", wrong, Idempotency_Key="refused-sheet").status_code == 422
    right = as_csv([header, row])
    assert send(admin, "experts", right, Idempotency_Key="refused-sheet").status_code == 200


def test_shift_jis_is_found_out_and_an_unclear_file_is_settled_by_its_encoding(
    admin: Caller,
) -> None:
    text = as_csv(sheet(admin, "experts", {})).decode("utf-8-sig")
    answer = send(admin, "experts", text.encode("cp932"))
    assert answer.json()["read_as"] == "CSV, Shift_JIS (CP932)"

    unclear = "name\r\nﾃｽﾃｽ\r\n".encode("cp932")
    asked = send(admin, "experts", unclear)
    assert (asked.status_code, asked.json()["errors"][0]["field"]) == (422, "file")
    assert "utf-8 or cp932" in asked.json()["errors"][0]["remedy"]
    settled = send(admin, "experts", unclear, f"{YEAR}&encoding=cp932")
    assert settled.json()["errors"][0]["field"] == "header"


@pytest.mark.parametrize(
    ("content", "type", "query", "status"),
    [
        (b"", CSV, YEAR, 422),
        (b"", EXCEL, YEAR, 422),
        (b"no workbook", EXCEL, YEAR, 422),
        (b"hello\nworld\n", CSV, YEAR, 422),
        (b"hello\nworld\n", CSV, "", 422),
        (b"hello\nworld\n", CSV, f"{YEAR}&encoding=latin-1", 422),
        (b"hello\nworld\n", CSV, f"{YEAR}&dry_run=true", 422),
        (b"hello\nworld\n", CSV, "programme=osaka-1970", 404),
        (b"{}", "application/json", YEAR, 415),
        (b"hello\nworld\n", "text/plain", YEAR, 415),
        (b"hello\nworld\n", "", YEAR, 415),
        (b"x" * (10 * MEBIBYTE + 1), CSV, YEAR, 413),
    ],
)
@pytest.mark.parametrize("what", ["applications", "experts"])
def test_what_is_no_sheet_is_refused(
    admin: Caller, what: str, content: bytes, type: str, query: str, status: int
) -> None:
    answer = send(admin, what, content, query, type)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_a_sheet_may_be_larger_than_other_requests_and_is_taken_nowhere_else(
    admin: Caller,
) -> None:
    rows = sheet(admin, "experts", {})
    blank_rows = b"," * 1000 + b"\r\n"
    large = as_csv(rows) + blank_rows * 1200
    assert len(large) > MEBIBYTE
    assert send(admin, "experts", large).status_code == 200

    for path in ("/v1/experts", "/v1/applications", "/v1/organizations"):
        elsewhere = admin.ask("POST", path, content=as_csv(rows), Content_Type=CSV)
        assert elsewhere.status_code == 415
    body = expert(name_en="x" * (MEBIBYTE + 1))
    assert admin.post("/v1/experts", body).status_code == 413


def test_who_makes_one_takes_in_many_and_nobody_else(
    service: RunningService, admin: Caller
) -> None:
    allowed = {
        "applications": {Role.ADMIN, Role.STAFF},
        "experts": {Role.ADMIN, Role.PLANNER, Role.STAFF},
    }
    (organization_id,) = _organization_of(admin)
    (expert_id,) = send(admin, "experts", as_csv(sheet(admin, "experts", {}))).json()["ids"]
    subjects = {Role.ORGANIZATION: organization_id, Role.EXPERT: expert_id}
    for role in Role:
        caller = service.caller(role, subjects.get(role))
        for what, roles in allowed.items():
            status = 200 if role in roles else 403
            content = as_csv(sheet(admin, what, {}))
            assert send(caller, what, content).status_code == status, (role, what)
            template = caller.get(f"/v1/{what}/imports/template?{YEAR}")
            assert template.status_code == status, (role, what)


def test_the_audit_names_who_took_a_sheet_in(service: RunningService, admin: Caller) -> None:
    staff = service.caller(Role.STAFF)
    (expert_id,) = send(staff, "experts", as_csv(sheet(staff, "experts", {}))).json()["ids"]
    entries = admin.get(f"/v1/audit?kind=expert&record={expert_id}").json()["items"]
    assert {each["operation"] for each in entries} == {"experts.import_sheet"}
    assert all(each["actor"].startswith("tests, staff") for each in entries)


def _organization_of(admin: Caller) -> list[str]:
    """The organization of an application that came in on a sheet."""
    ids = send(admin, "applications", as_csv(sheet(admin, "applications", {}))).json()["ids"]
    return [admin.get(f"/v1/applications/{each}").json()["organization_id"] for each in ids]
