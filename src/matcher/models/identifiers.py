"""Identifiers: short enough to read over the telephone, too many to guess."""

from __future__ import annotations

import secrets

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without I, L, O and U, which are misread or misheard (Douglas Crockford's alphabet)."""

LENGTH = 8
"""40 bits: among a million identifiers, one more is taken already with odds of 1 to a million."""


def new_identifier(prefix: str) -> str:
    """Make an identifier such as `A7K3M9QX2` from the letter of its kind."""
    return prefix + "".join(secrets.choice(CROCKFORD) for _ in range(LENGTH))
