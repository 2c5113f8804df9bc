"""The sheets that offices fill in, column by column: one row an application, one row an expert.

A column is known by its Japanese name, its English name, both as the template writes them, or by
the name of its field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matcher.industries import INDUSTRIES
from matcher.intake.cells import (
    YES_OR_NO,
    Choice,
    Option,
    folded,
    read_absences,
    read_conflicts,
    read_day,
    read_digits,
    read_hours,
    read_list,
    read_municipality,
    read_number,
    read_numbers,
    read_plain,
    write_absences,
    write_conflicts,
    write_hours,
    write_list,
)
from matcher.models import Channel, Delivery, LegalKind, Purpose
from matcher.programme import ProgrammeRules, RequirementKind

__all__ = [
    "Column",
    "application_columns",
    "expert_columns",
    "organization_columns",
    "template_rows",
]

Read = Callable[[str], Any]
Write = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """One column: the field it fills, its names, how its cells are read and written."""

    field: str
    ja: str
    en: str
    read: Read = str
    write: Write = str
    example: str = ""
    required: bool = False
    """The header names it; a cell of it may be empty where the rest says enough."""
    personal: bool = False
    """Who somebody is and how to reach them: an export leaves it out unless asked."""
    only_shown: bool = False
    """An export shows it, an import passes over it."""

    @property
    def header(self) -> str:
        """How a template names it."""
        return f"{self.ja} / {self.en}"

    @property
    def names(self) -> frozenset[str]:
        """All that a header may call it, folded."""
        return frozenset(map(folded, (self.field, self.ja, self.en, self.header)))


def template_rows(columns: tuple[Column, ...]) -> list[tuple[str, ...]]:
    """A sheet to fill in: its header, and a row that shows how."""
    filled_in = [own for own in columns if not own.only_shown]
    return [tuple(own.header for own in filled_in), tuple(own.example for own in filled_in)]


def organization_columns(rules: ProgrammeRules) -> tuple[Column, ...]:
    """What is told of an organization."""
    kinds = _legal_kinds(rules)
    return (
        Column("organization_id", "団体ID", "Organization ID"),
        Column("corporate_number", "法人番号", "Corporate number", read_digits, example=_NUMBER),
        Column(
            "name_ja", "団体名", "Name in Japanese", example="見本文具小売協同組合", required=True
        ),
        Column(
            "name_en", "団体名(英語)", "Name in English", example="Mihon Stationers' Cooperative"
        ),
        Column("legal_kind", "法人の種類", "Legal kind", kinds.read, kinds.write, "①"),
        Column(
            "municipality_code", "区市町村", "Municipality", read_municipality, example="千代田区"
        ),
        _personal("address_ja", "所在地", "Address", "東京都千代田区外神田一丁目1番"),
        _personal("address_en", "所在地(英語)", "Address in English", ""),
        Column("industry", "業種", "Industry", _INDUSTRY.read, _INDUSTRY.write, "小売業"),
        _personal("contact_name", "担当者名", "Contact person", "見本 太郎"),
        _reached_by(
            "contact_email", "メールアドレス", "E-mail", "office@mihon-stationers.example.jp"
        ),
        _reached_by("contact_phone", "電話番号", "Telephone", "03-0000-0001"),
        _yes_or_no("has_manual", "既存マニュアルの有無", "Has a manual", "いいえ"),
        _yes_or_no("is_another", "別の団体", "Another organization", ""),
    )


def application_columns(rules: ProgrammeRules) -> tuple[Column, ...]:
    """What is told of an application, with its organization."""
    return (
        Column("application_id", "申込ID", "Application ID", only_shown=True),
        Column("state", "状態", "State", only_shown=True),
        *organization_columns(rules),
        Column("channel", "受付方法", "Channel", _CHANNEL.read, _CHANNEL.write, "申込書"),
        Column(
            "delivery",
            "実施方法",
            "Delivery",
            _DELIVERY.read,
            _DELIVERY.write,
            "訪問",
            required=True,
        ),
        Column("purpose", "目的", "Purpose", _PURPOSE.read, _PURPOSE.write, "新規作成"),
        *_need_columns(rules),
        Column(
            "session_minutes",
            "各回の時間(分)",
            "Minutes of each session",
            read_numbers,
            write_list,
            "120, 90, 90, 90, 120",
            required=True,
        ),
        _hours(
            "weekly_hours", "対応可能な時間帯", "Weekly hours", "火 10:00-17:00; 木 10:00-17:00"
        ),
        _hours(
            "preferred_hours", "希望の時間帯", "Preferred hours", "火 13:00-17:00", required=False
        ),
        Column("first_wish_day", "希望開始日", "First wish day", read_day, example="2025-09-01"),
        Column("last_wish_day", "希望終了日", "Last wish day", read_day, example="2026-02-27"),
        _absences("2025-12-24..2025-12-26 年末の繁忙期", personal=False),
        *_declaration_columns(rules),
    )


def expert_columns(rules: ProgrammeRules) -> tuple[Column, ...]:
    """What is told of an expert, with hours and absences."""
    qualifications = _qualifications(rules)
    return (
        Column("expert_id", "専門家ID", "Expert ID", only_shown=True),
        _personal("name_ja", "氏名", "Name in Japanese", "見本 はるか", required=True),
        _personal("name_en", "氏名(英語)", "Name in English", "Haruka Mihon", required=True),
        _reached_by(
            "email", "メールアドレス", "E-mail", "haruka@experts.example.jp", required=True
        ),
        Column(
            "municipality_code",
            "拠点の区市町村",
            "Municipality",
            read_municipality,
            example="新宿区",
            required=True,
        ),
        Column(
            "qualifications",
            "資格",
            "Qualifications",
            qualifications.read_all,
            qualifications.write_all,
            qualifications.options[0].written[0],
            required=True,
        ),
        Column(
            "industries",
            "経験業種",
            "Industries",
            _INDUSTRY.read_all,
            _INDUSTRY.write_all,
            "小売業; 宿泊業",
        ),
        Column("languages", "言語", "Languages", read_list, write_list, "ja; en"),
        _number("max_per_day", "1日の上限", "At most a day", "2"),
        _number("max_per_week", "1週間の上限", "At most a week", "4"),
        _number("max_total", "年間の上限", "At most in all", "15"),
        _number("target_total", "年間の目安", "Fair share in all", "12"),
        _yes_or_no("active", "稼働中", "Active", "はい"),
        _hours("weekly_hours", "対応可能な時間帯", "Weekly hours", "火木 09:30-17:30"),
        _absences("2025-08-12..2025-08-15 夏季休暇", personal=True),
        Column(
            "conflicts",
            "利益相反の団体",
            "Conflicts of interest",
            read_conflicts,
            write_conflicts,
            personal=True,
        ),
    )


_NUMBER = "4999905099999"
"""A valid one, of a registry office that does not exist."""

_INDUSTRY = Choice(tuple(Option(id, (name.ja, name.en)) for id, name in INDUSTRIES.items()))
_CHANNEL = Choice(
    (
        Option(Channel.FORM, ("申込書", "form")),
        Option(Channel.PHONE, ("電話", "phone")),
        Option(Channel.ONLINE, ("オンライン", "online")),
    )
)
_DELIVERY = Choice(
    (
        Option(Delivery.ON_SITE, ("訪問", "対面", "on_site")),
        Option(Delivery.ONLINE, ("オンライン", "online")),
    )
)
_PURPOSE = Choice(
    (
        Option(Purpose.NEW_MANUAL, ("新規作成", "new_manual")),
        Option(Purpose.REVIEW, ("見直し", "review")),
    )
)


def _legal_kinds(rules: ProgrammeRules) -> Choice:
    """The three kinds by mark, id, number and name; a programme may have been stored without."""
    marks = dict(zip(LegalKind, "①②③", strict=True))
    named = {own.id: (own.mark, own.name.ja, own.name.en) for own in rules.legal_kinds}
    return Choice(
        tuple(Option(kind, (*named.get(kind, (mark,)), kind)) for kind, mark in marks.items())
    )


def _qualifications(rules: ProgrammeRules) -> Choice:
    known = (own for specialty in rules.specialties for own in specialty.qualifications)
    return Choice(tuple(Option(own.id, (own.name.ja, own.name.en)) for own in known))


def _need_columns(rules: ProgrammeRules) -> tuple[Column, ...]:
    return tuple(
        Column(
            f"needs.{own.id}",
            f"相談内容:{own.name.ja}(0〜3)",
            f"Need: {own.name.en} (0-3)",
            read_number,
            example="3" if own is rules.specialties[0] else "0",
        )
        for own in rules.specialties
    )


def _declaration_columns(rules: ProgrammeRules) -> tuple[Column, ...]:
    return tuple(
        _yes_or_no(f"answers.{own.id}", f"申告:{own.text.ja}", f"Declared: {own.text.en}", "はい")
        for own in rules.requirements
        if own.kind == RequirementKind.DECLARED
    )


def _personal(field: str, ja: str, en: str, example: str, *, required: bool = False) -> Column:
    return Column(field, ja, en, example=example, required=required, personal=True)


def _reached_by(field: str, ja: str, en: str, example: str, *, required: bool = False) -> Column:
    return Column(field, ja, en, read_plain, example=example, required=required, personal=True)


def _yes_or_no(field: str, ja: str, en: str, example: str) -> Column:
    return Column(field, ja, en, YES_OR_NO.read, YES_OR_NO.write, example)


def _number(field: str, ja: str, en: str, example: str) -> Column:
    return Column(field, ja, en, read_number, example=example, required=True)


def _hours(field: str, ja: str, en: str, example: str, *, required: bool = True) -> Column:
    return Column(field, ja, en, read_hours, write_hours, example, required=required)


def _absences(example: str, *, personal: bool) -> Column:
    return Column(
        "absences",
        "不在期間",
        "Absences",
        read_absences,
        write_absences,
        example,
        personal=personal,
    )
