"""A year's programme."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, Session, mapped_column

from matcher.clock import utc_now
from matcher.models.base import Base
from matcher.models.columns import Structured
from matcher.programme import ProgrammeRules, packaged_programmes, read_rules


class Programme(Base):
    """One year's service (事業): its rules, whole."""

    __tablename__ = "programmes"

    id: Mapped[str] = mapped_column(primary_key=True)
    rules: Mapped[ProgrammeRules] = mapped_column(Structured(ProgrammeRules))
    revised_at: Mapped[dt.datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    reworded_at: Mapped[dt.datetime | None]
    """When the texts of the phases last changed, which calendars quote; None: never."""


def keep_packaged_programmes(db: Session) -> None:
    """Put the programmes that come with this package on record; those that are there stay."""
    for programme_id in packaged_programmes():
        if db.get(Programme, programme_id) is None:
            db.add(Programme(id=programme_id, rules=read_rules(programme_id)))
    db.flush()


def load_programme(db: Session, programme_id: str) -> ProgrammeRules:
    """Keep the rules that come with this package in the database; can be done again.

    Raises:
        matcher.errors.NotFound: no such programme comes with it.
    """
    rules = read_rules(programme_id)
    db.merge(Programme(id=programme_id, rules=rules))
    db.flush()
    return rules
