"""Notices, composed from what is on record about an application and its decision."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from matcher.clock import to_tokyo
from matcher.models import Application, Decision, Notice, NoticeKind
from matcher.notices import english, japanese
from matcher.notices.letter import Letter, as_page, as_text
from matcher.notices.reasons import reasons_of

__all__ = ["Documents", "compose", "draft_notice"]


@dataclass(frozen=True)
class Documents:
    """A notice in both languages, each as text and as a page."""

    subject_ja: str
    subject_en: str
    text_ja: str
    text_en: str
    html_ja: str
    html_en: str


def compose(application: Application, now: dt.datetime) -> Documents:
    """Write the notice of a decision, dated the day of `now` in Tokyo.

    Raises:
        ValueError: nothing is decided yet.
    """
    in_japanese, in_english = _letters(application, to_tokyo(now).date())
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


def _letters(application: Application, today: dt.date) -> tuple[Letter, Letter]:
    engagement = application.engagement
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
