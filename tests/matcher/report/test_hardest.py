"""The engagement that gave way, and what it paid for that."""

from __future__ import annotations

from matcher.report.hardest import find_hardest
from tests.matcher.report.figures import plan, problem


def test_the_hardest_engagement_is_the_one_that_pays_most_for_the_others() -> None:
    placement = find_hardest(problem(), plan())
    assert placement.engagement == "tailors"
    assert (placement.expert_alone, placement.expert) == ("first", "second")
    assert placement.candidates == 2


def test_its_extra_cost_is_told_by_part() -> None:
    placement = find_hardest(problem(), plan())
    match = problem().weights.match * 10
    assert placement.extra_by_part == {"match": match}
    assert placement.extra_per_session == match


def test_an_engagement_that_is_not_served_is_the_hardest() -> None:
    best = plan()
    without = tuple(each for each in best.assignments if each.engagement != "bakers")
    placement = find_hardest(problem(), best.model_copy(update={"assignments": without}))
    assert placement.engagement == "bakers"
    assert (placement.expert_alone, placement.expert) == ("first", None)
    assert placement.sessions == 0
