"""Where independent pieces of work run: threads of this process, processes, or a Dask cluster.

A piece is a call of a module-level function with what all pieces of a stage read (`Shared`) and
a task of its own. It changes neither, so a piece that is lost with its worker is lost alone.

On threads nothing is copied: the kernels and CP-SAT let go of Python's lock. To other processes
what is shared travels once: a piece names it by its digest, and a process that does not hold it
asks for it by an empty answer. Only `submit`, `wait` and `cancel` of `concurrent.futures` are
used, so that any other executor would do.
"""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib.metadata import version
from itertools import pairwise
from typing import Any, Generic, Self, TypeVar

SCHEMES = ("tcp", "tls")
"""Those of Dask's addresses; `dask://` is taken for `tcp://`."""

ANSWER_SECONDS = 5
"""How long a scheduler may take to answer."""

MOST_FAILURES = 3
"""Failures in a row after which an executor is given up for threads."""

FIRST_PATIENCE, PATIENCE = 120.0, 5.0
"""Seconds without any piece coming in after which those that are out count as lost: where a worker
has yet to unpack and to load kernels, or even compile them; else, with three times the longest."""

MOST_KEPT = 4
"""Shared values that a process keeps: two of a run, and those of another one."""

Common = TypeVar("Common")
Task = TypeVar("Task")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class ExecutorError(RuntimeError):
    """The executor that a URL names cannot be used; the text names the remedy."""


def split(count: int, pieces: int) -> list[tuple[int, int]]:
    """Cut 0 … count - 1 into half-open ranges of about one length, `pieces` at the most."""
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return [(first, last) for first, last in pairwise(edges) if first < last]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


class Shared(Generic[Common]):
    """What all pieces of a stage read; packed when the first piece leaves this process."""

    def __init__(self, value: Common) -> None:
        self.value = value

    @cached_property
    def packed(self) -> bytes:
        """The value as it travels."""
        return zlib.compress(pickle.dumps(self.value), level=1)

    @cached_property
    def digest(self) -> str:
        """The name under which a process keeps the value."""
        return hashlib.sha256(self.packed).hexdigest()


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What a piece came to, and what it took where it ran."""

    value: Result
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Failure:
    """What a piece itself raised, so that any other error is the executor's."""

    error: Exception


Answer = Outcome[Any] | Failure | bytes
"""What a future comes to: of a thread, or pickled of another process."""


@dataclass(frozen=True)
class Traffic:
    """What went to other processes and came back, and how many pieces were lost."""

    sent_bytes: int = 0
    received_bytes: int = 0
    lost: int = 0


def run_here(
    function: Callable[[Common, Task], Result], common: Common, task: Task
) -> Outcome[Result] | Failure:
    """Run a piece in this process."""
    began, cpu_began = time.perf_counter(), time.thread_time()
    try:
        value = function(common, task)
    except Exception as error:  # raised again where the outcome is read
        return Failure(error)
    return Outcome(value, time.perf_counter() - began, time.thread_time() - cpu_began)


def run_elsewhere(release: str, digest: str, packed: bytes | None, call: bytes) -> bytes:
    """Run a pickled piece in this process for another one; empty where its `packed` is missing.

    Arguments and answer are bytes: what comes out of our own pickles is writable and in one
    piece, which is what the kernels are compiled for.
    """
    if release != _release():
        reason = f"a worker has version {_release()} of this package, not {release}"
        error = ExecutorError(f"{reason}; install the same on all machines")
        return pickle.dumps(Failure(error))
    with _lock:
        if digest not in _kept:
            if packed is None:
                return b""
            _kept[digest] = pickle.loads(zlib.decompress(packed))  # noqa: S301  our own
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(digest)
        common = _kept[digest]
    function, task = pickle.loads(call)  # noqa: S301  our own
    outcome = run_here(function, common, task)
    if isinstance(outcome, Failure):
        outcome.error.add_note("".join(traceback.format_exception(outcome.error)))
    return pickle.dumps(outcome)


_kept: OrderedDict[str, object] = OrderedDict()
_lock = threading.Lock()


@cache
def _release() -> str:
    return version("expert-dispatch-matcher")


class Workers:
    """Threads of this process; to be closed by `with`."""

    elsewhere = False
    """Whether pieces leave the cores of this machine to other work meanwhile."""

    def __init__(self, number: int, threads: int) -> None:
        self.number = number
        """How many pieces run at once."""
        self.thread_count = threads
        self.threads: Executor = ThreadPoolExecutor(threads, thread_name_prefix="solver")
        """For what is too large to travel."""
        self.longest = 0.0
        """Seconds that the longest piece took so far."""

    def __enter__(self) -> Self:
        """Nothing is to be opened."""
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for what is under way."""
        self.threads.shutdown()

    def start(
        self,
        function: Callable[[Common, Task], Result],
        shared: Shared[Common],
        tasks: Sequence[Task],
    ) -> Batch[Result]:
        """Run a module-level function with every task, side by side."""
        return Batch(self, [partial(self.submit, function, shared, task) for task in tasks])

    def complete(
        self,
        function: Callable[[Common, Task], Result],
        shared: Shared[Common],
        tasks: Sequence[Task],
    ) -> list[Result]:
        """The results of all tasks; a piece that is lost runs again, here."""
        outcomes = self.start(function, shared, tasks).outcomes()
        return [
            function(shared.value, task) if outcome is None else outcome.value
            for task, outcome in zip(tasks, outcomes, strict=True)
        ]

    def submit(
        self,
        function: Callable[[Common, Task], Result],
        shared: Shared[Common],
        task: Task,
        packed: bool = False,  # noqa: ARG002  for other processes
    ) -> Future[Answer]:
        """Hand out one piece; `packed` says whether what is shared goes with it."""
        return self.threads.submit(run_here, function, shared.value, task)

    def read(self, answer: Answer) -> Outcome[Any] | Failure | None:
        """Read what a future came to; None where the piece is to be sent again, packed."""
        outcome: Outcome[Any] | Failure | None
        if isinstance(answer, bytes):
            outcome = pickle.loads(answer) if answer else None  # noqa: S301  our own
        else:
            outcome = answer
        if isinstance(outcome, Outcome):
            self.longest = max(self.longest, outcome.seconds)
        return outcome

    def patience(self, packed: bool) -> float:  # noqa: ARG002  for other processes
        """Seconds without any piece coming in that are too many, after what is shared was sent."""
        return float("inf")

    def note(self, lost: int, came: int, reason: BaseException | None) -> None:
        """Take note of how many pieces of a batch were lost, and how many came."""


@dataclass(frozen=True)
class Opened:
    """An executor, how many pieces it runs at once, and how it is closed."""

    executor: Executor
    number: int
    close: Callable[[], None]


class RemoteWorkers(Workers):
    """Other processes, on this machine or elsewhere; opened anew when they fail.

    Raises:
        ExecutorError: at first it cannot be opened.
    """

    def __init__(
        self, name: str, opener: Callable[[], Opened], number: int | None, *, elsewhere: bool
    ) -> None:
        self._name, self._opener = name, opener
        self._opened: Opened | None = opener()
        number = number or self._opened.number
        super().__init__(number, cores() if elsewhere else number)
        self.elsewhere = elsewhere
        self.traffic = Traffic()
        self._failures = 0

    def __exit__(self, *error: object) -> None:
        """Leave what is under way alone: nobody waits for it."""
        self._close()
        super().__exit__(*error)

    def submit(
        self,
        function: Callable[[Common, Task], Result],
        shared: Shared[Common],
        task: Task,
        packed: bool = False,
    ) -> Future[Answer]:
        """Hand out one piece; after too many failures, to a thread of this process."""
        call = pickle.dumps((function, task))
        content = shared.packed if packed else None
        while self._opened is not None:
            try:
                future: Future[Answer] = self._opened.executor.submit(
                    run_elsewhere, _release(), shared.digest, content, call
                )
            except Exception as error:  # whatever it is, the executor is broken
                self._reopen(error)
            else:
                sent = self.traffic.sent_bytes + len(call) + len(content or b"")
                self.traffic = replace(self.traffic, sent_bytes=sent)
                return future
        return super().submit(function, shared, task)

    def read(self, answer: Answer) -> Outcome[Any] | Failure | None:
        """Read an answer of another process, or of a thread."""
        if isinstance(answer, bytes):
            received = self.traffic.received_bytes + len(answer)
            self.traffic = replace(self.traffic, received_bytes=received)
        return super().read(answer)

    def patience(self, packed: bool) -> float:
        """Long where a process has yet to begin, a few times what a piece takes afterwards."""
        if self._opened is None:
            return float("inf")
        return FIRST_PATIENCE if packed or not self.longest else PATIENCE + 3 * self.longest

    def note(self, lost: int, came: int, reason: BaseException | None) -> None:
        """Open the executor anew where nothing came back."""
        self.traffic = replace(self.traffic, lost=self.traffic.lost + lost)
        if came:
            self._failures = 0
        elif lost and self._opened is not None:
            self._reopen(reason)

    def _reopen(self, reason: BaseException | None) -> None:
        self._close()
        while self._failures < MOST_FAILURES - 1:
            self._failures += 1
            try:
                self._opened = self._opener()
            except Exception as error:  # counted, and named below
                reason = error
            else:
                return
        logger.warning(
            "the executor %s failed %d times (%s); the run goes on with threads of this process",
            self._name,
            MOST_FAILURES,
            reason or "no piece came back in time",
        )

    def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(Exception):  # it may be broken, which is why it is closed
                opened.close()


class Batch(Generic[Result]):
    """Pieces that are out; those that are lost have no outcome."""

    def __init__(self, workers: Workers, submits: Sequence[Callable[..., Future[Answer]]]) -> None:
        self._workers, self._submits = workers, submits
        self._outcomes: list[Outcome[Result] | None] = [None] * len(submits)
        self._heard = time.monotonic()
        self._reason: BaseException | None = None
        self._packed = False
        self._pending = {submit(): number for number, submit in enumerate(submits)}

    def is_done(self, seconds: float = 0.0) -> bool:
        """Whether all pieces have come or are lost; waits for the next one for so long at most.

        Raises:
            Exception: what a piece raised itself.
        """
        done, _ = wait(self._pending, seconds, return_when=FIRST_COMPLETED)
        for future in done:
            self._take(future, self._pending.pop(future))
        if done:
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > self._workers.patience(self._packed):
            self.give_up()
        return not self._pending

    def _take(self, future: Future[Answer], number: int) -> None:
        try:
            outcome = self._workers.read(future.result())
        except Exception as error:  # a piece's own errors are outcomes
            self._reason = error
            return
        if outcome is None:
            self._packed = True
            self._pending[self._submits[number](packed=True)] = number
        elif isinstance(outcome, Failure):
            raise outcome.error
        else:
            self._outcomes[number] = outcome

    def give_up(self) -> None:
        """Count the pieces that are out as lost."""
        for future in self._pending:
            future.cancel()
        self._pending = {}

    def outcomes(self, hurry: Callable[[], bool] = lambda: False) -> list[Outcome[Result] | None]:
        """What the pieces came to, in the order of their tasks; None for a lost one.

        Waits for all of them, or until `hurry` says so.
        """
        hurried = False
        while not self.is_done(0.05):
            if hurry():
                hurried = True
                self.give_up()
        came = len(self._outcomes) - self._outcomes.count(None)
        if not hurried:
            self._workers.note(len(self._outcomes) - came, came, self._reason)
        return self._outcomes


def open_workers(url: str = "local", number: int | None = None) -> Workers:
    """The workers that a URL names, `number` pieces at once or as many as there are cores.

    `local` threads, `processes`, or the address of a Dask scheduler.

    Raises:
        ExecutorError: there is no such executor, or it does not answer.
    """
    if url == "local":
        return Workers(number or cores(), number or cores())
    if url == "processes":
        return RemoteWorkers(url, partial(_processes, number or cores()), number, elsewhere=False)
    scheme, _, address = url.partition("://")
    if not address or scheme not in (*SCHEMES, "dask"):
        raise ExecutorError(
            "this is no executor; give local, processes, "
            "or the address of a Dask scheduler such as tcp://scheduler:8786"
        )
    address = url if scheme in SCHEMES else f"tcp://{address}"
    return RemoteWorkers(url, partial(_dask, address), number, elsewhere=True)


def _processes(number: int) -> Opened:
    pool = ProcessPoolExecutor(
        number,
        # A fork would copy the locks of threads that are under way.
        mp_context=multiprocessing.get_context("spawn"),
        # Ctrl-C reaches the whole group; the parent alone decides what it means.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    return Opened(pool, number, partial(pool.shutdown, wait=False, cancel_futures=True))


def _dask(address: str) -> Opened:
    try:
        from distributed import Client  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ExecutorError(
            "Dask is not installed; pip install 'expert-dispatch-matcher[cluster]'"
        ) from error
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ExecutorError(
            "no Dask scheduler answers there; check the address, or start one: dask scheduler"
        ) from error
    threads = sum(client.nthreads().values())
    if not threads:
        client.close()
        raise ExecutorError(f"this scheduler has no workers; start some: dask worker {address}")
    return Opened(client.get_executor(pure=False), threads, partial(client.close, ANSWER_SECONDS))
