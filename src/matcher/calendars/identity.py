"""How sessions are called in calendars, by everybody and for good."""

from __future__ import annotations

from typing import Final

UID_DOMAIN: Final = "sessions.expert-dispatch.example"
"""Part of every UID, for good: a client that sees another UID sees another session."""


def uid_of(session_id: str) -> str:
    """The UID of a session in every feed, invitation and file."""
    return f"session-{session_id}@{UID_DOMAIN}"
