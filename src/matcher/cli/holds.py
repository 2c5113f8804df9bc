"""`matcher holds`: list times on hold, let them go."""

from __future__ import annotations

import datetime as dt

import click
from rich.table import Table
from sqlalchemy import select

from matcher.cli.database import opened_database
from matcher.cli.output import output
from matcher.clock import wall_time
from matcher.models import Hold
from matcher.planning.assigning.holding import HoldState, in_state, release_hold, state_of
from matcher.settings import Settings


@click.group
def holds() -> None:
    """List times on hold, and let them go."""


@holds.command("list")
@click.option(
    "--state",
    type=click.Choice([each.value for each in HoldState]),
    default=HoldState.HOLDING.value,
    show_default=True,
    help="Only those in one.",
)
def list_all(state: str) -> None:
    """List the holds, the one that ends first first."""
    settings = Settings.from_environment()
    now = settings.now()
    wanted = select(Hold).where(in_state(HoldState(state), now)).order_by(Hold.held_until, Hold.id)
    table = Table(box=None)
    for column in ("id", "state", "engagement", "expert", "until", "by", "sessions"):
        table.add_column(column, no_wrap=column not in {"by", "sessions"}, overflow="fold")
    with opened_database(settings, read_only=True) as db:
        for hold in db.scalars(wanted):
            table.add_row(*_row(hold, now))
    output().print(table)


@holds.command
@click.argument("hold_id", metavar="ID")
@click.option("--by", default="matcher holds", show_default=True, help="Who lets them go.")
def release(hold_id: str, by: str) -> None:
    """Let the times of a hold go before their time."""
    settings = Settings.from_environment()
    with opened_database(settings) as db:
        release_hold(db, hold_id, by, settings.now())
    click.echo(f"The times of hold {hold_id} are free.", err=True)


def _row(hold: Hold, now: dt.datetime) -> tuple[str, ...]:
    told = (hold.id, state_of(hold, now), hold.engagement_id, hold.expert_id)
    sessions = ", ".join(_time(each.start_at) for each in hold.sessions)
    return *told, _time(hold.held_until), hold.created_by, sessions


def _time(moment: dt.datetime) -> str:
    return f"{wall_time(moment):%Y-%m-%d %H:%M}"
