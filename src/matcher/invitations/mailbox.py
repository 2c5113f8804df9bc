"""A mailbox on an IMAP server, and the messages in it that nobody has read.

A password goes over an encrypted connection only, or to this machine itself.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit

__all__ = ["MAX_BYTES", "Inbox", "Mailbox", "MailboxError"]

TIMEOUT_SECONDS: Final = 20.0
MAX_BYTES: Final = 1_000_000
"""A message that is larger is no answer to an invitation, and is left alone."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")
_PORTS: Final = {"imap": 143, "imaps": 993}
_FORM: Final = (
    "give imaps://USER:PASSWORD@HOST:PORT/FOLDER, with signs such as @ and / in a password "
    "written %40 and %2F"
)


class MailboxError(Exception):
    """The server does not do what it is asked; quotes nothing of a password."""


@dataclass(frozen=True)
class Mailbox:
    """Where mail is read: `imaps` is encrypted from the start, `imap` by STARTTLS."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    encrypted: bool = True

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a mailbox's address.

        Raises:
            ValueError: it has another form; the message quotes nothing of it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(_FORM) from None
        named = parts.hostname and parts.username and parts.password is not None
        if parts.scheme not in _PORTS or not named or parts.query or parts.fragment:
            raise ValueError(_FORM)
        said = [unquote(each or "") for each in (parts.username, parts.password, parts.path)]
        if not all(each.isascii() and (each.isprintable() or not each) for each in said):
            raise ValueError(f"{_FORM}; no sign of it may be beyond ASCII")
        user, password, folder = said
        return cls(
            host=parts.hostname or "",
            port=port or _PORTS[parts.scheme],
            user=user,
            password=password,
            folder=folder.strip("/") or "INBOX",
            encrypted=parts.scheme == "imaps",
        )

    @contextmanager
    def opened(self) -> Iterator[Inbox]:
        """Log in and open the folder, until the end of the block.

        Raises:
            MailboxError: that cannot be done, or something in the block; says why.
        """
        try:
            connection = self._connect()
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(_words(error)) from error
        try:
            connection.login(self.user, self.password)
            _require(connection.select(_quoted(self.folder)), f"no folder {self.folder}")
            yield Inbox(connection, _generation(connection))
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(_words(error)) from error
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                connection.logout()

    def _connect(self) -> imaplib.IMAP4:
        # It trusts what the system does, or the authorities in the file that SSL_CERT_FILE names.
        context = ssl.create_default_context()
        if self.encrypted:
            return imaplib.IMAP4_SSL(
                self.host, self.port, ssl_context=context, timeout=TIMEOUT_SECONDS
            )
        connection = imaplib.IMAP4(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            if "STARTTLS" in connection.capabilities:
                connection.starttls(context)
            elif self.host not in _LOOPBACK:
                raise OSError("the server offers no encryption, and no password is sent without")
        except BaseException:
            connection.shutdown()
            raise
        return connection


@dataclass(frozen=True)
class Inbox:
    """An open folder."""

    connection: imaplib.IMAP4
    generation: str
    """As long as it is the same, a number means the same message (RFC 3501 2.3.1.1)."""

    def unread(self) -> list[str]:
        """The numbers of the messages that nobody has read."""
        found = _require(self.connection.uid("SEARCH", "UNSEEN"), "it cannot be searched")
        return [each.decode() for each in (found[0] or b"").split()]

    def read(self, number: str) -> bytes | None:
        """A message as it was sent, which stays unread; None where it is gone or too large."""
        answer = self.connection.uid("FETCH", number, "(RFC822.SIZE)")[1]
        size = _SIZE.search(answer[0] if isinstance(answer[0], bytes) else b"")
        if size is None or int(size[1]) > MAX_BYTES:
            return None
        for part in self.connection.uid("FETCH", number, "(BODY.PEEK[])")[1]:
            if isinstance(part, tuple):
                return bytes(part[1])
        return None

    def mark_as_read(self, number: str) -> None:
        """Tell others that a message was read."""
        answer = self.connection.uid("STORE", number, "+FLAGS", r"(\Seen)")
        _require(answer, "messages in it cannot be marked as read")


def _generation(connection: imaplib.IMAP4) -> str:
    # The library hands out what came with the folder, once.
    _, data = connection.response("UIDVALIDITY")
    return (data[0] or b"").decode() if data else ""


def _require(answer: tuple[str, list[bytes | None]], otherwise: str) -> list[bytes | None]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(otherwise)
    return data


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _words(error: Exception) -> str:
    # The library raises what a server says as it came, in bytes.
    said = error.args[0] if error.args else ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(error)
    return text or type(error).__name__
