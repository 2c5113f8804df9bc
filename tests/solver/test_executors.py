"""Pieces come back, are lost, or fail; the run goes on."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from solver import executors
from solver.executors import (
    ExecutorError,
    Opened,
    RemoteWorkers,
    Shared,
    Workers,
    open_workers,
    split,
)


@pytest.mark.parametrize(
    ("count", "pieces", "ranges"),
    [(7, 2, [(0, 3), (3, 7)]), (2, 4, [(0, 1), (1, 2)]), (0, 3, []), (5, 1, [(0, 5)])],
)
def test_ranges_cover_everything_once(
    count: int, pieces: int, ranges: list[tuple[int, int]]
) -> None:
    assert split(count, pieces) == ranges


def divide(common: int, task: int) -> int:
    return common // task


def leave(common: int, task: int) -> int:
    """End the process that is asked to, as if the machine had failed."""
    if task == 0:
        os._exit(1)
    return common


class Unreliable(Executor):
    """Threads behind a connection that breaks in the first so many submissions."""

    def __init__(self, breaks: int) -> None:
        self.threads = ThreadPoolExecutor(2)
        self.submitted, self.breaks = 0, breaks

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As inherited."""
        self.submitted += 1
        if self.submitted <= self.breaks:
            future: Future[Any] = Future()
            future.set_exception(ConnectionError("the connection is lost"))
            return future
        return self.threads.submit(fn, *args, **kwargs)


def remote(executor: Unreliable) -> RemoteWorkers:
    """Workers over an executor that stays open: only its connection is opened anew."""
    opened = Opened(executor, 2, lambda: None)
    return RemoteWorkers("unreliable", lambda: opened, None, elsewhere=True)


def values(workers: Workers, shared: Shared[int], tasks: list[int]) -> list[int | None]:
    outcomes = workers.start(divide, shared, tasks).outcomes()
    return [outcome.value if outcome else None for outcome in outcomes]


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """Nothing is kept of what another test shared."""
    executors._kept.clear()


@pytest.mark.parametrize(
    "opener", [lambda: open_workers("local", 2), lambda: remote(Unreliable(0))]
)
def test_results_come_in_the_order_of_their_tasks(opener: Callable[[], Workers]) -> None:
    with opener() as workers:
        assert values(workers, Shared(12), [1, 2, 3, 4, 6]) == [12, 6, 4, 3, 2]


def test_what_is_shared_travels_once() -> None:
    shared = Shared(12)
    with remote(Unreliable(0)) as workers:
        values(workers, shared, [1])
        first = workers.traffic.sent_bytes
        values(workers, shared, [2])
        call = len(pickle.dumps((divide, 2)))
    assert first == 2 * call + len(shared.packed)
    assert workers.traffic.sent_bytes == first + call


def test_a_lost_piece_is_lost_alone() -> None:
    with remote(Unreliable(1)) as workers:
        assert values(workers, Shared(12), [1, 2, 3]) == [None, 6, 4]
        assert workers.traffic.lost == 1


def test_what_has_to_be_complete_runs_again_here() -> None:
    with remote(Unreliable(1)) as workers:
        assert workers.complete(divide, Shared(12), [1, 2, 3]) == [12, 6, 4]


def test_an_error_of_a_piece_itself_surfaces() -> None:
    for workers in (open_workers("local", 2), remote(Unreliable(0))):
        with workers, pytest.raises(ZeroDivisionError):
            values(workers, Shared(12), [1, 0])


def test_after_failing_again_and_again_threads_take_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shared = Shared(12)
    with remote(Unreliable(1000)) as workers:
        for _ in range(executors.MOST_FAILURES):
            assert values(workers, shared, [1, 2]) == [None, None]
        assert values(workers, shared, [1, 2]) == [12, 6]
    assert "the run goes on with threads" in caplog.text
    assert "the connection is lost" in caplog.text


def test_pieces_that_nobody_waits_for_any_more_are_lost() -> None:
    with open_workers("local", 1) as workers:
        batch = workers.start(sleep, Shared(None), [0.0, 0.2, 0.2])
        outcomes = batch.outcomes(hurry=lambda: True)
    assert None in outcomes


def sleep(common: None, task: float) -> None:
    time.sleep(task)


def test_a_process_that_dies_costs_its_round() -> None:
    with open_workers("processes", 1) as workers:
        shared = Shared(12)
        assert [o.value for o in workers.start(leave, shared, [1]).outcomes() if o] == [12]
        assert workers.start(leave, shared, [0]).outcomes() == [None]
        assert [o.value for o in workers.start(leave, shared, [1]).outcomes() if o] == [12]


def test_another_version_on_a_worker_is_refused() -> None:
    answer = executors.run_elsewhere("0.0.0", "digest", None, b"")
    with open_workers("local", 1) as workers:
        failure = workers.read(answer)
    assert isinstance(failure, executors.Failure)
    assert "install the same" in str(failure.error)


@pytest.mark.parametrize("url", ["", "somewhere", "tcp://", "ftp://host:1"])
def test_an_address_that_names_no_executor_is_refused(url: str) -> None:
    with pytest.raises(ExecutorError, match="give local, processes"):
        open_workers(url)
