"""One line in the log for each request; never a secret in it."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CALENDAR_TOKEN = re.compile(r"(?i)(calendars/+).*")

logger = structlog.get_logger(__name__)


def loggable_path(path: str) -> str:
    """Hide the token of a calendar's address: who knows it can read the calendar."""
    return _CALENDAR_TOKEN.sub(r"\1***", path)


def register_logs(app: Flask) -> None:
    """Give each request an id, and tell of each when it is answered."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.began_at = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    logger.info(
        "request",
        method=request.method,
        path=loggable_path(request.path),
        operation=request.endpoint,
        status=response.status_code,
        milliseconds=round((time.perf_counter() - g.began_at) * 1000, 1),
        # To count what is streamed would be to wait for its end.
        bytes=None if response.is_streamed else response.calculate_content_length(),
        key=getattr(g.get("principal"), "key_id", None),
        role=getattr(g.get("principal"), "role", None),
    )
    return response
