"""`python -m benchmarks`: the solver's figures; see README.md beside this file."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from rich.progress import track

from benchmarks.shapes import SHAPES, Hours, Shape

if TYPE_CHECKING:
    from benchmarks.results import Results
    from solver import Problem

HERE = Path(__file__).parent
INSTANCES = HERE.parents[1] / "shared" / "instances"
SOLVERS = ("engine", "timefold", "single-model", "hand-rules")


@click.group(invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Measure the solver. Without a command: all solvers side by side, kept in this folder."""
    if context.invoked_subcommand is None:
        context.invoke(run_side_by_side, keep=HERE)


@cli.command("run")
@click.option(
    "--instances",
    multiple=True,
    help="A file, a folder, or the name of a shared instance; by default all that are shared.",
)
@click.option("--solvers", multiple=True, type=click.Choice(SOLVERS), help="By default all.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="The limit of each, in place of the protocol's.",
)
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Keep table and chart in this folder."
)
@click.option("--plans", type=click.Path(path_type=Path), help="Keep the plans in this folder.")
def run_side_by_side(
    instances: tuple[str, ...] = (),
    solvers: tuple[str, ...] = (),
    seconds: float | None = None,
    workers: int = 2,
    seed: int = 0,
    keep: Path | None = None,
    plans: Path | None = None,
) -> None:
    """Let each solver plan each instance, one after the other; judge the plans, print the table."""
    from benchmarks.protocol import SOLVERS as KNOWN  # noqa: PLC0415  quick --help
    from benchmarks.report import as_markdown, told  # noqa: PLC0415
    from benchmarks.results import now_and_here  # noqa: PLC0415
    from benchmarks.runner import Run, measure_start, run  # noqa: PLC0415

    paths = sorted(_files(instances or (str(INSTANCES),)), key=lambda path: path.stat().st_size)
    if not paths:
        raise click.UsageError("there are no instances; name some with --instances")
    start_seconds = measure_start(workers)
    runs: list[Run] = []
    for path in paths:
        for solver in KNOWN:
            if solvers and solver.name not in solvers:
                continue
            plan = _plan_path(plans, path, solver.name)
            runs.append(
                run(solver, path, workers=workers, seed=seed, seconds=seconds, keep_plan=plan)
            )
            click.echo(told(runs[-1]), err=True)
            results = now_and_here(
                tuple(runs), workers=workers, seed=seed, start_seconds=start_seconds
            )
            if keep:
                _keep(results, keep)
    click.echo(as_markdown(results))
    sys.exit(0 if all(each.holds or each.skipped for each in runs) else 1)


@cli.command("draw")
@click.option("--keep", default=HERE, type=click.Path(path_type=Path), help="Where they are kept.")
def draw_again(keep: Path) -> None:
    """Write table and chart anew from the results that are kept."""
    from benchmarks.results import Results  # noqa: PLC0415  quick --help

    _keep(Results.from_json((keep / "results.json").read_bytes()), keep)


def _keep(results: Results, folder: Path) -> None:
    from benchmarks.chart import draw  # noqa: PLC0415  quick --help
    from benchmarks.report import as_markdown  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(results.to_json())
    (folder / "results.md").write_text(f"# Results\n\n{as_markdown(results)}\n", encoding="utf-8")
    (folder / "results.svg").write_bytes(draw(results))


def _files(names: tuple[str, ...]) -> list[Path]:
    files = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            files += sorted(path.glob("*.json*"))
        elif path.is_file():
            files.append(path)
        elif (INSTANCES / f"{name}.json.gz").is_file():
            files.append(INSTANCES / f"{name}.json.gz")
        else:
            raise click.UsageError(f"there is no instance {name!r}; name a file or a folder")
    return files


def _plan_path(folder: Path | None, instance: Path, solver: str) -> Path | None:
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    name = instance.name.removesuffix(".gz").removesuffix(".json")
    return folder / f"{name}.{solver}.plan.json"


@cli.command("generate")
@click.option("--shape", type=click.Choice(list(SHAPES)), help="Begin with a named shape.")
@click.option("--engagements", type=click.IntRange(0))
@click.option("--experts", type=click.IntRange(0))
@click.option("--seed", type=click.IntRange(0))
@click.option(
    "--tightness",
    type=click.FloatRange(0.01, 10),
    help="Sessions wanted for each that experts may hold: 0.76 by default; 0.97 is tight.",
)
@click.option("--regions", type=click.IntRange(1))
@click.option("--open-days", type=click.IntRange(1, 5))
@click.option("--hours", type=click.Choice(get_args(Hours)))
@click.option("--busy", type=click.FloatRange(0, 1), help="The share of days with something else.")
@click.option("--online", type=click.FloatRange(0, 1), help="The share of engagements.")
@click.option("--most-candidates", type=click.IntRange(1), help="60 by default.")
@click.option("--scarce", is_flag=True, default=None, help="Few experts for one specialty.")
@click.option("--least-gap-days", type=click.IntRange(0), help="7, 10 or 14 by default.")
@click.option("--max-per-day", type=click.IntRange(1))
@click.option("--slot-minutes", type=click.Choice([15, 30, 60]))
@click.option("--varied-weights", is_flag=True, default=None)
@click.option(
    "--held-until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Publish a plan, hold its sessions before this day, and replan.",
)
@click.option("--free", type=click.IntRange(0), help="Publish a plan and hold all but so many.")
@click.option("--out", required=True, type=click.Path(path_type=Path))
def generate_instance(shape: str | None, out: Path, **changes: object) -> None:
    """Make an instance like the shared ones, of any size, tightness and other shape."""
    from benchmarks.instances import generate  # noqa: PLC0415  quick --help

    given: dict[str, Any] = {
        name: value.date() if isinstance(value, dt.datetime) else value
        for name, value in changes.items()
        if value is not None
    }
    _write(generate(replace(SHAPES[shape] if shape else Shape(), **given)), out)


@cli.command("shapes")
@click.argument("names", nargs=-1, type=click.Choice(list(SHAPES)))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--folder", required=True, type=click.Path(path_type=Path))
def generate_shapes(names: tuple[str, ...], seed: int, folder: Path) -> None:
    """Make an instance of each named shape, by default of all, for `run --instances FOLDER`."""
    from benchmarks.instances import generate  # noqa: PLC0415  quick --help

    folder.mkdir(parents=True, exist_ok=True)
    for name in track(names or SHAPES, description="making"):
        _write(generate(replace(SHAPES[name], seed=seed)), folder / f"{name}-{seed}.json.gz")


def _write(problem: Problem, out: Path) -> None:
    from solver.problem_file import pack  # noqa: PLC0415  quick --help

    content = problem.to_json()
    out.write_bytes(pack(content) if out.suffix == ".gz" else content)


@cli.command("one-at-a-time")
@click.argument("problem_path", metavar="PROBLEM", type=click.Path(exists=True, path_type=Path))
@click.argument("plan_path", metavar="PLAN", type=click.Path(exists=True, path_type=Path))
@click.option("--experts", default=5, show_default=True, type=click.IntRange(1))
def ask_one_at_a_time(problem_path: Path, plan_path: Path, experts: int) -> None:
    """Ask a full plan for the best experts of each engagement, everything else fixed."""
    from benchmarks.one_at_a_time import as_markdown, measure  # noqa: PLC0415

    click.echo(as_markdown(measure(problem_path, plan_path, experts)))


@cli.command("promises")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def measure_promises(seconds: float, seed: int) -> None:
    """Count the promises that reruns break: the shared ones, and an ordinary week of 500."""
    from benchmarks.promises import as_markdown, measure, ordinary_week  # noqa: PLC0415
    from solver.problem_file import ProblemFile  # noqa: PLC0415

    names = ("tokyo-60-replan", "metro-500-replan")
    files = [ProblemFile.from_path(INSTANCES / f"{name}.json.gz") for name in names]
    metro = ProblemFile.from_path(INSTANCES / "metro-500.json.gz")
    files.append(ordinary_week(metro.problem, seconds, seed))
    click.echo(as_markdown(list(measure(files, seconds, seed))))


@cli.command("calendars")
@click.option("--events", default=1000, show_default=True, type=click.IntRange(1, 1000))
@click.option("--requests", default=200, show_default=True, type=click.IntRange(20))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--keep", is_flag=True, help="Keep the table in this folder.")
def measure_calendars(events: int, requests: int, rounds: int, keep: bool) -> None:
    """Serve one calendar from this service and from Radicale, changed and unchanged."""
    from benchmarks.calendars import as_markdown, measure  # noqa: PLC0415  quick --help
    from benchmarks.results import machine  # noqa: PLC0415

    table = as_markdown(list(measure(events, requests, rounds)), events)
    click.echo(table)
    if keep:
        day = dt.datetime.now(tz=dt.UTC).date()
        text = f"# Calendars\n\nMeasured on {day}, on {machine()}.\n\n{table}\n"
        (HERE / "calendars.md").write_text(text, encoding="utf-8")


@cli.command("bounds")
@click.argument("plans", type=click.Path(exists=True, file_okay=False, path_type=Path))
def check_bounds(plans: Path) -> None:
    """Compare the bounds of plans in a folder with the best plans that are known."""
    from benchmarks.best_known import describe, is_refuted  # noqa: PLC0415  quick --help
    from solver import Plan  # noqa: PLC0415

    found = [Plan.from_json(path.read_bytes()) for path in sorted(plans.glob("*.json"))]
    for plan in found:
        click.echo(describe(plan))
    sys.exit(1 if any(map(is_refuted, found)) else 0)


@cli.command("moves")
@click.argument("problem", type=click.Path(exists=True, path_type=Path))
@click.argument("plan", type=click.Path(exists=True, path_type=Path))
def check_moves(problem: Path, plan: Path) -> None:
    """Take back each change from the published plan alone, and say what that would save."""
    from benchmarks.moves import changes  # noqa: PLC0415  quick --help
    from solver import Plan, ProblemFile  # noqa: PLC0415

    found = list(changes(ProblemFile.from_path(problem), Plan.from_json(plan.read_bytes())))
    needless = [each for each in found if each.is_needless]
    for each in needless:
        what = f"session {each.session}" if each.session else "the change of expert"
        click.echo(f"{each.engagement}: taking back {what} saves {each.saves}")
    click.echo(f"{len(found)} changes, {len(needless)} needless")
    sys.exit(1 if needless else 0)


@cli.command("speedup")
@click.option("--instance", type=click.Path(exists=True, path_type=Path), help="metro-500.")
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--curve", is_flag=True, help="Also the gap over steps; takes some minutes.")
def measure_speedup(instance: Path | None, seconds: float, seed: int, curve: bool) -> None:
    """Measure what more workers bring: threads, processes, a Dask cluster on this machine."""
    from benchmarks import speedup  # noqa: PLC0415  quick --help
    from solver.problem_file import ProblemFile  # noqa: PLC0415

    file = ProblemFile.from_path(instance or INSTANCES / "metro-500.json.gz")
    figures = list(speedup.speeds(file, seconds, seed))
    bound = max(proven for _, proven in figures)
    points = list(speedup.curve(file, bound, seed)) if curve else []
    click.echo(speedup.as_markdown([speed for speed, _ in figures], points))


@cli.command("brute-force")
@click.option("--cases", default=1000, show_default=True, type=click.IntRange(1))
@click.option("--first", default=0, show_default=True, help="The number of the first case.")
@click.option("--out", type=click.Path(path_type=Path), help="Keep differing problems here.")
def compare_with_brute_force(cases: int, first: int, out: Path | None) -> None:
    """Compare the solver with every plan there is, on tiny random problems."""
    from benchmarks.exactness import differences  # noqa: PLC0415

    wrong = 0
    for difference in track(differences(first, cases), total=cases, description="comparing"):
        if difference is None:
            continue
        wrong += 1
        click.echo(f"{difference.problem['name']}: {difference.text}")
        if out:
            out.mkdir(parents=True, exist_ok=True)
            path = out / f"{difference.problem['name'].replace(' ', '-')}.json"
            path.write_text(json.dumps(difference.problem, indent=1))
    click.echo(f"{cases - wrong} of {cases} equal")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    cli(prog_name="python -m benchmarks")
