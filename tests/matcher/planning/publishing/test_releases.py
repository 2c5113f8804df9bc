from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from matcher.audit import Actor, acting
from matcher.clock import wall_time
from matcher.database import session_factory
from matcher.errors import Conflict, NotFound, PlanOutdated
from matcher.intake.applications import withdraw
from matcher.models import (
    AuditEntry,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Plan,
    PlanState,
    Programme,
    Release,
    Session,
    SessionDeparture,
    SessionStatus,
)
from matcher.planning.publishing.releases import number_release, publish
from matcher.programme import read_rules
from matcher.registry import AvailabilityDraft, set_availability
from solver.problem_file import pack
from tests.matcher import rows
from tests.matcher.planning.plans import Wanted, ready_plan, standing_sessions

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)

FIRST: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00")),
    "A2": ("E1", ("2025-10-01T14:00", "2025-10-22T14:00")),
}


LESS: Wanted = FIRST | {"A2": ("E1", ("2025-10-01T14:00",))}
"""The second session of A2 is dropped."""


@pytest.fixture
def published(db: Database) -> Database:
    """Two engagements of one expert, with two sessions each, published."""
    rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
    publish_plan(db, FIRST, NOW)
    return db


def publish_plan(db: Database, wanted: Wanted, now: dt.datetime = LATER) -> Release:
    plan = ready_plan(db, wanted, now)
    release = publish(db, plan.id, "", "planner", now)
    db.commit()
    return release


def starts(db: Database) -> dict[tuple[str, int], str]:
    return {
        key: f"{wall_time(each.start_at):%m-%d %H:%M}"
        for key, each in sorted(standing_sessions(db).items())
    }


def test_publishing_makes_release_1_and_its_sessions(published: Database) -> None:
    assert starts(published) == {
        ("A1", 1): "10-01 10:00",
        ("A1", 2): "10-22 10:00",
        ("A2", 1): "10-01 14:00",
        ("A2", 2): "10-22 14:00",
    }
    release = published.scalars(select(Release)).one()
    assert (release.number, release.published_by) == (1, "planner")
    assert published.get_one(Plan, release.plan_id).state == PlanState.PUBLISHED


def test_engagements_with_sessions_are_planned(published: Database) -> None:
    states = published.scalars(select(Engagement.state)).all()

    assert set(states) == {EngagementState.PLANNED}


def test_sessions_that_stay_are_not_touched(published: Database) -> None:
    before = {key: each.version for key, each in standing_sessions(published).items()}
    release = publish_plan(published, LESS)

    after = standing_sessions(published)
    assert release.number == 2
    assert {key: each.version for key, each in after.items()} == {
        key: version for key, version in before.items() if key != ("A2", 2)
    }
    assert {(each.sequence, each.revised_at) for each in after.values()} == {(0, NOW)}


def test_a_plan_that_changes_nothing_is_no_release(published: Database) -> None:
    plan = ready_plan(published, FIRST, NOW)
    with pytest.raises(Conflict, match="changes nothing") as refused:
        publish(published, plan.id, "", "planner", NOW)
    assert refused.value.code == "nothing_changes"
    assert len(published.scalars(select(Release)).all()) == 1
    assert plan.state == PlanState.READY


def test_a_session_that_moves_keeps_its_id_and_gets_the_next_sequence(
    published: Database,
) -> None:
    before = standing_sessions(published)[("A1", 2)].id
    publish_plan(published, FIRST | {"A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00"))})

    moved = standing_sessions(published)[("A1", 2)]
    assert (moved.id, moved.sequence, moved.revised_at) == (before, 1, LATER)
    assert starts(published)[("A1", 2)] == "10-29 10:00"


def test_two_sessions_of_one_expert_exchange_their_times(published: Database) -> None:
    exchanged: Wanted = {"A1": FIRST["A2"], "A2": FIRST["A1"]}
    publish_plan(published, exchanged)

    assert starts(published) == {
        ("A1", 1): "10-01 14:00",
        ("A1", 2): "10-22 14:00",
        ("A2", 1): "10-01 10:00",
        ("A2", 2): "10-22 10:00",
    }
    assert {each.sequence for each in standing_sessions(published).values()} == {1}


def sessions_told(db: Database) -> list[tuple[str, dict[str, object], dict[str, object]]]:
    """What the audit says of sessions since release 1, by whom and from what to what."""
    entries = select(AuditEntry).where(AuditEntry.kind == "session", AuditEntry.action == "changed")
    found = db.scalars(entries.order_by(AuditEntry.id))
    return [(each.actor, each.before, each.after) for each in found]


def test_the_audit_tells_a_move_once_from_the_old_time_to_the_new(published: Database) -> None:
    acting(published, Actor("planner (K1)", "plans.publish"))
    publish_plan(published, FIRST | {"A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00"))})

    assert sessions_told(published) == [
        (
            "planner (K1)",
            {"start_at": "2025-10-22T10:00:00+09:00", "end_at": "2025-10-22T11:00:00+09:00"},
            {"start_at": "2025-10-29T10:00:00+09:00", "end_at": "2025-10-29T11:00:00+09:00"},
        )
    ]


def test_the_audit_tells_an_exchange_as_two_moves_and_a_drop_as_a_cancellation(
    published: Database,
) -> None:
    publish_plan(published, {"A1": FIRST["A2"], "A2": ("E1", ("2025-10-01T10:00",))})

    told = [(before, after) for _, before, after in sessions_told(published)]
    assert sorted(str(before.get("start_at", "")) for before, _ in told) == [
        "",
        "2025-10-01T10:00:00+09:00",
        "2025-10-01T14:00:00+09:00",
        "2025-10-22T10:00:00+09:00",
    ]
    assert ({"status": "confirmed"}, {"status": "cancelled"}) in told


def test_a_session_that_is_no_longer_served_is_cancelled(published: Database) -> None:
    gone = standing_sessions(published)[("A1", 2)]
    publish_plan(published, FIRST | {"A1": ("E1", ("2025-10-01T10:00",))})

    assert ("A1", 2) not in starts(published)
    assert (gone.status, gone.sequence, gone.revised_at) == (SessionStatus.CANCELLED, 1, LATER)


def test_an_engagement_that_is_no_longer_served_waits_again(published: Database) -> None:
    publish_plan(published, {"A2": FIRST["A2"]})

    assert published.get_one(Engagement, "A1").state == EngagementState.WAITING
    assert published.get_one(Engagement, "A2").state == EngagementState.PLANNED


def test_a_session_keeps_its_id_with_another_expert_and_the_first_sees_it_leave(
    published: Database,
) -> None:
    before = {key: each.id for key, each in standing_sessions(published).items()}
    publish_plan(published, FIRST | {"A1": ("E2", FIRST["A1"][1])})

    after = standing_sessions(published)
    assert {key: each.id for key, each in after.items()} == before
    assert [after[("A1", number)].expert_id for number in (1, 2)] == ["E2", "E2"]
    departures = published.scalars(select(SessionDeparture)).all()
    assert {(each.session_id, each.expert_id, each.sequence) for each in departures} == {
        (before[("A1", number)], "E1", 1) for number in (1, 2)
    }


def test_only_a_ready_plan_can_be_published(published: Database) -> None:
    plan = published.scalars(select(Plan)).one()

    with pytest.raises(Conflict, match="this one is published"):
        publish(published, plan.id, "", "planner", LATER)


def test_a_plan_that_is_not_there_cannot_be_published(db: Database) -> None:
    with pytest.raises(NotFound):
        publish(db, "P404", "", "planner", NOW)


def test_a_plan_that_breaks_a_rule_is_refused(published: Database) -> None:
    wanted: Wanted = FIRST | {"A1": ("E1", ("2025-10-01T13:00", "2025-10-22T10:00"))}
    plan = ready_plan(published, wanted, LATER)

    with pytest.raises(Conflict, match="breaks a rule") as refused:
        publish(published, plan.id, "", "planner", LATER)
    assert refused.value.code == "plan_rejected"


def test_a_plan_whose_stored_problem_was_changed_is_refused(published: Database) -> None:
    plan = ready_plan(published, FIRST, LATER)
    plan.problem = pack(b'{"format": "problem/1"}')
    published.commit()

    with pytest.raises(Conflict, match="not the one that was solved"):
        publish(published, plan.id, "", "planner", LATER)


def test_an_experts_new_absence_outdates_a_plan(published: Database) -> None:
    plan = ready_plan(published, FIRST, NOW)
    published.add(ExpertAbsence(expert_id="E2", start_at=NOW, end_at=NOW + dt.timedelta(days=1)))
    published.commit()

    with pytest.raises(PlanOutdated) as refused:
        publish(published, plan.id, "", "planner", LATER)
    assert refused.value.moved == ("expert:E2",)


def test_a_withdrawn_engagement_outdates_a_plan(published: Database) -> None:
    plan = ready_plan(published, FIRST, NOW)
    published.get_one(Engagement, "A1").state = EngagementState.WITHDRAWN
    published.commit()

    with pytest.raises(PlanOutdated) as refused:
        publish(published, plan.id, "", "planner", LATER)
    assert refused.value.moved == ("engagement:A1",)


def test_a_newer_release_outdates_a_plan(published: Database) -> None:
    plan = ready_plan(published, LESS, NOW)
    with published.begin_nested():
        number_release(published, "tokyo-2025", None, "", "another planner", NOW)

    with pytest.raises(PlanOutdated) as refused:
        publish(published, plan.id, "", "planner", LATER)
    assert refused.value.moved == ("release",)
    assert "another planner published release 2 on 2025-09-10 12:00." in str(refused.value)
    assert "2025-09-10 12:00にanother plannerが確定版2を" in refused.value.message_ja


def test_an_application_accepted_since_does_not_outdate_a_plan(published: Database) -> None:
    plan = ready_plan(published, LESS, NOW)
    published.add(rows.application("A3"))
    published.flush()
    published.add(rows.engagement("A3"))
    published.commit()

    assert publish(published, plan.id, "", "planner", LATER).number == 2


def test_an_expert_who_joined_since_does_not_outdate_a_plan(published: Database) -> None:
    plan = ready_plan(published, LESS, NOW)
    published.add(rows.expert("E3"))
    published.commit()

    assert publish(published, plan.id, "", "planner", LATER).number == 2


def test_a_plan_whose_sessions_have_begun_is_outdated(published: Database) -> None:
    plan = ready_plan(published, {"A2": FIRST["A2"]}, NOW)

    with pytest.raises(PlanOutdated) as refused:
        publish(published, plan.id, "", "planner", rows.MORNING)
    assert refused.value.moved == ("engagement:A1",)


def book_for_another_programme(db: Database, expert_id: str) -> None:
    """Book an expert at the time of session 1, where the ground of a plan does not reach."""
    rules = read_rules("tokyo-2025").model_copy(update={"id": "another"})
    application, engagement = rows.application("B1"), rows.engagement("B1")
    application.programme_id = engagement.programme_id = "another"
    for row in (
        Programme(id="another", rules=rules),
        application,
        engagement,
        rows.session("S9", engagement_id="B1", expert_id=expert_id),
    ):
        db.add(row)
        db.flush()
    db.commit()


def test_a_double_booking_by_somebody_else_is_refused_and_nothing_changes(
    published: Database,
) -> None:
    wanted: Wanted = FIRST | {"A1": ("E2", FIRST["A1"][1])}
    plan = ready_plan(published, wanted, NOW)
    book_for_another_programme(published, "E2")
    before = starts(published)

    with pytest.raises(Conflict, match="nothing was published"):
        publish(published, plan.id, "", "planner", LATER)
    published.commit()
    assert starts(published) == before
    assert len(published.scalars(select(Release)).all()) == 1


@pytest.fixture
def two_databases(engine: Engine) -> Iterator[list[Database]]:
    """Two sessions on one database, each on a connection of its own."""
    sessions = session_factory(engine)
    with sessions() as one, sessions() as other:
        yield [one, other]


def test_of_two_plans_published_at_once_one_is_outdated(two_databases: list[Database]) -> None:
    one, _ = two_databases
    rows.add_engagements(one, "A1", "A2")
    plans = [ready_plan(one, FIRST, NOW).id for _ in range(2)]
    one.commit()
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def race(db: Database, plan_id: str) -> None:
        start.wait()
        try:
            publish(db, plan_id, "", "planner", NOW)
            db.commit()
            outcomes.append("published")
        except PlanOutdated as error:
            db.rollback()
            outcomes.append(",".join(error.moved))

    threads = [
        threading.Thread(target=race, args=pair) for pair in zip(two_databases, plans, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "published" in outcomes
    (refused,) = set(outcomes) - {"published"}
    assert "release" in refused
    assert len(one.scalars(select(Session)).all()) == 4


def test_who_withdraws_while_a_plan_is_published_waits_and_frees_its_sessions(
    two_databases: list[Database],
) -> None:
    first, second = two_databases
    rows.add_engagements(first, "A1", "A2", experts=("E1", "E2"))
    plan_id = ready_plan(first, FIRST, NOW).id
    publish(first, plan_id, "", "planner", LATER)

    def withdraw_too() -> None:
        withdraw(second, "A1", "staff", LATER, reason="体制の変更")
        second.commit()

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(withdraw_too)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.5)
        first.commit()
        other.result(timeout=30)
    assert {engagement for engagement, _ in standing_sessions(first)} == {"A2"}


def test_a_plan_that_is_published_sees_the_hours_that_an_expert_sets_at_that_moment(
    two_databases: list[Database],
) -> None:
    one, other = two_databases
    rows.add_engagements(one, "A1", "A2")
    plan_id = ready_plan(one, FIRST, NOW).id
    expert = one.scalars(select(Expert).with_for_update()).one()
    set_availability(one, expert, AvailabilityDraft(weekly_hours=(), absences=()), NOW)

    with ThreadPoolExecutor(1) as threads:
        publication = threads.submit(publish, other, plan_id, "", "planner", LATER)
        with pytest.raises(TimeoutError):
            publication.result(timeout=0.5)
        one.commit()
        with pytest.raises(PlanOutdated) as refused:
            publication.result(timeout=30)
    other.rollback()
    assert "expert:E1" in refused.value.moved
    assert standing_sessions(one) == {}


def test_the_expert_of_a_plan_is_free_to_leave_afterwards(published: Database) -> None:
    published.get_one(Expert, "E1").active = False
    published.commit()
    release = publish_plan(published, {id: ("E2", times) for id, (_, times) in FIRST.items()})

    assert release.number == 2
    assert {each.expert_id for each in standing_sessions(published).values()} == {"E2"}
