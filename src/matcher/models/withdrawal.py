"""Applications that were taken back."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.application import Application
from matcher.models.base import Base


class Withdrawal(Base):
    """Why and by whom an application was taken back (取下げ)."""

    __tablename__ = "withdrawals"

    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"), primary_key=True)
    withdrawn_at: Mapped[dt.datetime]
    withdrawn_by: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")

    application: Mapped[Application] = relationship(back_populates="withdrawal")
