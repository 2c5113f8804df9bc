"""The organizations that apply."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from matcher.models.base import Base, Revised
from matcher.models.busy import BusyCalendar, BusyTime
from matcher.models.feed import CalendarBy, FeedOwner
from matcher.models.identifiers import new_identifier
from matcher.programme import LegalKind


class Organization(Revised, Base):
    """An industry organization (団体)."""

    __tablename__ = "organizations"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_identifier("O"))
    name_ja: Mapped[str]
    name_en: Mapped[str]
    renamed_at: Mapped[dt.datetime | None]
    """When the name last changed, which calendars show; None: it is as it was registered."""
    legal_kind: Mapped[LegalKind]
    corporate_number: Mapped[str | None]
    """Thirteen digits (法人番号), the first of them the check digit."""
    municipality_code: Mapped[str]
    """Five digits, of `matcher.geography.MUNICIPALITIES`, or of anywhere in Japan."""
    address_ja: Mapped[str]
    address_en: Mapped[str] = mapped_column(default="")
    industry: Mapped[str]
    contact_name: Mapped[str]
    contact_email: Mapped[str]
    calendar_by: Mapped[CalendarBy] = mapped_column(default=CalendarBy.FEED)
    contact_phone: Mapped[str] = mapped_column(default="")
    has_manual: Mapped[bool] = mapped_column(default=False)
    """Whether it has a manual already, so that a review of it is what helps."""

    busy_times: Mapped[list[BusyTime]] = relationship(
        secondary=BusyCalendar.__table__,
        primaryjoin=lambda: and_(
            foreign(BusyCalendar.owner_id) == Organization.id,
            BusyCalendar.owner_kind == FeedOwner.ORGANIZATION,
        ),
        secondaryjoin=lambda: foreign(BusyCalendar.id) == BusyTime.calendar_id,
        order_by=BusyTime.start_at,
        viewonly=True,
    )
    """Of all calendars that it keeps elsewhere."""
