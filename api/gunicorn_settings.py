"""How gunicorn serves the application; `matcher serve` adds the address and the processes."""

from __future__ import annotations

import gc
import os
from typing import Any

from prometheus_client import multiprocess

from matcher.logs import LOGGING

worker_class = "gthread"
threads = 8
graceful_timeout = 30
"""Seconds for requests in hand when the service is told to end."""

control_socket_disable = True
"""It is told what to do by signals, and leaves no file in anybody's home."""

accesslog = None
"""The application tells of each request itself, without the tokens of calendars."""

logconfig_dict = LOGGING


def post_worker_init(_worker: Any) -> None:  # noqa: ANN401  gunicorn's hook
    """Look for garbage among what requests make, not among all that was loaded before them.

    Reading a programme of 500 engagements then takes two thirds of the time.
    """
    gc.collect()
    gc.freeze()


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401  gunicorn's hook
    """Forget the figures of a process that is gone."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # prometheus-client's
