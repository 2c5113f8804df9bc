"""What became of a session whose time has come: it was held, with a report, or missed, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session as Database

from matcher.clock import to_tokyo
from matcher.delivery.sessions import (
    STATUSES_JA,
    LapseDraft,
    lapse,
    require_confirmed,
    revise_session,
    session_for_change,
)
from matcher.delivery.transitions import Step, state_after
from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import Line, OptionalLine, Paragraphs
from matcher.models import (
    Engagement,
    EngagementState,
    ManualState,
    Party,
    Session,
    SessionReport,
    SessionStatus,
)
from matcher.programme import Words
from matcher.registry import Draft

Lines = Annotated[tuple[Line, ...], Field(max_length=50)]


class SessionOutcome(StrEnum):
    """What became of a session."""

    HELD = "held"
    MISSED = "missed"


class ReportDraft(Draft):
    """What is said of a session: of one held, what was done; of one missed, because of whom."""

    outcome: SessionOutcome
    attendees: Lines = ()
    done: Paragraphs = ""
    tasks: Lines = ()
    manual_state: ManualState | None = None
    party: Party | None = None
    reason: OptionalLine = ""


@dataclass(frozen=True)
class Report:
    """What is on record of a session that was held or missed."""

    session_id: str
    outcome: SessionOutcome
    attendees: tuple[str, ...]
    done: str
    tasks: tuple[str, ...]
    manual_state: ManualState | None
    party: Party | None
    reason: str
    reported_by: str
    reported_at: dt.datetime


def report_session(
    db: Database, session_id: str, draft: ReportDraft, by: str, now: dt.datetime
) -> Session:
    """Keep what became of a session; the first one held begins its engagement.

    A session that was missed is used up: it counts as one of the visits.

    Raises:
        NotFound: there is no such session.
        Invalid: something is missing of what its outcome needs, or belongs to the other outcome.
        Conflict: it is not over, is cancelled or reported on already, or its engagement is
            completed.
    """
    _check_fields(draft)
    session = session_for_change(db, session_id)
    following = state_after(session.engagement, _STEPS[draft.outcome])
    require_confirmed(session, Words(ja="報告できる", en="reported on"))
    _require_over(session, now)
    _keep(session, draft, by, now)
    session.engagement.state = following
    db.flush()
    return session


def correct_report(
    db: Database, session_id: str, draft: ReportDraft, by: str, now: dt.datetime
) -> Session:
    """Replace what is on record of a session by a whole report; its outcome may be another one.

    Words are corrected at any time, even after a completion or a withdrawal. Another outcome is
    told to calendars, and decides anew whether the engagement has begun.

    Raises:
        NotFound: there is no such session.
        Invalid: something is missing of what its outcome needs, or belongs to the other outcome.
        Conflict: nobody has reported on it; or it has another outcome, and its engagement is
            completed or withdrawn.
    """
    _check_fields(draft)
    session = session_for_change(db, session_id)
    before = report_to_correct(session)
    if all(getattr(before, name) == value for name, value in draft):
        return session
    if draft.outcome == before.outcome:
        _keep(session, draft, by, now)
    else:
        following = state_after(session.engagement, Step.CORRECT_OUTCOME)
        _keep(session, draft, by, now)
        begun = _has_begun(session.engagement)
        session.engagement.state = following if begun else EngagementState.PLANNED
        revise_session(session, now)
    db.flush()
    return session


def report_to_correct(session: Session) -> Report:
    """What is on record of a session, before it is corrected.

    Raises:
        Conflict: nobody has reported on it.
    """
    if session.status not in {SessionStatus.HELD, SessionStatus.MISSED}:
        raise Conflict(
            "Only a session that was reported on (POST) has a report to correct; "
            f"this one is {session.status}.",
            f"訂正できるのは報告(POST)済みの派遣だけです(状態: {STATUSES_JA[session.status]})。",
            code="nothing_reported",
            session_status=session.status,
        )
    return report_of(session)


def report_of(session: Session) -> Report:
    """What is on record of a session that was held or missed.

    Raises:
        NotFound: nobody has reported on it.
    """
    if session.status == SessionStatus.HELD and session.report is not None:
        held = session.report
        return Report(
            session_id=session.id,
            outcome=SessionOutcome.HELD,
            attendees=held.attendees,
            done=held.done,
            tasks=held.tasks,
            manual_state=held.manual_state,
            party=None,
            reason="",
            reported_by=held.reported_by,
            reported_at=held.reported_at,
        )
    if session.status == SessionStatus.MISSED and session.lapse is not None:
        missed = session.lapse
        return Report(
            session_id=session.id,
            outcome=SessionOutcome.MISSED,
            attendees=(),
            done="",
            tasks=(),
            manual_state=None,
            party=missed.party,
            reason=missed.reason,
            reported_by=missed.recorded_by,
            reported_at=missed.recorded_at,
        )
    raise NotFound("report", session.id)


def _has_begun(engagement: Engagement) -> bool:
    return any(each.status == SessionStatus.HELD for each in engagement.sessions)


def _keep(session: Session, draft: ReportDraft, by: str, now: dt.datetime) -> None:
    if draft.party is not None:  # which only a missed session has
        session.status, session.report = SessionStatus.MISSED, None
        session.lapse = lapse(LapseDraft(party=draft.party, reason=draft.reason), by, now)
    else:
        session.status, session.lapse = SessionStatus.HELD, None
        session.report = SessionReport(
            attendees=draft.attendees,
            done=draft.done,
            tasks=draft.tasks,
            manual_state=draft.manual_state,
            reported_by=by,
            reported_at=now,
        )


def _check_fields(draft: ReportDraft) -> None:
    needed, foreign = _NEEDED[draft.outcome], _FOREIGN[draft.outcome]
    for name in needed:
        if _is_empty(getattr(draft, name)):
            raise Invalid(
                name,
                f"it says nothing, and a report of a session that was {draft.outcome} needs it",
                "fill it in",
                reason_ja=f"{_OUTCOMES_JA[draft.outcome]}派遣の報告に必要ですが、記入がありません",
                remedy_ja="記入してください",
            )
    for name in foreign:
        if not _is_empty(getattr(draft, name)):
            raise Invalid(
                name,
                f"it does not belong to a session that was {draft.outcome}",
                "leave it out, or give the other outcome",
                reason_ja=f"{_OUTCOMES_JA[draft.outcome]}派遣の報告には記入できません",
                remedy_ja="削除するか、outcome を直してください",
            )


def _is_empty(value: object) -> bool:
    return not (value.strip() if isinstance(value, str) else value)


def _require_over(session: Session, now: dt.datetime) -> None:
    if now < session.end_at:
        end = to_tokyo(session.end_at)
        raise Conflict(
            f"The session is not over: it ends on {end:%Y-%m-%d} at {end:%H:%M} in Tokyo. "
            "Report on it afterwards.",
            f"この派遣はまだ終わっていません(終了予定: {end:%Y-%m-%d %H:%M})。"
            "終了後に報告してください。",
            code="session_not_over",
            end_at=end.isoformat(),
        )


_STEPS: Mapping[SessionOutcome, Step] = MappingProxyType(
    {SessionOutcome.HELD: Step.REPORT_HELD, SessionOutcome.MISSED: Step.REPORT_MISSED}
)
_NEEDED: Mapping[SessionOutcome, tuple[str, ...]] = MappingProxyType(
    {
        SessionOutcome.HELD: ("attendees", "done", "manual_state"),
        SessionOutcome.MISSED: ("party", "reason"),
    }
)
_FOREIGN: Mapping[SessionOutcome, tuple[str, ...]] = MappingProxyType(
    {
        SessionOutcome.HELD: ("party", "reason"),
        SessionOutcome.MISSED: ("attendees", "done", "tasks", "manual_state"),
    }
)
_OUTCOMES_JA: Mapping[SessionOutcome, str] = MappingProxyType(
    {SessionOutcome.HELD: "実施した", SessionOutcome.MISSED: "実施できなかった"}
)
