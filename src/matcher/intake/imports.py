"""Take in a whole sheet: applications with their organizations, or experts with their hours.

Each row goes through the use cases that the API's requests go through, in a savepoint of its own.
All rows are tried, so that one list tells all that is wrong; then all are kept, or none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.errors import Invalid, MatcherError, NotFound
from matcher.intake.applications import refusals, submit
from matcher.intake.cells import folded
from matcher.intake.drafts import ApplicationDraft
from matcher.intake.sheets import Column, application_columns, expert_columns
from matcher.models import Answer, Channel, Organization, Programme
from matcher.programme import ProgrammeRules, Words
from matcher.recognition import same_name
from matcher.registry import (
    AvailabilityDraft,
    ExpertDraft,
    OrganizationDraft,
    register_expert,
    register_organization,
    set_availability,
)
from matcher.tables.table import Row, Table
from matcher.validation import explain

__all__ = ["Fault", "Imported", "import_applications", "import_experts"]

Model = TypeVar("Model", bound=BaseModel)
Values = Mapping[str, Any]
Take = Callable[[Values], str]
"""Take in the values of one row; gives the id of what was made."""

NOT_ON_RECORD = "new"
"""Stands for an organization that is refused, while the rest of its row is checked."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row, where on the sheet, and what would help."""

    row: int
    column: str | None
    """As the header names it; None: the row as a whole."""
    text: Words


@dataclass(frozen=True)
class Imported:
    """What was taken in, and what was refused."""

    ids: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass
class _WrongValuesError(Exception):
    """Values of one row that cannot be used, by field."""

    problems: list[tuple[str, Words]] = field(default_factory=list)
    """The field is empty where it is the row as a whole."""


def import_applications(
    db: Database, table: Table, programme_id: str, now: dt.datetime, *, partial: bool = False
) -> Imported:
    """Submit the application of each row; an organization that is not on record is registered.

    Where a row is refused, nothing is kept; `partial`: the others are.

    Raises:
        NotFound: there is no such programme.
        Invalid: the header names a column that there is not, or lacks one.
    """
    programme = db.get(Programme, programme_id)
    if programme is None:
        raise NotFound("programme", programme_id)

    def take(values: Values) -> str:
        return _submit_row(db, values, programme.rules, now)

    return _import(db, table, application_columns(programme.rules), take, partial=partial)


def import_experts(
    db: Database, table: Table, rules: ProgrammeRules, now: dt.datetime, *, partial: bool = False
) -> Imported:
    """Register the expert of each row, with hours and absences.

    Where a row is refused, nobody is kept; `partial`: the others are.

    Raises:
        Invalid: the header names a column that there is not, or lacks one.
    """

    def take(values: Values) -> str:
        return _register_row(db, values, now)

    return _import(db, table, expert_columns(rules), take, partial=partial)


def _import(
    db: Database, table: Table, columns: tuple[Column, ...], take: Take, *, partial: bool
) -> Imported:
    by_position = _columns_by_position(table, columns)
    ids: list[str] = []
    faults: list[Fault] = []
    everything = db.begin_nested()
    for row in table.rows:
        try:
            values = _read_row(row, by_position)
            _refuse_example(row, by_position)
            with db.begin_nested():
                ids.append(take(values))
        except _WrongValuesError as wrong:
            faults += _located(row, table, by_position, wrong.problems)
        except MatcherError as error:
            faults += _located(row, table, by_position, [_told(error)])
    if faults and not partial:
        everything.rollback()
        return Imported((), tuple(faults))
    everything.commit()
    return Imported(tuple(ids), tuple(faults))


def _columns_by_position(table: Table, columns: Sequence[Column]) -> Mapping[int, Column]:
    """Which column stands where.

    Raises:
        Invalid: a name in the header is none, or stands there twice, or one is not there.
    """
    placed: dict[int, Column] = {}
    for position, name in enumerate(table.header):
        column = next((own for own in columns if folded(name) in own.names), None)
        if column is None:
            raise _header_fault(f"there is no column {name!r}", f"「{name}」という列はありません")
        if column in placed.values():
            raise _header_fault(
                f"the column {name!r} stands there twice", f"「{name}」の列が2つあります"
            )
        placed[position] = column
    lacking = [own for own in columns if own.required and own not in placed.values()]
    if lacking:
        raise _header_fault(
            f"it lacks {', '.join(own.en for own in lacking)}",
            f"{'、'.join(own.ja for own in lacking)}の列がありません",
        )
    return placed


def _header_fault(reason: str, reason_ja: str) -> Invalid:
    return Invalid(
        "header",
        reason,
        "use the header of the template: 'matcher template', or GET …/imports/template",
        reason_ja=reason_ja,
        remedy_ja="ひな形(「matcher template」または GET …/imports/template)の"
        "見出し行を使ってください",
    )


def _read_row(row: Row, by_position: Mapping[int, Column]) -> Values:
    """The values of a row by field; an empty cell is one that was left out.

    Raises:
        _WrongValuesError: names all cells that cannot be read.
    """
    values: dict[str, Any] = {}
    wrong = _WrongValuesError()
    for position, column in by_position.items():
        text = row.cell(position)
        if not text or column.only_shown:
            continue
        try:
            values[column.field] = column.read(text)
        except Invalid as error:
            wrong.problems.append((column.field, _words(error)))
    if len(row.cells) > len(by_position):
        outside = Words(
            ja="見出しのない列に値があります。見出しを付けるか、値を消してください。",
            en="something stands in a column without a header; remove it.",
        )
        wrong.problems.append(("", outside))
    if wrong.problems:
        raise wrong
    return values


def _refuse_example(row: Row, by_position: Mapping[int, Column]) -> None:
    """The template's own row is to be replaced: it is nobody's application.

    Raises:
        _WrongValuesError: it is that row, untouched.
    """
    if all(row.cell(place) == column.example for place, column in by_position.items()):
        told = Words(
            ja="見本の行です。削除するか、実際の内容に書き換えてください。",
            en="this is the template's example; delete it, or write over it.",
        )
        raise _WrongValuesError([("", told)])


def _submit_row(db: Database, values: Values, rules: ProgrammeRules, now: dt.datetime) -> str:
    """Submit the application of a row.

    Raises:
        _WrongValuesError: names all for which it, or its organization, is refused.
    """
    wrong = _WrongValuesError()
    organization_id = _organization_of(db, values, now, wrong) or NOT_ON_RECORD
    asked = _of_application(values) | {
        "programme_id": rules.id,
        "organization_id": organization_id,
    }
    draft = _drafted(ApplicationDraft, asked, wrong)
    if draft is not None:
        wrong.problems += map(_told, refusals(db, draft, rules, now))
    if wrong.problems or draft is None:
        raise wrong
    return submit(db, draft, now).id


def _organization_of(
    db: Database, values: Values, now: dt.datetime, wrong: _WrongValuesError
) -> str | None:
    """The id of a row's organization, which is registered if it is new; None: it is refused."""
    try:
        known = _organization_on_record(db, values)
        if known is not None:
            wrong.problems += _differences(values, known)
            return known.id
        own = {name: values[name] for name in OrganizationDraft.model_fields if name in values}
        draft = _drafted(OrganizationDraft, own, wrong)
        return None if draft is None else register_organization(db, draft, now).id
    except MatcherError as refusal:
        wrong.problems.append(_told(refusal))
        return None


def _register_row(db: Database, values: Values, now: dt.datetime) -> str:
    wrong = _WrongValuesError()
    hours = {name: values.get(name, ()) for name in AvailabilityDraft.model_fields}
    own = {name: values[name] for name in values if name not in hours}
    expert_draft = _drafted(ExpertDraft, own, wrong)
    availability = _drafted(AvailabilityDraft, hours, wrong)
    if expert_draft is None or availability is None:
        raise wrong
    expert = register_expert(db, expert_draft, now)
    return set_availability(db, expert, availability, now).id


def _organization_on_record(db: Database, values: Values) -> Organization | None:
    """The organization of a row, by its id or its corporate number; None: it is a new one.

    Raises:
        NotFound: there is none of that id.
        Invalid: the one on record has another name than the row says.
    """
    if "organization_id" in values:
        by, found = "organization_id", db.get(Organization, values["organization_id"])
        if found is None:
            raise NotFound("organization", values["organization_id"])
    else:
        by, number = "corporate_number", values.get("corporate_number")
        query = select(Organization).where(Organization.corporate_number == number)
        found = db.scalar(query.order_by(Organization.id)) if number else None
    if found and "name_ja" in values and not same_name(values["name_ja"], found.name_ja):
        raise Invalid(
            by,
            f"on record it is that of {found.name_ja}",
            "correct it, or the name",
            reason_ja=f"「{found.name_ja}」のものとして登録されています",
            remedy_ja="番号か団体名を直してください",
        )
    return found


def _differences(values: Values, organization: Organization) -> Iterator[tuple[str, Words]]:
    """What a row says of an organization on record that the record does not: nothing is lost."""
    for name in OrganizationDraft.model_fields:
        if name not in values or name in {"name_ja", "is_another"}:
            continue
        on_record = getattr(organization, name)
        if values[name] != on_record:
            yield (
                name,
                Words(
                    ja=f"登録済みの内容({on_record or '空欄'})と異なります。"
                    "団体の登録を変更するか、このセルを空にしてください。",
                    en=f"on record it is {on_record or 'empty'}; edit the organization, or empty "
                    "the cell.",
                ),
            )


def _of_application(values: Values) -> dict[str, Any]:
    """What a row says of the application: needs and declarations come from columns of their own."""
    asked = {name: values[name] for name in ApplicationDraft.model_fields if name in values}
    declared = {True: Answer.MET, False: Answer.NOT_MET}
    return {
        "channel": Channel.FORM,
        **asked,
        "needs": {name: weight for name, weight in _part(values, "needs.") if weight},
        "answers": tuple(
            {"requirement_id": name, "answer": declared[answer]}
            for name, answer in _part(values, "answers.")
        ),
    }


def _part(values: Values, prefix: str) -> list[tuple[str, Any]]:
    return [(name[len(prefix) :], own) for name, own in values.items() if name.startswith(prefix)]


def _drafted(kind: type[Model], values: Values, wrong: _WrongValuesError) -> Model | None:
    """The draft that values make; None where they make none, which is then said in `wrong`."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        told = zip(explain(details, "ja"), explain(details, "en"), strict=True)
        wrong.problems += [
            (
                ja.field,
                Words(ja=f"{ja.detail}。{ja.remedy}。", en=f"{en.detail}; {en.remedy}."),
            )
            for ja, en in told
        ]
        return None


def _located(
    row: Row, table: Table, by_position: Mapping[int, Column], problems: list[tuple[str, Words]]
) -> list[Fault]:
    return [
        Fault(row.number, _column_of(field_name, table, by_position), text)
        for field_name, text in problems
    ]


def _column_of(field_name: str, table: Table, by_position: Mapping[int, Column]) -> str | None:
    """The column that a field came from; of `needs` as a whole, the first."""
    path = field_name.split(".")
    for position, column in by_position.items():
        own = column.field.split(".")
        if own == path[: len(own)] or own[:1] == path:
            return table.header[position]
    return field_name or None


def _told(error: MatcherError) -> tuple[str, Words]:
    """What is refused, and its field; no field: it is the row as a whole."""
    if isinstance(error, Invalid):
        return error.field, _words(error)
    return "", Words(ja=error.message_ja, en=error.message_en)


def _words(error: Invalid) -> Words:
    return Words(
        ja=f"{error.reason_ja}。{error.remedy_ja}。", en=f"{error.reason}; {error.remedy}."
    )
