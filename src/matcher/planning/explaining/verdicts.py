"""What the judge finds broken, as conditions that people know: what stands in the way of a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from matcher.planning.explaining.explanation import CONDITIONS, condition_facts
from matcher.programme import Words
from solver.problem import Problem
from solver.validation import Broken

_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "candidate": Words(
            ja="専門家がこの派遣案件を担当できること", en="an expert who may serve the engagement"
        ),
        "expert_kept": CONDITIONS["expert_kept"],
        "slot_grid": Words(
            ja="開始時刻を{slot_minutes}分刻みとすること",
            en="a start on the grid of {slot_minutes} minutes",
        ),
        "period": CONDITIONS["window"],
        "window": CONDITIONS["window"],
        "closed_day": CONDITIONS["closed_days"],
        "expert_hours": CONDITIONS["expert_hours"],
        "expert_busy": CONDITIONS["expert_busy"],
        "organization_hours": CONDITIONS["organization_hours"],
        "organization_busy": CONDITIONS["organization_busy"],
        "gap_days": Words(
            ja="派遣の間隔を{min_gap_days}日以上{max_gap_days}日以内とすること",
            en="{min_gap_days} to {max_gap_days} days between sessions",
        ),
        "overlap": CONDITIONS["other_sessions"],
        "travel_time": CONDITIONS["travel"],
        "max_per_day": CONDITIONS["max_per_day"],
        "max_per_week": CONDITIONS["max_per_week"],
        "max_total": CONDITIONS["max_total"],
    }
)
"""What each rule asks for that the times of one engagement can break; the others they cannot."""


def in_the_way(broken: Iterable[Broken], problem: Problem, engagement_id: str) -> tuple[Words, ...]:
    """The conditions that broken rules stand for, with the engagement's own numbers, each once."""
    return tuple(dict.fromkeys(_conditions(broken, problem, engagement_id)))


def _conditions(broken: Iterable[Broken], problem: Problem, engagement_id: str) -> Iterator[Words]:
    engagement = next(each for each in problem.engagements if each.id == engagement_id)
    facts = {**condition_facts(engagement), "slot_minutes": problem.calendar.slot_minutes}
    for each in broken:
        words = _WORDS[each.rule]
        yield Words(ja=words.ja.format_map(facts), en=words.en.format_map(facts))
