"""/v1/interviews: who is to be called next, and what will be overdue by when."""

from __future__ import annotations

from datetime import date

from pydantic import AliasPath, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.applications import RequirementView
from api.context import database, now
from api.openapi import noun
from api.schema import NamedView, Query, TokyoTime, View, absent
from matcher.fields import Identifier
from matcher.intake.worklist import PACE_BUSINESS_DAYS, work_list
from matcher.models import ApplicationState

blueprint = noun("interviews", "The phone calls still to be made before decisions (事前ヒアリング)")


class InterviewQuery(Query):
    """Which interviews."""

    programme: Identifier | SkipJsonSchema[None] = absent("only those of one programme")


class CalledView(NamedView):
    """An organization to call."""

    contact_phone: str


class OpenInterviewView(View):
    """An interview to be held, and when it will be at the present pace."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    application_id: str = Field(validation_alias=AliasPath("application", "id"))
    programme_id: str = Field(validation_alias=AliasPath("application", "programme_id"))
    state: ApplicationState = Field(validation_alias=AliasPath("application", "state"))
    organization: CalledView = Field(validation_alias=AliasPath("application", "organization"))
    submitted_at: TokyoTime = Field(validation_alias=AliasPath("application", "submitted_at"))
    due_on: date
    business_days_left: int = Field(description="0: due today; less than 0: overdue")
    overdue: bool
    still_to_ask: tuple[RequirementView, ...] = Field(
        description="the requirements without an answer that counts"
    )
    reached_on: date | None = Field(
        description="the day on which it will be held at the present pace; null: not within a year"
    )
    will_be_late: bool = Field(description="that day is after the due day, or there is none")


class OverdueForecastView(View):
    """How many interviews will be overdue when a day is over, at the present pace."""

    day: date
    overdue: int


class WorkListView(View):
    """All interviews to be held, the most urgent first, and what will be overdue by when."""

    today: date
    held: int = Field(
        description=f"the pace: how many were held in the {PACE_BUSINESS_DAYS} business days "
        "before today"
    )
    forecast: tuple[OverdueForecastView, ...] = Field(
        description="by day that is due: today stands for those that are overdue already"
    )
    items: tuple[OpenInterviewView, ...]


@blueprint.get("", responses={200: WorkListView})
def list(query: InterviewQuery) -> WorkListView:
    """List the interviews to be held, overdue ones first, with a forecast at the present pace.

    The pace is the number of interviews held in the ten business days before today. The interview
    at position k of the list is reached on the k × 10 / pace-th business day, rounded up, of which
    today is the first. The list is whole, as the forecast is about all of it.
    """
    return WorkListView.of(work_list(database(), now(), query.programme))
