"""/v1/pins: what planners have promised, and no plan and no request changes."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.context import database, now, principal
from api.openapi import noun
from api.records import known_programme, one, page_of, visible
from api.schema import (
    Body,
    Created,
    NoFields,
    Page,
    PageQuery,
    PathParameters,
    TokyoTime,
    View,
    absent,
    created,
)
from matcher.fields import Identifier
from matcher.models import Pin, PinKind
from matcher.planning.stating.pinning import PinDraft, lift_pin, set_pin

blueprint = noun("pins", "Sessions, experts and schedules that no plan may change (固定)")


class PinPath(PathParameters):
    """Which pin."""

    pin_id: Identifier


class PinQuery(PageQuery):
    """Which pins."""

    lifted: bool | SkipJsonSchema[None] = absent("true: only lifted ones; false: those that hold")
    kind: PinKind | SkipJsonSchema[None] = absent("only those of one kind")
    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")
    engagement: Identifier | SkipJsonSchema[None] = absent("only those of one engagement")
    expert: Identifier | SkipJsonSchema[None] = absent("only those that name one expert")


class PinBody(Body, PinDraft):
    """What is promised, and why.

    `session` holds one session to its expert and time, `expert` says who serves an engagement,
    `schedule` holds all its published sessions; others may be added.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "expert",
                "engagement_id": "A17",
                "expert_id": "E7",
                "reason": "団体と約束済みのため",
            }
        }
    )


class PinView(View):
    """What is promised of an engagement, by whom and why."""

    id: str
    programme_id: str
    kind: PinKind
    engagement_id: str
    session_id: str | None
    expert_id: str | None
    reason: str
    created_at: TokyoTime
    created_by: str
    lifted_at: TokyoTime | None = Field(description="null: it holds")
    lifted_by: str | None


class PinPage(Page):
    """Pins, the newest first."""

    items: tuple[PinView, ...]


@blueprint.get("", responses={200: PinPage})
def list(query: PinQuery) -> PinPage:
    """List the pins, the newest first, lifted ones too."""
    wanted = visible(Pin)
    if query.lifted is not None:
        wanted = wanted.where(Pin.lifted_at.is_not(None) == query.lifted)
    if query.kind:
        wanted = wanted.where(Pin.kind == query.kind)
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(Pin.programme_id == query.programme)
    if query.engagement:
        wanted = wanted.where(Pin.engagement_id == query.engagement)
    if query.expert:
        wanted = wanted.where(Pin.expert_id == query.expert)
    return PinPage.of(page_of(wanted, [Pin.created_at, Pin.id], query, newest_first=True))


@blueprint.get("/<pin_id>", responses={200: PinView})
def get(path: PinPath) -> PinView:
    """Get one pin."""
    return PinView.of(one(Pin, path.pin_id))


@blueprint.post("", responses={201: PinView})
def create(body: PinBody) -> Created[PinView]:
    """Pin a session, an expert or a schedule: nothing changes it until the pin is lifted."""
    pin = set_pin(database(), body, principal().name, now())
    return created(PinView.of(pin), f"/v1/pins/{pin.id}")


@blueprint.post("/<pin_id>/lifting", responses={200: PinView})
def lift(path: PinPath, body: NoFields) -> PinView:  # noqa: ARG001  it must be empty
    """Lift a pin: what it promised may change again."""
    return PinView.of(lift_pin(database(), path.pin_id, principal().name, now()))
