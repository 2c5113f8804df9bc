"""`matcher worker`: carry out planning runs, and send and read mail, until told to stop."""

from __future__ import annotations

import datetime as dt

import click

from matcher.audit import Actor
from matcher.database import create_database_engine, session_factory
from matcher.jobs import Jobs, open_queue
from matcher.logs import configure_logs
from matcher.planning.running.attempt import LEASE
from matcher.post import Post
from matcher.settings import Settings

ACTOR = Actor("worker", "matcher worker")


@click.command
@click.option(
    "--lease",
    "lease_seconds",
    type=click.FloatRange(min=2),
    default=LEASE.total_seconds(),
    show_default=True,
    metavar="SECONDS",
    help="After so much silence of a worker its run is taken over by another.",
)
def worker(lease_seconds: float) -> None:
    """Carry out queued planning runs, one at a time, and send and read mail, until a signal.

    Interrupt (Ctrl-C) lets the run in hand finish; SIGTERM hands it back to the queue. Start as
    many workers as there are machines for them; `matcher serve` starts one by itself.
    """
    configure_logs()
    settings = Settings.from_environment()
    sessions = session_factory(
        create_database_engine(settings.database_url), actor=ACTOR, clock=settings.now
    )
    Jobs(
        open_queue(settings),
        sessions,
        clock=settings.now,
        lease=dt.timedelta(seconds=lease_seconds),
        post=Post.open(settings, sessions),
        trusted_hosts=settings.trusted_hosts,
    ).work()
