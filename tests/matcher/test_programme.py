from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from matcher.errors import NotFound
from matcher.programme import (
    LegalKind,
    Phase,
    ProgrammeRules,
    Purpose,
    Qualification,
    RequirementKind,
    Specialty,
    Words,
    read_rules,
)

SIX_QUALIFICATIONS = {
    "Certified Social Insurance and Labor Consultant": "社会保険労務士",
    "Certified Small and Medium Enterprise Management Consultant": "中小企業診断士",
    "Industrial Counselor": "産業カウンセラー",
    "Licensed Psychologist": "公認心理師",
    "Human Resource Development Consultant": "人材育成コンサルタント",
    "Career Consultant": "キャリアコンサルタント",
}


@pytest.fixture(scope="module")
def rules() -> ProgrammeRules:
    """The programme of fiscal 2025."""
    return read_rules("tokyo-2025")


@pytest.fixture(scope="module")
def page(shared: Path) -> str:
    """The programme's own page, with its spaces and quotation marks made plain."""
    text = (shared / "programme" / "expert-dispatch-service.txt").read_text(encoding="utf-8")
    return plain(text)


def plain(text: str) -> str:
    """Without differences of white space and apostrophes."""
    return " ".join(text.replace("’", "'").split())


def words_of(rules: BaseModel) -> Iterator[Words]:
    """Every text in both languages, however deep."""
    for _, value in rules:
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Words):
                yield each
            elif isinstance(each, BaseModel):
                yield from words_of(each)


def test_the_periods_are_those_of_the_page(rules: ProgrammeRules) -> None:
    """Applications to 9 January, sessions from mid-July to mid-March."""
    assert rules.application_period.first_day == dt.date(2025, 6, 30)
    assert rules.application_period.last_day == dt.date(2026, 1, 9)
    assert rules.implementation_period.first_day == dt.date(2025, 7, 15)
    assert rules.implementation_period.last_day == dt.date(2026, 3, 13)
    assert dt.date(2026, 1, 9) in rules.application_period
    assert dt.date(2026, 1, 10) not in rules.application_period


def test_the_limits_are_those_of_the_page(rules: ProgrammeRules) -> None:
    """Five sessions of one to two hours, a call within five business days."""
    assert rules.session_limit == 5
    assert (rules.session_minutes.shortest, rules.session_minutes.longest) == (60, 120)
    assert rules.interview_business_days == 5


def test_six_qualifications_stand_for_four_specialties(rules: ProgrammeRules) -> None:
    """By their official names."""
    named = {own.name.en: own.name.ja for each in rules.specialties for own in each.qualifications}

    assert [each.id for each in rules.specialties] == list(Specialty)
    assert named == SIX_QUALIFICATIONS
    assert {own.id for each in rules.specialties for own in each.qualifications} == set(
        Qualification
    )
    assert rules.specialty_of(Qualification.LICENSED_PSYCHOLOGIST).id is Specialty.COUNSELING
    assert rules.qualification("career_consultant").name.ja == "キャリアコンサルタント"


def test_qualifications_and_consultations_are_quoted_from_the_page(
    rules: ProgrammeRules, page: str
) -> None:
    """Word for word."""
    for specialty in rules.specialties:
        assert plain(specialty.sample_consultation.en) in page
        for own in specialty.qualifications:
            assert own.name.en in page


@pytest.mark.parametrize(
    ("number", "phase"),
    [
        (1, Phase.ACTION_PLAN),
        (2, Phase.MANUAL_DEVELOPMENT),
        (4, Phase.MANUAL_DEVELOPMENT),
        (5, Phase.FINALIZATION),
    ],
)
def test_a_full_course_has_the_phases_of_the_page(
    rules: ProgrammeRules, number: int, phase: Phase
) -> None:
    """Session 1, sessions 2 to 4, session 5."""
    assert rules.phase(number).id is phase


def test_a_shorter_course_keeps_its_beginning_and_its_end(rules: ProgrammeRules) -> None:
    """What is in between is shortened."""
    courses = {
        sessions: [rules.phase(number, sessions).id.value for number in range(1, sessions + 1)]
        for sessions in (1, 2, 3)
    }

    assert courses == {
        1: ["action_plan"],
        2: ["action_plan", "finalization"],
        3: ["action_plan", "manual_development", "finalization"],
    }


@pytest.mark.parametrize(("number", "sessions"), [(0, 5), (6, None), (4, 3), (1, 6)])
def test_there_is_no_phase_of_no_session(
    rules: ProgrammeRules, number: int, sessions: int | None
) -> None:
    """Beyond the course, or beyond the limit."""
    with pytest.raises(ValueError, match="there is no session"):
        rules.phase(number, sessions)


def test_the_phases_of_a_new_manual_are_quoted_from_the_page(
    rules: ProgrammeRules, page: str
) -> None:
    """Titles, contents and examples."""
    for phase in rules.phases:
        contents = phase.contents(Purpose.NEW_MANUAL)
        for text in (
            phase.title.en,
            contents.heading.en,
            contents.description.en,
            *(example.en for example in contents.examples),
        ):
            assert plain(text) in page


def test_a_review_has_contents_of_its_own_and_fewer_sessions(rules: ProgrammeRules) -> None:
    """An organization that has a manual needs another one's eyes, not another manual."""
    assert rules.review_session_limit < rules.session_limit
    for phase in rules.phases:
        assert phase.contents("review") != phase.contents("new_manual")


def test_every_condition_of_the_page_is_a_requirement(rules: ProgrammeRules, page: str) -> None:
    """Each one quotes the lines it stands on; no line of the page is left over."""
    quoted = [line for each in rules.requirements for line in each.source.split(" / ")]
    start, end = page.index("An industry organization whose"), page.index("Dispatch Fee")
    conditions = [each.strip(" ・:") for each in page[start:end].split("•")]

    assert set(conditions) <= set(quoted)
    assert all(line in page for line in quoted)


def test_the_three_legal_kinds_quote_the_page_and_name_their_law(
    rules: ProgrammeRules, page: str
) -> None:
    """The third is whatever else has SMEs as members: no one law makes it."""
    assert [(kind.id, kind.mark) for kind in rules.legal_kinds] == list(
        zip(LegalKind, "①②③", strict=True)
    )
    assert all(kind.source in page for kind in rules.legal_kinds)
    laws = [kind.law.ja if kind.law else "" for kind in rules.legal_kinds]
    assert [re.findall("第[0-9]+号", law) for law in laws] == [
        ["第185号"],
        ["第48号", "第49号"],
        [],
    ]


def test_rules_that_were_stored_before_legal_kinds_still_load(rules: ProgrammeRules) -> None:
    """They are kept whole with their programme."""
    stored = rules.model_dump(mode="json", exclude={"legal_kinds"})
    assert ProgrammeRules.model_validate(stored).legal_kinds == ()


def test_requirements_say_who_answers_them(rules: ProgrammeRules) -> None:
    """The service what it can check, staff what has evidence, the organization the rest."""
    machine = {each.id for each in rules.requirements if each.kind is RequirementKind.MACHINE}
    verified = {each.id for each in rules.requirements if each.kind is RequirementKind.VERIFIED}

    assert machine == {"applied_in_period", "legal_form", "located_in_tokyo"}
    assert verified == {"national_taxes_paid", "metropolitan_taxes_paid"}
    assert rules.requirement("labor_laws_kept").kind is RequirementKind.DECLARED


def test_nothing_takes_place_on_the_closed_days_of_the_benchmark(
    rules: ProgrammeRules, shared: Path
) -> None:
    """The instances of the Tokyo programme were made from the same rules."""
    with gzip.open(shared / "instances" / "tokyo-60.json.gz") as file:
        problem = json.load(file)
    period = rules.implementation_period

    closed = rules.closed_days(period.first_day, period.last_day)

    assert [day.isoformat() for day in closed] == problem["calendar"]["closed_days"]
    assert rules.weights.model_dump() == problem["weights"]
    assert rules.slot_minutes == problem["calendar"]["slot_minutes"]


def test_the_office_may_close_on_other_days(rules: ProgrammeRules) -> None:
    """A typhoon, a move."""
    day = dt.date(2025, 9, 10)
    closures = rules.closures.model_copy(update={"days": (day,)})

    assert day in rules.model_copy(update={"closures": closures}).closed_days(day, day)


def test_every_text_is_told_in_both_languages(rules: ProgrammeRules) -> None:
    """Japanese in Japanese, English in English."""
    told = list(words_of(rules))

    assert len(told) > 50
    assert all(not each.ja.isascii() and each.en.strip() for each in told)
    assert not any("\u3040" <= letter <= "\u30ff" for each in told for letter in each.en)


def test_what_the_programme_does_not_know_is_not_found(rules: ProgrammeRules) -> None:
    """By kind and id."""
    with pytest.raises(NotFound, match="no qualification 'notary'"):
        rules.specialty_of("notary")
    with pytest.raises(NotFound, match="no specialty 'law'"):
        rules.specialty("law")
    with pytest.raises(NotFound, match="no requirement 'beauty'"):
        rules.requirement("beauty")
    with pytest.raises(NotFound, match="no programme 'osaka-1970'"):
        read_rules("osaka-1970")


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"session_limit": 6},
        {"implementation_period": {"first_day": "2026-03-13", "last_day": "2025-07-15"}},
        {"gaps": {"min_days": 14, "target_days": 7, "max_days": 28}},
    ],
)
def test_rules_that_make_no_sense_are_refused(change: dict[str, object]) -> None:
    """When they are read, and not in the middle of a year."""
    file = files("matcher") / "data" / "programmes" / "tokyo-2025.json"
    written = json.loads(file.read_bytes()) | change

    with pytest.raises(ValidationError):
        ProgrammeRules.model_validate(written)


def test_an_id_that_stands_twice_is_refused(rules: ProgrammeRules) -> None:
    """It would be looked up and found once."""
    twice = {**rules.model_dump(), "phases": [rules.phases[0].model_dump()] * 2}

    with pytest.raises(ValidationError, match="stands twice"):
        ProgrammeRules.model_validate(twice)
