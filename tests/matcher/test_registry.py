from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError
from sqlalchemy.orm import Session

from matcher.errors import Conflict, Invalid, NotFound
from matcher.models import Expert, Organization, WeeklyHours
from matcher.programme import ProgrammeRules, Qualification, Specialty
from matcher.registry import (
    AbsenceDraft,
    AvailabilityDraft,
    ConflictDraft,
    ExpertChanges,
    ExpertDraft,
    OrganizationChanges,
    edit_expert,
    edit_organization,
    qualifications_for,
    register_expert,
    set_availability,
)
from tests.matcher import rows
from tests.matcher.rows import add_engagements

NOON = dt.datetime(2025, 8, 12, 3, tzinfo=dt.UTC)
MONDAYS = (WeeklyHours(weekday="mon", opens=dt.time(9), closes=dt.time(17)),)


def _draft(municipality_code: str = "13104", *conflicts: ConflictDraft) -> ExpertDraft:
    return ExpertDraft(
        name_ja="架空 太郎",
        name_en="Taro Kaku",
        email="taro@experts.example",
        municipality_code=municipality_code,
        qualifications=(Qualification.CAREER_CONSULTANT,),
        max_per_day=1,
        max_per_week=2,
        max_total=10,
        target_total=5,
        conflicts=conflicts,
    )


def test_an_expert_is_registered_once(db: Session) -> None:
    first = register_expert(db, _draft(), NOON)
    with pytest.raises(Conflict) as refused:
        register_expert(db, _draft(), NOON)
    assert (refused.value.code, refused.value.data["expert_id"]) == ("registered_already", first.id)


def test_an_expert_is_registered_without_hours(db: Session) -> None:
    expert = register_expert(db, _draft(), NOON)
    assert (expert.active, expert.weekly_hours, expert.absences) == (True, (), [])


def test_an_expert_starts_from_a_municipality_of_tokyo(db: Session) -> None:
    with pytest.raises(Invalid) as refused:
        register_expert(db, _draft("27100"), NOON)
    assert refused.value.field == "municipality_code"
    expert = register_expert(db, _draft(), NOON)
    with pytest.raises(Invalid):
        edit_expert(db, expert, ExpertChanges(municipality_code="27100"), NOON)


def test_a_conflict_of_interest_names_an_organization_on_record(db: Session) -> None:
    with pytest.raises(NotFound):
        register_expert(
            db, _draft("13104", ConflictDraft(organization_id="O1", reason="顧問")), NOON
        )


def test_a_change_leaves_what_it_does_not_name(db: Session) -> None:
    add_engagements(db, "A1")
    organization = db.get_one(Organization, "O1")
    edit_organization(db, organization, OrganizationChanges(industry="retail"), NOON)
    assert (organization.industry, organization.name_en) == (
        "retail",
        "Imaginary Inns of Tokyo Cooperative",
    )


def test_a_record_is_revised_by_the_clock_of_the_service(db: Session) -> None:
    expert = register_expert(db, _draft(), NOON)
    assert expert.revised_at == NOON
    evening = NOON + dt.timedelta(hours=6)
    edit_expert(db, expert, ExpertChanges(name_en="Taro Souzou"), evening)
    db.expire_all()
    assert (expert.revised_at, expert.version) == (evening, 2)
    night = evening + dt.timedelta(hours=6)
    set_availability(db, expert, AvailabilityDraft(weekly_hours=MONDAYS, absences=()), night)
    db.expire_all()
    assert (expert.revised_at, expert.version) == (night, 3)


def test_a_name_cannot_be_taken_away() -> None:
    with pytest.raises(ValidationError):
        OrganizationChanges.model_validate({"name_ja": None})


def test_hours_and_absences_are_replaced_whole(db: Session) -> None:
    add_engagements(db, "A1")
    expert = db.get_one(Expert, "E1")
    absence = AbsenceDraft(start_at=NOON, end_at=NOON + dt.timedelta(hours=1), reason="休暇")
    before = AvailabilityDraft(weekly_hours=MONDAYS, absences=(absence,))
    set_availability(db, expert, before, NOON)
    set_availability(db, expert, AvailabilityDraft(weekly_hours=(), absences=(absence,)), NOON)
    db.expire_all()
    assert expert.weekly_hours == ()
    assert [(each.start_at, each.reason) for each in expert.absences] == [(NOON, "休暇")]


def test_an_absence_ends_after_it_starts(db: Session) -> None:
    add_engagements(db, "A1")
    expert = db.get_one(Expert, "E1")
    absence = AbsenceDraft(start_at=NOON, end_at=NOON)
    with pytest.raises(Invalid) as refused:
        set_availability(db, expert, AvailabilityDraft(weekly_hours=(), absences=(absence,)), NOON)
    assert refused.value.field == "absences.0.end_at"


def test_a_specialty_counts_the_qualifications_that_a_programme_says(
    db: Session, programme: ProgrammeRules
) -> None:
    assert qualifications_for(db, Specialty.COUNSELING) == {
        Qualification.INDUSTRIAL_COUNSELOR,
        Qualification.LICENSED_PSYCHOLOGIST,
    }


def test_published_sessions_to_come_say_where_their_organization_has_moved(db: Session) -> None:
    add_engagements(db, "A1")
    over = rows.session("S1", NOON - dt.timedelta(days=1))
    to_come = rows.session("S2", NOON + dt.timedelta(days=20), number=2)
    db.add_all([over, to_come])
    db.flush()
    owner = db.get_one(Organization, "O1")
    before = over.place_ja
    edit_organization(db, owner, OrganizationChanges(address_ja="東京都千代田区架空町2-2"), NOON)

    assert (to_come.place_ja, to_come.sequence) == ("東京都千代田区架空町2-2", 1)
    assert (over.place_ja, over.sequence) == (before, 0)
