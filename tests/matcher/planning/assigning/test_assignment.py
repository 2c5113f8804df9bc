from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm.attributes import set_committed_value

from matcher.clock import wall_time
from matcher.database import create_database_engine, session_factory
from matcher.delivery.reports import report_session
from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict, NotFound, NotServable, PlanOutdated
from matcher.models import (
    Application,
    ConflictOfInterest,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Party,
    Plan,
    Release,
    Session,
    SessionStatus,
    WeeklyHours,
)
from matcher.planning.assigning.assignment import (
    carry_out,
    list_candidates,
    propose,
    propose_beforehand,
    publish_proposal,
)
from matcher.planning.publishing.releases import publish
from matcher.sample import load_sample
from tests.matcher import rows
from tests.matcher.delivery.test_reports import HELD
from tests.matcher.planning.plans import ready_plan, standing_sessions

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
WEEK = dt.timedelta(weeks=1)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: only plain queries are sent from here."""
    return sqlite_url


@pytest.fixture
def published(db: Database) -> Database:
    """Engagement A1 is served by E1 on Wednesdays; A2 waits."""
    rows.add_engagements(db, "A1", "A2")
    plan = ready_plan(db, {"A1": ("E1", ("2025-09-17T10:00", "2025-10-08T10:00"))}, NOW)
    publish(db, plan.id, "", "planner", NOW)
    db.commit()
    return db


def cancel(db: Database, session_id: str, now: dt.datetime = LATER) -> None:
    reason = LapseDraft(party=Party.EXPERT, reason="急病のため")
    cancel_session(db, session_id, reason, "staff", now)


def assign(db: Database, engagement_id: str) -> Release:
    return publish_proposal(db, propose(db, engagement_id, LATER), "staff", LATER)


def test_a_proposal_names_expert_reasons_times_and_proof(published: Database) -> None:
    proposal = propose(published, "A2", LATER)

    assert proposal.match.expert_id == "E1"
    assert proposal.match.reasons
    assert [each.number for each in proposal.sessions] == [1, 2]
    assert all(each.start_at > LATER for each in proposal.sessions)
    assert proposal.is_optimal
    assert proposal.bound == proposal.cost.total


def test_a_proposal_changes_nothing(published: Database) -> None:
    propose(published, "A2", LATER)
    published.commit()

    assert len(published.scalars(select(Session)).all()) == 2
    assert len(published.scalars(select(Release)).all()) == 1


def test_a_proposal_beforehand_is_the_one_that_comes_once_the_engagement_is_on_record(
    published: Database,
) -> None:
    published.add(rows.application("A3"))
    published.commit()
    stranger = rows.engagement("A3")
    stranger.weight = 1  # as the database would have it
    set_committed_value(stranger, "application", published.get_one(Application, "A3"))
    beforehand = propose_beforehand(published, stranger, LATER)
    assert stranger not in published
    published.add(rows.engagement("A3"))
    published.commit()

    proposal = propose(published, "A3", LATER)
    assert beforehand.sessions == proposal.sessions
    assert beforehand.match == proposal.match
    assert (beforehand.cost, beforehand.bound) == (proposal.cost, proposal.bound)


def test_an_assignment_is_a_release_of_its_own_and_moves_nobody_else(
    published: Database,
) -> None:
    before = {key: each.version for key, each in standing_sessions(published).items()}
    release = assign(published, "A2")
    published.commit()

    after = standing_sessions(published)
    assert (release.number, release.published_by) == (2, "staff")
    assert "A2" in release.note
    assert after.keys() == {("A1", 1), ("A1", 2), ("A2", 1), ("A2", 2)}
    assert {key: after[key].version for key in before} == before
    assert published.get_one(Engagement, "A2").state == EngagementState.PLANNED


def test_an_assigned_expert_has_time_to_travel_between_two_sites(published: Database) -> None:
    # Only the Wednesdays of A1's sessions are left, on which E1 is in Chiyoda until noon.
    for weeks in range(26):
        day = rows.MORNING - 3 * WEEK + weeks * WEEK
        if wall_time(day).date() not in {dt.date(2025, 9, 17), dt.date(2025, 10, 8)}:
            published.add(
                ExpertAbsence(expert_id="E1", start_at=day, end_at=day + dt.timedelta(hours=9))
            )
    published.commit()
    proposal = propose(published, "A2", LATER)

    times = [f"{wall_time(each.start_at):%m-%d %H:%M}" for each in proposal.sessions]
    assert times == ["09-17 12:30", "10-08 11:30"]


def test_an_engagement_that_lost_a_session_gets_one_again(published: Database) -> None:
    second = standing_sessions(published)[("A1", 2)].id
    cancel(published, second)
    assign(published, "A1")
    published.commit()

    again = standing_sessions(published)[("A1", 2)]
    assert again.id != second
    assert again.expert_id == "E1"


def test_an_engagement_with_all_its_sessions_is_not_assigned_again(published: Database) -> None:
    with pytest.raises(Conflict, match="has all its sessions"):
        assign(published, "A1")


AFTER_FIRST = dt.datetime(2025, 9, 18, 1, tzinfo=dt.UTC)
"""The morning after the first session of A1."""


def test_after_the_first_session_the_tail_is_planned_again_as_agreed(
    published: Database,
) -> None:
    before = standing_sessions(published)
    report_session(published, before[("A1", 1)].id, HELD, "E1", AFTER_FIRST)
    published.get_one(Engagement, "A1").session_minutes = (120, 120, 90)
    published.commit()
    proposal = propose(published, "A1", AFTER_FIRST)
    publish_proposal(published, proposal, "staff", AFTER_FIRST)
    published.commit()

    after = standing_sessions(published)
    assert after[("A1", 1)].status == SessionStatus.HELD
    assert after[("A1", 1)].sequence == 0
    assert after[("A1", 2)].id == before[("A1", 2)].id
    assert [
        (each.end_at - each.start_at) // dt.timedelta(minutes=1)
        for each in (after[("A1", 2)], after[("A1", 3)])
    ] == [120, 90]
    assert published.get_one(Engagement, "A1").state == EngagementState.IN_PROGRESS


def test_a_session_that_is_not_wanted_any_more_goes_when_the_tail_is_planned_again(
    published: Database,
) -> None:
    published.get_one(Engagement, "A1").session_minutes = (120,)
    published.commit()
    assign(published, "A1")
    published.commit()

    assert [key for key in standing_sessions(published) if key[0] == "A1"] == [("A1", 1)]


def test_without_a_session_left_to_plan_those_that_are_too_many_are_named(
    published: Database,
) -> None:
    second = standing_sessions(published)[("A1", 2)].id
    published.get_one(Engagement, "A1").session_minutes = (120,)
    published.commit()

    with pytest.raises(Conflict, match=f"Cancel those that are too many: {second}") as refused:
        propose(published, "A1", AFTER_FIRST)
    assert refused.value.data["surplus"] == (second,)


def test_a_session_that_did_not_take_place_is_planned_again(published: Database) -> None:
    first = standing_sessions(published)[("A1", 1)].id
    cancel(published, first, AFTER_FIRST)
    publish_proposal(published, propose(published, "A1", AFTER_FIRST), "staff", AFTER_FIRST)
    published.commit()

    after = standing_sessions(published)
    assert {key for key in after if key[0] == "A1"} == {("A1", 1), ("A1", 2)}
    assert all(each.start_at > AFTER_FIRST for each in after.values())
    assert published.get_one(Session, first).status == SessionStatus.CANCELLED


def test_an_engagement_without_room_for_another_session_is_left_as_it_is(
    published: Database,
) -> None:
    standing = standing_sessions(published)
    cancel(published, standing[("A1", 2)].id)
    published.get_one(Engagement, "A1").latest = wall_time(standing[("A1", 1)].start_at).date()
    published.commit()

    with pytest.raises(Conflict, match="has 1 of 2 sessions, and there is no room for another"):
        assign(published, "A1")


def test_a_withdrawn_engagement_is_not_assigned(published: Database) -> None:
    published.get_one(Engagement, "A2").state = EngagementState.WITHDRAWN
    published.commit()

    with pytest.raises(Conflict, match="gets no more sessions"):
        assign(published, "A2")


def test_an_engagement_that_is_not_there_is_not_assigned(published: Database) -> None:
    with pytest.raises(NotFound):
        assign(published, "A404")


def test_without_candidates_the_reasons_are_those_of_the_experts(published: Database) -> None:
    published.add(
        ConflictOfInterest(expert_id="E1", organization_id="O1", reason="member of the board")
    )
    published.commit()

    with pytest.raises(NotServable) as refused:
        propose(published, "A2", LATER)
    assert refused.value.reasons == (
        "has a conflict of interest with the organization (member of the board) (1 expert)",
    )
    assert refused.value.reasons_ja == ("この団体と利害関係があります(member of the board)(1名)",)


def test_without_days_left_the_window_is_closed(published: Database) -> None:
    with pytest.raises(NotServable) as refused:
        propose(published, "A2", dt.datetime(2026, 3, 13, 3, tzinfo=dt.UTC))
    assert refused.value.reasons == ("no day is left on which a session may take place",)


def test_an_expert_who_is_used_up_is_the_reason(published: Database) -> None:
    published.get_one(Expert, "E1").max_total = 2
    published.commit()

    with pytest.raises(NotServable) as refused:
        propose(published, "A2", LATER)
    assert refused.value.reasons == (
        "already has the largest number of sessions agreed (1 expert)",
    )


def test_hours_that_never_meet_are_the_reason(published: Database) -> None:
    published.get_one(Expert, "E1").weekly_hours = (
        WeeklyHours(weekday="fri", opens=dt.time(9), closes=dt.time(17)),
    )
    published.commit()

    with pytest.raises(NotServable) as refused:
        propose(published, "A2", LATER)
    assert refused.value.reasons == (
        "has no weekly hours in common with the organization (1 expert)",
    )


def test_an_expert_who_is_away_all_the_time_is_the_reason(published: Database) -> None:
    published.add(ExpertAbsence(expert_id="E1", start_at=NOW, end_at=NOW + 52 * WEEK))
    published.commit()

    with pytest.raises(NotServable) as refused:
        propose(published, "A2", LATER)
    assert refused.value.reasons == (
        "has no free time in common with the organization within the period (1 expert)",
    )


def test_limits_that_leave_no_room_are_the_reason(published: Database) -> None:
    published.get_one(Expert, "E1").max_per_day = 1
    published.get_one(Engagement, "A2").latest = dt.date(2025, 9, 18)
    published.commit()

    with pytest.raises(NotServable) as refused:
        propose(published, "A2", LATER)
    assert refused.value.reasons == (
        "has free time in common with the organization, but travel or the limits a day and a week "
        "leave no room (1 expert)",
    )


def test_candidates_are_listed_with_what_is_booked_elsewhere(published: Database) -> None:
    assert [each.expert_id for each in list_candidates(published, "A2", LATER).ranked] == ["E1"]
    published.get_one(Expert, "E1").max_total = 2
    published.commit()

    (excluded,) = list_candidates(published, "A2", LATER).excluded
    assert (excluded.expert_id, excluded.code) == ("E1", "fully_booked")


def test_a_proposal_that_was_overtaken_is_searched_for_anew(published: Database) -> None:
    cancel(published, standing_sessions(published)[("A1", 2)].id)
    published.commit()
    overtaken = propose(published, "A2", LATER)
    assign(published, "A1")
    published.commit()

    proposal, release = carry_out(published, overtaken, "staff", LATER)
    published.commit()
    assert (proposal.engagement_id, release.number) == ("A2", 3)
    assert proposal.ground["release"] == "2"
    assert {("A1", 2), ("A2", 1), ("A2", 2)} <= standing_sessions(published).keys()
    assert len(published.scalars(select(Plan)).all()) == 3


def test_a_proposal_for_an_engagement_that_was_served_meanwhile_is_refused(
    published: Database,
) -> None:
    overtaken = propose(published, "A2", LATER)
    assign(published, "A2")
    published.commit()

    with pytest.raises(Conflict, match="has all its sessions"):
        carry_out(published, overtaken, "staff", LATER)


def test_a_proposal_that_was_overtaken_is_not_published(published: Database) -> None:
    proposal = propose(published, "A2", LATER)
    assign(published, "A2")
    published.commit()

    with pytest.raises(PlanOutdated) as refused:
        publish_proposal(published, proposal, "staff", LATER)
    assert refused.value.moved == ("engagement:A2", "release")


def test_engagements_of_the_sample_are_assigned_with_proof(db: Database) -> None:
    load_sample(db)
    start = dt.datetime(2025, 7, 10, tzinfo=dt.UTC)
    ids = db.scalars(select(Engagement.id).order_by(Engagement.id)).all()
    proposals = [propose(db, id, start) for id in ids[::19]]

    assert all(each.sessions for each in proposals)
    assert all(each.is_optimal for each in proposals)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_several_who_assign_at_once_take_turns(kind: str, request: pytest.FixtureRequest) -> None:
    """Each has proposed before any publishes; nobody waits for somebody who waits for them."""
    engine = create_database_engine(request.getfixturevalue(f"{kind}_url"))
    sessions = session_factory(engine)
    ids = ("A1", "A2", "A3", "A4")
    with sessions.begin() as db:
        rows.add_engagements(db, *ids, experts=("E1", "E2", "E3", "E4"))
    start = Barrier(len(ids), timeout=60)

    def assign_one(engagement_id: str) -> int:
        with sessions() as db:
            proposal = propose(db, engagement_id, LATER)
        start.wait()
        with sessions.begin() as db:
            return carry_out(db, proposal, "staff", LATER)[1].number

    with ThreadPoolExecutor(len(ids)) as threads:
        numbers = list(threads.map(assign_one, ids))
    engine.dispose()
    assert sorted(numbers) == [1, 2, 3, 4]
