"""The tables of a plan, in either language and in both."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from matcher.cost_words import COST_PARTS
from matcher.programme import Words
from matcher.report.figures import Declined, IntakeFigures
from matcher.report.hardest import find_hardest
from matcher.report.language import Language, Voice
from matcher.report.tables import (
    cost_table,
    hardest_text,
    intake_table,
    load_table,
    month_table,
    schedule_table,
    served_table,
)
from solver import Cost
from tests.matcher.report.figures import figures


def printed(table: RenderableType) -> str:
    """What stands on the page, blanks at the ends of lines left out."""
    page = io.StringIO()
    Console(file=page, width=110).print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())


@pytest.mark.parametrize(
    ("language", "expected"),
    [("ja", "2025年9月"), ("en", "Sep 2025"), ("both", "2025年9月  Sep 2025")],
)
def test_a_month_is_told_in_the_language_asked_for(language: Language, expected: str) -> None:
    assert expected in printed(month_table(figures(), Voice(language)))


def test_every_part_of_the_cost_is_told() -> None:
    assert set(COST_PARTS) == set(Cost.model_fields) - {"total"}
    shown = printed(cost_table(figures(), Voice("en")))
    assert f"{figures().plan.cost.total:,}" in shown


def test_a_proven_optimum_is_called_one() -> None:
    assert "0% (proven optimal)" in printed(served_table(figures(), Voice("en")))


def test_who_is_not_served_is_named() -> None:
    best = figures()
    without = tuple(each for each in best.plan.assignments if each.engagement != "bakers")
    poorer = replace(best, plan=best.plan.model_copy(update={"assignments": without}))
    assert "東京パン組合" in printed(served_table(poorer, Voice("ja")))


def test_who_gets_fewer_sessions_than_asked_for_is_named() -> None:
    best = figures()
    bakers, *others = best.problem.engagements
    longer = bakers.model_copy(update={"durations": (120, 90)})
    wanting = best.problem.model_copy(update={"engagements": (longer, *others)})
    shown = printed(served_table(replace(best, problem=wanting), Voice("en")))
    assert "short of sessions   1 / 2  Tokyo Bakers" in shown


def test_an_engagement_that_could_not_have_all_its_sessions_even_alone_is_told_so() -> None:
    placement = find_hardest(figures().problem, figures().plan)
    wanting = replace(placement, wanted_sessions=2)
    shown = printed(hardest_text(figures(), wanting, Voice("ja")))
    assert "この団体だけで計画しても、組めるのは1回までです。" in shown


def test_a_load_is_a_bar_up_to_target_above_it_and_left() -> None:
    first = figures().experts[0]
    for visits, bar in ((0, "░░"), (1, "█░"), (2, "█▓")):
        loaded = replace(first, visits=first.visits[:1] * visits)
        shown = printed(load_table(replace(figures(), experts=(loaded,)), Voice("en")))
        assert f"Expert first  {bar}" in shown


def test_a_schedule_tells_day_time_number_organization_and_place() -> None:
    shown = printed(schedule_table(figures().experts[0], Voice("ja")))
    assert "2025年9月2日(火)  10:00–12:00  1 / 1  東京パン組合  千代田区" in shown


def test_the_hardest_placement_is_told_in_numbers() -> None:
    placement = find_hardest(figures().problem, figures().plan)
    shown = printed(hardest_text(figures(), placement, Voice("en")))
    assert "2 of 2 experts may serve it; it gets 1 of 1 sessions." in shown
    assert "Alone it would get Expert first" in shown
    assert "it gets Expert second." in shown


def test_who_is_declined_is_told_with_the_reasons() -> None:
    reason = Words(ja="都税の未納がないこと。", en="It has no unpaid Tokyo metropolitan taxes.")
    intake = IntakeFigures(3, 1, (Declined("A1", Words(ja="東京釣具会", en="Anglers"), (reason,)),))
    shown = printed(intake_table(intake, Voice("both")))
    assert "申込3件: 実施決定1件、見送り1件、審査中1件。" in shown
    assert "3 applications: 1 accepted, 1 declined, 1 not yet decided." in shown
    assert "都税の未納がないこと。" in shown
    assert reason.en in shown
