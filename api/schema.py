"""The kinds of pydantic models that go in and out, and the fields they share.

What comes in is strict: an unknown field is an error, text is text and numbers are numbers.
What goes out shows times in Asia/Tokyo.
"""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from matcher.clock import to_tokyo
from matcher.fields import without_default
from matcher.models import WeeklyHours

TokyoTime = Annotated[
    datetime,
    PlainSerializer(lambda moment: to_tokyo(moment).isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment that goes out: ISO 8601 with the offset of Tokyo."""


class Hours(WeeklyHours):
    """One stretch of a weekday, from `opens` up to `closes`."""

    model_config = ConfigDict(strict=True, from_attributes=True)


class Body(BaseModel):
    """What a request carries."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:  # noqa: ANN401  pydantic's signature
        """Read it as JSON: only there are strict models strict and dates nevertheless text."""
        return cls.model_validate_json(json.dumps(obj), **options)


class OptionalBody(Body):
    """A body whose fields all have defaults, so that it may be left out."""

    model_config = ConfigDict(openapi_extra={"required": False})  # type: ignore[typeddict-unknown-key]  # flask-openapi3's own

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:  # noqa: ANN401  pydantic's signature
        """Take no body for an empty object."""
        return super().model_validate({} if obj is None else obj, **options)


class NoFields(OptionalBody):
    """Nothing is asked for beyond the address."""


class Query(BaseModel):
    """What stands behind the question mark."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PathParameters(BaseModel):
    """What stands in the path."""

    model_config = ConfigDict(frozen=True)


class View(BaseModel):
    """What an answer shows."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    derived: ClassVar[frozenset[str]] = frozenset()
    """Fields that follow from other records or from the day: to change the record, nobody has to
    have read them as they are now."""

    @classmethod
    def of(cls, record: object) -> Self:
        """Show a record."""
        return cls.model_validate(record)


class NamedView(View):
    """Somebody by name."""

    id: str
    name_ja: str
    name_en: str


class AbsenceView(View):
    """An interval in which somebody is not free, from `start_at` up to `end_at`."""

    start_at: TokyoTime
    end_at: TokyoTime
    reason: str


class Page(View):
    """One page of a list; each list adds its `items`."""

    next: str | None = Field(description="the `cursor` of the page after this one; null: the last")


class PageQuery(Query):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,400}$"),
        Field(description="`next` of the page before; empty: the first page"),
    ] = ""


Answered = TypeVar("Answered", bound=BaseModel)

Created = tuple[Answered, int, dict[str, str]]
"""A new record, 201, and its address."""


def created(view: Answered, location: str) -> Created[Answered]:
    """Answer with a new record and its address."""
    return view, HTTPStatus.CREATED, {"Location": location}


def absent(description: str, *, alias: str | None = None) -> Any:  # noqa: ANN401  of any type
    """Let a field of a query be left out; a null has no place in a query."""
    return Field(
        default=None, alias=alias, description=description, json_schema_extra=without_default
    )
