"""An engagement after the decision: what its sessions are for, its terms revised, its end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.delivery.sessions import free_future_sessions, phase_of, revise_session
from matcher.delivery.transitions import TRANSITIONS, Step, state_after
from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import Day, Line, MeetingUrl, Text, unchanged
from matcher.intake.acceptance import site_of, visited_on_site
from matcher.intake.drafts import InterviewFindings, session_faults
from matcher.intake.wishes import correct_wishes
from matcher.locks import ROW
from matcher.models import (
    Completion,
    Delivery,
    Engagement,
    EngagementState,
    Phase,
    Session,
    SessionStatus,
    WeeklyHours,
)
from matcher.models.application import Needs
from matcher.planning.assigning.holding import release_holds_of, require_no_hold
from matcher.planning.stating.pinning import lift_pins_of
from matcher.planning.stating.replanning import to_replan
from matcher.programme import PhaseContents, ProgrammeRules, Words
from matcher.registry import AbsenceDraft, Draft

SessionMinutes = Annotated[
    tuple[Annotated[int, Field(ge=1, le=24 * 60)], ...], Field(min_length=1, max_length=5)
]
GapDays = Annotated[int, Field(ge=1, le=366)]


class EngagementChanges(Draft):
    """What is to be different about an engagement, as the expert and the organization agreed.

    Needs, hours, absences and the way of delivery are wishes of its application, which the
    interview asked for before.
    """

    session_minutes: SessionMinutes = unchanged()
    session_contents: Annotated[tuple[Line, ...], Field(max_length=5)] | None = unchanged()
    earliest: Day = unchanged()
    latest: Day = unchanged()
    min_gap_days: GapDays = unchanged()
    target_gap_days: GapDays = unchanged()
    max_gap_days: GapDays = unchanged()
    expert_may_change: bool = unchanged()
    needs: Annotated[Needs, Field(min_length=1)] = unchanged()
    delivery: Delivery = unchanged()
    weekly_hours: Annotated[tuple[WeeklyHours, ...], Field(min_length=1, max_length=50)] = (
        unchanged()
    )
    preferred_hours: Annotated[tuple[WeeklyHours, ...], Field(max_length=50)] = unchanged()
    absences: Annotated[tuple[AbsenceDraft, ...], Field(max_length=500)] = unchanged()
    meeting_url: MeetingUrl | None = unchanged()


TERMS = frozenset(
    {
        "session_minutes",
        "session_contents",
        "earliest",
        "latest",
        "min_gap_days",
        "target_gap_days",
        "max_gap_days",
        "expert_may_change",
    }
)
"""What is the engagement's own among its changes."""

WISHES = frozenset({"needs", "delivery", "weekly_hours", "preferred_hours", "absences"})
"""What stays with its application."""


class CompletionDraft(Draft):
    """What becomes of the manual, and why the engagement ends early, if it does."""

    rollout: Text
    revision: Text
    early_reason: Text | None = None


@dataclass(frozen=True)
class CourseSession:
    """What one session of an engagement is for."""

    number: int
    minutes: int
    phase: Phase
    title: Words
    contents: PhaseContents
    """As the programme has it, for a new manual or for the review of one."""
    agreed: str | None
    """What it is about, as agreed in session 1."""


def course_of(engagement: Engagement) -> tuple[CourseSession, ...]:
    """What each session that is wanted is for."""
    purpose = engagement.application.purpose
    agreed = engagement.session_contents or (None,) * len(engagement.session_minutes)
    course = []
    for number, (minutes, own) in enumerate(
        zip(engagement.session_minutes, agreed, strict=True), 1
    ):
        phase = phase_of(engagement, number)
        contents = phase.contents(purpose)
        course.append(CourseSession(number, minutes, phase.id, phase.title, contents, own))
    return tuple(course)


def sessions_to_replan(engagement: Engagement, now: dt.datetime) -> tuple[Session, ...]:
    """The published sessions to come that its terms no longer allow, or their expert."""
    if Step.ASSIGN not in TRANSITIONS[engagement.state]:
        return ()
    tomorrow = wall_time(now).date() + dt.timedelta(days=1)
    return to_replan(engagement, _standing(engagement), tomorrow)


def revise_engagement(
    db: Database, engagement: Engagement, changes: EngagementChanges, now: dt.datetime
) -> Engagement:
    """Change what an engagement asks for; what is published stays until it is planned anew.

    A session whose phase is another one now says so at once, in calendars too.

    Raises:
        Conflict: the engagement is completed or withdrawn, or times are on hold for it.
        Invalid: the programme does not offer it, or it would change what has taken place.
    """
    state_after(engagement, Step.REVISE)
    require_no_hold(db, engagement.id, now)
    values = {name: own for name, own in changes.given().items() if name in TERMS}
    terms = {name: getattr(engagement, name) for name in TERMS} | values
    for fault in _faults(engagement, terms, values, now):
        raise fault
    for name, value in values.items():
        setattr(engagement, name, value)
    _revise_wishes(engagement, changes)
    if "meeting_url" in changes.model_fields_set:
        _renew_link(engagement, changes.meeting_url, now)
    engagement.revised_at = now
    _renew_phases(engagement, now)
    db.flush()
    return engagement


def complete(
    db: Database, engagement_id: str, draft: CompletionDraft, by: str, now: dt.datetime
) -> Engagement:
    """End an engagement: what becomes of the manual is on record, sessions to come are cancelled.

    Its pins and what is on hold for it end, too.

    Raises:
        NotFound: there is no such engagement.
        Conflict: no session was held, one that is over has no report, or it has ended already.
        Invalid: it ends early without a reason, or gives a reason and does not end early.
    """
    engagement = db.get(Engagement, engagement_id)
    if engagement is None:
        raise NotFound("engagement", engagement_id)
    db.refresh(engagement, with_for_update=ROW)  # it takes turns with publishing
    _require_held_session(engagement)
    following = state_after(engagement, Step.COMPLETE)
    _require_reports(engagement, now)
    _check_early_reason(engagement, draft)
    free_future_sessions(engagement, now)
    release_holds_of(db, engagement.id, by, now)
    lift_pins_of(db, engagement.id, by, now)
    engagement.completion = Completion(completed_at=now, completed_by=by, **dict(draft))
    engagement.state = following
    db.flush()
    return engagement


def _revise_wishes(engagement: Engagement, changes: EngagementChanges) -> None:
    """Keep other wishes with the application; where it is served follows from them.

    Raises:
        Invalid: the programme does not offer what is wished for now.
    """
    given = {name: own for name, own in changes.given().items() if name in WISHES}
    application = engagement.application
    findings = InterviewFindings.model_validate(given, from_attributes=True)
    correct_wishes(application, findings, session_minutes=engagement.session_minutes)
    if "delivery" in given:
        engagement.municipality_code = site_of(application)
        if engagement.municipality_code is not None:
            engagement.meeting_url = None


def _renew_link(engagement: Engagement, meeting_url: str | None, now: dt.datetime) -> None:
    """Set the link of the online sessions, those that are to come included.

    Raises:
        Invalid: they are not held online.
    """
    if engagement.municipality_code is not None and meeting_url is not None:
        raise visited_on_site()
    engagement.meeting_url = meeting_url
    for session in _standing(engagement):
        is_to_come = session.status == SessionStatus.CONFIRMED and session.start_at > now
        if is_to_come and session.municipality_code is None and session.meeting_url != meeting_url:
            session.meeting_url = meeting_url
            revise_session(session, now)


def _standing(engagement: Engagement) -> tuple[Session, ...]:
    """The sessions that are not cancelled, in the order of their numbers."""
    sessions = (each for each in engagement.sessions if each.status != SessionStatus.CANCELLED)
    return tuple(sorted(sessions, key=lambda each: each.number))


def _renew_phases(engagement: Engagement, now: dt.datetime) -> None:
    for session in _standing(engagement):
        phase = phase_of(engagement, session.number).id
        is_to_come = session.status == SessionStatus.CONFIRMED and session.start_at > now
        if is_to_come and session.phase != phase:
            session.phase = phase
            revise_session(session, now)


def _faults(
    engagement: Engagement,
    terms: Mapping[str, Any],
    given: Mapping[str, object],
    now: dt.datetime,
) -> Iterator[Invalid]:
    """What of the terms the programme does not offer, or would change the past."""
    application = engagement.application
    rules: ProgrammeRules = application.programme.rules
    if "session_minutes" in given:
        yield from session_faults(terms["session_minutes"], application.purpose, rules)
    yield from _number_faults(terms)
    yield from _past_faults(engagement, terms, now)
    if given.keys() & {"earliest", "latest"}:
        yield from _day_faults(terms, rules)
    yield from _gap_faults(terms)


def _number_faults(terms: Mapping[str, Any]) -> Iterator[Invalid]:
    contents, wanted = terms["session_contents"], len(terms["session_minutes"])
    if contents is not None and len(contents) != wanted:
        yield Invalid(
            "session_contents",
            f"it tells of {len(contents)} sessions, and {wanted} are wanted",
            f"give {wanted} entries, or null for what the programme has",
            reason_ja=f"{len(contents)}回分の内容ですが、希望回数は{wanted}回です",
            remedy_ja=f"{wanted}回分を指定するか、事業の標準の内容とする場合は null としてください",
        )


def _past_faults(
    engagement: Engagement, terms: Mapping[str, Any], now: dt.datetime
) -> Iterator[Invalid]:
    """What was asked for a session that has begun, or is over, stays."""
    begun = sum(
        each.status != SessionStatus.CONFIRMED or each.start_at <= now
        for each in _standing(engagement)
    )
    for name in ("session_minutes", "session_contents"):
        before, after = getattr(engagement, name), terms[name]
        if before is not None and before[:begun] != (after or ())[:begun]:
            entries = ", ".join(map(str, before[:begun]))
            yield Invalid(
                name,
                f"it changes what sessions that are over were: {entries}",
                f"begin with {'this entry' if begun == 1 else f'these {begun} entries'}",
                reason_ja=f"終了した派遣の内容が変わります({entries})",
                remedy_ja=f"最初の{begun}件はそのままにしてください",
            )


def _day_faults(terms: Mapping[str, Any], rules: ProgrammeRules) -> Iterator[Invalid]:
    period = rules.implementation_period
    if not period.first_day <= terms["earliest"] <= terms["latest"] <= period.last_day:
        yield Invalid(
            "latest",
            "earliest and latest are not in order within the implementation period",
            f"give earliest up to latest, both from {period.first_day} to {period.last_day}",
            reason_ja="開始日と終了期限の順序が逆か、実施期間から外れています",
            remedy_ja=f"{period.first_day}から{period.last_day}までの範囲で、"
            "開始日を終了期限以前にしてください",
        )


def _gap_faults(terms: Mapping[str, Any]) -> Iterator[Invalid]:
    if not terms["min_gap_days"] <= terms["target_gap_days"] <= terms["max_gap_days"]:
        yield Invalid(
            "target_gap_days",
            "the gaps are not in order",
            "give min_gap_days <= target_gap_days <= max_gap_days",
            reason_ja="派遣の間隔の大小関係が正しくありません",
            remedy_ja="min_gap_days、target_gap_days、max_gap_days の順に大きくなるよう"
            "指定してください",
        )


def _require_held_session(engagement: Engagement) -> None:
    if engagement.state in {EngagementState.WAITING, EngagementState.PLANNED}:
        raise Conflict(
            "No session of the engagement was held, so there is nothing to complete. "
            "Withdraw the application instead.",
            "この派遣案件では一度も派遣が実施されていないため、完了にできません。"
            "申込を取り下げてください。",
            code="nothing_held",
            state=engagement.state,
            possible=(Step.WITHDRAW.value,),
        )


def _require_reports(engagement: Engagement, now: dt.datetime) -> None:
    missing = tuple(
        each
        for each in _standing(engagement)
        if each.status == SessionStatus.CONFIRMED and each.start_at <= now
    )
    if missing:
        ids = tuple(each.id for each in missing)
        raise Conflict(
            f"Nobody has said what became of {', '.join(map(_named, missing))}. "
            "Report on it, or cancel it, and then complete the engagement.",
            f"実施状況が報告されていない派遣があります({'、'.join(map(_named_ja, missing))})。"
            "報告するか取り消してから、完了にしてください。",
            code="report_missing",
            sessions=ids,
        )


def _check_early_reason(engagement: Engagement, draft: CompletionDraft) -> None:
    """A session that was missed is used up; an engagement with all used up does not end early."""
    over = {SessionStatus.HELD, SessionStatus.MISSED}
    used = sum(each.status in over for each in engagement.sessions)
    wanted = len(engagement.session_minutes)
    if used < wanted and draft.early_reason is None:
        raise Invalid(
            "early_reason",
            f"{used} of {wanted} sessions have taken place, and it does not say why no more",
            "say why the engagement ends early",
            reason_ja=f"希望{wanted}回のうち{used}回で終了する理由がありません",
            remedy_ja="早期に終了する理由を記入してください",
        )
    if used >= wanted and draft.early_reason is not None:
        raise Invalid(
            "early_reason",
            f"all {wanted} sessions have taken place, so it does not end early",
            "leave it out",
            reason_ja=f"希望{wanted}回の派遣はすべて終了しています",
            remedy_ja="削除してください",
        )


def _named(session: Session) -> str:
    return f"session {session.number} ({session.id})"


def _named_ja(session: Session) -> str:
    return f"第{session.number}回 {session.id}"
