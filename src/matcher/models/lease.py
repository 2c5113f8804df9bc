"""Leases: who is at a piece of background work."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base


class Lease(Base):
    """A piece of work that one worker is at, so that no other does the same meanwhile."""

    __tablename__ = "leases"

    work: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[dt.datetime]
    """After this, if it has not been renewed, anybody may take the work over."""
