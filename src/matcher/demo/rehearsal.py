"""The steps of the demo, each a use case or two of the service, in the order of the year.

The whole year is planned at once, on the day before its first sessions, as if every application
had been in by then; only the last two to be accepted are kept back: one for an assignment on
request, one for the next run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload, sessionmaker

from matcher.audit import Actor
from matcher.calendars.export import CalendarExport, write_files
from matcher.calendars.subscriptions import create_feed
from matcher.clock import to_tokyo, utc_now
from matcher.database import create_database_engine, migrate, session_factory
from matcher.demo.folder import DemoFolder
from matcher.errors import Conflict
from matcher.models import (
    Engagement,
    FeedLanguage,
    FeedOwner,
    Outcome,
    Plan,
    PlanState,
    Release,
)
from matcher.planning.publishing.releases import publish
from matcher.planning.running.attempt import execute_run
from matcher.planning.running.runs import RunParameters, judged, start_run
from matcher.report.figures import IntakeFigures, PlanFigures, read_intake, read_plan
from matcher.report.picture import draw_plan
from matcher.sample import PROGRAMME_ID, load_sample, read_sample
from matcher.settings import Settings
from solver import Progress
from solver.validation import Verdict

PLAYED_DAY = dt.date(2025, 7, 14)
"""The day of the demo: the eve of the implementation period."""

PLANNER = "demo"

KEPT_BACK = 2
"""How many applications are accepted only after the plan is published."""

ACTOR = Actor("command line", "matcher demo")

CALENDARS = "calendars"

DATABASE = ("matcher.sqlite", "matcher.sqlite-wal", "matcher.sqlite-shm")


@dataclass(frozen=True)
class Rehearsal:
    """The demo's folder, database and clock."""

    folder: DemoFolder
    settings: Settings
    sessions: sessionmaker[Database]

    @classmethod
    def prepare(cls, path: Path) -> Self:
        """Clear the folder and make the database.

        Raises:
            Conflict: a file of somebody else's is in the way.
        """
        folder = DemoFolder(path)
        folder.clear()
        settings = Settings(
            data_directory=path,
            database_url=f"sqlite:///{folder.claim(*DATABASE)}",
            clock_shift_days=(PLAYED_DAY - to_tokyo(utc_now()).date()).days,
        )
        migrate(settings.database_url)
        engine = create_database_engine(settings.database_url)
        return cls(folder, settings, session_factory(engine, actor=ACTOR, clock=settings.now))

    def take_in(self) -> IntakeFigures:
        """Load the sample, and take its applications to their decisions, all but the last two."""
        with self.sessions.begin() as db:
            load_sample(db, _acceptances()[-KEPT_BACK] - dt.timedelta(seconds=1))
            return read_intake(db, PROGRAMME_ID)

    def plan(self, parameters: RunParameters, on_progress: Callable[[Progress], None]) -> str:
        """Run the solver; the id of its plan.

        Raises:
            Conflict: the run failed; says why.
        """
        with self.sessions.begin() as db:
            run = start_run(db, PROGRAMME_ID, parameters, PLANNER, self.settings.now())
        execute_run(self.sessions, run.id, clock=self.settings.now, on_progress=on_progress)
        with self.sessions() as db:
            plan = db.get_one(Plan, run.id)
            if plan.state != PlanState.READY:
                raise Conflict(
                    f"The run has made no plan: {plan.error or plan.state}.",
                    f"派遣計画を作成できませんでした({plan.error_ja or plan.state.ja})。",
                )
        return run.id

    def judge(self, plan_id: str) -> Verdict:
        """Have the plan checked once more, from the bytes that are kept of it."""
        with self.sessions() as db:
            return judged(db.get_one(Plan, plan_id))

    def publish(self, plan_id: str) -> Release:
        """Publish the plan, and only then accept the last applications."""
        with self.sessions.begin() as db:
            release = publish(db, plan_id, "年間計画", PLANNER, self.settings.now())
        with self.sessions.begin() as db:
            load_sample(db)
        return release

    def accepted_since(self, figures: PlanFigures) -> tuple[Engagement, ...]:
        """The engagements that the plan does not know yet; they wait for an expert."""
        known = [each.id for each in figures.problem.engagements]
        with self.sessions() as db:
            return tuple(
                db.scalars(
                    select(Engagement)
                    .where(Engagement.id.not_in(known))
                    .order_by(Engagement.id)
                    .options(joinedload(Engagement.organization))
                )
            )

    def figures(self, plan_id: str) -> PlanFigures:
        """Read what a planner wants to see."""
        with self.sessions() as db:
            return read_plan(db, db.get_one(Plan, plan_id))

    def write_files(self, plan_id: str, figures: PlanFigures) -> None:
        """Write the problem, the plan and its picture."""
        with self.sessions() as db:
            problem = db.get_one(Plan, plan_id).problem
        assert problem is not None  # noqa: S101  the figures were read from it
        self.folder.claim("problem.json.gz").write_bytes(problem)
        # In the database a plan names its problem by the JSON; beside a file, by the file.
        digest = hashlib.sha256(problem).hexdigest()
        plan = figures.plan.model_copy(update={"problem_sha256": digest})
        plan.write(self.folder.claim("plan.json"))
        self.folder.claim("plan.svg").write_bytes(draw_plan(figures))

    def write_calendars(self) -> tuple[Path, ...]:
        """Write a calendar for each expert and organization with sessions, and one of them all."""
        with TemporaryDirectory(dir=self.folder.path) as drafts, self.sessions() as db:
            calendars = CalendarExport(db, self.settings.now()).programme(PROGRAMME_ID)
            return tuple(
                each.rename(self.folder.claim(f"{CALENDARS}/{each.name}"))
                for each in write_files(calendars, Path(drafts))
            )

    def write_environment(self) -> Path:
        """Write what a shell needs to know to run the service on the demo's data, on its day."""
        path = self.folder.claim("environment")
        path.write_text(
            f"export MATCHER_DATA_DIRECTORY={shlex.quote(str(self.folder.path.resolve()))}\n"
            f"export MATCHER_CLOCK_SHIFT_DAYS={self.settings.clock_shift_days}\n",
            encoding="utf-8",
        )
        return path

    def make_feed(self, expert_id: str) -> str:
        """Subscribe an expert to their calendar; its address, which is told only this once."""
        with self.sessions.begin() as db:
            _, token = create_feed(
                db, FeedOwner.EXPERT, expert_id, FeedLanguage.BOTH, self.settings.now()
            )
        return f"{self.settings.public_url}/calendars/{token}.ics"


def _acceptances() -> list[dt.datetime]:
    return sorted(
        each.decision.decided_at
        for each in read_sample().applications
        if each.decision.outcome == Outcome.ACCEPTED
    )
