"""What the office changes about a programme that runs: its deadline, its end, further closures."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.clock import to_tokyo
from matcher.errors import Invalid
from matcher.fields import Line, unchanged
from matcher.models import Application, Interview, Programme
from matcher.programme import Period, ProgrammeRules
from matcher.registry import Draft

__all__ = ["PeriodChanges", "ProgrammeChanges", "revise_programme"]


class PeriodChanges(Draft):
    """Another first or last day; what is left out stays."""

    first_day: dt.date = unchanged()
    last_day: dt.date = unchanged()


class ProgrammeChanges(Draft):
    """What is to be different about a programme, and why."""

    reason: Line
    """Kept with the programme, and in the audit with who changed what and when."""
    application_period: PeriodChanges = unchanged()
    implementation_period: PeriodChanges = unchanged()
    closed_days: Annotated[tuple[dt.date, ...], Field(max_length=366)] = unchanged()
    """The programme's own closures, beside holidays and those of every year; replaced whole."""


def revise_programme(
    db: Database, programme: Programme, changes: ProgrammeChanges, now: dt.datetime
) -> Programme:
    """Change the rules of a programme.

    Applications that are in stay in, whatever becomes of the period. Interviews that are still to
    be held fall due anew, as the closures now are. Engagements keep their last day.

    Raises:
        Invalid: a period would end before it begins.
    """
    rules = programme.rules
    given = changes.given()
    updates: dict[str, object] = {
        name: _changed(name, getattr(rules, name), getattr(changes, name))
        for name in ("application_period", "implementation_period")
        if name in given
    }
    if "closed_days" in given:
        days = tuple(sorted(set(changes.closed_days)))
        updates["closures"] = rules.closures.model_copy(update={"days": days})
    programme.rules = rules.model_copy(update=updates)
    programme.revised_at, programme.revision_reason = now, changes.reason
    if "closures" in updates:
        _count_again(db, programme.id, programme.rules)
    db.flush()
    return programme


def _changed(name: str, period: Period, changes: PeriodChanges) -> Period:
    updated = period.model_copy(update=changes.given())
    if updated.last_day < updated.first_day:
        raise Invalid(
            f"{name}.last_day" if "last_day" in changes.given() else f"{name}.first_day",
            f"the period would end on {updated.last_day} and begin on {updated.first_day}",
            "give a last day on or after the first day",
            reason_ja=f"期間の終わり({updated.last_day})が始まり({updated.first_day})より前です",
            remedy_ja="終わりの日を始まりの日以後にしてください",
        )
    return updated


def _count_again(db: Database, programme_id: str, rules: ProgrammeRules) -> None:
    open_interviews = db.scalars(
        select(Interview)
        .join(Application)
        .where(Application.programme_id == programme_id, Interview.held_at.is_(None))
    )
    for interview in open_interviews:
        day = to_tokyo(interview.application.submitted_at).date()
        interview.due_on = rules.business_day_after(day, rules.interview_business_days)
