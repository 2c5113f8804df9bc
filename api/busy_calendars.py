"""/v1/busy-calendars: calendars that experts and organizations keep elsewhere."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, computed_field
from pydantic.json_schema import SkipJsonSchema

from api.context import database, now, principal, services
from api.openapi import noun
from api.records import one, page_of, visible
from api.schema import (
    Body,
    Created,
    NoFields,
    Page,
    PageQuery,
    PathParameters,
    Query,
    TokyoTime,
    View,
    absent,
    created,
)
from matcher.busy.problems import PROBLEMS
from matcher.busy.sources import (
    OWNERS,
    BusyConflict,
    SourceDraft,
    SourceState,
    UploadDraft,
    add_source,
    count_times,
    is_stale,
    keep_upload,
    read_upload,
    remove_source,
    state_of,
)
from matcher.busy.sources import conflicts as conflicts_of
from matcher.fields import Identifier
from matcher.models import BusyCalendar, FeedOwner
from matcher.programme import Words

blueprint = noun("busy-calendars", "When experts and organizations are busy (予定の取り込み)")


class BusyCalendarPath(PathParameters):
    """Which calendar."""

    calendar_id: Identifier


class BusyCalendarQuery(PageQuery):
    """Which calendars."""

    owner: Identifier | SkipJsonSchema[None] = absent("only those of one expert or organization")
    stale: bool | SkipJsonSchema[None] = absent("only those whose state is stale, or is not")


BusyOwner = Literal[FeedOwner.EXPERT, FeedOwner.ORGANIZATION]
"""Whose busy times are planned around; the office has none."""


class BusyCalendarBody(Body, SourceDraft):
    """Whose calendar it is, and its address: one that needs no password."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "owner_kind": "expert",
                "owner_id": "expert-01",
                "url": "https://calendar.example.com/private-1f2e3d/basic.ics",
                "name": "仕事用カレンダー",
            }
        }
    )

    owner_kind: BusyOwner


class UploadBody(Body, UploadDraft):
    """Whose calendar it is, and the calendar itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "owner_kind": "expert",
                "owner_id": "expert-01",
                "content": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nEND:VCALENDAR\r\n",
            }
        }
    )

    owner_kind: BusyOwner


class BusyCalendarView(View):
    """A calendar and how its last reading went; its address is not shown again."""

    id: str
    owner_kind: FeedOwner
    owner_id: str
    name: str
    uploaded: bool = Field(description="a file, which is not read again")
    state: SourceState = Field(description="stale: what is known is from the last good reading")
    problem: str | None = Field(description="why it could not be read the last time; null: it was")
    created_at: TokyoTime
    created_by: str
    read_at: TokyoTime | None
    tried_at: TokyoTime | None
    left_out: int = Field(
        description="events that could not be read, or of a series only the first"
    )
    busy_times: int = Field(description="how many are known; what they are about is not kept")

    @computed_field
    def problem_text(self) -> Words | None:
        """The same in words."""
        return None if self.problem is None else PROBLEMS[self.problem]


class BusyCalendarPage(Page):
    """Calendars by id."""

    items: tuple[BusyCalendarView, ...]


class BusyConflictView(View):
    """A published session at which somebody is busy; it stays until a release moves it."""

    session_id: str
    engagement_id: str
    number: int
    start_at: TokyoTime
    end_at: TokyoTime
    calendar_id: str
    owner_kind: FeedOwner
    owner_id: str
    busy_from: TokyoTime
    busy_until: TokyoTime
    replan: str = Field(description="POST this to plan the rest of the engagement anew")

    @classmethod
    def of_conflict(cls, conflict: BusyConflict) -> BusyConflictView:
        """Show a conflict."""
        return cls(
            session_id=conflict.session_id,
            engagement_id=conflict.engagement_id,
            number=conflict.number,
            start_at=conflict.start_at,
            end_at=conflict.end_at,
            calendar_id=conflict.calendar_id,
            owner_kind=conflict.owner_kind,
            owner_id=conflict.owner_id,
            busy_from=conflict.busy.start,
            busy_until=conflict.busy.end,
            replan=f"/v1/engagements/{conflict.engagement_id}/assignment",
        )


class BusyConflictsView(View):
    """The conflicts by the start of their sessions."""

    items: tuple[BusyConflictView, ...]


class NoQuery(Query):
    """Nothing to choose."""


def _shown(calendar: BusyCalendar, busy_times: int) -> BusyCalendarView:
    return BusyCalendarView(
        id=calendar.id,
        owner_kind=calendar.owner_kind,
        owner_id=calendar.owner_id,
        name=calendar.name,
        uploaded=calendar.url is None,
        state=state_of(calendar, now()),
        problem=calendar.problem,
        created_at=calendar.created_at,
        created_by=calendar.created_by,
        read_at=calendar.read_at,
        tried_at=calendar.tried_at,
        left_out=calendar.left_out,
        busy_times=busy_times,
    )


@blueprint.get("", responses={200: BusyCalendarPage})
def list(query: BusyCalendarQuery) -> BusyCalendarPage:
    """List the calendars, and which of them cannot be read any more."""
    wanted = visible(BusyCalendar)
    if query.owner:
        wanted = wanted.where(BusyCalendar.owner_id == query.owner)
    if query.stale is not None:
        wanted = wanted.where(is_stale(now()) if query.stale else ~is_stale(now()))
    page = page_of(wanted, [BusyCalendar.id], query)
    counts = count_times(database(), [each.id for each in page.items])
    items = tuple(_shown(each, counts.get(each.id, 0)) for each in page.items)
    return BusyCalendarPage(items=items, next=page.next)


@blueprint.get("/conflicts", responses={200: BusyConflictsView})
def conflicts(query: NoQuery) -> BusyConflictsView:  # noqa: ARG001  there is nothing to choose
    """List the published sessions to come at which somebody is busy, the next first.

    None of them is moved by itself; planning the engagement anew finds times for it.
    """
    found = conflicts_of(database(), now())
    return BusyConflictsView(items=tuple(map(BusyConflictView.of_conflict, found)))


@blueprint.get("/<calendar_id>", responses={200: BusyCalendarView})
def get(path: BusyCalendarPath) -> BusyCalendarView:
    """Get one calendar."""
    calendar = one(BusyCalendar, path.calendar_id)
    return _shown(calendar, count_times(database(), [calendar.id]).get(calendar.id, 0))


@blueprint.post("", responses={201: BusyCalendarView})
def create(body: BusyCalendarBody) -> Created[BusyCalendarView]:
    """Give the address of a calendar; a worker reads it within a minute, and then every hour."""
    _require_owner(body)
    trusted = services().settings.trusted_hosts
    calendar = add_source(database(), body, trusted, principal().name, now())
    return created(_shown(calendar, 0), f"/v1/busy-calendars/{calendar.id}")


@blueprint.post("/uploads", responses={201: BusyCalendarView})
def upload(body: UploadBody) -> Created[BusyCalendarView]:
    """Give a calendar as a file; it is read at once, and not again."""
    reading = read_upload(body, now())  # first: while it lasts, nobody who writes waits for it
    _require_owner(body)
    calendar = keep_upload(database(), body, reading, principal().name, now())
    return created(_shown(calendar, len(calendar.times)), f"/v1/busy-calendars/{calendar.id}")


@blueprint.post("/<calendar_id>/removal", responses={204: None})
def remove(path: BusyCalendarPath, body: NoFields) -> tuple[str, int]:  # noqa: ARG001  likewise
    """Forget a calendar and its busy times."""
    remove_source(database(), one(BusyCalendar, path.calendar_id, for_change=True))
    return "", 204


def _require_owner(body: SourceDraft | UploadDraft) -> None:
    """Refuse a calendar for somebody whom the caller does not reach."""
    one(OWNERS[body.owner_kind], body.owner_id)
