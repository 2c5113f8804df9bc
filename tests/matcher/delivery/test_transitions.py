from __future__ import annotations

import pytest

from matcher.delivery.transitions import TRANSITIONS, Step, state_after
from matcher.errors import Conflict
from matcher.models import Engagement, EngagementState
from matcher.planning.stating.records import PLANNABLE_STATES

POSSIBLE = {
    "waiting": {
        "assign": "planned",
        "correct_outcome": "in_progress",
        "revise": "waiting",
        "withdraw": "withdrawn",
    },
    "planned": {
        "assign": "planned",
        "report_held": "in_progress",
        "report_missed": "planned",
        "correct_outcome": "in_progress",
        "cancel_session": "planned",
        "move_session": "planned",
        "revise": "planned",
        "withdraw": "withdrawn",
    },
    "in_progress": {
        "assign": "in_progress",
        "report_held": "in_progress",
        "report_missed": "in_progress",
        "correct_outcome": "in_progress",
        "cancel_session": "in_progress",
        "move_session": "in_progress",
        "revise": "in_progress",
        "complete": "completed",
        "withdraw": "withdrawn",
    },
    "completed": {},
    "withdrawn": {
        "report_held": "withdrawn",
        "report_missed": "withdrawn",
        "cancel_session": "withdrawn",
    },
}


def test_the_table_has_exactly_the_transitions_of_the_design() -> None:
    assert TRANSITIONS == POSSIBLE


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("state", EngagementState)
def test_each_step_is_taken_or_refused_as_the_state_says(
    state: EngagementState, step: Step
) -> None:
    engagement = Engagement(state=state)
    if step in POSSIBLE[state]:
        assert state_after(engagement, step) == POSSIBLE[state][step]
    else:
        with pytest.raises(Conflict) as refused:
            state_after(engagement, step)
        assert refused.value.data["possible"] == tuple(POSSIBLE[state])


def test_a_refusal_says_in_both_languages_what_is_possible_now() -> None:
    with pytest.raises(Conflict) as refused:
        state_after(Engagement(state=EngagementState.WAITING), Step.COMPLETE)
    assert refused.value.message_en == (
        "The engagement is waiting: complete is not possible. "
        "Possible now: assign, correct outcome, revise, withdraw."
    )
    assert refused.value.message_ja == (
        "この派遣案件は「日程調整待ち」のため、完了の登録はできません。"
        "現在できること: 専門家と日程の割当、実施・不実施の訂正、派遣内容の見直し、取下げ。"
    )


def test_sessions_are_planned_in_the_states_in_which_they_may_be_assigned() -> None:
    assert {state for state in TRANSITIONS if Step.ASSIGN in TRANSITIONS[state]} == PLANNABLE_STATES
