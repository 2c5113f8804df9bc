"""What belongs to the whole life of an application: notices, reports, completion, and the audit.

The database itself refuses to change or delete an entry of the audit; neither `alembic check` nor
the models see that rule: a test does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "organizations",
        sa.Column("has_manual", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("engagements", sa.Column("session_contents", sa.JSON(), nullable=True))
    op.create_table(
        "withdrawals",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_withdrawals_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_withdrawals")),
    )
    op.create_table(
        "completions",
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("rollout", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("early_reason", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["engagement_id"],
            ["engagements.id"],
            name=op.f("fk_completions_engagement_id_engagements"),
        ),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("pk_completions")),
    )
    op.create_table(
        "session_reports",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("attendees", sa.JSON(), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("tasks", sa.JSON(), nullable=False),
        sa.Column(
            "manual_state",
            words("manualstate", "not_started", "outline", "draft", "under_review", "finished"),
            nullable=False,
        ),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_reports_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session_reports")),
    )
    op.create_table(
        "session_lapses",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("party", words("party", "office", "expert", "organization"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_lapses_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session_lapses")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("kind", words("noticekind", "accepted", "declined"), nullable=False),
        sa.Column(
            "state", words("noticestate", "draft", "released", "sent", "failed"), nullable=False
        ),
        sa.Column("recipient_name", sa.Text(), nullable=False),
        sa.Column("recipient_email", sa.Text(), nullable=False),
        sa.Column("subject_ja", sa.Text(), nullable=False),
        sa.Column("subject_en", sa.Text(), nullable=False),
        sa.Column("text_ja", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("html_ja", sa.Text(), nullable=False),
        sa.Column("html_en", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_notices_attempts_not_negative")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_notices_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_application_id", "notices", ["application_id"])
    op.create_index("ix_notices_state", "notices", ["state"])
    op.create_table(
        "audit_entries",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("action", words("auditaction", "created", "changed", "deleted"), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_kind_record_id", "audit_entries", ["kind", "record_id"])
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor"])
    if op.get_bind().dialect.name == "postgresql":
        keep_entries_on_postgresql()
    else:
        keep_entries_on_sqlite()


def downgrade() -> None:
    """Take the step back; what only these tables know is lost."""
    for table in (
        "audit_entries",
        "notices",
        "session_lapses",
        "session_reports",
        "completions",
        "withdrawals",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_to_rewrite")
    op.drop_column("engagements", "session_contents")
    op.drop_column("organizations", "has_manual")


def words(name: str, *values: str) -> sa.Enum:
    """One of a few words, kept as text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def keep_entries_on_postgresql() -> None:
    """Refuse whoever would rewrite the audit."""
    op.execute(
        """
        CREATE FUNCTION refuse_to_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit is only ever added to'
            USING ERRCODE = 'integrity_constraint_violation';
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_entries_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite()
        """
    )


def keep_entries_on_sqlite() -> None:
    """Refuse whoever would rewrite the audit."""
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"""
            CREATE TRIGGER audit_entries_are_kept_{event.lower()} BEFORE {event} ON audit_entries
            BEGIN
                SELECT RAISE(ABORT, 'the audit is only ever added to');
            END
            """
        )
