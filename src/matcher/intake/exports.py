"""What is on record as a sheet, with the columns of the import.

Names of people, addresses and whatever else reaches or tells of a person are left out unless they
are asked for; with them, what was written can be imported elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import selectinload

from matcher.intake.sheets import (
    Column,
    application_columns,
    expert_columns,
    organization_columns,
)
from matcher.models import Answer, AnswerSource, Application, Expert, Organization
from matcher.programme import ProgrammeRules

__all__ = ["export_applications", "export_experts", "export_organizations"]

Rows = Iterator[tuple[str, ...]]


def export_organizations(db: Database, rules: ProgrammeRules, *, with_contacts: bool) -> Rows:
    """All organizations, below a header."""
    found = db.scalars(select(Organization).order_by(Organization.id))
    columns = organization_columns(rules)
    return _rows(columns, map(_of_organization, found), with_contacts=with_contacts)


def export_experts(db: Database, rules: ProgrammeRules, *, with_contacts: bool) -> Rows:
    """All experts, below a header."""
    query = select(Expert).options(selectinload(Expert.absences), selectinload(Expert.conflicts))
    found = db.scalars(query.order_by(Expert.id))
    columns = expert_columns(rules)
    return _rows(columns, (_of_expert(own) for own in found), with_contacts=with_contacts)


def export_applications(db: Database, rules: ProgrammeRules, *, with_contacts: bool) -> Rows:
    """All applications of a programme as they came in, below a header."""
    query = (
        select(Application)
        .where(Application.programme_id == rules.id)
        .options(
            selectinload(Application.organization),
            selectinload(Application.absences),
            selectinload(Application.answers),
        )
        .order_by(Application.submitted_at, Application.id)
    )
    columns = application_columns(rules)
    found = db.scalars(query)
    return _rows(columns, map(_of_application, found), with_contacts=with_contacts)


def _rows(
    columns: tuple[Column, ...], records: Iterable[Mapping[str, Any]], *, with_contacts: bool
) -> Rows:
    shown = [own for own in columns if with_contacts or not own.personal]
    yield tuple(own.header for own in shown)
    for values in records:
        yield tuple(_written(own, values.get(own.field)) for own in shown)


def _written(column: Column, value: object) -> str:
    return "" if value is None else column.write(value)


def _of_organization(organization: Organization) -> dict[str, Any]:
    return {**_fields(organization), "organization_id": organization.id}


def _of_expert(expert: Expert) -> dict[str, Any]:
    relations = {"absences": expert.absences, "conflicts": expert.conflicts}
    return {**_fields(expert), "expert_id": expert.id, **relations}


def _of_application(application: Application) -> dict[str, Any]:
    declared = {
        f"answers.{own.requirement_id}": own.answer == Answer.MET
        for own in application.answers
        if own.source == AnswerSource.DECLARED and own.answer != Answer.UNKNOWN
    }
    needs = {f"needs.{name}": weight for name, weight in application.needs.items()}
    return {
        **_of_organization(application.organization),
        **_fields(application),
        "application_id": application.id,
        "absences": application.absences,
        **needs,
        **declared,
    }


def _fields(record: Organization | Expert | Application) -> dict[str, Any]:
    """A record's own columns, by name."""
    return {name: getattr(record, name) for name in record.__table__.columns.keys()}  # noqa: SIM118  columns iterate as columns
