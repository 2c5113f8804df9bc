"""Notices, composed from what is on record about an application and its decision."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload, selectinload

from matcher.clock import to_tokyo
from matcher.models import (
    Application,
    Decision,
    Engagement,
    Notice,
    NoticeKind,
    NoticeState,
    Session,
)
from matcher.notices import english, japanese
from matcher.notices.letter import Letter, as_page, as_text
from matcher.notices.reasons import reasons_of

__all__ = ["Documents", "compose", "draft_notice", "tell_of_schedules"]


@dataclass(frozen=True)
class Documents:
    """A notice in both languages, each as text and as a page."""

    subject_ja: str
    subject_en: str
    text_ja: str
    text_en: str
    html_ja: str
    html_en: str


def compose(
    application: Application, now: dt.datetime, kind: NoticeKind | None = None
) -> Documents:
    """Write the notice of a decision, or of a schedule, dated the day of `now` in Tokyo.

    Raises:
        ValueError: nothing is decided yet.
    """
    in_japanese, in_english = _letters(application, to_tokyo(now).date(), kind)
    return Documents(
        subject_ja=in_japanese.subject,
        subject_en=in_english.subject,
        text_ja=as_text(in_japanese),
        text_en=as_text(in_english),
        html_ja=as_page(in_japanese),
        html_en=as_page(in_english),
    )


def draft_notice(application: Application, by: str, now: dt.datetime) -> Notice:
    """Make the notice of a decision, to wait in the outbox; `by` is who decided.

    Raises:
        ValueError: nothing is decided yet.
    """
    return Notice(
        application=application,
        kind=NoticeKind(_decision(application).outcome),
        recipient_name=application.organization.contact_name,
        recipient_email=application.organization.contact_email,
        created_at=now,
        created_by=by,
        **vars(compose(application, now)),
    )


def tell_of_schedules(
    db: Database, engagement_ids: Iterable[str], by: str, now: dt.datetime
) -> None:
    """Draft a notice to each organization whose sessions have changed, of how they stand now.

    One that still waits to be released is written anew, so that there is never more than one.
    """
    wanted = sorted(set(engagement_ids))
    waiting = {
        each.application_id: each
        for each in db.scalars(
            select(Notice).where(
                Notice.application_id.in_(
                    select(Engagement.application_id).where(Engagement.id.in_(wanted))
                ),
                Notice.kind == NoticeKind.SCHEDULE,
                Notice.state == NoticeState.DRAFT,
            )
        )
    }
    engagements = db.scalars(
        select(Engagement)
        .where(Engagement.id.in_(wanted))
        .order_by(Engagement.id)
        .options(
            joinedload(Engagement.application).joinedload(Application.organization),
            selectinload(Engagement.sessions).joinedload(Session.expert),
        )
        .execution_options(populate_existing=True)
    )
    for engagement in engagements:
        application = engagement.application
        notice = waiting.get(application.id) or Notice(
            application=application, kind=NoticeKind.SCHEDULE
        )
        notice.recipient_name = application.organization.contact_name
        notice.recipient_email = application.organization.contact_email
        notice.created_at, notice.created_by = now, by
        for name, value in vars(compose(application, now, NoticeKind.SCHEDULE)).items():
            setattr(notice, name, value)
        db.add(notice)
    db.flush()


def _letters(
    application: Application, today: dt.date, kind: NoticeKind | None
) -> tuple[Letter, Letter]:
    engagement = application.engagement
    if engagement is not None and kind is NoticeKind.SCHEDULE:
        return (
            japanese.schedule(application, engagement, today),
            english.schedule(application, engagement, today),
        )
    if engagement is not None:
        return (
            japanese.accepted(application, engagement, today),
            english.accepted(application, engagement, today),
        )
    reasons = reasons_of(_decision(application), application.programme.rules)
    return (
        japanese.declined(application, reasons, today),
        english.declined(application, reasons, today),
    )


def _decision(application: Application) -> Decision:
    if application.decision is None:
        raise ValueError(f"nothing is decided on application {application.id}")
    return application.decision
