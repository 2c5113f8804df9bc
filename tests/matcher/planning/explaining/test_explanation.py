"""The solver's findings in words, in Japanese and in English."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from matcher.planning.explaining.explanation import (
    CHANGES,
    CONDITIONS,
    CONSENTS,
    candidate_reason,
    conflict_sentence,
    outcome,
    remedy_words,
)
from matcher.programme import Words
from solver import Parameters, solve
from solver.conditions import Condition
from solver.explain import Explanation, explain
from solver.problem import Engagement
from solver.remedies import Change, Consent
from solver.standing import StandingPlan
from tests.solver.builders import file, pin, problem

ANN = [{"expert": "ann", "cost": 1}]


def explained(**changes: Any) -> tuple[Explanation, Engagement]:
    problem_file = file(problem(**changes))
    plan = solve(problem_file, Parameters(time_limit_seconds=None, work_limit=1))
    standing = StandingPlan.load(problem_file, plan)
    return explain(standing, "bakers"), standing.engagements["bakers"]


def test_every_code_has_words() -> None:
    assert CONDITIONS.keys() == set(get_args(Condition))
    assert CHANGES.keys() == set(get_args(Change))
    assert CONSENTS.keys() == set(get_args(Consent))


def test_how_it_is_served_is_one_sentence() -> None:
    found, _ = explained()
    assert outcome(found) == Words(
        ja="bakers: 希望2回のうち2回、annが担当(7月14日(月)09:00、7月21日(月)09:00)。",
        en="bakers: 2 of 2 sessions by ann (Mon 14 Jul 09:00, Mon 21 Jul 09:00).",
    )


def test_a_conflict_names_conditions_with_their_numbers() -> None:
    found, engagement = explained(bakers={"latest": "2025-07-18"})
    assert conflict_sentence(found, engagement) == Words(
        ja="2回の派遣は、どの候補者でも次の条件を同時に満たせません: "
        "実施できる期間(7月14日(月)から7月18日(金)まで)、派遣の間隔を7日以上空けること。"
        "どれか1つを外せば、残りは満たせます。",
        en="2 sessions are not possible with any candidate, as these cannot all hold: the period "
        "Mon 14 Jul to Fri 18 Jul and at least 7 days between sessions. Without any one of them "
        "the others can.",
    )


def test_a_single_condition_is_a_reason_by_itself() -> None:
    away = {"busy": [["2025-07-14T00:00", "2025-08-09T00:00"]]}
    found, engagement = explained(ann=away, bakers={"candidates": ANN})
    words = conflict_sentence(found, engagement)
    assert words
    assert words.en == (
        "1 session is not possible with any candidate because of the times at which the expert "
        "is busy."
    )
    assert outcome(found).en == "bakers: no session of 2."


def test_a_candidates_reason_names_the_visits_in_the_way() -> None:
    visit = {"pinned": [pin(1, "ann", "2025-07-14T09:00")], "candidates": [], "durations": [120]}
    found, engagement = explained(
        ann={"open": [["mon", "09:00", "11:00"]]},
        bakers={"latest": "2025-07-14", "durations": [60], "candidates": ANN},
        tailors=visit,
    )
    assert candidate_reason(found.candidates[0], engagement) == Words(
        ja="「専門家の対応可能時間」、または「実施できる期間(7月14日(月)から7月14日(月)まで)」、または"
        "「専門家のほかの派遣」を外せば可能。支障となる派遣: tailors 第1回 7月14日(月)09:00",
        en="possible without the expert's weekly hours, or without the period Mon 14 Jul to "
        "Mon 14 Jul, or without the expert's other sessions; in the way: tailors session 1 "
        "Mon 14 Jul 09:00",
    )


def test_a_candidate_who_can_serve_has_no_reason() -> None:
    found, engagement = explained()
    assert candidate_reason(found.candidates[0], engagement) is None
    assert conflict_sentence(found, engagement) is None


@pytest.mark.parametrize(
    ("changes", "ja", "en"),
    [
        (
            {"bakers": {"latest": "2025-07-18", "candidates": ANN}},
            "期間の終わりを3日延ばす",
            "End the period 3 days later",
        ),
        (
            {"bakers": {"open": [["sat", "09:00", "17:00"]], "candidates": ANN}},
            "団体の受入可能時間に月曜日の9:00から12:00までを加える",
            "Add Monday 9:00 to 12:00 to the organization's hours",
        ),
        (
            {"ann": {"max_total": 0}, "bakers": {"candidates": ANN}},
            "annの担当回数の上限を2回増やす",
            "Raise the sessions of ann in all by 2",
        ),
    ],
)
def test_a_remedy_says_what_to_change(changes: dict[str, Any], ja: str, en: str) -> None:
    found, _ = explained(**changes)
    assert Words(ja=ja, en=en) in [remedy_words(each) for each in found.remedies]
