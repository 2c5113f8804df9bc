"""What is said of changes where hardly any plan leads to it."""

from __future__ import annotations

from matcher.planning.comparing.change_words import BROKEN_JA, Names, reason_words
from matcher.planning.comparing.reasons import Reason, ReasonKind
from solver.validation import Broken

NAMES = Names({}, {})


def test_a_rule_that_no_other_reason_names_is_told_in_both_languages() -> None:
    broken = Broken("gap_days", "A1", "session 2 is 3 days after session 1")
    told = reason_words(Reason(ReasonKind.AS_JUDGED, said=(broken,)), NAMES)

    assert told.ja == f"もとのままでは規則に反するためです(検査結果: A1: {BROKEN_JA['gap_days']})"
    assert told.en.endswith(f"({broken.text})")
