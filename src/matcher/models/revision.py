"""How often anything that calendars show has changed."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from matcher.models.base import Base

THE_ONE = 1


class CalendarRevision(Base):
    """One row, whose number grows with each transaction that changes what any feed shows.

    Only the last statement of a transaction writes it, so that whoever waits for the row waits for
    a commit and for nothing else.
    """

    __tablename__ = "calendar_revisions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=THE_ONE)
    number: Mapped[int] = mapped_column(BigInteger)
