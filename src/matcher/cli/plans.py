"""`matcher plans`: start runs of the solver, see how they stand, stop them, put plans aside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Self

import click
from pydantic import BaseModel, ConfigDict, TypeAdapter
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import defer

from matcher.cli.database import opened_database, opened_sessions
from matcher.cli.files import Seconds
from matcher.cli.output import output
from matcher.cli.progress import show_progress
from matcher.clock import to_tokyo
from matcher.errors import NotFound
from matcher.models import (
    FROZEN_DAYS,
    MOST_POINTS,
    Plan,
    PlanState,
    PlanTerms,
    Programme,
    PromisePolicy,
    PromiseRecord,
)
from matcher.planning.running.attempt import execute_run
from matcher.planning.running.runs import RunParameters, cancel_run, discard, start_run
from matcher.planning.running.turns import waits_for
from matcher.programme import Specialty
from matcher.settings import Settings
from solver.problem import Weights

DONE, NO = 0, 1
PROGRAMME_ID = "tokyo-2025"
MOST_SECONDS = 3600.0
MOST_WEIGHT = 1_000_000


class Weight(click.ParamType[tuple[str, int]]):
    """What one part of the cost counts: `move=500`."""

    name = "weight"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Split it at the sign."""
        part, _, counts = value.partition("=")
        if part not in Weights.model_fields or not counts.isdecimal() or int(counts) > MOST_WEIGHT:
            parts = ", ".join(Weights.model_fields)
            self.fail(f"{value}: give PART=0 to PART={MOST_WEIGHT}, of {parts}", param, ctx)
        return part, int(counts)


@click.group
def plans() -> None:
    """Start runs of the solver, see how they stand, stop them, put plans aside."""


AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@plans.command("list")
@click.option("--state", type=click.Choice([each.value for each in PlanState]), help="Only those.")
@click.option("--programme", metavar="ID", help="Only those of one year.")
@click.option("--run", metavar="ID", help="Only what one run has made: the price of stability.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@AS_JSON
def list_all(
    state: str | None, programme: str | None, run: str | None, limit: int, as_json: bool
) -> None:
    """List runs and their plans, the newest first."""
    settings = Settings.from_environment()
    wanted = select(Plan).options(defer(Plan.progress))
    if state is not None:
        wanted = wanted.where(Plan.state == PlanState(state))
    if programme is not None:
        wanted = wanted.where(Plan.programme_id == programme)
    if run is not None:
        wanted = wanted.where((Plan.id == run) | (Plan.run_id == run))
    newest = wanted.order_by(Plan.created_at.desc(), Plan.id.desc()).limit(limit)
    with opened_database(settings, read_only=True) as db:
        found = [ToldPlan.of(db, plan, settings.now()) for plan in db.scalars(newest)]
    if as_json:
        click.echo(_TOLD_PLANS.dump_json(found, indent=1).decode())
    else:
        output().print(_table(found))


@plans.command
@click.argument("plan_id", metavar="PLAN_ID")
@AS_JSON
def show(plan_id: str, as_json: bool) -> None:
    """Show one run: its terms, its limits, its figures, and whom it waits for."""
    settings = Settings.from_environment()
    with opened_database(settings, read_only=True) as db:
        plan = db.get(Plan, plan_id)
        if plan is None:
            raise NotFound("plan", plan_id)
        told = ToldPlan.of(db, plan, settings.now())
    if as_json:
        click.echo(told.model_dump_json(indent=1))
        return
    table = Table.grid(padding=(0, 3))
    for name, value in _lines(told.model_dump()):
        table.add_row(name, value)
    output().print(table)


@plans.command
@click.option("--programme", default=PROGRAMME_ID, show_default=True, metavar="ID")
@click.option("--only", multiple=True, metavar="ID", help="Only this engagement; may be repeated.")
@click.option(
    "--specialty",
    "specialties",
    multiple=True,
    type=click.Choice([each.value for each in Specialty]),
    help="Only those that need it; may be repeated.",
)
@click.option(
    "--frozen-days",
    type=click.IntRange(0, 366),
    default=FROZEN_DAYS,
    show_default=True,
    help="Published sessions of so many days after today stay.",
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day to plan.")
@click.option(
    "--promises",
    type=click.Choice([each.value for each in PromisePolicy]),
    default=PromisePolicy.KEEP.value,
    show_default=True,
    help="What becomes of published sessions: as few changes as the best service allows, changes "
    "at the weights' price, or a plan for each number of changes.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    type=Weight(),
    metavar="PART=NUMBER",
    help="What a part of the cost counts, else as the programme has it; may be repeated.",
)
@click.option(
    "--points",
    type=click.IntRange(2, 101),
    help=f"With price: how many plans at the most, else {MOST_POINTS}.",
)
@click.option(
    "--time-limit",
    type=Seconds(),
    help="In seconds; 30 by default.",
)
@click.option("--work-limit", type=click.IntRange(1, 100_000), help="Instead: steps of the search.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--here", is_flag=True, help="Carry it out in this process, and wait for it.")
@click.option("--by", default="matcher plans", show_default=True, help="Who asks for it.")
def start(
    programme: str,
    weights: tuple[tuple[str, int], ...],
    here: bool,
    by: str,
    **given: Any,  # noqa: ANN401  options
) -> int:
    """Start a run; its id goes to standard output. A worker takes it up within seconds."""
    settings = Settings.from_environment()
    with opened_sessions(settings) as sessions:
        with sessions.begin() as db:
            weighed = _weights(db, programme, dict(weights)) if weights else None
            parameters = _parameters(settings, weights=weighed, **given)
            plan_id = start_run(db, programme, parameters, by, settings.now()).id
        click.echo(plan_id)
        if not here:
            return DONE
        with show_progress(Console(stderr=True)) as report:
            execute_run(sessions, plan_id, clock=settings.now, on_progress=report)
        with sessions() as db:
            return _say_the_end(db, db.get_one(Plan, plan_id))


@plans.command
@click.argument("plan_id", metavar="PLAN_ID")
def cancel(plan_id: str) -> None:
    """Stop a run: at once where it waits, else within seconds, with the best plan so far."""
    settings = Settings.from_environment()
    with opened_database(settings) as db:
        plan = cancel_run(db, plan_id, settings.now())
        stopped = plan.state is PlanState.CANCELLED
    click.echo(f"Run {plan_id} {'is cancelled' if stopped else 'is asked to stop'}.", err=True)


@plans.command("discard")
@click.argument("plan_id", metavar="PLAN_ID")
def put_aside(plan_id: str) -> None:
    """Put a ready plan aside: it stays on record, and is not published."""
    with opened_database(Settings.from_environment()) as db:
        discard(db, plan_id)
    click.echo(f"Plan {plan_id} is discarded.", err=True)


def _weights(db: Database, programme_id: str, given: Mapping[str, int]) -> Weights:
    """Weights of a programme, but for those given.

    Raises:
        NotFound: there is no such programme.
    """
    programme = db.get(Programme, programme_id)
    if programme is None:
        raise NotFound("programme", programme_id)
    return programme.rules.weights.model_copy(update=given)


def _parameters(
    settings: Settings,
    *,
    weights: Weights | None,
    only: tuple[str, ...],
    specialties: tuple[str, ...],
    frozen_days: int,
    until: dt.datetime | None,
    promises: str,
    points: int | None,
    time_limit: float | None,
    work_limit: int | None,
    workers: int,
    seed: int,
) -> RunParameters:
    seconds = settings.default_time_limit_seconds if time_limit is None else time_limit
    if seconds > MOST_SECONDS:
        raise click.BadParameter(
            f"give at most {MOST_SECONDS:g} seconds.", param_hint="--time-limit"
        )
    if points is not None and promises != PromisePolicy.PRICE:
        raise click.BadParameter("give it with --promises price.", param_hint="--points")
    return RunParameters(
        terms=PlanTerms(
            only=only or None,
            specialties=tuple(map(Specialty, specialties)) or None,
            frozen_days=frozen_days,
            until=None if until is None else until.date(),
            weights=weights,
            promises=PromisePolicy(promises),
            points=points or MOST_POINTS,
        ),
        time_limit_seconds=seconds,
        work_limit=work_limit,
        workers=workers,
        seed=seed,
    )


def _say_the_end(db: Database, plan: Plan) -> int:
    if plan.state is PlanState.READY:
        return DONE
    before = waits_for(db, plan) if plan.state is PlanState.QUEUED else None
    reason = plan.error or (f"run {before} goes before it" if before else "")
    click.echo(f"Run {plan.id} is {plan.state}: {reason}".rstrip(": "), err=True)
    return NO


class ToldPlan(BaseModel):
    """A plan as programs read it; people read it line by line."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    programme_id: str
    state: PlanState
    waits_for: str | None
    created_at: dt.datetime
    created_by: str
    elapsed_seconds: float | None
    stage: str | None
    cost: int | None
    bound: int | None
    gap: float | None
    served: int | None
    status: str | None
    error: str | None
    promises: PromiseRecord | None
    run_id: str | None
    terms: PlanTerms
    time_limit_seconds: float
    work_limit: int | None
    workers: int
    seed: int

    @classmethod
    def of(cls, db: Database, plan: Plan, now: dt.datetime) -> Self:
        """Tell of a plan at a moment."""
        columns = {name: getattr(plan, name) for name in cls.model_fields if hasattr(plan, name)}
        seconds = None
        if plan.started_at is not None:
            seconds = round(((plan.finished_at or now) - plan.started_at).total_seconds(), 1)
        return cls.model_validate(
            columns
            | {
                "created_at": to_tokyo(plan.created_at),
                "elapsed_seconds": seconds,
                "waits_for": waits_for(db, plan) if plan.state is PlanState.QUEUED else None,
            }
        )


_TOLD_PLANS = TypeAdapter(list[ToldPlan])


def _lines(told: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """What there is to tell, a line each."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{within}{name}.")
        elif value is not None:
            yield within + name, _figure(name, value)


def _figure(name: str, value: Any) -> str:  # noqa: ANN401  what a record holds
    match value:
        case float() if name == "gap":
            return f"{value:.2%}"
        case tuple():
            return ", ".join(map(str, value))
        case int() if not isinstance(value, bool):
            return f"{value:,}"
        case dt.datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case _:
            return "" if value is None else str(value)


def _table(found: list[ToldPlan]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    figures = ("seconds", "cost", "bound", "gap", "served", "broken")
    for name in ("id", "state", "asked", "by", *figures, "of"):
        right = name in figures
        folds = name in {"by", "of"}
        table.add_column(name, justify="right" if right else "left", no_wrap=not folds)
    for each in found:
        solving = each.state is PlanState.SOLVING
        table.add_row(
            each.id,
            f"{each.state}: {each.stage}" if solving else each.state,
            _figure("created_at", each.created_at),
            each.created_by,
            _figure("elapsed_seconds", each.elapsed_seconds),
            _figure("cost", each.cost),
            _figure("bound", each.bound),
            _figure("gap", each.gap),
            _figure("served", each.served),
            _figure("broken", each.promises.broken if each.promises else None),
            _scope(each.terms),
        )
    return table


def _scope(terms: PlanTerms) -> str:
    """What a run may plan, as short as it can be said."""
    parts = (
        ", ".join(terms.only or ()),
        ", ".join(terms.specialties or ()),
        f"until {terms.until}" if terms.until else "",
    )
    return "; ".join(filter(None, parts)) or "all"
