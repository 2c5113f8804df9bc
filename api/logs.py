"""One JSON line for each request and for whatever else is worth telling; never a secret."""

from __future__ import annotations

import logging.config
import re
import time
import uuid
from typing import Any, Final

import structlog
from flask import Flask, Response, g, request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CALENDAR_TOKEN = re.compile(r"(?i)(calendars/+).*")

logger = structlog.get_logger(__name__)


_STEPS: Final[list[structlog.typing.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]

LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _STEPS,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"propagate": True},
        "alembic": {"level": "WARNING"},
    },
}
"""For `logging.config.dictConfig`: everything that is logged is one JSON line."""


def configure_logs() -> None:
    """Write what structlog and the standard library log as JSON lines on standard error."""
    structlog.configure(
        processors=[*_STEPS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logging.config.dictConfig(LOGGING)


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
        bytes=response.calculate_content_length(),
        key=getattr(g.get("principal"), "key_id", None),
        role=getattr(g.get("principal"), "role", None),
    )
    return response
