"""Background jobs: planning runs and mail, carried out by worker processes.

The queue delivers a message at most once, and a worker may die with one in its hands. So a message
is only the id of a run, and the table of plans is the truth: a worker claims the row, renews its
lease while it lives, and every few seconds each worker looks for runs whose worker fell silent and
for queued runs without a message. Released notices need no message at all: a worker looks for them.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.consumer import Consumer

from matcher.busy.reading import WALL_SECONDS
from matcher.busy.sources import read_due
from matcher.clock import utc_now
from matcher.errors import Misconfigured
from matcher.notices.smtp import TIMEOUT_SECONDS
from matcher.planning.foreseeing.foresight import look_ahead
from matcher.planning.running.attempt import LEASE, Clock, Sessions, execute_run
from matcher.planning.running.runs import queued_runs, reap
from matcher.planning.running.turns import waits_for
from matcher.post import Post
from matcher.settings import Settings

logger = logging.getLogger(__name__)

QUEUE_NAME: Final = "matcher"
SWEEP_EVERY: Final = dt.timedelta(seconds=15)
"""With the lease, less than a minute: so long nobody works on a run whose worker was killed."""

MAIL_EVERY: Final = dt.timedelta(seconds=5)
"""How long a released notice may wait for a worker to look for it."""

REPLIES_EVERY: Final = dt.timedelta(seconds=15)
"""How often the mailbox is looked into."""

CALENDARS_EVERY: Final = dt.timedelta(seconds=5)
"""How long a busy calendar that was given, or whose hour has come, may wait for a worker."""

LOOK_AHEAD_EVERY: Final = dt.timedelta(seconds=30)
"""How long after a release, or midnight, forecasts and rehearsals may wait to be begun."""

POLL_SECONDS: Final = 1.0
"""How long a message may lie in the queue while the worker is idle."""

STOP_SECONDS: Final = 10.0
"""How long a worker that is told to end waits for its run to be handed back."""


def open_queue(settings: Settings) -> Huey:
    """Open the queue of the settings; by default a SQLite file of its own.

    Raises:
        Misconfigured: the address is of no queue that is known.
    """
    url = settings.queue_url or f"sqlite:///{settings.data_directory / 'queue.sqlite'}"
    scheme, _, rest = url.partition("://")
    match scheme:
        case "sqlite":
            path = Path(rest.removeprefix("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            return SqliteHuey(QUEUE_NAME, filename=str(path), results=False)
        case "postgresql" | "postgresql+psycopg":
            return PostgresHuey(QUEUE_NAME, dsn=f"postgresql://{rest}", results=False)
        case "redis" | "rediss":
            return RedisHuey(QUEUE_NAME, url=url, results=False)
    raise Misconfigured(
        "MATCHER_QUEUE_URL: give sqlite:///FILE, postgresql://… or redis://….",
        "MATCHER_QUEUE_URL には sqlite:///ファイル、postgresql://… または redis://… "
        "を指定してください。",
        setting="MATCHER_QUEUE_URL",
    )


class Jobs:
    """The queue and its work, for those who ask (`enqueue`) and those who do it (`work`)."""

    def __init__(
        self,
        queue: Huey,
        sessions: Sessions,
        *,
        clock: Clock = utc_now,
        lease: dt.timedelta = LEASE,
        post: Post | None = None,
        trusted_hosts: tuple[str, ...] = (),
    ) -> None:
        self._queue = queue
        self._trusted_hosts = trusted_hosts
        self._sessions = sessions
        self._clock = clock
        self._lease = lease
        self._post = post
        self._stopping = threading.Event()
        self._idle = threading.Lock()
        self._message = queue.task(name="execute_run")(self.execute)

    def enqueue(self, plan_id: str) -> None:
        """Tell the workers of a queued run, once its row is committed.

        A queue that is away keeps nobody from asking: the next sweep finds the row.
        """
        try:
            self._message(plan_id)
        except Exception:
            logger.exception("run %s is queued, but its message could not be sent", plan_id)

    def execute(self, plan_id: str) -> bool:
        """Carry out one run, here and now; False where it is somebody else's."""
        with self._idle:
            done = execute_run(
                self._sessions,
                plan_id,
                clock=self._clock,
                lease=self._lease,
                stopping=self._stopping,
            )
        if done:
            self.announce_waiting()  # those that had to let this one go first
        return done

    def sweep(self) -> None:
        """Take runs from silent workers, and send a message for each queued run without one."""
        with self._sessions.begin() as db:
            retried = reap(db, self._clock())
        for plan_id in retried:
            logger.warning("run %s is tried again: its worker stopped answering", plan_id)
        self.announce_waiting()

    def announce_waiting(self) -> None:
        """Send a message for each queued run without one, whose turn it is.

        Where that fails, the next sweep tries again: it undoes nothing of what has ended.
        """
        try:
            with self._sessions.begin() as db:
                waiting = [each.id for each in queued_runs(db) if waits_for(db, each) is None]
            announced = {task.args[0] for task in self._queue.pending() if task.args}
        except Exception:
            logger.exception("it could not be told which runs are next")
            return
        for plan_id in waiting:
            if plan_id not in announced:
                self.enqueue(plan_id)

    def keep_watch(self) -> None:
        """Sweep from now on in a thread of its own, beside something else that this process does.

        So a run is taken from a worker that fell silent even where no other worker is left, and
        whoever looks at it sees that it waits for one.
        """
        self._keep(self.sweep, "sweeper", SWEEP_EVERY)

    def stop(self) -> None:
        """End what this process does beside, after the round it is in."""
        self._stopping.set()

    def mail(self) -> None:
        """Mail the invitations and released notices that wait, where there is a server for them."""
        if self._post is not None:
            self._post.send_waiting(self._stopping)

    def read_replies(self) -> None:
        """Read what was answered to invitations, where there is a mailbox for it."""
        if self._post is not None and self._post.replies is not None:
            self._post.replies.read(self._stopping)

    def read_calendars(self) -> None:
        """Read the busy calendars whose time has come."""
        read_due(self._sessions, self._clock, self._trusted_hosts, self._stopping.is_set)

    def look_ahead(self) -> None:
        """Compute forecasts and rehearsals that are missing or outdated, while no run waits."""
        look_ahead(self._sessions, self._clock, self._stopping)

    def work(self) -> None:
        """Carry out runs, one at a time, and mail notices, until a signal ends the process.

        SIGINT lets the run in hand finish; SIGTERM hands it back to the queue.
        """
        # A thread and not a process: the solver starts processes of its own, which the queue's
        # worker processes may not. One run at a time in each `matcher worker`.
        consumer = Consumer(
            self._queue, workers=1, worker_type="thread", periodic=False, max_delay=POLL_SECONDS
        )
        sweeper = self._keep(self.sweep, "sweeper", min(SWEEP_EVERY, self._lease))
        foresight = self._keep(self.look_ahead, "foresight", LOOK_AHEAD_EVERY)
        calendars = self._keep(self.read_calendars, "calendars", CALENDARS_EVERY)
        mailing = self._keep(self.mail, "mailer", MAIL_EVERY)
        replies = self._keep(self.read_replies, "replies", REPLIES_EVERY)
        consumer.run()
        self._stopping.set()
        if self._idle.acquire(timeout=STOP_SECONDS):
            self._idle.release()
        sweeper.join(STOP_SECONDS)
        foresight.join(STOP_SECONDS)
        calendars.join(WALL_SECONDS)
        mailing.join(TIMEOUT_SECONDS)
        replies.join(TIMEOUT_SECONDS)

    def _keep(self, job: Callable[[], None], name: str, every: dt.timedelta) -> threading.Thread:
        """Do a job again and again, in a thread of its own, until the worker is told to end."""

        def repeat() -> None:
            while True:
                try:
                    job()
                except Exception:
                    logger.exception("the %s failed; its next round tries again", name)
                if self._stopping.wait(every.total_seconds()):
                    return

        thread = threading.Thread(target=repeat, name=name, daemon=True)
        thread.start()
        return thread
