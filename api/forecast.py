"""/v1/forecast: how many more engagements fit, and until when."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import Field

from api.context import database, now
from api.openapi import noun
from api.schema import Query, TokyoTime, View
from matcher.clock import wall_time
from matcher.errors import Invalid
from matcher.fields import Identifier
from matcher.models import Programme, StoredForecast
from matcher.planning.ground import latest_release_number

blueprint = noun("forecast", "How many more engagements fit, and until when (見通し)")


class Freshness(StrEnum):
    """Whether something that was computed ahead is of the latest release and of today."""

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
    release_number: int | None = Field(description="as of this release; null: there is none yet")
    day: date | None
    computed_at: TokyoTime | None
    forecast: dict[str, Any] | None = Field(
        description="by specialty: room for engagements of 5, 4 and 3 sessions as of each week, "
        "the last day for each, the limits worth raising; with the profile that is counted"
    )


@blueprint.get("", responses={200: ForecastView})
def get(query: ForecastQuery) -> ForecastView:
    """Get the latest forecast of a programme, and whether it is still of today."""
    if database().get(Programme, query.programme) is None:
        raise Invalid(
            "programme",
            "there is no such programme",
            "give the id of one: /v1/programmes lists them",
            reason_ja="この事業は登録されていません",
            remedy_ja="/v1/programmes にある id を指定してください",
        )
    kept = database().get(StoredForecast, query.programme)
    if kept is None:
        return ForecastView(
            programme_id=query.programme,
            freshness=Freshness.MISSING,
            release_number=None,
            day=None,
            computed_at=None,
            forecast=None,
        )
    latest = (latest_release_number(database(), query.programme), wall_time(now()).date())
    current = (kept.release_number, kept.day) == latest
    return ForecastView(
        programme_id=query.programme,
        freshness=Freshness.CURRENT if current else Freshness.OUTDATED,
        release_number=kept.release_number,
        day=kept.day,
        computed_at=kept.computed_at,
        forecast=kept.content,
    )
