from __future__ import annotations

import pytest

from matcher.models import ConflictOfInterest, Expert
from matcher.planning.stating.matching import CandidateList, Match, candidates
from matcher.programme import ProgrammeRules, Qualification, Specialty, read_rules
from tests.matcher import rows

LABOR = Qualification.SOCIAL_INSURANCE_LABOR_CONSULTANT
CAREER = Qualification.CAREER_CONSULTANT
COUNSELOR = Qualification.INDUSTRIAL_COUNSELOR


@pytest.fixture(scope="module")
def rules() -> ProgrammeRules:
    return read_rules("tokyo-2025")


def an_expert(id: str = "E1", *held: Qualification, industries: tuple[str, ...] = ()) -> Expert:
    expert = rows.expert(id)
    expert.qualifications = held
    expert.industries = industries
    expert.active = True
    return expert


def match(rules: ProgrammeRules, *experts: Expert, **options: dict[str, int]) -> CandidateList:
    """Match with an organization in lodging that needs labor (3) and hr (1)."""
    return candidates(
        rows.engagement(), rows.application(), rows.organization(), experts, rules, **options
    )


def only_match(rules: ProgrammeRules, expert: Expert) -> Match:
    (found,) = match(rules, expert).ranked
    return found


def test_an_expert_for_every_need_who_knows_the_industry_costs_nothing(
    rules: ProgrammeRules,
) -> None:
    found = only_match(rules, an_expert("E1", LABOR, CAREER, industries=("lodging",)))

    assert found.cost == 0
    assert [reason.code for reason in found.reasons] == [
        "need_covered",
        "need_covered",
        "industry_known",
    ]


def test_a_need_without_a_qualification_costs_its_share(rules: ProgrammeRules) -> None:
    found = only_match(rules, an_expert("E1", LABOR, industries=("lodging",)))

    assert found.cost == 60 * 1 // 4


def test_missing_the_main_need_costs_extra(rules: ProgrammeRules) -> None:
    found = only_match(rules, an_expert("E1", CAREER, industries=("lodging",)))

    assert found.cost == 60 * 3 // 4 + 20


def test_a_new_industry_costs_twenty(rules: ProgrammeRules) -> None:
    assert only_match(rules, an_expert("E1", LABOR, CAREER)).cost == 20


def test_reasons_are_told_in_both_languages_and_sum_to_the_cost(rules: ProgrammeRules) -> None:
    found = only_match(rules, an_expert("E1", CAREER))

    assert sum(reason.points for reason in found.reasons) == found.cost
    assert [(reason.points, reason.text_en) for reason in found.reasons] == [
        (45, "Not qualified for Labor."),
        (0, "Qualified for Human resources (Career Consultant)."),
        (20, "Not qualified for what matters most here: Labor."),
        (20, "Has not worked with the organization's industry."),
    ]
    assert found.reasons[0].text_ja == "「労務」の相談に対応する資格をお持ちではありません。"


def test_candidates_are_ranked_by_cost_then_by_id(rules: ProgrammeRules) -> None:
    found = match(
        rules, an_expert("E3", LABOR), an_expert("E2", LABOR, CAREER), an_expert("E1", LABOR)
    )

    assert [each.expert_id for each in found.ranked] == ["E2", "E1", "E3"]


def test_an_expert_without_any_specialty_asked_for_is_excluded(rules: ProgrammeRules) -> None:
    (excluded,) = match(rules, an_expert("E1", COUNSELOR)).excluded

    assert excluded.code == "no_specialty"
    assert excluded.text_en == "Not qualified for any of the organization's needs."


def test_an_inactive_expert_is_excluded(rules: ProgrammeRules) -> None:
    expert = an_expert("E1", LABOR)
    expert.active = False

    assert [each.code for each in match(rules, expert).excluded] == ["inactive"]


def test_a_conflict_of_interest_excludes_with_its_reason(rules: ProgrammeRules) -> None:
    expert = an_expert("E1", LABOR)
    expert.conflicts = [ConflictOfInterest(organization_id="O1", reason="顧問先")]
    (excluded,) = match(rules, expert).excluded

    assert excluded.code == "conflict_of_interest"
    assert excluded.text_ja == "この団体と利害関係があります(顧問先)。"


def test_a_conflict_with_another_organization_does_not_exclude(rules: ProgrammeRules) -> None:
    expert = an_expert("E1", LABOR)
    expert.conflicts = [ConflictOfInterest(organization_id="O2", reason="顧問先")]

    assert match(rules, expert).excluded == ()


@pytest.mark.parametrize(("site", "codes"), [("13101", ["unreachable"]), (None, [])])
def test_an_expert_on_an_island_serves_online_only(
    rules: ProgrammeRules, site: str | None, codes: list[str]
) -> None:
    islander = an_expert("E1", LABOR)
    islander.municipality_code = "13361"
    engagement = rows.engagement()
    engagement.municipality_code = site
    found = candidates(engagement, rows.application(), rows.organization(), [islander], rules)

    assert [each.code for each in found.excluded] == codes


def test_an_expert_whose_sessions_are_used_up_is_excluded(rules: ProgrammeRules) -> None:
    expert = an_expert("E1", LABOR)
    found = match(rules, expert, workload={"E1": expert.max_total})

    assert [each.code for each in found.excluded] == ["fully_booked"]


@pytest.mark.parametrize("held", list(Qualification))
def test_no_cost_leaves_the_scale(rules: ProgrammeRules, held: Qualification) -> None:
    application = rows.application()
    application.needs = dict.fromkeys(Specialty, 3)
    (found,) = candidates(
        rows.engagement(), application, rows.organization(), [an_expert("E1", held)], rules
    ).ranked

    assert 0 <= found.cost <= 100
