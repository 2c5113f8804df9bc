"""Holds: an offer's times, kept free while an organization is asked, then assigned or let go.

Whoever changes a hold has its engagement's row; whoever makes or assigns one has the programme's
too, so that of two who want the same time one waits for the other, and then sees what it did.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import Field
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session as Database

from matcher.clock import start_of, wall_time
from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import Identifier, Moment
from matcher.locks import ROW
from matcher.models import Engagement, HeldSession, Hold, HoldOutcome, Programme, Release
from matcher.planning.assigning.assignment import Proposal, publish_proposal
from matcher.planning.assigning.offers import Surroundings
from matcher.planning.stating.records import on_hold
from matcher.programme import Words
from matcher.registry import Draft

__all__ = [
    "DEFAULT_HOURS",
    "MOST_HOURS",
    "HoldDraft",
    "HoldState",
    "assign_hold",
    "find_hold",
    "hold_times",
    "in_state",
    "release_hold",
    "release_holds_of",
    "require_no_hold",
    "state_of",
]

DEFAULT_HOURS = 48
"""How long times are held unless said otherwise: an answer by telephone the day after next."""

MOST_HOURS = 14 * 24
"""Nobody's time waits longer for an answer."""


class HoldState(StrEnum):
    """What has become of a hold."""

    HOLDING = "holding"
    ASSIGNED = "assigned"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldDraft(Draft):
    """Times to hold: the expert and the starts of an offer, and for how long."""

    expert_id: Identifier
    starts: Annotated[
        tuple[Moment, ...],
        Field(min_length=1, max_length=5, description="of the offer's sessions, in their order"),
    ]
    hours: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_HOURS,
            description="until when; the day of the first session ends it in any case",
        ),
    ] = DEFAULT_HOURS


def hold_times(
    db: Database, engagement_id: str, draft: HoldDraft, by: str, now: dt.datetime
) -> Hold:
    """Keep an offer's times free for an engagement; nothing else is planned over them.

    Raises:
        NotFound: there is no such engagement, or no such expert.
        Invalid: the starts are no whole minutes, not in order, or more than are wanted.
        Conflict: the times were taken meanwhile, or a rule forbids them; the engagement has a
            hold already, or all its sessions; its expert is pinned to be another.
    """
    _lock_programme(db, _engagement(db, engagement_id))
    around = Surroundings.load(db, engagement_id, now, for_change=True)
    _check_starts(draft.starts, around)
    proposal = around.proposal(draft.expert_id, tuple(map(wall_time, draft.starts)))
    sessions = tuple(
        HeldSession(each.number, each.start_at, each.end_at) for each in proposal.sessions
    )
    hold = Hold(
        programme_id=proposal.programme_id,
        engagement_id=engagement_id,
        expert_id=draft.expert_id,
        sessions=sessions,
        held_until=min(now + dt.timedelta(hours=draft.hours), _day_of(sessions[0])),
        created_at=now,
        created_by=by,
    )
    db.add(hold)
    db.flush()
    return hold


def assign_hold(db: Database, hold_id: str, by: str, now: dt.datetime) -> tuple[Proposal, Release]:
    """Publish exactly the times that are on hold, as a release of its own.

    Raises:
        NotFound: there is no such hold.
        Conflict: it has ended, or the times are not possible any more: says why.
    """
    hold = find_hold(db, hold_id)
    _lock_programme(db, _engagement(db, hold.engagement_id))
    _lock(db, hold)
    _require_holding(hold, now)
    _end(hold, HoldOutcome.ASSIGNED, by, now)
    db.flush()
    around = Surroundings.load(db, hold.engagement_id, now, for_change=True)
    starts = tuple(wall_time(each.start_at) for each in hold.sessions)
    proposal = around.proposal(hold.expert_id, starts)
    _require_as_held(hold, proposal)
    how = f"as held since {wall_time(hold.created_at):%Y-%m-%d %H:%M}"
    return proposal, publish_proposal(db, proposal, by, now, how=how)


def _require_as_held(hold: Hold, proposal: Proposal) -> None:
    """Refuse other times than the organization was asked about; a number may have moved up."""
    found = {(each.start_at, each.end_at) for each in proposal.sessions}
    if any((each.start_at, each.end_at) not in found for each in hold.sessions):
        raise Conflict(
            "The engagement's sessions have changed since, and the times on hold would be other "
            "sessions than were offered. Let them go, and make new offers.",
            "仮押さえの後に派遣の回数または時間が変わったため、このままでは確定できません。"
            "仮押さえを解除し、改めて候補を作成してください。",
            code="offer_gone",
        )


def release_hold(db: Database, hold_id: str, by: str, now: dt.datetime) -> Hold:
    """Let the times go before their time.

    Raises:
        NotFound: there is no such hold.
        Conflict: it has ended already.
    """
    hold = find_hold(db, hold_id)
    _lock(db, hold)
    _require_holding(hold, now)
    _end(hold, HoldOutcome.RELEASED, by, now)
    db.flush()
    return hold


def release_holds_of(db: Database, engagement_id: str, by: str, now: dt.datetime) -> None:
    """Let the times go of an engagement that ends; the caller holds its row."""
    for hold in _holding(db, engagement_id, now):
        _end(hold, HoldOutcome.RELEASED, by, now)


def require_no_hold(db: Database, engagement_id: str, now: dt.datetime) -> None:
    """Let only an engagement pass that waits for no answer.

    Raises:
        Conflict: times are on hold for it.
    """
    for hold in _holding(db, engagement_id, now):
        raise on_hold(hold)


def find_hold(db: Database, hold_id: str) -> Hold:
    """A hold by its id, ended or not.

    Raises:
        NotFound: there is no such hold.
    """
    hold = db.get(Hold, hold_id)
    if hold is None:
        raise NotFound("hold", hold_id)
    return hold


def state_of(hold: Hold, now: dt.datetime) -> HoldState:
    """What has become of a hold; time ends it without anybody's doing."""
    if hold.outcome is not None:
        return HoldState(hold.outcome.value)
    return HoldState.HOLDING if now < hold.held_until else HoldState.EXPIRED


def in_state(state: HoldState, now: dt.datetime) -> ColumnElement[bool]:
    """The condition on holds that are in a state."""
    if state == HoldState.HOLDING:
        return and_(Hold.outcome.is_(None), Hold.held_until > now)
    if state == HoldState.EXPIRED:
        return and_(Hold.outcome.is_(None), Hold.held_until <= now)
    return Hold.outcome == HoldOutcome(state.value)


def _holding(db: Database, engagement_id: str, now: dt.datetime) -> Sequence[Hold]:
    return db.scalars(
        select(Hold)
        .where(Hold.engagement_id == engagement_id, in_state(HoldState.HOLDING, now))
        .execution_options(populate_existing=True)
    ).all()


def _end(hold: Hold, outcome: HoldOutcome, by: str, now: dt.datetime) -> None:
    hold.outcome, hold.ended_at, hold.ended_by = outcome, now, by


def _engagement(db: Database, engagement_id: str) -> Engagement:
    engagement = db.get(Engagement, engagement_id)
    if engagement is None:
        raise NotFound("engagement", engagement_id)
    return engagement


def _lock_programme(db: Database, engagement: Engagement) -> None:
    """Take turns with all who publish or hold."""
    db.get_one(Programme, engagement.programme_id, with_for_update=ROW)


def _lock(db: Database, hold: Hold) -> None:
    """Take turns with all who change the hold, and see it as it is now."""
    db.get_one(Engagement, hold.engagement_id, with_for_update={"of": Engagement, **ROW})
    db.refresh(hold)


def _require_holding(hold: Hold, now: dt.datetime) -> None:
    state = state_of(hold, now)
    if state != HoldState.HOLDING:
        facts = {"until": wall_time(hold.held_until), "engagement": hold.engagement_id}
        words = _ENDED[state]
        raise Conflict(
            words.en.format(**facts),
            words.ja.format(**facts),
            code="hold_ended",
            hold=hold.id,
            state=state.value,
        )


_ENDED: Mapping[HoldState, Words] = MappingProxyType(
    {
        HoldState.ASSIGNED: Words(
            ja="この仮押さえの日程はすでに確定されています。",
            en="The times of this hold were assigned already.",
        ),
        HoldState.RELEASED: Words(
            ja="この仮押さえはすでに解除されています。{engagement}の割当案を取り直してください。",
            en="This hold was released already. Ask for offers for {engagement} again.",
        ),
        HoldState.EXPIRED: Words(
            ja="この仮押さえは{until:%Y-%m-%d %H:%M}に期限が切れ、日程は確保されていません。"
            "{engagement}の割当案を取り直してください。",
            en="This hold ran out on {until:%Y-%m-%d %H:%M}, and its times are free again. "
            "Ask for offers for {engagement} again.",
        ),
    }
)
"""Why nothing more can be done with a hold, and what helps."""


def _check_starts(starts: Sequence[dt.datetime], around: Surroundings) -> None:
    if any(each.second or each.microsecond for each in starts):
        raise Invalid(
            "starts",
            "one is no whole minute",
            "give those of an offer",
            reason_ja="分単位でない日時があります",
            remedy_ja="割当案の日時を指定してください",
        )
    if list(starts) != sorted(set(starts)):
        raise Invalid(
            "starts",
            "they are not in order",
            "give those of an offer, the earliest first",
            reason_ja="日時の順に並んでいません",
            remedy_ja="割当案の日時を早い順に指定してください",
        )
    lacking = len(around.asked.durations) - len(around.asked.pinned)
    if len(starts) > lacking:
        raise Invalid(
            "starts",
            f"they are {len(starts)}, and the engagement lacks {lacking}",
            "give those of an offer",
            reason_ja=f"{len(starts)}回分ありますが、不足しているのは{lacking}回です",
            remedy_ja="割当案の日時を指定してください",
        )


def _day_of(session: HeldSession) -> dt.datetime:
    """The moment at which its day begins: from then on nothing more is planned on it."""
    return start_of(wall_time(session.start_at).date())
