from __future__ import annotations

import inspect

import pytest

from matcher import errors
from matcher.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MatcherError,
    Misconfigured,
    NotFound,
    NotServable,
    PlanOutdated,
    RowsRefused,
    Unauthenticated,
)

ONE_OF_EACH = [
    Unauthenticated(),
    Forbidden(),
    NotFound("expert", "E1"),
    Invalid(
        "session_minutes",
        "30 is too short",
        "give 60 to 120",
        reason_ja="30分では短すぎます",
        remedy_ja="60分から120分で指定してください",
    ),
    RowsRefused(1, "CSV, UTF-8", [{"row": 2, "column": None}]),
    Conflict("It is decided already; withdraw it instead.", "既に決定済みです。"),
    PlanOutdated(["expert E1", "release 2"]),
    NotServable(["no expert is free"], ["対応できる専門家がいません"]),
    Misconfigured("MATCHER_QUEUE_URL: give a URL.", "MATCHER_QUEUE_URL を設定してください。"),
]


def test_the_module_names_its_classes_and_its_docstring_draws_them() -> None:
    """Both exactly."""
    made = {name for name, each in inspect.getmembers(errors, inspect.isclass)
            if issubclass(each, MatcherError)}  # fmt: skip
    drawn = {word for word in (errors.__doc__ or "").split() if word in made}

    assert made == set(errors.__all__) == drawn


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_every_error_has_a_code_and_a_sentence_in_each_language(error: MatcherError) -> None:
    """For programs, and for people; one line each."""
    assert error.code.isidentifier()
    assert str(error) == error.message_en
    assert error.message_en.endswith(".")
    assert error.message_ja.endswith("。")
    assert "\n" not in error.message_en + error.message_ja


def test_errors_carry_what_they_are_about() -> None:
    """So that nobody reads it out of a sentence."""
    assert NotFound("expert", "E1").data == {"kind": "expert", "id": "E1"}
    assert PlanOutdated(["release 2"]).data == {"moved": ("release 2",)}
    assert PlanOutdated(["release 2"]).code == "plan_outdated"
    assert NotServable(["nobody is free"]).reasons == ("nobody is free",)


def test_what_moved_under_a_plan_is_named_in_japanese() -> None:
    """People read the sentence, programs the names."""
    error = PlanOutdated(["expert:E1", "release"])
    assert "(専門家 E1、確定版)" in error.message_ja
    assert error.moved == ("expert:E1", "release")


def test_an_outdated_plan_offers_what_of_it_can_be_published() -> None:
    """In both languages, where there is something."""
    some = PlanOutdated(["release"], untouched=["A1", "A2"], touched=())
    none = PlanOutdated(["release"], untouched=[], touched=())
    assert some.data == {"moved": ("release",), "untouched": ("A1", "A2"), "touched": ()}
    assert "part 'untouched' (engagements: 2)" in some.message_en
    assert "(派遣案件2件)" in some.message_ja
    assert none.message_en.endswith("release. Make a new plan.")
