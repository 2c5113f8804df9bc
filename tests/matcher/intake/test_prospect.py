from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.database import session_factory
from matcher.errors import Conflict, NotFound
from matcher.intake.acceptance import new_engagement
from matcher.intake.prospect import UNDECIDED, prospect_of
from matcher.models import (
    Application,
    ApplicationState,
    ConflictOfInterest,
    Delivery,
    Engagement,
    ExpertAbsence,
)
from matcher.planning.assigning.assignment import propose
from matcher.planning.assigning.holding import HoldDraft, hold_times
from tests.matcher import rows

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)


@pytest.fixture
def office(db: Database) -> Database:
    """Engagement A1 waits for E1, and application A2 of another organization for a decision."""
    rows.add_engagements(db, "A1")
    db.add(rows.organization("O2"))
    db.flush()
    db.add(rows.application("A2", "O2"))
    db.flush()
    db.get_one(Application, "A2").state = ApplicationState.INTERVIEWED
    db.commit()
    return db


def reasons(db: Database, now: dt.datetime = NOW) -> list[tuple[str, str]]:
    found = prospect_of(db, "A2", now)
    assert found.proposal is None
    return [(each.en, each.ja) for each in found.reasons]


def test_a_prospect_says_by_whom_and_from_when(office: Database) -> None:
    found = prospect_of(office, "A2", NOW)
    assert found.reasons == ()
    assert found.proposal is not None
    assert found.proposal.match.expert_id == "E1"
    first, _ = found.proposal.sessions
    assert wall_time(first.start_at).date() == dt.date(2025, 9, 24), (
        "the first Wednesday from 18 September, five business days after the decision"
    )
    assert found.proposal.is_optimal


def test_a_prospect_keeps_clear_of_times_on_hold(office: Database) -> None:
    before = prospect_of(office, "A2", NOW).proposal
    assert before is not None
    starts = tuple(each.start_at for each in before.sessions)
    hold_times(office, "A1", HoldDraft(expert_id="E1", starts=starts), "staff", NOW)
    after = prospect_of(office, "A2", NOW).proposal

    assert after is not None
    assert set(starts).isdisjoint(each.start_at for each in after.sessions)


def test_a_prospect_is_what_an_assignment_gives_after_accepting(office: Database) -> None:
    beforehand = prospect_of(office, "A2", NOW).proposal
    application = office.get_one(Application, "A2")
    application.engagement = new_engagement(application, None, NOW)
    office.commit()
    afterwards = propose(office, "A2", NOW)
    assert beforehand is not None
    assert beforehand.sessions == afterwards.sessions
    assert beforehand.match == afterwards.match
    assert (beforehand.cost, beforehand.bound) == (afterwards.cost, afterwards.bound)


def test_nothing_of_a_prospect_is_left_behind(office: Database) -> None:
    prospect_of(office, "A2", NOW)
    assert not office.new
    assert not office.dirty
    application = office.get_one(Application, "A2")
    assert application.engagement is None
    office.add(application)  # what is added goes along with all that belongs to it
    office.commit()
    assert office.scalars(select(Engagement.id)).all() == ["A1"]
    assert application.state == ApplicationState.INTERVIEWED


def test_a_prospect_needs_only_to_read(office: Database, engine: Engine) -> None:
    with session_factory(engine, read_only=True).begin() as reading:
        found = prospect_of(reading, "A2", NOW)
    assert found.proposal is not None


def test_an_organization_that_would_be_served_online_is_proposed_no_place(
    office: Database,
) -> None:
    office.get_one(Application, "A2").delivery = Delivery.ONLINE
    office.commit()
    found = prospect_of(office, "A2", NOW)
    assert found.proposal is not None
    assert {each.municipality_code for each in found.proposal.sessions} == {None}


def test_without_an_expert_the_reasons_are_told_in_both_languages(office: Database) -> None:
    office.add(ConflictOfInterest(expert_id="E1", organization_id="O2", reason="顧問先のため"))
    office.commit()
    assert reasons(office) == [
        (
            "has a conflict of interest with the organization (顧問先のため) (1 expert)",
            "この団体と利害関係があります(顧問先のため)(1名)",
        )
    ]


def test_without_a_date_the_reasons_are_told_in_both_languages(office: Database) -> None:
    away = ExpertAbsence(expert_id="E1", start_at=NOW, end_at=NOW + dt.timedelta(weeks=52))
    office.add(away)
    office.commit()
    assert reasons(office) == [
        (
            "has no free time in common with the organization within the period (1 expert)",
            "期間内に団体と共通の空き時間がありません(1名)",
        )
    ]


def test_that_no_day_is_left_is_a_reason(office: Database) -> None:
    office.get_one(Application, "A2").last_wish_day = dt.date(2025, 9, 17)
    office.commit()
    ((english, japanese),) = reasons(office)
    assert "could begin on 2025-09-18 and must end by 2025-09-17" in english
    assert "実施できる日がありません" in japanese


@pytest.mark.parametrize("state", sorted(set(ApplicationState) - set(UNDECIDED)))
def test_after_the_decision_there_is_no_prospect(office: Database, state: str) -> None:
    office.get_one(Application, "A2").state = ApplicationState(state)
    with pytest.raises(Conflict) as refused:
        prospect_of(office, "A2", NOW)
    assert refused.value.data["state"] == state


def test_an_application_that_is_not_there_is_not_found(office: Database) -> None:
    with pytest.raises(NotFound):
        prospect_of(office, "A404", NOW)


def test_an_organization_outside_tokyo_has_no_prospect_and_is_told_why(office: Database) -> None:
    office.get_one(Application, "A2").organization.municipality_code = "27100"
    office.commit()
    assert reasons(office) == [
        (
            "the organization's office lies outside Tokyo",
            "団体の事務所が東京都内にありません",
        )
    ]
