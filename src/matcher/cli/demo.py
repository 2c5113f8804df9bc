"""`matcher demo`: the sample's year, from applications to calendars, as a planner sees it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import click

from matcher.cli.output import output
from matcher.demo.rehearsal import Rehearsal
from matcher.demo.story import Story
from matcher.planning.running.runs import RunParameters
from matcher.report.hardest import find_hardest
from matcher.report.language import Language, Voice
from matcher.report.run_display import RunDisplay

DONE, NO = 0, 1

WIDTH_OF_A_FILE = 110
"""How wide tables are where the output is no terminal."""


@click.command
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where its files go; what the demo did not make there stays.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1, max=3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the solver may take.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=lambda: len(os.sched_getaffinity(0)),
    show_default="one for each core",
    help="Processes of the solver.",
)
@click.option(
    "--language",
    type=click.Choice(get_args(Language)),
    default="both",
    show_default=True,
    help="What it speaks.",
)
def demo(folder: Path, time_limit: float, workers: int, language: Language) -> int:
    """Play the sample's year: applications, decisions, a plan, its release, the calendars.

    Makes a database and files in a folder of its own, and can be run again.
    """
    console = output(WIDTH_OF_A_FILE)
    voice = Voice(language)
    story = Story(console, voice)
    story.introduce()

    rehearsal = Rehearsal.prepare(folder)
    story.tell_intake(rehearsal.take_in())

    story.open_planning(time_limit, workers)
    with RunDisplay(console, voice, time_limit) as display:
        parameters = RunParameters(time_limit_seconds=time_limit, workers=workers)
        plan_id = rehearsal.plan(parameters, display)

    verdict = rehearsal.judge(plan_id)
    if not verdict.holds:
        story.tell_rejected([str(each) for each in verdict.broken])
        return NO
    release = rehearsal.publish(plan_id)
    story.tell_release(release.number, verdict.sessions)

    figures = rehearsal.figures(plan_id)
    story.show_plan(figures)
    story.show_hardest(figures, find_hardest(figures.problem, figures.plan))

    rehearsal.write_files(plan_id, figures)
    story.list_files(folder, len(rehearsal.write_calendars()))
    story.say_what_next(
        rehearsal.write_environment(),
        rehearsal.accepted_since(figures),
        figures.busiest.name,
        rehearsal.make_feed(figures.busiest.id),
    )
    return DONE
