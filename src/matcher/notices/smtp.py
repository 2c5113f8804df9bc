"""A mail server, and handing one message to it: what became of it is always told.

A password goes over an encrypted connection only, or to this machine itself.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from enum import StrEnum
from typing import Final, Self
from urllib.parse import SplitResult, unquote, urlsplit

from matcher.fields import EMAIL, LINE

__all__ = ["Fate", "MailServer", "Outcome", "deliver", "mailbox"]

TIMEOUT_SECONDS: Final = 20.0
"""How long a server may be silent."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS: Final = {"smtp": 25, "smtps": 465}
_FORM: Final = (
    "give smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT, with signs such as @ and / "
    "in a password written %40 and %2F"
)


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over: `smtps` is encrypted from the start, `smtp` where offered."""

    host: str
    port: int
    encrypted: bool = False
    user: str | None = None
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a server's address.

        Raises:
            ValueError: it has another form; the message quotes nothing of it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(_FORM) from None
        if not parts.hostname or not _is_plain(parts):
            raise ValueError(_FORM)
        user = None if parts.username is None else unquote(parts.username)
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            encrypted=parts.scheme == "smtps",
            user=user,
            password=unquote(parts.password or ""),
        )

    @property
    def is_here(self) -> bool:
        """Nobody listens on the way to this machine itself."""
        return self.host in _LOOPBACK


def mailbox(text: str) -> Address:
    """Read an address to write from, with a name before it or without.

    Raises:
        ValueError: it has another form.
    """
    name, address = parseaddr(text)
    if not re.match(LINE, text) or not re.match(EMAIL, address):
        raise ValueError("give an address such as 派遣事務局 <office@dispatch.example.jp>")
    return Address(name, addr_spec=address)


class Fate(StrEnum):
    """What became of a message."""

    TAKEN = "taken"
    REFUSED = "refused"
    LATER = "later"
    """The server asks to try again."""
    UNREACHABLE = "unreachable"
    """The server took no message of anybody."""
    UNKNOWN = "unknown"
    """The connection broke while the message was handed over."""


@dataclass(frozen=True)
class Outcome:
    """What became of a message, in the server's own words where it spoke."""

    fate: Fate
    words: str = ""

    @property
    def is_passing(self) -> bool:
        """The message has surely not gone, and the next try may succeed."""
        return self.fate in {Fate.LATER, Fate.UNREACHABLE}


def deliver(server: MailServer, message: EmailMessage, sender: str, recipient: str) -> Outcome:
    """Hand one message to a server, for one recipient."""
    try:
        connection = _connect(server)
    except OSError as error:  # as all of smtplib's errors are
        return Outcome(Fate.UNREACHABLE, _words(error))
    try:
        connection.send_message(message, sender, [recipient])
    except smtplib.SMTPRecipientsRefused as error:
        return _refusal(*error.recipients[recipient])
    except smtplib.SMTPResponseException as error:
        return _refusal(error.smtp_code, error.smtp_error)
    except OSError as error:
        return Outcome(Fate.UNKNOWN, _words(error))
    else:
        return Outcome(Fate.TAKEN)
    finally:
        # What was taken stays taken, however the farewell goes.
        with suppress(OSError):
            connection.quit()
        connection.close()


def _connect(server: MailServer) -> smtplib.SMTP:
    # It trusts what the system does, or the authorities in the file that SSL_CERT_FILE names.
    context = ssl.create_default_context()
    connection: smtplib.SMTP
    if server.encrypted:
        connection = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        _open_session(connection, server, context)
    except BaseException:
        connection.close()
        raise
    return connection


def _open_session(connection: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    private = server.encrypted or server.is_here
    connection.ehlo_or_helo_if_needed()
    if not private and connection.has_extn("starttls"):
        connection.starttls(context=context)
        private = True
    if server.user is not None:
        if not private:
            raise smtplib.SMTPNotSupportedError(
                "the server offers no encryption, and no password is sent without"
            )
        connection.login(server.user, server.password)


def _is_plain(parts: SplitResult) -> bool:
    """Whether an address holds nothing that has no meaning here."""
    both_or_none = (parts.username is None) == (parts.password is None)
    rest = parts.path.strip("/") or parts.query or parts.fragment
    return parts.scheme in _PORTS and both_or_none and not rest


def _refusal(code: int, said: bytes | str) -> Outcome:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    fate = Fate.LATER if 400 <= code < 500 else Fate.REFUSED
    return Outcome(fate, f"{code} {words}")


def _words(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error).words
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the mail server's certificate is not trusted: {error.verify_message}"
    return str(error) or type(error).__name__
