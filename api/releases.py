"""/v1/releases: what was published when."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from api.context import database
from api.openapi import noun
from api.records import page_of, visible
from api.schema import Page, PageQuery, PathParameters, Query, TokyoTime, View, absent
from matcher.errors import NotFound
from matcher.fields import Identifier
from matcher.models import Release
from matcher.planning.comparison import compare_releases
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


class ReleaseView(View):
    """A published plan."""

    programme_id: str
    number: int
    plan_id: str | None
    published_at: TokyoTime
    published_by: str
    note: str


class ReleasePage(Page):
    """Releases, the newest first."""

    items: tuple[ReleaseView, ...]


def address_of(release: Release) -> str:
    """Where a release is found."""
    return f"/v1/releases/{release.number}?programme={release.programme_id}"


@blueprint.get("", responses={200: ReleasePage})
def list(query: ReleasesQuery) -> ReleasePage:
    """List the releases, the newest first."""
    wanted = visible(Release)
    if query.programme:
        wanted = wanted.where(Release.programme_id == query.programme)
    order = [Release.published_at, Release.programme_id, Release.number]
    return ReleasePage.of(page_of(wanted, order, query, newest_first=True))


@blueprint.get("/<number>", responses={200: ReleaseView})
def get(path: ReleasePath, query: ReleaseQuery) -> ReleaseView:
    """Get one release by its number."""
    wanted = visible(Release).where(Release.number == path.number)
    if query.programme:
        wanted = wanted.where(Release.programme_id == query.programme)
    release = database().scalars(wanted.order_by(Release.published_at.desc())).first()
    if release is None:
        raise NotFound("release", str(path.number))
    return ReleaseView.of(release)


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
