"""Forecasts know what they stand on, calendars how often they changed, rehearsals what is unknown.

What was computed ahead is computed again, on the way up and on the way down.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COMPUTED = ("forecasts", "rehearsals")
KNOWN_OF_A_REPAIR: dict[str, sa.types.TypeEngine[Any]] = {
    "lost": sa.JSON(),
    "shortened": sa.JSON(),
    "taken_over": sa.Integer(),
    "cost": sa.Integer(),
    "bound": sa.Integer(),
    "proven": sa.Boolean(),
}


def upgrade() -> None:
    """Take the step."""
    # Once, for all that are there: they may tell of busy times already.
    changes = sa.Column("changes", sa.Integer(), nullable=False, server_default="1")
    with op.batch_alter_table("busy_calendars") as calendars:
        calendars.add_column(changes)
    with op.batch_alter_table("busy_calendars") as calendars:
        calendars.alter_column("changes", server_default=None)
    forget()
    for table in COMPUTED:
        with op.batch_alter_table(table) as altered:
            altered.add_column(sa.Column("ground", sa.Text(), nullable=False))
    with op.batch_alter_table("rehearsals") as rehearsals:
        rehearsals.add_column(sa.Column("undetermined", sa.Boolean(), nullable=False))
        rehearsals.add_column(sa.Column("reasons", sa.JSON(), nullable=False))
        rehearsals.add_column(sa.Column("engagements_lost", sa.Integer(), nullable=False))
        for name, type_ in KNOWN_OF_A_REPAIR.items():
            rehearsals.alter_column(name, existing_type=type_, nullable=True)


def downgrade() -> None:
    """Take the step back."""
    forget()
    with op.batch_alter_table("rehearsals") as rehearsals:
        for name, type_ in KNOWN_OF_A_REPAIR.items():
            rehearsals.alter_column(name, existing_type=type_, nullable=False)
        for name in ("engagements_lost", "reasons", "undetermined"):
            rehearsals.drop_column(name)
    for table in COMPUTED:
        with op.batch_alter_table(table) as altered:
            altered.drop_column("ground")
    with op.batch_alter_table("busy_calendars") as calendars:
        calendars.drop_column("changes")


def forget() -> None:
    """Delete what was computed ahead."""
    for table in COMPUTED:
        op.execute(sa.delete(sa.table(table)))
