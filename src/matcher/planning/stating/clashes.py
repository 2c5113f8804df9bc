"""Why no plan can stand on what is fixed already: the sessions that clash, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from matcher.errors import Conflict
from matcher.programme import Words
from solver.pins import Visit, broken_calendar, pinned_visits
from solver.problem import Expert, Problem


def clashes(problem: Problem) -> tuple[Words, ...]:
    """What of the fixed sessions cannot stand together; none where all can."""
    return tuple(_clashes(problem))


def incomplete(problem: Problem) -> tuple[Words, ...]:
    """The engagements of which a later session is fixed than one that has no time yet."""
    ids = [
        each.id
        for each in problem.engagements
        if len(each.pinned) < max((pin.session for pin in each.pinned), default=0)
    ]
    if not ids:
        return ()
    return (
        Words(
            ja=f"{'、'.join(ids)}について、日程が固定されている回より前の回を実施できる計画が"
            "見つかりませんでした。",
            en=f"No plan was found with the sessions of {', '.join(ids)} that come before those "
            "that are fixed.",
        ),
    )


def contradiction(problem: Problem) -> Words:
    """Say in a paragraph what keeps a problem from having any plan."""
    told = clashes(problem) or incomplete(problem)
    return Words(
        ja="確定済みの派遣や固定が両立しません。" + "".join(each.ja for each in told),
        en=" ".join(["What is published or pinned clashes.", *(each.en for each in told)]),
    )


def infeasible(problem: Problem, conflicts: Sequence[str]) -> Conflict:
    """What is published keeps everything else from being planned beside it."""
    told = contradiction(problem)
    return Conflict(told.en, told.ja, code="infeasible_pins", conflicts=tuple(conflicts))


def _clashes(problem: Problem) -> Iterator[Words]:
    visits = pinned_visits(problem)
    for expert in problem.experts:
        own = sorted(visits[expert.id])
        if broken_calendar(problem, expert, own):
            pairs = [each for each in pairwise(own) if broken_calendar(problem, expert, each)]
            yield from (_not_both(expert, *each) for each in pairs)
            if not pairs:
                yield _too_many(expert)


def _not_both(expert: Expert, before: Visit, after: Visit) -> Words:
    return Words(
        ja=f"専門家{expert.id}は、{_ja(before)}と{_ja(after)}の両方を担当できません。",
        en=f"Expert {expert.id} cannot hold both {_en(before)} and {_en(after)}.",
    )


def _too_many(expert: Expert) -> Words:
    return Words(
        ja=f"専門家{expert.id}に固定されている派遣が、担当回数の上限を超えています。",
        en=f"More sessions are fixed with expert {expert.id} than the limits allow.",
    )


def _ja(visit: Visit) -> str:
    return f"{visit.engagement}の第{visit.session}回({visit.start:%Y-%m-%d %H:%M})"


def _en(visit: Visit) -> str:
    return f"session {visit.session} of {visit.engagement} ({visit.start:%Y-%m-%d %H:%M})"
