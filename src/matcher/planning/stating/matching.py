"""Who may serve whom, and why: candidates with their cost and its reasons in words.

A candidate's cost, 0 (perfect) to 100, is the sum of the points of its reasons. Distance is not
in it: a plan charges travel visit by visit. Nothing here reads the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from matcher.geography import travel_minutes
from matcher.models import Application, Engagement, Expert, Organization
from matcher.programme import ProgrammeRules, QualificationRules, SpecialtyRules, Words

UNCOVERED_NEEDS_POINTS = 60
"""Shared out by weight over the needs for which the expert is not qualified."""

MAIN_NEED_POINTS = 20
"""Where the expert is qualified for none of the needs that weigh most."""

NEW_INDUSTRY_POINTS = 20
"""Where the expert has not worked with the organization's industry."""

ReasonCode = Literal[
    "need_covered",
    "need_not_covered",
    "main_need_not_covered",
    "industry_known",
    "industry_new",
]
ExclusionCode = Literal[
    "inactive", "conflict_of_interest", "no_specialty", "unreachable", "fully_booked"
]


WORDS: Mapping[ReasonCode | ExclusionCode, Words] = {
    "need_covered": Words(
        ja="「{specialty_ja}」の相談に対応できます({qualifications_ja})。",
        en="Qualified for {specialty_en} ({qualifications_en}).",
    ),
    "need_not_covered": Words(
        ja="「{specialty_ja}」の相談に対応する資格をお持ちではありません。",
        en="Not qualified for {specialty_en}.",
    ),
    "main_need_not_covered": Words(
        ja="最も重視される相談内容「{specialty_ja}」に対応できません。",
        en="Not qualified for what matters most here: {specialty_en}.",
    ),
    "industry_known": Words(
        ja="団体と同じ業種の支援経験があります。", en="Has worked with the organization's industry."
    ),
    "industry_new": Words(
        ja="団体と同じ業種の支援経験がありません。",
        en="Has not worked with the organization's industry.",
    ),
    "inactive": Words(
        ja="現在、派遣の依頼を受け付けていません。", en="Takes no engagements at present."
    ),
    "conflict_of_interest": Words(
        ja="この団体と利害関係があります({reason})。",
        en="Has a conflict of interest with the organization ({reason}).",
    ),
    "no_specialty": Words(
        ja="相談内容のいずれにも対応する資格をお持ちではありません。",
        en="Not qualified for any of the organization's needs.",
    ),
    "unreachable": Words(
        ja="会場との間の移動ができないため、オンラインの派遣のみ対応できます。",
        en="Cannot travel to the site; serves online engagements only.",
    ),
    "fully_booked": Words(
        ja="担当回数が上限({max_total}回)に達しています。",
        en="Already has the largest number of sessions agreed ({max_total}).",
    ),
}


class Reason(NamedTuple):
    """One part of a candidate's cost; its words are put together when they are asked for."""

    code: ReasonCode
    points: int
    specialties: tuple[SpecialtyRules, ...] = ()
    """The needs it is about."""
    qualifications: tuple[QualificationRules, ...] = ()
    """What the expert holds for them."""

    @property
    def text_ja(self) -> str:
        """What is said of it in Japanese."""
        return WORDS[self.code].ja.format(
            specialty_ja="・".join(each.name.ja for each in self.specialties),
            qualifications_ja="・".join(each.name.ja for each in self.qualifications),
        )

    @property
    def text_en(self) -> str:
        """What is said of it in English."""
        return WORDS[self.code].en.format(
            specialty_en=", ".join(each.name.en for each in self.specialties),
            qualifications_en=", ".join(each.name.en for each in self.qualifications),
        )


@dataclass(frozen=True)
class Match:
    """An expert who may serve the engagement."""

    expert_id: str
    reasons: tuple[Reason, ...]

    @cached_property
    def cost(self) -> int:
        """What choosing this expert costs for each session, 0 to 100."""
        return sum([reason.points for reason in self.reasons])


@dataclass(frozen=True)
class Exclusion:
    """An expert who may not, and the first reason why."""

    expert_id: str
    code: ExclusionCode
    text_ja: str
    text_en: str


@dataclass(frozen=True)
class CandidateList:
    """Every expert of the programme, sorted into those who may serve and those who may not."""

    engagement_id: str
    ranked: tuple[Match, ...]
    """The cheapest first."""
    excluded: tuple[Exclusion, ...]
    """By the experts' ids."""


def candidates(
    engagement: Engagement,
    application: Application,
    organization: Organization,
    experts: Iterable[Expert],
    rules: ProgrammeRules,
    *,
    workload: Mapping[str, int] | None = None,
) -> CandidateList:
    """Sort the experts into candidates and others, each with reasons.

    `workload` counts, by expert, the sessions that stand whatever is decided here; an expert whose
    `max_total` they exhaust is excluded.
    """
    weights = application.needs
    needs = [(each, weights[each.id]) for each in rules.specialties if each.id in weights]
    ranked: list[Match] = []
    excluded: list[Exclusion] = []
    for expert in experts:
        own = [_Need(specialty, weight, _held(expert, specialty)) for specialty, weight in needs]
        pair = _Pair(engagement, organization, own, expert, workload or {})
        obstacle = _obstacle(pair)
        if obstacle is None:
            reasons = [reason for rule in ASSESSMENTS for reason in rule(pair)]
            ranked.append(Match(expert.id, tuple(reasons)))
        else:
            excluded.append(obstacle)
    ranked.sort(key=lambda match: (match.cost, match.expert_id))
    excluded.sort(key=lambda exclusion: exclusion.expert_id)
    return CandidateList(engagement.id, tuple(ranked), tuple(excluded))


class _Need(NamedTuple):
    """One of the organization's needs, and what an expert brings for it."""

    specialty: SpecialtyRules
    weight: int
    qualifications: tuple[QualificationRules, ...]
    """Those of the expert that stand for the specialty."""


def _held(expert: Expert, specialty: SpecialtyRules) -> tuple[QualificationRules, ...]:
    held = expert.qualifications
    return tuple([each for each in specialty.qualifications if each.id in held])


@dataclass(frozen=True)
class _Pair:
    """One engagement and one expert, and what is known about both."""

    engagement: Engagement
    organization: Organization
    needs: Sequence[_Need]
    """In the programme's order."""
    expert: Expert
    workload: Mapping[str, int]


def _inactive(pair: _Pair) -> Exclusion | None:
    return None if pair.expert.active else _exclude(pair, "inactive")


def _conflict_of_interest(pair: _Pair) -> Exclusion | None:
    for conflict in pair.expert.conflicts:
        if conflict.organization_id == pair.organization.id:
            return _exclude(pair, "conflict_of_interest", reason=conflict.reason)
    return None


def _no_specialty(pair: _Pair) -> Exclusion | None:
    fits = any(need.qualifications for need in pair.needs)
    return None if fits else _exclude(pair, "no_specialty")


def _unreachable(pair: _Pair) -> Exclusion | None:
    site = pair.engagement.municipality_code
    if site is None or travel_minutes(pair.expert.municipality_code, site) is not None:
        return None
    return _exclude(pair, "unreachable")


def _fully_booked(pair: _Pair) -> Exclusion | None:
    if pair.workload.get(pair.expert.id, 0) < pair.expert.max_total:
        return None
    return _exclude(pair, "fully_booked", max_total=pair.expert.max_total)


OBSTACLES: tuple[Callable[[_Pair], Exclusion | None], ...] = (
    _inactive,
    _conflict_of_interest,
    _no_specialty,
    _unreachable,
    _fully_booked,
)
"""What keeps an expert from serving, in the order in which it is told."""


def _obstacle(pair: _Pair) -> Exclusion | None:
    for rule in OBSTACLES:
        found = rule(pair)
        if found is not None:
            return found
    return None


def _needs(pair: _Pair) -> Iterator[Reason]:
    total = sum([need.weight for need in pair.needs])
    for specialty, weight, held in pair.needs:
        if held:
            yield Reason("need_covered", 0, (specialty,), held)
        else:
            points = UNCOVERED_NEEDS_POINTS * weight // total
            yield Reason("need_not_covered", points, (specialty,))


def _main_need(pair: _Pair) -> Iterator[Reason]:
    heaviest = max([need.weight for need in pair.needs])
    main = [need for need in pair.needs if need.weight == heaviest]
    if not any(need.qualifications for need in main):
        specialties = tuple(need.specialty for need in main)
        yield Reason("main_need_not_covered", MAIN_NEED_POINTS, specialties)


def _industry(pair: _Pair) -> Iterator[Reason]:
    if pair.organization.industry in pair.expert.industries:
        yield Reason("industry_known", 0)
    else:
        yield Reason("industry_new", NEW_INDUSTRY_POINTS)


ASSESSMENTS: tuple[Callable[[_Pair], Iterator[Reason]], ...] = (_needs, _main_need, _industry)
"""What a candidate's cost is made of, in the order in which it is told."""


def _exclude(pair: _Pair, code: ExclusionCode, **facts: object) -> Exclusion:
    words = WORDS[code]
    return Exclusion(pair.expert.id, code, words.ja.format(**facts), words.en.format(**facts))
