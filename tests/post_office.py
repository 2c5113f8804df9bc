"""A real mail server, which keeps what it takes and refuses whom it is told to.

With a certificate it is reached encrypted, from the start or after STARTTLS.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as Visit

SENDER = "派遣事務局 <office@dispatch.example.jp>"
PATIENCE_SECONDS = 60


@dataclass
class PostOffice:
    """What a mail server got, and how it answers."""

    url: str
    replies: dict[str, str] = field(default_factory=dict)
    """What it answers to a recipient, where it does not take the mail."""
    breaks_off: bool = False
    """Whether it hangs up once it has a message, without a word."""
    received: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    greetings: int = 0
    """How often somebody said hello; after STARTTLS it is said again."""

    # aiosmtpd calls them by these names, with these arguments.
    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, visit: Visit, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        """Count a hello, and answer it as the server would."""
        visit.host_name = name
        self.greetings += 1
        return answers

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _visit: Visit,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take a recipient, or not."""
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _visit: Visit, envelope: Envelope
    ) -> str:
        """Take a message."""
        self.received.append(envelope)
        if self.breaks_off:
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]  # asyncio's own has it
        return "250 Taken"

    def authenticate(
        self, _server: SMTP, _visit: Visit, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        """Let everybody in who says a name."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=True)

    def messages(self) -> list[EmailMessage]:
        """What it took, as a mail program reads it."""
        contents = (each.content for each in self.received)
        return [
            message_from_bytes(each, EmailMessage, policy=default)
            for each in contents
            if isinstance(each, bytes)
        ]

    def wait_for(self, number: int) -> None:
        """Wait until it has so many messages."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.received) < number:
            assert time.monotonic() < deadline, "the mail did not come"
            time.sleep(0.1)


@contextmanager
def post_office(
    host: str = "127.0.0.1",
    *,
    encrypted: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
) -> Iterator[PostOffice]:
    """Run a mail server on a free port of this machine.

    It is encrypted from the start, or demands STARTTLS before anything else, where it has a
    certificate for that.
    """
    port = free_port()
    scheme = "smtp" if encrypted is None else "smtps"
    office = PostOffice(f"{scheme}://{host}:{port}")
    controller = Controller(
        office,
        hostname=host,
        port=port,
        ssl_context=encrypted,
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=office.authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


def certified(authority: trustme.CA, host: str) -> ssl.SSLContext:
    """What a server shows that an authority has certified under a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
