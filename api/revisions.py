"""What two people may edit: ETag says which state was read, If-Match which one may be changed."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import Final, TypeVar

from flask import Flask, Response, abort, request
from pydantic import BaseModel
from werkzeug.exceptions import PreconditionFailed
from werkzeug.http import quote_etag

from api.problems import problem

_TAGGED: Final = frozenset({"GET", "HEAD", "PUT", "PATCH"})

Answered = TypeVar("Answered", bound=BaseModel)


class ChangedMeanwhileError(PreconditionFailed):
    """A change was made to a state that is gone; `state` is the one there is now."""

    def __init__(self, state: BaseModel) -> None:
        super().__init__()
        self.state = state


def register_revisions(app: Flask) -> None:
    """Tag what is read with its state, and answer 304 to whoever has it already."""
    app.after_request(_tag)
    app.register_error_handler(ChangedMeanwhileError, _changed_meanwhile)


def require_match(state: BaseModel) -> None:
    """Let a change pass only if it was made to this state.

    Raises:
        HTTPException: 428 there is no If-Match.
        ChangedMeanwhileError: it names another state.
    """
    if not request.if_match:
        abort(HTTPStatus.PRECONDITION_REQUIRED)
    if not _is_named(state):
        raise ChangedMeanwhileError(state)


def tagged(answer: Answered, state: BaseModel) -> tuple[Answered, int, dict[str, str]]:
    """Answer a change with more than the state it made; the ETag is that of the state."""
    return answer, HTTPStatus.OK, {"ETag": quote_etag(tag_of(state))}


def tag_of(state: BaseModel) -> str:
    """What tells a state from others: the record's own, then with what is derived, if anything is.

    A cache compares the whole; who changes the record has to have read the first part only.
    """
    whole = state.model_dump_json()
    derived: frozenset[str] = getattr(state, "derived", frozenset())
    if not derived:
        return _digest(whole.encode())
    return f"{_own_digest(state, derived)}.{_digest(whole.encode())}"


def _is_named(state: BaseModel) -> bool:
    own = tag_of(state).partition(".")[0]
    given = request.if_match
    return given.star_tag or any(tag.partition(".")[0] == own for tag in given.as_set())


def _own_digest(state: BaseModel, derived: frozenset[str]) -> str:
    return _digest(state.model_dump_json(exclude=set(derived)).encode())


def tag_state(response: Response, state: BaseModel) -> None:
    """Tag an answer that shows one state; others are tagged by their bytes."""
    if request.method in _TAGGED and getattr(state, "derived", None):
        response.set_etag(tag_of(state))


def _tag(response: Response) -> Response:
    if request.method in _TAGGED and response.status_code == HTTPStatus.OK and response.is_json:
        if "ETag" not in response.headers:
            response.set_etag(_digest(response.get_data()))
        # What is here is about people: a cache in between keeps none of it.
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.make_conditional(request)
    return response


def _changed_meanwhile(error: ChangedMeanwhileError) -> Response:
    """Say what the record is now, so that the change can be made to that."""
    current = json.loads(error.state.model_dump_json())
    response = problem(
        HTTPStatus.PRECONDITION_FAILED, "precondition_failed", members={"current": current}
    )
    response.set_etag(tag_of(error.state))
    return response


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
