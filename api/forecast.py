"""/v1/forecast: how many more engagements fit, and until when."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field

from api.context import database, now
from api.openapi import noun
from api.records import known_programme
from api.schema import Query, TokyoTime, View
from matcher.fields import Identifier
from matcher.models import StoredForecast
from matcher.planning.foreseeing.freshness import Outdated, Present

blueprint = noun("forecast", "How many more engagements fit, and until when (見通し)")


class Freshness(StrEnum):
    """Whether something that was computed ahead stands on what is on record today."""

    CURRENT = "current"
    OUTDATED = "outdated"
    MISSING = "missing"


class ForecastQuery(Query):
    """Of which programme."""

    programme: Identifier


class ForecastView(View):
    """How much more fits beside what is published, held and pinned."""

    programme_id: str
    freshness: Freshness = Field(
        description="a worker computes it after each release and each midnight, while no run "
        "waits; `matcher forecast` computes it at once"
    )
    changed: Outdated | None = Field(
        description="what has changed since: there is a newer release, it is another day, or "
        "records have changed that decide what fits; the worker then computes it anew"
    )
    release_number: int | None = Field(description="as of this release; null: there is none yet")
    day: date | None
    computed_at: TokyoTime | None
    forecast: dict[str, Any] | None = Field(
        description="by specialty: room for engagements of 5, 4 and 3 sessions as of each week, "
        "the last day for each, the limits worth raising (`gain` is proven, `placed` is what was "
        "found), and the experts who are not counted, with the reasons; with the profile that is "
        "counted"
    )


@blueprint.get("", responses={200: ForecastView})
def get(query: ForecastQuery) -> ForecastView:
    """Get the latest forecast of a programme, and whether it is still of today.

    Counted are engagements of the profile that it states, the typical one of the programme. To
    count others would take longer than a request may: `matcher forecast --place` does it, for
    another municipality or online.
    """
    known_programme(query.programme)
    kept = database().get(StoredForecast, query.programme)
    if kept is None:
        return ForecastView(
            programme_id=query.programme,
            freshness=Freshness.MISSING,
            changed=None,
            release_number=None,
            day=None,
            computed_at=None,
            forecast=None,
        )
    changed = Present.of(database(), query.programme, now()).outdates(kept)
    return ForecastView(
        programme_id=query.programme,
        freshness=Freshness.OUTDATED if changed else Freshness.CURRENT,
        changed=changed,
        release_number=kept.release_number,
        day=kept.day,
        computed_at=kept.computed_at,
        forecast=kept.content,
    )
