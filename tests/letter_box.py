"""A real mailbox on an IMAP server, into which anybody may put mail."""

from __future__ import annotations

import imaplib
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.answering import answering
from tests.post_office import free_port

USER, PASSWORD = "office", "a pass/word"
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class LetterBox:
    """A mailbox that is there as long as its server runs."""

    port: int
    encrypted: bool = False

    @property
    def url(self) -> str:
        """Its address, as the settings want it."""
        scheme, host = ("imaps", "localhost") if self.encrypted else ("imap", "127.0.0.1")
        return f"{scheme}://{USER}:a%20pass%2Fword@{host}:{self.port}"

    def put(self, content: bytes) -> None:
        """Deliver a message."""
        self._connection.append("INBOX", "", "", content)

    def clear(self) -> None:
        """Throw away whatever is in it."""
        self._connection.select("INBOX")
        self._connection.store("1:*", "+FLAGS", r"(\Deleted)")
        self._connection.expunge()

    def unread(self) -> int:
        """How many messages nobody has read."""
        self._connection.select("INBOX", readonly=True)
        return len((self._connection.search(None, "UNSEEN")[1][0] or b"").split())

    def close(self) -> None:
        """Let go of it."""
        if "_connection" in vars(self):
            self._connection.shutdown()

    @cached_property
    def _connection(self) -> imaplib.IMAP4:
        """One for all that a test does; it ends with the server, which takes its time to log in."""
        connection = imaplib.IMAP4("127.0.0.1", self.port)
        connection.login(USER, PASSWORD)
        return connection


@contextmanager
def encrypted(box: LetterBox, certificate: ssl.SSLContext) -> Iterator[LetterBox]:
    """Put what ends encryption before a mailbox, as large servers have it."""

    class PassOn(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", box.port)) as server:
                client = certificate.wrap_socket(self.request, server_side=True)
                back = threading.Thread(target=pump, args=(server, client))
                back.start()
                pump(client, server)
                back.join()
                client.close()

    front = socketserver.ThreadingTCPServer(("127.0.0.1", 0), PassOn)
    with answering(front):
        yield LetterBox(front.server_address[1], encrypted=True)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes, until nothing does any more."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def letter_box() -> Iterator[LetterBox]:
    """Run an IMAP server on a free port of this machine."""
    port = free_port()
    program = Path(sys.executable).with_name("pymap")
    options = ("--host", "127.0.0.1", "--port", str(port), "--no-tls")
    user = ("--demo-data", "--demo-user", USER, "--demo-password", PASSWORD)
    server = subprocess.Popen(
        [program, *options, "dict", *user], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    box = LetterBox(port)
    try:
        _wait_for(port)
        yield box
    finally:
        box.close()
        server.terminate()
        server.wait(PATIENCE_SECONDS)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
        except OSError:
            assert time.monotonic() < deadline, "the IMAP server does not start"
            time.sleep(0.1)
        else:
            return
