"""/v1/releases: what was published when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Field, computed_field
from pydantic.json_schema import SkipJsonSchema

from api.context import database, now, principal
from api.openapi import noun
from api.records import known_programme, page_of, visible
from api.schema import (
    Body,
    Created,
    Page,
    PageQuery,
    PathParameters,
    Query,
    TokyoTime,
    View,
    absent,
    created,
)
from matcher.errors import NotFound
from matcher.fields import Identifier
from matcher.models import Release
from matcher.planning.comparing.comparison import compare_releases
from matcher.planning.publishing.restoration import RestorationDraft
from matcher.planning.publishing.restoration import restore as restore_release
from matcher.planning.publishing.snapshots import count_changes
from matcher.programme import Words
from matcher.report.changes_document import ChangesDocument, changes_document

blueprint = noun("releases", "Published plans, numbered in their programme (確定版)")


class ReleasePath(PathParameters):
    """Which release."""

    number: Annotated[int, Field(ge=1, le=2**31 - 1)]


class ReleaseQuery(Query):
    """Of which programme."""

    programme: Identifier | SkipJsonSchema[None] = absent("left out: the one published last")


class ReleasesQuery(PageQuery):
    """Which releases."""

    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")


class ChangeCountView(View):
    """How many sessions are other ones than in the release before."""

    added: int
    moved: int = Field(description="with another expert, or at another time")
    dropped: int


class ReleaseFacts(View):
    """A published plan, by itself."""

    programme_id: str
    number: int
    plan_id: str | None
    published_at: TokyoTime
    published_by: str
    note: str

    @computed_field(description="where its plan is found; null: it came about without a run")
    def plan_url(self) -> str | None:
        """The address of its plan."""
        return None if self.plan_id is None else f"/v1/plans/{self.plan_id}"


class ReleaseView(ReleaseFacts):
    """A published plan."""

    changes: ChangeCountView | None = Field(
        description="since the release before; null: one of the two kept no sessions"
    )


class ReleasePage(Page):
    """Releases, the newest first."""

    items: tuple[ReleaseView, ...]


class RestorationBody(Body, RestorationDraft):
    """Why sessions of then are to come back, and how far."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "note": "第12版を誤って確定したため、第11版に戻します。",
                "part": "possible",
            }
        }
    )


class KeptSessionView(View):
    """A session that is not as it was then, and stays as it stands."""

    engagement_id: str
    number: int
    reason: Words


class ObstacleView(View):
    """An engagement whose sessions of then cannot come back, and why."""

    engagement_id: str
    reason: Words


class RestorationView(ReleaseView):
    """The new release, and what is not as it was then."""

    kept: tuple[KeptSessionView, ...]
    not_restored: tuple[ObstacleView, ...]


def address_of(release: Release) -> str:
    """Where a release is found."""
    return f"/v1/releases/{release.number}?programme={release.programme_id}"


def shown(release: Release) -> ReleaseView:
    """A release as answers show it."""
    (view,) = _shown([release])
    return view


@blueprint.get("", responses={200: ReleasePage})
def list(query: ReleasesQuery) -> ReleasePage:
    """List the releases, the newest first."""
    wanted = visible(Release)
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(Release.programme_id == query.programme)
    order = [Release.published_at, Release.programme_id, Release.number]
    page = page_of(wanted, order, query, newest_first=True)
    return ReleasePage(items=_shown(page.items), next=page.next)


@blueprint.get("/<number>", responses={200: ReleaseView})
def get(path: ReleasePath, query: ReleaseQuery) -> ReleaseView:
    """Get one release by its number."""
    return shown(_release(path, query))


@blueprint.post("/<number>/restoration", responses={201: RestorationView})
def restore(
    path: ReleasePath, query: ReleaseQuery, body: RestorationBody
) -> Created[RestorationView]:
    """Bring back the sessions of an earlier release, as a new release.

    What was held or missed since, is over, close at hand, pinned or on hold stays as it stands
    (`kept`). Sessions that came since go. Where some of then cannot come back, because their
    engagement has ended or a rule forbids them by now, nothing is changed, and the 409 names them
    with the reasons (`not_restored`); the part `possible` restores the others.
    """
    release = _release(path, query)
    by, at = principal().name, now()
    done = restore_release(database(), release.programme_id, release.number, body, by, at)
    view = RestorationView(
        **dict(shown(done.release)),
        kept=tuple(map(KeptSessionView.of, done.kept)),
        not_restored=tuple(map(ObstacleView.of, done.not_restored)),
    )
    return created(view, address_of(done.release))


def _shown(releases: Sequence[Release]) -> tuple[ReleaseView, ...]:
    counts = count_changes(database(), releases)
    return tuple(
        ReleaseView(
            **dict(ReleaseFacts.of(each)),
            changes=None if count is None else ChangeCountView.of(count),
        )
        for each, count in zip(releases, counts.values(), strict=True)
    )


def _release(path: ReleasePath, query: ReleaseQuery) -> Release:
    wanted = visible(Release).where(Release.number == path.number)
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(Release.programme_id == query.programme)
    release = database().scalars(wanted.order_by(Release.published_at.desc())).first()
    if release is None:
        raise NotFound("release", str(path.number))
    return release


class ReleaseChangesQuery(ReleaseQuery):
    """Of which programme, and compared with which release."""

    against: Annotated[int, Field(ge=1, le=2**31 - 1)] | SkipJsonSchema[None] = absent(
        "the number of another release; left out: the one before"
    )


@blueprint.get("/<number>/changes", responses={200: ChangesDocument, 409: None})
def changes(path: ReleasePath, query: ReleaseChangesQuery) -> ChangesDocument:
    """Show what a release changed of another, by default of the one before it.

    What the release's own plan changed has its reason; what was done by hand has none.
    """
    found = compare_releases(database(), query.programme, path.number, query.against)
    return changes_document(found)
