from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.delivery.engagements import EngagementChanges, revise_engagement
from matcher.errors import Conflict, NotFound
from matcher.models import (
    Application,
    ConflictOfInterest,
    Engagement,
    EngagementState,
    Expert,
    ExpertAbsence,
    WeeklyHours,
)
from matcher.planning.explaining.inquiry import Inquiry, Standing, earliest_schedules, inquire
from matcher.planning.explaining.telling import Voice, conflict, offered, remedy, sentences
from matcher.planning.publishing.releases import publish
from matcher.planning.stating.problem import problem_of, problem_with
from matcher.planning.stating.records import Records
from matcher.programme import Qualification, Specialty
from matcher.sample import load_sample
from solver.cost import cost_of
from solver.plan import Assignment
from solver.remedies import Remedy
from tests.matcher import rows
from tests.matcher.planning.plans import ready_plan

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
FRIDAYS = (WeeklyHours(weekday="fri", opens=dt.time(9), closes=dt.time(17)),)


@pytest.fixture
def published(db: Database) -> Database:
    """Engagement A1 is served by E1 on Wednesdays; A2 waits."""
    rows.add_engagements(db, "A1", "A2")
    plan = ready_plan(db, {"A1": ("E1", ("2025-09-17T10:00", "2025-10-08T10:00"))}, NOW)
    publish(db, plan.id, "", "planner", NOW)
    db.commit()
    return db


def full(db: Database) -> None:
    """E1 holds no more than the two sessions of A1."""
    db.get_one(Expert, "E1").max_total = 2
    db.commit()


def crowded(db: Database) -> None:
    """A2 can only be served on the day of A1's first session, one a day."""
    db.get_one(Expert, "E1").max_per_day = 1
    db.get_one(Engagement, "A2").latest = dt.date(2025, 9, 18)
    db.commit()


def apart(db: Database) -> None:
    """E1 comes on Fridays, when no organization receives anybody; what is published stays."""
    db.get_one(Expert, "E1").weekly_hours = FRIDAYS
    db.commit()


def ask(db: Database, engagement_id: str = "A2") -> Inquiry:
    return inquire(db, engagement_id, NOW)


def told(inquiry: Inquiry, voice: Voice = Voice.PLANNER) -> str:
    return " ".join(each.en for each in sentences(inquiry, voice))


def helping(inquiry: Inquiry, voice: Voice = Voice.PLANNER) -> dict[str, str]:
    return {each.change: remedy(inquiry, each, voice).en for each in offered(inquiry, voice)}


def test_who_has_all_sessions_is_served(published: Database) -> None:
    inquiry = ask(published, "A1")
    assert inquiry.answer is Standing.SERVED
    assert told(inquiry) == "A1 has all of its 2 sessions."
    assert offered(inquiry, Voice.PLANNER) == ()


def test_where_there_is_room_the_best_way_is_told(published: Database) -> None:
    inquiry = ask(published)
    assert inquiry.answer is Standing.ROOM
    assert inquiry.finding.way
    assert inquiry.finding.way.is_complete
    assert "There is room for 2" in told(inquiry)
    assert "place_now" in helping(inquiry)


def test_where_there_is_room_for_a_part_it_is_told_why_not_for_all(published: Database) -> None:
    published.get_one(Expert, "E1").max_total = 3
    published.commit()
    inquiry = ask(published)
    assert (inquiry.answer, inquiry.finding.beyond) == (Standing.ROOM, Standing.NOT_CHOSEN)
    assert "There is room for 1" in told(inquiry)
    assert "Session 2 would be possible alone, but it is proven" in told(inquiry)
    assert {name for name, _ in conflict(inquiry, Voice.PLANNER)} >= {"max_total"}
    to_organization = told(inquiry, Voice.ORGANIZATION)
    assert "At present there is room for 1. We are sorry that the experts" in to_organization
    assert "E1" not in to_organization
    assert helping(inquiry).keys() >= {"place_now", "raise_max_total"}


def longer(db: Database, latest: dt.date) -> None:
    """A1 is to get a third session, up to a day."""
    engagement = db.get_one(Engagement, "A1")
    engagement.session_minutes, engagement.latest = (120, 120, 120), latest
    db.commit()


def test_room_is_beside_its_own_published_sessions_even_where_others_would_cost_less(
    db: Database,
) -> None:
    rows.add_engagements(db, "A1")
    plan = ready_plan(db, {"A1": ("E1", ("2025-12-17T10:00", "2026-01-21T10:00"))}, NOW)
    publish(db, plan.id, "", "planner", NOW)
    longer(db, dt.date(2026, 3, 13))
    inquiry = ask(db, "A1")
    assert inquiry.answer is Standing.ROOM
    assert inquiry.finding.way
    assert [each.isoformat()[:16] for each in inquiry.finding.way.starts[:2]] == [
        "2025-12-17T10:00",
        "2026-01-21T10:00",
    ]
    (remedy,) = offered(inquiry, Voice.PLANNER)
    assert (remedy.change, remedy.consent) == ("place_now", "nobody")


def test_room_for_which_its_own_published_sessions_move_says_so_to_both(
    published: Database,
) -> None:
    longer(published, dt.date(2025, 10, 17))
    inquiry = ask(published, "A1")
    assert inquiry.answer is Standing.ROOM
    assert "if published sessions of its own move: session 2 from Wed 8 Oct 10:00" in told(inquiry)
    to_organization = told(inquiry, Voice.ORGANIZATION)
    assert "There is room for 3 if these may move: session 2 from" in to_organization
    assert "E1" not in to_organization
    assert helping(inquiry)["place_now"].endswith(
        "(published sessions of its own move as well: session 2 from Wed 8 Oct 10:00 to "
        "Wed 1 Oct 09:30)"
    )
    (at_once,) = (each for each in inquiry.finding.remedies if each.change == "place_now")
    assert at_once.consent == "organization_and_expert"
    # What needs no move of theirs comes beside it, with nothing said of moves.
    assert helping(inquiry)["later_latest"] == "End the period 5 days later"


def test_whom_it_would_displace_is_named_with_the_limit_that_is_reached(
    published: Database,
) -> None:
    full(published)
    inquiry = ask(published)
    assert inquiry.answer is Standing.NOT_CHOSEN
    assert {each.engagement for each in inquiry.finding.displaced} == {"A1"}
    assert {name for name, _ in conflict(inquiry, Voice.PLANNER)} >= {"max_total"}
    assert "With E1, these are in the way: A1 session" in told(inquiry)
    assert helping(inquiry)["raise_max_total"] == "Raise the sessions of E1 in all by 1"


def test_it_is_proven_full_where_those_who_could_make_room_are_full_as_well(db: Database) -> None:
    """E2 could take A1 over from E1, if E2 had not A3, which shares no expert with A2."""
    rows.add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2"))
    for id, other in (("A2", "E2"), ("A3", "E1")):
        of_its_own = rows.organization(f"O of {id}")
        db.add(of_its_own)
        db.flush()
        db.get_one(Application, id).organization_id = of_its_own.id
        db.get_one(Engagement, id).organization_id = of_its_own.id
        db.add(ConflictOfInterest(expert_id=other, organization_id=of_its_own.id, reason="顧問先"))
    for id in ("E1", "E2"):
        db.get_one(Expert, id).max_total = 2
    days = ("2025-09-17T10:00", "2025-10-08T10:00")
    plan = ready_plan(db, {"A1": ("E1", days), "A3": ("E2", days)}, NOW)
    publish(db, plan.id, "", "planner", NOW)
    db.commit()
    assert ask(db, "A2").answer is Standing.NOT_CHOSEN
    db.get_one(Expert, "E2").max_total = 4
    db.commit()
    assert ask(db, "A2").answer is Standing.MOVABLE


def test_a_plan_that_makes_room_tells_what_it_moves(published: Database) -> None:
    crowded(published)
    inquiry = ask(published)
    assert inquiry.answer is Standing.MOVABLE
    assert inquiry.finding.room
    assert inquiry.finding.room.moved_sessions == 1
    assert "it moves 1 session of 1 other engagement: A1 session 1 from Wed 17 Sep" in told(inquiry)
    assert helping(inquiry)["raise_max_per_day"] == "Raise the sessions of E1 a day by 1"
    assert "later_latest" in helping(inquiry)


def test_hours_that_never_meet_are_the_conflict(published: Database) -> None:
    apart(published)
    inquiry = ask(published)
    assert inquiry.answer is Standing.IMPOSSIBLE
    assert {name for name, _ in conflict(inquiry, Voice.PLANNER)} == {
        "organization_hours",
        "expert_hours",
    }
    assert "Without any one of them the others can." in told(inquiry)
    assert "Friday" in helping(inquiry)["more_hours"]


def test_where_nobody_may_serve_the_reasons_are_told(published: Database) -> None:
    published.add(ConflictOfInterest(expert_id="E1", organization_id="O1", reason="member"))
    published.commit()
    inquiry = ask(published)
    assert inquiry.answer is Standing.IMPOSSIBLE
    assert "conflict of interest" in told(inquiry)
    assert "No expert is available to you at present" in told(inquiry, Voice.ORGANIZATION)


def consultant(db: Database, id: str) -> None:
    """Somebody of a specialty that nobody needs."""
    other = rows.expert(id)
    other.qualifications = (Qualification.SME_MANAGEMENT_CONSULTANT,)
    db.add(other)


def test_where_nobody_has_the_specialty_it_is_said_and_one_of_another_is_offered(
    published: Database,
) -> None:
    qualifications = (Qualification.SME_MANAGEMENT_CONSULTANT,)
    published.get_one(Expert, "E1").qualifications = qualifications
    published.commit()
    inquiry = ask(published)
    assert "There is no expert who can serve" in told(inquiry, Voice.ORGANIZATION)
    assert helping(inquiry)["another_expert"].startswith("Ask E1, who is no candidate so far")


def test_another_specialty_is_compared_with_what_the_plan_costs_now(published: Database) -> None:
    consultant(published, "E2")
    full(published)
    longer(published, dt.date(2026, 3, 13))
    (offer,) = (
        each for each in ask(published, "A1").finding.remedies if each.change == "another_expert"
    )
    records = Records.load(published, "tokyo-2025", NOW)
    engagement = records.engagements["A1"]
    now, then = problem_of(records, [engagement]), problem_with(records, engagement, ["E2"])
    (as_published,) = (each.current for each in now.engagements if each.id == "A1")
    assert as_published
    before = cost_of(now, [assignment(as_published.expert, as_published.starts)])
    after = cost_of(then, [assignment("E2", offer.way.starts)])
    assert offer.plan_cost == after.total - before.total


def assignment(expert: str, starts: tuple[dt.datetime, ...]) -> Assignment:
    return Assignment(engagement="A1", expert=expert, starts=starts)


def test_nobody_is_told_to_give_up_that_days_are_over(published: Database) -> None:
    """With the days before today it would be possible, and nobody can bring them back."""
    published.add(
        ExpertAbsence(
            expert_id="E1",
            start_at=dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
            end_at=dt.datetime(2026, 3, 20, tzinfo=dt.UTC),
        )
    )
    published.commit()
    inquiry = inquire(published, "A2", dt.datetime(2026, 3, 2, 3, tzinfo=dt.UTC))
    assert inquiry.answer is Standing.IMPOSSIBLE
    assert {name for name, _ in conflict(inquiry, Voice.PLANNER)} == {"expert_busy"}


def test_where_no_day_is_left_it_is_said(published: Database) -> None:
    inquiry = inquire(published, "A2", dt.datetime(2026, 3, 13, 3, tzinfo=dt.UTC))
    assert inquiry.answer is Standing.IMPOSSIBLE
    assert "No day is left" in told(inquiry)
    assert "No day is left" in told(inquiry, Voice.ORGANIZATION)


def test_an_expert_of_another_specialty_is_offered_with_it_and_one_with_an_interest_is_not(
    published: Database,
) -> None:
    consultant(published, "E2")
    consultant(published, "E3")
    published.flush()
    published.add(ConflictOfInterest(expert_id="E2", organization_id="O1", reason="member"))
    full(published)
    offer = helping(ask(published))["another_expert"]
    assert offer.startswith("Ask E3, who is no candidate so far (specialty: ")


def remedy_of(inquiry: Inquiry, change: str) -> Remedy:
    (found,) = (each for each in inquiry.finding.remedies if each.change == change)
    return found


def test_what_is_agreed_then_gives_what_was_offered(db: Database) -> None:
    """E1, who held the first session, is away from then on; E2 is of another specialty."""
    rows.add_engagements(db, "A1", experts=("E1", "E3"))
    consultant(db, "E2")
    for id in ("E1", "E3"):
        away = dt.datetime(2025, 10, 2, tzinfo=dt.UTC), dt.datetime(2026, 3, 14, tzinfo=dt.UTC)
        db.get_one(Expert, id).absences = [ExpertAbsence(start_at=away[0], end_at=away[1])]
    db.get_one(Expert, "E3").absences[0].start_at += dt.timedelta(days=30)
    db.add(rows.session("S1", status="held"))
    db.commit()
    now = rows.MORNING + dt.timedelta(days=1)

    inquiry = inquire(db, "A1", now)
    assert inquiry.answer is Standing.IMPOSSIBLE
    handed_over, stranger = remedy_of(inquiry, "reassign"), remedy_of(inquiry, "another_expert")
    assert (handed_over.way.expert, stranger.way.expert) == ("E3", "E2")

    engagement = db.get_one(Engagement, "A1")
    agreed = EngagementChanges(expert_may_change=True)
    revise_engagement(db, engagement, agreed, now)
    way = inquire(db, "A1", now).finding.way
    assert way
    assert (way.expert, way.starts) == ("E3", handed_over.way.starts)

    db.get_one(Expert, "E3").active = False
    needs = {**engagement.application.needs, Specialty.SME: 1}
    revise_engagement(db, engagement, EngagementChanges(needs=needs), now)
    way = inquire(db, "A1", now).finding.way
    assert way
    assert (way.expert, way.starts) == ("E2", stranger.way.starts)


@pytest.mark.parametrize("arrange", [full, crowded, apart])
def test_the_organizations_voice_names_nobody_else(published: Database, arrange: object) -> None:
    assert callable(arrange)
    arrange(published)
    inquiry = ask(published)
    said = [
        *sentences(inquiry, Voice.ORGANIZATION),
        *(words for _, words in conflict(inquiry, Voice.ORGANIZATION)),
        *(
            remedy(inquiry, each, Voice.ORGANIZATION)
            for each in offered(inquiry, Voice.ORGANIZATION)
        ),
    ]
    for each in said:
        for name in ("E1", "A1", "架空", "Taro", "Imaginary"):
            assert name not in each.ja + each.en
    assert "貴団体" in said[0].ja
    assert all(each.consent == "organization" for each in offered(inquiry, Voice.ORGANIZATION))


def test_the_earliest_schedule_of_a_candidate_keeps_the_least_gap(published: Database) -> None:
    (found,) = earliest_schedules(published, "A2", NOW).values()
    assert found.earliest
    first, second = found.earliest.starts
    # On the 17th beside A1, and a fortnight later: no schedule ends sooner.
    assert (first.date(), second.date()) == (dt.date(2025, 9, 17), dt.date(2025, 10, 1))
    assert found.sessions == 2


def test_an_engagement_that_gets_no_more_sessions_has_no_schedules_and_no_answer(
    published: Database,
) -> None:
    published.get_one(Engagement, "A2").state = EngagementState.WITHDRAWN
    published.commit()
    assert earliest_schedules(published, "A2", NOW) == {}
    with pytest.raises(Conflict, match="gets no more sessions"):
        ask(published)


def test_an_unknown_engagement_is_not_found(published: Database) -> None:
    with pytest.raises(NotFound):
        ask(published, "A9")


def test_engagements_of_the_sample_are_answered(db: Database) -> None:
    load_sample(db)
    now = dt.datetime(2025, 7, 10, tzinfo=dt.UTC)
    for id in ("A00001", "A00017"):
        if db.get(Engagement, id) is not None:
            assert sentences(inquire(db, id, now, seconds=1), Voice.PLANNER)
