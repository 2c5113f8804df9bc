"""The decision on an application."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.application import Application
from matcher.models.base import Base


class Outcome(StrEnum):
    """What was decided."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class Decision(Base):
    """Accepted or declined, with reasons (実施決定); its notice is what the organization gets."""

    __tablename__ = "decisions"

    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"), primary_key=True)
    outcome: Mapped[Outcome]
    decided_at: Mapped[dt.datetime]
    decided_by: Mapped[str]
    reasons: Mapped[tuple[str, ...]] = mapped_column(default=())
    """Where declined: the ids of the requirements that are not met, or words."""

    application: Mapped[Application] = relationship(back_populates="decision")
