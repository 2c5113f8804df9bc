"""When somebody is not there, whatever the weekly hours say."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from matcher.models.identifiers import new_identifier


class Absence:
    """An interval [start_at, end_at) in which somebody is not free."""

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("B"))
    start_at: Mapped[dt.datetime]
    end_at: Mapped[dt.datetime]
    reason: Mapped[str] = mapped_column(default="")

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[CheckConstraint, ...]:
        return (CheckConstraint("start_at < end_at", name="start_before_end"),)
