"""/v1/programmes: the year's rules."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from api.context import database, now
from api.openapi import noun
from api.records import one, page_of, visible
from api.revisions import require_match
from api.schema import Body, Page, PageQuery, PathParameters, View
from matcher.fields import Identifier
from matcher.intake.revision import ProgrammeChanges, revise_programme
from matcher.models import Programme
from matcher.programme import ProgrammeRules

blueprint = noun("programmes", "The year's rules: periods, limits, closures, weights (事業)")


class ProgrammePath(PathParameters):
    """Which programme."""

    programme_id: Identifier


class ProgrammeChangesBody(Body, ProgrammeChanges):
    """What is to be different, and why; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "application_period": {"last_day": "2025-12-12"},
                "reason": "申込多数のため締切を早める",
            }
        }
    )


class ProgrammeView(View):
    """One year's service, whole."""

    id: str
    rules: ProgrammeRules
    revision_reason: str | None = Field(description="why they last changed; null: never")


class ProgrammePage(Page):
    """Programmes by id."""

    items: tuple[ProgrammeView, ...]


@blueprint.get("", responses={200: ProgrammePage})
def list(query: PageQuery) -> ProgrammePage:
    """List the programmes."""
    return ProgrammePage.of(page_of(visible(Programme), [Programme.id], query))


@blueprint.get("/<programme_id>", responses={200: ProgrammeView})
def get(path: ProgrammePath) -> ProgrammeView:
    """Get the rules of one programme."""
    return ProgrammeView.of(one(Programme, path.programme_id))


@blueprint.patch("/<programme_id>", responses={200: ProgrammeView})
def edit(path: ProgrammePath, body: ProgrammeChangesBody) -> ProgrammeView:
    """Move the application period or the end of the programme, or close further days.

    If-Match holds the ETag with which it was read. Applications that are in stay in; open
    interviews fall due anew; what is published stays.
    """
    programme = one(Programme, path.programme_id, for_change=True)
    require_match(ProgrammeView.of(programme))
    return ProgrammeView.of(revise_programme(database(), programme, body, now()))
