"""A year's rules as the office revises them: its days, and how the office itself is reached.

The days are a deadline, the end of the year, or closures. A moved deadline decides who may apply
from now on; who applied in time has applied in time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from matcher.clock import to_tokyo
from matcher.errors import Conflict, Invalid
from matcher.fields import Day, Line, unchanged
from matcher.intake.requirements import APPLIED_IN_PERIOD, CHECKS
from matcher.models import (
    Application,
    ApplicationState,
    Engagement,
    EngagementState,
    Interview,
    Programme,
    Session,
    SessionStatus,
)
from matcher.programme import (
    Closures,
    Office,
    Period,
    ProgrammeRules,
    RequirementKind,
    RulesRevision,
)
from matcher.registry import Draft

__all__ = [
    "ApplicationPeriodChanges",
    "EndOfPeriod",
    "ProgrammeChanges",
    "RevisedProgramme",
    "add_programme",
    "revise_programme",
]

LONGEST_PERIOD = dt.timedelta(days=999)
"""From the first to the last day of a programme: the solver takes no longer period."""


class ApplicationPeriodChanges(Draft):
    """What is to be different about the application period."""

    first_day: Day = unchanged()
    last_day: Day = unchanged()


class EndOfPeriod(Draft):
    """When the implementation period is to end."""

    last_day: Day


class ProgrammeChanges(Draft):
    """What is to be different about a programme, and why."""

    application_period: ApplicationPeriodChanges = unchanged()
    implementation_period: EndOfPeriod = unchanged()
    closed_days: Annotated[
        tuple[Day, ...],
        Field(max_length=366, description="the extra closures; they replace those there were"),
    ] = unchanged()
    office: Annotated[
        Office | None,
        Field(description="who writes the letters and how to reach them; null: nobody is named"),
    ] = unchanged()
    reason: Line


@dataclass(frozen=True)
class RevisedProgramme:
    """A programme that was revised, and what follows from it."""

    programme: Programme
    interviews_moved: int
    """Interviews still to be held that are due on another day than before."""
    engagements_ending_later: int
    """Engagements under way that may go on after the implementation period; they stay as agreed."""
    sessions_to_replan: tuple[str, ...]
    """Published sessions to come, by id, on days that are closed now."""


def add_programme(db: Database, rules: ProgrammeRules) -> Programme:
    """Put a year's programme on record.

    Raises:
        Conflict: there is one of its id.
        Invalid: its periods do not follow each other, a machine is to answer a requirement that it
            does not know, or a session has no phase.
    """
    if db.get(Programme, rules.id) is not None:
        raise Conflict(
            f"Programme {rules.id!r} is on record. Give the file another id, or change the days of "
            "the one on record.",
            f"事業「{rules.id}」はすでに登録されています。別の id を付けるか、"
            "登録済みの事業の日程を変更してください。",
            code="registered_already",
        )
    _check_order(rules)
    _check_requirements(rules)
    _check_phases(rules)
    programme = Programme(id=rules.id, rules=rules)
    db.add(programme)
    db.flush()
    return programme


def revise_programme(
    db: Database, programme: Programme, changes: ProgrammeChanges, by: str, now: dt.datetime
) -> RevisedProgramme:
    """Move periods and closures, name the office; count again when open interviews are due.

    Raises:
        Invalid: nothing would change, a period would end before it begins or before a session that
            is published, or applications be taken after its end.
    """
    rules = _changed(programme.rules, changes)
    _check_change(programme.rules, rules)
    _check_order(rules)
    _check_sessions(db, programme.id, rules.implementation_period)
    revision = RulesRevision(at=now, by=by, reason=changes.reason)
    data = rules.model_dump() | {"revisions": (*rules.revisions, revision)}
    programme.rules = ProgrammeRules.model_validate(data)  # the texts tell the new days
    programme.revised_at = now
    moved = _count_interviews_again(db, programme)
    db.flush()
    return RevisedProgramme(
        programme, moved, _ending_later(db, programme), _on_closed_days(db, programme, now)
    )


def _changed(rules: ProgrammeRules, changes: ProgrammeChanges) -> ProgrammeRules:
    given = changes.model_fields_set
    parts: dict[str, object] = {}
    if "application_period" in given:
        parts["application_period"] = _moved(
            rules.application_period, **changes.application_period.given()
        )
    if "implementation_period" in given:
        parts["implementation_period"] = _moved(
            rules.implementation_period, **changes.implementation_period.given()
        )
    if "closed_days" in given:
        days = tuple(sorted(set(changes.closed_days)))
        parts["closures"] = Closures.model_validate(dict(rules.closures) | {"days": days})
    if "office" in given:
        parts["office"] = changes.office
    return rules.model_copy(update=parts)


def _moved(period: Period, **days: object) -> Period:
    # Without the check of its own: what is wrong is told below, with the field and a remedy.
    return period.model_copy(update=days)


def _check_requirements(rules: ProgrammeRules) -> None:
    """Let a machine answer only what it knows: nobody else may, and nobody could be accepted."""
    answered = {*CHECKS, APPLIED_IN_PERIOD}
    for requirement in rules.requirements:
        if requirement.kind == RequirementKind.MACHINE and requirement.id not in answered:
            known = ", ".join(sorted(answered))
            raise Invalid(
                f"requirements.{requirement.id}.kind",
                "no machine answers this requirement",
                f"make it declared or verified, or give it one of these ids: {known}",
                reason_ja="システムが判定できない要件です",
                remedy_ja="kind を declared か verified にするか、"
                f"id を次のいずれかにしてください: {known}",
            )


def _check_phases(rules: ProgrammeRules) -> None:
    for number in range(1, rules.session_limit + 1):
        if sum(each.first_session <= number <= each.last_session for each in rules.phases) != 1:
            raise Invalid(
                "phases",
                f"session {number} is in no phase, or in several",
                f"let the phases cover sessions 1 to {rules.session_limit}, each once",
                reason_ja=f"第{number}回を含む段階がないか、複数あります",
                remedy_ja=f"第1回から第{rules.session_limit}回までを重複なく"
                "いずれかの段階に含めてください",
            )


def _check_change(before: ProgrammeRules, after: ProgrammeRules) -> None:
    if before == after:
        raise Invalid(
            "application_period",
            "nothing would change: all is so already, or nothing is given",
            "give other days in application_period, implementation_period or closed_days, or "
            "another office",
            reason_ja="変更がありません(現在と同じ内容、または指定なし)",
            remedy_ja="application_period、implementation_period、closed_days、office の"
            "いずれかに異なる内容を指定してください",
        )


def _check_order(rules: ProgrammeRules) -> None:
    for field in ("application_period", "implementation_period"):
        period: Period = getattr(rules, field)
        if period.last_day < period.first_day:
            raise Invalid(
                f"{field}.last_day",
                f"it lies before the first day, {period.first_day}",
                "give the first day or a later one",
                reason_ja=f"初日({period.first_day})より前です",
                remedy_ja="初日以降の日を指定してください",
            )
    end = rules.implementation_period.last_day
    longest = rules.implementation_period.first_day + LONGEST_PERIOD
    if end > longest:
        raise Invalid(
            "implementation_period.last_day",
            f"the period would be longer than {LONGEST_PERIOD.days} days",
            f"give {longest} or an earlier day",
            reason_ja=f"実施期間が{LONGEST_PERIOD.days}日を超えます",
            remedy_ja=f"{longest} 以前の日を指定してください",
        )
    if rules.application_period.last_day > end:
        raise Invalid(
            "application_period.last_day",
            f"applications would be taken after the implementation period, which ends on {end}",
            f"give {end} or an earlier day",
            reason_ja=f"実施期間の最終日({end})より後です",
            remedy_ja=f"{end} 以前の日を指定してください",
        )


def _check_sessions(db: Database, programme_id: str, period: Period) -> None:
    """Let the period end after every session that stands: a plan has no days outside of it."""
    last = db.scalar(
        select(func.max(Session.start_at))
        .join(Engagement)
        .where(Engagement.programme_id == programme_id)
        .where(Session.status != SessionStatus.CANCELLED)
    )
    if last is not None and to_tokyo(last).date() > period.last_day:
        day = to_tokyo(last).date()
        raise Invalid(
            "implementation_period.last_day",
            f"sessions are published up to {day}",
            f"give {day} or a later day, or move or cancel the sessions after the new end first",
            reason_ja=f"{day}まで確定済みの派遣があります",
            remedy_ja=f"{day} 以降の日を指定するか、先に新しい最終日より後の派遣を"
            "日程変更または取り消してください",
        )


def _on_closed_days(db: Database, programme: Programme, now: dt.datetime) -> tuple[str, ...]:
    period = programme.rules.implementation_period
    closed = set(programme.rules.closed_days(period.first_day, period.last_day))
    to_come = db.execute(
        select(Session.id, Session.start_at)
        .join(Engagement)
        .where(Engagement.programme_id == programme.id)
        .where(Session.status == SessionStatus.CONFIRMED, Session.start_at > now)
        .order_by(Session.start_at, Session.id)
    )
    return tuple(each.id for each in to_come if to_tokyo(each.start_at).date() in closed)


def _count_interviews_again(db: Database, programme: Programme) -> int:
    """When interviews that are still to be held are due, by the closures there are now."""
    rules = programme.rules
    still_open = (ApplicationState.SUBMITTED, ApplicationState.ASSESSED)
    moved = 0
    for application, interview in db.execute(
        select(Application, Interview)
        .join(Interview)
        .where(Application.programme_id == programme.id)
        .where(Application.state.in_(still_open))
        .where(Interview.held_at.is_(None))
    ).all():
        day = to_tokyo(application.submitted_at).date()
        due_on = rules.business_day_after(day, rules.interview_business_days)
        moved += interview.due_on != due_on
        interview.due_on = due_on
    return moved


def _ending_later(db: Database, programme: Programme) -> int:
    ended = (EngagementState.COMPLETED, EngagementState.WITHDRAWN)
    found = db.scalar(
        select(func.count())
        .select_from(Engagement)
        .where(Engagement.programme_id == programme.id)
        .where(Engagement.state.not_in(ended))
        .where(Engagement.latest > programme.rules.implementation_period.last_day)
    )
    return found or 0
