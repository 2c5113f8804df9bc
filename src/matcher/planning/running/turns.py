"""Whose turn it is: of two runs that could plan the same engagement the older one goes first."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.locks import ROW
from matcher.models import Plan, PlanState, PlanTerms, Programme

__all__ = ["has_its_turn", "overlap", "runs_ahead", "waits_for"]


def has_its_turn(db: Database, run: Plan) -> bool:
    """Whether a queued run may be claimed, while nobody else claims one of its programme."""
    db.get_one(Programme, run.programme_id, with_for_update=ROW)
    return waits_for(db, run) is None


def waits_for(db: Database, run: Plan) -> str | None:
    """The id of the run that has to end before a queued one begins; None: it may begin.

    That is one which is being solved, else the oldest that waits.
    """
    ahead = runs_ahead(db, run)
    return ahead[0] if ahead else None


def runs_ahead(db: Database, run: Plan) -> tuple[str, ...]:
    """The ids of the runs that have to end before a queued one begins, the next to end first."""
    if run.state != PlanState.QUEUED:
        return ()
    others = db.scalars(
        select(Plan)
        .where(Plan.programme_id == run.programme_id, Plan.id != run.id)
        .where(Plan.state.in_((PlanState.SOLVING, PlanState.QUEUED)))
        .order_by(Plan.created_at, Plan.id)
        .execution_options(populate_existing=True)
    ).all()
    ahead = [
        other
        for other in others
        if overlap(run.terms, other.terms)
        and (
            other.state == PlanState.SOLVING
            or (other.created_at, other.id) < (run.created_at, run.id)
        )
    ]
    ahead.sort(key=lambda each: each.state != PlanState.SOLVING)
    return tuple(each.id for each in ahead)


def overlap(one: PlanTerms, other: PlanTerms) -> bool:
    """Whether two runs could plan the same engagement.

    Of runs by specialty that is taken to be so: an organization may need several.
    """
    if one.only is None or other.only is None:
        return True
    return not set(one.only).isdisjoint(other.only)
