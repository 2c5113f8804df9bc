"""Plans: proposals of the solver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base
from matcher.models.columns import Structured
from matcher.models.identifiers import new_identifier
from matcher.programme import Specialty
from solver.problem import Weights

FROZEN_DAYS: Final = 3
"""For so many days after today a run leaves what is published as it is, unless told otherwise."""


class PromisePolicy(StrEnum):
    """What a run makes of sessions that are published and that it may change."""

    KEEP = "keep"
    """The best service; of the plans that reach it, one that breaks the fewest promises."""
    WEIGH = "weigh"
    """The least cost: a change counts what the weights say."""
    PRICE = "price"
    """A plan for each number of broken promises, with the best service for so many."""


MOST_POINTS: Final = 11
"""So many plans does the price of stability come to at the most, unless told otherwise."""


class PlanTerms(BaseModel):
    """What a run may plan and change; everything else stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    only: tuple[str, ...] | None = None
    """The engagements to plan, by id; None: all."""
    specialties: tuple[Specialty, ...] | None = None
    """Of those, the ones whose organization needs one of these; None: all."""
    frozen_days: Annotated[int, Field(ge=0, le=366)] = FROZEN_DAYS
    """Published sessions of so many days after today stand, if they can still take place."""
    until: dt.date | None = None
    """The last day on which a session is placed or changed; None: that of the programme."""
    weights: Weights | None = None
    """What each part of the cost counts; None: as the programme has it."""
    promises: PromisePolicy = PromisePolicy.KEEP
    points: Annotated[int, Field(ge=2, le=101)] = MOST_POINTS
    """Where promises are priced: how many plans at the most."""


class PlanState(StrEnum):
    """What has become of a plan."""

    QUEUED = "queued"
    SOLVING = "solving"
    READY = "ready"
    PUBLISHED = "published"
    DISCARDED = "discarded"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ja(self) -> str:
        """What people read in Japanese."""
        return _STATES_JA[self]


_STATES_JA: Mapping[PlanState, str] = MappingProxyType(
    {
        PlanState.QUEUED: "計算待ち",
        PlanState.SOLVING: "計算中",
        PlanState.READY: "計算完了",
        PlanState.PUBLISHED: "確定済み",
        PlanState.DISCARDED: "破棄済み",
        PlanState.CANCELLED: "中止",
        PlanState.FAILED: "失敗",
    }
)


class PromiseRecord(BaseModel):
    """How many promises a plan breaks, and what was proven of it: no plan does better than `least`.

    A promise is broken by each published session that moves or is dropped, and by each engagement
    that gets another expert; `solver.promises` says it exactly.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_broken: int
    """The plan is the best known of those that break so many at the most."""
    broken: int
    least_broken: int
    """What every plan breaks that serves as well."""
    people: int
    """Organizations and experts who had been told something else."""
    least_people: int
    """How many of them every plan disturbs that serves as well."""
    lacking: int
    """What the plan lacks of service, by the weights; 0: everybody is served whole."""
    least_lacking: int
    """What every plan lacks that breaks `most_broken` promises at the most."""


class ProgressRecord(NamedTuple):
    """Where a run stood: its stage, seconds since its start, and the figures so far."""

    stage: str
    seconds: float
    cost: int
    bound: int
    gap: float
    served: int


class Plan(Base):
    """A proposal of the solver (派遣計画), with the problem it answers; a draft until published.

    It is also the truth about the run that makes it: a message in the queue is only its id.
    """

    __tablename__ = "plans"
    __table_args__ = (CheckConstraint("attempt >= 0", name="attempt_not_negative"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("P"))
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), index=True)
    state: Mapped[PlanState] = mapped_column(default=PlanState.QUEUED, index=True)
    terms: Mapped[PlanTerms] = mapped_column(Structured(PlanTerms), default=PlanTerms)
    time_limit_seconds: Mapped[float]
    work_limit: Mapped[int | None]
    """Search steps of each worker; with one worker the same run then makes the same plan again."""
    workers: Mapped[int]
    seed: Mapped[int]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]

    attempt: Mapped[int] = mapped_column(default=0)
    """How often a worker took it up; each write of a run carries its attempt."""
    crashes: Mapped[int] = mapped_column(default=0)
    """How often its worker fell silent; handing it back is no crash."""
    lease_until: Mapped[dt.datetime | None]
    started_at: Mapped[dt.datetime | None]
    cancel_requested_at: Mapped[dt.datetime | None]
    """When somebody asked the run to stop; it does within a second, and keeps what it has."""
    finished_at: Mapped[dt.datetime | None]
    error: Mapped[str | None]
    """Why it has come to no plan, in English."""
    error_ja: Mapped[str | None]
    restores: Mapped[int | None]
    """The number of the release whose sessions it brings back; None: its sessions are its own."""
    stage: Mapped[str | None]
    progress: Mapped[tuple[ProgressRecord, ...]] = mapped_column(
        Structured(tuple[ProgressRecord, ...]), default=()
    )

    problem: Mapped[bytes | None] = mapped_column(deferred=True)
    """The problem/1 it answers, gzipped."""
    problem_sha256: Mapped[str | None]
    """The digest of the problem's JSON, unpacked: `ProblemFile.from_problem(...).sha256`."""
    plan: Mapped[bytes | None] = mapped_column(deferred=True)
    """The plan/1, gzipped."""
    status: Mapped[str | None]
    """That of plan/1: optimal, feasible, infeasible_pins."""
    cost: Mapped[int | None] = mapped_column(BigInteger)
    bound: Mapped[int | None] = mapped_column(BigInteger)
    gap: Mapped[float | None]
    served: Mapped[int | None]
    solver_version: Mapped[str | None]
    promises: Mapped[PromiseRecord | None] = mapped_column(Structured(PromiseRecord))
    """None: nothing was published that it could change, or its run did not ask."""
    run_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id"), index=True)
    """The run that made it beside its own plan, where promises are priced; None: its own."""
    ground: Mapped[dict[str, str]] = mapped_column(
        Structured(dict[str, str]), default=dict, deferred=True
    )
    """What the problem was built from: a digest by record."""
