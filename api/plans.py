"""/v1/plans: runs of the solver, followed, stopped, published."""

from __future__ import annotations

from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Annotated

from pydantic import ConfigDict, Field, computed_field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import defer

from api.context import afterwards, database, now, principal, services
from api.openapi import noun
from api.records import known_programme, one, page_of, visible
from api.releases import ReleaseView, address_of, shown
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
from matcher.errors import Invalid, PlanOutdated
from matcher.fields import Identifier, Paragraphs, TimeLimit
from matcher.models import FROZEN_DAYS, MOST_POINTS, Plan, PlanState, PlanTerms, PromisePolicy
from matcher.planning.comparing.comparison import compare_plan
from matcher.planning.publishing.releases import (
    PublicationPart,
    Untouched,
    find_untouched,
    publish_untouched,
)
from matcher.planning.publishing.releases import publish as publish_plan
from matcher.planning.running.runs import (
    RunParameters,
    Seed,
    Workers,
    WorkLimit,
    cancel_run,
    start_run,
)
from matcher.planning.running.runs import discard as discard_plan
from matcher.planning.running.turns import runs_ahead
from matcher.programme import Specialty
from matcher.report.changes_document import ChangesDocument, changes_document
from solver.problem import Weights

blueprint = noun("plans", "Runs of the solver and the plans they make (派遣計画)")


class PlanPath(PathParameters):
    """Which plan."""

    plan_id: Identifier


class PlanQuery(PageQuery):
    """Which plans."""

    state: PlanState | SkipJsonSchema[None] = absent("only those in one state")
    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")
    run: Identifier | SkipJsonSchema[None] = absent("only the plans that one run has made")


class PlanBody(Body):
    """What to plan, and how long to try."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"programme_id": "tokyo-2025", "time_limit_seconds": 10}}
    )

    programme_id: Identifier
    only: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=10_000)] | None = Field(
        default=None, description="the engagements to plan, everything else fixed; null: all"
    )
    specialties: Annotated[tuple[Specialty, ...], Field(min_length=1)] | None = Field(
        default=None, description="of those, the ones that need one of these; null: all"
    )
    frozen_days: Annotated[int, Field(ge=0, le=366)] = Field(
        default=FROZEN_DAYS,
        description="published sessions of so many days after today stay, if they can take place",
    )
    until: date | None = Field(
        default=None, description="the last day on which a session is placed or changed"
    )
    weights: Weights | None = Field(
        default=None, description="what each part of the cost counts; null: as the programme has it"
    )
    promises: PromisePolicy = Field(
        default=PromisePolicy.KEEP,
        description="keep: the best service, and of the plans that reach it one that breaks the "
        "fewest promises; weigh: the least cost, a change counts what the weights say; price: a "
        "plan for each number of broken promises, each with the best service for so many",
    )
    points: Annotated[int, Field(ge=2, le=101)] = Field(
        default=MOST_POINTS, description="with price: how many plans at the most"
    )
    time_limit_seconds: TimeLimit | None = Field(
        default=None, description="null: as the service is set"
    )
    workers: Workers = Field(default=1, description="cores to use")
    seed: Seed = 0
    work_limit: WorkLimit | None = Field(
        default=None, description="search steps at the most; with one worker a run can be replayed"
    )

    def parameters(self, default_seconds: float) -> RunParameters:
        """What the run is started with.

        Raises:
            Invalid: a number of plans is given to a run that makes one.
        """
        if "points" in self.model_fields_set and self.promises is not PromisePolicy.PRICE:
            raise Invalid(
                "points",
                f"a run with promises={self.promises} makes one plan",
                "leave it out, or ask for promises=price",
                reason_ja=f"promises={self.promises}の計画作成では、計画は1つだけ作られます",
                remedy_ja="pointsを省略するか、promises=priceを指定してください",
            )
        seconds = default_seconds if self.time_limit_seconds is None else self.time_limit_seconds
        return RunParameters(
            terms=PlanTerms(
                only=self.only,
                specialties=self.specialties,
                frozen_days=self.frozen_days,
                until=self.until,
                weights=self.weights,
                promises=self.promises,
                points=self.points,
            ),
            time_limit_seconds=seconds,
            workers=self.workers,
            seed=self.seed,
            work_limit=self.work_limit,
        )


class PublicationBody(OptionalBody):
    """What to say of the release, and how much of the plan it is to be."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"note": "7月分の派遣計画", "part": "untouched"}}
    )

    note: Paragraphs = ""
    part: PublicationPart = Field(
        default=PublicationPart.ALL,
        description="untouched: of a plan whose ground has moved, the engagements that the 409 "
        "lists as `untouched`, everything else as it is",
    )


class ProgressView(View):
    """Where a run stood."""

    stage: str
    seconds: float
    cost: int
    bound: int
    gap: float
    served: int


class PromisesView(View):
    """How many promises a plan breaks: sessions moved or dropped, and experts changed."""

    most_broken: int = Field(description="the plan is the best of those that break so many")
    broken: int
    least_broken: int = Field(description="what every plan breaks that serves as well")
    people: int = Field(description="organizations and experts who had been told something else")
    least_people: int = Field(description="how many every plan disturbs that serves as well")
    lacking: int = Field(description="what is missing of full service, by the weights")
    least_lacking: int = Field(description="what every plan lacks that breaks no more promises")


class PlanSummary(View):
    """A run and the figures of its plan."""

    id: str
    programme_id: str
    state: PlanState
    stage: str | None
    terms: PlanTerms = Field(description="what it may plan and change; everything else stands")
    time_limit_seconds: float
    workers: int
    seed: int
    work_limit: int | None
    created_at: TokyoTime
    created_by: str
    started_at: TokyoTime | None
    finished_at: TokyoTime | None
    cancel_requested_at: TokyoTime | None = Field(
        description="when somebody asked it to stop; a ready plan is then the best until that"
    )
    cost: int | None
    bound: int | None = Field(description="no plan costs less")
    gap: float | None = Field(description="(cost - bound) / bound: how far it can be from the best")
    served: int | None
    promises: PromisesView | None = Field(
        description="null: nothing was published that it could change, or they were only weighed"
    )
    run_id: str | None = Field(
        description="the run that has made it beside its own, for fewer broken promises; null: "
        "its own"
    )
    status: str | None
    error: str | None = Field(description="why it has come to no plan; null: it has not failed")
    error_ja: str | None

    @computed_field
    def elapsed_seconds(self) -> float | None:
        """From its start to its end, or to now."""
        if self.started_at is None:
            return None
        return round(((self.finished_at or now()) - self.started_at).total_seconds(), 1)


class PlanView(PlanSummary):
    """A run, the figures of its plan, and how they came about."""

    waits_for: str | None = Field(
        default=None, description="the run that ends before this one begins; null: none"
    )
    runs_ahead: int = Field(default=0, description="how many runs end before this one begins")
    progress: tuple[ProgressView, ...]


class PlanPage(Page):
    """Plans, the newest first."""

    items: tuple[PlanSummary, ...]


def in_turn(plan: Plan) -> PlanView:
    """A plan as it is shown, with the runs that go before it."""
    ahead = runs_ahead(database(), plan)
    return PlanView.of(plan).model_copy(
        update={"waits_for": ahead[0] if ahead else None, "runs_ahead": len(ahead)}
    )


@blueprint.get("", responses={200: PlanPage})
def list(query: PlanQuery) -> PlanPage:
    """List the plans, the newest first."""
    wanted = visible(Plan).options(defer(Plan.progress))
    if query.state:
        wanted = wanted.where(Plan.state == query.state)
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(Plan.programme_id == query.programme)
    if query.run:
        wanted = wanted.where((Plan.id == query.run) | (Plan.run_id == query.run))
    return PlanPage.of(page_of(wanted, [Plan.created_at, Plan.id], query, newest_first=True))


@blueprint.get("/<plan_id>", responses={200: PlanView})
def get(path: PlanPath) -> PlanView:
    """Get a plan: its state, and the figures of its run so far."""
    return in_turn(one(Plan, path.plan_id))


@blueprint.post("/<plan_id>/discarding", responses={200: PlanView})
def discard(path: PlanPath, body: NoFields) -> PlanView:  # noqa: ARG001  it must be empty
    """Put a ready plan aside: it stays on record, and is not published."""
    return in_turn(discard_plan(database(), path.plan_id))


@blueprint.post("", responses={202: PlanView})
def start(body: PlanBody) -> Created[PlanView]:
    """Start a run of the solver in the background; Location is where to follow it."""
    parameters = body.parameters(services().settings.default_time_limit_seconds)
    plan = start_run(database(), body.programme_id, parameters, principal().name, now())
    afterwards(partial(services().jobs.enqueue, plan.id))
    return in_turn(plan), HTTPStatus.ACCEPTED, {"Location": f"/v1/plans/{plan.id}"}


@blueprint.post("/<plan_id>/cancellation", responses={200: PlanView})
def cancel(path: PlanPath, body: NoFields) -> PlanView:  # noqa: ARG001  it must be empty
    """Stop a run: at once where it waits, else within seconds, with the best plan so far."""
    plan = cancel_run(database(), path.plan_id, now())
    afterwards(services().jobs.announce_waiting)  # those that had to let this one go first
    return in_turn(plan)


@blueprint.post("/<plan_id>/publication", responses={201: ReleaseView})
def publish(path: PlanPath, body: PublicationBody) -> Created[ReleaseView]:
    """Make a ready plan the programme's next release, all of it or nothing.

    Where its ground has moved, the 409 names what `moved`, the engagements whose changes can be
    published still (`untouched`), and the others with the reasons (`touched`). The part
    `untouched` is published as a plan of its own, judged by the records as they are.
    """
    told = (path.plan_id, body.note, principal().name, now())
    if body.part is PublicationPart.UNTOUCHED:
        release = publish_untouched(database(), *told, found=_untouched(path.plan_id))
        return created(shown(release), address_of(release))
    try:
        release = publish_plan(database(), *told)
    except PlanOutdated as outdated:
        database().rollback()
        found = _untouched(path.plan_id)
        raise found.refusal if found else outdated from None
    return created(shown(release), address_of(release))


def _untouched(plan_id: str) -> Untouched | None:
    """Looked for beside the unit of work: it takes a while, and others may write meanwhile."""
    with services().reading() as db:
        return find_untouched(db, plan_id, now())


@blueprint.get("/<plan_id>/changes", responses={200: ChangesDocument, 409: None})
def changes(path: PlanPath) -> ChangesDocument:
    """Show what publishing a plan would change as things stand now, each change with its reason.

    Whom it disturbs, what it costs by part before and after, and what of the plan's ground has
    moved since. Every reason was found by the judge.
    """
    return changes_document(compare_plan(database(), path.plan_id, now()))
