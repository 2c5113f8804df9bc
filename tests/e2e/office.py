"""The office at work: the service on a port, its clock moved by hand, and those who ask it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from werkzeug.serving import WSGIRequestHandler, make_server

from api import create_app
from api.service import Service
from matcher.access import create_key
from matcher.clock import from_wall_time
from matcher.models import Role, load_programme
from matcher.settings import Settings
from tests.answering import answering
from tests.api.service import PEPPER, Caller


@dataclass
class MovableClock:
    """A clock that stands still until somebody moves it."""

    moment: dt.datetime

    def __call__(self) -> dt.datetime:
        """The moment it is, in UTC."""
        return self.moment

    def move_to(self, day: dt.date, hour: int, minute: int = 0) -> None:
        """Let it be a time of Tokyo; only ever later."""
        following = from_wall_time(dt.datetime.combine(day, dt.time(hour, minute)))
        assert following >= self.moment
        self.moment = following


@dataclass(frozen=True)
class Office:
    """The service and its people."""

    app: Service
    url: str
    clock: MovableClock
    admin: Caller
    staff: Caller
    planner: Caller
    _keys: dict[tuple[Role, str], Caller] = field(default_factory=dict)

    def caller(self, role: Role, subject_id: str) -> Caller:
        """The expert or organization, with a key that an admin made."""
        known = (role, subject_id)
        if known not in self._keys:
            body = {"role": role.value, "subject_id": subject_id, "label": subject_id}
            made = done(self.admin.post("/v1/keys", body), 201)
            self._keys[known] = _keyed(self.url, made["key"])
        return self._keys[known]

    def run(self, plan_id: str) -> None:
        """Do what a worker does, here and now; there is a plan then."""
        assert self.app.extensions["matcher"].jobs.execute(plan_id)
        plan = done(self.planner.get(f"/v1/plans/{plan_id}"))
        assert plan["state"] == "ready", plan["error"]


class _Quiet(WSGIRequestHandler):
    """Thousands of requests, and the service has a log of its own."""

    def log_request(self, *_: object) -> None:
        """Say nothing."""


def done(answer: Any, status: int = 200) -> dict[str, Any]:
    """What an answer says, which has to be of one status."""
    assert answer.status_code == status, (answer.request.url, answer.text)
    content: dict[str, Any] = answer.json()
    return content


def all_of(caller: Caller, path: str) -> list[dict[str, Any]]:
    """Every record of a list, page by page."""
    joint = "&" if "?" in path else "?"
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = done(caller.get(f"{path}{joint}limit=200&cursor={cursor}"))
        items += page["items"]
        cursor = page["next"] or ""
        if not cursor:
            return items


@contextmanager
def opened_office(database_url: str, folder: Path, start: dt.datetime) -> Iterator[Office]:
    """Open the office at a moment, on an empty database; nobody else asks it anything."""
    clock = MovableClock(start)
    settings = Settings(
        database_url=database_url,
        data_directory=folder,
        key_pepper=SecretStr(PEPPER),
        rate_limit="1000000/minute",
    )
    app = create_app(settings, clock=clock)
    with app.extensions["matcher"].writing.begin() as db:
        load_programme(db, "tokyo-2025")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    with closing(app.extensions["matcher"]), answering(server):
        admin, staff, planner = (
            _keyed(url, _first_key(app, role, start))
            for role in (Role.ADMIN, Role.STAFF, Role.PLANNER)
        )
        yield Office(app, url, clock, admin, staff, planner)


def _keyed(url: str, key: str) -> Caller:
    return Caller(url, {"Authorization": f"Bearer {key}"})


def _first_key(app: Service, role: Role, now: dt.datetime) -> str:
    with app.extensions["matcher"].writing.begin() as db:
        _, secret = create_key(
            db,
            role=role,
            subject_id=None,
            label=f"office, {role}",
            now=now,
            expires_at=None,
            pepper=PEPPER.encode(),
        )
    return secret
