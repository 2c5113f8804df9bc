"""/v1/plans: runs of the solver, followed, stopped, published."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated

from pydantic import ConfigDict, Field, computed_field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import defer

from api.context import afterwards, database, now, principal, services
from api.openapi import noun
from api.records import one, page_of, visible
from api.releases import ReleaseView, address_of
from api.schema import (
    Body,
    Created,
    NoFields,
    OptionalBody,
    Page,
    PageQuery,
    PathParameters,
    TokyoTime,
    View,
    absent,
    created,
)
from matcher.fields import Identifier, Paragraphs, TimeLimit
from matcher.models import Plan, PlanState
from matcher.planning.releases import publish as publish_plan
from matcher.planning.runs import RunParameters, Seed, Workers, cancel_run, start_run

blueprint = noun("plans", "Runs of the solver and the plans they make (派遣計画)")


class PlanPath(PathParameters):
    """Which plan."""

    plan_id: Identifier


class PlanQuery(PageQuery):
    """Which plans."""

    state: PlanState | SkipJsonSchema[None] = absent("only those in one state")
    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")


class PlanBody(Body):
    """What to plan, and how long to try."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"programme_id": "tokyo-2025", "time_limit_seconds": 10}}
    )

    programme_id: Identifier
    only: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="the engagements to plan, everything else fixed; null: all"
    )
    time_limit_seconds: TimeLimit | None = Field(
        default=None, description="null: as the service is set"
    )
    workers: Workers = Field(default=1, description="cores to use")
    seed: Seed = 0

    def parameters(self, default_seconds: float) -> RunParameters:
        """What the run is started with."""
        seconds = default_seconds if self.time_limit_seconds is None else self.time_limit_seconds
        return RunParameters(
            only=self.only, time_limit_seconds=seconds, workers=self.workers, seed=self.seed
        )


class PublicationBody(OptionalBody):
    """What to say of the release."""

    model_config = ConfigDict(json_schema_extra={"example": {"note": "7月分の派遣計画"}})

    note: Paragraphs = ""


class ProgressView(View):
    """Where a run stood."""

    stage: str
    seconds: float
    cost: int
    bound: int
    gap: float
    served: int


class PlanSummary(View):
    """A run and the figures of its plan."""

    id: str
    programme_id: str
    state: PlanState
    stage: str | None
    only: tuple[str, ...] | None = Field(validation_alias="scope")
    time_limit_seconds: float
    workers: int
    seed: int
    created_at: TokyoTime
    created_by: str
    started_at: TokyoTime | None
    finished_at: TokyoTime | None
    cost: int | None
    bound: int | None = Field(description="no plan costs less")
    gap: float | None = Field(description="(cost - bound) / cost: how far it can be from the best")
    served: int | None
    status: str | None
    error: str | None

    @computed_field
    def elapsed_seconds(self) -> float | None:
        """From its start to its end, or to now."""
        if self.started_at is None:
            return None
        return round(((self.finished_at or now()) - self.started_at).total_seconds(), 1)


class PlanView(PlanSummary):
    """A run, the figures of its plan, and how they came about."""

    progress: tuple[ProgressView, ...]


class PlanPage(Page):
    """Plans, the newest first."""

    items: tuple[PlanSummary, ...]


@blueprint.get("", responses={200: PlanPage})
def list(query: PlanQuery) -> PlanPage:
    """List the plans, the newest first."""
    wanted = visible(Plan).options(defer(Plan.progress))
    if query.state:
        wanted = wanted.where(Plan.state == query.state)
    if query.programme:
        wanted = wanted.where(Plan.programme_id == query.programme)
    return PlanPage.of(page_of(wanted, [Plan.created_at, Plan.id], query, newest_first=True))


@blueprint.get("/<plan_id>", responses={200: PlanView})
def get(path: PlanPath) -> PlanView:
    """Get a plan: its state, and the figures of its run so far."""
    return PlanView.of(one(Plan, path.plan_id))


@blueprint.post("", responses={202: PlanView})
def start(body: PlanBody) -> Created[PlanView]:
    """Start a run of the solver in the background; Location is where to follow it."""
    parameters = body.parameters(services().settings.default_time_limit_seconds)
    plan = start_run(database(), body.programme_id, parameters, principal().name, now())
    afterwards(partial(services().jobs.enqueue, plan.id))
    return PlanView.of(plan), HTTPStatus.ACCEPTED, {"Location": f"/v1/plans/{plan.id}"}


@blueprint.post("/<plan_id>/cancellation", responses={200: PlanView})
def cancel(path: PlanPath, body: NoFields) -> PlanView:  # noqa: ARG001  it must be empty
    """Stop a run: at once where it waits, else within seconds, with the best plan so far."""
    return PlanView.of(cancel_run(database(), path.plan_id, now()))


@blueprint.post("/<plan_id>/publication", responses={201: ReleaseView})
def publish(path: PlanPath, body: PublicationBody) -> Created[ReleaseView]:
    """Make a ready plan the programme's next release, all of it or nothing."""
    release = publish_plan(database(), path.plan_id, body.note, principal().name, now())
    return created(ReleaseView.of(release), address_of(release))
