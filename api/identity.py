"""Who is asking, and whether that person may: the key of each request, checked once."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Final, cast

from flask import Blueprint, Flask, Response, g, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address

from api.context import now, services
from api.problems import problem
from matcher.access import Principal, Reach, authenticate, unauthenticated
from matcher.errors import Unauthenticated

OPEN_OPERATIONS: Final = frozenset(
    {
        "calendars.fetch",
        "documentation.asset",
        "documentation.document",
        "documentation.page",
        "documentation.robots",
        "documentation.start",
        "health.alive",
        "health.figures",
        "health.ready",
    }
)
"""What is answered without a key; a calendar's address is its own secret."""


CALENDAR: Final = "calendars.fetch"


def register_identity(app: Flask, calendars: Blueprint, rate_limit: str) -> None:
    """Find out who asks, count the request, and only then refuse it: guessing is counted too."""
    app.before_request(_identify)
    limiter = Limiter(
        _counted_as,
        app=app,
        default_limits=[rate_limit],
        default_limits_exempt_when=_is_not_counted,
        storage_uri="memory://",
        on_breach=_too_many,
    )
    limiter.limit(
        rate_limit,
        key_func=get_remote_address,
        deduct_when=_is_refused,
        override_defaults=False,
    )(calendars)
    app.before_request(_authorize)


def reach() -> Reach:
    """How far the principal reaches in the operation that is asked for."""
    return cast(Reach, g.reach)


def _identify() -> None:
    g.principal = None
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or _is_open():
        return
    pepper = services().settings.key_pepper.get_secret_value().encode()
    with services().reading() as db, suppress(Unauthenticated):
        g.principal = authenticate(db, key.strip(), now(), pepper)


def _authorize() -> None:
    if _is_open():
        return
    known: Principal | None = g.principal
    if known is None:
        raise unauthenticated()
    g.reach = known.reach(str(request.endpoint))


def _too_many(limit: RequestLimit) -> Response:
    response = problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests")
    response.headers["Retry-After"] = str(max(1, limit.reset_at - int(time.time())))
    return response


def _is_open() -> bool:
    return request.routing_exception is not None or request.endpoint in OPEN_OPERATIONS


def _is_not_counted() -> bool:
    return _is_open() and not _is_of_a_calendar()


def _is_of_a_calendar() -> bool:
    return request.endpoint == CALENDAR


def _is_refused(response: Response) -> bool:
    """Whether somebody asked for a calendar that is not there: it may be a guess."""
    return response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


def _counted_as() -> str:
    """Who asks; of a calendar its address, as one program fetches those of many for all of them."""
    if _is_of_a_calendar():
        return f"calendar {hashlib.sha256(request.path.encode()).hexdigest()}"
    known: Principal | None = g.principal
    return f"key {known.key_id}" if known else f"address {get_remote_address()}"
