"""Releases: plans that were published."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.plan import Plan


class Release(Base):
    """A published plan (確定版), numbered 1, 2, … in its programme; calendars show the latest."""

    __tablename__ = "releases"
    __table_args__ = (CheckConstraint("number >= 1", name="number_positive"),)

    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id"), index=True)
    """None: it came about without a run of the solver."""
    published_at: Mapped[dt.datetime]
    published_by: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    snapshot: Mapped[bytes | None] = mapped_column(deferred=True)
    """The sessions as this release left them, cancelled ones left out: gzipped JSON
    (`planning.snapshots`). None: it was published before releases kept them."""

    plan: Mapped[Plan | None] = relationship()
