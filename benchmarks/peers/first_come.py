"""First come, first served: what an office does with a list, a spreadsheet and the telephone.

Engagements in the order of their arrival; each goes to its best-ranked expert who has room for
all of its sessions: the first on the earliest day, each further one on the day nearest to the
wished distance, in preferred hours where that day has some. Where nobody has room for all, the
expert who can hold most takes it. What is published stays as long as it can.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.peers.diary import Diary
from benchmarks.peers.writing import Curve, write_plan
from solver.cost import cost_of
from solver.grid import NO_DAY, Grid, compile_grid, one_a_day
from solver.plan import Assignment
from solver.problem import Problem
from solver.problem_file import ProblemFile
from solver.schedule import NOBODY


class Service(NamedTuple):
    """The pair that serves an engagement, NOBODY for its pins alone, and each session's time."""

    pair: int
    times: tuple[tuple[int, int], ...]
    """Day and minute of sessions 1…k."""


def serve_in_order(grid: Grid, diary: Diary) -> list[Service]:
    """Serve every engagement once, in the order of the problem."""
    return [_serve(grid, diary, a) for a in range(len(grid.sessions))]


def _serve(grid: Grid, diary: Diary, a: int) -> Service:
    best = Service(NOBODY, ())
    for pair in _ranked(grid, a):
        times = _times(grid, diary, a, int(grid.pair_expert[pair]))
        if len(times) > max(len(best.times), grid.least[a]):
            best = Service(pair, times)
        if len(times) == grid.sessions[a]:
            break
    if best.pair == NOBODY:
        least = range(int(grid.least[a]))
        return Service(
            NOBODY, tuple((int(grid.pin_day[a, n]), int(grid.pin_minute[a, n])) for n in least)
        )
    expert = int(grid.pair_expert[best.pair])
    for number, (day, minute) in enumerate(best.times):
        if grid.pin_day[a, number] == NO_DAY:
            diary.enter(expert, a, number, day, minute)
    return best


def _ranked(grid: Grid, a: int) -> list[int]:
    """The pairs of an engagement, the expert of the published plan first, then by rank."""
    pairs = range(int(grid.pair_offset[a]), int(grid.pair_offset[a + 1]))
    return sorted(pairs, key=lambda p: (grid.pair_once_cost[p], grid.pair_session_cost[p]))


def _times(grid: Grid, diary: Diary, a: int, expert: int) -> tuple[tuple[int, int], ...]:
    """The sessions the expert could hold, one after the other, each as near as can be."""
    times: list[tuple[int, int]] = []
    entered: list[tuple[int, int]] = []
    for number in range(int(grid.sessions[a])):
        if grid.pin_day[a, number] != NO_DAY:
            times.append((int(grid.pin_day[a, number]), int(grid.pin_minute[a, number])))
            continue
        time = _first_fit(grid, diary, expert, a, number, times)
        if time is None:
            break
        diary.enter(expert, a, number, *time)
        entered.append(time)
        times.append(time)
    for day, minute in entered:
        diary.strike(expert, day, minute)
    return tuple(times) if len(times) >= grid.least[a] else ()


def _first_fit(
    grid: Grid, diary: Diary, expert: int, a: int, number: int, times: list[tuple[int, int]]
) -> tuple[int, int] | None:
    published = int(grid.current_day[a, number]), int(grid.current_minute[a, number])
    days = list(_days(grid, a, number, times[-1][0] if times else None))
    if published[0] in days and published[1] in diary.starts(expert, a, number, published[0]):
        return published
    for day in days:
        for minute in diary.starts(expert, a, number, day):
            return day, minute
    return None


def _days(grid: Grid, a: int, number: int, before: int | None) -> Iterable[int]:
    """The days a session may be on: from the earliest on, or nearest to the wished distance."""
    first, last = int(grid.first_day[a]), int(grid.last_day[a])
    after = next(_pinned_after(grid, a, number), None)
    if after is not None:
        first, last = (
            max(first, after - int(grid.max_gap[a])),
            min(last, after - int(grid.min_gap[a])),
        )
    if before is None:
        return range(first, last + 1)
    first, last = (
        max(first, before + int(grid.min_gap[a])),
        min(last, before + int(grid.max_gap[a])),
    )
    wished = before + int(grid.target_gap[a])
    return sorted(range(first, last + 1), key=lambda day: abs(day - wished))


def _pinned_after(grid: Grid, a: int, number: int) -> Iterator[int]:
    """The day of the next session, where that one is pinned."""
    if number + 1 < grid.sessions[a] and grid.pin_day[a, number + 1] != NO_DAY:
        yield int(grid.pin_day[a, number + 1])


def assignments_of(
    problem: Problem, grid: Grid, services: Iterable[Service]
) -> tuple[Assignment, ...]:
    """The services as a plan states them."""
    midnight = dt.datetime.combine(problem.calendar.first_day, dt.time())
    return tuple(
        Assignment(
            engagement=problem.engagements[a].id,
            expert=problem.experts[_expert(grid, a, service)].id,
            starts=tuple(midnight + dt.timedelta(days=d, minutes=m) for d, m in service.times),
        )
        for a, service in enumerate(services)
        if service.times
    )


def _expert(grid: Grid, a: int, service: Service) -> int:
    if service.pair == NOBODY:
        return int(grid.pin_expert[a, len(service.times) - 1])
    return int(grid.pair_expert[service.pair])


@click.command()
@click.argument("problem_path", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--curve", required=True, type=click.Path(path_type=Path))
def main(problem_path: Path, out: Path, curve: Path) -> None:
    """Plan by hand rules; they take what time they take."""
    file = ProblemFile.from_path(problem_path)
    grid = one_a_day(compile_grid(file.problem))
    assignments = assignments_of(file.problem, grid, serve_in_order(grid, Diary(grid)))
    with Curve.at(curve) as line:
        line.add(cost_of(file.problem, assignments).total)
    write_plan(file, assignments, out)


if __name__ == "__main__":
    main()
