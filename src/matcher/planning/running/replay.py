"""Replaying a plan: its stored problem is solved again as it was, and the two are compared."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session as Database

from matcher.cost_words import COST_PARTS
from matcher.errors import Conflict, NotFound
from matcher.models import Plan
from matcher.planning.running.runs import judged
from matcher.planning.running.solving import Solution, solve_as_agreed
from matcher.programme import Words
from solver import Parameters, Progress
from solver.plan import Plan as PlanFile
from solver.plan import SolverRecord
from solver.problem import Engagement
from solver.problem_file import ProblemFile
from solver.standing import solve_one

__all__ = ["Replay", "replay"]

NOTHING = Words(ja="", en="")
TOTAL = Words(ja="合計", en="total")

MOST_TOLD = 10
"""Engagements that are named; the others are counted."""


@dataclass(frozen=True)
class Replay:
    """What came of solving a stored problem again."""

    plan_id: str
    again: PlanFile
    differences: tuple[Words, ...]
    """Where the new plan is another; none: it is the same."""
    why_it_may: tuple[Words, ...]
    """What of the stored run leaves it open to differ; none: it replays exactly."""

    @property
    def is_same(self) -> bool:
        """Whether the same plan came of it."""
        return not self.differences


def replay(
    db: Database, plan_id: str, on_progress: Callable[[Progress], None] | None = None
) -> Replay:
    """Solve a plan's problem again with the parameters it was solved with; the judge passes both.

    Raises:
        NotFound: there is no such plan.
        Conflict: it has no plan yet, was not found by a search, or the judge does not pass it.
    """
    row = db.get(Plan, plan_id)
    if row is None:
        raise NotFound("plan", plan_id)
    verdict = judged(row)
    if not verdict.holds:
        raise Conflict(
            f"The judge does not pass the stored plan: {'; '.join(map(str, verdict.broken))}.",
            "保存された派遣計画が規則に反しています。",
            code="plan_rejected",
        )
    assert row.problem is not None  # noqa: S101  judged has seen to it
    assert row.plan is not None  # noqa: S101
    file = ProblemFile.from_bytes(gzip.decompress(row.problem))
    before = PlanFile.from_json(gzip.decompress(row.plan))
    if row.bound is None:
        raise _not_solved()
    again = _solved_again(row, file, before, on_progress)
    return Replay(
        plan_id,
        again,
        tuple(_differences(before, again)),
        tuple(_open_ends(row, before.solver, again)),
    )


def _solved_again(
    row: Plan,
    file: ProblemFile,
    before: PlanFile,
    on_progress: Callable[[Progress], None] | None,
) -> PlanFile:
    record = before.solver
    if record.time_limit_seconds is not None or record.work_limit is not None:
        parameters = Parameters(
            time_limit_seconds=record.time_limit_seconds,
            workers=record.workers,
            seed=record.seed,
            work_limit=record.work_limit,
        )
        solutions = solve_as_agreed(row.terms, file, parameters, on_progress=on_progress)
        return _of_the_same_point(row, solutions).plan
    free = [each for each in file.problem.engagements if _has_a_choice(each)]
    if len(free) == 1 and before.status == "optimal":
        return solve_one(file, free[0].id)
    raise _not_solved()


def _not_solved() -> Conflict:
    return Conflict(
        "The plan was put together from others, or its times were chosen by a person, and not "
        "found by a search: nothing to solve again.",
        "この派遣計画は既存の計画から組み立てたか、日時を人が選んだもので、"
        "再計算の対象ではありません。",
        code="not_solved",
    )


def _of_the_same_point(row: Plan, solutions: Sequence[Solution]) -> Solution:
    """The plan for as many broken promises; where there is none now, the one that serves best."""
    for each in solutions:
        if row.promises and each.promises and each.promises.most_broken == row.promises.most_broken:
            return each
    return solutions[-1]


def _has_a_choice(engagement: Engagement) -> bool:
    return bool(engagement.candidates) and len(engagement.pinned) < len(engagement.durations)


def _differences(before: PlanFile, again: PlanFile) -> Iterator[Words]:
    costs = zip(before.cost.model_dump().items(), again.cost.model_dump().values(), strict=True)
    for (part, old), new in costs:
        if old != new:
            name = COST_PARTS[part][0] if part in COST_PARTS else TOTAL
            yield Words(
                ja=f"費用({name.ja}): {old:,} → {new:,}",
                en=f"cost, {name.en}: {old:,} → {new:,}",
            )
    if before.bound != again.bound:
        yield Words(
            ja=f"下界: {before.bound:,} → {again.bound:,}",
            en=f"bound: {before.bound:,} → {again.bound:,}",
        )
    old_ways = {each.engagement: each for each in before.assignments}
    new_ways = {each.engagement: each for each in again.assignments}
    changed = sorted(
        id for id in old_ways.keys() | new_ways.keys() if old_ways.get(id) != new_ways.get(id)
    )
    if changed:
        named, more = ", ".join(changed[:MOST_TOLD]), len(changed) - MOST_TOLD
        rest = Words(ja=f" ほか{more}件", en=f" and {more} more") if more > 0 else NOTHING
        yield Words(
            ja=f"専門家または日程が異なる派遣案件: {named}{rest.ja}",
            en=f"another expert or other dates: {named}{rest.en}",
        )


def _open_ends(row: Plan, record: SolverRecord, again: PlanFile) -> Iterator[Words]:
    if row.cancel_requested_at is not None:
        yield Words(
            ja="途中で停止した計算のため、最後まで計算すると結果が変わることがあります",
            en="it was stopped before its end, and now went on",
        )
    if record.version != again.solver.version:
        yield Words(
            ja=f"計算プログラムの版が異なります({record.version} と {again.solver.version})",
            en=f"another version of the solver: {record.version}, now {again.solver.version}",
        )
    if record.time_limit_seconds is not None:
        yield Words(
            ja="制限時間つきの計算のため、機械の速さにより結果が変わります",
            en="it was limited in time, and depends on the speed of the machine",
        )
    if record.workers > 1:
        yield Words(
            ja=f"{record.workers}個の並列計算のため、順序により結果が変わることがあります",
            en=f"{record.workers} workers searched at once, in no fixed order",
        )
