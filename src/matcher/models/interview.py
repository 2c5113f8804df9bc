"""The phone call before the decision."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.application import Application
from matcher.models.base import Base


class Interview(Base):
    """The interview of one application (事前ヒアリング): due on a day, held once it has been."""

    __tablename__ = "interviews"

    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"), primary_key=True)
    due_on: Mapped[dt.date]
    held_at: Mapped[dt.datetime | None]
    caller: Mapped[str | None]
    notes: Mapped[str] = mapped_column(default="")

    application: Mapped[Application] = relationship(back_populates="interview")
