"""The audit: every change of a record, by whom, when, from what to what, at whose request.

Entries are written in the flush that changes the records, or at the end of a block that is told
together, so that both are committed or neither is; the database itself refuses to change or delete
an entry.
"""

from __future__ import annotations

from matcher.audit.actor import PROGRAM, Actor, acting
from matcher.audit.changes import told_together
from matcher.audit.listening import keep_audit
from matcher.audit.reading import conditions
from matcher.audit.scope import KINDS, Kind

__all__ = [
    "KINDS",
    "PROGRAM",
    "Actor",
    "Kind",
    "acting",
    "conditions",
    "keep_audit",
    "told_together",
]
