"""The state machine of an application: what is possible when, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from matcher.errors import Conflict
from matcher.models import Application, ApplicationState

__all__ = ["STATES_JA", "TRANSITIONS", "Step", "state_after"]


class Step(StrEnum):
    """What can be done with an application."""

    ANSWER = "answer"
    ASSESS = "assess"
    INTERVIEW = "interview"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


TRANSITIONS: Mapping[ApplicationState, Mapping[Step, ApplicationState]] = MappingProxyType(
    {
        ApplicationState.SUBMITTED: {
            Step.ANSWER: ApplicationState.SUBMITTED,
            Step.ASSESS: ApplicationState.ASSESSED,
            Step.WITHDRAW: ApplicationState.WITHDRAWN,
        },
        ApplicationState.ASSESSED: {
            Step.ANSWER: ApplicationState.ASSESSED,
            Step.ASSESS: ApplicationState.ASSESSED,
            Step.INTERVIEW: ApplicationState.INTERVIEWED,
            Step.DECLINE: ApplicationState.DECLINED,
            Step.WITHDRAW: ApplicationState.WITHDRAWN,
        },
        ApplicationState.INTERVIEWED: {
            Step.ANSWER: ApplicationState.INTERVIEWED,
            Step.ASSESS: ApplicationState.INTERVIEWED,
            Step.INTERVIEW: ApplicationState.INTERVIEWED,  # a correction of what was recorded
            Step.ACCEPT: ApplicationState.ACCEPTED,
            Step.DECLINE: ApplicationState.DECLINED,
            Step.WITHDRAW: ApplicationState.WITHDRAWN,
        },
        ApplicationState.ACCEPTED: {Step.WITHDRAW: ApplicationState.WITHDRAWN},
        ApplicationState.DECLINED: {},
        ApplicationState.WITHDRAWN: {},
    }
)
"""The state machine, whole: state -> what is possible -> the state after it."""

STATES_JA: Mapping[ApplicationState, str] = MappingProxyType(
    {
        ApplicationState.SUBMITTED: "受付済み",
        ApplicationState.ASSESSED: "要件確認済み",
        ApplicationState.INTERVIEWED: "事前ヒアリング済み",
        ApplicationState.ACCEPTED: "実施決定済み",
        ApplicationState.DECLINED: "実施見送り",
        ApplicationState.WITHDRAWN: "取下げ済み",
    }
)
_STEPS_JA: Mapping[Step, str] = MappingProxyType(
    {
        Step.ANSWER: "要件の回答の記録",
        Step.ASSESS: "要件の確認",
        Step.INTERVIEW: "事前ヒアリングの記録",
        Step.ACCEPT: "実施決定",
        Step.DECLINE: "実施見送りの決定",
        Step.WITHDRAW: "取下げ",
    }
)


def state_after(application: Application, step: Step) -> ApplicationState:
    """The state in which a step leaves an application.

    Raises:
        Conflict: the step is not possible now; the message says which are.
    """
    possible = TRANSITIONS[application.state]
    if step not in possible:
        state = application.state
        raise Conflict(
            f"The application is {state.value}: {step.value} is not possible. "
            f"Possible now: {', '.join(possible) or 'nothing'}.",
            f"この申込は「{STATES_JA[state]}」のため、{_STEPS_JA[step]}はできません。"
            f"現在できること: {'、'.join(_STEPS_JA[each] for each in possible) or 'ありません'}。",
            state=state.value,
            possible=tuple(each.value for each in possible),
        )
    return possible[step]
