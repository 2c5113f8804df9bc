"""Eligibility: every requirement of the programme, answered met, not met or unknown.

The requirements are data of the programme. What a machine can answer, `CHECKS` answers from the
application itself, anew each time; the rest is answered by the organization (declared) or by staff
from evidence (verified), and kept with the application.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from stdnum.jp import cn

from matcher.clock import to_tokyo
from matcher.geography import MUNICIPALITIES
from matcher.models import Answer, AnswerSource, Application, LegalKind, RequirementAnswer
from matcher.programme import ProgrammeRules, Requirement, RequirementKind

__all__ = ["APPLIED_IN_PERIOD", "CHECKS", "Assessment", "Finding", "assess"]

APPLIED_IN_PERIOD = "applied_in_period"
"""The one requirement that is answered when an application comes in, and then stands."""


@dataclass(frozen=True)
class Finding:
    """The answer to one requirement: from where, on what evidence, and who said so when.

    `source`, `answered_by` and `answered_at` are None where nobody has answered yet, `answered_by`
    also where a machine did.
    """

    requirement: Requirement
    answer: Answer
    source: AnswerSource | None = None
    evidence: str = ""
    answered_by: str | None = None
    answered_at: dt.datetime | None = None


@dataclass(frozen=True)
class Assessment:
    """The answers to all requirements of a programme by one application, in their order."""

    findings: tuple[Finding, ...]

    @property
    def eligible(self) -> bool:
        """Every requirement is met."""
        return all(finding.answer == Answer.MET for finding in self.findings)

    @property
    def not_met(self) -> tuple[Finding, ...]:
        """The requirements that are not met: the reasons to decline."""
        return self._answered(Answer.NOT_MET)

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """The requirements without an answer that counts: what stands in the way of accepting."""
        return self._answered(Answer.UNKNOWN)

    def _answered(self, answer: Answer) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.answer == answer)


def assess(application: Application, rules: ProgrammeRules, now: dt.datetime) -> Assessment:
    """Answer every requirement, by machine at `now` or by what has been recorded."""
    recorded = {answer.requirement_id: answer for answer in application.answers}
    return Assessment(
        tuple(
            _checked(requirement, application, rules, now)
            if requirement.kind == RequirementKind.MACHINE
            else _recorded(requirement, recorded.get(requirement.id))
            for requirement in rules.requirements
        )
    )


@dataclass(frozen=True)
class _Result:
    answer: Answer
    evidence: str


def _checked(
    requirement: Requirement, application: Application, rules: ProgrammeRules, now: dt.datetime
) -> Finding:
    check = CHECKS.get(requirement.id)
    if check is None:
        return Finding(requirement, Answer.UNKNOWN)
    result = check(application, rules)
    return Finding(
        requirement, result.answer, AnswerSource.MACHINE, result.evidence, answered_at=now
    )


def _recorded(requirement: Requirement, given: RequirementAnswer | None) -> Finding:
    if given is None:
        return Finding(requirement, Answer.UNKNOWN)
    answer = given.answer
    # "We have paid our taxes" is worth asking, but counts only once staff have seen the proof.
    # What an organization says against itself counts at once.
    if requirement.kind == RequirementKind.VERIFIED and given.source == AnswerSource.DECLARED:
        answer = Answer.NOT_MET if answer == Answer.NOT_MET else Answer.UNKNOWN
    return Finding(
        requirement, answer, given.source, given.evidence, given.answered_by, given.answered_at
    )


def _applied_in_period(application: Application, rules: ProgrammeRules) -> _Result:
    """The day of submission, in Tokyo, lies in the application period, or did at submission.

    A deadline that is moved back later takes nothing from who kept the earlier one.
    """
    day = to_tokyo(application.submitted_at).date()
    was_met = any(
        own.requirement_id == APPLIED_IN_PERIOD
        and own.source == AnswerSource.MACHINE
        and own.answer == Answer.MET
        for own in application.answers
    )
    return _Result(_met(was_met or day in rules.application_period), day.isoformat())


def _legal_form(application: Application, rules: ProgrammeRules) -> _Result:  # noqa: ARG001  a check
    """One of the kinds ①, ② and ③, and the corporate number's check digit agrees with the rest.

    Without a good number it is unknown: nobody is declined for a slip of the pen.
    """
    organization = application.organization
    number = organization.corporate_number
    if organization.legal_kind not in set(LegalKind):
        return _Result(Answer.NOT_MET, str(organization.legal_kind))
    if number is None:
        return _Result(Answer.UNKNOWN, "法人番号の記載がありません / no corporate number is given")
    if not cn.is_valid(number):
        return _Result(
            Answer.UNKNOWN,
            f"法人番号 {number} の検査用数字が一致しません / the check digit does not agree",
        )
    return _Result(Answer.MET, f"{organization.legal_kind.value}, {cn.format(number)}")


def _located_in_tokyo(application: Application, rules: ProgrammeRules) -> _Result:  # noqa: ARG001  a check
    """The office lies in one of Tokyo's 62 municipalities."""
    code = application.organization.municipality_code
    found = MUNICIPALITIES.get(code)
    if found is None:
        return _Result(
            Answer.NOT_MET, f"{code} は東京都の区市町村ではありません / not a municipality of Tokyo"
        )
    return _Result(Answer.MET, f"{code} {found.name_ja} {found.name_en}")


def _met(holds: bool) -> Answer:
    return Answer.MET if holds else Answer.NOT_MET


CHECKS: Mapping[str, Callable[[Application, ProgrammeRules], _Result]] = MappingProxyType(
    {
        APPLIED_IN_PERIOD: _applied_in_period,
        "legal_form": _legal_form,
        "located_in_tokyo": _located_in_tokyo,
    }
)
"""What a machine can answer, by the requirement's id."""
