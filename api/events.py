"""/v1/plans/{id}/events: a run as it goes on, as server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any

from flask import Response
from pydantic import BaseModel, Field

from api.context import services
from api.plans import PlanPath, ProgressView, blueprint
from api.problems import preferred_language, problem
from api.records import one
from api.schema import Query, View
from matcher.models import Plan, PlanState
from matcher.planning.running.following import FOLLOWERS, News, Seats, follow
from matcher.programme import Words

SEATS = Seats()
RETRY_SECONDS = 5
TOO_MANY = Words(
    ja=f"進捗は同時に{FOLLOWERS}件まで配信できます。/v1/plans/… を定期的に確認するか、"
    "しばらくしてからもう一度お試しください。",
    en=f"{FOLLOWERS} follow runs already. Ask for the plan itself from time to time, or try again "
    "in a moment.",
)


class EventsQuery(Query):
    """Where to begin."""

    after: Annotated[int, Field(ge=0, le=100_000)] = 0


class EventsHeader(BaseModel):
    """Where to begin, as a browser says it when it comes back by itself."""

    last_event_id: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        default=None,
        alias="Last-Event-ID",
        description="the id of the last `progress` heard; "
        "it counts, and not `after`, where both are given",
    )


class StateEvent(View):
    """What a run is now."""

    state: PlanState


_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("event", "data", "id")},
}
"""One event, as the description of the API has it."""


@blueprint.get(
    "/<plan_id>/events",
    responses={
        200: {
            "description": "events `state` and `progress`, until the run is over",
            "content": {"text/event-stream": {"schema": _EVENT}},
        }
    },
)
def events(path: PlanPath, query: EventsQuery, header: EventsHeader) -> Any:  # noqa: ANN401
    """Follow a run: its state and its figures as they come, until it is over.

    Each `progress` has the number of its record as id: who was cut off asks for those `after` it,
    or names it in Last-Event-ID, as a browser's EventSource does by itself.
    With too many followers at once the answer is 503: poll the plan instead, or try again.
    """
    plan_id = one(Plan, path.plan_id).id
    known = query.after if header.last_event_id is None else header.last_event_id
    reading = services().reading
    if not SEATS.take():
        refused = problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "too_many_followers",
            detail=getattr(TOO_MANY, preferred_language()),
        )
        refused.headers["Retry-After"] = str(RETRY_SECONDS)
        return refused
    return Response(
        _Told(follow(reading, plan_id, known)),
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Told:
    """The events as text; the seat is given back when the answer ends, however it ends."""

    def __init__(self, news: Iterator[News | None]) -> None:
        self._news = news
        self._seated = True

    def __iter__(self) -> Iterator[str]:
        for each in self._news:
            yield _written(each)

    def close(self) -> None:
        """Leave; the server calls it when the answer is sent, or its reader is gone."""
        if self._seated:
            self._seated = False
            SEATS.leave()


def _written(news: News | None) -> str:
    if news is None:
        return ": nothing new\n\n"  # so that a connection that is gone is noticed
    if news.record is None:
        return f"event: state\ndata: {StateEvent(state=news.state).model_dump_json()}\n\n"
    data = ProgressView.of(news.record).model_dump_json()
    return f"id: {news.number}\nevent: progress\ndata: {data}\n\n"
