"""What a request must be before a route sees it: no stray parameter, one JSON object in UTF-8.

A route that takes a file says of which types; then it is one of these, and its reader judges it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from inspect import Parameter, signature
from typing import Final, NoReturn

from flask import abort, current_app, request
from pydantic_core import ErrorDetails

from api.problems import InvalidRequestError
from matcher.tables.table import MAX_FILE_BYTES

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
    files = _types_of_files()
    if files:
        _check_file(files)
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
    if request.path.startswith("/v1/") and "query" not in _parameters():
        raise InvalidRequestError(
            [
                ErrorDetails(type="extra_forbidden", loc=(name,), msg="", input=None)
                for name in request.args
            ]
        )


def _parameters() -> Mapping[str, Parameter]:
    """What the route takes that is asked for."""
    view = current_app.view_functions[str(request.endpoint)]
    return signature(view, eval_str=True).parameters


def _types_of_files() -> frozenset[str]:
    """The media types of the files that the route takes; none: it takes JSON."""
    raw = _parameters().get("raw")
    return frozenset() if raw is None else frozenset(raw.annotation.mimetypes)


def _check_file(types: frozenset[str]) -> None:
    if request.mimetype not in types:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    request.max_content_length = MAX_FILE_BYTES
    request.get_data()


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
