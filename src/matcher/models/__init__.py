"""What is kept: SQLAlchemy classes, one file a noun."""

from __future__ import annotations

from matcher.models.application import (
    Application,
    ApplicationAbsence,
    ApplicationState,
    Channel,
    Delivery,
)
from matcher.models.assessment import Answer, AnswerSource, RequirementAnswer
from matcher.models.audit import AuditAction, AuditEntry
from matcher.models.base import Base
from matcher.models.busy import BusyCalendar, BusyTime
from matcher.models.columns import holds
from matcher.models.completion import Completion
from matcher.models.decision import Decision, Outcome
from matcher.models.departure import SessionDeparture
from matcher.models.engagement import Engagement, EngagementState
from matcher.models.expert import ConflictOfInterest, Expert, ExpertAbsence
from matcher.models.feed import CalendarBy, Feed, FeedLanguage, FeedOwner
from matcher.models.foresight import StoredForecast, StoredRehearsal
from matcher.models.hold import HeldSession, Hold, HoldOutcome
from matcher.models.hours import WeeklyHours
from matcher.models.identifiers import new_identifier
from matcher.models.interview import Interview
from matcher.models.invitation import Invitation, InvitationMethod, InvitationState, Reply
from matcher.models.key import ApiKey, Role
from matcher.models.lease import Lease
from matcher.models.notice import Notice, NoticeKind, NoticeState
from matcher.models.organization import Organization
from matcher.models.pin import Pin, PinKind
from matcher.models.plan import (
    FROZEN_DAYS,
    MOST_POINTS,
    Plan,
    PlanState,
    PlanTerms,
    ProgressRecord,
    PromisePolicy,
    PromiseRecord,
)
from matcher.models.programme import Programme, keep_packaged_programmes, load_programme
from matcher.models.release import Release
from matcher.models.report import ManualState, Party, SessionLapse, SessionReport
from matcher.models.request import IdempotentRequest
from matcher.models.revision import CalendarRevision
from matcher.models.session import Session, SessionStatus
from matcher.models.withdrawal import Withdrawal
from matcher.programme import LegalKind, Phase, Purpose

__all__ = [
    "FROZEN_DAYS",
    "MOST_POINTS",
    "Answer",
    "AnswerSource",
    "ApiKey",
    "Application",
    "ApplicationAbsence",
    "ApplicationState",
    "AuditAction",
    "AuditEntry",
    "Base",
    "BusyCalendar",
    "BusyTime",
    "CalendarBy",
    "CalendarRevision",
    "Channel",
    "Completion",
    "ConflictOfInterest",
    "Decision",
    "Delivery",
    "Engagement",
    "EngagementState",
    "Expert",
    "ExpertAbsence",
    "Feed",
    "FeedLanguage",
    "FeedOwner",
    "HeldSession",
    "Hold",
    "HoldOutcome",
    "IdempotentRequest",
    "Interview",
    "Invitation",
    "InvitationMethod",
    "InvitationState",
    "Lease",
    "LegalKind",
    "ManualState",
    "Notice",
    "NoticeKind",
    "NoticeState",
    "Organization",
    "Outcome",
    "Party",
    "Phase",
    "Pin",
    "PinKind",
    "Plan",
    "PlanState",
    "PlanTerms",
    "Programme",
    "ProgressRecord",
    "PromisePolicy",
    "PromiseRecord",
    "Purpose",
    "Release",
    "Reply",
    "RequirementAnswer",
    "Role",
    "Session",
    "SessionDeparture",
    "SessionLapse",
    "SessionReport",
    "SessionStatus",
    "StoredForecast",
    "StoredRehearsal",
    "WeeklyHours",
    "Withdrawal",
    "holds",
    "keep_packaged_programmes",
    "load_programme",
    "new_identifier",
]
