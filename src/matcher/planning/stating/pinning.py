"""Pins: what planners promise of an engagement, set and lifted; nothing else may change it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, Invalid, NotFound
from matcher.fields import Identifier, Line
from matcher.locks import ROW
from matcher.models import Engagement, Expert, Pin, PinKind, Session, SessionStatus
from matcher.planning.stating.matching import candidates
from matcher.planning.stating.records import PLANNABLE_STATES
from matcher.planning.stating.replanning import unfit
from matcher.programme import ProgrammeRules, Words
from matcher.registry import Draft

__all__ = [
    "PinDraft",
    "find_pin",
    "lift_pin",
    "lift_pins_of",
    "pinned",
    "pins_of",
    "require_loose",
    "set_pin",
]


class PinDraft(Draft):
    """What is promised, and why; each kind needs its own fields and no others."""

    kind: PinKind
    engagement_id: Identifier | None = Field(
        default=None, description="with `expert` and `schedule`: of which engagement"
    )
    session_id: Identifier | None = Field(default=None, description="with `session`: which one")
    expert_id: Identifier | None = Field(
        default=None, description="with `expert`: who serves the engagement"
    )
    reason: Line


def set_pin(db: Database, draft: PinDraft, by: str, now: dt.datetime) -> Pin:
    """Promise a session, an expert, or a schedule: nothing changes it until it is lifted.

    Raises:
        Invalid: a field is missing that the kind needs, or belongs to another kind.
        NotFound: there is no such engagement, session or expert.
        Conflict: it is pinned already, contradicts another pin, or cannot be kept: says why.
    """
    _check_fields(draft)
    engagement = _engagement(db, draft)
    # It takes turns with publishing.
    db.refresh(engagement, with_for_update={"of": Engagement, **ROW})
    pin = Pin(
        programme_id=engagement.programme_id,
        kind=draft.kind,
        engagement_id=engagement.id,
        session_id=draft.session_id,
        expert_id=draft.expert_id,
        reason=draft.reason,
        created_at=now,
        created_by=by,
    )
    _require_plannable(engagement)
    others = pins_of(db, engagement.id)
    _require_new(pin, others)
    to_come = _sessions_to_come(db, engagement.id, now)
    _require_agreement([*others, pin], to_come)
    if draft.expert_id is not None:
        _require_may_serve(_expert(db, draft.expert_id), engagement)
    else:
        _require_can_take_place(db, engagement, [each for each in to_come if pin.covers(each.id)])
    db.add(pin)
    db.flush()
    return pin


def lift_pin(db: Database, pin_id: str, by: str, now: dt.datetime) -> Pin:
    """Take a pin away: what it promised may change again.

    Raises:
        NotFound: there is no such pin.
        Conflict: it was lifted before.
    """
    pin = find_pin(db, pin_id)
    db.get_one(Engagement, pin.engagement_id, with_for_update={"of": Engagement, **ROW})
    db.refresh(pin)
    if pin.lifted_at is not None:
        raise Conflict(
            f"Pin {pin.id} was lifted before.",
            f"固定「{pin.id}」はすでに解除されています。",
            code="lifted_already",
        )
    pin.lifted_at, pin.lifted_by = now, by
    db.flush()
    return pin


def find_pin(db: Database, pin_id: str) -> Pin:
    """A pin by its id, lifted or not.

    Raises:
        NotFound: there is no such pin.
    """
    pin = db.get(Pin, pin_id)
    if pin is None:
        raise NotFound("pin", pin_id)
    return pin


def pins_of(db: Database, engagement_id: str) -> Sequence[Pin]:
    """The pins of an engagement that hold, as they are now."""
    return db.scalars(
        select(Pin)
        .where(Pin.engagement_id == engagement_id, Pin.lifted_at.is_(None))
        .order_by(Pin.created_at, Pin.id)
        .execution_options(populate_existing=True)
    ).all()


def lift_pins_of(db: Database, engagement_id: str, by: str, now: dt.datetime) -> None:
    """End the pins of an engagement that ends; the caller holds its row."""
    for pin in pins_of(db, engagement_id):
        pin.lifted_at, pin.lifted_by = now, by


def require_loose(db: Database, session: Session) -> None:
    """Let only a session pass that no pin holds to its time.

    Raises:
        Conflict: it is pinned; says by whom and why.
    """
    for pin in pins_of(db, session.engagement_id):
        if pin.covers(session.id):
            raise pinned(pin)


def pinned(pin: Pin) -> Conflict:
    """Why something does not change: who pinned it, for which reason, and what helps."""
    what = _told(pin)
    return Conflict(
        f"{what.en} is pinned by {pin.created_by}: {pin.reason}. Lift pin {pin.id} first.",
        f"{what.ja}は{pin.created_by}が固定しています(理由: {pin.reason})。"
        f"変更するには、先に固定「{pin.id}」を解除してください。",
        code="pinned",
        pin=pin.id,
        pinned_by=pin.created_by,
        reason=pin.reason,
    )


def _told(pin: Pin) -> Words:
    words = _WORDS[pin.kind]
    facts = {"session": pin.session_id, "expert": pin.expert_id, "engagement": pin.engagement_id}
    return Words(ja=words.ja.format(**facts), en=words.en.format(**facts))


_WORDS: Mapping[PinKind, Words] = MappingProxyType(
    {
        PinKind.SESSION: Words(
            ja="派遣案件{engagement}の派遣{session}", en="Session {session} of {engagement}"
        ),
        PinKind.EXPERT: Words(
            ja="派遣案件{engagement}の専門家{expert}", en="Expert {expert} of {engagement}"
        ),
        PinKind.SCHEDULE: Words(ja="派遣案件{engagement}の日程", en="The schedule of {engagement}"),
    }
)


_NEEDED: Mapping[PinKind, frozenset[str]] = MappingProxyType(
    {
        PinKind.SESSION: frozenset({"session_id"}),
        PinKind.EXPERT: frozenset({"engagement_id", "expert_id"}),
        PinKind.SCHEDULE: frozenset({"engagement_id"}),
    }
)


def _check_fields(draft: PinDraft) -> None:
    for name in ("engagement_id", "session_id", "expert_id"):
        given, needed = getattr(draft, name) is not None, name in _NEEDED[draft.kind]
        if needed and not given:
            raise Invalid(
                name,
                f"a pin of kind {draft.kind} needs it",
                "give the id",
                reason_ja=f"種別「{draft.kind}」の固定に必要です",
                remedy_ja="IDを指定してください",
            )
        if given and not needed:
            raise Invalid(
                name,
                f"it does not belong to a pin of kind {draft.kind}",
                "leave it out",
                reason_ja=f"種別「{draft.kind}」の固定では指定できません",
                remedy_ja="省略してください",
            )


def _engagement(db: Database, draft: PinDraft) -> Engagement:
    if draft.session_id is not None:
        session = db.get(Session, draft.session_id)
        if session is None:
            raise NotFound("session", draft.session_id)
        return session.engagement
    engagement = db.get(Engagement, draft.engagement_id)
    if engagement is None:
        raise NotFound("engagement", str(draft.engagement_id))
    return engagement


def _expert(db: Database, expert_id: str) -> Expert:
    expert = db.get(Expert, expert_id)
    if expert is None:
        raise NotFound("expert", expert_id)
    return expert


def _require_plannable(engagement: Engagement) -> None:
    if engagement.state not in PLANNABLE_STATES:
        raise Conflict(
            f"The engagement is {engagement.state}: no plan changes it any more.",
            "この派遣案件は完了したか取り下げられたため、固定は不要です。",
            state=engagement.state,
        )


def _require_new(pin: Pin, others: Iterable[Pin]) -> None:
    for other in others:
        if _subject(other) == _subject(pin):
            what = _told(pin)
            raise Conflict(
                f"{what.en} is pinned already, by {other.created_by}: {other.reason}.",
                f"{what.ja}はすでに{other.created_by}が固定しています(理由: {other.reason})。",
                code="pinned_already",
                pin=other.id,
            )


def _subject(pin: Pin) -> tuple[PinKind, str | None, str | None]:
    return pin.kind, pin.session_id, pin.expert_id


def _sessions_to_come(db: Database, engagement_id: str, now: dt.datetime) -> Sequence[Session]:
    return db.scalars(
        select(Session)
        .where(Session.engagement_id == engagement_id)
        .where(Session.status == SessionStatus.CONFIRMED, Session.start_at > now)
        .order_by(Session.number)
        .execution_options(populate_existing=True)
    ).all()


def _require_agreement(pins: Sequence[Pin], to_come: Iterable[Session]) -> None:
    """One expert serves an engagement: all that is pinned of it has to name the same one.

    The last pin is the new one.
    """
    new = pins[-1]
    named = [(pin, each.expert_id) for each in to_come for pin in pins if pin.covers(each.id)]
    named += [(pin, pin.expert_id) for pin in pins if pin.expert_id is not None]
    own = {expert_id for pin, expert_id in named if pin is new}
    for pin, expert_id in named:
        if pin is not new and own and expert_id not in own:
            raise pinned(pin)


def _require_may_serve(expert: Expert, engagement: Engagement) -> None:
    application = engagement.application
    rules: ProgrammeRules = application.programme.rules
    found = candidates(engagement, application, application.organization, [expert], rules)
    for excluded in found.excluded:
        raise Conflict(
            f"{expert.name_en} may not serve the engagement: {excluded.text_en} "
            "Pin somebody who may.",
            f"{expert.name_ja}さんはこの派遣案件を担当できません: {excluded.text_ja}"
            "担当できる専門家を固定してください。",
            code="expert_unsuitable",
            reason=excluded.code,
        )


def _require_can_take_place(
    db: Database, engagement: Engagement, promised: Sequence[Session]
) -> None:
    if not promised:
        raise Conflict(
            "There is no published session to come that could be pinned.",
            "固定できる確定済みの派遣(今後実施するもの)がありません。",
            code="nothing_to_pin",
        )
    rules: ProgrammeRules = engagement.application.programme.rules
    for session in promised:
        reason = unfit(_expert(db, session.expert_id), session, rules)
        if reason is not None:
            raise Conflict(
                f"Session {session.number} cannot take place as it is published: {reason.en} "
                "Move it, or plan it again, and then pin it.",
                f"第{session.number}回は確定した日程では実施できません: {reason.ja}"
                "日程を変更するか計画を作り直してから、固定してください。",
                code="unfit",
                session=session.id,
            )
