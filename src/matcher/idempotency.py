"""A request that is repeated under the same key is answered as before, and done once.

The answer is kept in the unit of work of the request itself: where the work is not committed, no
answer is kept, and a repetition does the work. What failed is not kept either. Two equal requests
at the same moment: the database lets one of them keep its answer and refuses the other's work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from matcher.errors import Conflict, Invalid
from matcher.models import IdempotentRequest

KEPT_FOR: Final = timedelta(hours=24)
"""After this a key may be used anew."""


@dataclass(frozen=True)
class KeyedRequest:
    """A request that carries an Idempotency-Key."""

    key: str
    key_owner: str
    """The id of the API key: two callers never meet in one key."""
    method: str
    path: str
    body: bytes

    @property
    def body_digest(self) -> str:
        """The SHA-256 of the body."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    """None: it showed a secret, which is not kept, as it is answered once."""


def recall(db: Session, request: KeyedRequest, now: datetime) -> Answer | None:
    """The answer to an earlier request under this key; None where there was none.

    Raises:
        Invalid: it is no key.
        Conflict: the key was used for another request, or the answer showed a secret, and is not
            shown again.
    """
    _check_key(request.key)
    kept = db.get(IdempotentRequest, (request.key_owner, request.key))
    if kept is None or kept.created_at <= now - KEPT_FOR:
        return None
    asked = (request.method, request.path, request.body_digest)
    if (kept.method, kept.path, kept.body_digest) != asked:
        raise Conflict(
            "This Idempotency-Key was used for another request. Give each request its own.",
            "この Idempotency-Key は別のリクエストで使われています。"
            "リクエストごとに新しいキーを指定してください。",
            code="idempotency_key_reused",
        )
    if kept.response is None:
        raise Conflict(
            "This was done, and its secret was shown once. Ask for a new one.",
            "処理は完了しています。秘密の情報は一度しか表示されません。再発行してください。",
            code="secret_shown",
        )
    return Answer(kept.status, kept.headers, kept.response)


def remember(db: Session, request: KeyedRequest, answer: Answer, now: datetime) -> None:
    """Keep an answer, and with it the key; the caller's old ones are forgotten.

    Raises:
        sqlalchemy.exc.IntegrityError: an equal request was answered meanwhile.
    """
    _forget_old_ones(db, request.key_owner, now)
    db.add(
        IdempotentRequest(
            key=request.key,
            key_owner=request.key_owner,
            method=request.method,
            path=request.path,
            body_digest=request.body_digest,
            status=answer.status,
            headers=dict(answer.headers),
            response=answer.body,
            created_at=now,
        )
    )
    db.flush()


def _forget_old_ones(db: Session, key_owner: str, now: datetime) -> None:
    db.execute(
        delete(IdempotentRequest)
        .where(IdempotentRequest.key_owner == key_owner)
        .where(IdempotentRequest.created_at <= now - KEPT_FOR)
    )


def _check_key(key: str) -> None:
    if not (0 < len(key) <= 255 and all("!" <= letter <= "~" for letter in key)):
        raise Invalid(
            "Idempotency-Key",
            "it is no key",
            "give 1 to 255 printable ASCII characters without a space, such as a UUID",
            reason_ja="キーの書式が正しくありません",
            remedy_ja="UUID など、空白を含まない ASCII 文字 1〜255 字で指定してください",
        )
