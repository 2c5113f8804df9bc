"""Runs migrations on the connection that `matcher.database.migrations` opened."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from matcher.models import Base
from matcher.models.columns import Structured, UtcDateTime


def plain_type(kind: str, item: object, _: AutogenContext) -> str | Literal[False]:
    """Write a column of ours as the database's own type: a migration outlives our classes."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Structured):
        return "sa.JSON()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
    render_item=plain_type,
)
context.run_migrations()
