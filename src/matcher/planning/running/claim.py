"""Claims on background work that is in no queue: one worker at a time is at it.

Who claims it holds a lease, and renews it while the work goes on; a worker that dies leaves the
work to others as soon as its lease is over.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from matcher.models import Lease
from matcher.models.identifiers import new_identifier
from matcher.planning.running.attempt import Clock, Sessions

LEASE: Final = dt.timedelta(minutes=1)
"""Longer than anything that is done between two renewals."""


@dataclass(frozen=True)
class Claim:
    """One worker's claim on a piece of work."""

    sessions: Sessions
    work: str
    holder: str
    clock: Clock

    @classmethod
    def take(cls, sessions: Sessions, work: str, clock: Clock) -> Self | None:
        """Claim a piece of work; None where somebody else is at it."""
        claim, now = cls(sessions, work, new_identifier("W"), clock), clock()
        try:
            with sessions.begin() as db:
                db.execute(delete(Lease).where(Lease.work == work, Lease.until < now))
                db.add(Lease(work=work, holder=claim.holder, until=now + LEASE))
        except IntegrityError:
            return None
        return claim

    def renew(self) -> bool:
        """Hold on to the work; False where somebody else has taken it over."""
        now = self.clock()
        with self.sessions.begin() as db:
            mine = update(Lease).where(Lease.work == self.work, Lease.holder == self.holder)
            held = db.execute(mine.values(until=now + LEASE).returning(Lease.work))
            return held.one_or_none() is not None

    def give_up(self) -> None:
        """Leave the work to whoever comes next."""
        with self.sessions.begin() as db:
            db.execute(delete(Lease).where(Lease.work == self.work, Lease.holder == self.holder))
