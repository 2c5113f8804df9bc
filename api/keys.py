"""/v1/keys: who may ask the service, and as whom. A secret is shown once, when it is made."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.context import database, now, services
from api.openapi import noun
from api.records import page_of, visible
from api.schema import Body, NoFields, Page, PageQuery, PathParameters, TokyoTime, View
from matcher.access import create_key, find_key, revoke_key, rotate_key, state_of
from matcher.fields import Identifier, Moment, OptionalLine
from matcher.models import ApiKey, Role

blueprint = noun("keys", "The keys of this interface: who may ask, and as whom (APIキー)")


class KeyPath(PathParameters):
    """Which key."""

    key_id: Identifier


class KeyBody(Body):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"role": "staff", "label": "受付", "expires_at": None}}
    )

    role: Role
    subject_id: Identifier | None = Field(
        default=None, description="the expert or organization it speaks for; of the office: none"
    )
    label: OptionalLine = Field(default="", description="whose it is, to recognize it later")
    expires_at: Moment | None = Field(default=None, description="null: never")


class KeyView(View):
    """A key, without its secret."""

    id: str
    role: Role
    subject_id: str | None
    label: str
    state: Literal["valid", "expired", "revoked"]
    created_at: TokyoTime
    expires_at: TokyoTime | None
    revoked_at: TokyoTime | None


class KeySecretView(KeyView):
    """A key with its secret, which is never shown again."""

    key: str = Field(description="what is sent after `Authorization: Bearer`")


class KeyPage(Page):
    """Keys, the newest last."""

    items: tuple[KeyView, ...]


@blueprint.get("", responses={200: KeyPage})
def list(query: PageQuery) -> KeyPage:
    """List the keys, revoked and expired ones too, without their secrets."""
    page = page_of(visible(ApiKey), [ApiKey.created_at, ApiKey.id], query)
    return KeyPage(items=tuple(map(_view, page.items)), next=page.next)


@blueprint.get("/<key_id>", responses={200: KeyView})
def get(path: KeyPath) -> KeyView:
    """Get one key, without its secret."""
    return _view(find_key(database(), path.key_id))


@blueprint.post("", responses={201: KeySecretView})
def create(body: KeyBody) -> Any:  # noqa: ANN401  one of Flask's many kinds of answer
    """Make a key; the answer alone holds its secret."""
    key, secret = create_key(database(), **dict(body), now=now(), pepper=_pepper())
    headers = {"Cache-Control": "no-store", "Location": f"/v1/keys/{key.id}"}
    return _shown_once(key, secret), HTTPStatus.CREATED, headers


@blueprint.post("/<key_id>/rotation", responses={200: KeySecretView})
def rotate(path: KeyPath, body: NoFields) -> Any:  # noqa: ANN401, ARG001  likewise
    """Give a key a new secret; the old one is refused at once."""
    key, secret = rotate_key(database(), path.key_id, now(), _pepper())
    return _shown_once(key, secret), HTTPStatus.OK, {"Cache-Control": "no-store"}


@blueprint.post("/<key_id>/revocation", responses={200: KeyView})
def revoke(path: KeyPath, body: NoFields) -> KeyView:  # noqa: ARG001  no field is asked for
    """Refuse a key from now on; the last valid key of an admin stays."""
    return _view(revoke_key(database(), path.key_id, now(), keep_an_admin=True))


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        role=key.role,
        subject_id=key.subject_id,
        label=key.label,
        state=state_of(key, now()),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )


def _shown_once(key: ApiKey, secret: str) -> KeySecretView:
    return KeySecretView(**_view(key).model_dump(), key=secret)


def _pepper() -> bytes:
    return services().settings.key_pepper.get_secret_value().encode()
