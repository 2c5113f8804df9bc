"""`matcher stability`: the best service for each number of broken promises; a plan for each."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from matcher.cli.files import PROBLEM, named, read_problem
from matcher.cli.output import output


@click.command()
@PROBLEM
@click.option("--most", type=click.IntRange(0, 100), default=10, show_default=True)
@click.option("--time-limit", type=click.FloatRange(1), default=60.0, show_default=True)
@click.option(
    "--out-dir",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The plans, one a point: broken-0.json and so on.",
)
def stability(problem_path: Path, most: int, time_limit: float, out_dir: Path) -> None:
    """Show what each broken promise of what is published brings in service.

    From the fewest on that can be broken; "at least" is what every plan lacks that breaks so many.
    """
    from solver import NoPlanFound, Parameters  # noqa: PLC0415  loads numba
    from solver.stability import price_of_stability  # noqa: PLC0415

    file = read_problem(problem_path)
    with named(out_dir):
        out_dir.mkdir(parents=True, exist_ok=True)
    try:
        points = price_of_stability(file, Parameters(time_limit), most=most)
    except NoPlanFound as error:
        raise click.ClickException(f"{problem_path}: {error}") from error
    columns = ("broken", "moved", "dropped", "new expert", "people", "lacks", "at least", "cost")
    table = Table(*columns)
    for point in points:
        path = out_dir / f"broken-{point.most_broken}.json"
        with named(path):
            point.plan.write(path)
        changed = point.disturbance
        figures = (
            point.most_broken,
            len(changed.moved),
            len(changed.dropped),
            len(changed.reassigned),
            changed.people,
            point.service,
            point.least_service,
            point.plan.cost.total,
        )
        table.add_row(*(f"{figure:,}" for figure in figures))
    output().print(table)
