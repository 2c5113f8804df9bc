"""Answers to the programme's requirements."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from matcher.models.application import Application
from matcher.models.base import Base


class Answer(StrEnum):
    """Whether a requirement is met."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


class AnswerSource(StrEnum):
    """Who says so: this service, the organization, or staff who saw evidence."""

    MACHINE = "machine"
    DECLARED = "declared"
    VERIFIED = "verified"


class RequirementAnswer(Base):
    """The latest answer to one requirement (要件) by one application, with its evidence."""

    __tablename__ = "requirement_answers"

    application_id: Mapped[str] = mapped_column(ForeignKey("applications.id"), primary_key=True)
    requirement_id: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[Answer]
    source: Mapped[AnswerSource]
    evidence: Mapped[str] = mapped_column(default="")
    answered_by: Mapped[str]
    answered_at: Mapped[dt.datetime]

    application: Mapped[Application] = relationship(back_populates="answers")
