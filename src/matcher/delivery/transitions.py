"""The state machine of an engagement: what is possible when, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from matcher.errors import Conflict
from matcher.models import Engagement, EngagementState

__all__ = ["TRANSITIONS", "Step", "state_after"]


class Step(StrEnum):
    """What can be done with an engagement."""

    ASSIGN = "assign"
    REPORT_HELD = "report_held"
    REPORT_MISSED = "report_missed"
    CORRECT_OUTCOME = "correct_outcome"
    CANCEL_SESSION = "cancel_session"
    MOVE_SESSION = "move_session"
    REVISE = "revise"
    COMPLETE = "complete"
    WITHDRAW = "withdraw"


TRANSITIONS: Mapping[EngagementState, Mapping[Step, EngagementState]] = MappingProxyType(
    {
        EngagementState.WAITING: {
            Step.ASSIGN: EngagementState.PLANNED,
            Step.CORRECT_OUTCOME: EngagementState.IN_PROGRESS,
            Step.REVISE: EngagementState.WAITING,
            Step.WITHDRAW: EngagementState.WITHDRAWN,
        },
        EngagementState.PLANNED: {
            Step.ASSIGN: EngagementState.PLANNED,
            Step.REPORT_HELD: EngagementState.IN_PROGRESS,
            Step.REPORT_MISSED: EngagementState.PLANNED,
            Step.CORRECT_OUTCOME: EngagementState.IN_PROGRESS,
            Step.CANCEL_SESSION: EngagementState.PLANNED,
            Step.MOVE_SESSION: EngagementState.PLANNED,
            Step.REVISE: EngagementState.PLANNED,
            Step.WITHDRAW: EngagementState.WITHDRAWN,
        },
        EngagementState.IN_PROGRESS: {
            Step.ASSIGN: EngagementState.IN_PROGRESS,
            Step.REPORT_HELD: EngagementState.IN_PROGRESS,
            Step.REPORT_MISSED: EngagementState.IN_PROGRESS,
            Step.CORRECT_OUTCOME: EngagementState.IN_PROGRESS,
            Step.CANCEL_SESSION: EngagementState.IN_PROGRESS,
            Step.MOVE_SESSION: EngagementState.IN_PROGRESS,
            Step.REVISE: EngagementState.IN_PROGRESS,
            Step.COMPLETE: EngagementState.COMPLETED,
            Step.WITHDRAW: EngagementState.WITHDRAWN,
        },
        EngagementState.COMPLETED: {},
        # What took place before a withdrawal may still be told after it.
        EngagementState.WITHDRAWN: {
            Step.REPORT_HELD: EngagementState.WITHDRAWN,
            Step.REPORT_MISSED: EngagementState.WITHDRAWN,
            Step.CANCEL_SESSION: EngagementState.WITHDRAWN,
        },
    }
)
"""The state machine: state -> what is possible -> the state after it.

A planned engagement whose last session is cancelled, or dropped by a plan, waits again. One in
progress of which no session was held, as a corrected report says, is only planned again.
"""

_STATES_JA: Mapping[EngagementState, str] = MappingProxyType(
    {
        EngagementState.WAITING: "日程調整待ち",
        EngagementState.PLANNED: "日程確定済み",
        EngagementState.IN_PROGRESS: "派遣実施中",
        EngagementState.COMPLETED: "完了",
        EngagementState.WITHDRAWN: "取下げ済み",
    }
)
_STEPS_JA: Mapping[Step, str] = MappingProxyType(
    {
        Step.ASSIGN: "専門家と日程の割当",
        Step.REPORT_HELD: "実施した派遣の報告",
        Step.REPORT_MISSED: "実施できなかった派遣の報告",
        Step.CORRECT_OUTCOME: "実施・不実施の訂正",
        Step.CANCEL_SESSION: "派遣の取消し",
        Step.MOVE_SESSION: "派遣の日程変更",
        Step.REVISE: "派遣内容の見直し",
        Step.COMPLETE: "完了の登録",
        Step.WITHDRAW: "取下げ",
    }
)


def state_after(engagement: Engagement, step: Step) -> EngagementState:
    """The state in which a step leaves an engagement.

    Raises:
        Conflict: the step is not possible now; the message says which are.
    """
    possible = TRANSITIONS[engagement.state]
    if step not in possible:
        state = engagement.state
        raise Conflict(
            f"The engagement is {_said(state)}: {_said(step)} is not possible. "
            f"Possible now: {', '.join(map(_said, possible)) or 'nothing'}.",
            f"この派遣案件は「{_STATES_JA[state]}」のため、{_STEPS_JA[step]}はできません。"
            f"現在できること: {'、'.join(_STEPS_JA[each] for each in possible) or 'ありません'}。",
            state=state.value,
            possible=tuple(each.value for each in possible),
        )
    return possible[step]


def _said(word: EngagementState | Step) -> str:
    return word.value.replace("_", " ")
