"""What two people may edit: ETag says which state was read, If-Match which one may be changed."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, abort, request
from pydantic import BaseModel

_TAGGED: Final = frozenset({"GET", "HEAD", "PUT", "PATCH"})


def register_revisions(app: Flask) -> None:
    """Tag what is read with its state, and answer 304 to whoever has it already."""
    app.after_request(_tag)


def require_match(state: BaseModel) -> None:
    """Let a change pass only if it was made to this state.

    Raises:
        HTTPException: 428 there is no If-Match, 412 it names another state.
    """
    if not request.if_match:
        abort(HTTPStatus.PRECONDITION_REQUIRED)
    if not request.if_match.contains(_digest(state.model_dump_json().encode())):
        abort(HTTPStatus.PRECONDITION_FAILED)


def _tag(response: Response) -> Response:
    if request.method in _TAGGED and response.status_code == HTTPStatus.OK and response.is_json:
        response.set_etag(_digest(response.get_data()))
        # What is here is about people: a cache in between keeps none of it.
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.make_conditional(request)
    return response


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
