"""/v1/keys: who may ask this service, and how to take that back (APIキー)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import ConfigDict, Field

from api.context import database, now, principal, services
from api.openapi import noun
from api.records import one, page_of, visible
from api.schema import Body, NoFields, Page, PageQuery, PathParameters, TokyoTime, View
from matcher.access import KeyState, create_key, revoke_key, rotate_key, state_of
from matcher.fields import Identifier, Moment, OptionalLine
from matcher.models import ApiKey, Role

blueprint = noun("keys", "The keys of this API, for admins (APIキー)")


class KeyPath(PathParameters):
    """Which key."""

    key_id: Identifier


class KeyBody(Body):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "role": "staff",
                "label": "front desk",
                "expires_at": "2026-03-31T23:59:59+09:00",
            }
        }
    )

    role: Role
    subject_id: Identifier | None = Field(
        default=None, description="the expert or organization it speaks for, for these two roles"
    )
    label: OptionalLine = Field(default="", description="whose it is, to recognize it later")
    expires_at: Moment | None = Field(default=None, description="null: never")


class KeyView(View):
    """A key, without its secret."""

    id: str
    role: Role
    subject_id: str | None
    label: str
    created_at: TokyoTime
    expires_at: TokyoTime | None
    revoked_at: TokyoTime | None
    state: KeyState


class KeySecretView(KeyView):
    """A key with its secret, which is never shown again."""

    key: str = Field(description="what goes behind 'Authorization: Bearer'")


class KeyPage(Page):
    """Keys in the order in which they were made."""

    items: tuple[KeyView, ...]


@blueprint.get("", responses={200: KeyPage})
def list(query: PageQuery) -> KeyPage:
    """List the keys, without their secrets."""
    page = page_of(visible(ApiKey), [ApiKey.created_at, ApiKey.id], query)
    return KeyPage(items=tuple(map(_view, page.items)), next=page.next)


@blueprint.get("/<key_id>", responses={200: KeyView})
def get(path: KeyPath) -> KeyView:
    """Get one key, without its secret."""
    return _view(one(ApiKey, path.key_id))


@blueprint.post("", responses={201: KeySecretView})
def create(body: KeyBody) -> Any:  # noqa: ANN401  one of Flask's many kinds of answer
    """Make a key; the answer alone holds its secret."""
    key, secret = create_key(
        database(),
        role=body.role,
        subject_id=body.subject_id,
        label=body.label,
        now=now(),
        expires_at=body.expires_at,
        pepper=_pepper(),
    )
    return _with_secret(key, secret), HTTPStatus.CREATED, {"Cache-Control": "no-store"}


@blueprint.post("/<key_id>/rotation", responses={200: KeySecretView})
def rotate(path: KeyPath, body: NoFields) -> Any:  # noqa: ANN401, ARG001  likewise
    """Give a key a new secret; the old one stops at once."""
    key, secret = rotate_key(database(), path.key_id, now(), _pepper())
    return _with_secret(key, secret), HTTPStatus.OK, {"Cache-Control": "no-store"}


@blueprint.post("/<key_id>/revocation", responses={200: KeyView})
def revoke(path: KeyPath, body: NoFields) -> KeyView:  # noqa: ARG001  no field is asked for
    """Refuse a key from now on. A key does not revoke itself."""
    return _view(revoke_key(database(), path.key_id, now(), by=principal()))


def _view(key: ApiKey) -> KeyView:
    return KeyView(**_fields(key))


def _with_secret(key: ApiKey, secret: str) -> KeySecretView:
    return KeySecretView(**_fields(key), key=secret)


def _fields(key: ApiKey) -> dict[str, Any]:
    fields = {name: getattr(key, name) for name in KeyView.model_fields if name != "state"}
    return fields | {"state": state_of(key, now())}


def _pepper() -> bytes:
    return services().settings.key_pepper.get_secret_value().encode()
