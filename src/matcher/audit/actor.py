"""Who acts in a session of the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from sqlalchemy.orm import Session, sessionmaker

from matcher.clock import utc_now

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Actor:
    """Who changes something, and what was asked for."""

    name: str
    """As `Principal.name` says it, or the program that acts."""
    operation: str | None = None
    """By the API's operation id or the command line's command."""
    request_id: str | None = None
    """The id of the HTTP request, as its answer and the log have it."""


PROGRAM: Final = Actor("matcher")
"""Who did it where nobody said."""


class Acting(NamedTuple):
    """Who acts, and by which clock."""

    actor: Actor
    clock: Clock


_ACTING: Final = "matcher_acting"


def acting(db: Session, actor: Actor, clock: Clock = utc_now) -> None:
    """Say who makes the changes of a session from now on."""
    db.info[_ACTING] = Acting(actor, clock)


def acting_by_default(sessions: sessionmaker[Session], actor: Actor, clock: Clock) -> None:
    """Say who makes the changes of a factory's sessions, until one of them says otherwise."""
    sessions.configure(info={_ACTING: Acting(actor, clock)})


def who_acts(db: Session) -> Acting:
    """Who makes the changes of a session."""
    return cast(Acting, db.info.get(_ACTING, Acting(PROGRAM, utc_now)))
