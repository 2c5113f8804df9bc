"""/v1/notices: what organizations are told in writing, from its draft to its sending."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, Literal

from flask import Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from api.context import database, now, principal, services
from api.openapi import noun
from api.records import one, page_of, visible
from api.schema import NoFields, Page, PageQuery, PathParameters, Query, TokyoTime, View, absent
from matcher.fields import Identifier
from matcher.models import Notice, NoticeKind, NoticeState
from matcher.notices.outbox import recompose as recompose_notice
from matcher.notices.outbox import release as release_notice

blueprint = noun("notices", "What organizations are told in writing, once released (通知書)")

_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
"""A page to read and to print: its own style and nothing else."""


class NoticePath(PathParameters):
    """Which notice."""

    notice_id: Identifier


class NoticeQuery(PageQuery):
    """Which notices."""

    state: NoticeState | SkipJsonSchema[None] = absent("only those in one state")
    application: Identifier | SkipJsonSchema[None] = absent("only those of one application")
    kind: NoticeKind | SkipJsonSchema[None] = absent("only those of one kind")


class DocumentQuery(Query):
    """In which language, and how it is set."""

    language: Literal["ja", "en"] = "ja"
    format: Literal["text", "html"] = Field(
        default="text", description="`html` is a page that prints as A4"
    )


class NoticeView(View):
    """A notice, without its text, which is `/document`."""

    id: str
    application_id: str
    kind: NoticeKind
    state: NoticeState
    recipient_name: str
    recipient_email: str
    subject_ja: str
    subject_en: str
    created_at: TokyoTime
    created_by: str
    released_at: TokyoTime | None
    released_by: str | None
    sent_at: TokyoTime | None = Field(description="when a mail server took it; null: none has")
    error: str | None = Field(description="what the mail server said, where it refused")


class NoticePage(Page):
    """Notices, the newest first."""

    items: tuple[NoticeView, ...]


@blueprint.get("", responses={200: NoticePage})
def list(query: NoticeQuery) -> NoticePage:
    """List the notices, the newest first; an organization sees its own, once released."""
    wanted = visible(Notice)
    if query.state:
        wanted = wanted.where(Notice.state == query.state)
    if query.application:
        wanted = wanted.where(Notice.application_id == query.application)
    if query.kind:
        wanted = wanted.where(Notice.kind == query.kind)
    return NoticePage.of(page_of(wanted, [Notice.created_at, Notice.id], query, newest_first=True))


@blueprint.get("/<notice_id>", responses={200: NoticeView})
def get(path: NoticePath) -> NoticeView:
    """Get one notice: to whom it goes and how far it has come."""
    return NoticeView.of(one(Notice, path.notice_id))


@blueprint.get(
    "/<notice_id>/document",
    responses={
        HTTPStatus.OK: {
            "description": "The notice as it is read",
            "content": {
                "text/plain": {"schema": {"type": "string"}},
                "text/html": {"schema": {"type": "string"}},
            },
        }
    },
)
def document(path: NoticePath, query: DocumentQuery) -> Response:
    """Read a notice, as text or as a page to print."""
    notice = one(Notice, path.notice_id)
    ending = "html" if query.format == "html" else "txt"
    response = Response(
        getattr(notice, f"{query.format}_{query.language}"),
        mimetype="text/html" if query.format == "html" else "text/plain",
    )
    response.content_language.add(query.language)
    name = f"notice-{notice.id}.{query.language}.{ending}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.post("/<notice_id>/release", responses={200: NoticeView})
def release(path: NoticePath, body: NoFields) -> NoticeView:  # noqa: ARG001  it must be empty
    """Let a notice go out: a mail server gets it within seconds; without one, download it."""
    by_mail = services().settings.smtp_url is not None
    notice = one(Notice, path.notice_id)
    return NoticeView.of(
        release_notice(database(), notice.id, principal().name, now(), by_mail=by_mail)
    )


@blueprint.post("/<notice_id>/recomposition", responses={200: NoticeView})
def recompose(path: NoticePath, body: NoFields) -> NoticeView:  # noqa: ARG001  it must be empty
    """Write a draft, or one that failed, anew from the record, after something was corrected."""
    notice = one(Notice, path.notice_id)
    return NoticeView.of(recompose_notice(database(), notice.id, principal().name, now()))
