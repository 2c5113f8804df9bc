"""Why an application was declined: the requirements that are not met, and staff's own words."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.models import Decision
from matcher.programme import ProgrammeRules, Requirement

__all__ = ["Reasons", "reasons_of"]


@dataclass(frozen=True)
class Reasons:
    """The reasons of a decision, told apart."""

    requirements: tuple[Requirement, ...]
    words: tuple[str, ...]


def reasons_of(decision: Decision, rules: ProgrammeRules) -> Reasons:
    """Tell ids of requirements from words; a decision keeps both in one list."""
    known = {each.id: each for each in rules.requirements}
    return Reasons(
        tuple(known[each] for each in decision.reasons if each in known),
        tuple(each for each in decision.reasons if each not in known),
    )
