"""`matcher why`: why an engagement has no more sessions than it has, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from matcher.cli.database import opened_database
from matcher.cli.language import LANGUAGE, Language
from matcher.planning.explaining.explanation import CONSENTS, candidate_reason_of, way_words
from matcher.planning.explaining.inquiry import SECONDS, Inquiry, inquire
from matcher.planning.explaining.telling import Voice, offered, remedy, sentences
from matcher.programme import Words
from matcher.settings import Settings

SHOWN = 5
"""Candidates that are shown to a person; the API tells of all."""

WHAT_WOULD_HELP = Words(ja="変更案:", en="What would help:")
WHO_COULD = Words(ja="候補者:", en="Candidates:")


@click.command
@click.argument("engagement_id", metavar="ENGAGEMENT")
@LANGUAGE
@click.option(
    "--voice",
    type=click.Choice([each.value for each in Voice]),
    default=Voice.PLANNER.value,
    show_default=True,
    help="A planner's; or one that can be sent to the organization and names nobody else.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 600),
    default=SECONDS,
    show_default=True,
    help="How long to search whether others can make room.",
)
def why(engagement_id: str, language: Language, voice: str, seconds: float) -> None:
    """Say why ENGAGEMENT has no more sessions than it has, and what would help.

    Everything that is said was tried with what is published.
    """
    settings, to_whom = Settings.from_environment(), Voice(voice)
    with opened_database(settings, read_only=True) as db:
        inquiry = inquire(db, engagement_id, settings.now(), seconds=seconds)
    for words in _told(inquiry, to_whom):
        click.echo(words.ja if language == "ja" else words.en)


def _told(inquiry: Inquiry, voice: Voice) -> Iterator[Words]:
    yield from sentences(inquiry, voice)
    if voice is Voice.PLANNER and inquiry.finding.candidates:
        yield WHO_COULD
        yield from _candidates(inquiry)
    remedies = offered(inquiry, voice)
    if remedies:
        yield WHAT_WOULD_HELP
    for each in remedies:
        words, consent = remedy(inquiry, each, voice), CONSENTS[each.consent]
        if voice is Voice.ORGANIZATION:
            yield Words(ja=f"- {words.ja}", en=f"- {words.en}")
        else:
            way = way_words(each.way)
            yield Words(
                ja=f"- {words.ja}。{consent.ja}、費用{each.plan_cost:+,}: {way.ja}",
                en=f"- {words.en}; {consent.en}, cost {each.plan_cost:+,}: {way.en}",
            )


def _candidates(inquiry: Inquiry) -> Iterator[Words]:
    finding = inquiry.finding
    for each in finding.candidates[:SHOWN]:
        reason = candidate_reason_of(each.diagnosis, each.in_the_way, finding.engagement)
        nobody = Words(ja=each.expert, en=each.expert)
        when = way_words(each.way) if each.way else nobody
        bar = Words(ja=f"; {reason.ja}", en=f"; {reason.en}") if reason else Words(ja="", en="")
        count = f"{each.sessions}/{finding.wanted}"
        yield Words(ja=f"- {count} {when.ja}{bar.ja}", en=f"- {count} {when.en}{bar.en}")
