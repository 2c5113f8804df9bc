from __future__ import annotations

import datetime as dt

import pytest

from matcher.clock import TOKYO
from matcher.intake.requirements import CHECKS, Assessment, Finding, assess
from matcher.models import Answer, AnswerSource, Application, Organization, RequirementAnswer
from matcher.programme import ProgrammeRules, RequirementKind


@pytest.fixture
def application(
    rules: ProgrammeRules, organization: Organization, applied_at: dt.datetime
) -> Application:
    """An application that declares and proves all that is asked."""
    application = Application(submitted_at=applied_at, organization=organization)
    application.answers = [
        RequirementAnswer(
            requirement_id=requirement.id,
            answer=Answer.MET,
            source=AnswerSource(requirement.kind),
            evidence="",
            answered_by="小野寺 都",
            answered_at=applied_at,
        )
        for requirement in rules.requirements
        if requirement.kind != RequirementKind.MACHINE
    ]
    return application


def finding(assessment: Assessment, requirement_id: str) -> Finding:
    return next(own for own in assessment.findings if own.requirement.id == requirement_id)


def recorded(application: Application, requirement_id: str) -> RequirementAnswer:
    return next(own for own in application.answers if own.requirement_id == requirement_id)


def test_every_requirement_that_a_machine_answers_has_a_check(rules: ProgrammeRules) -> None:
    by_machine = {own.id for own in rules.requirements if own.kind == RequirementKind.MACHINE}
    assert set(CHECKS) == by_machine


def test_an_application_that_meets_everything_is_eligible(
    application: Application, rules: ProgrammeRules, applied_at: dt.datetime
) -> None:
    assessment = assess(application, rules, applied_at)
    assert assessment.eligible
    assert assessment.not_met == assessment.unknown == ()
    assert [own.requirement for own in assessment.findings] == list(rules.requirements)


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("13101", Answer.MET),
        ("13401", Answer.MET),
        ("14131", Answer.NOT_MET),
        ("131016", Answer.NOT_MET),
    ],
    ids=["ward", "island", "Kawasaki", "with check digit"],
)
def test_the_office_lies_in_one_of_tokyos_municipalities(
    application: Application,
    rules: ProgrammeRules,
    applied_at: dt.datetime,
    code: str,
    answer: Answer,
) -> None:
    application.organization.municipality_code = code
    found = finding(assess(application, rules, applied_at), "located_in_tokyo")
    assert (found.answer, found.source) == (answer, AnswerSource.MACHINE)
    assert code in found.evidence


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("3999905000001", Answer.MET),
        ("3-9999-0500-0001", Answer.MET),
        ("4999905000001", Answer.UNKNOWN),
        ("39999", Answer.UNKNOWN),
        (None, Answer.UNKNOWN),
    ],
    ids=["good", "with dashes", "check digit wrong", "too short", "none"],
)
def test_the_legal_form_needs_a_corporate_number_whose_check_digit_agrees(
    application: Application,
    rules: ProgrammeRules,
    applied_at: dt.datetime,
    number: str | None,
    answer: Answer,
) -> None:
    application.organization.corporate_number = number
    assessment = assess(application, rules, applied_at)
    assert finding(assessment, "legal_form").answer == answer


@pytest.mark.parametrize(
    ("moment", "answer"),
    [
        (dt.datetime(2025, 6, 29, 23, 59, tzinfo=TOKYO), Answer.NOT_MET),
        (dt.datetime(2025, 6, 30, 0, 0, tzinfo=TOKYO), Answer.MET),
        (dt.datetime(2026, 1, 9, 23, 59, tzinfo=TOKYO), Answer.MET),
        (dt.datetime(2026, 1, 10, 0, 0, tzinfo=TOKYO), Answer.NOT_MET),
    ],
)
def test_the_application_period_is_counted_in_days_of_tokyo(
    application: Application, rules: ProgrammeRules, moment: dt.datetime, answer: Answer
) -> None:
    application.submitted_at = moment
    assessment = assess(application, rules, application.submitted_at)
    assert finding(assessment, "applied_in_period").answer == answer


def test_what_nobody_has_answered_is_unknown_and_still_to_be_asked(
    application: Application, rules: ProgrammeRules, applied_at: dt.datetime
) -> None:
    application.answers = [
        own
        for own in application.answers
        if own.requirement_id not in {"labor_laws_kept", "national_taxes_paid"}
    ]
    assessment = assess(application, rules, applied_at)
    assert not assessment.eligible
    assert {own.requirement.id for own in assessment.unknown} == {
        "labor_laws_kept",
        "national_taxes_paid",
    }


@pytest.mark.parametrize(
    ("declared", "counts_as"),
    [(Answer.MET, Answer.UNKNOWN), (Answer.NOT_MET, Answer.NOT_MET)],
)
def test_a_declaration_about_taxes_counts_only_against_the_organization(
    application: Application,
    rules: ProgrammeRules,
    applied_at: dt.datetime,
    declared: Answer,
    counts_as: Answer,
) -> None:
    answer = recorded(application, "metropolitan_taxes_paid")
    answer.answer, answer.source = declared, AnswerSource.DECLARED
    assessment = assess(application, rules, applied_at)
    assert finding(assessment, "metropolitan_taxes_paid").answer == counts_as


def test_a_recorded_answer_keeps_its_evidence_and_who_said_so(
    application: Application, rules: ProgrammeRules, applied_at: dt.datetime
) -> None:
    answer = recorded(application, "not_religious_or_political")
    answer.answer, answer.evidence = Answer.NOT_MET, "定款の目的"
    (found,) = assess(application, rules, applied_at).not_met
    assert (found.evidence, found.answered_by, found.answered_at) == (
        "定款の目的",
        "小野寺 都",
        applied_at,
    )


def test_a_machine_check_that_is_not_written_leaves_the_requirement_unknown(
    application: Application, rules: ProgrammeRules, applied_at: dt.datetime
) -> None:
    new = rules.requirement("legal_form").model_copy(update={"id": "has_a_website"})
    stricter = rules.model_copy(update={"requirements": (*rules.requirements, new)})
    assessment = assess(application, stricter, applied_at)
    assert [own.requirement.id for own in assessment.unknown] == ["has_a_website"]
