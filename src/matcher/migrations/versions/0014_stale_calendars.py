"""When the owner of a busy calendar was told that it can no longer be read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step; whose calendar is stale now is told once."""
    op.add_column("busy_calendars", sa.Column("warned_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("busy_calendars", "warned_at")
