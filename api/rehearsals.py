"""/v1/rehearsals: what the loss of each expert would do, as the worker computed it ahead."""

from __future__ import annotations

from datetime import date

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import joinedload

from api.context import database, now
from api.openapi import noun
from api.records import known_programme, page_of, visible
from api.schema import NamedView, Page, PageQuery, TokyoTime, View, absent
from matcher.fields import Identifier
from matcher.models import StoredRehearsal
from matcher.planning.foreseeing.freshness import Outdated, Present
from matcher.programme import Words

blueprint = noun("rehearsals", "What the loss of each expert would do (離脱時の影響)")


class RehearsalQuery(PageQuery):
    """Of which programme."""

    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")


class RehearsalView(View):
    """What would be lost if one expert dropped out tomorrow, after the cheapest repair."""

    programme_id: str
    expert_id: str
    expert: NamedView
    release_number: int = Field(description="as of this release")
    day: date
    sessions_to_come: int
    held_times_lost: int
    undetermined: bool = Field(
        description="what is fixed already clashes by itself, so that no repair could be "
        "determined: nothing is known of what would be lost, and the figures of the repair are null"
    )
    reasons: tuple[Words, ...] = Field(description="why it is undetermined")
    lost: tuple[str, ...] | None = Field(
        description="engagements that would get no further session"
    )
    shortened: tuple[str, ...] | None = Field(description="engagements that would get fewer")
    sessions_lost: int | None = Field(description="of those to come")
    moved: int | None = Field(description="sessions that take place at another time")
    taken_over: int | None = Field(description="sessions that somebody else holds")
    cost: int | None
    bound: int | None
    proven: bool | None = Field(description="whether no repair costs less")
    computed_at: TokyoTime
    changed: Outdated | None = Field(
        default=None, description="what has changed since it was computed; null: nothing"
    )


class RehearsalPage(Page):
    """Rehearsals, the worst first."""

    items: tuple[RehearsalView, ...]


WORST_FIRST = (
    StoredRehearsal.undetermined,
    StoredRehearsal.engagements_lost,
    StoredRehearsal.sessions_lost,
    StoredRehearsal.moved,
    StoredRehearsal.expert_id,
    StoredRehearsal.programme_id,
)
"""`Rehearsal.damage`, as `matcher rehearse` orders them too."""


@blueprint.get("", responses={200: RehearsalPage})
def list(query: RehearsalQuery) -> RehearsalPage:
    """List what the loss of each expert would do, the worst first.

    What could not be determined comes before all: it may be worse still.
    """
    wanted = visible(StoredRehearsal).options(joinedload(StoredRehearsal.expert))
    if query.programme:
        known_programme(query.programme)
        wanted = wanted.where(StoredRehearsal.programme_id == query.programme)
    page = page_of(wanted, WORST_FIRST, query, newest_first=True)
    present = {
        programme_id: Present.of(database(), programme_id, now())
        for programme_id in {each.programme_id for each in page.items}
    }
    items = tuple(_shown(each, present[each.programme_id]) for each in page.items)
    return RehearsalPage(items=items, next=page.next)


def _shown(kept: StoredRehearsal, present: Present) -> RehearsalView:
    unknown = {"sessions_lost": None, "moved": None} if kept.undetermined else {}
    changed = {"changed": present.outdates(kept)}
    return RehearsalView.of(kept).model_copy(update=changed | unknown)
