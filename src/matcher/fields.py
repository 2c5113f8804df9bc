"""The kinds of values that people give: a line of text, an address to write to, a point in time.

A line break or a control character in a name would spoil calendars and tables, so none comes in.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints
from pydantic_core import PydanticCustomError

_UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_PRINTABLE = rf"[^{_UNPRINTABLE}]"
_VISIBLE = rf"[^\s{_UNPRINTABLE}]"

LINE = rf"^{_PRINTABLE}*{_VISIBLE}{_PRINTABLE}*$"
_UNWRITABLE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
TEXT = rf"^[^{_UNWRITABLE}]*[^\s{_UNWRITABLE}][^{_UNWRITABLE}]*$"
EMAIL = r"^[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
TELEPHONE = r"^(\+?[0-9][0-9 ()-]{4,30})?$"
MUNICIPALITY_CODE = r"^[0-9]{5}$"
CORPORATE_NUMBER = r"^[0-9]{13}$"

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=LINE)]
"""One line of text that people read."""

OptionalLine = Annotated[str, StringConstraints(max_length=200, pattern=rf"^{_PRINTABLE}*$")]
"""One line of text, or none."""

Paragraphs = Annotated[
    str, StringConstraints(max_length=5000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")
]
"""Text of any number of lines."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=5000, pattern=TEXT)]
"""Text of any number of lines that says something."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$")]

Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]

Telephone = Annotated[str, StringConstraints(pattern=TELEPHONE)]
"""A number to call, or none."""

GivenTelephone = Annotated[str, StringConstraints(min_length=1, pattern=TELEPHONE)]
"""A number to call."""

MunicipalityCode = Annotated[str, StringConstraints(pattern=MUNICIPALITY_CODE)]

CorporateNumber = Annotated[str, StringConstraints(pattern=CORPORATE_NUMBER)]
"""Thirteen digits (法人番号). Whether the check digit holds is for the assessment to say."""


FIRST_YEAR, LAST_YEAR = 2000, 2099


def is_within_reach(day: date) -> bool:
    """Whether a day, or the day of a time, lies in the years that are counted in here."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def _day_within_reach(day: date) -> date:
    if not is_within_reach(day):
        raise PydanticCustomError("moment_range", "a day lies in the years 2000 to 2099")
    return day


Day = Annotated[date, AfterValidator(_day_within_reach)]
"""A day of the calendar."""


def _within_reach(moment: datetime) -> datetime:
    if not is_within_reach(moment):
        raise PydanticCustomError("moment_range", "a time lies in the years 2000 to 2099")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_within_reach)]
"""A point in time, with its offset."""

TimeLimit = Annotated[float, Field(gt=0, le=3600)]
"""How long a planning run may take, in seconds."""


MeetingUrl = Annotated[str, StringConstraints(max_length=500, pattern=r"^https://[!-~]+$")]
"""Where an online session is joined."""


def unchanged() -> Any:  # noqa: ANN401  it stands for a field of any type
    """Let a field be left out of a change; a null is a value like any other, and is checked."""
    return Field(default=None, json_schema_extra=without_default)


def without_default(schema: dict[str, Any]) -> None:
    """Keep a default out of a JSON schema: it only tells that the field was left out."""
    schema.pop("default", None)
