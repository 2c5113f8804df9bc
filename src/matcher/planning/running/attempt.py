"""One worker's attempt at a run: it claims it, solves it, and keeps the plan.

All that it writes, it writes under the number of its attempt: a worker that was taken for dead,
and was not, cannot write over its successor. While it lives it renews its lease, every second.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy import case, update
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker, undefer

from matcher.clock import utc_now
from matcher.errors import MatcherError
from matcher.models import Plan, PlanState, ProgressRecord, PromiseRecord
from matcher.planning.running.solving import Solution, solve_as_agreed
from matcher.planning.running.turns import has_its_turn
from matcher.planning.stating.clashes import contradiction
from matcher.planning.stating.ground import ground_of, latest_release_number
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import Records
from matcher.programme import Words
from solver import NoPlanFound, Parameters, Progress
from solver.plan import Plan as PlanFile
from solver.problem_file import ProblemFile, pack
from solver.validation import judge

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=30)
"""After this much silence a run is taken for crashed."""

PULSE_SECONDS = 1.0
"""How often a run in progress writes its figures, renews its lease and sees requests to stop."""

OF_THE_RUN = (
    "programme_id",
    "terms",
    "time_limit_seconds",
    "work_limit",
    "workers",
    "seed",
    "created_at",
    "created_by",
    "started_at",
    "ground",
)
"""What the plans of one run have in common, by columns of `Plan`."""

Sessions = sessionmaker[Database]
Clock = Callable[[], dt.datetime]


def execute_run(
    sessions: Sessions,
    plan_id: str,
    *,
    clock: Clock = utc_now,
    lease: dt.timedelta = LEASE,
    stopping: threading.Event | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> bool:
    """Carry out a queued run; False where somebody else has it, or had it taken away.

    A run whose worker stays silent for a `lease` may be taken over by another. When `stopping`
    is set, because this process is to end, the run is queued again. `on_progress` sees each
    report of the solver, in the solver's thread.
    """
    attempt = Attempt.claim(sessions, plan_id, clock=clock, lease=lease)
    if attempt is None:
        return False
    try:
        before = attempt.progress()
        with Pulse(attempt, stopping or threading.Event(), on_progress, before) as pulse:
            attempt.carry_out(pulse)
    except LeaseLostError:
        logger.warning("run %s was taken over by another worker", plan_id)
        return False
    except Exception as error:
        logger.exception("run %s failed", plan_id)
        attempt.fail(_reason(error))
    return True


class LeaseLostError(Exception):
    """The run is no longer this attempt's."""


class RunFailedError(Exception):
    """The run has an end, but no plan; the words say why."""

    def __init__(self, words: Words) -> None:
        self.words = words
        super().__init__(words.en)


@dataclass(frozen=True)
class Attempt:
    """One worker's claim on a run; all it writes, it writes as this attempt."""

    sessions: Sessions
    plan_id: str
    number: int
    clock: Clock
    lease: dt.timedelta

    @classmethod
    def claim(
        cls, sessions: Sessions, plan_id: str, *, clock: Clock, lease: dt.timedelta
    ) -> Attempt | None:
        """Claim a queued run; None where it is not queued (any more), or another goes before it."""
        with sessions.begin() as db:
            run = db.get(Plan, plan_id)
            if run is None or not has_its_turn(db, run):
                return None
            now = clock()  # not before: it may have waited for a run that has ended since
            number = db.scalar(
                update(Plan)
                .where(Plan.id == plan_id, Plan.state == PlanState.QUEUED)
                .values(
                    state=PlanState.SOLVING,
                    attempt=Plan.attempt + 1,
                    lease_until=now + lease,
                    started_at=now,
                    stage="reading",
                )
                .returning(Plan.attempt)
                .execution_options(synchronize_session=False)
            )
        return None if number is None else cls(sessions, plan_id, number, clock, lease)

    def carry_out(self, pulse: Pulse) -> None:
        """Build the problem, solve it, judge the plan and keep it."""
        with self.sessions() as db:
            run = db.get_one(Plan, self.plan_id)
            assert run.started_at is not None  # noqa: S101  the claim has written it
            records = Records.load(db, run.programme_id, run.started_at, terms=run.terms)
            file = ProblemFile.from_problem(problem_of(records, records.in_scope()))
            ground = ground_of(file.problem, latest_release_number(db, run.programme_id))
        self.write(problem=pack(file.json), problem_sha256=file.sha256, ground=ground)
        parameters = Parameters(
            # A limit in work alone: what a run finds must not depend on the speed of its machine.
            time_limit_seconds=None if run.work_limit else run.time_limit_seconds,
            workers=run.workers,
            seed=run.seed,
            work_limit=run.work_limit,
        )
        solutions = solve_as_agreed(
            run.terms, file, parameters, on_progress=pulse.report, cancelled=pulse.is_stopped
        )
        pulse.stop()
        if pulse.stopping.is_set() and not self.is_cancelled():
            self.hand_back()
        else:
            self._keep(file, solutions, pulse.records)

    def _keep(
        self,
        file: ProblemFile,
        solutions: Sequence[Solution],
        progress: tuple[ProgressRecord, ...],
    ) -> None:
        for each in solutions:
            # First, because the empty plan of such a problem keeps none of its pins either.
            if each.plan.status == "infeasible_pins":
                raise RunFailedError(contradiction(file.problem))
            verdict = judge(file.json, each.plan.to_json(), sha256=file.sha256)
            if not verdict.holds:
                raise RunFailedError(_rejected(tuple(map(str, verdict.broken))))
        now = self.clock()
        *others, own = (
            result_of(file, each.plan, each.promises)
            | {"state": PlanState.READY, "stage": "done", "finished_at": now}
            for each in solutions
        )
        self.write(others, **own, progress=progress, lease_until=None)

    def progress(self) -> tuple[ProgressRecord, ...]:
        """What is on record of the attempts before this one."""
        with self.sessions() as db:
            return db.get_one(Plan, self.plan_id).progress

    def is_cancelled(self) -> bool:
        """Whether somebody has asked the run to stop: then it keeps what it has.

        Raises:
            LeaseLostError: the run was taken away.
        """
        return self.write(lease_until=self.clock() + self.lease)

    def hand_back(self) -> None:
        """Leave the run to the next worker."""
        self.write(**without_worker())

    def fail(self, reason: Words) -> None:
        """End the run without a plan; no matter where the lease is lost."""
        try:
            self.write(
                state=PlanState.FAILED,
                error=reason.en,
                error_ja=reason.ja,
                finished_at=self.clock(),
                lease_until=None,
            )
        except LeaseLostError:
            logger.warning("run %s was taken over by another worker", self.plan_id)

    def write(self, beside: Sequence[Mapping[str, object]] = (), /, **values: object) -> bool:
        """Write to the run as this attempt; whether somebody has asked it to stop.

        `beside`: the columns of further plans that it has made.

        Raises:
            LeaseLostError: the run is no longer this attempt's; nothing is written.
        """
        with self.sessions.begin() as db:
            row = db.execute(
                update(Plan)
                .where(
                    Plan.id == self.plan_id,
                    Plan.state == PlanState.SOLVING,
                    Plan.attempt == self.number,
                )
                .values(**values)
                .returning(Plan.cancel_requested_at)
                .execution_options(synchronize_session=False)
            ).one_or_none()
            if row is None:
                raise LeaseLostError(self.plan_id)
            if beside:
                run = db.get_one(Plan, self.plan_id, options=[undefer(Plan.ground)])
                shared = {name: getattr(run, name) for name in OF_THE_RUN}
                db.add_all(Plan(**shared, **each, run_id=run.id) for each in beside)
        return row.cancel_requested_at is not None


class Pulse:
    """Writes a run's figures and renews its lease once a second, beside the solver.

    The solver's reports are taken in memory, so they cost it nothing, however often they come.
    They are written after those of the attempts `before`, so that whoever follows the run by
    their numbers hears of each.
    """

    def __init__(
        self,
        attempt: Attempt,
        stopping: threading.Event,
        on_progress: Callable[[Progress], None] | None,
        before: tuple[ProgressRecord, ...] = (),
    ) -> None:
        self.stopping = stopping
        self.records = before
        self._attempt = attempt
        self._on_progress = on_progress
        self._latest: Progress | None = None
        self._finished = threading.Event()
        self._stop_solving = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._finish()

    def report(self, progress: Progress) -> None:
        """Take a report of the solver."""
        self._latest = progress
        if self._on_progress is not None:
            self._on_progress(progress)

    def is_stopped(self) -> bool:
        """Whether the solver should return what it has."""
        return self._stop_solving.is_set() or self.stopping.is_set()

    def stop(self) -> None:
        """End the beat, the last report taken.

        Raises:
            LeaseLostError: the run was taken away meanwhile.
        """
        self._finish()
        self._record()
        if self._lost:
            raise LeaseLostError

    def _finish(self) -> None:
        self._finished.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._finished.wait(PULSE_SECONDS):
            try:
                if self._attempt.write(**self._figures()):
                    self._stop_solving.set()
            except LeaseLostError:
                self._lost = True
                self._stop_solving.set()
                return
            except Exception:
                # The database may be away for a moment; the lease outlasts many beats.
                logger.exception("run %s could not write its figures", self._attempt.plan_id)

    def _figures(self) -> dict[str, object]:
        figures: dict[str, object] = {"lease_until": self._attempt.clock() + self._attempt.lease}
        latest = self._record()
        if latest is not None:
            figures |= {
                "stage": latest.stage,
                "cost": latest.cost,
                "bound": latest.bound,
                "gap": latest.gap,
                "served": latest.served,
                "progress": self.records,
            }
        return figures

    def _record(self) -> Progress | None:
        """Keep the latest report; None where there is none since the last beat."""
        latest, self._latest = self._latest, None
        if latest is not None:
            record = ProgressRecord(
                latest.stage,
                round(latest.seconds, 2),
                latest.cost,
                latest.bound,
                latest.gap,
                latest.served,
            )
            self.records += (record,)
        return latest


def result_of(
    file: ProblemFile, plan: PlanFile, promises: PromiseRecord | None = None
) -> dict[str, Any]:
    """What is kept of a problem and its plan, by the columns of `Plan`."""
    return {
        "problem": pack(file.json),
        "problem_sha256": file.sha256,
        "plan": pack(plan.to_json()),
        "cost": plan.cost.total,
        "bound": plan.bound,
        "gap": plan.gap,
        "status": plan.status,
        "served": sum(bool(each.starts) for each in plan.assignments),
        "solver_version": plan.solver.version,
        "promises": promises,
    }


def without_worker() -> dict[str, Any]:
    """What a run becomes that has lost its worker, by columns of `Plan`.

    It waits for another one, or is over where somebody has asked it to stop.
    """
    asked_to_stop = Plan.cancel_requested_at.is_not(None)
    return {
        "state": case((asked_to_stop, PlanState.CANCELLED.value), else_=PlanState.QUEUED.value),
        "finished_at": Plan.cancel_requested_at,
        "lease_until": None,
    }


def _rejected(broken: Sequence[str]) -> Words:
    return Words(
        ja=f"計画が検査に合格しませんでした: {'、'.join(broken)}",
        en=f"The judge does not pass the plan: {'; '.join(broken)}",
    )


def _reason(error: Exception) -> Words:
    """What the run's page says of an error; the log has the rest."""
    match error:
        case RunFailedError():
            return error.words
        case MatcherError():
            return Words(ja=error.message_ja, en=error.message_en)
        case NoPlanFound():
            return Words(ja=NOT_IN_TIME_JA, en=str(error))
        case ValueError():
            return Words(ja=f"計画を作成できませんでした: {error}", en=str(error))
    told = f"{type(error).__name__}: {error}"
    return Words(ja=f"予期しないエラーで終了しました: {told}", en=told)


NOT_IN_TIME_JA = (
    "固定された派遣をすべて守る計画が、制限時間内に見つかりませんでした。"
    "制限時間を延ばすか、固定を見直してください。"
)
