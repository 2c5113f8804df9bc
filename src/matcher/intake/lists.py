"""What staff look for in the list of applications, as conditions on it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import JSON, ColumnElement, type_coerce

from matcher.models import Application, ApplicationState, Interview
from matcher.programme import Specialty

__all__ = ["interview_due_before", "needs"]


def needs(specialty: Specialty) -> ColumnElement[bool]:
    """Those whose organization wants help in a specialty, however much."""
    weight: ColumnElement[int] = type_coerce(Application.needs, JSON)[specialty.value].as_integer()
    return weight >= 1


def interview_due_before(day: dt.date) -> ColumnElement[bool]:
    """Those whose interview is due before a day and still to be held."""
    still_open = (ApplicationState.SUBMITTED, ApplicationState.ASSESSED)
    due = (Interview.due_on < day) & Interview.held_at.is_(None)
    return Application.state.in_(still_open) & Application.interview.has(due)
