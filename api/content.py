"""What a request must be before a route sees it: no stray parameter, one JSON object in UTF-8."""

from __future__ import annotations

import json
from http import HTTPStatus
from inspect import signature
from typing import Final, NoReturn

from flask import abort, current_app, request
from pydantic_core import ErrorDetails

from api.problems import InvalidRequestError

MAX_BODY_BYTES: Final = 1024 * 1024

_METHODS_WITH_A_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_MEDIA_TYPES: Final = frozenset({"application/json", "application/merge-patch+json"})


def check_content() -> None:
    """Refuse a body that no route could read.

    Raises:
        HTTPException: 400 it is no JSON, 413 it is too large, 415 it is of another type.
        InvalidRequestError: it is JSON, but no object.
    """
    if request.method not in _METHODS_WITH_A_BODY or request.routing_exception is not None:
        return
    content = request.get_data()
    if not content:
        return
    if request.mimetype not in _MEDIA_TYPES:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if not isinstance(_read(content), dict):
        raise InvalidRequestError([ErrorDetails(type="model_type", loc=(), msg="", input=None)])


def check_query() -> None:
    """Refuse parameters where a route takes none; what it takes it checks itself.

    Raises:
        InvalidRequestError: names them.
    """
    if request.endpoint is None or not request.args:
        return
    view = current_app.view_functions[request.endpoint]
    if request.path.startswith("/v1/") and "query" not in signature(view).parameters:
        raise InvalidRequestError(
            [
                ErrorDetails(type="extra_forbidden", loc=(name,), msg="", input=None)
                for name in request.args
            ]
        )


def _read(content: bytes) -> object:
    try:
        return json.loads(
            content.decode(), parse_constant=_refuse, object_pairs_hook=_without_repetition
        )
    except (ValueError, RecursionError):
        abort(HTTPStatus.BAD_REQUEST)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return members
