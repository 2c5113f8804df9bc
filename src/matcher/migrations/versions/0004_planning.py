"""What belongs to planning in batches: terms of runs, pins, holds, what each release left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PLANS = sa.table("plans", sa.column("id"), sa.column("scope", sa.JSON), sa.column("terms", sa.JSON))


def upgrade() -> None:
    """Take the step; plans from before it froze nothing but what had begun."""
    op.add_column("plans", sa.Column("work_limit", sa.Integer(), nullable=True))
    op.add_column(
        "plans", sa.Column("crashes", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column(
        "plans", sa.Column("terms", sa.JSON(), nullable=False, server_default=sa.text("'{}'"))
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(PLANS.c.id, PLANS.c.scope)).all():
        terms = {"only": row.scope, "frozen_days": 0}
        connection.execute(PLANS.update().where(PLANS.c.id == row.id).values(terms=terms))
    op.drop_column("plans", "scope")
    op.add_column("releases", sa.Column("snapshot", sa.LargeBinary(), nullable=True))
    op.create_table(
        "pins",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("kind", words("pinkind", "session", "expert", "schedule"), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("expert_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'session') = (session_id IS NOT NULL)",
            name=op.f("ck_pins_session_is_named"),
        ),
        sa.CheckConstraint(
            "(kind = 'expert') = (expert_id IS NOT NULL)", name=op.f("ck_pins_expert_is_named")
        ),
        *references("pins", "programme_id", "engagement_id", "session_id", "expert_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pins")),
    )
    op.create_index("ix_pins_programme_id", "pins", ["programme_id"])
    op.create_index("ix_pins_engagement_id", "pins", ["engagement_id"])
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("expert_id", sa.Text(), nullable=False),
        sa.Column("sessions", sa.JSON(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("outcome", words("holdoutcome", "assigned", "released"), nullable=True),
        *references("holds", "programme_id", "engagement_id", "expert_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    for column in ("programme_id", "engagement_id", "expert_id"):
        op.create_index(f"ix_holds_{column}", "holds", [column])


def downgrade() -> None:
    """Take the step back; what only these tables and columns know is lost."""
    op.drop_table("holds")
    op.drop_table("pins")
    op.drop_column("releases", "snapshot")
    op.add_column("plans", sa.Column("scope", sa.JSON(), nullable=True))
    connection = op.get_bind()
    for row in connection.execute(sa.select(PLANS.c.id, PLANS.c.terms)).all():
        only = row.terms.get("only")
        scope = sa.null() if only is None else only
        connection.execute(PLANS.update().where(PLANS.c.id == row.id).values(scope=scope))
    op.drop_column("plans", "terms")
    op.drop_column("plans", "crashes")
    op.drop_column("plans", "work_limit")


def references(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    """Columns that hold the id of a record, each in the table of its name."""
    found = []
    for column in columns:
        other = column.removesuffix("_id") + "s"
        name = op.f(f"fk_{table}_{column}_{other}")
        found.append(sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name))
    return found


def words(name: str, *values: str) -> sa.Enum:
    """One of a few words, kept as text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
