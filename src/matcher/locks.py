"""How a row is locked by whoever changes it, or takes turns by it."""

from __future__ import annotations

from typing import Any, Final

ROW: Final[dict[str, Any]] = {"key_share": True}
"""Nobody else changes the row or locks it likewise until the transaction ends.

Others may insert rows that refer to it, whose foreign key locks it a little (FOR KEY SHARE on
PostgreSQL). A plain FOR UPDATE waits for these, and two who have both inserted one, and then lock
the row, wait for each other for ever. SQLite has one writer at a time.
"""
