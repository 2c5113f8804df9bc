"""The life of an application, from submission to decision: one function a use case.

::

    submitted ─ assess ─► assessed ─ interview ─► interviewed ─ accept ─► accepted
                              └───────── decline ──────┴───────────────► declined
    interview, again: corrects what was recorded, until the decision
    withdraw: from anywhere before the decision, and from accepted until the engagement is completed

A use case changes the database session it is given and flushes; committing is its caller's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from matcher.clock import to_tokyo
from matcher.errors import Conflict, Invalid, NotFound
from matcher.intake.acceptance import new_engagement, withdraw_engagement
from matcher.intake.answers import GivenAnswer, keep_answer, keep_answers
from matcher.intake.drafts import (
    ApplicationDraft,
    InterviewFindings,
    faults,
)
from matcher.intake.requirements import APPLIED_IN_PERIOD, Assessment, Finding, assess
from matcher.intake.transitions import Step, state_after
from matcher.intake.wishes import absences_of, correct_wishes
from matcher.locks import ROW
from matcher.models import (
    Answer,
    AnswerSource,
    Application,
    ApplicationState,
    Decision,
    Engagement,
    Interview,
    Organization,
    Outcome,
    Programme,
    Session,
    SessionStatus,
    Withdrawal,
    new_identifier,
)
from matcher.notices.composition import draft_notice
from matcher.planning.assigning.holding import release_holds_of
from matcher.planning.stating.pinning import lift_pins_of
from matcher.programme import ProgrammeRules

__all__ = [
    "decide",
    "record_answers",
    "record_assessment",
    "record_interview",
    "refusals",
    "submit",
    "withdraw",
]

RECORDED_BY = "matcher"
"""Who answered what nobody asked about: this program."""

Found = TypeVar("Found")

NO_FINDINGS = InterviewFindings()
"""The interview showed nothing new of the organization's wishes."""


def submit(
    db: Database, draft: ApplicationDraft, now: dt.datetime, *, application_id: str | None = None
) -> Application:
    """Take an application in; its interview falls due some business days later.

    Raises:
        NotFound: there is no such programme, organization or requirement.
        Conflict: the application period is over or has not begun, or the organization has
            applied already.
        Invalid: the draft asks for what the programme does not offer.
    """
    rules = _found(db.get(Programme, draft.programme_id), "programme", draft.programme_id).rules
    organization = _found(
        db.get(Organization, draft.organization_id, with_for_update=True),  # it applies once
        "organization",
        draft.organization_id,
    )
    for refusal in refusals(db, draft, rules, now):
        raise refusal
    day = to_tokyo(now).date()
    application = Application(
        id=application_id or new_identifier("A"),
        submitted_at=now,
        state=ApplicationState.SUBMITTED,
        organization=organization,
        absences=absences_of(draft.absences),
        interview=Interview(due_on=rules.business_day_after(day, rules.interview_business_days)),
        **{name: getattr(draft, name) for name in _COPIED_FIELDS},
    )
    db.add(application)
    keep_answers(
        application, rules, draft.answers, AnswerSource.DECLARED, organization.contact_name, now
    )
    in_period = GivenAnswer(
        requirement_id=APPLIED_IN_PERIOD, answer=Answer.MET, evidence=day.isoformat()
    )
    keep_answer(application, in_period, AnswerSource.MACHINE, RECORDED_BY, now)
    db.flush()
    return application


def refusals(
    db: Database, draft: ApplicationDraft, rules: ProgrammeRules, now: dt.datetime
) -> Iterator[Conflict | Invalid]:
    """All for which an application is not taken in now: `submit` raises the first."""
    yield from _period_refusals(rules, to_tokyo(now).date())
    yield from _other_applications(db, draft)
    yield from faults(draft, rules)
    yield from _too_few_sessions_left(db, draft, rules)


def record_answers(
    db: Database,
    application_id: str,
    answers: Sequence[GivenAnswer],
    source: AnswerSource,
    by: str,
    now: dt.datetime,
) -> Application:
    """Keep what the organization declared, or what staff verified, about requirements.

    Raises:
        NotFound: there is no such application or requirement.
        Conflict: the application is decided, or a declaration would replace what staff verified.
        Invalid: a machine answers the requirement.
    """
    application = _load(db, application_id)
    application.state = state_after(application, Step.ANSWER)
    keep_answers(application, application.programme.rules, answers, source, by, now)
    db.flush()
    return application


def record_assessment(db: Database, application_id: str, by: str, now: dt.datetime) -> Assessment:
    """Assess the requirements and keep what the machine answered; `by` is who asked for it.

    Raises:
        NotFound: there is no such application.
        Conflict: the application is decided.
    """
    application = _load(db, application_id)
    following = state_after(application, Step.ASSESS)
    assessment = assess(application, application.programme.rules, now)
    for finding in assessment.findings:
        if finding.source == AnswerSource.MACHINE:
            given = GivenAnswer(
                requirement_id=finding.requirement.id,
                answer=finding.answer,
                evidence=finding.evidence,
            )
            keep_answer(application, given, AnswerSource.MACHINE, by, now)
    application.state = following
    db.flush()
    return assessment


def record_interview(
    db: Database,
    application_id: str,
    caller: str,
    notes: str | None,
    now: dt.datetime,
    *,
    held_at: dt.datetime | None = None,
    findings: InterviewFindings = NO_FINDINGS,
) -> Interview:
    """Keep the phone call before the decision: who called, what was said, what it showed.

    The findings replace what the application asked for. Recorded again, it corrects the record:
    notes and `held_at` that are left out stay as they were; at first they are none, and now.

    Raises:
        NotFound: there is no such application.
        Conflict: the application is not assessed yet, or already decided.
        Invalid: the call was before the application, or is yet to come; or the programme does not
            offer what is wished for now.
    """
    application = _load(db, application_id)
    following = state_after(application, Step.INTERVIEW)
    interview = _found(application.interview, "interview", application_id)
    held_at = held_at or interview.held_at or now
    if not application.submitted_at <= held_at <= now:
        raise Invalid(
            "held_at",
            "the interview lies before the application or in the future",
            "give the time at which the call took place",
            reason_ja="ヒアリングの日時が申込より前か、未来になっています",
            remedy_ja="実際に電話した日時を指定してください",
        )
    correct_wishes(application, findings)
    interview.held_at, interview.caller = held_at, caller
    if notes is not None:
        interview.notes = notes
    application.state = following
    db.flush()
    return interview


def decide(
    db: Database,
    application_id: str,
    outcome: Outcome,
    reasons: Sequence[str],
    by: str,
    now: dt.datetime,
    *,
    meeting_url: str | None = None,
) -> Decision:
    """Accept the application, which makes an engagement, or decline it; write the notice of it.

    `reasons` are words; where it is declined, the requirements not met are named before them.
    `meeting_url` is the link of online sessions, if it is known.

    Raises:
        NotFound: there is no such application.
        Conflict: the state forbids it, a requirement is not met or not answered, or no day is left.
        Invalid: it is declined without any reason.
    """
    application = _load(db, application_id)
    step = Step.ACCEPT if outcome == Outcome.ACCEPTED else Step.DECLINE
    following = state_after(application, step)
    assessment = assess(application, application.programme.rules, now)
    if step == Step.ACCEPT:
        _require_eligible(assessment)
        application.engagement = new_engagement(application, meeting_url, now)
    else:
        reasons = _reasons_to_decline(assessment, reasons)
    application.decision = Decision(
        outcome=outcome, decided_at=now, decided_by=by, reasons=tuple(reasons)
    )
    application.state = following
    db.add(draft_notice(application, by, now))
    db.flush()
    return application.decision


def withdraw(
    db: Database, application_id: str, by: str, now: dt.datetime, *, reason: str
) -> Application:
    """Take an application back; the sessions that are still to come are cancelled.

    What is on hold for it is free again, and its pins are lifted.

    Raises:
        NotFound: there is no such application.
        Conflict: it is declined or withdrawn already, or its engagement is completed.
    """
    application = _load(db, application_id)
    following = state_after(application, Step.WITHDRAW)
    if application.engagement is not None:
        db.refresh(application.engagement, with_for_update=ROW)  # it takes turns with publishing
        withdraw_engagement(application.engagement, now)
        release_holds_of(db, application.engagement.id, by, now)
        lift_pins_of(db, application.engagement.id, by, now)
    application.withdrawal = Withdrawal(withdrawn_at=now, withdrawn_by=by, reason=reason)
    application.state = following
    db.flush()
    return application


_COPIED_FIELDS = tuple(
    name
    for name in ApplicationDraft.model_fields
    if name not in {"organization_id", "absences", "answers"}
)


def _load(db: Database, application_id: str) -> Application:
    # It takes turns with others: answers and interviews alone would not tell them of each other.
    # Whoever holds the engagement may still draft a notice to the application: with a stronger lock
    # each would wait for the other.
    application = db.get(
        Application,
        application_id,
        with_for_update={"of": Application, **ROW},
        populate_existing=True,
    )
    return _found(application, "application", application_id)


def _found(thing: Found | None, kind: str, identifier: str) -> Found:
    if thing is None:
        raise NotFound(kind, identifier)
    return thing


def _period_refusals(rules: ProgrammeRules, day: dt.date) -> Iterator[Conflict]:
    period = rules.application_period
    if day not in period:
        yield Conflict(
            f"Applications are taken from {period.first_day} to {period.last_day}; today is {day}.",
            f"申込期間は{period.first_day}から{period.last_day}までです(本日は{day})。",
            code="outside_application_period",
            first_day=period.first_day.isoformat(),
            last_day=period.last_day.isoformat(),
        )


def _other_applications(db: Database, draft: ApplicationDraft) -> Iterator[Conflict]:
    """One course of sessions is all an organization may receive in a programme."""
    ended = (ApplicationState.DECLINED, ApplicationState.WITHDRAWN)
    other = db.scalar(
        select(Application.id).where(
            Application.programme_id == draft.programme_id,
            Application.organization_id == draft.organization_id,
            Application.state.not_in(ended),
        )
    )
    if other is not None:
        yield Conflict(
            f"The organization has applied already: {other}. Withdraw that one first.",
            f"この団体はすでに申込済みです({other})。先にその申込を取り下げてください。",
            code="applied_already",
            application_id=other,
        )


def _too_few_sessions_left(
    db: Database, draft: ApplicationDraft, rules: ProgrammeRules
) -> Iterator[Conflict | Invalid]:
    """Who withdrew after some sessions may apply again, for those that are left of a course."""
    used = db.scalar(
        select(func.count())
        .select_from(Session)
        .join(Engagement)
        .where(Engagement.programme_id == draft.programme_id)
        .where(Engagement.organization_id == draft.organization_id)
        .where(Session.status.in_((SessionStatus.HELD, SessionStatus.MISSED)))
    )
    left = rules.session_limit_of(draft.purpose) - (used or 0)
    if left <= 0:
        yield Conflict(
            f"The organization has received all sessions of a course in this programme: {used}.",
            f"この団体は今年度の派遣回数の上限に達しています(実施済み{used}回)。",
            code="no_session_left",
            used=used,
        )
    elif used and len(draft.session_minutes) > left:
        yield Invalid(
            "session_minutes",
            f"{used} sessions were used before in this programme",
            f"ask for at most {left}",
            reason_ja=f"今年度すでに{used}回の派遣を利用しています",
            remedy_ja=f"{left}回以内で指定してください",
        )


def _require_eligible(assessment: Assessment) -> None:
    if assessment.eligible:
        return
    not_met, unknown = _ids(assessment.not_met), _ids(assessment.unknown)
    raise Conflict(
        f"Accepted needs every requirement met. Not met: {', '.join(not_met) or 'none'}; "
        f"not answered: {', '.join(unknown) or 'none'}. Decline it, or record what is missing.",
        "実施決定にはすべての要件を満たす必要があります。"
        f"満たさない要件: {_quoted(assessment.not_met) or 'なし'}。"
        f"未確認の要件: {_quoted(assessment.unknown) or 'なし'}。"
        "実施見送りとするか、不足している回答を記録してください。",
        code="not_eligible",
        not_met=not_met,
        unknown=unknown,
    )


def _reasons_to_decline(assessment: Assessment, others: Sequence[str]) -> tuple[str, ...]:
    known = {each.requirement.id for each in assessment.findings}
    for place, reason in enumerate(others):
        if reason in known - {*_ids(assessment.not_met)}:
            raise Invalid(
                f"reasons.{place}",
                f"the requirement {reason} is not recorded as not met",
                "record the answer first, or say the reason in words",
                reason_ja=f"要件 {reason} は「満たしていない」と記録されていません",
                remedy_ja="先に要件の回答を記録するか、理由を文章で記入してください",
            )
    reasons = tuple(dict.fromkeys((*_ids(assessment.not_met), *others)))
    if not reasons:
        raise Invalid(
            "reasons",
            "every requirement may still be met, and no other reason is given",
            "say why the application is declined",
            reason_ja="満たさない要件がなく、ほかの理由も示されていません",
            remedy_ja="見送りの理由を記入してください",
        )
    return reasons


def _ids(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(finding.requirement.id for finding in findings)


def _quoted(findings: Iterable[Finding]) -> str:
    """The requirements in Japanese, each in quotation marks: some hold several sentences."""
    return "".join(f"「{finding.requirement.text.ja.rstrip('。')}」" for finding in findings)
