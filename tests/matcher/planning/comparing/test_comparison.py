"""What a plan changes of what is published, and one release of another."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, NotFound
from matcher.models import (
    ExpertAbsence,
    HeldSession,
    Hold,
    Plan,
    PlanState,
    Release,
    Session,
    SessionStatus,
)
from matcher.planning.comparing.comparison import compare_plan, compare_releases
from matcher.planning.comparing.differences import ChangeKind, ServiceChange
from matcher.planning.comparing.reasons import ReasonKind
from matcher.planning.publishing.releases import number_release
from tests.matcher.planning.plans import Wanted, ready_plan, standing_sessions
from tests.matcher.planning.published import (
    A1_MOVES,
    FIRST,
    INNS,
    LATER,
    MOVES,
    MOVES_JA,
    NOW,
    compared,
    kinds,
    publish_first,
    publish_plan,
    sentence,
    sentences,
    wall,
)


@pytest.fixture
def published(db: Database) -> Database:
    """What is published at first."""
    publish_first(db)
    return db


def test_a_plan_that_leaves_all_as_it_is_changes_nothing(published: Database) -> None:
    found = compared(published, {})

    assert found.engagements == ()
    assert (found.disturbed.count, found.ground_moved, found.against) == (0, (), 1)
    assert found.cost is not None
    assert found.cost.before == found.cost.after
    assert found.cost.before_broken == ()


def test_a_session_moves_because_its_expert_is_away(published: Database) -> None:
    published.add(
        ExpertAbsence(
            expert_id="E1", start_at=wall("2025-10-21T00:00"), end_at=wall("2025-10-23T00:00")
        )
    )
    found = compared(published, A1_MOVES | {"A2": ("E1", ("2025-10-01T14:00", "2025-10-29T14:00"))})

    first, _ = found.sessions
    assert first.sentence.en == f"{MOVES} because Ichiro (E1) is away 21–22 Oct."
    assert first.sentence.ja == f"{MOVES_JA}一郎さん(E1)が10月21日から22日まで不在のためです。"
    assert first.change.kinds == (ChangeKind.MOVED,)
    assert found.disturbed.organizations == ("O1", "O2")
    assert found.disturbed.experts == ("E1",)
    assert found.cost is not None
    assert [str(each) for each in found.cost.before_broken] == [
        "A1: session 2 is when the expert is busy, at 2025-10-22 10:00:00",
        "A2: session 2 is when the expert is busy, at 2025-10-22 14:00:00",
    ]


def test_times_on_hold_are_no_change_and_break_nothing(published: Database) -> None:
    start = wall("2025-10-08T10:00")
    published.add(
        Hold(
            programme_id="tokyo-2025",
            engagement_id="A3",
            expert_id="E2",
            sessions=(HeldSession(1, start, start + dt.timedelta(hours=2)),),
            held_until=LATER + dt.timedelta(days=1),
            created_at=NOW,
            created_by="staff",
        )
    )
    found = compared(published, {"A3": ("E2", ("2025-10-08T10:00",))})

    assert found.engagements == ()
    assert found.cost is not None
    assert found.cost.before_broken == ()
    assert found.cost.before == found.cost.after


def test_what_was_published_since_is_said_to_be_and_not_explained(published: Database) -> None:
    plan = ready_plan(published, FIRST, LATER)
    session = standing_sessions(published)["A1", 2]
    session.start_at += dt.timedelta(days=7)
    session.end_at += dt.timedelta(days=7)
    number_release(published, "tokyo-2025", None, "", "staff", LATER)
    published.commit()
    found = compare_plan(published, plan.id, LATER)

    assert set(found.ground_moved) == {"engagement:A1", "release"}
    assert kinds(found) == {("A1", 2): (ReasonKind.PUBLISHED_SINCE,)}
    assert "no reason is given" in sentence(found)[0]


def test_a_plan_that_waits_too_long_names_the_ground_that_moved(published: Database) -> None:
    plan = ready_plan(published, FIRST, NOW)
    published.add(
        ExpertAbsence(
            expert_id="E2", start_at=wall("2025-12-01T00:00"), end_at=wall("2025-12-02T00:00")
        )
    )
    published.commit()

    assert compare_plan(published, plan.id, LATER).ground_moved == ("expert:E2",)


def test_a_plan_that_is_not_there_or_not_made_or_published_is_not_compared(
    published: Database,
) -> None:
    with pytest.raises(NotFound):
        compare_plan(published, "P404", LATER)
    plan = ready_plan(published, FIRST, LATER)
    plan.state, plan.plan = PlanState.SOLVING, None
    published.flush()
    with pytest.raises(Conflict, match="There is no plan yet"):
        compare_plan(published, plan.id, LATER)
    done = published.query(Plan).filter(Plan.state == PlanState.PUBLISHED).one()
    with pytest.raises(Conflict, match="published as release 1") as refused:
        compare_plan(published, done.id, LATER)
    assert refused.value.data["release"] == 1


def test_a_plan_that_breaks_a_rule_is_not_compared(published: Database) -> None:
    twice: Wanted = FIRST | {"A1": ("E1", ("2025-10-01T13:00", "2025-10-22T10:00"))}
    plan = ready_plan(published, twice, LATER)

    with pytest.raises(Conflict, match="breaks a rule"):
        compare_plan(published, plan.id, LATER)


def test_a_release_is_compared_with_the_one_before_with_the_reasons_of_its_plan(
    published: Database,
) -> None:
    published.add(
        ExpertAbsence(
            expert_id="E1", start_at=wall("2025-10-22T09:00"), end_at=wall("2025-10-22T12:00")
        )
    )
    published.commit()
    moved: Wanted = {"A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00"))}
    publish_plan(published, FIRST | moved, LATER)
    found = compare_releases(published, "tokyo-2025", 2, None)

    assert (found.release, found.against, found.cost) == (2, 1, None)
    assert sentence(found)[0] == f"{MOVES} because Ichiro (E1) is away on Wed 22 Oct 09:00–12:00."


def test_what_was_moved_by_hand_is_told_without_a_reason(published: Database) -> None:
    session = standing_sessions(published)["A1", 2]
    session.start_at += dt.timedelta(days=7)
    session.end_at += dt.timedelta(days=7)
    published.flush()
    number_release(published, "tokyo-2025", None, "", "staff", LATER)
    found = compare_releases(published, None, 2, 1)

    assert sentence(found) == (f"{MOVES}.", MOVES_JA)
    assert found.plan_id is None


def test_the_first_release_is_compared_with_nothing(published: Database) -> None:
    found = compare_releases(published, None, 1, None)

    assert found.against is None
    assert found.count_services(ServiceChange.NEWLY_SERVED) == 2
    assert {each for own in kinds(found).values() for each in own} == {ReasonKind.SERVES}


def test_a_session_whose_number_passes_on_is_found_again_by_its_id(published: Database) -> None:
    first, second = (standing_sessions(published)["A1", number] for number in (1, 2))
    first.status = SessionStatus.CANCELLED
    published.flush()
    second.number = 1
    published.flush()
    number_release(published, "tokyo-2025", None, "", "staff", LATER)
    found = compare_releases(published, None, 2, None)

    assert [each.change.kinds for each in found.sessions] == [
        (ChangeKind.DROPPED,),
        (ChangeKind.RENUMBERED,),
    ]
    assert sentences(found)[1] == f"Session 2 of A1 ({INNS}) on Wed 22 Oct 10:00 becomes session 1."
    assert len(found.engagements[0].change.disturbing) == 1


def test_a_release_that_is_not_there_or_kept_nothing_is_not_compared(published: Database) -> None:
    for number, against in ((7, None), (1, 7)):
        with pytest.raises(NotFound):
            compare_releases(published, None, number, against)
    published.get_one(Release, ("tokyo-2025", 1)).snapshot = None
    published.flush()
    with pytest.raises(Conflict, match="before releases kept their sessions") as refused:
        compare_releases(published, None, 1, None)
    assert refused.value.code == "no_snapshot"


def test_no_comparison_touches_what_it_reads(published: Database) -> None:
    plan = ready_plan(published, FIRST, LATER)
    compare_plan(published, plan.id, LATER)

    assert not published.dirty
    assert not published.new
    assert published.query(Session).count() == 4
