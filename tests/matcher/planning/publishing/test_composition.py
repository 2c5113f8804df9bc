from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.database import session_factory
from matcher.errors import Conflict, PlanOutdated
from matcher.intake.applications import withdraw
from matcher.models import (
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    HeldSession,
    Hold,
    Plan,
    PlanState,
    Release,
    Session,
)
from matcher.planning.publishing.composition import compose
from matcher.planning.publishing.obstacles import Obstacle
from matcher.planning.publishing.releases import find_untouched, publish, publish_untouched
from matcher.planning.running.runs import judged
from matcher.planning.stating.records import Records
from solver.plan import Assignment
from tests.matcher import rows
from tests.matcher.planning.plans import Wanted, ready_plan, standing_sessions

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)

WANTED: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00")),
    "A2": ("E1", ("2025-10-01T14:00", "2025-10-22T14:00")),
    "A3": ("E2", ("2025-10-08T10:00", "2025-10-29T10:00")),
}


@pytest.fixture
def office(db: Database) -> Database:
    """Three engagements and two experts, and nothing published yet."""
    rows.add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2"))
    db.commit()
    return db


def publish_plan(db: Database, wanted: Wanted, now: dt.datetime = NOW) -> Release:
    release = publish(db, ready_plan(db, wanted, now).id, "", "planner", now)
    db.commit()
    return release


def away(expert_id: str, day: str) -> ExpertAbsence:
    start = dt.datetime.fromisoformat(f"{day}T00:00+00:00")
    return ExpertAbsence(expert_id=expert_id, start_at=start, end_at=start + dt.timedelta(hours=12))


def refused(db: Database, plan: Plan, now: dt.datetime = LATER) -> PlanOutdated:
    with pytest.raises(PlanOutdated) as error:
        publish(db, plan.id, "", "planner", now)
    found = find_untouched(db, plan.id, now)
    assert found
    assert found.moved == error.value.moved
    return found.refusal


def touched(error: Conflict) -> Mapping[str, str]:
    found = error.data["touched"]
    assert isinstance(found, tuple)
    assert all(isinstance(each, Obstacle) and each.reason.ja.endswith("。") for each in found)
    return {each.engagement_id: each.reason.en for each in found}


def publish_part(db: Database, plan: Plan, now: dt.datetime = LATER) -> Release:
    """Publish what nothing has touched; the plan that it is holds."""
    release = publish_untouched(db, plan.id, "今週分", "planner", now)
    db.commit()
    assert release.plan_id is not None
    assert judged(db.get_one(Plan, release.plan_id)).holds
    return release


def starts(db: Database) -> dict[tuple[str, int], str]:
    return {
        key: f"{each.expert_id} {wall_time(each.start_at):%m-%d %H:%M}"
        for key, each in sorted(standing_sessions(db).items())
    }


def test_an_absence_touches_the_sessions_within_it_and_no_others(office: Database) -> None:
    plan = ready_plan(office, WANTED, NOW)
    office.add(away("E2", "2025-10-29"))
    office.commit()

    error = refused(office, plan)
    assert error.moved == ("expert:E2",)
    assert error.data["untouched"] == ("A1", "A2")
    assert touched(error) == {"A3": "Expert E2 is not free at the time of a session."}

    publish_part(office, plan)
    assert starts(office) == {
        ("A1", 1): "E1 10-01 10:00",
        ("A1", 2): "E1 10-22 10:00",
        ("A2", 1): "E1 10-01 14:00",
        ("A2", 2): "E1 10-22 14:00",
    }
    assert office.get_one(Engagement, "A3").state == EngagementState.WAITING
    assert office.get_one(Engagement, "A1").state == EngagementState.PLANNED


def test_the_part_is_found_before_without_keeping_anybody_from_writing(
    office: Database, engine: Engine
) -> None:
    """On a connection that cannot lock; it is not looked for again where nothing has changed."""
    plan = ready_plan(office, WANTED, NOW)
    office.add(away("E2", "2025-10-29"))
    office.commit()
    with session_factory(engine, read_only=True)() as reading:
        found = find_untouched(reading, plan.id, LATER)
    assert found
    assert sorted(found.part.chosen) == ["A1", "A2"]

    less = {"A1": found.part.chosen["A1"]}
    as_told = replace(found, part=replace(found.part, chosen=less))
    publish_untouched(office, plan.id, "", "planner", LATER, found=as_told)
    assert {id for id, _ in starts(office)} == {"A1"}


def test_the_part_is_looked_for_again_where_more_has_changed_since(office: Database) -> None:
    plan = ready_plan(office, WANTED, NOW)
    office.add(away("E2", "2025-10-29"))
    office.commit()
    found = find_untouched(office, plan.id, LATER)
    office.get_one(Expert, "E1").max_total = 2
    office.commit()
    publish_untouched(office, plan.id, "", "planner", LATER, found=found)
    assert len({id for id, _ in starts(office)}) == 1


def test_an_absence_of_an_expert_at_other_times_touches_nothing(office: Database) -> None:
    plan = ready_plan(office, WANTED, NOW)
    office.add(away("E2", "2025-11-05"))
    office.commit()

    assert refused(office, plan).data["untouched"] == ("A1", "A2", "A3")
    publish_part(office, plan)
    assert len(starts(office)) == 6


def test_the_part_is_a_release_and_a_plan_of_its_own_that_say_what_they_are(
    office: Database,
) -> None:
    plan = ready_plan(office, WANTED, NOW)
    withdraw(office, "A2", "staff", NOW, reason="体制の変更")
    office.commit()

    release = publish_part(office, plan)
    part = office.get_one(Plan, release.plan_id)
    assert release.note.splitlines() == [
        "今週分",
        f"派遣計画{plan.id}のうち影響を受けない部分(派遣案件3件中2件)。現在のまま: A2。",
        f"The part of plan {plan.id} that nothing has touched: "
        "engagements 2 of 3; as they were: A2.",
    ]
    assert (part.state, part.created_by, part.terms.only) == (
        PlanState.PUBLISHED,
        "planner",
        ("A1", "A3"),
    )
    assert part.solver_version == f"part of {plan.id}"
    assert office.get_one(Plan, plan.id).state == PlanState.READY


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("withdraw", "The engagement is withdrawn."),
        ("revise", "What it asks for was changed after the run began."),
        ("assign", "Its sessions were changed after the run began."),
        ("hold", "Times are on hold for the engagement."),
    ],
)
def test_an_engagement_that_was_changed_itself_is_touched(
    office: Database, change: str, reason: str
) -> None:
    plan = ready_plan(office, WANTED, NOW)
    match change:
        case "withdraw":
            withdraw(office, "A2", "staff", NOW, reason="体制の変更")
        case "revise":
            office.get_one(Engagement, "A2").max_gap_days = 40
        case "assign":
            publish_plan(office, {"A2": ("E2", ("2025-10-15T10:00",))})
        case "hold":
            office.add(hold("A2"))
    office.commit()

    error = refused(office, plan)
    assert touched(error) == {"A2": reason}
    assert error.data["untouched"] == ("A1", "A3")
    before = {key: each for key, each in starts(office).items() if key[0] == "A2"}
    publish_part(office, plan)
    assert {key: each for key, each in starts(office).items() if key[0] == "A2"} == before
    assert len(starts(office)) == 4 + len(before)


def hold(engagement_id: str) -> Hold:
    start_at = dt.datetime(2025, 12, 3, 1, tzinfo=dt.UTC)
    return Hold(
        programme_id="tokyo-2025",
        engagement_id=engagement_id,
        expert_id="E2",
        sessions=(HeldSession(1, start_at, start_at + dt.timedelta(hours=2)),),
        held_until=NOW + dt.timedelta(days=2),
        created_at=NOW,
        created_by="staff",
    )


def test_an_engagement_with_nothing_but_times_on_hold_waits_still(office: Database) -> None:
    office.add(hold("A2"))
    office.commit()
    kept: Wanted = {"A2": ("E2", ("2025-12-03T10:00",))}
    publish_plan(office, {id: WANTED[id] for id in ("A1", "A3")} | kept)

    assert {engagement for engagement, _ in starts(office)} == {"A1", "A3"}
    assert office.get_one(Engagement, "A2").state == EngagementState.WAITING


def test_who_would_need_the_place_of_a_touched_engagement_is_touched_too(
    office: Database,
) -> None:
    publish_plan(office, {"A1": WANTED["A1"], "A2": WANTED["A2"]})
    plan = ready_plan(office, {"A1": WANTED["A2"], "A2": WANTED["A1"]}, NOW)
    office.get_one(Engagement, "A2").target_gap_days = 20
    office.commit()

    error = refused(office, plan)
    assert error.data["untouched"] == ()
    assert touched(error) == {
        "A1": "Expert E1 has another session at the same time.",
        "A2": "What it asks for was changed after the run began.",
    }
    with pytest.raises(Conflict, match="touches all that it would change") as nothing:
        publish_untouched(office, plan.id, "", "planner", LATER)
    assert nothing.value.code == "nothing_untouched"
    assert touched(nothing.value) == touched(error)


@pytest.mark.parametrize("gives_way", [(), ("2025-12-03T10:00", "2025-12-24T10:00")])
def test_nobody_gives_way_for_an_engagement_that_is_not_published(
    office: Database, gives_way: tuple[str, ...]
) -> None:
    publish_plan(office, {"A1": WANTED["A1"]})
    made_room: Wanted = {"A1": ("E1", gives_way)} if gives_way else {}
    plan = ready_plan(office, {**made_room, "A2": ("E1", WANTED["A1"][1]), "A3": WANTED["A3"]}, NOW)
    withdraw(office, "A2", "staff", NOW, reason="体制の変更")
    office.commit()

    error = refused(office, plan)
    assert error.data["untouched"] == ("A3",)
    assert touched(error)["A1"] == "Without its change the rest holds, and costs no more."
    publish_part(office, plan)
    assert starts(office) == {
        ("A1", 1): "E1 10-01 10:00",
        ("A1", 2): "E1 10-22 10:00",
        ("A3", 1): "E2 10-08 10:00",
        ("A3", 2): "E2 10-29 10:00",
    }


def test_who_has_to_leave_an_expert_leaves_though_another_is_not_published(
    office: Database,
) -> None:
    """Its own sessions can no longer take place, so the change is no mere favour."""
    publish_plan(office, {"A1": WANTED["A1"]})
    office.add(away("E1", "2025-10-22"))
    office.commit()
    elsewhere: Wanted = {"A1": ("E2", WANTED["A1"][1]), "A2": ("E1", ("2025-10-01T10:00",))}
    plan = ready_plan(office, elsewhere, NOW)
    withdraw(office, "A2", "staff", NOW, reason="体制の変更")
    office.commit()

    assert refused(office, plan).data["untouched"] == ("A1",)
    publish_part(office, plan)
    assert starts(office) == {("A1", 1): "E2 10-01 10:00", ("A1", 2): "E2 10-22 10:00"}


def test_of_those_that_a_lower_cap_leaves_no_room_for_one_is_left_out(office: Database) -> None:
    plan = ready_plan(office, WANTED, NOW)
    office.get_one(Expert, "E1").max_per_day = 1
    office.commit()

    error = refused(office, plan)
    assert error.data["untouched"] == ("A1", "A3")
    assert touched(error) == {"A2": "Expert E1 would have more sessions on a day than the limit."}


def test_of_those_that_share_too_few_places_the_one_that_weighs_less_is_left_out(
    office: Database,
) -> None:
    office.get_one(Engagement, "A2").weight = 3
    plan = ready_plan(office, WANTED, NOW)
    office.get_one(Expert, "E1").max_per_day = 1
    office.commit()

    assert refused(office, plan).data["untouched"] == ("A2", "A3")


def test_sessions_whose_day_has_come_are_touched(office: Database) -> None:
    plan = ready_plan(office, WANTED, NOW)

    error = refused(office, plan, rows.MORNING)
    assert error.moved == ("engagement:A1", "engagement:A2")
    assert error.data["untouched"] == ("A3",)
    assert touched(error)["A1"] == (
        "A session is not within 2025-10-02 to 2026-03-13, the days that are left for it."
    )
    publish_part(office, plan, rows.MORNING)
    assert {engagement for engagement, _ in starts(office)} == {"A3"}


def test_a_session_that_is_held_by_now_is_not_moved(office: Database) -> None:
    publish_plan(office, WANTED)
    later: Wanted = WANTED | {
        "A1": ("E1", ("2025-10-08T10:00", "2025-10-29T10:00")),
        "A3": ("E2", ("2025-10-08T10:00", "2025-11-05T10:00")),
    }
    plan = ready_plan(office, later, NOW)

    error = refused(office, plan, rows.MORNING)
    assert touched(error) == {
        "A1": "It would change a session that is over, close at hand or pinned."
    }
    assert error.data["untouched"] == ("A3",)


def test_a_newer_release_of_other_engagements_leaves_the_whole_plan_untouched(
    office: Database,
) -> None:
    wanted = {id: WANTED[id] for id in ("A1", "A2")}
    plan = ready_plan(office, wanted, NOW, only=("A1", "A2"))
    publish_plan(office, {"A3": WANTED["A3"]})

    assert "release" in refused(office, plan).moved
    publish_part(office, plan)
    assert len(starts(office)) == 6


def test_where_nothing_has_changed_the_part_is_the_plan_itself(office: Database) -> None:
    plan = ready_plan(office, WANTED, NOW)

    release = publish_part(office, plan)
    assert (release.plan_id, release.note) == (plan.id, "今週分")
    assert len(starts(office)) == 6


def test_a_part_leaves_the_sessions_of_others_as_they_were(office: Database) -> None:
    publish_plan(office, WANTED)
    before = {key: each.version for key, each in standing_sessions(office).items()}
    changed: Wanted = {
        "A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00")),
        "A2": ("E1", ("2025-10-01T14:00", "2025-10-29T14:00")),
        "A3": ("E2", ("2025-10-08T10:00", "2025-11-05T10:00")),
    }
    plan = ready_plan(office, changed, NOW)
    office.add(away("E2", "2025-11-05"))
    office.commit()

    publish_part(office, plan)
    after = {key: each.version for key, each in standing_sessions(office).items()}
    assert {key for key in before if before[key] != after[key]} == {("A1", 2), ("A2", 2)}
    assert len(office.scalars(select(Session)).all()) == 6


IDS = tuple(f"A{number}" for number in range(1, 9))
EXPERTS = ("E1", "E2", "E3")
OF_ITSELF = {
    "The engagement is withdrawn.",
    "What it asks for was changed after the run began.",
}


def any_plan(chance: random.Random) -> Wanted:
    """Who serves whom when, at random, within all rules; not everybody is served."""
    taken: set[tuple[str, dt.date, str]] = set()
    wanted: Wanted = {}
    for id in chance.sample(IDS, k=7):
        expert, clock = chance.choice(EXPERTS), chance.choice(("10:00", "14:00"))
        first = dt.date(2025, 10, 1) + dt.timedelta(weeks=chance.randrange(4))
        days = (first, first + dt.timedelta(weeks=chance.choice((2, 3))))
        places = {(expert, day, clock) for day in days}
        if taken.isdisjoint(places):
            taken |= places
            wanted[id] = (expert, tuple(f"{day}T{clock}" for day in days))
    return wanted


def disturb(db: Database, chance: random.Random) -> None:
    """What happens in a week."""
    day = dt.date(2025, 10, 1) + dt.timedelta(weeks=chance.randrange(6))
    db.add(away(chance.choice(EXPERTS), day.isoformat()))
    db.get_one(Expert, chance.choice(EXPERTS)).max_per_day = 1
    withdraw(db, chance.choice(IDS), "staff", NOW, reason="体制の変更")
    db.get_one(Engagement, chance.choice(IDS)).max_gap_days += 1
    db.commit()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_each_engagement_is_rightly_touched_or_not(
    db: Database, seed: int
) -> None:
    """The part holds; what is said to be in the way of another is, beside the part."""
    chance = random.Random(seed)  # noqa: S311  it invents cases, not secrets
    rows.add_engagements(db, *IDS, experts=EXPERTS)
    published, wanted = any_plan(chance), any_plan(chance)
    publish_plan(db, published)
    plan = ready_plan(db, wanted, NOW)
    disturb(db, chance)
    before = by_engagement(db)

    error = refused(db, plan)
    untouched = error.data["untouched"]
    assert isinstance(untouched, tuple)
    why = touched(error)
    assert not why.keys() & set(untouched)
    records = Records.load(db, "tokyo-2025", LATER, terms=plan.terms)
    part = {id: assignment(id, wanted) for id in untouched}
    assert compose(records, part).left_out == ()
    for id, reason in why.items():
        if reason == "Without its change the rest holds, and costs no more.":
            assert len(before[id]) >= len(assignment(id, wanted).starts)
        elif reason not in OF_ITSELF:
            assert compose(records, part | {id: assignment(id, wanted)}).left_out != ()
    if untouched:
        publish_part(db, plan)
    after = by_engagement(db)
    for id in IDS:
        own = assignment(id, wanted)
        planned = [(own.expert, start) for start in own.starts]
        if id in untouched:
            assert after[id] == planned
        else:
            assert after[id] == before[id]
            assert id in why or planned == before[id] or wanted.get(id) == published.get(id)


def assignment(id: str, wanted: Wanted) -> Assignment:
    expert, starts = wanted.get(id, ("", ()))
    moments = tuple(map(dt.datetime.fromisoformat, starts))
    return Assignment(engagement=id, expert=expert, starts=moments)


def by_engagement(db: Database) -> dict[str, list[tuple[str, dt.datetime]]]:
    found: dict[str, list[tuple[str, dt.datetime]]] = {id: [] for id in IDS}
    for (id, _), each in sorted(standing_sessions(db).items()):
        found[id].append((each.expert_id, wall_time(each.start_at)))
    return found
