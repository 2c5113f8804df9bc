"""What was computed ahead: how much more fits, and what the loss of each expert would do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.columns import Structured
from matcher.models.expert import Expert
from matcher.programme import Words


class StoredForecast(Base):
    """The latest forecast of a programme, as of a release and a day."""

    __tablename__ = "forecasts"

    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), primary_key=True)
    release_number: Mapped[int]
    """0: nothing was published."""
    day: Mapped[dt.date]
    ground: Mapped[str]
    """What it stands on, as `planning.freshness.Present` tells it."""
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    """`planning.forecast.Forecast` as JSON."""
    computed_at: Mapped[dt.datetime]


class StoredRehearsal(Base):
    """What the loss of one expert would do, as of a release and a day."""

    __tablename__ = "rehearsals"

    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), primary_key=True)
    expert_id: Mapped[str] = mapped_column(ForeignKey("experts.id"), primary_key=True, index=True)
    release_number: Mapped[int]
    day: Mapped[dt.date]
    ground: Mapped[str]
    sessions_to_come: Mapped[int]
    held_times_lost: Mapped[int]

    undetermined: Mapped[bool]
    """Whether no repair could be determined; nothing is known then of what would be lost."""
    reasons: Mapped[tuple[Words, ...]] = mapped_column(Structured(tuple[Words, ...]))
    """Why not."""
    engagements_lost: Mapped[int]
    """With the next two, how bad it is; 0 where nothing is known: lists run along them."""
    sessions_lost: Mapped[int]
    moved: Mapped[int]
    lost: Mapped[tuple[str, ...] | None]
    shortened: Mapped[tuple[str, ...] | None]
    taken_over: Mapped[int | None]
    cost: Mapped[int | None]
    bound: Mapped[int | None]
    proven: Mapped[bool | None]
    computed_at: Mapped[dt.datetime]

    expert: Mapped[Expert] = relationship()
