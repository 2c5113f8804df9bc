from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time, wall_time
from matcher.delivery.sessions import LapseDraft, cancel_session
from matcher.errors import Conflict, NotFound, NotServable
from matcher.models import (
    Application,
    ConflictOfInterest,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    Hold,
    Party,
    Release,
    Session,
    WeeklyHours,
)
from matcher.planning.assigning.assignment import propose
from matcher.planning.assigning.offers import Head, Offer, Offers, alternatives, make_offers
from matcher.planning.publishing.releases import publish
from matcher.planning.stating.records import Records
from matcher.sample import load_sample
from solver.standing import StandingPlan
from solver.validation import judge
from tests.matcher import rows
from tests.matcher.planning.plans import ready_plan, standing_sessions
from tests.solver.brute_force import _choices as choices
from tests.solver.brute_force import brute_force
from tests.solver.builders import Record, encode, file, pin
from tests.solver.random_problems import random_problem

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
CASES = 30
FAR, NEAR = "13209", "13101"
"""Machida, and Chiyoda, where the organization is."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: only plain queries are sent from here."""
    return sqlite_url


@pytest.fixture
def three(db: Database) -> Database:
    """An engagement, and three experts of whom each is the first in something.

    E1 knows the industry, E2 is there from the first week on, E3 lives next door.
    """
    rows.add_engagements(db, "A1", experts=("E1", "E2", "E3"))
    known, soon, near = (db.get_one(Expert, id) for id in ("E1", "E2", "E3"))
    known.industries = ("lodging",)
    for each, municipality in ((known, FAR), (soon, FAR), (near, NEAR)):
        each.municipality_code = municipality
    for each in (known, near):
        db.add(absence(each.id, "2025-09-10T00:00", "2025-09-20T00:00"))
    db.commit()
    return db


def absence(expert_id: str, start: str, end: str) -> ExpertAbsence:
    return ExpertAbsence(
        expert_id=expert_id,
        start_at=from_wall_time(dt.datetime.fromisoformat(start)),
        end_at=from_wall_time(dt.datetime.fromisoformat(end)),
    )


def by_head(found: Offers) -> dict[Head, Offer]:
    return {head: offer for offer in found.offers for head in offer.heads}


def test_each_of_three_offers_is_the_first_in_something(three: Database) -> None:
    offers = by_head(make_offers(three, "A1", NOW))

    experts = {head: each.proposal.match.expert_id for head, each in offers.items()}
    assert experts == {Head.BEST: "E1", Head.SOONEST_START: "E2", Head.LEAST_TRAVEL: "E3"}


def test_the_best_offer_is_what_an_assignment_would_choose(three: Database) -> None:
    best = by_head(make_offers(three, "A1", NOW))[Head.BEST].proposal
    proposal = propose(three, "A1", NOW)

    assert (best.match, best.sessions) == (proposal.match, proposal.sessions)
    assert (best.cost, best.bound, best.is_optimal) == (proposal.cost, proposal.bound, True)


def test_the_others_tell_what_they_cost_beyond_the_best(three: Database) -> None:
    offers = by_head(make_offers(three, "A1", NOW))
    best = offers[Head.BEST].proposal

    for head in (Head.SOONEST_START, Head.LEAST_TRAVEL):
        proposal = offers[head].proposal
        assert proposal.cost.total > best.cost.total == proposal.bound
        assert not proposal.is_optimal


def test_an_offer_names_reasons_and_travel_there_and_back(three: Database) -> None:
    found = make_offers(three, "A1", NOW)

    for each in found.offers:
        problem = each.proposal.problem.problem
        travel, expert = (
            problem.travel_minutes,
            three.get_one(Expert, each.proposal.match.expert_id),
        )
        home, site = (travel.places.index(own) for own in (expert.municipality_code, NEAR))
        once = travel.minutes[home][site] + travel.minutes[site][home]
        assert each.travel_minutes == 2 * once
        assert each.proposal.match.reasons


def test_what_is_said_of_complete_offers_is_so(three: Database) -> None:
    found = make_offers(three, "A1", NOW)

    assert found.complete
    assert found.text.en == "3 offers, each with all 2 sessions wanted."
    assert found.text.ja == "希望する2回すべてを実施できる割当案が3件あります。"
    assert all(len(each.proposal.sessions) == 2 for each in found.offers)


def test_offers_that_are_the_same_are_one(three: Database) -> None:
    for id in ("E2", "E3"):
        three.get_one(Expert, id).active = False
    (only,) = make_offers(three, "A1", NOW).offers

    assert only.heads == (Head.BEST, Head.SOONEST_START, Head.LEAST_TRAVEL)


def test_nothing_is_kept_of_offers(three: Database) -> None:
    make_offers(three, "A1", NOW)
    three.commit()

    for kind in (Session, Release, Hold):
        assert three.scalars(select(kind)).all() == []


def test_where_no_expert_can_give_all_sessions_the_most_are_offered_and_it_is_said(
    three: Database,
) -> None:
    for id in ("E1", "E2", "E3"):
        three.get_one(Expert, id).max_total = 1
    found = make_offers(three, "A1", NOW)

    assert not found.complete
    assert {len(each.proposal.sessions) for each in found.offers} == {1}
    assert found.text.en == (
        "All 2 sessions are not possible beside what is published, pinned and on hold; "
        "3 offers with 1, the most that are."
    )
    assert found.text.ja == (
        "確定・固定・仮押さえ済みの内容を変えずに、希望する2回すべてを組むことはできません。"
        "最大となる1回までの割当案が3件あります。"
    )
    three.get_one(Expert, "E1").max_total = 2
    assert make_offers(three, "A1", NOW).complete


@pytest.fixture
def published(db: Database) -> Database:
    """A1 has the first of its two sessions, with E1; E2 is there too."""
    rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
    plan = ready_plan(db, {"A1": ("E1", ("2025-09-17T10:00",))}, NOW)
    publish(db, plan.id, "", "planner", NOW)
    db.commit()
    return db


def test_an_offer_adds_to_the_sessions_an_engagement_has(published: Database) -> None:
    found = make_offers(published, "A1", NOW)
    first = standing_sessions(published)["A1", 1]

    for each in found.offers:
        (added,) = each.proposal.sessions
        assert (added.number, added.expert_id) == (2, "E1")
        days = wall_time(added.start_at).date() - wall_time(first.start_at).date()
        assert 14 <= days.days <= 35
    assert found.complete


def test_the_soonest_further_session_is_as_near_as_the_gap_allows(published: Database) -> None:
    soonest = by_head(make_offers(published, "A1", NOW))[Head.SOONEST_START]

    assert wall_time(soonest.proposal.sessions[0].start_at).date() == dt.date(2025, 10, 1)


def test_an_offer_keeps_clear_of_all_other_sessions(published: Database) -> None:
    for each in make_offers(published, "A2", NOW).offers:
        verdict = judge(each.proposal.problem.json, each.proposal.plan.to_json())
        assert verdict.holds
        assert verdict.served == 2


def test_nothing_is_offered_to_an_engagement_with_all_its_sessions(published: Database) -> None:
    published.get_one(Engagement, "A1").session_minutes = (120,)
    with pytest.raises(Conflict) as refused:
        make_offers(published, "A1", NOW)

    assert refused.value.code == "nothing_to_offer"


def test_what_cannot_take_place_is_planned_again_before_anything_is_offered(
    published: Database,
) -> None:
    published.add(absence("E1", "2025-09-17T00:00", "2025-09-18T00:00"))
    published.commit()
    with pytest.raises(Conflict) as refused:
        make_offers(published, "A1", NOW)

    assert refused.value.code == "to_replan"
    assert refused.value.data["sessions"] == (standing_sessions(published)["A1", 1].id,)


def test_an_engagement_that_has_ended_gets_no_offer(published: Database) -> None:
    published.get_one(Engagement, "A2").state = EngagementState.WITHDRAWN
    with pytest.raises(Conflict):
        make_offers(published, "A2", NOW)
    with pytest.raises(NotFound):
        make_offers(published, "A9", NOW)


def test_where_nobody_may_serve_it_is_said_why(published: Database) -> None:
    for id in ("E1", "E2"):
        published.add(ConflictOfInterest(expert_id=id, organization_id="O1", reason="顧問先のため"))
    published.commit()

    with pytest.raises(NotServable):
        make_offers(published, "A2", NOW)


def test_where_nobody_is_free_it_is_said_why(published: Database) -> None:
    mondays = (WeeklyHours(weekday="mon", opens=dt.time(9), closes=dt.time(17)),)
    published.get_one(Application, "A2").weekly_hours = mondays
    published.commit()

    with pytest.raises(NotServable) as refused:
        make_offers(published, "A2", NOW)
    assert refused.value.reasons == (
        "has no weekly hours in common with the organization (2 experts)",
    )


def test_an_engagement_that_has_some_sessions_and_room_for_no_more_keeps_them(
    published: Database,
) -> None:
    published.get_one(Expert, "E1").max_total = 1
    published.commit()
    with pytest.raises(Conflict) as refused:
        make_offers(published, "A1", NOW)

    assert refused.value.code in {"no_further_session", "not_servable"}


def test_a_cancelled_session_is_offered_anew_after_those_that_stand(published: Database) -> None:
    first = standing_sessions(published)["A1", 1]
    cancel_session(published, first.id, LapseDraft(party=Party.EXPERT, reason="急病"), "staff", NOW)
    published.commit()
    found = make_offers(published, "A1", NOW)

    assert found.complete
    assert {len(each.proposal.sessions) for each in found.offers} == {2}


def test_the_sample_is_offered_complete_ways_that_the_judge_passes(db: Database) -> None:
    load_sample(db)
    db.commit()
    now = dt.datetime(2025, 8, 18, tzinfo=dt.UTC)
    records = Records.load(db, "tokyo-2025", now)
    ids = [each.id for each in records.plannable][:5]

    for id in ids:
        found = make_offers(db, id, now)
        assert {head for each in found.offers for head in each.heads} == set(Head)
        for each in found.offers:
            assert judge(each.proposal.problem.json, each.proposal.plan.to_json()).holds


@dataclass(frozen=True)
class Figures:
    """What the heads compare."""

    cost: int
    first_day: str
    minutes: int


@pytest.mark.parametrize("seed", range(CASES))
def test_alternatives_are_the_first_of_all_ways_there_are(seed: int) -> None:
    record = one_to_be_offered(random_problem(seed))
    engagement = record["engagements"][0]
    found = {
        head: way
        for heads, way, _ in alternatives(StandingPlan(file(record)), engagement["id"])
        for head in heads
    }
    whole = whole_ways(record)

    assert bool(found) == bool(whole)
    if whole:
        told = {head: figures(record, way.expert, way.starts) for head, way in found.items()}
        assert told[Head.BEST].cost == min(each.cost for each in whole)
        soonest, least = told[Head.SOONEST_START], told[Head.LEAST_TRAVEL]
        assert (soonest.first_day, soonest.cost) == min((e.first_day, e.cost) for e in whole)
        assert (least.minutes, least.cost) == min((each.minutes, each.cost) for each in whole)


def test_the_random_problems_try_what_an_engagement_can_be() -> None:
    records = [one_to_be_offered(random_problem(seed)) for seed in range(CASES)]
    asked = [each["engagements"][0] for each in records]

    assert sum(bool(each.get("pinned")) for each in asked) >= CASES // 6
    assert sum(len(whole_ways(each)) > 1 for each in records) >= CASES // 2


def one_to_be_offered(record: Record) -> Record:
    """The problem with all others as they are in its best plan, and the first one to be offered."""
    first, *_ = record["engagements"]
    first.pop("current", None)
    first["min_gap_days"] = max(1, first["min_gap_days"])
    first["max_gap_days"] = max(first["min_gap_days"], first["max_gap_days"])
    first["target_gap_days"] = max(1, first["target_gap_days"])
    for each in record["engagements"]:
        numbers = [pin["session"] for pin in each.get("pinned", ())]
        if numbers != list(range(1, len(numbers) + 1)):
            each.pop("pinned", None)
    best = brute_force(record)
    if best is None:
        for each in record["engagements"]:
            each.pop("pinned", None)
        best = brute_force(record)
    assert best
    for other in record["engagements"][1:]:
        who, starts = best.assignments.get(other["id"], ("", ()))
        pins = {each["session"]: each for each in other.get("pinned", ())}
        other["candidates"] = []
        other["pinned"] = [
            pins.get(number, pin(number, who, start)) for number, start in enumerate(starts, 1)
        ]
    return record


def whole_ways(record: Record) -> list[Figures]:
    """For each expert the figures of the best ways with the most sessions possible, by trying all.

    What is compared by more than one figure is tried in the order of each.
    """
    engagement = record["engagements"][0]
    held = len(engagement.get("pinned", ()))
    ways = [each for each in choices(record, engagement) if len(each.starts) > held]
    found: list[tuple[int, Figures]] = []
    for who in {each.expert for each in ways}:
        own = [each for each in ways if each.expert == who]
        for order in (
            lambda each: (-len(each.starts), each.cost),
            lambda each: (-len(each.starts), each.starts[held][:10], each.cost),
        ):
            for way in sorted(own, key=order):
                if feasible(record, who, way.starts):
                    found.append((len(way.starts), figures(record, who, way.starts)))
                    break
    most = max((count for count, _ in found), default=0)
    return [each for count, each in found if count == most]


def feasible(record: Record, who: str, starts: Iterable[object]) -> bool:
    return judge(encode(record), encode(whole_plan(record, who, starts))).holds


def figures(record: Record, who: str, starts: Iterable[object]) -> Figures:
    """What a way costs, as the judge finds, when it begins, and how long the expert travels."""
    engagement = record["engagements"][0]
    held = len(engagement.get("pinned", ()))
    times = [str(each).replace(" ", "T")[:16] for each in starts]
    verdict = judge(encode(record), encode(whole_plan(record, who, times)))
    assert verdict.holds, verdict.broken
    minutes = 0
    if engagement["place"]:
        places = record["travel_minutes"]["places"]
        (home,) = (each["place"] for each in record["experts"] if each["id"] == who)
        here, there = places.index(home), places.index(engagement["place"])
        table = record["travel_minutes"]["minutes"]
        minutes = (len(times) - held) * (table[here][there] + table[there][here])
    return Figures(verdict.cost.total, times[held][:10], minutes)


def whole_plan(record: Record, who: str, starts: Iterable[object]) -> Record:
    first, *others = record["engagements"]
    assignments = [{"engagement": first["id"], "expert": who, "starts": list(starts)}]
    assignments += [
        {
            "engagement": each["id"],
            "expert": each["pinned"][-1]["expert"],
            "starts": [pin["start"] for pin in each["pinned"]],
        }
        for each in others
        if each["pinned"]
    ]
    return {"format": "plan/1", "assignments": assignments}
