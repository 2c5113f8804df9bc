"""The weekly hours of an expert or an organization."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from solver.problem import Weekday

__all__ = ["ClockTime", "Weekday", "WeeklyHours"]

ClockTime = Annotated[
    dt.time,
    PlainSerializer(lambda time: time.isoformat(timespec="minutes"), when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
"""A time on Tokyo's walls, to the minute; written `HH:MM`."""


class WeeklyHours(BaseModel):
    """One stretch of a weekday, [opens, closes), on Tokyo's walls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekday: Weekday
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> Self:
        for time in (self.opens, self.closes):
            if time.second or time.microsecond or time.tzinfo:
                raise PydanticCustomError(
                    "hours_to_the_minute", "hours are told to the minute, as HH:MM"
                )
        if self.closes <= self.opens:
            raise PydanticCustomError("hours_reversed", "hours close after they open")
        return self
