"""/v1/programmes: the year's rules."""

from __future__ import annotations

from api.openapi import noun
from api.records import one, page_of, visible
from api.schema import Page, PageQuery, PathParameters, View
from matcher.fields import Identifier
from matcher.models import Programme
from matcher.programme import ProgrammeRules

blueprint = noun("programmes", "The year's rules: periods, limits, closures, weights (事業)")


class ProgrammePath(PathParameters):
    """Which programme."""

    programme_id: Identifier


class ProgrammeView(View):
    """One year's service, whole."""

    id: str
    rules: ProgrammeRules


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
