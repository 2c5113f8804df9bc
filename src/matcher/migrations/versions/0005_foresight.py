"""What is computed ahead: forecasts, and rehearsals of an expert's loss."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "forecasts",
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        reference("forecasts", "programme_id"),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_forecasts")),
    )
    numbers = ("sessions_lost", "moved", "taken_over", "held_times_lost", "cost", "bound")
    op.create_table(
        "rehearsals",
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("expert_id", sa.Text(), nullable=False),
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sessions_to_come", sa.Integer(), nullable=False),
        sa.Column("lost", sa.JSON(), nullable=False),
        sa.Column("shortened", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in numbers),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        reference("rehearsals", "programme_id"),
        reference("rehearsals", "expert_id"),
        sa.PrimaryKeyConstraint("programme_id", "expert_id", name=op.f("pk_rehearsals")),
    )
    op.create_index("ix_rehearsals_expert_id", "rehearsals", ["expert_id"])


def downgrade() -> None:
    """Take the step back; what was computed is lost, and can be computed again."""
    op.drop_table("rehearsals")
    op.drop_table("forecasts")


def reference(table: str, column: str) -> sa.ForeignKeyConstraint:
    """A column that holds the id of a record in the table of its name."""
    other = column.removesuffix("_id") + "s"
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )
