from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matcher.errors import Invalid, NotFound
from matcher.intake.exports import export_applications, export_experts, export_organizations
from matcher.intake.imports import Imported, import_applications, import_experts
from matcher.intake.sheets import Column, application_columns, expert_columns, template_rows
from matcher.models import Application, Expert, Interview, Organization
from matcher.programme import ProgrammeRules
from matcher.tables.reading import read_table
from matcher.tables.table import Row, Table
from matcher.tables.writing import write_table

JULY = dt.datetime(2025, 7, 1, 1, tzinfo=dt.UTC)
JANUARY = dt.datetime(2026, 1, 20, 1, tzinfo=dt.UTC)
OTHER = {
    "corporate_number": "3999905000001",
    "name_ja": "見本旅館組合",
    "name_en": "Mihon Inns",
    "contact_email": "office@inns.example.jp",
}


def _sheet(columns: tuple[Column, ...], *changes: dict[str, str]) -> Table:
    """The template's sheet, with its example, filled in, once for each of the changes to it."""
    filled_in = [own for own in columns if not own.only_shown]
    example = {own.field: own.example for own in filled_in} | {"name_en": "Filled In"}
    rows = ({**example, **each} for each in changes)
    return Table(
        "a test",
        tuple(own.header for own in filled_in),
        tuple(
            Row(number, tuple(row[own.field] for own in filled_in))
            for number, row in enumerate(rows, start=2)
        ),
    )


def _applications(
    db: Session, rules: ProgrammeRules, *changes: dict[str, str], partial: bool = False
) -> Imported:
    table = _sheet(application_columns(rules), *changes)
    return import_applications(db, table, "tokyo-2025", JULY, partial=partial)


def _experts(db: Session, rules: ProgrammeRules, *changes: dict[str, str]) -> Imported:
    return import_experts(db, _sheet(expert_columns(rules), *changes), rules, JULY)


def _places(imported: Imported) -> list[tuple[int, str | None]]:
    return [
        (fault.row, fault.column and fault.column.split(" / ")[-1]) for fault in imported.faults
    ]


def _count(db: Session, kind: type[Application | Organization | Expert]) -> int:
    return db.scalar(select(func.count()).select_from(kind)) or 0


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.xlsx"])
def test_the_example_of_the_template_is_taken_in_once_it_is_filled_in(
    db: Session, programme: ProgrammeRules, tmp_path: Path, name: str
) -> None:
    for columns in (application_columns(programme), expert_columns(programme)):
        header, example = template_rows(columns)
        filled_in = [own for own in columns if not own.only_shown]
        own_name = next(n for n, own in enumerate(filled_in) if own.field == "name_en")
        own_row = (*example[:own_name], "Filled In", *example[own_name + 1 :])
        write_table(tmp_path / name, [header, example, own_row])
        table = read_table(tmp_path / name)
        if columns[0].field == "expert_id":
            imported = import_experts(db, table, programme, JULY, partial=True)
        else:
            imported = import_applications(db, table, "tokyo-2025", JULY, partial=True)
        assert [(each.row, each.text.en) for each in imported.faults] == [
            (2, "this is the template's example; delete it, or write over it.")
        ]
        assert len(imported.ids) == 1


def test_a_row_becomes_an_application_and_its_organization(
    db: Session, programme: ProgrammeRules
) -> None:
    imported = _applications(db, programme, {"needs.hr": "1"})
    application = db.get_one(Application, imported.ids[0])
    assert application.needs == {"labor": 3, "hr": 1}
    assert application.session_minutes == (120, 90, 90, 90, 120)
    assert [own.weekday for own in application.weekly_hours] == ["tue", "thu"]
    assert {own.answer.value for own in application.answers} == {"met"}
    assert db.get_one(Interview, application.id).due_on == dt.date(2025, 7, 8)
    organization = application.organization
    assert (organization.name_ja, organization.legal_kind, organization.municipality_code) == (
        "見本文具小売協同組合",
        "cooperative",
        "13101",
    )


def test_an_organization_on_record_is_found_by_its_number(
    db: Session, programme: ProgrammeRules
) -> None:
    first = db.get_one(Application, _applications(db, programme, {}).ids[0])
    first.state = first.state.WITHDRAWN
    short = {own.field: "" for own in application_columns(programme)[2:] if own.personal}
    second = db.get_one(Application, _applications(db, programme, short).ids[0])
    assert second.organization is first.organization
    assert _count(db, Organization) == 1


def test_a_number_that_is_anothers_is_refused(db: Session, programme: ProgrammeRules) -> None:
    _applications(db, programme, {})
    imported = _applications(db, programme, {"name_ja": "別の組合"})
    assert _places(imported) == [(2, "Corporate number")]
    assert "見本文具小売協同組合" in imported.faults[0].text.ja


def test_the_same_sheet_twice_makes_nothing_twice(db: Session, programme: ProgrammeRules) -> None:
    assert _applications(db, programme, {}).faults == ()
    imported = _applications(db, programme, {})
    assert "has applied already" in imported.faults[0].text.en
    assert _experts(db, programme, {}).faults == ()
    assert "on record as expert" in _experts(db, programme, {}).faults[0].text.en
    assert (_count(db, Application), _count(db, Expert)) == (1, 1)


def test_an_organization_that_looks_known_is_taken_for_another_only_where_the_row_says_so(
    db: Session, programme: ProgrammeRules
) -> None:
    _applications(db, programme, {})
    alike = {"corporate_number": "", "contact_email": "other@example.jp"}
    assert "It looks like" in _applications(db, programme, alike).faults[0].text.en
    assert _applications(db, programme, alike | {"is_another": "はい"}).faults == ()


def test_all_that_is_wrong_is_told_by_row_and_column(
    db: Session, programme: ProgrammeRules
) -> None:
    imported = _applications(
        db,
        programme,
        {},
        {"delivery": "somehow", "weekly_hours": "whenever", "needs.labor": "much"},
        OTHER | {"contact_email": "nobody", "corporate_number": "12", "needs.labor": "4"},
        OTHER | {"session_minutes": "30", "needs.labor": "0", "needs.hr": "0"},
        OTHER | {"session_minutes": "30"},
        OTHER | {"name_en": ""},
    )
    assert set(_places(imported)) == {
        (3, "Delivery"),
        (3, "Weekly hours"),
        (
            3,
            "Need: Labor Law and Work Rules (0-3)".replace(
                "Labor Law and Work Rules", _labor(programme)
            ),
        ),
        (4, "E-mail"),
        (4, "Corporate number"),
        (4, f"Need: {_labor(programme)} (0-3)"),
        (5, f"Need: {_labor(programme)} (0-3)"),
        (6, "Minutes of each session"),
        (7, "Name in English"),
    }
    assert all(fault.text.ja != fault.text.en for fault in imported.faults)
    assert imported.ids == ()
    assert (_count(db, Application), _count(db, Organization)) == (0, 0)


def test_all_for_which_the_programme_refuses_a_row_is_told(
    db: Session, programme: ProgrammeRules
) -> None:
    """By column where one is at fault; also of a row whose organization is refused."""
    _applications(db, programme, {})
    unfit = {
        "session_minutes": "30, 30, 30, 30, 30, 30",
        "weekly_hours": "火 10:00-11:00",
        "preferred_hours": "水 10:00-11:00",
        "last_wish_day": "2025-01-06",
    }
    programme_faults = [
        "Minutes of each session",  # six
        "Minutes of each session",  # too short
        "Preferred hours",
        "Last wish day",
    ]
    alike = {"corporate_number": "", "contact_email": "other@example.jp"}
    imported = _applications(
        db,
        programme,
        unfit,
        unfit | alike,
        unfit | OTHER | {"name_en": ""},
        unfit | OTHER | {"organization_id": "O404"},
    )
    assert _places(imported) == [
        (2, None),  # it has applied already
        *((2, column) for column in programme_faults),
        (3, None),  # it looks like one on record
        *((3, column) for column in programme_faults),
        (4, "Name in English"),
        *((4, column) for column in programme_faults),
        (5, None),  # there is no such organization
        *((5, column) for column in programme_faults),
    ]
    assert _count(db, Organization) == 1

    late = import_applications(
        db, _sheet(application_columns(programme), unfit | OTHER), "tokyo-2025", JANUARY
    )
    assert _places(late) == [(2, None), *((2, column) for column in programme_faults)]


def _labor(rules: ProgrammeRules) -> str:
    return rules.specialty("labor").name.en


def test_what_is_right_is_kept_where_that_is_asked_for(
    db: Session, programme: ProgrammeRules
) -> None:
    imported = _applications(db, programme, {"delivery": "x"}, OTHER, {}, partial=True)
    assert [fault.row for fault in imported.faults] == [2]
    assert len(imported.ids) == 2
    assert (_count(db, Application), _count(db, Organization)) == (2, 2)


def test_a_refused_row_leaves_no_organization_behind(
    db: Session, programme: ProgrammeRules
) -> None:
    imported = _applications(db, programme, OTHER | {"session_minutes": "30"}, {}, partial=True)
    assert len(imported.ids) == 1
    assert _count(db, Organization) == 1


def test_after_the_application_period_each_row_is_refused(
    db: Session, programme: ProgrammeRules
) -> None:
    table = _sheet(application_columns(programme), {}, OTHER)
    imported = import_applications(db, table, "tokyo-2025", JANUARY)
    assert [(fault.row, fault.column) for fault in imported.faults] == [(2, None), (3, None)]
    assert "申込期間" in imported.faults[0].text.ja


def test_headers_are_known_in_japanese_in_english_and_by_field(
    db: Session, programme: ProgrammeRules
) -> None:
    columns = [own for own in expert_columns(programme) if not own.only_shown]
    row = Row(2, tuple("Ann" if own.field == "name_en" else own.example for own in columns))
    for header in (
        tuple(own.ja for own in columns),
        tuple(own.en.upper() for own in columns),
        tuple(own.field for own in columns),
    ):
        imported = import_experts(db, Table("a test", header, (row,)), programme, JULY)
        assert imported.faults == ()
        db.rollback()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda header: ("Nickname", *header[1:]), "there is no column 'Nickname'"),
        (lambda header: (header[0], header[0], *header[2:]), "stands there twice"),
        (lambda header: header[1:], "it lacks Name in Japanese"),
        (lambda header: ("", *header[1:]), "there is no column ''"),
    ],
    ids=["unknown", "twice", "missing", "blank"],
)
def test_a_wrong_header_is_refused_as_a_whole(
    db: Session, programme: ProgrammeRules, change: object, complaint: str
) -> None:
    table = _sheet(expert_columns(programme), {})
    wrong = Table(table.read_as, change(table.header), table.rows)  # type: ignore[operator]
    with pytest.raises(Invalid, match=complaint):
        import_experts(db, wrong, programme, JULY)


def test_a_value_beyond_the_header_is_refused(db: Session, programme: ProgrammeRules) -> None:
    table = _sheet(expert_columns(programme), {})
    row = Row(2, (*table.rows[0].cells, "stray"))
    imported = import_experts(db, Table("a test", table.header, (row,)), programme, JULY)
    assert _places(imported) == [(2, None)]


def test_an_expert_comes_with_hours_absences_and_conflicts(
    db: Session, programme: ProgrammeRules
) -> None:
    _applications(db, programme, {})
    organization_id = db.scalars(select(Organization.id)).one()
    imported = _experts(
        db,
        programme,
        {
            "conflicts": f"{organization_id} 顧問先のため",
            "qualifications": "公認心理師, career_consultant",
        },
    )
    expert = db.get_one(Expert, imported.ids[0])
    assert expert.qualifications == ("licensed_psychologist", "career_consultant")
    assert len(expert.weekly_hours) == 2
    assert [own.reason for own in expert.absences] == ["夏季休暇"]
    assert [own.reason for own in expert.conflicts] == ["顧問先のため"]


def test_what_is_wrong_with_an_expert_is_told_by_column(
    db: Session, programme: ProgrammeRules
) -> None:
    imported = _experts(
        db,
        programme,
        {"municipality_code": "27100"},
        {"qualifications": "弁護士"},
        {"absences": "2025-08-12 15:00..2025-08-12 13:00"},
        {"conflicts": "O0 顧問"},
        {"max_per_day": "-1", "email": ""},
    )
    assert _places(imported) == [
        (2, "Municipality"),
        (3, "Qualifications"),
        (4, "Absences"),
        (5, None),
        (6, "E-mail"),
        (6, "At most a day"),
    ]
    assert _count(db, Expert) == 0


def test_an_unknown_programme_is_not_found(db: Session, programme: ProgrammeRules) -> None:
    table = _sheet(application_columns(programme), {})
    with pytest.raises(NotFound):
        import_applications(db, table, "osaka-1970", JULY)


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.xlsx"])
def test_an_export_with_contacts_can_be_taken_in_elsewhere(
    db: Session, programme: ProgrammeRules, tmp_path: Path, name: str
) -> None:
    _applications(db, programme, {"contact_phone": "+81 3-0000-0001"}, OTHER)
    _experts(db, programme, {})
    path = tmp_path / name
    before = {
        "applications": list(export_applications(db, programme, with_contacts=True)),
        "experts": list(export_experts(db, programme, with_contacts=True)),
    }
    db.rollback()
    programme_again = _load_again(db)
    for what, rows in before.items():
        header, *records = rows
        kept = [position for position, title in enumerate(header) if "団体ID" not in title]
        write_table(path, [[row[position] for position in kept] for row in (header, *records)])
        table = read_table(path)
        if what == "experts":
            assert import_experts(db, table, programme_again, JULY).faults == ()
        else:
            assert import_applications(db, table, "tokyo-2025", JULY).faults == ()
    after = list(export_applications(db, programme_again, with_contacts=True))
    assert sorted(row[3:] for row in after) == sorted(row[3:] for row in before["applications"])
    experts = list(export_experts(db, programme_again, with_contacts=True))
    assert [row[1:] for row in experts] == [row[1:] for row in before["experts"]]


def _load_again(db: Session) -> ProgrammeRules:
    from matcher.models import load_programme  # noqa: PLC0415

    return load_programme(db, "tokyo-2025")


def test_an_export_leaves_out_who_somebody_is_and_how_to_reach_them(
    db: Session, programme: ProgrammeRules
) -> None:
    _applications(db, programme, {})
    _experts(db, programme, {})
    for export in (export_organizations, export_experts, export_applications):
        text = str(list(export(db, programme, with_contacts=False)))
        for secret in ("見本 太郎", "見本 はるか", "Haruka", "@", "03-0000", "外神田", "夏季休暇"):
            assert secret not in text
        assert "小売業" in text
        assert "見本" in str(list(export(db, programme, with_contacts=True)))


def test_what_the_record_of_an_organization_does_not_say_is_not_lost_without_a_word(
    db: Session, programme: ProgrammeRules
) -> None:
    first = db.get_one(Application, _applications(db, programme, {}).ids[0])
    first.state = first.state.WITHDRAWN
    db.flush()
    refused = _applications(
        db, programme, {"contact_email": "new@example.jp", "municipality_code": "八王子市"}
    )
    assert _places(refused) == [(2, "Municipality"), (2, "E-mail")]
    assert "on record it is 13101" in refused.faults[0].text.en
    assert len(_applications(db, programme, {}).ids) == 1


def test_a_day_beyond_the_calendar_is_one_fault_of_its_cell(
    db: Session, programme: ProgrammeRules
) -> None:
    for absence in ("2025-10-01..9999-12-31 休職", "0001-01-01", "2025-10-01..3000-01-01"):
        assert len(_experts(db, programme, {"absences": absence}).faults) == 1


def test_circles_and_widths_are_read_as_people_type_them(
    db: Session, programme: ProgrammeRules
) -> None:
    typed = {"contact_phone": "０３ー９９９９－９９９９", "has_manual": "〇"}
    (id,) = _applications(db, programme, typed).ids
    organization = db.get_one(Application, id).organization
    assert (organization.contact_phone, organization.has_manual) == ("03-9999-9999", True)
