from __future__ import annotations

import datetime as dt
import json

import pytest
from pydantic import ValidationError
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm.exc import StaleDataError

from matcher.models import (
    Application,
    ApplicationState,
    Expert,
    Organization,
    Plan,
    PlanTerms,
    Programme,
    ProgressRecord,
    Session,
    WeeklyHours,
    load_programme,
    new_identifier,
)
from matcher.models.identifiers import CROCKFORD
from matcher.programme import ProgrammeRules, Qualification, Specialty
from tests.matcher import rows


def test_a_moment_comes_back_aware_and_in_utc(db: Database) -> None:
    """Whatever zone it was told in, and on both databases."""
    rows.add_engagements(db, "A1")
    tokyo = dt.datetime(2025, 10, 1, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    db.add(rows.session("S1", tokyo))
    db.commit()
    db.expire_all()

    start_at = db.get_one(Session, "S1").start_at

    assert start_at == tokyo
    assert start_at.tzinfo is dt.UTC


def test_a_moment_is_found_by_itself_told_in_another_zone(db: Database) -> None:
    """A comparison in SQL goes through the same door as a value."""
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1", rows.MORNING))
    db.flush()
    new_york = rows.MORNING.astimezone(dt.timezone(dt.timedelta(hours=-4)))

    found = db.scalars(select(Session.id).where(Session.start_at == new_york)).all()

    assert found == ["S1"]


def test_a_naive_time_is_refused(db: Database) -> None:
    """It is no moment: nobody says where its clock hangs."""
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1", dt.datetime(2025, 10, 1, 10, 0)))  # noqa: DTZ001  the point

    with pytest.raises(StatementError, match="names no time zone"):
        db.flush()


def test_structured_values_come_back_as_their_types(db: Database) -> None:
    """Not as the lists and dictionaries of JSON."""
    rows.add_one_of_everything(db)
    db.expire_all()

    application = db.get_one(Application, "A1")
    plan = db.get_one(Plan, "P1")

    assert application.needs == {Specialty.LABOR: 3, Specialty.HR: 1}
    assert application.weekly_hours == rows.WEDNESDAYS
    assert application.state is ApplicationState.ACCEPTED
    assert db.get_one(Expert, "E1").qualifications == (
        Qualification.SOCIAL_INSURANCE_LABOR_CONSULTANT,
    )
    assert plan.progress == (ProgressRecord("bound", 0.5, 900, 800, 0.125, 1),)
    assert plan.problem == b"problem"
    assert plan.terms == PlanTerms()


def test_hours_are_kept_as_people_write_them(db: Database) -> None:
    """To the minute, so that somebody who looks into the database can read them."""
    db.add(rows.expert())
    db.flush()

    kept = str(db.scalar(text("SELECT weekly_hours FROM experts")))

    assert "09:30" in kept
    assert "09:30:00" not in kept


@pytest.mark.parametrize(
    ("opens", "closes"), [(dt.time(17), dt.time(9)), (dt.time(9), dt.time(9, 0, 1))]
)
def test_hours_that_are_none_are_refused(opens: dt.time, closes: dt.time) -> None:
    """They close after they open, and are told to the minute."""
    with pytest.raises(ValidationError):
        WeeklyHours(weekday="mon", opens=opens, closes=closes)


def test_a_need_beyond_the_scale_is_refused(db: Database) -> None:
    """What is written to a structured column is checked first."""
    rows.add_engagements(db, "A1")
    db.get_one(Application, "A1").needs = {Specialty.LABOR: 4}

    with pytest.raises(StatementError, match="less than or equal to 3"):
        db.flush()


def test_a_word_of_no_enumeration_is_refused(db: Database) -> None:
    """By the model, before the database would."""
    db.add(rows.organization())
    db.flush()
    db.get_one(Organization, "O1").legal_kind = "club"  # type: ignore[assignment]

    with pytest.raises(StatementError, match="club"):
        db.flush()


def test_the_database_itself_refuses_a_word_of_no_enumeration(db: Database) -> None:
    """Whoever writes to it without the models."""
    db.add(rows.organization())
    db.flush()

    with pytest.raises(IntegrityError, match="legalkind"):
        db.execute(text("UPDATE organizations SET legal_kind = 'club'"))


def test_the_database_refuses_an_engagement_of_no_application(db: Database) -> None:
    """Foreign keys hold on both databases."""
    rows.add_engagements(db)
    db.add(rows.engagement("A9"))

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        db.flush()


def test_a_change_to_a_version_that_is_gone_is_refused(db: Database) -> None:
    """Two people who edit one row: the second learns of the first."""
    db.add(rows.expert())
    db.commit()
    expert = db.get_one(Expert, "E1")
    db.execute(text("UPDATE experts SET version = 2"))
    expert.max_total = 1

    with pytest.raises(StaleDataError):
        db.flush()


def test_the_programme_is_loaded_once_however_often(
    db: Database, programme: ProgrammeRules
) -> None:
    """Loading it again changes nothing, not even when it last changed."""
    db.commit()
    revised = db.scalar(text("SELECT revised_at FROM programmes"))

    again = load_programme(db, "tokyo-2025")

    assert again == programme
    assert db.scalars(text("SELECT revised_at FROM programmes")).all() == [revised]


def test_rules_that_were_kept_before_an_office_could_be_named_are_read(
    db: Database, programme: ProgrammeRules
) -> None:
    """What is new in the document may be missing from an old one."""
    old = json.loads(programme.model_dump_json(exclude={"office"}))
    db.execute(text("UPDATE programmes SET rules = :rules"), {"rules": json.dumps(old)})
    db.expire_all()

    assert db.get_one(Programme, "tokyo-2025").rules == programme
    assert programme.office is None


def test_identifiers_are_short_readable_and_never_the_same() -> None:
    """Eight of Crockford's letters after that of the kind."""
    made = [new_identifier("A") for _ in range(1000)]

    assert len(set(made)) == 1000
    assert all(len(each) == 9 and each[0] == "A" for each in made)
    assert {letter for each in made for letter in each[1:]} == set(CROCKFORD)
