"""What a request works with: the services, one unit of work, one moment, one principal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, current_app, g, request
from huey import Huey
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from matcher.access import Principal
from matcher.audit import Actor, acting
from matcher.calendars.shelf import Shelf
from matcher.jobs import Jobs
from matcher.settings import Settings

_NAME = "matcher"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Services:
    """What the application is built from, once, in `create_app`."""

    settings: Settings
    engine: Engine
    reading: sessionmaker[Session]
    writing: sessionmaker[Session]
    queue: Huey
    jobs: Jobs
    clock: Callable[[], datetime]
    shelf: Shelf

    def close(self) -> None:
        """Let go of the database and the queue."""
        self.engine.dispose()
        self.queue.storage.close()


def keep_services(app: Flask, services: Services) -> None:
    """Let the requests of an application find its services."""
    app.extensions[_NAME] = services
    app.teardown_appcontext(_close)


def services() -> Services:
    """The services of the application that answers."""
    return cast(Services, current_app.extensions[_NAME])


def database() -> Session:
    """The unit of work of this request; committed when its answer stands.

    A request that only reads neither waits for a writer nor keeps one waiting.
    """
    if "database" not in g:
        g.database = services().reading() if request.method in _READING else _writing()
    return cast(Session, g.database)


def _writing() -> Session:
    db = services().writing()
    acting(db, Actor(principal().name, request.endpoint, g.request_id), now)
    return db


def now() -> datetime:
    """The moment at which this request is answered, in UTC; the same wherever it asks."""
    if "now" not in g:
        g.now = services().clock()
    return cast(datetime, g.now)


def principal() -> Principal:
    """Who is asking; only routes that need a key may call it."""
    return cast(Principal, g.principal)


def afterwards(action: Callable[[], object]) -> None:
    """Do something once the unit of work is committed, and only then."""
    g.setdefault("afterwards", []).append(action)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Commit what the request did to the database, or nothing of it."""
    try:
        yield
        if "database" in g:
            database().commit()
            for action in g.pop("afterwards", ()):
                action()
    except BaseException:
        if "database" in g:
            database().rollback()
        raise


def _close(_error: BaseException | None) -> None:
    opened = g.pop("database", None)
    if opened is not None:
        opened.close()
