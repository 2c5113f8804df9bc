"""How engagements ended."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.base import Base
from matcher.models.engagement import Engagement


class Completion(Base):
    """The end of an engagement (完了): what becomes of the manual."""

    __tablename__ = "completions"

    engagement_id: Mapped[str] = mapped_column(ForeignKey("engagements.id"), primary_key=True)
    rollout: Mapped[str]
    """How the manual reaches the members."""
    revision: Mapped[str]
    """When and how it will be revised."""
    early_reason: Mapped[str | None]
    """Why it ended before all its sessions were held or missed; None: none was left."""
    completed_at: Mapped[dt.datetime]
    completed_by: Mapped[str]

    engagement: Mapped[Engagement] = relationship(back_populates="completion")
