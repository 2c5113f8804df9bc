"""Rows for tests of the database: one of everything, as plain as can be."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session as Database

from matcher.models import (
    ApiKey,
    Application,
    ApplicationAbsence,
    AuditEntry,
    BusyCalendar,
    BusyTime,
    Completion,
    ConflictOfInterest,
    Decision,
    Engagement,
    Expert,
    ExpertAbsence,
    Feed,
    FeedOwner,
    HeldSession,
    Hold,
    IdempotentRequest,
    Interview,
    Invitation,
    InvitationState,
    Lease,
    Notice,
    Organization,
    Pin,
    Plan,
    ProgressRecord,
    Release,
    RequirementAnswer,
    Session,
    SessionDeparture,
    SessionLapse,
    SessionReport,
    StoredForecast,
    StoredRehearsal,
    WeeklyHours,
    Withdrawal,
    load_programme,
)
from matcher.programme import Qualification, Specialty

MORNING = dt.datetime(2025, 10, 1, 1, 0, tzinfo=dt.UTC)
"""Ten o'clock in Tokyo on a Wednesday."""

WEDNESDAYS = (WeeklyHours(weekday="wed", opens=dt.time(9, 30), closes=dt.time(17)),)


def organization(id: str = "O1") -> Organization:
    """An organization in Chiyoda."""
    return Organization(
        id=id,
        name_ja="東京架空旅館協同組合",
        name_en="Imaginary Inns of Tokyo Cooperative",
        legal_kind="cooperative",
        municipality_code="13101",
        address_ja="東京都千代田区架空町1-1",
        industry="lodging",
        contact_name="架空 花子",
        contact_email="office@inns.example",
    )


def expert(id: str = "E1") -> Expert:
    """An expert in labor matters, there on Wednesdays."""
    return Expert(
        id=id,
        name_ja="架空 太郎",
        name_en="Taro Kaku",
        email="taro@experts.example",
        municipality_code="13104",
        qualifications=(Qualification.SOCIAL_INSURANCE_LABOR_CONSULTANT,),
        weekly_hours=WEDNESDAYS,
        max_per_day=2,
        max_per_week=4,
        max_total=30,
        target_total=20,
    )


def application(id: str = "A1", organization_id: str = "O1") -> Application:
    """An accepted application for two sessions."""
    return Application(
        id=id,
        programme_id="tokyo-2025",
        organization_id=organization_id,
        submitted_at=MORNING - dt.timedelta(days=60),
        channel="form",
        state="accepted",
        delivery="on_site",
        purpose="new_manual",
        needs={Specialty.LABOR: 3, Specialty.HR: 1},
        session_minutes=(120, 60),
        weekly_hours=WEDNESDAYS,
    )


def engagement(id: str = "A1", organization_id: str = "O1") -> Engagement:
    """What an accepted application became."""
    return Engagement(
        id=id,
        programme_id="tokyo-2025",
        application_id=id,
        organization_id=organization_id,
        session_minutes=(120, 60),
        earliest=dt.date(2025, 9, 1),
        latest=dt.date(2026, 3, 13),
        min_gap_days=14,
        target_gap_days=21,
        max_gap_days=35,
        municipality_code="13101",
    )


def session(
    id: str,
    start_at: dt.datetime = MORNING,
    minutes: int = 120,
    *,
    engagement_id: str = "A1",
    number: int = 1,
    expert_id: str = "E1",
    status: str = "confirmed",
) -> Session:
    """A session, by default the first one of an engagement."""
    return Session(
        id=id,
        engagement_id=engagement_id,
        number=number,
        phase="action_plan",
        expert_id=expert_id,
        start_at=start_at,
        end_at=start_at + dt.timedelta(minutes=minutes),
        status=status,
        municipality_code="13101",
        place_ja="東京都千代田区架空町1-1",
        place_en="1-1 Kaku, Chiyoda",
        revised_at=MORNING - dt.timedelta(days=30),
        created_at=MORNING,
    )


def add_engagements(db: Database, *ids: str, experts: tuple[str, ...] = ("E1",)) -> None:
    """Add engagements of one organization, and experts to serve them."""
    load_programme(db, "tokyo-2025")
    db.add(organization())
    db.add_all(expert(each) for each in experts)
    db.flush()
    db.add_all(application(each) for each in ids)
    db.flush()
    db.add_all(engagement(each) for each in ids)
    db.flush()


def add_one_of_everything(db: Database) -> None:
    """Add at least one row to every table."""
    add_engagements(db, "A1")
    db.add_all(
        [
            ExpertAbsence(expert_id="E1", start_at=MORNING, end_at=MORNING + dt.timedelta(hours=1)),
            ConflictOfInterest(expert_id="E1", organization_id="O1", reason="顧問先のため"),
            ApplicationAbsence(
                application_id="A1", start_at=MORNING, end_at=MORNING + dt.timedelta(hours=1)
            ),
            RequirementAnswer(
                application_id="A1",
                requirement_id="located_in_tokyo",
                answer="met",
                source="machine",
                answered_by="matcher",
                answered_at=MORNING,
            ),
            Interview(application_id="A1", due_on=dt.date(2025, 8, 8)),
            Decision(
                application_id="A1", outcome="accepted", decided_at=MORNING, decided_by="staff"
            ),
            session("S1"),
            Plan(
                id="P1",
                programme_id="tokyo-2025",
                time_limit_seconds=30,
                workers=1,
                seed=0,
                progress=(ProgressRecord("bound", 0.5, 900, 800, 0.125, 1),),
                problem=b"problem",
                created_at=MORNING,
                created_by="planner",
            ),
            Pin(
                programme_id="tokyo-2025",
                kind="expert",
                engagement_id="A1",
                expert_id="E1",
                created_at=MORNING,
                created_by="planner",
            ),
            Hold(
                programme_id="tokyo-2025",
                engagement_id="A1",
                expert_id="E1",
                sessions=(HeldSession(2, MORNING, MORNING + dt.timedelta(hours=1)),),
                held_until=MORNING,
                created_at=MORNING,
                created_by="staff",
            ),
            BusyCalendar(
                owner_kind="expert",
                owner_id="E1",
                url="https://calendar.example/private.ics",
                created_at=MORNING,
                created_by="expert",
                times=[BusyTime(start_at=MORNING, end_at=MORNING + dt.timedelta(hours=1))],
            ),
            Feed(
                owner_kind="expert",
                owner_id="E1",
                language="both",
                token_hash="0" * 64,
                created_at=MORNING,
            ),
            StoredForecast(
                programme_id="tokyo-2025",
                release_number=0,
                day=MORNING.date(),
                ground="0" * 64,
                content={},
                computed_at=MORNING,
            ),
            StoredRehearsal(
                programme_id="tokyo-2025",
                expert_id="E1",
                release_number=0,
                day=MORNING.date(),
                ground="0" * 64,
                sessions_to_come=1,
                undetermined=False,
                reasons=(),
                engagements_lost=1,
                lost=("A1",),
                shortened=(),
                sessions_lost=1,
                moved=0,
                taken_over=0,
                held_times_lost=0,
                cost=1000,
                bound=1000,
                proven=True,
                computed_at=MORNING,
            ),
            Lease(work="foresight of tokyo-2025", holder="W1", until=MORNING),
            ApiKey(role="admin", label="first", secret_digest="0" * 64, created_at=MORNING),
            IdempotentRequest(
                key_owner="K1",
                key="once",
                method="POST",
                path="/v1/plans",
                body_digest="0" * 64,
                status=202,
                created_at=MORNING,
            ),
        ]
    )
    db.flush()
    db.add(
        SessionDeparture(
            session_id="S1",
            expert_id="E1",
            start_at=MORNING,
            end_at=MORNING + dt.timedelta(hours=1),
            sequence=1,
            revised_at=MORNING,
        )
    )
    db.add(
        Invitation(
            session_id="S1",
            party_kind=FeedOwner.EXPERT,
            party_id="E1",
            state=InvitationState.SENT,
            queued_at=MORNING,
            due_at=MORNING,
        )
    )
    db.add_all(
        [
            Withdrawal(application_id="A1", withdrawn_at=MORNING, withdrawn_by="staff"),
            Completion(
                engagement_id="A1",
                rollout="会員へ配布する",
                revision="年に一度",
                completed_at=MORNING,
                completed_by="E1",
            ),
            SessionReport(
                session_id="S1",
                attendees=("架空 花子",),
                done="現状の確認",
                manual_state="outline",
                reported_by="E1",
                reported_at=MORNING,
            ),
            SessionLapse(
                session_id="S1",
                party="expert",
                reason="急病",
                recorded_by="staff",
                recorded_at=MORNING,
            ),
            Notice(
                application_id="A1",
                kind="accepted",
                recipient_name="架空 花子",
                recipient_email="office@inns.example",
                **{
                    f"{part}_{language}": "…"
                    for part in ("subject", "text", "html")
                    for language in ("ja", "en")
                },
                created_at=MORNING,
                created_by="staff",
            ),
            AuditEntry(at=MORNING, actor="staff", kind="notice", record_id="N1", action="created"),
        ]
    )
    db.add(
        Release(
            programme_id="tokyo-2025",
            number=1,
            plan_id="P1",
            published_at=MORNING,
            published_by="planner",
        )
    )
    db.commit()
