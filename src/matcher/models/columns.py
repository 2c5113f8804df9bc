"""Column types: moments in UTC, and structured values kept as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, ColumnElement, DateTime, Dialect, Text, cast, func
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeDecorator

from matcher.clock import to_utc


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment: aware in, aware and in UTC out. A naive time is refused, as it is no moment.

    SQLite keeps no zone, so a moment is written there in UTC and to the microsecond: the text of
    two moments then sorts as the moments do, which the triggers on sessions rely on.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[dt.datetime]:
        """What a value is in Python; a decorator does not take it over from its `impl`."""
        return dt.datetime

    def process_bind_param(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> dt.datetime | None:
        """Tell the moment in UTC.

        Raises:
            ValueError: it is naive.
        """
        return None if value is None else to_utc(value)

    def process_result_value(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> dt.datetime | None:
        """Give the moment back in UTC, whatever the database made of its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else to_utc(value)


class Structured(TypeDecorator[Any]):
    """A value with a structure, kept as JSON: checked when written, its own type when read.

    The values are frozen, or to be treated so: a column changes by being given a new value.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any) -> None:  # noqa: ANN401  any type pydantic can check
        self.kind = kind
        self._adapter = TypeAdapter[Any](kind)
        super().__init__(none_as_null=True)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        """Check the value and tell it in JSON's own types.

        Raises:
            pydantic.ValidationError: it is not of the column's type.
        """
        if value is None:
            return None
        return self._adapter.dump_python(self._adapter.validate_python(value), mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002
        """Give the value back as its type."""
        return None if value is None else self._adapter.validate_python(value)


def holds(column: InstrumentedAttribute[tuple[str, ...]], identifier: str) -> ColumnElement[bool]:
    """Whether a column of identifiers holds one, letter by letter.

    The two databases search JSON in different words. An identifier needs no escape in JSON, so
    that its text within quotation marks is found in the text of the column.
    """
    written = cast(column, Text)
    return func.replace(written, f'"{identifier}"', "") != written
