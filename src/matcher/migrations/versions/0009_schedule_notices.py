"""Notices of schedules: a kind of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BEFORE, AFTER = ("accepted", "declined"), ("accepted", "declined", "schedule")


def upgrade() -> None:
    """Take the step."""
    allow(BEFORE, AFTER)


def downgrade() -> None:
    """Take the step back; notices of schedules are lost."""
    op.execute("DELETE FROM notices WHERE kind = 'schedule'")
    allow(AFTER, BEFORE)


def allow(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Let the kind of a notice be one of other words."""
    with op.batch_alter_table("notices") as notices:
        notices.alter_column(
            "kind", existing_type=words(*before), type_=words(*after), existing_nullable=False
        )


def words(*values: str) -> sa.Enum:
    """One of a few words, kept as text."""
    return sa.Enum(*values, name="noticekind", native_enum=False, create_constraint=True, length=40)
