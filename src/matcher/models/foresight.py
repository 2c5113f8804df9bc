"""What was computed ahead: how much more fits, and what the loss of each expert would do."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.expert import Expert


class StoredForecast(Base):
    """The latest forecast of a programme, as of a release and a day."""

    __tablename__ = "forecasts"

    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), primary_key=True)
    release_number: Mapped[int]
    """0: nothing was published."""
    day: Mapped[dt.date]
    content: Mapped[dict[str, object]] = mapped_column(JSON)
    """`planning.forecast.Forecast` as JSON."""
    computed_at: Mapped[dt.datetime]


class StoredRehearsal(Base):
    """What the loss of one expert would do, as of a release and a day."""

    __tablename__ = "rehearsals"

    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), primary_key=True)
    expert_id: Mapped[str] = mapped_column(ForeignKey("experts.id"), primary_key=True, index=True)
    release_number: Mapped[int]
    day: Mapped[dt.date]
    sessions_to_come: Mapped[int]
    lost: Mapped[tuple[str, ...]]
    shortened: Mapped[tuple[str, ...]]
    sessions_lost: Mapped[int]
    moved: Mapped[int]
    taken_over: Mapped[int]
    held_times_lost: Mapped[int]
    cost: Mapped[int]
    bound: Mapped[int]
    proven: Mapped[bool]
    computed_at: Mapped[dt.datetime]

    expert: Mapped[Expert] = relationship()
