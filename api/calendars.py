"""/v1/feeds: calendar subscriptions; /calendars/{token}.ics: what a calendar program fetches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http import HTTPStatus
from traceback import format_exc
from typing import Any, Final

import structlog
from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.exceptions import HTTPException, NotFound, ServiceUnavailable
from werkzeug.http import is_resource_modified

from api.context import database, now, services
from api.openapi import noun
from api.problems import PROBLEM_JSON, Text, preferred_language, problem
from api.records import one, page_of, visible
from api.schema import (
    Body,
    NoFields,
    Page,
    PageQuery,
    PathParameters,
    TokyoTime,
    View,
    absent,
)
from matcher.calendars.attention import is_quiet, quiet
from matcher.calendars.feed import FeedVersion, filename_of
from matcher.calendars.state import OWNERS
from matcher.calendars.subscriptions import (
    create_feed,
    find_by_token,
    is_fetch_to_note,
    note_fetch,
    revoke_feed,
    rotate_feed,
)
from matcher.fields import Identifier
from matcher.models import Feed, FeedLanguage, FeedOwner
from matcher.programme import Specialty

RETRY_AFTER_SECONDS: Final = 60

logger = structlog.get_logger(__name__)

feeds = noun(
    "feeds",
    "Subscriptions to the calendar of an expert, an organization or the office (カレンダー購読)",
)
calendars = APIBlueprint(
    "calendars",
    __name__,
    url_prefix="/calendars",
    abp_tags=[Tag(name="calendars", description="What a calendar program fetches (カレンダー)")],
)


def register(app: OpenAPI) -> None:
    """Add both to the application."""
    app.register_api(feeds)
    app.register_api(calendars)


class FeedPath(PathParameters):
    """Which subscription."""

    feed_id: Identifier


class FeedQuery(PageQuery):
    """Which subscriptions."""

    quiet: bool | SkipJsonSchema[None] = absent(
        "only those that no program has fetched for three days, or ever; or only the others"
    )


class FeedBody(Body):
    """A subscription to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"owner_kind": "expert", "owner_id": "expert-01", "language": "both"}
        }
    )

    owner_kind: FeedOwner
    owner_id: Identifier = Field(description="of the office the id of the programme")
    language: FeedLanguage = FeedLanguage.BOTH
    specialty: Specialty | None = Field(
        default=None,
        description="of the office: only the sessions of the experts of a specialty",
    )


class FeedView(View):
    """A subscription; its address was shown when it was made."""

    id: str
    owner_kind: FeedOwner
    owner_id: str
    language: FeedLanguage
    specialty: Specialty | None
    created_at: TokyoTime
    revoked_at: TokyoTime | None
    last_fetched_at: TokyoTime | None = Field(description="to the nearest five minutes")
    quiet: bool = Field(description="no program has fetched it for three days, or ever")

    @classmethod
    def of_feed(cls, feed: Feed) -> FeedView:
        """Show a subscription as it is now."""
        kept = {name: getattr(feed, name) for name in FeedView.model_fields if name != "quiet"}
        return FeedView(**kept, quiet=is_quiet(feed, now()))


class FeedAddressView(FeedView):
    """A subscription with its secret address, which is never shown again."""

    token: str
    url: str = Field(description="to copy into a calendar program")
    webcal_url: str = Field(
        description="for a button that opens Apple's calendar; other programs fetch it unencrypted"
    )


class FeedPage(Page):
    """Subscriptions by id."""

    items: tuple[FeedView, ...]


@feeds.get("", responses={200: FeedPage})
def list(query: FeedQuery) -> FeedPage:
    """List the subscriptions; with `quiet=true` those whose readers would miss a change."""
    wanted = visible(Feed)
    if query.quiet is not None:
        wanted = wanted.where(quiet(now()) if query.quiet else ~quiet(now()))
    page = page_of(wanted, [Feed.id], query)
    return FeedPage(items=tuple(map(FeedView.of_feed, page.items)), next=page.next)


@feeds.post("", responses={201: FeedAddressView})
def create(body: FeedBody) -> Any:  # noqa: ANN401  one of Flask's many kinds of answer
    """Make a subscription; the answer alone holds its address."""
    owner = one(OWNERS[body.owner_kind], body.owner_id)
    feed, token = create_feed(
        database(), body.owner_kind, owner.id, body.language, now(), specialty=body.specialty
    )
    return _address(feed, token), HTTPStatus.CREATED, {"Cache-Control": "no-store"}


@feeds.post("/<feed_id>/rotation", responses={200: FeedAddressView})
def rotate(path: FeedPath, body: NoFields) -> Any:  # noqa: ANN401, ARG001  likewise
    """Give a subscription a new address; the old one stops at once."""
    feed = one(Feed, path.feed_id, for_change=True)
    token = rotate_feed(database(), feed)
    return _address(feed, token), HTTPStatus.OK, {"Cache-Control": "no-store"}


@feeds.post("/<feed_id>/revocation", responses={200: FeedView})
def revoke(path: FeedPath, body: NoFields) -> FeedView:  # noqa: ARG001  no field is asked for
    """End a subscription; its address answers 410 from now on."""
    feed = one(Feed, path.feed_id, for_change=True)
    revoke_feed(database(), feed, now())
    return FeedView.of_feed(feed)


class CalendarPath(PathParameters):
    """The secret part of a subscription's address."""

    token: str


@calendars.get(
    "/<token>.ics",
    operation_id="calendars.fetch",
    responses={
        HTTPStatus.OK: {
            "description": "The calendar, whole",
            "content": {"text/calendar": {"schema": {"type": "string"}}},
        },
        HTTPStatus.NOT_MODIFIED: {"description": "It is as the client knows it"},
        HTTPStatus.GONE: {
            "description": "The subscription has ended",
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    },
)
def fetch(path: CalendarPath) -> Response:
    """Fetch a calendar."""
    if services().settings.public_url.startswith("https:") and not request.is_secure:
        return _refuse_in_clear()
    with _whole_or_not_at_all():
        feed = find_by_token(database(), path.token)
        if feed is None:
            raise NotFound
        if feed.revoked_at is not None:
            return problem(HTTPStatus.GONE, "gone")
        response = _answer(feed)
    if is_fetch_to_note(feed, now()):
        note = partial(_note_fetch, services().writing, feed.id, now())
        # After the answer is sent: a client never waits for somebody who writes.
        response.call_on_close(note)
    return response


def _refuse_in_clear() -> Response:
    """Answer who asks for a secret address in clear; not by a redirect, which would hide it."""
    detail = Text(
        "Calendars are fetched over https only. Use the address as it was given; it may have "
        "been read by others on the way, so ask the office for a new one.",
        "カレンダーは https でのみ取得できます。発行されたアドレスをそのまま使用してください。"
        "途中で第三者に読み取られたおそれがあるため、新しいアドレスを事務局へお問い合わせください。",
    )
    return problem(
        HTTPStatus.NOT_FOUND, "https_required", detail=detail.within(preferred_language())
    )


def _answer(feed: Feed) -> Response:
    """Answer with the whole calendar, or that the client has it already."""
    response = Response(content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'inline; filename="{filename_of(feed)}"'
    response.headers["Cache-Control"] = "private, max-age=300"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    edition = services().shelf.fetch(database(), feed, now(), _is_known)
    response.set_etag(edition.version.etag)
    response.last_modified = edition.version.last_modified(now())
    if _is_known(edition.version):
        response.status_code = HTTPStatus.NOT_MODIFIED
    else:
        response.set_data(edition.content or b"")
    return response


def _is_known(version: FeedVersion) -> bool:
    """Whether the client has this version already."""
    last_modified = version.last_modified(now())
    return not is_resource_modified(request.environ, etag=version.etag, last_modified=last_modified)


@contextmanager
def _whole_or_not_at_all() -> Iterator[None]:
    """Answer nothing where anything goes wrong: half a calendar empties a client's copy.

    Raises:
        ServiceUnavailable: the calendar could not be read or rendered; on any 5xx clients keep what
            they have.
    """
    try:
        yield
    except HTTPException:
        raise
    except Exception as error:
        # As text: what shows tracebacks to people shows variables too, and one holds the token.
        logger.error("calendar_not_served", traceback=format_exc())
        raise ServiceUnavailable(retry_after=RETRY_AFTER_SECONDS) from error


def _note_fetch(writing: sessionmaker[Session], feed_id: str, moment: datetime) -> None:
    try:
        with writing.begin() as db:
            note_fetch(db, feed_id, moment)
    except OperationalError:
        logger.warning("fetch_not_noted", feed=feed_id)


def _address(feed: Feed, token: str) -> FeedAddressView:
    url = f"{services().settings.public_url}/calendars/{token}.ics"
    view = FeedView.of_feed(feed).model_dump()
    return FeedAddressView(
        **view, token=token, url=url, webcal_url=f"webcal://{url.partition('://')[2]}"
    )
