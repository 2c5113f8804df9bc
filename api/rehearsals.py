"""/v1/rehearsals: what the loss of each expert would do, as the worker computed it ahead."""

from __future__ import annotations

from datetime import date

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import joinedload

from api.context import database, now
from api.openapi import noun
from api.records import page_of, visible
from api.schema import NamedView, Page, PageQuery, TokyoTime, View, absent
from matcher.fields import Identifier
from matcher.models import StoredRehearsal
from matcher.planning.foresight import Outdated, Present

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
    lost: tuple[str, ...] = Field(description="engagements that would get no further session")
    shortened: tuple[str, ...] = Field(description="engagements that would get fewer")
    sessions_lost: int
    moved: int = Field(description="sessions that others hold at another time")
    taken_over: int = Field(description="sessions that others hold at the same time")
    held_times_lost: int
    cost: int
    bound: int
    proven: bool = Field(description="whether no repair costs less")
    computed_at: TokyoTime
    changed: Outdated | None = Field(
        default=None, description="what has changed since it was computed; null: nothing"
    )


class RehearsalPage(Page):
    """Rehearsals, the worst first."""

    items: tuple[RehearsalView, ...]


@blueprint.get("", responses={200: RehearsalPage})
def list(query: RehearsalQuery) -> RehearsalPage:
    """List what the loss of each expert would do, the worst first."""
    wanted = visible(StoredRehearsal).options(joinedload(StoredRehearsal.expert))
    if query.programme:
        wanted = wanted.where(StoredRehearsal.programme_id == query.programme)
    order = [StoredRehearsal.sessions_lost, StoredRehearsal.programme_id, StoredRehearsal.expert_id]
    page = page_of(wanted, order, query, newest_first=True)
    present = {
        programme_id: Present.of(database(), programme_id, now())
        for programme_id in {each.programme_id for each in page.items}
    }
    items = tuple(
        RehearsalView.of(each).model_copy(
            update={"changed": present[each.programme_id].outdates(each)}
        )
        for each in page.items
    )
    return RehearsalPage(items=items, next=page.next)
