"""`matcher replay`: solve a stored plan's problem again, and say whether the same comes of it."""

from __future__ import annotations

import click

from matcher.cli.database import opened_database
from matcher.cli.language import LANGUAGE, Language
from matcher.planning.running.replay import Replay, replay
from matcher.report.language import Voice
from matcher.settings import Settings

DONE, NO = 0, 1


@click.command("replay")
@click.argument("plan_id", metavar="PLAN_ID")
@LANGUAGE
def replay_plan(plan_id: str, language: Language) -> int:
    """Solve the stored problem of PLAN_ID again with the parameters it was solved with.

    Exits 0 where the same plan comes of it, 1 where it is another; says where, and why it may be.
    A plan solved by one worker with a work limit replays exactly.
    """
    with opened_database(Settings.from_environment(), read_only=True) as db:
        found = replay(db, plan_id)
    for line in _lines(found, Voice(language)):
        click.echo(line)
    return DONE if found.is_same else NO


def _lines(found: Replay, voice: Voice) -> list[str]:
    say = voice.say
    if found.is_same:
        cost = found.again.cost.total
        return [
            say(
                f"{found.plan_id}: 同じ派遣計画になりました(費用 {cost:,})。",
                f"{found.plan_id}: the same plan again, at a cost of {cost:,}.",
            )
        ]
    told = say("異なる派遣計画になりました。", "another plan.")
    lines = [f"{found.plan_id}: {told}"]
    lines += [f"  {say(each.ja, each.en)}" for each in found.differences]
    lines += [
        say(f"理由として考えられること: {each.ja}。", f"Why it may be: {each.en}.")
        for each in found.why_it_may
    ]
    return lines
