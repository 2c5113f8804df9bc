"""Requests that may be sent twice and count once."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base
from matcher.models.columns import Structured


class IdempotentRequest(Base):
    """A request with an `Idempotency-Key`, and the answer that a repetition gets again."""

    __tablename__ = "idempotent_requests"

    key_owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str]
    path: Mapped[str]
    body_digest: Mapped[str]
    status: Mapped[int]
    """The HTTP status of the answer."""
    headers: Mapped[dict[str, str]] = mapped_column(Structured(dict[str, str]), default=dict)
    response: Mapped[bytes | None]
    """None: it showed a secret, which is kept nowhere."""
    created_at: Mapped[dt.datetime]
