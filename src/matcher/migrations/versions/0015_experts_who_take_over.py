"""Whether an engagement that is under way may go on with another expert."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step; every engagement keeps its expert."""
    with op.batch_alter_table("engagements") as altered:
        altered.add_column(
            sa.Column("expert_may_change", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("engagements") as altered:
        altered.alter_column("expert_may_change", server_default=None)


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("engagements", "expert_may_change")
