"""Invitations by mail, and who wants them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PARTIES = ("experts", "organizations")


def upgrade() -> None:
    """Take the step; everybody goes on to be told by calendars."""
    for table in PARTIES:
        with op.batch_alter_table(table) as altered:
            kind = words("calendarby", "feed", "mail", "both")
            altered.add_column(
                sa.Column("calendar_by", kind, nullable=False, server_default="feed")
            )
        with op.batch_alter_table(table) as altered:
            altered.alter_column("calendar_by", server_default=None)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column(
            "party_kind", words("feedowner", "expert", "organization", "office"), nullable=False
        ),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column(
            "state",
            words("invitationstate", "waiting", "sent", "failed", "lapsed"),
            nullable=False,
        ),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("news", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("sent_to", sa.Text()),
        sa.Column("sent_method", words("invitationmethod", "REQUEST", "CANCEL")),
        sa.Column("sent_sequence", sa.Integer()),
        sa.Column("reply", words("reply", "accepted", "declined", "tentative")),
        sa.Column("replied_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_invitations_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint(
            "session_id",
            "party_kind",
            "party_id",
            name=op.f("uq_invitations_session_id_party_kind_party_id"),
        ),
    )
    op.create_index("ix_invitations_state", "invitations", ["state"])


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("invitations")
    for table in PARTIES:
        with op.batch_alter_table(table) as altered:
            altered.drop_constraint(op.f(f"ck_{table}_calendarby"), type_="check")
            altered.drop_column("calendar_by")


def words(name: str, *values: str) -> sa.Enum:
    """One of a few words, kept as text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
