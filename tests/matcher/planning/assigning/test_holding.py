from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.clock import from_wall_time, wall_time
from matcher.database import session_factory
from matcher.delivery.engagements import (
    CompletionDraft,
    EngagementChanges,
    complete,
    revise_engagement,
)
from matcher.delivery.moving import SessionMove, move_session
from matcher.delivery.reports import report_session
from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict, Invalid, NotFound, PlanOutdated
from matcher.intake.applications import withdraw
from matcher.models import (
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Hold,
    Party,
    Pin,
    PinKind,
    Release,
    Session,
)
from matcher.planning.assigning.assignment import list_candidates, propose, publish_proposal
from matcher.planning.assigning.holding import (
    HoldDraft,
    HoldState,
    assign_hold,
    hold_times,
    in_state,
    release_hold,
    state_of,
)
from matcher.planning.assigning.offers import make_offers
from matcher.planning.publishing.releases import publish
from matcher.planning.stating.problem import build_problem
from solver import Parameters, solve
from tests.matcher import rows
from tests.matcher.delivery.test_reports import HELD
from tests.matcher.planning.plans import ready_plan, standing_sessions

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
TIMES = ("2025-09-24T10:00", "2025-10-15T10:00")


def at(wall_clock: str) -> dt.datetime:
    """A time on Tokyo's walls."""
    return from_wall_time(dt.datetime.fromisoformat(wall_clock))


def draft(*starts: str, expert_id: str = "E1", hours: int = 48) -> HoldDraft:
    return HoldDraft(expert_id=expert_id, starts=tuple(map(at, starts or TIMES)), hours=hours)


def hold(db: Database, engagement_id: str = "A1", *starts: str, **changes: int | str) -> Hold:
    kept = hold_times(db, engagement_id, draft(*starts, **changes), "staff", NOW)  # type: ignore[arg-type]
    db.commit()
    return kept


@pytest.fixture
def office(db: Database) -> Database:
    """Two engagements that wait, and one expert who is there on Wednesdays."""
    rows.add_engagements(db, "A1", "A2")
    db.commit()
    return db


def clashes(db: Database, expert_id: str = "E1") -> bool:
    """Whether what is held of an expert lies on one of the sessions that are published."""
    held = [own for each in db.scalars(select(Hold)) for own in each.sessions]
    sessions = [each for each in standing_sessions(db).values() if each.expert_id == expert_id]
    return any(a.start_at < b.end_at and b.start_at < a.end_at for a in held for b in sessions)


def refused(action: Callable[[], object], db: Database) -> Conflict:
    with pytest.raises(Conflict) as error:
        action()
    db.rollback()
    return error.value


def test_an_offer_is_held_as_it_was_made(office: Database) -> None:
    offer = make_offers(office, "A1", NOW).offers[0].proposal
    starts = tuple(each.start_at for each in offer.sessions)
    wanted = HoldDraft(expert_id=offer.match.expert_id, starts=starts)
    kept = hold_times(office, "A1", wanted, "staff", NOW)
    office.commit()
    office.expire_all()

    assert kept.expert_id == offer.match.expert_id
    assert [(own.number, own.start_at, own.end_at) for own in kept.sessions] == [
        (each.number, each.start_at, each.end_at) for each in offer.sessions
    ]
    assert (kept.created_by, kept.held_until) == ("staff", NOW + 48 * HOUR)


def test_nothing_is_published_by_a_hold(office: Database) -> None:
    hold(office)

    assert office.scalars(select(Session)).all() == []
    assert office.scalars(select(Release)).all() == []
    assert office.get_one(Engagement, "A1").state == EngagementState.WAITING


def test_a_hold_ends_by_itself_when_its_time_is_over(office: Database) -> None:
    kept = hold(office, hours=5)
    just_before = NOW + 5 * HOUR - dt.timedelta(seconds=1)

    assert state_of(kept, just_before) == HoldState.HOLDING
    assert state_of(kept, NOW + 5 * HOUR) == HoldState.EXPIRED
    with pytest.raises(Conflict):
        hold_times(office, "A2", draft(), "staff", just_before)
    office.rollback()
    hold_times(office, "A2", draft(), "staff", NOW + 5 * HOUR)


def test_no_hold_outlasts_the_eve_of_its_first_session(office: Database) -> None:
    kept = hold(office, "A1", "2025-09-17T10:00", hours=14 * 24)

    assert kept.held_until == at("2025-09-17T00:00")


def test_holds_are_found_by_their_state(office: Database) -> None:
    kept = hold(office)
    other = hold(office, "A2", "2025-09-24T14:00")
    release_hold(office, other.id, "staff", NOW)

    def found(state: HoldState, now: dt.datetime) -> list[str]:
        return list(office.scalars(select(Hold.id).where(in_state(state, now))))

    assert found(HoldState.HOLDING, NOW) == [kept.id]
    assert found(HoldState.RELEASED, NOW) == [other.id]
    assert found(HoldState.EXPIRED, NOW + 3 * DAY) == [kept.id]
    assert found(HoldState.ASSIGNED, NOW) == []


def in_the_way(error: Conflict) -> list[str]:
    told = error.data["in_the_way"]
    assert isinstance(told, tuple)
    assert all(each["ja"] for each in told)
    return [each["en"] for each in told]


def test_times_that_break_a_rule_are_not_held_and_it_is_said_which(office: Database) -> None:
    off_hours = refused(lambda: hold(office, "A1", "2025-09-25T10:00"), office)
    too_near = refused(lambda: hold(office, "A1", TIMES[0], "2025-10-01T10:00"), office)

    assert off_hours.code == "offer_gone"
    assert "the expert's weekly hours" in in_the_way(off_hours)
    assert in_the_way(too_near) == ["14 to 35 days between sessions"]
    assert too_near.message_ja == (
        "この日程は現在確保できません。支障となる条件: "
        "派遣の間隔を14日以上35日以内とすること。割当案を取り直してください。"
    )


@pytest.mark.parametrize(
    "starts",
    [("2025-09-24T10:00:30",), tuple(reversed(TIMES)), (*TIMES, "2025-11-05T10:00")],
    ids=["no whole minute", "not in order", "more than wanted"],
)
def test_starts_that_no_offer_has_are_invalid(office: Database, starts: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as error:
        hold(office, "A1", *starts)

    assert error.value.field == "starts"


def test_an_expert_who_may_not_serve_or_is_not_there_is_not_held(office: Database) -> None:
    office.get_one(Expert, "E1").active = False
    office.add(rows.expert("E2"))
    office.commit()

    assert refused(lambda: hold(office), office).code == "expert_unsuitable"
    with pytest.raises(NotFound):
        hold(office, "A1", expert_id="E9")
    with pytest.raises(NotFound):
        hold(office, "A9")


def test_an_engagement_has_one_hold_at_a_time(office: Database) -> None:
    first = hold(office)
    error = refused(lambda: hold(office, "A1", "2025-09-24T14:00"), office)

    assert (error.code, error.data["hold"]) == ("on_hold", first.id)
    release_hold(office, first.id, "staff", NOW)
    hold(office, "A1", "2025-09-24T14:00")


def test_times_that_are_held_are_held_for_nobody_else(office: Database) -> None:
    hold(office)
    error = refused(lambda: hold(office, "A2", "2025-09-24T11:00"), office)

    assert error.code == "offer_gone"
    assert in_the_way(error) == ["the expert's other sessions"]


def test_what_was_taken_since_the_offer_was_made_is_not_held(office: Database) -> None:
    offer = make_offers(office, "A2", NOW).offers[0].proposal
    publish_proposal(office, propose(office, "A1", NOW), "staff", NOW)
    office.commit()
    starts = tuple(each.start_at for each in offer.sessions)
    wanted = HoldDraft(expert_id="E1", starts=starts)

    assert refused(lambda: hold_times(office, "A2", wanted, "s", NOW), office).code == "offer_gone"


def test_a_hold_becomes_exactly_its_sessions_as_a_release_of_its_own(office: Database) -> None:
    kept = hold(office)
    proposal, release = assign_hold(office, kept.id, "staff", NOW + HOUR)
    office.commit()
    sessions = standing_sessions(office)

    assert [each.start_at for each in sessions.values()] == list(map(at, TIMES))
    assert {each.expert_id for each in sessions.values()} == {"E1"}
    assert (release.number, release.published_by) == (1, "staff")
    assert release.note == (
        "A1: assigned as held since 2025-09-10 12:00, everything else as it was"
    )
    assert proposal.bound <= proposal.cost.total
    assert state_of(kept, NOW + HOUR) == HoldState.ASSIGNED
    assert office.get_one(Engagement, "A1").state == EngagementState.PLANNED


def test_a_hold_that_ran_out_is_not_assigned_and_it_is_said_what_helps(office: Database) -> None:
    kept = hold(office, hours=1)
    error = refused(lambda: assign_hold(office, kept.id, "staff", NOW + HOUR), office)

    assert (error.code, error.data["state"]) == ("hold_ended", HoldState.EXPIRED)
    assert "Ask for offers for A1 again." in error.message_en
    assert standing_sessions(office) == {}


def test_a_hold_is_assigned_or_released_once(office: Database) -> None:
    kept, other = hold(office), hold(office, "A2", "2025-09-24T14:00")
    assign_hold(office, kept.id, "staff", NOW)
    release_hold(office, other.id, "staff", NOW)
    office.commit()

    for action in (assign_hold, release_hold):
        for each in (kept, other):
            error = refused(lambda a=action, e=each: a(office, e.id, "staff", NOW), office)  # type: ignore[misc]
            assert error.code == "hold_ended"
    with pytest.raises(NotFound):
        release_hold(office, "H9", "staff", NOW)


def test_released_times_are_free_at_once(office: Database) -> None:
    kept = hold(office)
    release_hold(office, kept.id, "staff", NOW)
    office.commit()

    assert hold(office, "A2").sessions == kept.sessions


def test_an_expert_who_is_away_by_now_keeps_a_hold_from_being_assigned(office: Database) -> None:
    kept = hold(office)
    office.add(ExpertAbsence(expert_id="E1", start_at=at(TIMES[1]), end_at=at(TIMES[1]) + DAY))
    office.commit()
    error = refused(lambda: assign_hold(office, kept.id, "staff", NOW), office)

    assert error.code == "offer_gone"
    assert in_the_way(error) == ["the times at which the expert is busy"]
    assert state_of(office.get_one(Hold, kept.id), NOW) == HoldState.HOLDING


def test_held_sessions_outlast_whatever_else_is_published(office: Database) -> None:
    kept = hold(office)
    publish_proposal(office, propose(office, "A2", NOW), "staff", NOW)
    office.commit()
    assert not clashes(office)
    assign_hold(office, kept.id, "staff", NOW + HOUR)
    office.commit()

    assert len(standing_sessions(office)) == 4


def test_an_assignment_of_another_engagement_keeps_clear_of_a_hold(office: Database) -> None:
    free = propose(office, "A2", NOW)
    starts = [each.start_at for each in free.sessions]
    hold(office, "A1", *(f"{wall_time(each):%Y-%m-%dT%H:%M}" for each in starts))
    proposal = propose(office, "A2", NOW)

    assert set(starts).isdisjoint(each.start_at for each in proposal.sessions)


def test_a_batch_run_keeps_clear_of_a_hold_and_leaves_its_engagement_alone(
    office: Database,
) -> None:
    kept = hold(office)
    file = build_problem(office, "tokyo-2025", now=NOW)
    held = next(each for each in file.problem.engagements if each.id == "A1")
    plan = solve(file, Parameters(time_limit_seconds=None, work_limit=1))

    assert [pin.start for pin in held.pinned] == [wall_time(own.start_at) for own in kept.sessions]
    assert held.candidates == ()
    (other,) = (each for each in plan.assignments if each.engagement == "A2")
    times = [(at(f"{each:%Y-%m-%dT%H:%M}"), each) for each in other.starts]
    assert len(times) == 2
    for start, _ in times:
        assert all(start + 2 * HOUR <= own.start_at or own.end_at <= start for own in kept.sessions)


def test_a_session_is_not_moved_onto_a_hold(office: Database) -> None:
    publish_proposal(office, propose(office, "A2", NOW), "staff", NOW)
    hold(office, "A1", "2025-10-01T10:00")
    session = standing_sessions(office)["A2", 1]
    move = SessionMove(start_at=at("2025-10-01T11:00"))
    error = refused(lambda: move_session(office, session.id, move, "staff", NOW), office)

    assert "overlap" in error.data["rules"]  # type: ignore[operator]


def test_held_sessions_count_toward_what_an_expert_takes_in_all(office: Database) -> None:
    office.get_one(Expert, "E1").max_total = 2
    office.commit()
    hold(office)
    found = list_candidates(office, "A2", NOW)

    assert [each.code for each in found.excluded] == ["fully_booked"]


@pytest.mark.parametrize(
    ("only", "moved"),
    [(None, ("engagement:A1",)), (("A2",), ("expert:E1",))],
    ids=["of all", "of the other engagement"],
)
def test_a_plan_made_before_a_hold_is_outdated_by_it(
    office: Database, only: tuple[str, ...] | None, moved: tuple[str, ...]
) -> None:
    plan = ready_plan(office, {"A2": ("E1", TIMES)}, NOW, only=only)
    hold(office)
    with pytest.raises(PlanOutdated) as error:
        publish(office, plan.id, "", "planner", NOW + HOUR)

    assert error.value.moved == moved
    office.rollback()
    assert standing_sessions(office) == {}


def test_a_plan_is_not_outdated_by_a_hold_that_was_there(office: Database) -> None:
    hold(office)
    own = ("E1", ("2025-09-17T10:00", "2025-10-08T10:00"))
    plan = ready_plan(office, {"A1": ("E1", TIMES), "A2": own}, NOW, only=("A2",))
    publish(office, plan.id, "", "planner", NOW)

    assert len(standing_sessions(office)) == 2


def test_a_plan_made_since_leaves_the_engagement_on_hold_as_it_is(office: Database) -> None:
    kept = hold(office)
    plan = ready_plan(
        office,
        {
            "A1": ("E1", TIMES),
            "A2": ("E1", ("2025-09-17T10:00", "2025-10-08T10:00")),
        },
        NOW,
    )
    publish(office, plan.id, "", "planner", NOW)
    office.commit()

    assert {key[0] for key in standing_sessions(office)} == {"A2"}
    assert office.get_one(Engagement, "A1").state == EngagementState.WAITING
    assign_hold(office, kept.id, "staff", NOW + HOUR)


@pytest.fixture
def begun(office: Database) -> Database:
    """A1 has its first session; times for the second are on hold."""
    plan = ready_plan(office, {"A1": ("E1", TIMES[:1])}, NOW, only=("A1",))
    publish(office, plan.id, "", "planner", NOW)
    office.commit()
    hold(office, "A1", TIMES[1])
    return office


def test_further_sessions_are_held_and_assigned_after_those_there_are(begun: Database) -> None:
    (kept,) = begun.scalars(select(Hold))
    before = standing_sessions(begun)["A1", 1].version
    assert [own.number for own in kept.sessions] == [2]
    assign_hold(begun, kept.id, "staff", NOW)
    begun.commit()
    sessions = standing_sessions(begun)

    assert [each.start_at for each in sessions.values()] == list(map(at, TIMES))
    assert sessions["A1", 1].version == before


def test_an_engagement_on_hold_is_not_assigned_otherwise_nor_offered_revised_or_moved(
    begun: Database,
) -> None:
    session = standing_sessions(begun)["A1", 1]
    engagement = begun.get_one(Engagement, "A1")
    move = SessionMove(start_at=at("2025-09-24T14:00"))
    actions: list[Callable[[], object]] = [
        lambda: propose(begun, "A1", NOW),
        lambda: make_offers(begun, "A1", NOW),
        lambda: revise_engagement(begun, engagement, EngagementChanges(max_gap_days=50), NOW),
        lambda: move_session(begun, session.id, move, "staff", NOW),
    ]
    for action in actions:
        error = refused(action, begun)
        assert error.code == "on_hold"
        assert "Assign or release them first." in error.message_en
    revise_engagement(begun, engagement, EngagementChanges(max_gap_days=50), NOW + 3 * DAY)


def test_times_on_hold_are_never_published_longer_than_they_were_offered(begun: Database) -> None:
    """When session 1 is called off, what was held as session 2 would be 1, which is longer."""
    (kept,) = begun.scalars(select(Hold))
    session = standing_sessions(begun)["A1", 1]
    cancel_session(begun, session.id, LapseDraft(party=Party.EXPERT, reason="急病"), "staff", NOW)
    begun.commit()

    error = refused(lambda: assign_hold(begun, kept.id, "staff", NOW), begun)
    assert error.code == "offer_gone"
    assert standing_sessions(begun) == {}
    assert state_of(begun.get_one(Hold, kept.id), NOW) == HoldState.HOLDING


def test_a_withdrawal_ends_holds_and_pins(begun: Database) -> None:
    begun.add(
        Pin(
            programme_id="tokyo-2025",
            kind=PinKind.SCHEDULE,
            engagement_id="A1",
            reason="約束済み",
            created_at=NOW,
            created_by="planner",
        )
    )
    begun.commit()
    withdraw(begun, "A1", "staff", NOW + HOUR, reason="体制の変更")
    begun.commit()
    (kept,) = begun.scalars(select(Hold))
    (pin,) = begun.scalars(select(Pin))

    assert (state_of(kept, NOW), kept.ended_by) == (HoldState.RELEASED, "staff")
    assert (pin.lifted_at, pin.lifted_by) == (NOW + HOUR, "staff")
    assert begun.get_one(Engagement, "A1").state == EngagementState.WITHDRAWN


def test_a_completion_ends_holds(begun: Database) -> None:
    afterwards = at("2025-09-25T10:00")
    hold_times(begun, "A1", draft(TIMES[1]), "staff", afterwards)
    report_session(begun, standing_sessions(begun)["A1", 1].id, HELD, "E1", afterwards)
    end = CompletionDraft(rollout="配布する", revision="年に一度", early_reason="十分なため")
    complete(begun, "A1", end, "staff", afterwards)
    begun.commit()
    kept = begun.scalars(select(Hold).order_by(Hold.created_at.desc())).first()

    assert kept is not None
    assert state_of(kept, afterwards) == HoldState.RELEASED


def test_an_expert_who_is_pinned_is_the_only_one_to_be_held(office: Database) -> None:
    office.add(rows.expert("E2"))
    office.add(
        Pin(
            programme_id="tokyo-2025",
            kind=PinKind.EXPERT,
            engagement_id="A1",
            expert_id="E2",
            reason="団体の希望",
            created_at=NOW,
            created_by="planner",
        )
    )
    office.commit()

    assert refused(lambda: hold(office), office).code == "pinned"
    assert {e.proposal.match.expert_id for e in make_offers(office, "A1", NOW).offers} == {"E2"}


@pytest.fixture
def others(engine: Engine) -> sessionmaker[Database]:
    """Further sessions of the same database, as other requests have them."""
    return session_factory(engine)


def at_once(actions: list[Callable[[], str]]) -> list[str]:
    """Do things at the same moment; gives what became of each."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], str]) -> str:
        gate.wait()
        try:
            return action()
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_who_want_the_same_time_at_once_one_gets_it(
    office: Database, others: sessionmaker[Database], attempt: int
) -> None:
    def want(engagement_id: str) -> str:
        with others.begin() as db:
            hold_times(db, engagement_id, draft(), f"staff {attempt}", NOW)
            return "held"

    ends = at_once([lambda: want("A1"), lambda: want("A2")])

    assert sorted(ends) == ["held", "offer_gone"]
    assert len(office.scalars(select(Hold)).all()) == 1


def test_of_a_hold_and_an_assignment_for_the_same_time_at_once_one_gets_it(
    office: Database, others: sessionmaker[Database]
) -> None:
    proposal = propose(office, "A2", NOW)
    starts = tuple(each.start_at for each in proposal.sessions)
    office.commit()

    def take() -> str:
        with others.begin() as db:
            publish_proposal(db, proposal, "staff", NOW)
            return "published"

    def keep() -> str:
        with others.begin() as db:
            hold_times(db, "A1", HoldDraft(expert_id="E1", starts=starts), "staff", NOW)
            return "held"

    assert sorted(at_once([take, keep])) in (["offer_gone", "published"], ["held", "plan_outdated"])
    assert not clashes(office)


def test_of_an_assignment_and_a_release_of_one_hold_at_once_one_happens(
    office: Database, others: sessionmaker[Database]
) -> None:
    kept = hold(office)

    def assign() -> str:
        with others.begin() as db:
            assign_hold(db, kept.id, "staff", NOW)
            return "assigned"

    def release() -> str:
        with others.begin() as db:
            release_hold(db, kept.id, "staff", NOW)
            return "released"

    ends = at_once([assign, release])
    assert sorted(ends) in (["assigned", "hold_ended"], ["hold_ended", "released"])
    assert bool(standing_sessions(office)) == ("assigned" in ends)


def test_a_withdrawal_and_an_assignment_of_its_hold_at_once_wait_for_each_other(
    office: Database, others: sessionmaker[Database]
) -> None:
    kept = hold(office)

    def assign() -> str:
        with others.begin() as db:
            assign_hold(db, kept.id, "staff", NOW)
            return "assigned"

    def take_back() -> str:
        with others.begin() as db:
            withdraw(db, "A1", "staff", NOW, reason="体制の変更")
            return "withdrawn"

    ends = at_once([assign, take_back])
    assert "withdrawn" in ends
    assert standing_sessions(office) == {}
