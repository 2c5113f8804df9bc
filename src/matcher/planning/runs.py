"""Runs of the solver: queued → solving → ready; cancelled or failed instead of ready.

The table of plans is the truth about runs. Whoever executes one claims it first, and writes to it
under the number of that attempt only: a worker that was taken for dead, and was not, cannot write
over its successor. While it lives it renews its lease, every second.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import case, select, update
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker, undefer

from matcher.clock import utc_now
from matcher.errors import Conflict, Invalid, MatcherError, NotFound
from matcher.fields import TimeLimit
from matcher.models import Plan, PlanState, PlanTerms, ProgressRecord, PromiseRecord
from matcher.planning.ground import ground_of, latest_release_number
from matcher.planning.problem import Records
from matcher.planning.solving import Solution, solve_as_agreed
from matcher.planning.turns import has_its_turn
from solver import NoPlanFound, Parameters, Progress
from solver.plan import Plan as PlanFile
from solver.problem_file import ProblemFile, pack
from solver.validation import Verdict, judge

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=30)
"""After this much silence a run is taken for crashed."""

PULSE_SECONDS = 1.0
"""How often a run in progress writes its figures, renews its lease and sees requests to stop."""

MAX_CRASHES = 2
"""A run that crashed is taken up once more; it fails with its second crash."""

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


Workers = Annotated[int, Field(ge=1, le=64)]
"""How many cores it may use."""
Seed = Annotated[int, Field(ge=0, lt=2**31)]
WorkLimit = Annotated[int, Field(ge=1, le=100_000)]
"""Search steps of each worker; they take the place of a limit in time."""


class RunParameters(BaseModel):
    """What to plan and how long to try."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: PlanTerms = PlanTerms()
    time_limit_seconds: TimeLimit = 30.0
    workers: Workers = 1
    seed: Seed = 0
    work_limit: WorkLimit | None = None


def start_run(
    db: Database, programme_id: str, parameters: RunParameters, by: str, now: dt.datetime
) -> Plan:
    """Queue a run. It waits until a worker claims it.

    Raises:
        NotFound: there is no such programme, or no plannable engagement of an id in the terms.
        Conflict: one that the terms name is on hold.
        Invalid: the last day of the terms is not one on which a session could be placed.
    """
    records = Records.load(db, programme_id, now, terms=parameters.terms)
    _check_until(records)
    records.in_scope()
    plan = Plan(
        programme_id=programme_id,
        terms=parameters.terms,
        work_limit=parameters.work_limit,
        time_limit_seconds=parameters.time_limit_seconds,
        workers=parameters.workers,
        seed=parameters.seed,
        created_at=now,
        created_by=by,
    )
    db.add(plan)
    db.flush()
    return plan


def _check_until(records: Records) -> None:
    """Refuse a last day before the first free one, or after the period."""
    until, period = records.terms.until, records.rules.implementation_period
    first, last = max(records.first_free_day, period.first_day), period.last_day
    if until is None or first <= until <= last:
        return
    early = until < first
    raise Invalid(
        "until",
        f"no session can be placed before {first}" if early else f"the period ends on {last}",
        f"give a day from {first} to {last}, or none" if first <= last else "give none",
        reason_ja=f"{first}より前には派遣を計画できません"
        if early
        else f"派遣期間は{last}までです",
        remedy_ja=f"{first}から{last}までの日を指定するか、省略してください"
        if first <= last
        else "省略してください",
    )


def cancel_run(db: Database, plan_id: str, now: dt.datetime) -> Plan:
    """Stop a run: at once where it is queued, else within seconds, with the best plan so far.

    Raises:
        NotFound: there is no such plan.
        Conflict: the run is over.
    """
    plan = db.get(Plan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None:
        raise NotFound("plan", plan_id)
    match plan.state:
        case PlanState.QUEUED:
            plan.state = PlanState.CANCELLED
            plan.cancel_requested_at = plan.finished_at = now
        case PlanState.SOLVING:
            plan.cancel_requested_at = plan.cancel_requested_at or now
        case _:
            raise Conflict(
                f"The run is over: the plan is {plan.state}.",
                f"計算はすでに終了しています(状態: {plan.state.ja})。",
                state=plan.state,
            )
    db.flush()
    return plan


def discard(db: Database, plan_id: str) -> Plan:
    """Put a plan aside that is not to be published; it stays on record.

    Raises:
        NotFound: there is no such plan.
        Conflict: it is not ready.
    """
    plan = db.get(Plan, plan_id, with_for_update=True, populate_existing=True)
    if plan is None:
        raise NotFound("plan", plan_id)
    if plan.state != PlanState.READY:
        raise Conflict(
            f"Only a ready plan can be discarded; this one is {plan.state}.",
            f"破棄できるのは計算が完了した派遣計画だけです(状態: {plan.state.ja})。",
            state=plan.state,
        )
    plan.state = PlanState.DISCARDED
    db.flush()
    return plan


def judged(plan: Plan) -> Verdict:
    """Judge a stored plan by its stored problem, from their bytes alone.

    Raises:
        Conflict: there is none yet, or the stored problem is not the one it was made for.
    """
    if plan.problem is None or plan.plan is None:
        raise Conflict(
            f"There is no plan yet: the run is {plan.state}.",
            f"派遣計画はまだありません(状態: {plan.state.ja})。",
            state=plan.state,
        )
    problem = gzip.decompress(plan.problem)
    if hashlib.sha256(problem).hexdigest() != plan.problem_sha256:
        raise Conflict(
            "The stored problem is not the one that was solved. Start a new run.",
            "保存された問題データが計算時のものと一致しません。計画を作り直してください。",
            code="plan_damaged",
        )
    return judge(problem, gzip.decompress(plan.plan), sha256=plan.problem_sha256)


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
        with Pulse(attempt, stopping or threading.Event(), on_progress) as pulse:
            attempt.carry_out(pulse)
    except LeaseLostError:
        logger.warning("run %s was taken over by another worker", plan_id)
        return False
    except Exception as error:
        logger.exception("run %s failed", plan_id)
        attempt.fail(_reason(error))
    return True


def reap(db: Database, now: dt.datetime) -> tuple[str, ...]:
    """Take runs from workers that fell silent; the ids of those that may be tried once more."""
    silent = (Plan.state == PlanState.SOLVING) & (Plan.lease_until < now)
    db.execute(
        update(Plan)
        .where(silent, Plan.crashes + 1 >= MAX_CRASHES)
        .values(
            state=PlanState.FAILED,
            crashes=Plan.crashes + 1,
            finished_at=now,
            lease_until=None,
            error="The worker stopped answering twice. See its log, then start a new run.",
        )
        .execution_options(synchronize_session=False)
    )
    given_up = db.execute(
        update(Plan)
        .where(silent)
        .values(**_without_worker(), crashes=Plan.crashes + 1)
        .returning(Plan.id, Plan.state)
        .execution_options(synchronize_session=False)
    )
    return tuple(row.id for row in given_up if row.state == PlanState.QUEUED)


def _without_worker() -> dict[str, Any]:
    """What a run becomes that has lost its worker, by columns of `Plan`.

    It waits for another one, or is over where somebody has asked it to stop.
    """
    asked_to_stop = Plan.cancel_requested_at.is_not(None)
    return {
        "state": case((asked_to_stop, PlanState.CANCELLED.value), else_=PlanState.QUEUED.value),
        "finished_at": Plan.cancel_requested_at,
        "lease_until": None,
    }


def queued_runs(db: Database) -> Sequence[Plan]:
    """The runs that wait for a worker, the oldest first."""
    return db.scalars(
        select(Plan).where(Plan.state == PlanState.QUEUED).order_by(Plan.created_at, Plan.id)
    ).all()


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


class LeaseLostError(Exception):
    """The run is no longer this attempt's."""


class RunFailedError(Exception):
    """The run has an end, but no plan; the text says why."""


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
                    progress=(),
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
            file = ProblemFile.from_problem(records.problem(records.in_scope()))
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
        if pulse.stopping.is_set():
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
            verdict = judge(file.json, each.plan.to_json(), sha256=file.sha256)
            if not verdict.holds:
                raise RunFailedError("; ".join(map(str, verdict.broken)))
            if each.plan.status == "infeasible_pins":
                raise RunFailedError("; ".join(each.plan.conflicts))
        now = self.clock()
        *others, own = (
            result_of(file, each.plan, each.promises)
            | {"state": PlanState.READY, "stage": "done", "finished_at": now}
            for each in solutions
        )
        self.write(others, **own, progress=progress, lease_until=None)

    def hand_back(self) -> None:
        """Leave the run to the next worker."""
        self.write(**_without_worker())

    def fail(self, reason: str) -> None:
        """End the run without a plan; no matter where the lease is lost."""
        try:
            self.write(
                state=PlanState.FAILED, error=reason, finished_at=self.clock(), lease_until=None
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
    """

    def __init__(
        self,
        attempt: Attempt,
        stopping: threading.Event,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.stopping = stopping
        self.records: tuple[ProgressRecord, ...] = ()
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


def _reason(error: Exception) -> str:
    """What the run's page says of an error; the log has the rest."""
    if isinstance(error, RunFailedError | NoPlanFound | MatcherError | ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"
