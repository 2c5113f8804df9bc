"""Servers that answer in a thread of the tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

from werkzeug.serving import ThreadedWSGIServer

LOOK_EVERY_SECONDS = 0.01
"""How soon a server hears that it is to end; by default it is half a second, for every test."""


@contextmanager
def answering(server: BaseServer) -> Iterator[None]:
    """Let a server answer until the end of the block, and close it.

    One that is the service is waited for until its last request has let go of the database.
    """
    if isinstance(server, ThreadedWSGIServer):
        server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_EVERY_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
