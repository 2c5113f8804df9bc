"""`matcher pins`: list what is promised, promise something, lift a promise."""

from __future__ import annotations

import click
from pydantic import ValidationError
from rich.table import Table
from sqlalchemy import select

from matcher.cli.database import opened_database
from matcher.cli.output import output
from matcher.clock import to_tokyo
from matcher.models import Pin, PinKind
from matcher.planning.stating.pinning import PinDraft, lift_pin, set_pin
from matcher.settings import Settings

BY = "matcher pins"


@click.group
def pins() -> None:
    """List, add and lift pins: what no plan and no request may change."""


@pins.command("list")
@click.option("--all", "lifted_too", is_flag=True, help="Lifted ones too.")
@click.option("--engagement", metavar="ID", help="Only those of one engagement.")
def list_all(lifted_too: bool, engagement: str | None) -> None:
    """List the pins that hold, the newest last."""
    wanted = select(Pin).order_by(Pin.created_at, Pin.id)
    if not lifted_too:
        wanted = wanted.where(Pin.lifted_at.is_(None))
    if engagement is not None:
        wanted = wanted.where(Pin.engagement_id == engagement)
    table = Table(box=None)
    for column in ("id", "kind", "engagement", "of", "by", "since", "lifted", "reason"):
        table.add_column(column, no_wrap=column not in {"by", "reason"}, overflow="fold")
    with opened_database(Settings.from_environment(), read_only=True) as db:
        for pin in db.scalars(wanted):
            table.add_row(*_row(pin))
    output().print(table)


@pins.command
@click.argument("kind", type=click.Choice([each.value for each in PinKind]))
@click.option("--engagement", metavar="ID", help="With expert and schedule: of which one.")
@click.option("--session", metavar="ID", help="With session: which one.")
@click.option("--expert", metavar="ID", help="With expert: who serves the engagement.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; whoever meets it reads this.")
@click.option("--by", default=BY, show_default=True, help="Who promises it.")
def add(
    kind: str, engagement: str | None, session: str | None, expert: str | None, reason: str, by: str
) -> None:
    """Pin a session, an expert of an engagement, or the schedule of one."""
    settings = Settings.from_environment()
    draft = _draft(kind, engagement, session, expert, reason)
    with opened_database(settings) as db:
        pin = set_pin(db, draft, by, settings.now())
    click.echo(f"Pin {pin.id} holds until it is lifted.", err=True)


@pins.command
@click.argument("pin_id", metavar="ID")
@click.option("--by", default=BY, show_default=True, help="Who lifts it.")
def lift(pin_id: str, by: str) -> None:
    """Lift a pin: what it promised may change again."""
    settings = Settings.from_environment()
    with opened_database(settings) as db:
        lift_pin(db, pin_id, by, settings.now())
    click.echo(f"Pin {pin_id} is lifted.", err=True)


def _draft(
    kind: str, engagement: str | None, session: str | None, expert: str | None, reason: str
) -> PinDraft:
    try:
        return PinDraft(
            kind=PinKind(kind),
            engagement_id=engagement,
            session_id=session,
            expert_id=expert,
            reason=reason,
        )
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0]).removesuffix("_id")
        wanted = "one line of text" if name == "reason" else "an id"
        raise click.BadParameter(f"give {wanted}.", param_hint=f"--{name}") from error


def _row(pin: Pin) -> tuple[str, ...]:
    since = to_tokyo(pin.created_at).date().isoformat()
    lifted = "" if pin.lifted_at is None else to_tokyo(pin.lifted_at).date().isoformat()
    of = pin.session_id or pin.expert_id or ""
    return pin.id, pin.kind, pin.engagement_id, of, pin.created_by, since, lifted, pin.reason
