"""/v1/audit: who changed what, when, from what to what."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from api.context import principal
from api.openapi import noun
from api.records import page_of, visible
from api.schema import Page, PageQuery, TokyoTime, View, absent
from matcher.audit import Kind, conditions
from matcher.fields import Identifier, Line, Moment
from matcher.models import AuditAction, AuditEntry

blueprint = noun("audit", "Every change: by whom, when, from what to what (監査記録)")

RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class AuditQuery(PageQuery):
    """Which entries."""

    kind: Kind | SkipJsonSchema[None] = absent("only those of one kind of record")
    record: Identifier | SkipJsonSchema[None] = absent(
        "only those of one record and of what belongs to it: an application's answers, interview, "
        "decision and sessions, an expert's absences and keys"
    )
    actor: Line | SkipJsonSchema[None] = absent(
        "only those of one person: a key's id or label, or the whole name that entries show"
    )
    request: RequestId | SkipJsonSchema[None] = absent(
        "only those of one request, by the X-Request-Id of its answer"
    )
    since: Moment | SkipJsonSchema[None] = absent(
        "from this moment on: `2025-07-14T00:00:00Z`, or with an offset, whose + is %2B here"
    )
    until: Moment | SkipJsonSchema[None] = absent("up to this moment, without it")


class AuditEntryView(View):
    """One change of one record."""

    id: int
    at: TokyoTime
    actor: str = Field(description="a key's label and id, or the program that did it")
    operation: str | None = Field(description="as this API names it, or a command")
    request_id: str | None
    kind: str
    record_id: str = Field(description="parts of a longer id are joined by colons")
    action: AuditAction
    before: dict[str, Any] = Field(description="the fields that changed, as they were")
    after: dict[str, Any] = Field(description="the same fields now; `***` stands for a secret")


class AuditPage(Page):
    """Entries, the newest first."""

    items: tuple[AuditEntryView, ...]


@blueprint.get("", responses={200: AuditPage})
def list(query: AuditQuery) -> AuditPage:
    """List the changes, the newest first; of keys and notices to those who may list them."""
    wanted = conditions(**query.model_dump(exclude={"limit", "cursor"}))
    entries = visible(AuditEntry).where(*wanted)
    if principal().kinds_not_told:
        entries = entries.where(AuditEntry.kind.not_in(principal().kinds_not_told))
    return AuditPage.of(page_of(entries, [AuditEntry.id], query, newest_first=True))
