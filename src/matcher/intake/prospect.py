"""What would come of accepting an application now: a dry run of what follows the decision."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session as Database
from sqlalchemy.orm.attributes import set_committed_value

from matcher.errors import Conflict, NotFound, NotServable
from matcher.geography import MUNICIPALITIES
from matcher.intake.acceptance import new_engagement
from matcher.intake.transitions import STATES_JA
from matcher.models import Application, ApplicationState, Engagement
from matcher.planning.assigning.assignment import Proposal, propose_beforehand
from matcher.programme import Words

__all__ = ["UNDECIDED", "Prospect", "prospect_of"]

UNDECIDED = (
    ApplicationState.SUBMITTED,
    ApplicationState.ASSESSED,
    ApplicationState.INTERVIEWED,
)


OUTSIDE_TOKYO = Words(
    ja="団体の事務所が東京都内にありません", en="the organization's office lies outside Tokyo"
)


@dataclass(frozen=True)
class Prospect:
    """Whether an organization could be served as things stand: by whom and when, or why not."""

    application_id: str
    proposal: Proposal | None
    reasons: tuple[Words, ...] = ()
    """Why not; none where there is a proposal."""


def prospect_of(db: Database, application_id: str, now: dt.datetime) -> Prospect:
    """Try what an assignment would give if the application were accepted now; nothing is kept.

    Whether it is eligible is not asked.

    Raises:
        NotFound: there is no such application.
        Conflict: it is decided or withdrawn.
    """
    application = db.get(Application, application_id)
    if application is None:
        raise NotFound("application", application_id)
    _require_undecided(application)
    if application.organization.municipality_code not in MUNICIPALITIES:
        return Prospect(application_id, None, (OUTSIDE_TOKYO,))
    try:
        engagement = _as_if_accepted(application, now)
        return Prospect(application_id, propose_beforehand(db, engagement, now))
    except Conflict as refused:
        return Prospect(application_id, None, _reasons(refused))


def _as_if_accepted(application: Application, now: dt.datetime) -> Engagement:
    """The engagement the application would become, and no part of any database session.

    Raises:
        Conflict: no day is left on which it could be served.
    """
    engagement = new_engagement(application, None, now)
    # Set in the ordinary way, it would become the application's own and be kept with it.
    set_committed_value(engagement, "application", application)
    return engagement


def _require_undecided(application: Application) -> None:
    state = application.state
    if state not in UNDECIDED:
        raise Conflict(
            f"The application is {state.value}: there is nothing left to decide. "
            "An assignment is asked for by its engagement, if it has one.",
            f"この申込は「{STATES_JA[state]}」のため、実施決定前の見込みは確認できません。"
            "実施決定済みの場合は、派遣案件から割当てを確認してください。",
            state=state.value,
        )


def _reasons(refused: Conflict) -> tuple[Words, ...]:
    if isinstance(refused, NotServable):
        pairs = zip(refused.reasons_ja, refused.reasons, strict=True)
        return tuple(Words(ja=ja, en=en) for ja, en in pairs)
    return (Words(ja=refused.message_ja, en=refused.message_en),)
