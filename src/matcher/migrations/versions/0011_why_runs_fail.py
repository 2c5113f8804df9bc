"""Why a run has come to no plan, in Japanese as well; what release a plan brings back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("plans", sa.Column("error_ja", sa.Text()))
    op.add_column("plans", sa.Column("restores", sa.Integer()))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("plans", "restores")
    op.drop_column("plans", "error_ja")
