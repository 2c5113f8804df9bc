"""What an accepted application becomes: an engagement, with the days on which it may be served."""

from __future__ import annotations

import datetime as dt

from matcher.clock import to_tokyo
from matcher.delivery.sessions import free_future_sessions
from matcher.delivery.transitions import Step, state_after
from matcher.errors import Conflict, Invalid
from matcher.geography import Area, municipality
from matcher.models import Application, Delivery, Engagement, EngagementState

__all__ = [
    "new_engagement",
    "site_of",
    "visited_on_site",
    "withdraw_engagement",
]


def new_engagement(
    application: Application, meeting_url: str | None, now: dt.datetime
) -> Engagement:
    """Make the engagement of an application that is accepted at `now`; it waits to be planned.

    Raises:
        Conflict: no day is left on which it could be served.
        Invalid: there is a link, and its sessions are not held online.
    """
    rules = application.programme.rules
    earliest, latest = _first_and_last_day(application, to_tokyo(now).date())
    site = site_of(application)
    if site is not None and meeting_url is not None:
        raise visited_on_site()
    return Engagement(
        id=application.id,
        programme_id=application.programme_id,
        organization_id=application.organization_id,
        state=EngagementState.WAITING,
        session_minutes=application.session_minutes,
        earliest=earliest,
        latest=latest,
        min_gap_days=rules.gaps.min_days,
        target_gap_days=rules.gaps.target_days,
        max_gap_days=rules.gaps.max_days,
        weight=application.weight,
        municipality_code=site,
        meeting_url=meeting_url,
    )


def _first_and_last_day(application: Application, decided_on: dt.date) -> tuple[dt.date, dt.date]:
    """The days between which sessions may take place.

    Raises:
        Conflict: there are none.
    """
    rules = application.programme.rules
    period = rules.implementation_period
    first = rules.first_session_day(decided_on)
    earliest = max(first, application.first_wish_day or first)
    latest = min(period.last_day, application.last_wish_day or period.last_day)
    if earliest > latest:
        raise Conflict(
            f"No day is left: sessions could begin on {earliest} and must end by {latest}. "
            "Agree on a later last day, or decline.",
            f"実施できる日がありません(最短の開始日{earliest}、終了期限{latest})。"
            "終了期限を見直すか、実施見送りとしてください。",
            code="no_day_left",
            earliest=earliest.isoformat(),
            latest=latest.isoformat(),
        )
    return earliest, latest


def visited_on_site() -> Invalid:
    """Say that a link is of no use to sessions that are held on site."""
    return Invalid(
        "meeting_url",
        "the sessions are not held online",
        "leave it out, or change delivery to online first",
        reason_ja="オンラインの派遣ではありません",
        remedy_ja="省略するか、先に delivery を online に変更してください",
    )


def site_of(application: Application) -> str | None:
    """The municipality in which sessions are held; None: online.

    That is so by wish, and always on the islands, which nobody reaches and leaves within a day.
    """
    code = application.organization.municipality_code
    online = application.delivery == Delivery.ONLINE or municipality(code).area == Area.ISLANDS
    return None if online else code


def withdraw_engagement(engagement: Engagement, now: dt.datetime) -> None:
    """End an engagement, and free its sessions that are still to come.

    Raises:
        Conflict: it is completed.
    """
    engagement.state = state_after(engagement, Step.WITHDRAW)
    free_future_sessions(engagement, now)
