from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from matcher.intake.drafts import AbsentTime, ApplicationDraft, InterviewFindings, Wishes, faults
from matcher.models import Delivery, WeeklyHours
from matcher.programme import ProgrammeRules

MORNING = WeeklyHours(weekday="tue", opens=dt.time(9), closes=dt.time(12))
SHORT = WeeklyHours(weekday="tue", opens=dt.time(13), closes=dt.time(14, 30))


def test_a_draft_within_the_rules_has_no_fault(
    draft: ApplicationDraft, rules: ProgrammeRules
) -> None:
    assert list(faults(draft, rules)) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"session_minutes": (60,) * 6}, "session_minutes"),
        ({"session_minutes": (60,) * 4, "purpose": "review"}, "session_minutes"),
        ({"session_minutes": (59,)}, "session_minutes"),
        ({"session_minutes": (121,)}, "session_minutes"),
        ({"weekly_hours": (SHORT,), "preferred_hours": ()}, "weekly_hours"),
        ({"preferred_hours": (MORNING,)}, "preferred_hours"),
        ({"first_wish_day": dt.date(2026, 3, 14)}, "first_wish_day"),
        ({"last_wish_day": dt.date(2025, 7, 14)}, "last_wish_day"),
        (
            {"first_wish_day": dt.date(2025, 10, 2), "last_wish_day": dt.date(2025, 10, 1)},
            "last_wish_day",
        ),
        (
            {
                "absences": (
                    AbsentTime(
                        start_at=dt.datetime(2025, 8, 2, tzinfo=dt.UTC),
                        end_at=dt.datetime(2025, 8, 2, tzinfo=dt.UTC),
                    ),
                )
            },
            "absences",
        ),
    ],
    ids=[
        "six sessions",
        "four of a review",
        "too short",
        "too long",
        "no stretch long enough",
        "preferred when closed",
        "begins too late",
        "ends too early",
        "ends before it begins",
        "empty absence",
    ],
)
def test_a_draft_that_asks_for_more_names_the_field(
    draft: ApplicationDraft, rules: ProgrammeRules, change: dict[str, Any], field: str
) -> None:
    (fault,) = faults(draft.model_copy(update=change), rules)
    assert fault.data["field"] == field


def test_hours_that_meet_are_one_stretch_as_they_are_for_a_plan(
    draft: ApplicationDraft, rules: ProgrammeRules
) -> None:
    """A session of two hours fits into two hours that meet, and so does a wish across both."""
    halves = tuple(
        WeeklyHours(weekday="tue", opens=dt.time(opens), closes=dt.time(opens + 1))
        for opens in (10, 11)
    )
    whole = WeeklyHours(weekday="tue", opens=dt.time(10), closes=dt.time(12))
    meeting = {"weekly_hours": halves, "preferred_hours": (whole,), "session_minutes": (120,)}
    assert list(faults(draft.model_copy(update=meeting), rules)) == []

    apart = meeting | {"weekly_hours": (halves[0], SHORT), "preferred_hours": ()}
    (fault,) = faults(draft.model_copy(update=apart), rules)
    assert fault.field == "weekly_hours"


def test_findings_hold_what_was_given_a_null_included_and_nothing_else() -> None:
    findings = InterviewFindings(delivery=Delivery.ONLINE, last_wish_day=None)
    assert findings.given() == {"delivery": "online", "last_wish_day": None}
    assert InterviewFindings().given() == {}


def test_an_interview_asks_about_every_wish() -> None:
    assert InterviewFindings.model_fields.keys() == Wishes.model_fields.keys()
