"""The first schema.

The database itself refuses two sessions of one expert that overlap, cancelled ones apart. Neither
`alembic check` nor a batch alteration on SQLite, which drops triggers, sees that rule: a test does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(
            "role",
            words("role", "admin", "planner", "staff", "expert", "organization"),
            nullable=False,
        ),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "experts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name_ja", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("qualifications", sa.JSON(), nullable=False),
        sa.Column("industries", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("weekly_hours", sa.JSON(), nullable=False),
        sa.Column("max_per_day", sa.Integer(), nullable=False),
        sa.Column("max_per_week", sa.Integer(), nullable=False),
        sa.Column("max_total", sa.Integer(), nullable=False),
        sa.Column("target_total", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "max_per_day >= 0 AND max_per_week >= 0 AND max_total >= 0 AND target_total >= 0",
            name=op.f("ck_experts_caps_not_negative"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experts")),
    )
    op.create_table(
        "feeds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_kind", words("feedowner", "expert", "organization"), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("language", words("feedlanguage", "ja", "en", "both"), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_feeds_token_hash")),
    )
    op.create_index("ix_feeds_owner_kind_owner_id", "feeds", ["owner_kind", "owner_id"])
    op.create_table(
        "idempotent_requests",
        sa.Column("key_owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("body_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_owner", "key", name=op.f("pk_idempotent_requests")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name_ja", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column(
            "legal_kind",
            words("legalkind", "cooperative", "incorporated_association", "sme_supporting_entity"),
            nullable=False,
        ),
        sa.Column("corporate_number", sa.Text(), nullable=True),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("address_ja", sa.Text(), nullable=False),
        sa.Column("address_en", sa.Text(), nullable=False),
        sa.Column("industry", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("contact_email", sa.Text(), nullable=False),
        sa.Column("contact_phone", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "programmes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", words("channel", "form", "phone", "online"), nullable=False),
        sa.Column(
            "state",
            words(
                "applicationstate",
                "submitted",
                "assessed",
                "interviewed",
                "accepted",
                "declined",
                "withdrawn",
            ),
            nullable=False,
        ),
        sa.Column("delivery", words("delivery", "on_site", "online"), nullable=False),
        sa.Column("purpose", words("purpose", "new_manual", "review"), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("session_minutes", sa.JSON(), nullable=False),
        sa.Column("weekly_hours", sa.JSON(), nullable=False),
        sa.Column("preferred_hours", sa.JSON(), nullable=False),
        sa.Column("first_wish_day", sa.Date(), nullable=True),
        sa.Column("last_wish_day", sa.Date(), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "first_wish_day <= last_wish_day", name=op.f("ck_applications_wishes_in_order")
        ),
        sa.CheckConstraint("weight >= 1", name=op.f("ck_applications_weight_positive")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_applications_organization_id_organizations"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["programmes.id"],
            name=op.f("fk_applications_programme_id_programmes"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
    )
    op.create_index("ix_applications_organization_id", "applications", ["organization_id"])
    op.create_index("ix_applications_programme_id", "applications", ["programme_id"])
    op.create_table(
        "conflicts_of_interest",
        sa.Column("expert_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_conflicts_of_interest_expert_id_experts")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_conflicts_of_interest_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint(
            "expert_id", "organization_id", name=op.f("pk_conflicts_of_interest")
        ),
    )
    op.create_index(
        "ix_conflicts_of_interest_organization_id", "conflicts_of_interest", ["organization_id"]
    )
    op.create_table(
        "expert_absences",
        sa.Column("expert_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("start_at < end_at", name=op.f("ck_expert_absences_start_before_end")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_expert_absences_expert_id_experts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_absences")),
    )
    op.create_index("ix_expert_absences_expert_id", "expert_absences", ["expert_id"])
    op.create_table(
        "plans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column(
            "state",
            words(
                "planstate",
                "queued",
                "solving",
                "ready",
                "published",
                "discarded",
                "cancelled",
                "failed",
            ),
            nullable=False,
        ),
        sa.Column("scope", sa.JSON(), nullable=True),
        sa.Column("time_limit_seconds", sa.Double(), nullable=False),
        sa.Column("workers", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("problem", sa.LargeBinary(), nullable=True),
        sa.Column("problem_sha256", sa.Text(), nullable=True),
        sa.Column("plan", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("bound", sa.BigInteger(), nullable=True),
        sa.Column("gap", sa.Double(), nullable=True),
        sa.Column("served", sa.Integer(), nullable=True),
        sa.Column("solver_version", sa.Text(), nullable=True),
        sa.Column("ground", sa.JSON(), nullable=False),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_plans_attempt_not_negative")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name=op.f("fk_plans_programme_id_programmes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
    )
    op.create_index("ix_plans_programme_id", "plans", ["programme_id"])
    op.create_index("ix_plans_state", "plans", ["state"])
    op.create_table(
        "application_absences",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "start_at < end_at", name=op.f("ck_application_absences_start_before_end")
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_application_absences_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_absences")),
    )
    op.create_index(
        "ix_application_absences_application_id", "application_absences", ["application_id"]
    )
    op.create_table(
        "decisions",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("outcome", words("outcome", "accepted", "declined"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_decisions_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_decisions")),
    )
    op.create_table(
        "engagements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column(
            "state",
            words("engagementstate", "waiting", "planned", "in_progress", "completed", "withdrawn"),
            nullable=False,
        ),
        sa.Column("session_minutes", sa.JSON(), nullable=False),
        sa.Column("earliest", sa.Date(), nullable=False),
        sa.Column("latest", sa.Date(), nullable=False),
        sa.Column("min_gap_days", sa.Integer(), nullable=False),
        sa.Column("target_gap_days", sa.Integer(), nullable=False),
        sa.Column("max_gap_days", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=True),
        sa.Column("meeting_url", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "0 < min_gap_days AND min_gap_days <= max_gap_days",
            name=op.f("ck_engagements_gaps_in_order"),
        ),
        sa.CheckConstraint("earliest <= latest", name=op.f("ck_engagements_dates_in_order")),
        sa.CheckConstraint("weight >= 1", name=op.f("ck_engagements_weight_positive")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_engagements_application_id_applications"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_engagements_organization_id_organizations"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name=op.f("fk_engagements_programme_id_programmes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagements")),
        sa.UniqueConstraint("application_id", name=op.f("uq_engagements_application_id")),
    )
    op.create_index("ix_engagements_organization_id", "engagements", ["organization_id"])
    op.create_index("ix_engagements_programme_id", "engagements", ["programme_id"])
    op.create_table(
        "interviews",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_interviews_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_interviews")),
    )
    op.create_table(
        "releases",
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_releases_number_positive")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_releases_plan_id_plans")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programmes.id"], name=op.f("fk_releases_programme_id_programmes")
        ),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_releases")),
    )
    op.create_index("ix_releases_plan_id", "releases", ["plan_id"])
    op.create_table(
        "requirement_answers",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("requirement_id", sa.Text(), nullable=False),
        sa.Column("answer", words("answer", "met", "not_met", "unknown"), nullable=False),
        sa.Column(
            "source", words("answersource", "machine", "declared", "verified"), nullable=False
        ),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_requirement_answers_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint(
            "application_id", "requirement_id", name=op.f("pk_requirement_answers")
        ),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "phase",
            words("phase", "action_plan", "manual_development", "finalization"),
            nullable=False,
        ),
        sa.Column("expert_id", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            words("sessionstatus", "confirmed", "cancelled", "held", "missed"),
            nullable=False,
        ),
        sa.Column("municipality_code", sa.Text(), nullable=True),
        sa.Column("place_ja", sa.Text(), nullable=False),
        sa.Column("place_en", sa.Text(), nullable=False),
        sa.Column("meeting_url", sa.Text(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "number >= 1 AND number <= 5", name=op.f("ck_sessions_number_one_to_five")
        ),
        sa.CheckConstraint("start_at < end_at", name=op.f("ck_sessions_start_before_end")),
        sa.ForeignKeyConstraint(
            ["engagement_id"],
            ["engagements.id"],
            name=op.f("fk_sessions_engagement_id_engagements"),
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_sessions_expert_id_experts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_engagement_id", "sessions", ["engagement_id"])
    op.create_index("ix_sessions_expert_id_start_at", "sessions", ["expert_id", "start_at"])
    op.create_index(
        "uq_sessions_engagement_id_number_not_cancelled",
        "sessions",
        ["engagement_id", "number"],
        unique=True,
        sqlite_where=sa.text("status <> 'cancelled'"),
        postgresql_where=sa.text("status <> 'cancelled'"),
    )
    op.create_table(
        "session_departures",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("expert_id", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("revised_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_session_departures_expert_id_experts")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_departures_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("session_id", "expert_id", name=op.f("pk_session_departures")),
    )
    op.create_index(
        "ix_session_departures_expert_id_start_at", "session_departures", ["expert_id", "start_at"]
    )
    if op.get_bind().dialect.name == "postgresql":
        forbid_overlaps_on_postgresql()
    else:
        forbid_overlaps_on_sqlite()


def downgrade() -> None:
    """Take it back; indexes and triggers go with their tables."""
    op.drop_table("session_departures")
    op.drop_table("sessions")
    op.drop_table("requirement_answers")
    op.drop_table("releases")
    op.drop_table("interviews")
    op.drop_table("engagements")
    op.drop_table("decisions")
    op.drop_table("application_absences")
    op.drop_table("plans")
    op.drop_table("expert_absences")
    op.drop_table("conflicts_of_interest")
    op.drop_table("applications")
    op.drop_table("programmes")
    op.drop_table("organizations")
    op.drop_table("idempotent_requests")
    op.drop_table("feeds")
    op.drop_table("experts")
    op.drop_table("api_keys")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION queue_for_expert")


def words(name: str, *values: str) -> sa.Enum:
    """One of a few words, kept as text."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def forbid_overlaps_on_postgresql() -> None:
    """Let an index over experts and times exclude two sessions that share both.

    Two transactions that race for one expert would each write and then wait for the other, until
    one is told of a deadlock: so the writers of one expert's sessions queue first.
    """
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(
        """
        ALTER TABLE sessions ADD CONSTRAINT ex_sessions_expert_id_no_overlap
        EXCLUDE USING gist (expert_id WITH =, tstzrange(start_at, end_at, '[)') WITH &&)
        WHERE (status <> 'cancelled')
        """
    )
    op.execute(
        """
        CREATE FUNCTION queue_for_expert() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('sessions'), hashtext(NEW.expert_id));
            RETURN NEW;
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER sessions_queue_for_expert BEFORE INSERT OR UPDATE ON sessions
        FOR EACH ROW WHEN (NEW.status <> 'cancelled') EXECUTE FUNCTION queue_for_expert()
        """
    )


def forbid_overlaps_on_sqlite() -> None:
    """Look for an overlapping session before each write.

    Moments are text that sorts as they do. Writers come one after the other on SQLite, so what a
    trigger does not see is not there.
    """
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"""
            CREATE TRIGGER sessions_expert_id_no_overlap_{event.lower()} BEFORE {event} ON sessions
            WHEN NEW.status <> 'cancelled' AND EXISTS (
                SELECT 1 FROM sessions AS other
                WHERE other.expert_id = NEW.expert_id
                AND other.id <> {"NEW.id" if event == "INSERT" else "OLD.id"}
                AND other.status <> 'cancelled'
                AND other.start_at < NEW.end_at AND NEW.start_at < other.end_at
            )
            BEGIN
                SELECT RAISE(ABORT, 'sessions of one expert overlap');
            END
            """  # noqa: S608  put together from fixed words
        )
