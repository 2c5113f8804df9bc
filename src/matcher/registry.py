"""The two sides of the programme: register and edit organizations and experts, set hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import (
    CorporateNumber,
    Email,
    Identifier,
    Line,
    Moment,
    MunicipalityCode,
    OptionalLine,
    Telephone,
    unchanged,
)
from matcher.geography import MUNICIPALITIES
from matcher.industries import Industry
from matcher.models import (
    CalendarBy,
    ConflictOfInterest,
    Engagement,
    Expert,
    ExpertAbsence,
    LegalKind,
    Organization,
    Programme,
    SessionStatus,
    WeeklyHours,
)
from matcher.models import Session as PublishedSession
from matcher.programme import Qualification, Specialty
from matcher.recognition import forget, refuse_known, refuse_known_number, remember

SessionCap = Annotated[int, Field(ge=0, le=1000)]


class Draft(BaseModel):
    """What somebody wants to be on record."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def given(self) -> dict[str, object]:
        """The fields that were given, by name."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class OrganizationDraft(Draft):
    """An organization to register."""

    name_ja: Line
    name_en: Line
    legal_kind: LegalKind
    corporate_number: CorporateNumber | None = None
    municipality_code: MunicipalityCode
    address_ja: Line
    address_en: OptionalLine = ""
    industry: Industry
    contact_name: Line
    contact_email: Email
    calendar_by: CalendarBy = CalendarBy.FEED
    contact_phone: Telephone = ""
    has_manual: bool = False
    is_another: bool = False
    """It is another organization than the ones on record that it looks like."""


class OrganizationChanges(Draft):
    """What is to be different about an organization."""

    name_ja: Line = unchanged()
    name_en: Line = unchanged()
    legal_kind: LegalKind = unchanged()
    corporate_number: CorporateNumber | None = unchanged()
    municipality_code: MunicipalityCode = unchanged()
    address_ja: Line = unchanged()
    address_en: OptionalLine = unchanged()
    industry: Industry = unchanged()
    contact_name: Line = unchanged()
    contact_email: Email = unchanged()
    calendar_by: CalendarBy = unchanged()
    contact_phone: Telephone = unchanged()
    has_manual: bool = unchanged()


class ConflictDraft(Draft):
    """Why an expert may not serve an organization."""

    organization_id: Identifier
    reason: Line


class ExpertDraft(Draft):
    """An expert to register."""

    name_ja: Line
    name_en: Line
    email: Email
    calendar_by: CalendarBy = CalendarBy.FEED
    municipality_code: MunicipalityCode
    qualifications: Annotated[tuple[Qualification, ...], Field(min_length=1, max_length=6)]
    industries: Annotated[tuple[Industry, ...], Field(max_length=50)] = ()
    languages: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=20)] = ("ja",)
    max_per_day: SessionCap
    max_per_week: SessionCap
    max_total: SessionCap
    target_total: SessionCap
    active: bool = True
    conflicts: Annotated[tuple[ConflictDraft, ...], Field(max_length=200)] = ()


class ExpertChanges(Draft):
    """What is to be different about an expert; hours and absences are the availability."""

    name_ja: Line = unchanged()
    name_en: Line = unchanged()
    email: Email = unchanged()
    calendar_by: CalendarBy = unchanged()
    municipality_code: MunicipalityCode = unchanged()
    qualifications: Annotated[tuple[Qualification, ...], Field(min_length=1, max_length=6)] = (
        unchanged()
    )
    industries: Annotated[tuple[Industry, ...], Field(max_length=50)] = unchanged()
    languages: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=20)] = unchanged()
    max_per_day: SessionCap = unchanged()
    max_per_week: SessionCap = unchanged()
    max_total: SessionCap = unchanged()
    target_total: SessionCap = unchanged()
    active: bool = unchanged()
    conflicts: Annotated[tuple[ConflictDraft, ...], Field(max_length=200)] = unchanged()


class AbsenceDraft(Draft):
    """An interval [start_at, end_at) in which somebody is not free."""

    start_at: Moment
    end_at: Moment
    reason: OptionalLine = ""


class AvailabilityDraft(Draft):
    """When an expert can serve: weekly hours, minus absences. It replaces what was there.

    Both are to be given: an absence that is left out would be planned over.
    """

    weekly_hours: Annotated[tuple[WeeklyHours, ...], Field(max_length=50)]
    absences: Annotated[tuple[AbsenceDraft, ...], Field(max_length=500)]


def register_organization(db: Session, draft: OrganizationDraft, now: dt.datetime) -> Organization:
    """Put an organization on record. Whether it is eligible is for the assessment to say.

    Raises:
        Conflict: its corporate number is on record, or it looks like one on record and is not
            said to be another.
    """
    refuse_known_number(db, draft.corporate_number)
    organization = Organization(**draft.model_dump(exclude={"is_another"}), revised_at=now)
    if not draft.is_another:
        refuse_known(db, organization)
    db.add(organization)
    db.flush()
    remember(db, organization)
    return organization


def edit_organization(
    db: Session, organization: Organization, changes: OrganizationChanges, now: dt.datetime
) -> Organization:
    """Change what is on record about an organization.

    Raises:
        Conflict: another organization has the corporate number.
    """
    values = changes.given()
    if "corporate_number" in values:
        refuse_known_number(db, changes.corporate_number, own_id=organization.id)
    _revise(organization, values, now)
    if {"address_ja", "address_en"} & values.keys():
        _renew_addresses(db, organization, now)
    db.flush()
    forget(db)
    return organization


def _renew_addresses(db: Session, organization: Organization, now: dt.datetime) -> None:
    """Let the published sessions to come at an organization's address say where that is now."""
    to_come = (
        select(PublishedSession)
        .join(Engagement, Engagement.id == PublishedSession.engagement_id)
        .where(
            Engagement.organization_id == organization.id,
            PublishedSession.status == SessionStatus.CONFIRMED,
            PublishedSession.start_at > now,
            PublishedSession.municipality_code == organization.municipality_code,
        )
    )
    for session in db.scalars(to_come):
        session.place_ja, session.place_en = organization.address_ja, organization.address_en
        session.sequence += 1
        session.revised_at = now


def register_expert(db: Session, draft: ExpertDraft, now: dt.datetime) -> Expert:
    """Put an expert on record, with no hours yet.

    Raises:
        Invalid: no travel time is known from the municipality.
        NotFound: a conflict of interest names an organization that is not on record.
        Conflict: somebody of that name and e-mail address is on record.
    """
    _refuse_known_expert(db, draft)
    values = dict(draft) | {"conflicts": _conflicts(db, draft.conflicts)}
    _check_base(draft.municipality_code)
    expert = Expert(**values, revised_at=now)
    db.add(expert)
    db.flush()
    return expert


def edit_expert(db: Session, expert: Expert, changes: ExpertChanges, now: dt.datetime) -> Expert:
    """Change what is on record about an expert.

    Raises:
        Invalid: no travel time is known from the municipality.
        NotFound: a conflict of interest names an organization that is not on record.
    """
    values = changes.given()
    if "municipality_code" in values:
        _check_base(changes.municipality_code)
    if "conflicts" in values:
        values["conflicts"] = _conflicts(db, changes.conflicts)
    _revise(expert, values, now)
    db.flush()
    return expert


def set_availability(
    db: Session, expert: Expert, draft: AvailabilityDraft, now: dt.datetime
) -> Expert:
    """Replace an expert's weekly hours and absences.

    Raises:
        Invalid: an absence ends before it starts.
    """
    for position, absence in enumerate(draft.absences):
        if absence.end_at <= absence.start_at:
            raise Invalid(
                f"absences.{position}.end_at",
                "it is not after start_at",
                "give an end after the start",
                reason_ja="開始より後ではありません",
                remedy_ja="開始より後の日時を指定してください",
            )
    absences = [ExpertAbsence(**dict(absence)) for absence in draft.absences]
    _revise(expert, {"weekly_hours": draft.weekly_hours, "absences": absences}, now)
    db.flush()
    return expert


def _revise(record: Organization | Expert, values: Mapping[str, object], now: dt.datetime) -> None:
    record.revised_at = now
    for name, value in values.items():
        setattr(record, name, value)


def _conflicts(db: Session, drafts: Iterable[ConflictDraft]) -> list[ConflictOfInterest]:
    by_organization = {draft.organization_id: draft.reason for draft in drafts}
    for organization_id in by_organization:
        if db.get(Organization, organization_id) is None:
            raise NotFound("organization", organization_id)
    return [
        ConflictOfInterest(organization_id=organization_id, reason=reason)
        for organization_id, reason in by_organization.items()
    ]


def _refuse_known_expert(db: Session, draft: ExpertDraft) -> None:
    query = select(Expert.id).where(Expert.name_ja == draft.name_ja, Expert.email == draft.email)
    first = db.scalar(query.order_by(Expert.id))
    if first is not None:
        raise Conflict(
            f"{draft.name_en} is on record as expert {first}. Edit that one instead.",
            f"{draft.name_ja}さんは専門家 {first} として登録済みです。その記録を編集してください。",
            code="registered_already",
            expert_id=first,
        )


def qualifications_for(db: Session, specialty: Specialty) -> frozenset[Qualification]:
    """The qualifications that stand for a specialty, in any programme on record."""
    return frozenset(
        own.id
        for rules in db.scalars(select(Programme.rules))
        for each in rules.specialties
        if each.id == specialty
        for own in each.qualifications
    )


def _check_base(code: str) -> None:
    if code not in MUNICIPALITIES:
        raise Invalid(
            "municipality_code",
            f"{code} is none of Tokyo's municipalities",
            "give the five digits of one, such as 13104 for Shinjuku",
            reason_ja=f"{code} は都内の区市町村コードではありません",
            remedy_ja="新宿区の 13104 のような 5 桁のコードを指定してください",
        )
