"""An index by which the entries of the audit about one record are found.

They are asked for by how their ids begin too: on PostgreSQL the index is one for patterns.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_index(
        "ix_audit_entries_record_id",
        "audit_entries",
        ["record_id"],
        postgresql_ops={"record_id": "text_pattern_ops"},
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_index("ix_audit_entries_record_id", "audit_entries")
