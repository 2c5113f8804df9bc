"""`matcher publish`, `matcher releases`: make a plan a release, list releases, go back to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import click
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.orm import Session

from matcher.cli.database import opened_database
from matcher.cli.language import LANGUAGE, Language
from matcher.cli.output import output
from matcher.clock import to_tokyo
from matcher.errors import Conflict, PlanOutdated
from matcher.models import FROZEN_DAYS, Release
from matcher.planning.publishing.obstacles import Obstacle
from matcher.planning.publishing.releases import Untouched, find_untouched, publish_untouched
from matcher.planning.publishing.releases import publish as publish_plan
from matcher.planning.publishing.restoration import KeptSession, RestorationDraft, RestorationPart
from matcher.planning.publishing.restoration import restore as restore_release
from matcher.planning.publishing.snapshots import ChangeCount, count_changes
from matcher.programme import Words
from matcher.settings import Settings

DONE, NO = 0, 1
PROGRAMME_ID = "tokyo-2025"
Command = Callable[..., Any]


def _by(command: str) -> Callable[[Command], Command]:
    return click.option("--by", default=command, show_default=True, help="Who publishes it.")


@click.command
@click.argument("plan_id", metavar="PLAN_ID")
@click.option(
    "--untouched",
    is_flag=True,
    help="Only what nothing has touched that has changed since the plan was begun.",
)
@click.option("--note", default="", metavar="TEXT", help="What to say of the release.")
@_by("matcher publish")
@LANGUAGE
def publish(plan_id: str, untouched: bool, note: str, by: str, language: Language) -> int:
    """Make a ready plan the next release, all of it or nothing.

    Where its ground has moved it says which engagements can be published still, and what is in
    the way of the others, and exits 1.
    """
    settings = Settings.from_environment()
    told = (plan_id, note, by, settings.now())
    with _answered(language) as answer:
        publication: Callable[..., Release] = publish_plan
        if untouched:
            publication = partial(publish_untouched, found=_untouched(settings, plan_id))
        try:
            with opened_database(settings) as db:
                answer.say(_published(db, publication(db, *told)))
        except PlanOutdated as outdated:
            found = _untouched(settings, plan_id)
            raise found.refusal if found else outdated from None
    return answer.status


def _untouched(settings: Settings, plan_id: str) -> Untouched | None:
    """Looked for before or after, not while the database is held for writing."""
    with opened_database(settings, read_only=True) as db:
        return find_untouched(db, plan_id, settings.now())


@click.group
def releases() -> None:
    """List what was published, and go back to it."""


@releases.command("list")
@click.option("--programme", metavar="ID", help="Only those of one programme.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    metavar="N",
    help="Only the newest so many.",
)
def list_all(programme: str | None, limit: int) -> None:
    """List the releases, the newest first, and how many sessions each changed."""
    wanted = select(Release).order_by(
        Release.published_at.desc(), Release.programme_id, Release.number.desc()
    )
    if programme is not None:
        wanted = wanted.where(Release.programme_id == programme)
    table = Table(box=None)
    for column in (
        "programme",
        "no.",
        "published",
        "by",
        "added",
        "moved",
        "dropped",
        "plan",
        "note",
    ):
        table.add_column(column, no_wrap=column != "note", overflow="fold")
    with opened_database(Settings.from_environment(), read_only=True) as db:
        found = db.scalars(wanted.limit(limit)).all()
        counts = count_changes(db, found)
        for each in found:
            table.add_row(*map(Text, _row(each, counts[each.programme_id, each.number])))
    output().print(table)


@releases.command
@click.argument("number", type=click.IntRange(1))
@click.option("--possible", is_flag=True, help="Bring back what can be, where not all can.")
@click.option("--note", required=True, metavar="TEXT", help="Why.")
@click.option(
    "--frozen-days",
    type=click.IntRange(0, 366),
    default=FROZEN_DAYS,
    show_default=True,
    metavar="N",
    help="Leave the sessions of so many days after today as they are.",
)
@click.option("--programme", default=PROGRAMME_ID, show_default=True, metavar="ID")
@_by("matcher releases restore")
@LANGUAGE
def restore(
    number: int,
    possible: bool,
    note: str,
    frozen_days: int,
    programme: str,
    by: str,
    language: Language,
) -> int:
    """Make the sessions of release NUMBER the next release.

    What was held or missed since, is over, close at hand, pinned or on hold stays as it is. Where
    some sessions of then cannot come back it says which and why, and exits 1.
    """
    settings = Settings.from_environment()
    draft = _draft(note, possible, frozen_days)
    with _answered(language) as answer, opened_database(settings) as db:
        done = restore_release(db, programme, number, draft, by, settings.now())
        answer.say(_published(db, done.release))
        answer.tell({"kept": done.kept, "not_restored": done.not_restored})
    return answer.status


def _draft(note: str, possible: bool, frozen_days: int) -> RestorationDraft:
    part = RestorationPart.POSSIBLE if possible else RestorationPart.ALL
    try:
        return RestorationDraft(note=note, part=part, frozen_days=frozen_days)
    except ValidationError as error:
        raise click.BadParameter("say why, in plain text", param_hint="--note") from error


class Answer:
    """What a command says, and whether the answer is no."""

    def __init__(self, language: Language) -> None:
        self.status = DONE
        self._language = language
        self._lines: list[str] = []

    def say(self, words: Words) -> None:
        """Say it when all is done."""
        self._lines.append(self._within(words))

    def tell(self, data: Mapping[str, object]) -> None:
        """Name the engagements and sessions that an answer carries, a line each."""
        for name, title in TITLES.items():
            found = data.get(name)
            if isinstance(found, tuple) and found:
                self.say(title)
                self._lines += [f"  {self._line(each)}" for each in found]

    def refuse(self, refusal: Conflict) -> None:
        """Say that the answer is no, and why."""
        self.status = NO
        self._lines = []
        japanese = self._language == "ja"
        click.echo(refusal.message_ja if japanese else refusal.message_en, err=True)
        self.tell(refusal.data)

    def show(self) -> None:
        """Print it."""
        for line in self._lines:
            click.echo(line)

    def _line(self, each: object) -> str:
        match each:
            case Obstacle():
                return f"{each.engagement_id}: {self._within(each.reason)}"
            case KeptSession():
                place = f"第{each.number}回" if self._language == "ja" else f"session {each.number}"
                return f"{each.engagement_id} {place}: {self._within(each.reason)}"
        return str(each)

    def _within(self, words: Words) -> str:
        return words.ja if self._language == "ja" else words.en


TITLES: Mapping[str, Words] = MappingProxyType(
    {
        "untouched": Words(ja="確定できる派遣案件:", en="Can be published still:"),
        "touched": Words(ja="影響を受ける派遣案件:", en="Touched:"),
        "kept": Words(ja="現在のまま残した派遣:", en="Kept as they are:"),
        "not_restored": Words(ja="元に戻せない派遣案件:", en="Cannot come back:"),
    }
)
"""What stands above the engagements or sessions that an answer carries."""


@contextmanager
def _answered(language: Language) -> Iterator[Answer]:
    """Say what was done once it is committed; where the state forbids it, say so."""
    answer = Answer(language)
    try:
        yield answer
    except Conflict as refusal:
        answer.refuse(refusal)
    answer.show()


def _published(db: Session, release: Release) -> Words:
    (count,) = count_changes(db, [release]).values()
    added, moved, dropped = count or ChangeCount(0, 0, 0)
    id, number = release.programme_id, release.number
    return Words(
        ja=f"{id}の確定版{number}を作成しました(追加{added}回、変更{moved}回、取消{dropped}回)。",
        en=f"Release {number} of {id}: sessions added {added}, moved {moved}, dropped {dropped}.",
    )


def _row(release: Release, count: ChangeCount | None) -> tuple[str, ...]:
    at = to_tokyo(release.published_at).strftime("%Y-%m-%d %H:%M")
    counted = ("?",) * 3 if count is None else tuple(map(str, count))
    told = (release.programme_id, str(release.number), at, release.published_by)
    return *told, *counted, release.plan_id or "–", release.note
