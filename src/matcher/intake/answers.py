"""What the organization declared and what staff verified about requirements, as it is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from matcher.errors import Conflict, Invalid
from matcher.models import Answer, AnswerSource, Application, RequirementAnswer
from matcher.programme import ProgrammeRules, RequirementKind

__all__ = ["GivenAnswer", "keep_answer", "keep_answers"]


class GivenAnswer(BaseModel):
    """An answer to one requirement, as the organization or staff give it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requirement_id: str
    answer: Answer
    evidence: str = ""


def keep_answers(
    application: Application,
    rules: ProgrammeRules,
    answers: Iterable[GivenAnswer],
    source: AnswerSource,
    by: str,
    now: dt.datetime,
) -> None:
    """Keep answers that people give.

    Raises:
        NotFound: the programme has no such requirement.
        Conflict: a declaration would replace what staff verified.
        Invalid: a machine answers the requirement, or it is answered twice, in two ways.
    """
    answers = tuple(answers)
    _refuse_contradictions(answers)
    verified = {
        kept.requirement_id for kept in application.answers if kept.source == AnswerSource.VERIFIED
    }
    for place, given in enumerate(answers):
        if rules.requirement(given.requirement_id).kind == RequirementKind.MACHINE:
            raise Invalid(
                f"answers.{place}.requirement_id",
                f"{given.requirement_id} is answered by the service itself",
                "correct the organization's record and assess again",
                reason_ja=f"{given.requirement_id} はシステムが判定する要件です",
                remedy_ja="団体の登録内容を直してから、もう一度確認してください",
            )
        if source == AnswerSource.DECLARED and given.requirement_id in verified:
            raise Conflict(
                f"{given.requirement_id} is verified; a declaration does not replace that. "
                "Staff can verify it again.",
                f"{given.requirement_id} は確認済みのため、申告では変更できません。"
                "職員が改めて確認してください。",
                requirement_id=given.requirement_id,
            )
        keep_answer(application, given, source, by, now)


def _refuse_contradictions(answers: Sequence[GivenAnswer]) -> None:
    first: dict[str, Answer] = {}
    for place, given in enumerate(answers):
        if first.setdefault(given.requirement_id, given.answer) != given.answer:
            raise Invalid(
                f"answers.{place}.answer",
                f"{given.requirement_id} is answered twice, in two ways",
                "give one answer to each requirement",
                reason_ja=f"{given.requirement_id} に異なる回答が2つあります",
                remedy_ja="要件ごとに回答を1つにしてください",
            )


def keep_answer(
    application: Application, given: GivenAnswer, source: AnswerSource, by: str, now: dt.datetime
) -> None:
    """Keep an answer in place of any earlier one to the same requirement."""
    kept = next(
        (own for own in application.answers if own.requirement_id == given.requirement_id), None
    )
    if kept is None:
        kept = RequirementAnswer(requirement_id=given.requirement_id)
        application.answers.append(kept)
    kept.answer, kept.source, kept.evidence = given.answer, source, given.evidence
    kept.answered_by, kept.answered_at = by, now
