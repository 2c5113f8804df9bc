"""`matcher forecast` and `matcher rehearse`: what more fits, and what a loss would cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from matcher.cli.database import opened_database
from matcher.cli.language import LANGUAGE, Language
from matcher.cli.output import output
from matcher.geography import municipality
from matcher.models import Application
from matcher.planning.foreseeing.diary import Room
from matcher.planning.foreseeing.forecast import LENGTHS, Forecast, SpecialtyForecast, forecast
from matcher.planning.foreseeing.forecast_words import (
    bottleneck_sentence,
    last_day_sentence,
    uncounted_sentence,
)
from matcher.planning.foreseeing.profile import typical_profile
from matcher.planning.foreseeing.rehearsal import (
    Rehearsal,
    Repair,
    Undetermined,
    experts_with_sessions_to_come,
    rehearse,
)
from matcher.planning.stating.records import Records
from matcher.programme import ProgrammeRules, Words
from matcher.report.language import Voice
from matcher.settings import Settings
from matcher.wording import counted

PROGRAMME = click.option("--programme", metavar="ID", default="tokyo-2025", show_default=True)

ONLINE = "online"

SHOWN = 3
"""Limits that are named of a specialty."""


@click.command("forecast")
@PROGRAMME
@click.option(
    "--place",
    metavar="CODE|online",
    help="Where the engagements are that are counted: a municipality by its code, or online; "
    "by default, where most are.",
)
@LANGUAGE
def foresee(programme: str, place: str | None, language: Language) -> None:
    """Count how many more engagements fit, by specialty and week, with nothing published changed.

    Counted are typical engagements of five, four and three sessions, in the real calendars.
    """
    settings, voice, console = Settings.from_environment(), Voice(language), output()
    with opened_database(settings, read_only=True) as db:
        records = Records.load(db, programme, settings.now())
        applications = db.scalars(select(Application).where(Application.programme_id == programme))
        profile = typical_profile(records, tuple(applications))
        if place is not None:
            site = None if place == ONLINE else municipality(place).code
            profile = replace(profile, municipality_code=site)
        found = forecast(records, profile)
        names = _names(records)
        for specialty in found.specialties:
            _show(specialty, records.rules, names, voice, console)
        _print(console, _notes(found, voice))


def _names(records: Records) -> Mapping[str, Words]:
    """How each expert is called, by id."""
    return {
        id: Words(ja=f"{id} {each.name_ja}", en=f"{id} {each.name_en}")
        for id, each in records.experts.items()
    }


def _show(
    found: SpecialtyForecast,
    rules: ProgrammeRules,
    names: Mapping[str, Words],
    voice: Voice,
    console: Console,
) -> None:
    (name,) = (each.name for each in rules.specialties if each.id == found.specialty)
    table = Table(title=f"{voice.name(name)}  {_who(found, voice)}")
    table.add_column(voice.say("決定日", "accepted on"))
    table.add_column(voice.say("第1回の最短日", "first session from"))
    for length in LENGTHS:
        table.add_column(voice.say(f"{length}回", f"of {length}"), justify="right")
    for week in found.weeks:
        room = (_room(week.room[length]) for length in LENGTHS)
        table.add_row(f"{week.accepted_on}", f"{week.first_session_from}", *room)
    console.print(table)
    _print(
        console,
        [
            voice.name(last_day_sentence(name, each, found.last_days[each], found.uncounted))
            for each in LENGTHS
        ],
    )
    _print(
        console,
        [
            voice.name(bottleneck_sentence(each, names[each.expert_id]))
            for each in found.bottlenecks[:SHOWN]
        ],
    )
    more = len(found.bottlenecks) - SHOWN
    if more > 0:
        limits = f"And {counted(more, 'more limit')}."
        _print(console, [voice.say(f"ほかにも{more}件の上限があります。", limits)])
    _print(
        console,
        [voice.name(uncounted_sentence(each, names[each.expert_id])) for each in found.uncounted],
    )


def _who(found: SpecialtyForecast, voice: Voice) -> str:
    ja, en = "", ""
    if found.uncounted:
        number = len(found.uncounted)
        ja, en = f"(うち{number}名は計算対象外)", f" ({number} of them not counted)"
    return voice.say(
        f"専門家{found.experts}名{ja}・日程待ち{found.waiting}件",
        f"{counted(found.experts, 'expert')}{en}, {counted(found.waiting, 'engagement')} waiting",
    )


def _room(room: Room) -> str:
    exact = room.at_least == room.at_most
    return f"{room.at_least}" if exact else f"{room.at_least}–{room.at_most}"


def _notes(found: Forecast, voice: Voice) -> list[str]:
    profile = found.profile
    place = voice.say("オンライン", "online")
    if profile.municipality_code is not None:
        site = municipality(profile.municipality_code)
        place = voice.say(site.name_ja, site.name_en)
    return [
        voice.say(
            f"標準的な派遣: 1回{profile.session_minutes}分、{place}、"
            f"間隔{profile.min_gap_days}〜{profile.max_gap_days}日。",
            f"A typical engagement: sessions of {profile.session_minutes} minutes, {place}, "
            f"{profile.min_gap_days} to {profile.max_gap_days} days apart.",
        ),
        voice.say(
            "複数の専門分野をもつ専門家は各分野で数えているため、分野の件数は足し合わせられません。"
            "日程待ちの案件の分は差し引いていません。",
            "Experts of several specialties are counted in each, so these numbers do not add up. "
            "Engagements that wait are not subtracted.",
        ),
    ]


@click.command("rehearse")
@PROGRAMME
@LANGUAGE
def rehearse_losses(programme: str, language: Language) -> None:
    """For each expert: what would be lost if they dropped out tomorrow, the worst first.

    Everything of the others stands; what the loss touches is planned again at the least cost.
    """
    settings, voice = Settings.from_environment(), Voice(language)
    with opened_database(settings, read_only=True) as db:
        now = settings.now()
        records = Records.load(db, programme, now)
        touched = experts_with_sessions_to_come(db, programme, now)
        found = [rehearse(records, each) for each in touched]
        names = _names(records)
    worst_first = sorted(found, key=lambda each: each.damage, reverse=True)
    console = output()
    console.print(_losses(worst_first, names, voice))
    _print(console, tuple(_reasons(worst_first, voice)))


def _losses(found: Sequence[Rehearsal], names: Mapping[str, Words], voice: Voice) -> Table:
    table = Table(
        title=voice.say("専門家が明日から不在の場合", "If this expert dropped out tomorrow")
    )
    for ja, en in (
        ("専門家", "expert"),
        ("今後の派遣", "sessions to come"),
        ("実施できなくなる案件", "lost"),
        ("回数が減る案件", "shortened"),
        ("失われる派遣", "sessions lost"),
        ("日時の変更", "moved"),
        ("引き継ぎ", "taken over"),
        ("費用", "cost"),
        ("費用の下限", "bound"),
        ("失われる仮押さえ", "held times lost"),
    ):
        table.add_column(voice.say(ja, en), overflow="fold")
    for each in found:
        table.add_row(
            voice.name(names[each.expert_id]),
            f"{each.sessions_to_come}",
            *_repaired(each.outcome, voice),
            f"{each.held_times_lost}",
        )
    return table


def _repaired(outcome: Repair | Undetermined, voice: Voice) -> tuple[str, ...]:
    if isinstance(outcome, Undetermined):
        return (voice.say("判定できません", "undetermined"), *("?" * 6))
    return (
        ", ".join(outcome.lost) or "–",
        ", ".join(outcome.shortened) or "–",
        f"{outcome.sessions_lost}",
        f"{outcome.moved}",
        f"{outcome.taken_over}",
        f"{outcome.cost:,}",
        voice.say("最適", "optimal") if outcome.proven else f"{outcome.bound:,}",
    )


def _reasons(found: Sequence[Rehearsal], voice: Voice) -> Iterator[str]:
    """Why what is undetermined is."""
    for each in found:
        if isinstance(each.outcome, Undetermined):
            yield f"{each.expert_id}: " + " ".join(map(voice.name, each.outcome.reasons))


def _print(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False)
