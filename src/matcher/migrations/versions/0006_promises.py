"""What a run makes of promises, and the plans that one run makes for each number of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PLANS = sa.table("plans", sa.column("id"), sa.column("terms", sa.JSON))
NEW_TERMS = ("promises", "points")


def upgrade() -> None:
    """Take the step; the runs on record only weighed what they changed."""
    op.add_column("plans", sa.Column("promises", sa.JSON(), nullable=True))
    # In SQL, as SQLite can add a reference with its column only.
    op.execute(
        "ALTER TABLE plans ADD COLUMN run_id TEXT "
        "CONSTRAINT fk_plans_run_id_plans REFERENCES plans (id)"
    )
    op.create_index("ix_plans_run_id", "plans", ["run_id"])
    rewrite_terms(lambda terms: terms | {"promises": "weigh"})


def downgrade() -> None:
    """Take the step back; what was proven of promises is lost."""
    rewrite_terms(lambda terms: {k: v for k, v in terms.items() if k not in NEW_TERMS})
    op.drop_index("ix_plans_run_id", "plans")
    op.drop_column("plans", "run_id")
    op.drop_column("plans", "promises")


def rewrite_terms(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the terms of every plan."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(PLANS.c.id, PLANS.c.terms)).all():
        connection.execute(
            PLANS.update().where(PLANS.c.id == row.id).values(terms=change(row.terms))
        )
