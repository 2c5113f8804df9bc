"""Is the process alive, can it work, and how much does it do: for those who run the service."""

from __future__ import annotations

import os
import time
from importlib.resources import files

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from api.context import database
from api.problems import problem

blueprint = Blueprint("health", __name__)


def register_health(app: Flask) -> None:
    """Count and time each answer by its route, never by its path."""
    collected = CollectorRegistry()
    answers = Counter(
        "matcher_http_answers", "Answers", ["method", "route", "status"], registry=collected
    )
    seconds = Histogram(
        "matcher_http_seconds", "Seconds to an answer", ["method", "route"], registry=collected
    )

    def begin() -> None:
        g.counted_from = time.perf_counter()

    def count(response: Response) -> Response:
        # A caller may invent paths and methods, but not labels.
        known = request.url_rule is not None
        method, route = (request.method, str(request.url_rule)) if known else ("-", "-")
        answers.labels(method, route, response.status_code).inc()
        seconds.labels(method, route).observe(time.perf_counter() - g.counted_from)
        return response

    app.before_request(begin)
    app.after_request(count)
    app.extensions["figures"] = collected
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def alive() -> Response:
    """Say that the process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def ready() -> Response:
    """Say that the database answers and has the tables this version needs."""
    here = MigrationContext.configure(database().connection()).get_current_revision()
    if here != ScriptDirectory(str(files("matcher") / "migrations")).get_current_head():
        return problem(503, "not_migrated", detail="Run 'matcher migrate'.")
    return jsonify(status="ready", database="reachable", migrations="current")


@blueprint.get("/metrics")
def figures() -> Response:
    """Figures for Prometheus; of all worker processes where there are several."""
    return Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """The figures of this process, or of all that share PROMETHEUS_MULTIPROC_DIR."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        collected: CollectorRegistry = current_app.extensions["figures"]
        return collected
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # prometheus-client's
    return together
