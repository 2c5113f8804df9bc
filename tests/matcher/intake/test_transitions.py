from __future__ import annotations

import pytest

from matcher.errors import Conflict
from matcher.intake.transitions import TRANSITIONS, Step, state_after
from matcher.models import Application, ApplicationState

POSSIBLE = {
    "submitted": {"answer": "submitted", "assess": "assessed", "withdraw": "withdrawn"},
    "assessed": {
        "answer": "assessed",
        "assess": "assessed",
        "interview": "interviewed",
        "decline": "declined",
        "withdraw": "withdrawn",
    },
    "interviewed": {
        "answer": "interviewed",
        "assess": "interviewed",
        "interview": "interviewed",
        "accept": "accepted",
        "decline": "declined",
        "withdraw": "withdrawn",
    },
    "accepted": {"withdraw": "withdrawn"},
    "declined": {},
    "withdrawn": {},
}


def test_the_table_has_exactly_the_transitions_of_the_design() -> None:
    assert TRANSITIONS == POSSIBLE


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("state", ApplicationState)
def test_each_step_is_taken_or_refused_as_the_state_says(
    state: ApplicationState, step: Step
) -> None:
    application = Application(state=state)
    if step in POSSIBLE[state]:
        assert state_after(application, step) == POSSIBLE[state][step]
    else:
        with pytest.raises(Conflict) as refused:
            state_after(application, step)
        assert refused.value.data["possible"] == tuple(POSSIBLE[state])


def test_a_refusal_says_in_both_languages_what_is_possible_now() -> None:
    with pytest.raises(Conflict) as refused:
        state_after(Application(state=ApplicationState.SUBMITTED), Step.ACCEPT)
    assert refused.value.message_en == (
        "The application is submitted: accept is not possible. "
        "Possible now: answer, assess, withdraw."
    )
    assert refused.value.message_ja == (
        "この申込は「受付済み」のため、実施決定はできません。"
        "現在できること: 要件の回答の記録、要件の確認、取下げ。"
    )
