"""Calendars that experts and organizations keep elsewhere, and when they are busy by these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "busy_calendars",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_kind", words("feedowner", "expert", "organization"), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("window_began_on", sa.Date(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_busy_calendars")),
    )
    op.create_index(
        "ix_busy_calendars_owner_kind_owner_id", "busy_calendars", ["owner_kind", "owner_id"]
    )
    op.create_table(
        "busy_times",
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("start_at < end_at", name=op.f("ck_busy_times_start_before_end")),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["busy_calendars.id"],
            name=op.f("fk_busy_times_calendar_id_busy_calendars"),
        ),
        sa.PrimaryKeyConstraint("calendar_id", "start_at", name=op.f("pk_busy_times")),
    )


def downgrade() -> None:
    """Take the step back; the calendars have to be given again."""
    op.drop_table("busy_times")
    op.drop_table("busy_calendars")


def words(name: str, *values: str) -> sa.Enum:
    """One of a few words, kept as text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
