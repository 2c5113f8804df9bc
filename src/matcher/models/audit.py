"""The audit: who changed what, when, from what to what."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base
from matcher.models.columns import Structured


class AuditAction(StrEnum):
    """What was done to a record."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


class AuditEntry(Base):
    """One change of one record. The database itself refuses to change or delete an entry."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "kind", "record_id"),
        # A record is asked for with all whose ids begin with its own: see `begins_with`.
        Index(None, "record_id", postgresql_ops={"record_id": "text_pattern_ops"}),
        Index(None, "actor"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    """Who did it, as `Principal.name` says it, or the program that did."""
    request_id: Mapped[str | None]
    """The id of the HTTP request, as its answer and the log have it."""
    operation: Mapped[str | None]
    """What was asked for, by the API's operation id or the command line's command."""
    kind: Mapped[str]
    """The kind of record, singular: `application`, `session_report`."""
    record_id: Mapped[str]
    """Its primary key; the parts of a longer one are joined by colons. That of an absence, which
    is deleted when there are new ones, comes after the id of whose it is."""
    action: Mapped[AuditAction]
    before: Mapped[dict[str, Any]] = mapped_column(Structured(dict[str, Any]), default=dict)
    """The fields that changed, as they were; empty for a new record."""
    after: Mapped[dict[str, Any]] = mapped_column(Structured(dict[str, Any]), default=dict)
