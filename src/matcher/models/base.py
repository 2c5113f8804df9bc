"""What all tables share: names of constraints, column types by annotation, revisions."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, ClassVar

from sqlalchemy import Enum, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from matcher.clock import utc_now
from matcher.models.columns import Structured, UtcDateTime
from matcher.models.hours import WeeklyHours

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def _values(kind: type[enum.StrEnum]) -> list[str]:
    return [member.value for member in kind]


class Base(DeclarativeBase):
    """Every table; a column's type follows from its annotation."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        dt.datetime: UtcDateTime(),
        enum.StrEnum: Enum(
            enum.StrEnum,
            native_enum=False,
            create_constraint=True,
            validate_strings=True,
            values_callable=_values,
            length=40,
        ),
        tuple[str, ...]: Structured(tuple[str, ...]),
        tuple[int, ...]: Structured(tuple[int, ...]),
        tuple[WeeklyHours, ...]: Structured(tuple[WeeklyHours, ...]),
    }


class Revised:
    """A row that two people may edit.

    `version` grows with each change; a change to a version that is gone raises
    `sqlalchemy.orm.exc.StaleDataError`.
    """

    version: Mapped[int] = mapped_column(default=1)
    revised_at: Mapped[dt.datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    """When it last changed."""

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]
