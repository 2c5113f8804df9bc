"""The application: its parts put together, once, from its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response, request
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel

from api import (
    applications,
    audit,
    busy_calendars,
    calendars,
    documentation,
    engagements,
    experts,
    forecast,
    holds,
    interviews,
    invitations,
    keys,
    notices,
    organizations,
    pins,
    plans,
    programmes,
    rehearsals,
    releases,
    sessions,
)
from api import events as plan_events  # noqa: F401  it adds its route to that of plans
from api.content import MAX_BODY_BYTES, check_content, check_query
from api.context import (
    Services,
    database,
    keep_services,
    now,
    principal,
    services,
    unit_of_work,
)
from api.health import register_health
from api.identity import register_identity
from api.logs import register_logs
from api.openapi import INFO, SECURITY_SCHEMES, complete
from api.problems import Problem, refuse, register_problems
from api.revisions import register_revisions, tag_state
from matcher.calendars.organizer import Organizer
from matcher.calendars.shelf import Shelf
from matcher.database import create_database_engine, session_factory
from matcher.idempotency import Answer, KeyedRequest, recall, remember
from matcher.jobs import Jobs, open_queue
from matcher.logs import configure_logs
from matcher.settings import Settings

NOUNS = (
    programmes,
    organizations,
    experts,
    busy_calendars,
    applications,
    interviews,
    notices,
    engagements,
    holds,
    invitations,
    sessions,
    plans,
    pins,
    releases,
    forecast,
    rehearsals,
    audit,
    keys,
)


class Service(OpenAPI):
    """The application. A request is one unit of work, done once under one Idempotency-Key."""

    def dispatch_request(self) -> Response:
        """Answer a request, and commit what it did if the answer stands."""
        with unit_of_work():
            return self._once(super().dispatch_request)

    def make_response(self, rv: Any) -> Response:  # noqa: ANN401  Flask's signature
        """Take a model for an answer in JSON."""
        match rv:
            case BaseModel():
                rv = _json(rv)
            case (BaseModel() as model, *rest):
                rv = (_json(model), *rest)
        return super().make_response(rv)

    def generate_spec_json(self) -> None:
        """Generate the OpenAPI document, with what holds for every operation."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # flask-openapi3's
        complete(self.spec_json)

    def _once(self, answer: Callable[[], Any]) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST" or request.routing_exception is not None:
            return self.make_response(answer())
        asked = KeyedRequest(
            key,
            principal().key_id,
            request.method,
            request.full_path.rstrip("?"),
            request.get_data(),
        )
        with services().reading() as db:  # nobody who writes waits for the work that follows
            earlier = recall(db, asked, now())
        if earlier is not None:
            return _replayed(earlier)
        response = self.make_response(answer())
        if response.status_code < 400:
            remember(database(), asked, _kept(response), now())
        return response


def create_app(settings: Settings, clock: Callable[[], datetime] | None = None) -> Service:
    """Put the application together; nothing is read or opened before.

    `clock` tells the moment in UTC; by default it is the clock of the settings.
    """
    app = Service(
        "api",
        info=INFO,
        security_schemes=SECURITY_SCHEMES,
        validation_error_model=Problem,
        validation_error_callback=refuse,
        doc_ui=False,
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False
    keep_services(app, _services(settings, clock or settings.now))
    register_logs(app)
    register_health(app)
    register_identity(app, calendars.calendars, settings.rate_limit)
    app.before_request(check_query)
    app.before_request(check_content)
    register_revisions(app)
    register_problems(app)
    app.register_blueprint(documentation.blueprint)
    for noun in NOUNS:
        app.register_api(noun.blueprint)
    calendars.register(app)
    return app


def create_app_from_environment() -> Service:
    """Put the application together as `MATCHER_…` in the environment say."""
    configure_logs()
    app = create_app(Settings.from_environment())
    with app.app_context():
        services().jobs.keep_watch()
    return app


def _services(settings: Settings, clock: Callable[[], datetime]) -> Services:
    engine = create_database_engine(settings.database_url)
    writing = session_factory(engine)
    queue = open_queue(settings)
    return Services(
        settings,
        engine,
        reading=session_factory(engine, read_only=True),
        writing=writing,
        queue=queue,
        jobs=Jobs(queue, writing, clock=clock),
        clock=clock,
        shelf=Shelf(Organizer.of_sender(settings.mail_sender)),
    )


def _json(model: BaseModel) -> Response:
    response = Response(model.model_dump_json(), mimetype="application/json")
    tag_state(response, model)
    return response


def _kept(response: Response) -> Answer:
    headers = {name: response.headers[name] for name in ("Location",) if name in response.headers}
    secret = response.cache_control.no_store
    return Answer(response.status_code, headers, None if secret else response.get_data())


def _replayed(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, answer.headers, mimetype="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    return response
