"""The outbox: notices wait until a person releases them, and are mailed at most once a release.

::

    draft ─ release ─► released ─ mailed ─► sent
      ▲                   ▲ └───────────► failed ─ release ─► released
      └── recompose ──────┼───────────────┘
                          └ the server asked to try later

A notice that is being mailed is `failed` until its server has taken it. So a worker that dies in
between leaves it where a person looks, and nothing is ever sent a second time by itself. With no
mail server `released` is the end: the office downloads the notice and hands it over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, NotFound
from matcher.models import ApplicationState, Notice, NoticeKind, NoticeState
from matcher.notices.composition import compose
from matcher.notices.smtp import Fate, Outcome

__all__ = ["claim", "recompose", "record_outcome", "release", "waiting_for_mail"]

RETRY_FOR = dt.timedelta(minutes=15)
"""How long after its release a notice is tried again where its server says to try later."""

BEING_SENT = (
    "送信中です。数分たってもこの表示のままであれば、届いたかどうか分かりません / "
    "It is being sent. If this stays for minutes, nobody knows whether it has arrived."
)
CUT_OFF = (
    "送信の途中で途切れました。届いている可能性があります / "
    "Sending was cut off, and it may have arrived"
)

WITHDRAWN_MEANWHILE = (
    "送信前に申込が取り下げられたため、送信していません / "
    "It was not sent: the application was withdrawn before"
)

_OPEN = (NoticeState.DRAFT, NoticeState.FAILED)
_STATES_JA = {
    NoticeState.DRAFT: "下書き",
    NoticeState.RELEASED: "発出済み",
    NoticeState.SENT: "送信済み",
    NoticeState.FAILED: "送信失敗",
}


def release(db: Database, notice_id: str, by: str, now: dt.datetime, *, by_mail: bool) -> Notice:
    """Let a notice go out: by mail, where there is a server for it, else by hand.

    It is dated the day on which it goes out.

    Raises:
        NotFound: there is no such notice.
        Conflict: it has gone out, the application was withdrawn after it was accepted, or the
            record has changed since the notice was written.
    """
    notice = _load(db, notice_id)
    _require_open(notice, "release", "発出")
    _require_standing(notice)
    _require_true(notice)
    _write(notice, now)
    notice.state = NoticeState.RELEASED
    notice.released_at, notice.released_by = now, by
    notice.error = None
    if by_mail:
        notice.attempts += 1
    db.flush()
    return notice


def recompose(db: Database, notice_id: str, by: str, now: dt.datetime) -> Notice:
    """Write a notice anew from the record as it stands, for a person to release.

    Raises:
        NotFound: there is no such notice.
        Conflict: it has gone out.
    """
    notice = _load(db, notice_id)
    _require_open(notice, "recomposition", "作り直し")
    for name, value in _recipient(notice).items():
        setattr(notice, name, value)
    _write(notice, now)
    notice.created_at, notice.created_by = now, by
    notice.released_at = notice.released_by = notice.error = None
    notice.state = NoticeState.DRAFT
    db.flush()
    return notice


def _write(notice: Notice, now: dt.datetime) -> None:
    for name, value in vars(compose(notice.application, now, notice.kind)).items():
        setattr(notice, name, value)


def _recipient(notice: Notice) -> dict[str, str]:
    """Whom the notice is written to, as the record has it now."""
    organization = notice.application.organization
    return {
        "recipient_name": organization.contact_name,
        "recipient_email": organization.contact_email,
    }


def _require_true(notice: Notice) -> None:
    """Let out only what somebody has read as it is: the day is all that may differ."""
    written_at = notice.released_at or notice.created_at
    told = vars(compose(notice.application, written_at, notice.kind)) | _recipient(notice)
    if any(getattr(notice, name) != value for name, value in told.items()):
        raise Conflict(
            "The record has changed since the notice was written. Recompose it, read it, and then "
            "release it.",
            "通知書の作成後に記録が変更されています。作り直して内容を確認してから、"
            "発出してください。",
            code="notice_outdated",
        )


def waiting_for_mail(db: Database) -> Sequence[str]:
    """The ids of the notices that are to be mailed, in the order of their release.

    One that was released while there was no mail server was handed over: it is not among them.
    """
    return db.scalars(
        select(Notice.id)
        .where(Notice.state == NoticeState.RELEASED, Notice.attempts > 0)
        .order_by(Notice.released_at, Notice.id)
    ).all()


def claim(db: Database, notice_id: str) -> Notice | None:
    """Take a notice to mail it; None where it does not wait for that (any more)."""
    notice = _load(db, notice_id)
    if notice.state != NoticeState.RELEASED or notice.attempts == 0:
        return None
    if not _stands(notice):
        notice.state, notice.error = NoticeState.FAILED, WITHDRAWN_MEANWHILE
        db.flush()
        return None
    notice.state, notice.error = NoticeState.FAILED, BEING_SENT
    db.flush()
    return notice


def record_outcome(
    db: Database, notice_id: str, attempt: int, outcome: Outcome, now: dt.datetime
) -> None:
    """Keep what became of one attempt to mail a notice; `attempt` is its number.

    What the server took is sent, whatever was done with the notice meanwhile.
    """
    notice = _load(db, notice_id)
    if outcome.fate == Fate.TAKEN:
        notice.state, notice.sent_at, notice.error = NoticeState.SENT, now, None
    elif notice.state == NoticeState.FAILED and notice.attempts == attempt:
        notice.error = outcome.words
        if outcome.fate == Fate.UNKNOWN:
            notice.error = f"{CUT_OFF}: {outcome.words}"
        elif outcome.is_passing and _is_tried_again(notice, now):
            notice.state = NoticeState.RELEASED
            notice.attempts += 1
    db.flush()


def _is_tried_again(notice: Notice, now: dt.datetime) -> bool:
    return notice.released_at is not None and now < notice.released_at + RETRY_FOR


def _load(db: Database, notice_id: str) -> Notice:
    notice = db.get(Notice, notice_id, with_for_update=True, populate_existing=True)
    if notice is None:
        raise NotFound("notice", notice_id)
    return notice


def _require_open(notice: Notice, step: str, step_ja: str) -> None:
    if notice.state not in _OPEN:
        state = notice.state
        raise Conflict(
            f"The notice is {state.value}: {step} is not possible. Possible now: reading it.",
            f"この通知書は「{_STATES_JA[state]}」のため、{step_ja}はできません。"
            "現在できること: 閲覧。",
            state=state.value,
            possible=(),
        )


def _stands(notice: Notice) -> bool:
    withdrawn = notice.application.state == ApplicationState.WITHDRAWN
    return not (withdrawn and notice.kind != NoticeKind.DECLINED)


def _require_standing(notice: Notice) -> None:
    """A notice of acceptance is not sent after the organization has withdrawn."""
    if not _stands(notice):
        raise Conflict(
            "The application was withdrawn after it was accepted: its notice stays a draft.",
            "実施決定後に申込が取り下げられたため、この通知書は発出できません。",
            code="withdrawn",
            application_id=notice.application_id,
        )
