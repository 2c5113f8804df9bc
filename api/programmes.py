"""/v1/programmes: the year's rules."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from api.context import database, now, principal
from api.openapi import noun
from api.records import one, page_of, visible
from api.revisions import require_match, tagged
from api.schema import Body, Page, PageQuery, PathParameters, View
from matcher.fields import Identifier
from matcher.intake.programmes import ProgrammeChanges, revise_programme
from matcher.models import Programme
from matcher.programme import ProgrammeRules

blueprint = noun("programmes", "The year's rules: periods, limits, closures, weights (事業)")


class ProgrammePath(PathParameters):
    """Which programme."""

    programme_id: Identifier


class ProgrammeChangesBody(Body, ProgrammeChanges):
    """Days and an office that are to be different, and why; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "application_period": {"last_day": "2025-12-19"},
                "closed_days": ["2025-11-04"],
                "office": {
                    "name": {"ja": "専門家派遣事務局", "en": "Expert Dispatch Office"},
                    "telephone": "03-0000-0000",
                    "email": "office@dispatch.example.jp",
                    "hours": {"ja": "平日 9時~17時", "en": "weekdays, 9:00-17:00"},
                },
                "reason": "申込多数のため、締切を繰り上げる",
            }
        }
    )


class ProgrammeView(View):
    """One year's service, whole."""

    id: str
    rules: ProgrammeRules


class RevisedProgrammeView(ProgrammeView):
    """One year's service as revised, and what follows."""

    interviews_moved: int = Field(description="open interviews that are due on another day now")
    engagements_ending_later: int = Field(
        description="engagements that may go on after the implementation period, as agreed"
    )
    sessions_to_replan: tuple[str, ...] = Field(
        description="ids of published sessions on days that are closed now: ask for assignments, "
        "or start a planning run"
    )


class ProgrammePage(Page):
    """Programmes by id."""

    items: tuple[ProgrammeView, ...]


@blueprint.get("", responses={200: ProgrammePage})
def list(query: PageQuery) -> ProgrammePage:
    """List the programmes."""
    page = ProgrammePage.of(page_of(visible(Programme), [Programme.id], query))
    return page.model_copy(update={"items": tuple(map(_for_reader, page.items))})


@blueprint.get("/<programme_id>", responses={200: ProgrammeView})
def get(path: ProgrammePath) -> ProgrammeView:
    """Get the rules of one programme."""
    return _for_reader(ProgrammeView.of(one(Programme, path.programme_id)))


def _for_reader(view: ProgrammeView) -> ProgrammeView:
    """Show a programme; who of the office changed its days, and why, is for the office."""
    if principal().is_of_the_office:
        return view
    return view.model_copy(update={"rules": view.rules.model_copy(update={"revisions": ()})})


@blueprint.patch("/<programme_id>", responses={200: RevisedProgrammeView})
def edit(path: ProgrammePath, body: ProgrammeChangesBody) -> Any:  # noqa: ANN401  a Flask answer
    """Move the application period, the end of the year or closures, or name the office.

    Letters name the office that there is when they are composed, and none where it is null.
    If-Match holds the ETag with which the programme was read. Applications that came in in time
    stay so, and nothing that is agreed or published changes by itself.
    """
    programme = one(Programme, path.programme_id, for_change=True)
    require_match(ProgrammeView.of(programme))
    revised = revise_programme(database(), programme, body, principal().name, now())
    state = ProgrammeView.of(programme)
    answer = RevisedProgrammeView(
        **dict(state),
        interviews_moved=revised.interviews_moved,
        engagements_ending_later=revised.engagements_ending_later,
        sessions_to_replan=revised.sessions_to_replan,
    )
    return tagged(answer, state)
