from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as Database

from matcher.access import create_key
from matcher.audit import Actor, acting, told_together
from matcher.calendars.subscriptions import create_feed, note_fetch, revoke_feed, rotate_feed
from matcher.database import create_database_engine, session_factory
from matcher.models import (
    AuditAction,
    AuditEntry,
    ConflictOfInterest,
    Engagement,
    Expert,
    ExpertAbsence,
    Feed,
    FeedLanguage,
    FeedOwner,
    IdempotentRequest,
    Interview,
    Organization,
    Programme,
    Role,
    Session,
    load_programme,
)
from matcher.planning.running.attempt import Attempt
from matcher.planning.running.runs import RunParameters, cancel_run, start_run
from tests.matcher import rows

STAFF = Actor("受付 (K1)", "experts.edit", "request-1")
NOW = dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def office(db: Database) -> Database:
    """A session in which staff act, on a database with an expert, an organization, engagement A1.

    The entries of these are told by others.
    """
    rows.add_engagements(db, "A1")
    db.commit()
    acting(db, STAFF, lambda: NOW)
    return db


def told(db: Database, kind: str | None = None) -> Sequence[AuditEntry]:
    """The entries of what staff did, the oldest first."""
    db.flush()
    entries = select(AuditEntry).where(AuditEntry.actor == STAFF.name).order_by(AuditEntry.id)
    return db.scalars(entries.where(AuditEntry.kind == kind) if kind else entries).all()


def plain(entries: Sequence[AuditEntry]) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    return [(each.action.value, each.record_id, each.before, each.after) for each in entries]


def absence(start_at: dt.datetime, reason: str = "") -> ExpertAbsence:
    return ExpertAbsence(start_at=start_at, end_at=start_at + HOUR, reason=reason)


def test_a_change_is_told_from_what_to_what_by_whom_and_when(office: Database) -> None:
    """And of which record, at whose request; fields that stay are not spoken of."""
    office.get_one(Expert, "E1").max_per_week = 1

    (entry,) = told(office)

    assert (entry.actor, entry.operation, entry.request_id) == (
        "受付 (K1)",
        "experts.edit",
        "request-1",
    )
    assert entry.at == NOW
    assert (entry.kind, entry.record_id, entry.action) == ("expert", "E1", AuditAction.CHANGED)
    assert (entry.before, entry.after) == ({"max_per_week": 4}, {"max_per_week": 1})


def test_a_new_record_is_told_whole_and_nothing_of_what_it_lacks(office: Database) -> None:
    """Moments as Tokyo's clocks show them, words and structures as the API shows them."""
    office.add(rows.session("S1"))

    assert plain(told(office)) == [
        (
            "created",
            "S1",
            {},
            {
                "engagement_id": "A1",
                "number": 1,
                "phase": "action_plan",
                "expert_id": "E1",
                "start_at": "2025-10-01T10:00:00+09:00",
                "end_at": "2025-10-01T12:00:00+09:00",
                "status": "confirmed",
                "municipality_code": "13101",
                "place_ja": "東京都千代田区架空町1-1",
                "place_en": "1-1 Kaku, Chiyoda",
                "created_at": "2025-10-01T10:00:00+09:00",
            },
        )
    ]


def test_what_is_deleted_is_told_as_it_was(office: Database) -> None:
    """Under the id of whose it was, as nothing else will tell."""
    expert = office.get_one(Expert, "E1")
    expert.absences = [absence(rows.MORNING, "休暇")]
    office.flush()
    (own,) = (each.id for each in expert.absences)
    office.get_one(ExpertAbsence, own).reason = "changed, and deleted before anybody saw it"
    expert.absences = []

    assert plain(told(office))[1:] == [
        (
            "deleted",
            f"E1:{own}",
            {
                "expert_id": "E1",
                "start_at": "2025-10-01T10:00:00+09:00",
                "end_at": "2025-10-01T11:00:00+09:00",
                "reason": "休暇",
            },
            {},
        )
    ]


def test_what_is_replaced_by_its_like_has_changed_or_stayed(office: Database) -> None:
    """Whoever sends the same list again has changed nothing."""
    expert = office.get_one(Expert, "E1")
    expert.conflicts = [ConflictOfInterest(organization_id="O1", reason="顧問先")]
    office.commit()
    for reason in ("顧問先", "親族がいる"):
        expert.conflicts = [ConflictOfInterest(organization_id="O1", reason=reason)]
        office.commit()

    assert plain(told(office)) == [
        ("created", "E1:O1", {}, {"reason": "顧問先"}),
        ("changed", "E1:O1", {"reason": "顧問先"}, {"reason": "親族がいる"}),
    ]


def test_a_change_of_nothing_that_is_told_leaves_no_entry(office: Database) -> None:
    """Nor does a value that is set to what it was."""
    expert = office.get_one(Expert, "E1")
    expert.revised_at = NOW
    expert.weekly_hours = tuple(each.model_copy() for each in rows.WEDNESDAYS)
    expert.max_per_day = 2
    feed, _ = create_feed(office, FeedOwner.EXPERT, "E1", FeedLanguage.BOTH, NOW)
    note_fetch(office, feed.id, NOW)
    load_programme(office, "tokyo-2025")
    office.add(
        IdempotentRequest(
            key_owner="K1",
            key="once",
            method="POST",
            path="/v1/plans",
            body_digest="0" * 64,
            status=202,
            created_at=NOW,
        )
    )
    office.execute(delete(IdempotentRequest))

    assert [each.kind for each in told(office)] == ["feed"]


def test_of_a_structure_only_the_members_that_differ_are_told(office: Database) -> None:
    """A deadline that moves is one date among many rules."""
    programme = office.get_one(Programme, "tokyo-2025")
    period = programme.rules.application_period
    moved = period.model_copy(update={"last_day": dt.date(2025, 9, 30)})
    programme.rules = programme.rules.model_copy(update={"application_period": moved})

    assert plain(told(office)) == [
        (
            "changed",
            "tokyo-2025",
            {"rules": {"application_period": {"last_day": period.last_day.isoformat()}}},
            {"rules": {"application_period": {"last_day": "2025-09-30"}}},
        )
    ]


def test_what_is_overwritten_unread_is_told_nevertheless(office: Database) -> None:
    """What was loaded may have been forgotten, and what was never set is null."""
    organization = office.get_one(Organization, "O1")
    office.add(Interview(application_id="A1", due_on=dt.date(2025, 8, 8)))
    office.flush()
    office.expire(organization)
    organization.industry = "retail"
    organization.contact_name = "架空 花子"
    office.get_one(Interview, "A1").caller = "架空 次郎"

    assert plain(told(office))[1:] == [
        ("changed", "O1", {"industry": "lodging"}, {"industry": "retail"}),
        ("changed", "A1", {"caller": None}, {"caller": "架空 次郎"}),
    ]


def test_what_is_rolled_back_leaves_no_entry(office: Database) -> None:
    """The part of a transaction that stands keeps its own."""
    expert = office.get_one(Expert, "E1")
    part = office.begin_nested()
    expert.max_total = 1
    office.flush()
    part.rollback()
    expert.max_total = 2
    assert plain(told(office)) == [("changed", "E1", {"max_total": 30}, {"max_total": 2})]

    office.rollback()

    assert not told(office)


def test_the_program_did_what_nobody_says_to_have_done(db: Database) -> None:
    """At the moment that the clock of this machine shows."""
    before = dt.datetime.now(dt.UTC)
    db.add(rows.expert())
    db.flush()

    (entry,) = db.scalars(select(AuditEntry)).all()

    assert (entry.actor, entry.operation, entry.request_id) == ("matcher", None, None)
    assert before <= entry.at <= dt.datetime.now(dt.UTC)


def test_all_sessions_of_a_factory_may_have_one_actor(database_url: str) -> None:
    """A worker's, and those of a command."""
    engine = create_database_engine(database_url)
    sessions = session_factory(engine, actor=Actor("worker", "matcher worker"), clock=lambda: NOW)
    for id in ("E1", "E2"):
        with sessions.begin() as db:
            db.add(rows.expert(id))
    with sessions() as db:
        told = select(AuditEntry.actor, AuditEntry.operation, AuditEntry.record_id, AuditEntry.at)
        found = db.execute(told.order_by(AuditEntry.id)).all()
    engine.dispose()

    assert [tuple(each) for each in found] == [
        ("worker", "matcher worker", "E1", NOW),
        ("worker", "matcher worker", "E2", NOW),
    ]


def test_a_statement_that_changes_records_where_they_lie_is_told_too(office: Database) -> None:
    """One entry for each record that it changed."""
    office.add(rows.expert("E2"))
    office.flush()
    office.get_one(Expert, "E1").max_total = 5  # not written yet: the statement comes after it

    office.execute(update(Expert).where(Expert.max_total < 30).values(active=False))
    office.execute(update(Expert).values(max_per_day=Expert.max_per_day + 1))
    office.execute(delete(Expert).where(Expert.id == "E2"))

    assert [each[:2] for each in plain(told(office))] == [
        ("created", "E2"),
        ("changed", "E1"),
        ("changed", "E1"),
        ("changed", "E1"),
        ("changed", "E2"),
        ("deleted", "E2"),
    ]
    assert plain(told(office))[1:5] == [
        ("changed", "E1", {"max_total": 30}, {"max_total": 5}),
        ("changed", "E1", {"active": True}, {"active": False}),
        ("changed", "E1", {"max_per_day": 2}, {"max_per_day": 3}),
        ("changed", "E2", {"max_per_day": 2}, {"max_per_day": 3}),
    ]
    assert told(office)[5].before["max_per_day"] == 3


def test_a_statement_that_inserts_unseen_is_refused(office: Database) -> None:
    """Rather than leave no trace."""
    with pytest.raises(NotImplementedError, match="add each expert_absence to the session"):
        office.execute(
            insert(ExpertAbsence).values(expert_id="E1", start_at=NOW, end_at=NOW + HOUR)
        )


def test_a_run_is_told_by_its_states_and_not_by_its_pulse(database_url: str) -> None:
    """From the queue to the worker and back."""
    engine = create_database_engine(database_url)
    office = session_factory(engine, actor=STAFF, clock=lambda: NOW)
    workers = session_factory(engine, actor=Actor("worker"), clock=lambda: NOW)
    with office.begin() as db:
        rows.add_engagements(db, "A1")
        plan_id = start_run(db, "tokyo-2025", RunParameters(), "planner", NOW).id
    attempt = Attempt.claim(workers, plan_id, clock=lambda: NOW, lease=HOUR)
    assert attempt is not None
    assert attempt.write(lease_until=NOW + HOUR, stage="bound", cost=1, progress=()) is False
    with office.begin() as db:
        cancel_run(db, plan_id, NOW)
    assert attempt.write(problem=b"problem", ground={"release": "1"}) is True
    attempt.hand_back()
    with office() as db:
        entries = db.scalars(
            select(AuditEntry).where(AuditEntry.kind == "plan").order_by(AuditEntry.id)
        ).all()
    engine.dispose()

    moment = "2025-07-14T10:00:00+09:00"
    assert [(each.actor, each.before, each.after) for each in entries[1:]] == [
        (
            "worker",
            {"state": "queued", "started_at": None},
            {"state": "solving", "started_at": moment},
        ),
        (STAFF.name, {"cancel_requested_at": None}, {"cancel_requested_at": moment}),
        (
            "worker",
            {"state": "solving", "finished_at": None},
            {"state": "cancelled", "finished_at": moment},
        ),
    ]


def test_no_secret_is_in_any_entry(office: Database) -> None:
    """Neither the secret, nor what is kept of it, nor a part of either."""
    link = "https://meet.example/a-room-of-our-own"
    key, secret = create_key(
        office,
        role=Role.EXPERT,
        subject_id="E1",
        label="見本",
        now=NOW,
        expires_at=None,
        pepper=b"a pepper",
    )
    feed, token = create_feed(office, FeedOwner.EXPERT, "E1", FeedLanguage.BOTH, NOW)
    hidden = [key.secret_digest, secret.rpartition("_")[2], feed.token_hash, token, link]
    hidden.append(rotate_feed(office, feed))
    hidden.append(feed.token_hash)
    office.get_one(Engagement, "A1").meeting_url = link
    office.add(rows.session("S1"))
    office.flush()
    office.get_one(Session, "S1").meeting_url = link
    office.execute(update(Session).values(meeting_url=f"{link}/2"))
    revoke_feed(office, feed, NOW)
    office.delete(feed)

    entries = told(office)

    assert plain(told(office, "feed"))[1] == (
        "changed",
        feed.id,
        {"token_hash": "***"},
        {"token_hash": "***"},
    )
    kept = json.dumps([[each.before, each.after, each.record_id] for each in entries])
    assert len(entries) == 9
    assert not [each for each in hidden if each in kept or each[8:24] in kept]


@pytest.mark.parametrize(
    "rewriting", ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries"]
)
def test_the_database_itself_refuses_to_rewrite_the_audit(office: Database, rewriting: str) -> None:
    """Whoever asks, without any of this code."""
    with pytest.raises(DBAPIError, match="the audit is only ever added to"):
        office.execute(text(rewriting))
    office.rollback()

    assert set(office.scalars(select(AuditEntry.actor))) == {"matcher"}


def test_the_orm_is_refused_too(office: Database) -> None:
    """It has no way round the database."""
    entry = office.scalars(select(AuditEntry)).first()
    assert entry is not None
    entry.actor = "somebody else"
    with pytest.raises(DBAPIError, match="the audit is only ever added to"):
        office.flush()
    office.rollback()

    with pytest.raises(DBAPIError, match="the audit is only ever added to"):
        office.execute(delete(AuditEntry))


def test_a_statement_that_finds_no_record_leaves_no_entry(office: Database) -> None:
    """It changed nothing."""
    office.execute(update(Feed).where(Feed.id == "F0").values(revoked_at=NOW))

    assert not told(office)


def test_what_a_block_does_to_a_record_is_told_as_one_change(office: Database) -> None:
    """However many flushes and statements it takes."""
    with told_together(office):
        office.get_one(Expert, "E1").max_per_week = 1
        office.flush()
        office.get_one(Expert, "E1").max_per_week = 3
        office.flush()
        office.execute(update(Expert).values(max_per_day=1))
        office.add(ExpertAbsence(expert_id="E1", start_at=NOW, end_at=NOW + HOUR))

    assert [entry[0:2] for entry in plain(told(office, "expert"))] == [("changed", "E1")]
    (entry,) = told(office, "expert")
    assert entry.before == {"max_per_week": 4, "max_per_day": 2}
    assert entry.after == {"max_per_week": 3, "max_per_day": 1}
    assert len(told(office, "expert_absence")) == 1


def test_what_a_block_makes_and_deletes_is_not_told(office: Database) -> None:
    with told_together(office):
        made = ExpertAbsence(expert_id="E1", start_at=NOW, end_at=NOW + HOUR)
        office.add(made)
        office.flush()
        office.delete(made)

    assert told(office) == []


def test_of_a_block_that_fails_nothing_is_done_and_nothing_told(office: Database) -> None:
    def fail() -> None:
        with told_together(office):
            office.get_one(Expert, "E1").max_per_week = 1
            office.flush()
            raise ValueError("it is not to be")

    with pytest.raises(ValueError, match="not to be"):
        fail()
    office.get_one(Expert, "E1").max_per_day = 1

    (entry,) = told(office)
    assert entry.after == {"max_per_day": 1}
    assert office.scalars(select(Expert.max_per_week)).one() == 4
