from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time, wall_time
from matcher.errors import Conflict, NotFound
from matcher.models import (
    Application,
    ApplicationAbsence,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    HeldSession,
    Hold,
    Pin,
    PinKind,
    PlanTerms,
    Session,
    WeeklyHours,
)
from matcher.planning.stating.planned import sessions_of
from matcher.planning.stating.problem import build_problem, problem_of_move
from matcher.planning.stating.records import EVERYTHING, Records
from matcher.programme import Phase, Specialty
from matcher.sample import load_sample
from solver import Parameters, solve
from solver import problem as problem_1
from solver.problem import Problem
from solver.problem_file import ProblemFile
from tests.matcher import rows
from tests.matcher.planning.plans import plan_file

TOKYO_NOON = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
"""Noon in Tokyo on a Wednesday, three weeks before the first session of these tests."""

HOUR, DAY, WEEK = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(weeks=1)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: only plain queries are sent from here."""
    return sqlite_url


def at(wall_clock: str) -> dt.datetime:
    """A time on Tokyo's walls."""
    return dt.datetime.fromisoformat(wall_clock)


def build(db: Database, now: dt.datetime = TOKYO_NOON, terms: PlanTerms = EVERYTHING) -> Problem:
    return build_problem(db, "tokyo-2025", terms=terms, now=now).problem


def only(*engagement_ids: str) -> PlanTerms:
    """To plan some engagements, everything else fixed."""
    return PlanTerms(only=engagement_ids, frozen_days=0)


def engagement_of(problem: Problem, id: str) -> problem_1.Engagement:
    (found,) = (each for each in problem.engagements if each.id == id)
    return found


def test_hours_and_absences_are_told_by_the_clocks_of_tokyo(db: Database) -> None:
    rows.add_engagements(db, "A1")
    absence = {"start_at": rows.MORNING, "end_at": rows.MORNING + dt.timedelta(minutes=90)}
    db.add(ExpertAbsence(expert_id="E1", **absence))
    db.add(ApplicationAbsence(application_id="A1", **absence))
    db.flush()
    problem = build(db)

    morning = at("2025-10-01T10:00")
    busy = (problem_1.BusyTime(morning, at("2025-10-01T11:30")),)
    (expert,) = problem.experts
    assert expert.open == (problem_1.OpenHours("wed", 9 * 60 + 30, 17 * 60),)
    assert (expert.busy, engagement_of(problem, "A1").busy) == (busy, busy)


def test_hours_that_meet_are_one_stretch_for_expert_and_organization(db: Database) -> None:
    rows.add_engagements(db, "A1")
    meeting = tuple(
        WeeklyHours(weekday="wed", opens=dt.time(opens), closes=dt.time(opens + 3))
        for opens in (12, 9)
    )
    db.get_one(Expert, "E1").weekly_hours = meeting
    db.get_one(Application, "A1").weekly_hours = meeting
    db.flush()
    problem = build(db)

    whole = (problem_1.OpenHours("wed", 9 * 60, 15 * 60),)
    assert (problem.experts[0].open, engagement_of(problem, "A1").open) == (whole, whole)


def test_absences_are_widened_to_whole_minutes(db: Database) -> None:
    rows.add_engagements(db, "A1")
    start = rows.MORNING + dt.timedelta(seconds=30)
    db.add(ExpertAbsence(expert_id="E1", start_at=start, end_at=start + dt.timedelta(minutes=1)))
    db.flush()

    assert build(db).experts[0].busy == (
        problem_1.BusyTime(at("2025-10-01T10:00"), at("2025-10-01T10:02")),
    )


def test_the_calendar_is_that_of_the_programme(db: Database) -> None:
    rows.add_engagements(db, "A1")
    calendar = build(db).calendar

    assert (calendar.first_day, calendar.last_day) == (
        dt.date(2025, 7, 15),
        dt.date(2026, 3, 13),
    )
    assert {dt.date(2025, 9, 15), dt.date(2025, 12, 29), dt.date(2026, 1, 3)} <= set(
        calendar.closed_days
    )


def test_a_new_session_comes_after_today_at_the_earliest(db: Database) -> None:
    rows.add_engagements(db, "A1")

    assert engagement_of(build(db), "A1").earliest == dt.date(2025, 9, 11)


def test_what_is_past_is_pinned_and_what_is_to_come_is_the_current_plan(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1"))
    db.add(rows.session("S2", rows.MORNING + 3 * WEEK, 60, number=2))
    db.flush()
    engagement = engagement_of(build(db, rows.MORNING + WEEK), "A1")

    first, second = at("2025-10-01T10:00"), at("2025-10-22T10:00")
    assert engagement.pinned == (problem_1.Pin(session=1, expert="E1", start=first),)
    assert engagement.current == problem_1.Current(expert="E1", starts=(first, second))
    assert not engagement.reassign


def test_todays_session_stands_although_it_is_still_to_come(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1"))
    db.flush()
    engagement = engagement_of(build(db, rows.MORNING - dt.timedelta(hours=1)), "A1")

    assert [pin.session for pin in engagement.pinned] == [1]
    assert engagement.current is None


def test_cancelled_sessions_leave_no_trace(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1", status="cancelled"))
    db.flush()
    engagement = engagement_of(build(db), "A1")

    assert (engagement.pinned, engagement.current) == ((), None)


@pytest.mark.parametrize("status", ["held", "missed"])
def test_what_became_of_a_session_pins_it(db: Database, status: str) -> None:
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1", status=status))
    db.add(rows.session("S2", rows.MORNING + 3 * WEEK, 60, number=2))
    db.flush()
    engagement = engagement_of(build(db, rows.MORNING + HOUR), "A1")

    assert [pin.session for pin in engagement.pinned] == [1]
    assert engagement.durations == (120, 60)


def test_a_session_that_is_not_wanted_any_more_is_no_part_of_the_current_plan(
    db: Database,
) -> None:
    rows.add_engagements(db, "A1")
    db.get_one(Engagement, "A1").session_minutes = (120,)
    db.add(rows.session("S1"))
    db.add(rows.session("S2", rows.MORNING + 3 * WEEK, 60, number=2))
    db.flush()
    engagement = engagement_of(build(db), "A1")

    assert engagement.current == problem_1.Current(expert="E1", starts=(at("2025-10-01T10:00"),))
    assert engagement_of(build(db, rows.MORNING + DAY), "A1").current is None


@pytest.mark.parametrize("state", ["completed", "withdrawn"])
def test_an_engagement_that_has_ended_is_not_planned_and_binds_its_expert(
    db: Database, state: str
) -> None:
    rows.add_engagements(db, "A1", "A2")
    db.get_one(Engagement, "A1").state = EngagementState(state)
    db.add(rows.session("S1", status="held"))
    db.flush()
    problem = build(db, rows.MORNING + WEEK)

    ended = engagement_of(problem, "A1")
    assert (ended.candidates, len(ended.durations), len(ended.pinned)) == ((), 1, 1)
    with pytest.raises(NotFound):
        build(db, terms=only("A1"))


def test_a_move_leaves_one_session_free_and_everything_else_pinned(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2")
    db.add(rows.session("S1"))
    second = rows.session("S2", rows.MORNING + 3 * WEEK, 60, number=2)
    db.add(second)
    db.add(rows.session("S9", rows.MORNING + 4 * WEEK, 60, engagement_id="A2"))
    db.flush()
    problem = problem_of_move(Records.load(db, "tokyo-2025", TOKYO_NOON), second)

    moved = engagement_of(problem, "A1")
    assert [pin.session for pin in moved.pinned] == [1]
    assert moved.durations == (120, 60)
    assert [each.expert for each in moved.candidates] == ["E1"]
    assert [pin.session for pin in engagement_of(problem, "A2").pinned] == [1]


def test_a_pinned_session_lasts_as_long_as_it_did(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1", minutes=90, status="held"))
    db.flush()

    assert engagement_of(build(db, rows.MORNING + WEEK), "A1").durations == (90, 60)


def test_the_rest_may_go_to_another_expert_once_the_first_is_gone(db: Database) -> None:
    rows.add_engagements(db, "A1", experts=("E1", "E2"))
    db.add(rows.session("S1", status="held"))
    db.get_one(Expert, "E1").active = False
    db.flush()
    engagement = engagement_of(build(db, rows.MORNING + WEEK), "A1")

    assert engagement.reassign
    assert [each.expert for each in engagement.candidates] == ["E2"]


def test_the_rest_may_go_to_another_expert_where_that_was_agreed(db: Database) -> None:
    rows.add_engagements(db, "A1", experts=("E1", "E2"))
    db.add(rows.session("S1", status="held"))
    db.flush()
    assert not engagement_of(build(db, rows.MORNING + WEEK), "A1").reassign
    db.get_one(Engagement, "A1").expert_may_change = True
    assert engagement_of(build(db, rows.MORNING + WEEK), "A1").reassign


def test_engagements_out_of_scope_are_pinned(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2")
    db.add(rows.session("S1"))
    db.flush()
    fixed = engagement_of(build(db, terms=only("A2")), "A1")

    assert [pin.session for pin in fixed.pinned] == [1]
    assert (fixed.candidates, fixed.durations) == ((), (120,))


def test_a_problem_of_one_engagement_knows_only_whom_it_concerns(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2"))
    for id in ("E2",):
        db.get_one(Expert, id).qualifications = ()
    db.add(rows.session("S2", engagement_id="A2", expert_id="E2"))
    db.add(rows.session("S3", engagement_id="A3", expert_id="E1"))
    db.flush()
    problem = build(db, terms=only("A1"))

    assert [each.id for each in problem.experts] == ["E1"]
    assert [each.id for each in problem.engagements] == ["A1", "A3"]


def test_what_is_not_plannable_cannot_be_asked_for(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.get_one(Engagement, "A1").state = "withdrawn"  # type: ignore[assignment]
    db.flush()

    with pytest.raises(NotFound, match="engagement 'A1'"):
        build(db, terms=only("A1"))


def add_course(db: Database) -> None:
    """Sessions of A1 on two Wednesdays three weeks apart, which E2 could have given too."""
    rows.add_engagements(db, "A1", experts=("E1", "E2"))
    db.add(rows.session("S1"))
    db.add(rows.session("S2", rows.MORNING + 3 * WEEK, 60, number=2))
    db.flush()


def pinned(db: Database, terms: PlanTerms = EVERYTHING, now: dt.datetime = TOKYO_NOON) -> list[int]:
    """The numbers of the sessions of A1 that a run under these terms leaves as they are."""
    return [pin.session for pin in engagement_of(build(db, now, terms), "A1").pinned]


def add_pin(db: Database, kind: PinKind, **what: object) -> Pin:
    pin = Pin(
        programme_id="tokyo-2025",
        kind=kind,
        engagement_id="A1",
        created_at=TOKYO_NOON,
        created_by="planner",
        **what,
    )
    db.add(pin)
    db.flush()
    return pin


def add_hold(db: Database, until: dt.datetime = TOKYO_NOON + DAY) -> Hold:
    """The first times of A1, with E1, until tomorrow."""
    hold = Hold(
        programme_id="tokyo-2025",
        engagement_id="A1",
        expert_id="E1",
        sessions=(HeldSession(1, rows.MORNING, rows.MORNING + 2 * HOUR),),
        held_until=until,
        created_at=TOKYO_NOON,
        created_by="staff",
    )
    db.add(hold)
    db.flush()
    return hold


@pytest.mark.parametrize(
    ("days", "standing"), [(0, []), (6, []), (7, [1]), (27, [1]), (28, [1, 2])]
)
def test_sessions_of_the_next_days_are_frozen(db: Database, days: int, standing: list[int]) -> None:
    """The first is a week after this day, the second four."""
    add_course(db)
    a_week_before = rows.MORNING - WEEK

    assert pinned(db, PlanTerms(frozen_days=days), a_week_before) == standing


def test_unless_told_otherwise_three_days_are_frozen(db: Database) -> None:
    add_course(db)

    assert pinned(db, PlanTerms(), rows.MORNING - 3 * DAY) == [1]
    assert pinned(db, PlanTerms(), rows.MORNING - 4 * DAY) == []


@pytest.mark.parametrize("away", ["expert", "organization"])
def test_a_frozen_session_that_cannot_take_place_is_not_frozen(db: Database, away: str) -> None:
    add_course(db)
    times = {"start_at": rows.MORNING, "end_at": rows.MORNING + HOUR}
    if away == "expert":
        db.add(ExpertAbsence(expert_id="E1", **times))
    else:
        db.add(ApplicationAbsence(application_id="A1", **times))
    db.flush()

    assert pinned(db, PlanTerms(frozen_days=7), rows.MORNING - WEEK) == []


def test_a_frozen_session_of_an_expert_who_is_gone_is_not_frozen(db: Database) -> None:
    add_course(db)
    db.get_one(Expert, "E1").active = False
    db.flush()

    assert pinned(db, PlanTerms(frozen_days=60)) == []


def test_nothing_is_placed_or_changed_after_the_last_day_of_the_terms(db: Database) -> None:
    add_course(db)
    day = dt.date(2025, 10, 21)
    terms = PlanTerms(frozen_days=0, until=day)

    assert pinned(db, terms) == [2]
    assert engagement_of(build(db, terms=terms), "A1").latest == day
    assert engagement_of(build(db), "A1").latest == dt.date(2026, 3, 13)


def test_only_who_needs_a_specialty_is_planned_where_the_terms_name_some(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2", "A3")
    needs = {"A1": {Specialty.LABOR: 3}, "A2": {Specialty.SME: 2}, "A3": {Specialty.HR: 1}}
    for id, each in needs.items():
        db.get_one(Application, id).needs = each
    db.flush()

    def planned(*specialties: Specialty, only: tuple[str, ...] | None = None) -> list[str]:
        terms = PlanTerms(specialties=specialties or None, only=only)
        return [
            each.id for each in Records.load(db, "tokyo-2025", TOKYO_NOON, terms=terms).in_scope()
        ]

    assert planned() == ["A1", "A2", "A3"]
    assert planned(Specialty.LABOR) == ["A1"]
    assert planned(Specialty.LABOR, Specialty.SME) == ["A1", "A2"]
    assert planned(Specialty.LABOR, only=("A1", "A2")) == ["A1"]


def test_a_session_that_is_pinned_stands_and_the_others_may_move(db: Database) -> None:
    add_course(db)
    pin = add_pin(db, PinKind.SESSION, session_id="S2")
    assert pinned(db) == [2]

    pin.lifted_at, pin.lifted_by = TOKYO_NOON, "planner"
    db.flush()
    assert pinned(db) == []


def test_an_expert_who_is_pinned_is_the_only_candidate_and_the_times_may_move(db: Database) -> None:
    add_course(db)
    assert len(engagement_of(build(db), "A1").candidates) == 2
    add_pin(db, PinKind.EXPERT, expert_id="E2")

    asked = engagement_of(build(db, terms=PlanTerms(frozen_days=60)), "A1")
    assert [each.expert for each in asked.candidates] == ["E2"]
    assert asked.pinned == (), "what E1 would give is not frozen against the pin"


def test_a_schedule_that_is_pinned_stands_and_more_sessions_may_come(db: Database) -> None:
    add_course(db)
    db.get_one(Engagement, "A1").session_minutes = (120, 60, 60)
    add_pin(db, PinKind.SCHEDULE)

    asked = engagement_of(build(db), "A1")
    assert [each.session for each in asked.pinned] == [1, 2]
    assert asked.durations == (120, 60, 60)


def test_what_is_on_hold_is_out_of_scope_and_its_times_are_taken_in_every_other_problem(
    db: Database,
) -> None:
    rows.add_engagements(db, "A1", "A2")
    add_hold(db)
    held = engagement_of(build(db), "A1")

    assert held.candidates == ()
    assert held.pinned == (problem_1.Pin(session=1, expert="E1", start=at("2025-10-01T10:00")),)
    assert engagement_of(build(db, terms=only("A2")), "A1") == held


def test_what_is_on_hold_cannot_be_asked_for_until_the_hold_ends(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2")
    hold = add_hold(db)
    with pytest.raises(Conflict) as refused:
        build(db, terms=only("A1"))
    assert (refused.value.code, refused.value.data["hold"]) == ("on_hold", hold.id)

    (free,) = build(db, TOKYO_NOON + DAY, only("A1")).engagements
    assert (free.id, free.pinned) == ("A1", ())


def test_the_weights_are_the_programmes_unless_the_terms_have_their_own(db: Database) -> None:
    rows.add_engagements(db, "A1")
    usual = Records.load(db, "tokyo-2025", TOKYO_NOON).rules.weights
    own = usual.model_copy(update={"move": usual.move + 1})

    assert build(db).weights == usual
    assert build(db, terms=PlanTerms(weights=own)).weights == own


def test_when_its_days_are_over_an_engagement_has_no_candidates(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.get_one(Engagement, "A1").latest = dt.date(2025, 9, 10)
    db.flush()
    engagement = engagement_of(build(db), "A1")

    assert (engagement.earliest, engagement.latest) == (
        dt.date(2025, 9, 10),
        dt.date(2025, 9, 10),
    )
    assert engagement.candidates == ()


def test_an_expert_with_fewer_sessions_agreed_than_stand_gets_no_more(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2")
    db.add(rows.session("S1", status="held"))
    db.get_one(Expert, "E1").max_total = 0
    db.flush()

    assert build(db, rows.MORNING + WEEK).experts[0].max_total == 1


def test_caps_below_what_stands_are_lifted_to_it_and_others_stay(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2"))
    days = {"A1": rows.MORNING, "A2": rows.MORNING + 4 * HOUR, "A3": rows.MORNING + 2 * DAY}
    for id, start_at in days.items():
        db.add(rows.session(f"S-{id}", start_at, engagement_id=id, status="held"))
    expert = db.get_one(Expert, "E1")
    expert.max_per_day, expert.max_per_week, expert.max_total = 1, 1, 1
    db.flush()
    file = build_problem(db, "tokyo-2025", now=rows.MORNING + WEEK)
    lowered, other = file.problem.experts

    assert (lowered.max_per_day, lowered.max_per_week, lowered.max_total) == (2, 3, 3)
    assert (other.max_per_day, other.max_per_week, other.max_total) == (2, 4, 30)
    assert solve(file, Parameters(time_limit_seconds=5)).status != "infeasible_pins"


def test_nobody_travels_between_an_island_and_elsewhere(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
    db.get_one(Expert, "E2").municipality_code = "13361"
    db.get_one(Engagement, "A2").municipality_code = None
    db.flush()
    problem = build(db)

    travel = problem.travel_minutes
    minutes = dict(zip(travel.places, travel.minutes, strict=True))["13361"]
    assert min(minutes) == 24 * 60
    candidates = {each.id: [one.expert for one in each.candidates] for each in problem.engagements}
    assert candidates == {"A1": ["E1"], "A2": ["E1", "E2"]}


def test_travel_is_told_for_all_municipalities_in_use(db: Database) -> None:
    rows.add_engagements(db, "A1")
    travel = build(db).travel_minutes

    assert travel.places == ("13101", "13104")
    assert travel.minutes == ((25, 35), (35, 25))


def test_a_plan_becomes_sessions_and_the_sessions_the_same_plan(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2")
    starts = {"A1": ("2025-10-01T10:00", "2025-10-22T09:30"), "A2": ("2025-11-05T13:00",)}
    file = build_problem(db, "tokyo-2025", now=TOKYO_NOON)
    plan = plan_file(file, {id: ("E1", times) for id, times in starts.items()})
    records = Records.load(db, "tokyo-2025", TOKYO_NOON)
    planned = sessions_of(plan, file.problem, records.engagements, records.rules)
    for each in planned:
        db.add(Session(**vars(each), created_at=TOKYO_NOON, revised_at=TOKYO_NOON))
    db.commit()

    current = {each.id: each.current for each in build(db).engagements}
    assert current == {
        each.engagement: problem_1.Current(expert=each.expert, starts=each.starts)
        for each in plan.assignments
    }


def test_planned_sessions_say_what_when_and_where(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.get_one(Engagement, "A1").meeting_url = "https://meet.example/a1"
    file = build_problem(db, "tokyo-2025", now=TOKYO_NOON)
    plan = plan_file(file, {"A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00"))})
    records = Records.load(db, "tokyo-2025", TOKYO_NOON)
    first, second = sessions_of(plan, file.problem, records.engagements, records.rules)

    assert (first.start_at, first.end_at) == (
        dt.datetime(2025, 10, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2025, 10, 1, 3, tzinfo=dt.UTC),
    )
    assert [first.phase, second.phase] == [Phase.ACTION_PLAN, Phase.FINALIZATION]
    assert (first.place_ja, first.meeting_url) == ("東京都千代田区架空町1-1", None)


def test_an_online_session_has_a_link_instead_of_a_place(db: Database) -> None:
    rows.add_engagements(db, "A1")
    engagement = db.get_one(Engagement, "A1")
    engagement.municipality_code, engagement.meeting_url = None, "https://meet.example/a1"
    db.flush()
    file = build_problem(db, "tokyo-2025", now=TOKYO_NOON)
    plan = plan_file(file, {"A1": ("E1", ("2025-10-01T10:00",))})
    records = Records.load(db, "tokyo-2025", TOKYO_NOON)
    (session,) = sessions_of(plan, file.problem, records.engagements, records.rules)

    assert (session.place_ja, session.place_en) == ("オンライン", "Online")
    assert (session.municipality_code, session.meeting_url) == (None, "https://meet.example/a1")


def test_pinned_sessions_are_not_planned_again(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.add(rows.session("S1", status="held"))
    db.flush()
    now = rows.MORNING + WEEK
    file = build_problem(db, "tokyo-2025", now=now)
    plan = plan_file(file, {"A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00"))})
    records = Records.load(db, "tokyo-2025", now)

    planned = sessions_of(plan, file.problem, records.engagements, records.rules)
    assert [each.number for each in planned] == [2]


def test_the_sample_is_a_valid_problem_and_always_the_same(db: Database) -> None:
    load_sample(db)
    now = dt.datetime(2025, 7, 10, tzinfo=dt.UTC)
    file = build_problem(db, "tokyo-2025", now=now)
    later_that_day = build_problem(db, "tokyo-2025", now=now + dt.timedelta(hours=8))

    assert ProblemFile.from_bytes(file.json).problem == file.problem
    assert file.json == later_that_day.json
    assert len(file.problem.engagements) == 57
    assert all(len(each.candidates) >= 3 for each in file.problem.engagements)


def test_building_takes_as_many_queries_for_one_engagement_as_for_five(db: Database) -> None:
    rows.add_engagements(db, "A1")
    db.commit()
    few = _statements(db)
    db.add_all(rows.application(f"B{number}") for number in range(4))
    db.flush()
    db.add_all(rows.engagement(f"B{number}") for number in range(4))
    db.commit()

    assert _statements(db) == few


def _statements(db: Database) -> int:
    seen: list[str] = []
    db.expunge_all()
    engine = db.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    build(db)
    return len(seen)


def test_wall_clock_and_utc_are_each_others_inverse() -> None:
    wall = at("2025-12-31T23:30")

    assert wall_time(from_wall_time(wall)) == wall


@pytest.mark.parametrize("moved", ["the engagement", "the expert"])
def test_what_took_place_keeps_nobody_from_planning_wherever_anybody_has_moved_since(
    db: Database, moved: str
) -> None:
    """Two sessions of one day, without the time to travel between where their places are now."""
    rows.add_engagements(db, "A1", "A2", "A3")
    held = "held"
    first = rows.session("S1", status=held, engagement_id="A1")
    second = rows.session("S2", rows.MORNING + 2 * HOUR, status=held, engagement_id="A2")
    for session, engagement_id in ((first, "A1"), (second, "A2")):
        online = moved == "the engagement" or engagement_id == "A1"
        session.municipality_code = None if online else "13101"
        db.get_one(Engagement, engagement_id).municipality_code = session.municipality_code
    db.add_all([first, second])
    if moved == "the engagement":
        db.get_one(Engagement, "A1").municipality_code = "13201"
    else:
        db.get_one(Expert, "E1").municipality_code = "13201"
    db.flush()
    problem = build_problem(db, "tokyo-2025", now=rows.MORNING + DAY)

    plan = solve(problem, Parameters(time_limit_seconds=None, work_limit=50))
    assert plan.status != "infeasible_pins", plan.conflicts
    assert {each.engagement for each in plan.assignments} == {"A1", "A2", "A3"}
    travel = problem.problem.travel_minutes
    home = travel.places.index(problem.problem.experts[0].place)
    site = travel.places.index("13101")
    assert travel.minutes[home][site] > 0, "what is not over is travelled to as ever"
