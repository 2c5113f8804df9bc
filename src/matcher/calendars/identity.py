"""How sessions are called in calendars, by everybody and for good."""

from __future__ import annotations

from typing import Final

UID_DOMAIN: Final = "sessions.expert-dispatch.example"
"""Part of every UID, for good: a client that sees another UID sees another session."""

_PREFIX: Final = "session-"
_SUFFIX: Final = f"@{UID_DOMAIN}"


def uid_of(session_id: str) -> str:
    """The UID of a session in every feed, invitation and file."""
    return f"{_PREFIX}{session_id}{_SUFFIX}"


def session_of(uid: str) -> str | None:
    """The session that a UID names; None: it is none of ours."""
    if not (uid.startswith(_PREFIX) and uid.endswith(_SUFFIX)):
        return None
    return uid.removeprefix(_PREFIX).removesuffix(_SUFFIX)
