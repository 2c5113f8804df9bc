"""Moving one session to another time: a release of its own, after the checks that a plan passes."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields
from typing import Any

from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.delivery.sessions import require_confirmed
from matcher.delivery.transitions import Step, state_after
from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import Moment
from matcher.locks import ROW
from matcher.models import Programme, Session
from matcher.notices.composition import tell_of_schedules
from matcher.planning.explaining.verdicts import in_the_way
from matcher.planning.publishing.releases import Changes, number_release
from matcher.planning.stating.pinning import pinned
from matcher.planning.stating.planned import PlannedSession
from matcher.planning.stating.problem import problem_of_move
from matcher.planning.stating.records import Records, on_hold
from matcher.programme import Words
from matcher.registry import Draft
from solver.problem import Engagement, Problem, write_moment
from solver.validation import Broken, judge


class SessionMove(Draft):
    """When a session is to take place instead; it lasts as long as it did."""

    start_at: Moment


def move_session(
    db: Database, session_id: str, draft: SessionMove, by: str, now: dt.datetime
) -> Session:
    """Give one session another time, everything else as it is; calendars see it change.

    Raises:
        NotFound: there is no such session.
        Invalid: the time is no whole minute, or not after today.
        Conflict: the session is over, cancelled, reported on or pinned, its expert may serve it no
            longer, times are on hold for its engagement, or a rule forbids the time; says which.
    """
    session, records = _hold(db, session_id, now)
    state_after(session.engagement, Step.MOVE_SESSION)
    require_confirmed(session, Words(ja="日程を変更できる", en="moved"))
    _require_to_come(session, now)
    if draft.start_at == session.start_at:
        return session
    _check_time(draft.start_at, records)
    _require_free_to_move(session, records)
    _require_suitable_expert(session, records)
    _require_rules_kept(session, draft.start_at, records)
    moved = _at(session, draft.start_at)
    note = _note(session, moved)
    Changes(added=(), changed=((session, moved),), dropped=()).apply(db, now)
    number_release(db, records.programme_id, None, note, by, now)
    tell_of_schedules(db, [session.engagement_id], by, now)
    return session


def _hold(db: Database, session_id: str, now: dt.datetime) -> tuple[Session, Records]:
    """The session and all around it, while nobody else publishes."""
    session = db.get(Session, session_id)
    if session is None:
        raise NotFound("session", session_id)
    seen = session.version
    programme_id = session.engagement.programme_id
    db.get_one(Programme, programme_id, with_for_update=ROW)
    records = Records.load(db, programme_id, now, for_change=True)
    db.refresh(session)
    if session.version != seen:
        raise Conflict(
            "Somebody changed the session at this moment. Read it again, then move it.",
            "この派遣は同時に変更されました。読み直してから、もう一度変更してください。",
        )
    return session, records


def _require_to_come(session: Session, now: dt.datetime) -> None:
    if session.start_at <= now:
        raise Conflict(
            f"The session began on {_told(session.start_at)} and cannot be moved any more. "
            "Report on it, or cancel it if it did not take place.",
            f"この派遣は{_told(session.start_at)}に始まっているため、日程を変更できません。"
            "実施状況を報告するか、実施していなければ取り消してください。",
            code="session_begun",
        )


def _check_time(start_at: dt.datetime, records: Records) -> None:
    start = wall_time(start_at)
    if start.second or start.microsecond:
        raise Invalid(
            "start_at",
            "it is no whole minute",
            "leave out the seconds",
            reason_ja="分単位の日時ではありません",
            remedy_ja="秒を付けずに指定してください",
        )
    if start.date() < records.first_free_day:
        raise Invalid(
            "start_at",
            "it is not after today",
            f"give a time from {records.first_free_day} on",
            reason_ja="翌日以降の日時ではありません",
            remedy_ja=f"{records.first_free_day}以降の日時を指定してください",
        )


def _require_free_to_move(session: Session, records: Records) -> None:
    """Let a session pass whose time no pin promises, and whose engagement waits for no answer."""
    pin, hold = records.pin_on(session), records.holds.get(session.engagement_id)
    if pin is not None:
        raise pinned(pin)
    if hold is not None:
        raise on_hold(hold)


def _require_suitable_expert(session: Session, records: Records) -> None:
    engagement = records.engagements[session.engagement_id]
    for excluded in records.candidates_of(engagement).excluded:
        if excluded.expert_id == session.expert_id:
            raise Conflict(
                f"The session's expert may no longer serve the engagement: {excluded.text_en} "
                "Start a planning run, which finds another one.",
                f"この派遣の専門家は担当できなくなっています: {excluded.text_ja}"
                "派遣計画を作り直して、ほかの専門家を割り当ててください。",
                code="expert_unsuitable",
                reason=excluded.code,
            )


def _require_rules_kept(session: Session, start_at: dt.datetime, records: Records) -> None:
    """Let the judge pass the session at its new time.

    Raises:
        Conflict: a rule is broken that is not broken by the session where it stands.
    """
    problem = problem_of_move(records, session)
    before = frozenset(_broken(problem, session, session.start_at))
    broken = [each for each in _broken(problem, session, start_at) if each not in before]
    if broken:
        conditions = in_the_way(broken, problem, session.engagement_id)
        raise Conflict(
            f"The session cannot be moved to {_told(start_at)}. In the way: "
            f"{', '.join(each.en for each in conditions)}.",
            f"この派遣は{_told(start_at)}に変更できません。"
            f"支障となる条件: {'、'.join(each.ja for each in conditions)}。",
            code="rule_broken",
            rules=tuple(dict.fromkeys(each.rule for each in broken)),
            broken=tuple(map(str, broken)),
        )


def _broken(problem: Problem, session: Session, start_at: dt.datetime) -> tuple[Broken, ...]:
    """What the judge finds in the plan that leaves all as it is, and the session at a time."""
    assignments = [_assignment(each, session, start_at) for each in problem.engagements]
    plan = {"format": "plan/1", "assignments": assignments}
    return judge(problem.to_json(), json.dumps(plan).encode()).broken


def _assignment(engagement: Engagement, session: Session, start_at: dt.datetime) -> dict[str, Any]:
    starts = {pin.session: pin.start for pin in engagement.pinned}
    expert = engagement.pinned[-1].expert if engagement.pinned else session.expert_id
    if engagement.id == session.engagement_id:
        starts[session.number] = wall_time(start_at)
        expert = session.expert_id
    return {
        "engagement": engagement.id,
        "expert": expert,
        "starts": [write_moment(starts[number]) for number in sorted(starts)],
    }


def _at(session: Session, start_at: dt.datetime) -> PlannedSession:
    """The session as it is, at another time."""
    values = {field.name: getattr(session, field.name) for field in fields(PlannedSession)}
    end_at = start_at + (session.end_at - session.start_at)
    return PlannedSession(**values | {"start_at": start_at, "end_at": end_at})


def _note(session: Session, moved: PlannedSession) -> str:
    return (
        f"{session.engagement_id}: session {session.number} moved from "
        f"{_told(session.start_at)} to {_told(moved.start_at)}, everything else as it was"
    )


def _told(moment: dt.datetime) -> str:
    return f"{wall_time(moment):%Y-%m-%d %H:%M}"
