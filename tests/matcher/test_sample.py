from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from stdnum.jp import cn

from matcher.business_days import BusinessCalendar
from matcher.clock import TOKYO, to_tokyo
from matcher.geography import MUNICIPALITIES, Area
from matcher.models import (
    Application,
    ApplicationAbsence,
    ApplicationState,
    Base,
    ConflictOfInterest,
    Decision,
    Delivery,
    Engagement,
    Expert,
    ExpertAbsence,
    Interview,
    LegalKind,
    Organization,
    Outcome,
    Purpose,
    RequirementAnswer,
)
from matcher.programme import ProgrammeRules, Qualification, Specialty, read_rules
from matcher.sample import (
    Sample,
    SampleApplication,
    SampleOrganization,
    load_sample,
    read_sample,
)

OFFICE_WARDS = ("13101", "13103", "13113", "13104", "13102")
"""Chiyoda, Minato, Shibuya, Shinjuku and Chuo."""


@pytest.fixture(scope="module")
def sample() -> Sample:
    return read_sample()


@pytest.fixture(scope="module")
def rules() -> ProgrammeRules:
    return read_rules("tokyo-2025")


@pytest.fixture(scope="module")
def served(sample: Sample) -> list[SampleApplication]:
    """The applications that are accepted."""
    return [own for own in sample.applications if own.decision.outcome == Outcome.ACCEPTED]


def organization_of(sample: Sample, application: SampleApplication) -> SampleOrganization:
    return next(own for own in sample.organizations if own.id == application.organization_id)


def test_sixty_organizations_apply_once_each(sample: Sample) -> None:
    assert len(sample.organizations) == 60
    applied = sorted(own.organization_id for own in sample.applications)
    assert applied == sorted(own.id for own in sample.organizations)


def test_there_are_twenty_four_experts(sample: Sample) -> None:
    assert len(sample.experts) == 24


def test_no_name_address_or_contact_stands_twice(sample: Sample) -> None:
    people = [own.name_ja for own in sample.experts]
    people += [own.contact_name for own in sample.organizations]
    for values in (
        [own.name_ja for own in sample.organizations],
        [own.name_en for own in sample.organizations],
        [own.corporate_number for own in sample.organizations],
        [own.address_ja for own in sample.organizations],
        [own.contact_email for own in sample.organizations],
        [own.contact_phone for own in sample.organizations],
        [own.name_en for own in sample.experts],
        people,
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_every_corporate_number_is_valid_and_of_a_registry_office_that_does_not_exist(
    sample: Sample,
) -> None:
    for organization in sample.organizations:
        assert cn.is_valid(organization.corporate_number)
        assert organization.corporate_number[1:5] == "9999"


def test_every_contact_is_one_that_reaches_nobody(sample: Sample) -> None:
    emails = [own.contact_email for own in sample.organizations]
    emails += [own.email for own in sample.experts]
    assert all(email.endswith(".example.jp") for email in emails)
    assert all(
        own.contact_phone.split("-")[1] in {"0000", "000", "0"} for own in sample.organizations
    )


def test_all_three_legal_kinds_apply(sample: Sample) -> None:
    kinds = Counter(own.legal_kind for own in sample.organizations)
    assert min(kinds[kind] for kind in LegalKind) >= 8


def test_offices_lie_where_offices_are(sample: Sample) -> None:
    codes = Counter(own.municipality_code for own in sample.organizations)
    areas = Counter(
        MUNICIPALITIES[own.municipality_code].area
        for own in sample.organizations
        if own.municipality_code in MUNICIPALITIES
    )
    assert sum(codes[code] for code in OFFICE_WARDS) > 30
    assert {code for code, _ in codes.most_common(5)} == set(OFFICE_WARDS)
    assert areas == {Area.WARDS: 52, Area.TAMA: 6, Area.ISLANDS: 1}


def test_every_address_names_its_municipality(sample: Sample) -> None:
    for organization in sample.organizations:
        found = MUNICIPALITIES.get(organization.municipality_code)
        place = f"東京都{found.name_ja}" if found else "神奈川県川崎市川崎区"
        assert organization.address_ja.startswith(place)
        assert (found.name_en if found else "Kawasaki") in organization.address_en


def test_the_island_asks_to_be_served_online(sample: Sample) -> None:
    (island,) = (
        own
        for own in sample.applications
        if (found := MUNICIPALITIES.get(organization_of(sample, own).municipality_code))
        and found.area == Area.ISLANDS
    )
    assert island.delivery == Delivery.ONLINE


def test_needs_lie_in_all_four_specialties(served: list[SampleApplication]) -> None:
    named = Counter(specialty for own in served for specialty in own.needs)
    assert min(named[specialty] for specialty in Specialty) >= 10


def test_some_are_served_online_and_some_have_a_manual_to_review(
    served: list[SampleApplication], rules: ProgrammeRules
) -> None:
    reviews = [own for own in served if own.purpose == Purpose.REVIEW]
    assert len(reviews) == 8
    assert all(2 <= len(own.session_minutes) <= rules.review_session_limit for own in reviews)
    assert 5 <= sum(own.delivery == Delivery.ONLINE for own in served) <= 12


def test_the_experts_can_hold_a_little_more_than_is_asked_for(
    sample: Sample, served: list[SampleApplication]
) -> None:
    wanted = sum(len(own.session_minutes) for own in served)
    assert wanted == 240
    assert 280 <= sum(own.max_total for own in sample.experts) <= 300


def test_counseling_is_asked_for_more_than_its_experts_have_a_fair_share_of(
    sample: Sample, served: list[SampleApplication]
) -> None:
    counselors = {Qualification.INDUSTRIAL_COUNSELOR, Qualification.LICENSED_PSYCHOLOGIST}
    wanted = sum(
        len(own.session_minutes)
        for own in served
        if max(own.needs, key=own.needs.__getitem__) == Specialty.COUNSELING
    )
    experts = [own for own in sample.experts if counselors & set(own.qualifications)]
    alone = [own for own in experts if counselors >= set(own.qualifications)]
    assert sum(own.target_total for own in alone) < wanted < sum(own.max_total for own in experts)


def test_applications_come_in_order_in_the_period_and_in_office_hours(
    sample: Sample, rules: ProgrammeRules
) -> None:
    period = rules.application_period
    office = BusinessCalendar(rules.closed_days(period.first_day, period.last_day))
    moments = [to_tokyo(own.submitted_at) for own in sample.applications]
    assert moments == sorted(moments)
    assert (moments[0].date(), moments[-1].date()) == (period.first_day, period.last_day)
    assert all(office.is_business_day(moment.date()) for moment in moments)
    assert all(9 <= moment.hour < 17 for moment in moments)
    months = Counter(moment.month for moment in moments)
    assert months[7] > months[8] > months[1] > 0


def test_every_interview_is_held_within_five_business_days_and_before_the_decision(
    sample: Sample, rules: ProgrammeRules
) -> None:
    period = rules.application_period
    later = period.last_day + dt.timedelta(days=30)
    office = BusinessCalendar(rules.closed_days(period.first_day, later))
    for own in sample.applications:
        due_on = office.add(to_tokyo(own.submitted_at).date(), rules.interview_business_days)
        moments = [own.submitted_at, own.assessment.assessed_at, own.decision.decided_at]
        if own.interview:
            assert to_tokyo(own.interview.held_at).date() <= due_on
            moments.insert(2, own.interview.held_at)
        assert moments == sorted(moments)
        assert all(office.is_business_day(to_tokyo(moment).date()) for moment in moments)


def test_every_qualification_is_held_and_some_experts_hold_two(sample: Sample) -> None:
    held = [qualification for own in sample.experts for qualification in own.qualifications]
    assert set(held) == set(Qualification)
    assert len(held) > len(sample.experts)


def test_the_limits_of_each_expert_are_plausible(sample: Sample) -> None:
    for own in sample.experts:
        assert 1 <= own.max_per_day <= 3
        assert 2 <= own.max_per_week <= 5
        assert own.max_per_day <= own.max_per_week
        assert 8 <= own.target_total + 1 <= own.max_total <= 16
        assert own.municipality_code in MUNICIPALITIES
        assert own.weekly_hours
        assert own.absences


def test_experts_know_every_industry_that_applies(sample: Sample) -> None:
    known = {industry for own in sample.experts for industry in own.industries}
    assert {own.industry for own in sample.organizations} <= known


def test_conflicts_of_interest_name_organizations_of_the_sample(sample: Sample) -> None:
    named = [own.organization_id for each in sample.experts for own in each.conflicts_of_interest]
    assert 2 <= len(named) <= 3
    assert set(named) <= {own.id for own in sample.organizations}


def test_loading_takes_every_application_to_its_decision(
    db: Session, programme: ProgrammeRules
) -> None:
    load_sample(db)
    decisions = db.scalars(select(Decision)).all()
    declined = [own for own in decisions if own.outcome == Outcome.DECLINED]
    engagements = db.scalars(select(Engagement)).all()
    assert (len(decisions), len(engagements)) == (60, 57)
    assert sum(len(own.session_minutes) for own in engagements) == 240
    assert {(own.application.organization.name_en, own.reasons) for own in declined} == {
        ("Shirube Customer Service Examination Association", ("members_by_industry",)),
        ("Momiji Home Appliance Retailers Association", ("metropolitan_taxes_paid",)),
        ("Minase Restaurant Operators Council", ("located_in_tokyo",)),
    }
    for engagement in engagements:
        assert engagement.earliest in programme.implementation_period
        assert engagement.latest in programme.implementation_period


def rows(db: Session) -> dict[str, int]:
    db.flush()
    return {
        table.name: db.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


def test_loading_again_changes_nothing(db: Session) -> None:
    load_sample(db)
    db.commit()
    before = rows(db)
    versions = db.execute(select(Application.id, Application.version)).all()
    load_sample(db)
    assert not db.dirty
    assert rows(db) == before
    assert db.execute(select(Application.id, Application.version)).all() == versions
    assert before["organizations"] == 60
    assert min(before[own.__tablename__] for own in KEPT) > 0


KEPT = (
    Organization,
    Expert,
    ExpertAbsence,
    ConflictOfInterest,
    Application,
    ApplicationAbsence,
    Interview,
    RequirementAnswer,
    Engagement,
)


def test_loading_stops_at_the_moment_it_is_given_and_goes_on_from_there(db: Session) -> None:
    load_sample(db, dt.datetime(2025, 7, 9, 16, tzinfo=TOKYO))
    states = Counter(db.scalars(select(Application.state)))
    assert states == {
        ApplicationState.ACCEPTED: 4,
        ApplicationState.INTERVIEWED: 2,
        ApplicationState.ASSESSED: 2,
        ApplicationState.SUBMITTED: 1,
    }
    load_sample(db)
    assert Counter(db.scalars(select(Application.state))) == {
        ApplicationState.ACCEPTED: 57,
        ApplicationState.DECLINED: 3,
    }
