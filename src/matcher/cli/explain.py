"""`matcher explain`: why an engagement is served as it is, and what would help."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from matcher.cli.files import PROBLEM, named, read_problem
from matcher.cli.language import LANGUAGE, Language
from matcher.planning.explaining.explanation import (
    CONSENTS,
    candidate_reason,
    conflict_sentence,
    outcome,
    remedy_words,
    way_words,
)
from matcher.programme import Words
from solver.explain import Explanation
from solver.explain import explain as explain_engagement
from solver.plan import Plan
from solver.problem import Engagement
from solver.problem_file import ProblemFile, read_bytes, unpack
from solver.standing import Inseparable, StandingPlan, UnsoundPlan

SHOWN = 10
"""Candidates and remedies that are shown to a person; --json tells of all."""


@click.command()
@PROBLEM
@click.argument("plan_path", metavar="PLAN", type=click.Path(path_type=Path))
@click.argument("engagement_id", metavar="ENGAGEMENT")
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="Everything, for programs.")
def explain(
    problem_path: Path, plan_path: Path, engagement_id: str, language: Language, as_json: bool
) -> None:
    """Explain how the plan file PLAN serves ENGAGEMENT of the problem file PROBLEM.

    Tells what each candidate could do and what bars it, and which changes would give the engagement
    more sessions, each tried and priced.
    """
    file = read_problem(problem_path)
    engagement = next((e for e in file.problem.engagements if e.id == engagement_id), None)
    if engagement is None:
        raise click.ClickException(
            f"{problem_path}: no engagement {engagement_id!r}; name one of engagements[].id"
        )
    explained = _explain(file, plan_path, engagement_id)
    if as_json:
        click.echo(TypeAdapter(Explanation).dump_json(explained, indent=1))
    else:
        _Reader(language).show(explained, engagement)


def _explain(file: ProblemFile, plan_path: Path, engagement_id: str) -> Explanation:
    with named(plan_path):
        content = unpack(read_bytes(plan_path))
    try:
        standing = StandingPlan.load(file, Plan.from_json(content))
        return explain_engagement(standing, engagement_id)
    except ValidationError as error:
        raise click.ClickException(f"{plan_path}: it is no plan/1; make one by solve") from error
    except (UnsoundPlan, Inseparable) as error:
        raise click.ClickException(f"{plan_path}: {error}; see check") from error


class _Reader:
    """Shows an explanation to a person who reads one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._console = Console()

    def show(self, explained: Explanation, engagement: Engagement) -> None:
        self._print(outcome(explained))
        conflict = conflict_sentence(explained, engagement)
        if conflict:
            self._print(conflict)
        if explained.candidates:
            self._console.print(self._candidates(explained, engagement))
        if explained.remedies:
            self._console.print(self._remedies(explained))

    def _print(self, words: Words) -> None:
        self._console.print(self._say(words), markup=False, highlight=False)

    def _say(self, words: Words) -> str:
        return words.ja if self._language == "ja" else words.en

    def _table(self, *columns: Words) -> Table:
        table = Table()
        for words in columns:
            table.add_column(self._say(words), overflow="fold")
        return table

    def _candidates(self, explained: Explanation, engagement: Engagement) -> Table:
        table = self._table(
            Words(ja="候補者", en="candidate"),
            Words(ja="可能な回数", en="sessions"),
            Words(ja="費用", en="cost"),
            Words(ja="ほかの派遣がない場合", en="alone"),
            Words(ja="最もよい日程、または理由", en="best dates, or what bars it"),
        )
        for each in explained.candidates[:SHOWN]:
            reason = candidate_reason(each, engagement)
            told = reason or (way_words(each.here) if each.here else None)
            table.add_row(
                each.expert,
                f"{each.sessions} / {explained.wanted}",
                f"{each.here.cost.total:,}" if each.here else "–",
                f"{each.alone.cost.total:,}" if each.alone else "–",
                self._say(told) if told else "",
            )
        self._count_rest(table, len(explained.candidates))
        return table

    def _remedies(self, explained: Explanation) -> Table:
        table = self._table(
            Words(ja="変更案", en="change"),
            Words(ja="同意", en="consent"),
            Words(ja="派遣", en="sessions"),
            Words(ja="計画全体の費用の増減", en="cost of the plan"),
        )
        for each in explained.remedies[:SHOWN]:
            table.add_row(
                self._say(remedy_words(each)),
                self._say(CONSENTS[each.consent]),
                self._say(way_words(each.way)),
                f"{each.plan_cost:+,}",
            )
        self._count_rest(table, len(explained.remedies))
        return table

    def _count_rest(self, table: Table, number: int) -> None:
        if number > SHOWN:
            more = number - SHOWN
            table.caption = self._say(Words(ja=f"ほか{more}件(--json)", en=f"{more} more: --json"))
