"""Writes results as tables to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.protocol import FIRST_PLAN_WITHIN, GAPS_TO_REACH, SOLVERS
from benchmarks.results import Results
from benchmarks.runner import Run

ENGINE, *PEERS = SOLVERS
NOTHING = "–"


def as_markdown(results: Results) -> str:
    """Three tables: what each solver came to, how fast, and all runs; then what went wrong."""
    return "\n\n".join(
        (
            f"{results.date}, {results.machine}. Version {results.version}, "
            f"{results.workers} workers, seed {results.seed}.",
            "Cost of the judged plan, and how far it is from the best proven bound:",
            _table(_outcome_columns(), (_outcome(results, each) for each in results.instances)),
            "Over time, in seconds from the start of each process:",
            _table(_time_columns(), (_times(results, each) for each in results.instances)),
            f"The engine's process needs {_seconds(results.start_seconds)} to its first plan "
            "where there is next to nothing to read or to plan.",
            "Every run:",
            _table(RUN_COLUMNS, (_run(each) for each in results.runs if not each.skipped)),
            *_remarks(results),
        )
    )


def told(run: Run) -> str:
    """What a run came to, on one line."""
    who = f"{run.instance}, {_title(run)}"
    if run.skipped:
        return f"{who}: skipped, {run.skipped}"
    if not run.holds:
        return f"{who}: fails after {_seconds(run.seconds)}"
    return f"{who}: {run.cost:,} after {_seconds(run.seconds)}"


def _title(run: Run) -> str:
    return next(each.title for each in SOLVERS if each.name == run.solver)


def _outcome_columns() -> tuple[str, ...]:
    return ("instance", "limit", "bound", "to reach", *(each.title for each in SOLVERS))


def _outcome(results: Results, instance: str) -> tuple[str, ...]:
    runs = [results.of(instance, each.name) for each in SOLVERS]
    limit = max(run.limit_seconds for run in runs if run is not None)
    bound, aim = results.best_bound(instance), GAPS_TO_REACH.get(instance)
    return (
        instance,
        f"{limit:g} s",
        f"{bound:,}" if bound else NOTHING,
        NOTHING if aim is None else f"{aim:.1%}",
        *(_cost_and_gap(run, bound) for run in runs),
    )


def _cost_and_gap(run: Run | None, bound: int) -> str:
    if run is None or run.skipped or run.cost is None:
        return NOTHING
    if not run.holds:
        return "**breaks a rule**"
    return f"{run.cost:,} ({_gap(run.cost, bound)})"


def _gap(cost: int, bound: int) -> str:
    return f"{(cost - bound) / bound:.2%}" if bound else NOTHING


def _time_columns() -> tuple[str, ...]:
    return (
        "instance",
        "first plan",
        "to reach",
        *(f"better than {each.title} ever" for each in PEERS[:1]),
        "of the limit",
        "plan at 1 s, or the first",
        *(f"{each.title} has it" for each in PEERS),
    )


def _times(results: Results, instance: str) -> tuple[str, ...]:
    engine = results.of(instance, ENGINE.name)
    if engine is None or engine.first_plan_seconds is None:
        return (instance, *[NOTHING] * (len(_time_columns()) - 1))
    timefold = results.of(instance, PEERS[0].name)
    ahead = _ahead(engine, timefold)
    early = engine.curve.cost_at(max(1.0, engine.first_plan_seconds))
    peers = (results.of(instance, each.name) for each in PEERS)
    return (
        instance,
        _seconds(engine.first_plan_seconds),
        _within(engine.engagements),
        _seconds(ahead),
        NOTHING if ahead is None else f"{ahead / engine.limit_seconds:.0%}",
        NOTHING if early is None else f"{early:,}",
        *(_seconds(_reached(peer, early)) for peer in peers),
    )


def _ahead(engine: Run, peer: Run | None) -> float | None:
    """When the engine had a better plan than the peer ever found, or one that is proven optimal."""
    if peer is None or not peer.holds or peer.cost is None:
        return None
    return engine.curve.seconds_to(max(peer.cost - 1, engine.bound))


def _reached(peer: Run | None, cost: int | None) -> float | None:
    return None if peer is None or cost is None else peer.curve.seconds_to(cost)


def _within(engagements: int) -> str:
    return next(f"{s:g} s" for most, s in FIRST_PLAN_WITHIN if engagements <= most)


RUN_COLUMNS = ("instance", "solver", "cost", "bound", "served", "sessions", "seconds", "memory")


def _run(run: Run) -> tuple[str, ...]:
    return (
        run.instance,
        _title(run),
        f"{run.cost:,}" if run.holds else NOTHING,
        f"{run.bound:,}" if run.bound else NOTHING,
        f"{run.served:,} of {run.engagements:,}",
        f"{run.sessions:,} of {run.wanted_sessions:,}",
        _seconds(run.seconds),
        f"{run.peak_mebibytes:,} MiB",
    )


def _remarks(results: Results) -> list[str]:
    remarks = []
    for run in results.runs:
        who = f"{run.solver} on {run.instance}"
        if run.skipped:
            remarks.append(f"{who} was skipped: {run.skipped}.")
        remarks += [f"{who} fails: {text}." for text in run.broken[:3]]
    return remarks


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.1f} s"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ("---",) + ("---:",) * (len(columns) - 1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows))
