"""`matcher solve` and `matcher check`: a problem file in, a plan file out, and its judge."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from matcher.cli.progress import keep_curve, show_progress
from solver.problem import ProblemError
from solver.problem_file import ProblemFile, read_bytes, unpack
from solver.validation import Verdict, judge

if TYPE_CHECKING:  # ortools and numba load in a second or two: `check` goes without
    from solver import Parameters, Plan, Progress

DONE, NO = 0, 1
STANDARD_ERROR = 2
DEFAULT_TIME_LIMIT_SECONDS = 30.0
SHORTEST_SOLVE_SECONDS = 0.5
"""What a solve gets at least, however long the problem took to read."""

PROBLEM = click.argument("problem_path", metavar="PROBLEM", type=click.Path(path_type=Path))


class Seconds(click.ParamType[float]):
    """A time longer than nothing."""

    name = "seconds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number of seconds."""
        try:
            seconds = float(str(value))
        except ValueError:
            seconds = math.nan
        if not 0 < seconds < math.inf:
            self.fail(f"{value!r} is no time; give seconds above 0, such as 30", param, ctx)
        return seconds


@click.command()
@PROBLEM
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The plan; gzipped if .gz."
)
@click.option(
    "--time-limit", type=Seconds(), help="Seconds for all of it; 30 unless work is limited."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Pieces at work at once; by default one for each core, of the cluster where there is one.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="With a work limit alone, the same seed and workers give the same plan, "
    "wherever pieces run, unless one is lost.",
)
@click.option(
    "--executor",
    metavar="URL",
    default="local",
    show_default=True,
    help="Where pieces run: local (threads), processes, or a Dask scheduler's tcp://host:port.",
)
@click.option(
    "--work-limit",
    type=click.IntRange(1),
    help="Search steps of each worker, for a run that can be repeated.",
)
@click.option(
    "--curve",
    type=click.Path(path_type=Path),
    help="Keep cost and bound over time in this CSV file.",
)
def solve(
    problem_path: Path,
    out: Path,
    time_limit: float | None,
    workers: int | None,
    seed: int,
    executor: str,
    work_limit: int | None,
    curve: Path | None,
) -> int:
    """Make a plan for the problem file PROBLEM.

    Interrupted by Ctrl-C, it stops and writes the best plan it has. Where pinned sessions
    conflict with each other, it writes which, and exits 2.
    """
    started = time.monotonic()
    file = read_problem(problem_path)
    with _written_at_once(problem_path, out) as temporary:
        parameters = _parameters(started, time_limit, work_limit, workers, seed, executor)
        with _kept_curve(curve, beside=(problem_path, out)) as keep:
            plan = _solve(file, parameters, keep)
        plan.write(temporary)
    if plan.status == "infeasible_pins":
        raise click.ClickException(
            f"{problem_path}: no plan keeps all pinned sessions: {'; '.join(plan.conflicts)}; "
            "unpin one of each, or move it"
        )
    _summarize(plan, judge(file.json, plan.to_json(), sha256=file.sha256), out)
    return DONE


@click.command()
@PROBLEM
@click.argument("plan_path", metavar="PLAN", type=click.Path(path_type=Path))
def check(problem_path: Path, plan_path: Path) -> int:
    """Judge the plan file PLAN by the problem file PROBLEM.

    Prints the cost by part as JSON, then each broken rule on a line; exits 1 if there is one.
    """
    file = read_problem(problem_path)
    with named(plan_path):
        plan = unpack(read_bytes(plan_path))
    verdict = judge(file.json, plan)
    for broken in verdict.broken:
        if broken.rule == "format" and broken.subject == "the plan":
            raise click.ClickException(f"{plan_path}: {broken.text}; give a plan/1 as UTF-8 JSON")
    click.echo(json.dumps(_figures(verdict)))
    for broken in verdict.broken:
        click.echo(_one_line(str(broken)))
    _note_other_file(verdict, file)
    return DONE if verdict.holds else NO


def read_problem(path: Path) -> ProblemFile:
    """Read a problem file; what is wrong with it is one line that begins with its name."""
    with named(path):
        return ProblemFile.from_path(path)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn what is wrong with a file into one line that begins with its name."""
    try:
        yield
    except ProblemError as error:
        raise click.ClickException(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise click.ClickException(f"{path}: there is no such file; check its name") from error
    except IsADirectoryError as error:
        raise click.ClickException(f"{path}: it is a folder; name a file in it") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise click.ClickException(f"{path}: {reason}; name another file") from error


@contextmanager
def _written_at_once(problem_path: Path, out: Path) -> Iterator[Path]:
    """Give a file to write that takes the place of `out` when it is whole.

    It is made before the solver starts: that `out` cannot be written shows before minutes of work.
    """
    with named(out):
        target = out.resolve()
        if target.is_dir():
            raise IsADirectoryError
        if target == problem_path.resolve():
            raise click.ClickException(f"{out}: that is the problem itself; name another file")
        if not target.parent.is_dir():
            raise click.ClickException(f"{out}: there is no folder {target.parent}; make it first")
        if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        temporary = target.with_name(f".{os.getpid()}.{target.name}")
        temporary.touch()
    try:
        yield temporary
        with named(out):
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _parameters(
    started: float,
    time_limit: float | None,
    work_limit: int | None,
    workers: int | None,
    seed: int,
    executor: str,
) -> Parameters:
    """Leave the engine what is left of the time; a work limit alone knows no clock."""
    from solver import Parameters  # noqa: PLC0415  see the top

    if time_limit is None and work_limit is None:
        time_limit = DEFAULT_TIME_LIMIT_SECONDS
    if time_limit is not None:
        time_limit = max(SHORTEST_SOLVE_SECONDS, time_limit - (time.monotonic() - started))
    return Parameters(time_limit, workers, seed, work_limit, executor)


def _solve(file: ProblemFile, parameters: Parameters, keep: Callable[[Progress], None]) -> Plan:
    from solver import NoPlanFound  # noqa: PLC0415  see the top
    from solver import solve as solve_problem  # noqa: PLC0415
    from solver.executors import ExecutorError  # noqa: PLC0415

    with _interruptions() as interrupted, show_progress(Console(stderr=True)) as show:

        def on_progress(progress: Progress) -> None:
            keep(progress)
            show(progress)

        try:
            return solve_problem(file, parameters, on_progress=on_progress, cancelled=interrupted)
        except NoPlanFound as error:
            raise click.ClickException(f"{error}; give it more time") from error
        except ExecutorError as error:
            raise click.UsageError(f"--executor {parameters.executor!r}: {error}") from error


@contextmanager
def _kept_curve(
    path: Path | None, *, beside: tuple[Path, ...]
) -> Iterator[Callable[[Progress], None]]:
    if path is None:
        yield lambda _: None
        return
    with named(path):
        if any(path.resolve() == other.resolve() for other in beside):
            raise click.ClickException(f"{path}: that is another file of this run; name one more")
        file = path.open("w", encoding="utf-8", newline="")
    with file:
        yield keep_curve(file)


@contextmanager
def _interruptions() -> Iterator[Callable[[], bool]]:
    """Tell whether somebody pressed Ctrl-C; pressed again, it ends the program as ever."""
    asked = Event()

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  signal's signature
        asked.set()
        signal.signal(number, before)
        # Not print: the signal may have come in the midst of one, whose buffer is then locked.
        os.write(STANDARD_ERROR, b"stopping; the best plan so far is written\n")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _figures(verdict: Verdict) -> dict[str, int | float | None]:
    """The cost by part and what is served, under the names that check_plan.py gives them."""
    return asdict(verdict.cost) | {
        "served": verdict.served,
        "of": verdict.engagements,
        "sessions": verdict.sessions,
        "of_sessions": verdict.wanted_sessions,
        "bound": verdict.bound,
        "optimality_gap": verdict.gap,
    }


def _summarize(plan: Plan, verdict: Verdict, out: Path) -> None:
    """Print what a planner wants to know of a plan that was written."""
    table = Table(show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("engagements served", f"{verdict.served:,} of {verdict.engagements:,}")
    table.add_row(
        "sessions", f"{verdict.sessions:,} of {verdict.wanted_sessions:,}", end_section=True
    )
    for part, cost in asdict(verdict.cost).items():
        if part != "total":
            table.add_row(part, f"{cost:,}")
    table.add_section()
    table.add_row("cost", f"{verdict.cost.total:,}")
    table.add_row("proven bound", f"{plan.bound:,}")
    table.add_row("gap", f"{plan.gap:.2%}")
    table.add_row("seconds", f"{plan.solver.seconds:,.1f}")
    console = Console()
    console.print(f"{plan.problem}: {plan.status}", markup=False, highlight=False)
    console.print(table)
    console.print(f"The plan, which the judge passed, is in {out}", markup=False, soft_wrap=True)


def _note_other_file(verdict: Verdict, file: ProblemFile) -> None:
    """Say where a plan was made from other bytes, which may hold the same problem."""
    if verdict.problem_sha256 not in (None, file.sha256):
        click.echo("note: the plan states the digest of another problem file", err=True)


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
