"""`matcher changes`: what a plan would change of what is published, and why."""

from __future__ import annotations

from pathlib import Path

import click

from matcher.cli.database import opened_database
from matcher.cli.language import LANGUAGE, Language
from matcher.cli.output import output
from matcher.planning.comparing.comparison import compare_plan, compare_releases
from matcher.report.changes import changes_report
from matcher.report.changes_document import changes_document
from matcher.report.changes_picture import draw_changes
from matcher.report.language import Voice
from matcher.settings import Settings


@click.command
@click.argument("plan_id", metavar="[PLAN_ID]", required=False)
@click.option(
    "--release", type=click.IntRange(min=1), metavar="N", help="What release N changed instead."
)
@click.option(
    "--against",
    type=click.IntRange(min=1),
    metavar="M",
    help="Compare release N with release M; by default with the one before it.",
)
@click.option("--programme", metavar="ID", help="Of which programme release N is.")
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="Everything, for programs.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg",
    help="Draw it as well: experts down, weeks across.",
)
def changes(
    plan_id: str | None,
    release: int | None,
    against: int | None,
    programme: str | None,
    language: Language,
    as_json: bool,
    picture: Path | None,
) -> None:
    """Show what publishing the plan PLAN_ID would change, whom it disturbs, what it costs, and why.

    With --release, what a release changed of another. Every reason was checked by the judge.
    """
    if (plan_id is None) == (release is None):
        raise click.UsageError("name a plan, or a release by --release N")
    if release is None and (against is not None or programme is not None):
        raise click.UsageError("--against and --programme go with --release N")
    settings = Settings.from_environment()
    with opened_database(settings, read_only=True) as db:
        if plan_id is not None:
            found = compare_plan(db, plan_id, settings.now())
        else:
            found = compare_releases(db, programme, release or 0, against)
    if picture is not None:
        picture.write_bytes(draw_changes(found))
    if as_json:
        click.echo(changes_document(found).model_dump_json(indent=1))
    else:
        output().print(changes_report(found, Voice(language)))
