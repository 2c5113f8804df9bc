"""Calendars of the office; when feeds last changed, and how often."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BEFORE, AFTER = ("expert", "organization"), ("expert", "organization", "office")
SPECIALTIES = ("labor", "sme", "counseling", "hr")


def upgrade() -> None:
    """Take the step; what was told of a change of name so far goes on to be told."""
    op.create_table(
        "calendar_revisions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_revisions")),
    )
    for table in ("experts", "organizations"):
        op.add_column(table, sa.Column("renamed_at", sa.DateTime(timezone=True)))
        op.execute(f"UPDATE {table} SET renamed_at = revised_at WHERE version > 1")  # noqa: S608
    op.add_column("programmes", sa.Column("reworded_at", sa.DateTime(timezone=True)))
    with op.batch_alter_table("feeds") as feeds:
        feeds.alter_column(
            "owner_kind",
            existing_type=words("feedowner", *BEFORE),
            type_=words("feedowner", *AFTER),
            existing_nullable=False,
        )
        feeds.add_column(sa.Column("specialty", words("specialty", *SPECIALTIES)))


def downgrade() -> None:
    """Take the step back; the office's own calendars end."""
    op.execute("DELETE FROM feeds WHERE owner_kind = 'office'")
    with op.batch_alter_table("feeds") as feeds:
        feeds.drop_constraint(op.f("ck_feeds_specialty"), type_="check")
        feeds.drop_column("specialty")
        feeds.alter_column(
            "owner_kind",
            existing_type=words("feedowner", *AFTER),
            type_=words("feedowner", *BEFORE),
            existing_nullable=False,
        )
    op.drop_column("programmes", "reworded_at")
    op.drop_column("organizations", "renamed_at")
    op.drop_column("experts", "renamed_at")
    op.drop_table("calendar_revisions")


def words(name: str, *values: str) -> sa.Enum:
    """One of a few words, kept as text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
