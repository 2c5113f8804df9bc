from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.database import session_factory
from matcher.delivery.moving import SessionMove, move_session
from matcher.errors import Conflict, NotFound, PlanOutdated
from matcher.intake.applications import withdraw
from matcher.models import (
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    HeldSession,
    Hold,
    Pin,
    PinKind,
    Plan,
    Release,
    SessionStatus,
)
from matcher.planning.comparing.comparison import compare_releases
from matcher.planning.publishing.obstacles import Obstacle
from matcher.planning.publishing.releases import publish
from matcher.planning.publishing.restoration import (
    KeptSession,
    Restoration,
    RestorationDraft,
    RestorationPart,
    restore,
)
from matcher.planning.publishing.snapshots import ChangeCount, Snapshot, count_changes
from matcher.planning.running.runs import judged
from tests.matcher import rows
from tests.matcher.planning.plans import Wanted, ready_plan, standing_sessions

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
AFTER_SESSION_1 = dt.datetime(2025, 10, 8, 3, tzinfo=dt.UTC)

FIRST: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00")),
    "A2": ("E1", ("2025-10-01T14:00", "2025-10-22T14:00")),
}
SECOND: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00")),
    "A2": ("E2", ("2025-10-01T14:00", "2025-10-22T14:00")),
    "A3": ("E2", ("2025-10-15T10:00", "2025-11-05T10:00")),
}
ALL_OF_THEN = {
    ("A1", 1): "E1 10-01 10:00",
    ("A1", 2): "E1 10-22 10:00",
    ("A2", 1): "E1 10-01 14:00",
    ("A2", 2): "E1 10-22 14:00",
}

AGAIN_EN = " because release 1 is brought back."
AGAIN_JA = "。確定版1の内容に戻すためです。"


@pytest.fixture
def twice(db: Database) -> Database:
    """Two releases; the second moved a session, changed an expert and added an engagement."""
    rows.add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2"))
    for wanted in (FIRST, SECOND):
        publish(db, ready_plan(db, wanted, NOW).id, "", "planner", NOW)
    db.commit()
    return db


def restored(
    db: Database,
    now: dt.datetime = LATER,
    *,
    number: int = 1,
    part: RestorationPart = RestorationPart.ALL,
    frozen_days: int = 3,
) -> Restoration:
    """Restore a release; the plan that it is holds."""
    draft = RestorationDraft(note="誤って確定したため", part=part, frozen_days=frozen_days)
    done = restore(db, "tokyo-2025", number, draft, "planner", now)
    db.commit()
    assert done.release.plan_id is not None
    assert judged(db.get_one(Plan, done.release.plan_id)).holds
    return done


def starts(db: Database) -> dict[tuple[str, int], str]:
    return {
        key: f"{each.expert_id} {wall_time(each.start_at):%m-%d %H:%M}"
        for key, each in sorted(standing_sessions(db).items())
    }


def told(kept: object) -> list[tuple[str, int, str]]:
    assert isinstance(kept, Sequence)
    assert all(isinstance(each, KeptSession) and each.reason.ja.endswith("。") for each in kept)
    return [(each.engagement_id, each.number, each.reason.en) for each in kept]


def reasons(lost: object) -> dict[str, str]:
    assert isinstance(lost, Sequence)
    assert all(isinstance(each, Obstacle) and each.reason.ja.endswith("。") for each in lost)
    return {each.engagement_id: each.reason.en for each in lost}


def test_the_sessions_of_an_earlier_release_come_back_as_a_new_one(twice: Database) -> None:
    """Those that stand as they did keep their rows, those that came since go."""
    untouched = standing_sessions(twice)[("A1", 1)].version

    done = restored(twice)
    assert starts(twice) == ALL_OF_THEN
    assert standing_sessions(twice)[("A1", 1)].version == untouched
    assert (done.kept, done.not_restored) == ((), ())
    assert (done.release.number, done.release.published_by) == (3, "planner")
    assert done.release.note.splitlines() == [
        "誤って確定したため",
        "確定版1の内容に戻しました(派遣案件3件中3件)。",
        "The sessions of release 1 again: engagements 3 of 3.",
    ]


def test_its_changes_say_that_a_release_is_brought_back(twice: Database) -> None:
    """Whatever they cost: no rule asks for them, and they are not to save anything."""
    restored(twice)

    changes = compare_releases(twice, "tokyo-2025", 3, None)
    told = [each.sentence for each in changes.sessions]
    told += [each.sentence for each in changes.engagements if each.sentence is not None]
    assert [each.en for each in told if not each.en.endswith(AGAIN_EN)] == []
    assert [each.ja for each in told if not each.ja.endswith(AGAIN_JA)] == []
    assert len(told) == 6


def test_a_restoration_can_be_restored(twice: Database) -> None:
    second = starts(twice)
    restored(twice)

    restored(twice, number=2)
    assert starts(twice) == second


def test_what_was_held_or_missed_since_is_kept_and_listed(twice: Database) -> None:
    """The rest comes back around it."""
    first = standing_sessions(twice)[("A2", 1)]
    first.status = SessionStatus.HELD
    standing_sessions(twice)[("A1", 1)].status = SessionStatus.MISSED
    twice.get_one(Engagement, "A2").state = EngagementState.IN_PROGRESS
    twice.commit()

    draft = RestorationDraft(note="もどす", part=RestorationPart.POSSIBLE)
    with pytest.raises(Conflict) as refused:
        restore(twice, "tokyo-2025", 1, RestorationDraft(note="もどす"), "planner", AFTER_SESSION_1)
    assert told(refused.value.data["kept"]) == [("A2", 1, "It was held.")]
    assert reasons(refused.value.data["not_restored"]) == {
        "A2": "The expert of the sessions that stand has to go on."
    }
    done = restore(twice, "tokyo-2025", 1, draft, "planner", AFTER_SESSION_1)
    assert told(done.kept) == [("A2", 1, "It was held.")]
    assert starts(twice) == {
        ("A1", 1): "E1 10-01 10:00",
        ("A1", 2): "E1 10-22 10:00",
        ("A2", 1): "E2 10-01 14:00",
        ("A2", 2): "E2 10-22 14:00",
    }


def test_what_is_over_or_close_at_hand_is_kept_and_the_rest_comes_back(twice: Database) -> None:
    today = dt.datetime(2025, 10, 15, 0, tzinfo=dt.UTC)

    done = restored(twice, today, part=RestorationPart.POSSIBLE)
    assert ("A3", 1, "It is over, or takes place today.") in told(done.kept)
    assert starts(twice)[("A3", 1)] == "E2 10-15 10:00"
    assert ("A3", 2) not in starts(twice)
    assert starts(twice)[("A1", 2)] == "E1 10-22 10:00"


def test_a_frozen_session_is_kept_unless_no_days_are_frozen(twice: Database) -> None:
    two_days_before = dt.datetime(2025, 10, 27, 1, tzinfo=dt.UTC)
    wanted = SECOND | {"A1": ("E1", ("2025-10-01T10:00", "2025-11-05T14:00"))}
    publish(twice, ready_plan(twice, wanted, NOW).id, "", "planner", NOW)
    twice.commit()
    move = SessionMove(start_at=dt.datetime(2025, 10, 29, 5, tzinfo=dt.UTC))
    move_session(twice, standing_sessions(twice)[("A1", 2)].id, move, "staff", two_days_before)
    twice.commit()

    draft = RestorationDraft(note="もどす")
    with pytest.raises(Conflict, match="nothing that could be restored") as refused:
        restore(twice, "tokyo-2025", 3, draft, "planner", two_days_before)
    assert told(refused.value.data["kept"]) == [
        ("A1", 2, "It is close at hand, and not to be changed.")
    ]
    restored(twice, two_days_before, number=3, frozen_days=0)
    assert starts(twice)[("A1", 2)] == "E1 11-05 14:00"


def test_what_is_pinned_or_on_hold_is_kept(twice: Database) -> None:
    start_at = dt.datetime(2025, 12, 3, 1, tzinfo=dt.UTC)
    twice.add_all(
        [
            Pin(
                programme_id="tokyo-2025",
                kind=PinKind.SESSION,
                engagement_id="A1",
                session_id=standing_sessions(twice)[("A1", 2)].id,
                created_at=NOW,
                created_by="planner",
            ),
            Hold(
                programme_id="tokyo-2025",
                engagement_id="A2",
                expert_id="E2",
                sessions=(HeldSession(3, start_at, start_at + dt.timedelta(hours=1)),),
                held_until=NOW + dt.timedelta(days=2),
                created_at=NOW,
                created_by="staff",
            ),
        ]
    )
    twice.commit()

    done = restored(twice)
    assert told(done.kept) == [
        ("A1", 2, "It is pinned."),
        ("A2", 1, "Times are on hold for the engagement."),
        ("A2", 2, "Times are on hold for the engagement."),
    ]
    assert {engagement for engagement, _ in starts(twice)} == {"A1", "A2"}
    assert starts(twice)[("A1", 2)] == "E1 10-29 10:00"
    assert starts(twice)[("A2", 1)] == "E2 10-01 14:00"


def test_all_or_nothing_unless_the_possible_part_is_asked_for(twice: Database) -> None:
    twice.add(
        ExpertAbsence(
            expert_id="E1",
            start_at=dt.datetime(2025, 10, 22, 0, tzinfo=dt.UTC),
            end_at=dt.datetime(2025, 10, 22, 3, tzinfo=dt.UTC),
        )
    )
    withdraw(twice, "A2", "staff", NOW, reason="体制の変更")
    twice.commit()
    before = starts(twice)

    with pytest.raises(Conflict, match="A1, A2") as refused:
        restored(twice)
    assert refused.value.code == "not_restorable"
    assert reasons(refused.value.data["not_restored"]) == {
        "A1": "Expert E1 is not free at the time of a session.",
        "A2": "The engagement is withdrawn.",
    }
    twice.rollback()
    assert starts(twice) == before
    done = restored(twice, part=RestorationPart.POSSIBLE)
    assert reasons(done.not_restored) == reasons(refused.value.data["not_restored"])
    assert done.release.note.endswith("again: engagements 1 of 3; as they were: A1, A2.")
    assert starts(twice) == {key: each for key, each in before.items() if key[0] == "A1"}


def test_somebody_elses_visit_stands_in_the_way(twice: Database) -> None:
    """Of an engagement whose sessions are kept, as well."""
    twice.add(
        Pin(
            programme_id="tokyo-2025",
            kind=PinKind.SCHEDULE,
            engagement_id="A3",
            created_at=NOW,
            created_by="planner",
        )
    )
    third = SECOND | {
        "A2": ("E1", ("2025-10-01T14:00", "2025-10-22T14:00")),
        "A3": ("E2", ("2025-10-15T10:00", "2025-11-05T10:00")),
    }
    publish(twice, ready_plan(twice, third, NOW).id, "", "planner", NOW)
    twice.commit()
    assert twice.get_one(Expert, "E2").max_per_day == 2
    twice.get_one(Expert, "E2").max_total = 3
    twice.commit()

    with pytest.raises(Conflict) as refused:
        restored(twice, number=2)
    assert reasons(refused.value.data["not_restored"]) == {
        "A2": "Expert E2 would have more sessions than the limit."
    }


@pytest.mark.parametrize(
    ("minutes", "reason"),
    [
        ((120, 90), "By now it asks for sessions of other lengths."),
        ((120,), "It asks for fewer sessions by now."),
    ],
)
def test_other_wishes_by_now_stand_in_the_way(
    twice: Database, minutes: tuple[int, ...], reason: str
) -> None:
    twice.get_one(Engagement, "A1").session_minutes = minutes
    twice.commit()

    with pytest.raises(Conflict) as refused:
        restored(twice)
    assert reasons(refused.value.data["not_restored"]) == {"A1": reason}


def test_where_all_is_as_it_was_there_is_nothing_to_restore(twice: Database) -> None:
    with pytest.raises(Conflict, match="nothing that could be restored") as refused:
        restored(twice, number=2)
    assert refused.value.code == "nothing_to_restore"


def test_a_release_without_its_sessions_cannot_be_restored(twice: Database) -> None:
    twice.get_one(Release, ("tokyo-2025", 1)).snapshot = None
    twice.commit()

    with pytest.raises(Conflict) as refused:
        restored(twice)
    assert refused.value.code == "no_snapshot"


@pytest.mark.parametrize(("programme", "number"), [("tokyo-2025", 9), ("nowhere", 1)])
def test_what_is_not_there_cannot_be_restored(twice: Database, programme: str, number: int) -> None:
    with pytest.raises(NotFound):
        restore(twice, programme, number, RestorationDraft(note="もどす"), "planner", LATER)


def test_each_release_tells_how_many_sessions_it_changed(twice: Database) -> None:
    restored(twice)
    releases = twice.scalars(select(Release).order_by(Release.number)).all()

    assert list(count_changes(twice, releases).values()) == [
        ChangeCount(added=4, moved=0, dropped=0),
        ChangeCount(added=2, moved=3, dropped=0),
        ChangeCount(added=0, moved=3, dropped=2),
    ]
    releases[1].snapshot = None
    twice.commit()
    assert list(count_changes(twice, releases).values()) == [
        ChangeCount(added=4, moved=0, dropped=0),
        None,
        None,
    ]


def test_a_snapshot_of_a_restoration_is_that_of_then(twice: Database) -> None:
    restored(twice)
    first, _, third = twice.scalars(select(Release.snapshot).order_by(Release.number))

    assert first is not None
    assert third is not None
    assert Snapshot.from_bytes(third).by_place == Snapshot.from_bytes(first).by_place


def test_of_a_plan_and_a_restoration_at_once_the_second_sees_the_first(
    engine: Engine, twice: Database
) -> None:
    """Either the plan is outdated by then, or the restoration takes it back as well."""
    plan_id = ready_plan(twice, FIRST | {"A3": SECOND["A3"]}, NOW).id
    twice.commit()
    sessions = session_factory(engine)
    start = threading.Barrier(2)

    def publish_it() -> int | None:
        with sessions() as db:
            start.wait()
            try:
                number = publish(db, plan_id, "", "planner", LATER).number
            except PlanOutdated:
                return None
            db.commit()
            return number

    def restore_it() -> int:
        with sessions() as db:
            start.wait()
            draft = RestorationDraft(note="もどす")
            number = restore(db, "tokyo-2025", 1, draft, "planner", LATER).release.number
            db.commit()
            return number

    with ThreadPoolExecutor(2) as threads:
        published, back = threads.submit(publish_it), threads.submit(restore_it)
        numbers = (published.result(timeout=60), back.result(timeout=60))
    assert numbers in {(None, 3), (3, 4)}
    assert starts(twice) == ALL_OF_THEN
