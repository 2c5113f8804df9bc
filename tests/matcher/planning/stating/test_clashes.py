"""The sessions that are fixed and cannot stand together, by name."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.planning.stating.clashes import clashes, contradiction, incomplete, infeasible
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import Records
from matcher.programme import Words
from solver.problem import Problem
from tests.matcher import rows

NOON = rows.MORNING + dt.timedelta(days=1)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: only plain queries are sent from here."""
    return sqlite_url


@pytest.fixture
def problem(db: Database) -> Problem:
    """E1 has held one session of A1 and one of A2, on one day."""
    rows.add_engagements(db, "A1", "A2")
    noon = rows.MORNING + dt.timedelta(hours=3)
    db.add_all([rows.session("S1"), rows.session("S2", noon, engagement_id="A2")])
    db.flush()
    records = Records.load(db, "tokyo-2025", NOON)
    return problem_of(records, records.plannable)


def limited(problem: Problem, **caps: int) -> Problem:
    (expert,) = problem.experts
    return problem.model_copy(update={"experts": (expert.model_copy(update=caps),)})


def test_what_can_stand_together_is_no_clash(problem: Problem) -> None:
    assert clashes(problem) == incomplete(problem) == ()


def test_two_sessions_that_one_expert_cannot_hold_are_named(problem: Problem) -> None:
    (found,) = clashes(limited(problem, max_per_day=1))
    assert found == Words(
        ja="専門家E1は、A1の第1回(2025-10-01 10:00)とA2の第1回(2025-10-01 13:00)の"
        "両方を担当できません。",
        en="Expert E1 cannot hold both session 1 of A1 (2025-10-01 10:00) "
        "and session 1 of A2 (2025-10-01 13:00).",
    )


def test_more_sessions_than_the_limit_in_all_are_told_by_the_expert(db: Database) -> None:
    rows.add_engagements(db, "A1", "A2", "A3")
    db.add_all(
        rows.session(f"S{n}", rows.MORNING + dt.timedelta(weeks=n), engagement_id=f"A{n}")
        for n in (1, 2, 3)
    )
    db.flush()
    records = Records.load(db, "tokyo-2025", NOON + dt.timedelta(weeks=4))
    (found,) = clashes(limited(problem_of(records, records.plannable), max_total=2))
    assert found == Words(
        ja="専門家E1に固定されている派遣が、担当回数の上限を超えています。",
        en="More sessions are fixed with expert E1 than the limits allow.",
    )


def test_a_refusal_names_what_clashes_in_both_languages(problem: Problem) -> None:
    """And keeps the solver's own words for whoever reads the record."""
    clashing = limited(problem, max_per_day=1)
    (found,) = clashes(clashing)

    refusal = infeasible(clashing, ["day"])

    assert (refusal.code, refusal.data["conflicts"]) == ("infeasible_pins", ("day",))
    assert refusal.message_ja == "確定済みの派遣や固定が両立しません。" + found.ja
    assert refusal.message_en == f"What is published or pinned clashes. {found.en}"
    assert contradiction(clashing).ja == refusal.message_ja
