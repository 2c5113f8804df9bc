"""The rules of one year's programme, as data: periods, limits, closures, phases, requirements.

`data/programmes/*.json` holds a file a programme; nothing of it is written in code.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import reduce
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from matcher.business_days import BusinessCalendar, national_holidays
from matcher.errors import NotFound
from matcher.fields import Email, GivenTelephone, Line
from solver.problem import Weights

Positive = Annotated[int, Field(ge=1)]

LEAD_BUSINESS_DAYS = 5
"""From the decision to the first possible session: the notice arrives, the expert prepares."""

LONGEST_CLOSURE_WEEKS = 8
"""The office is never closed for longer: counting days, nobody looks for closures further ahead."""

_MONTHS_EN = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
"""Of this program: the machine's locale may speak another language."""


class Specialty(StrEnum):
    """The field a qualification stands for (専門分野)."""

    LABOR = "labor"
    SME = "sme"
    COUNSELING = "counseling"
    HR = "hr"


class Qualification(StrEnum):
    """What an expert is certified as (資格)."""

    SOCIAL_INSURANCE_LABOR_CONSULTANT = "social_insurance_labor_consultant"
    SME_MANAGEMENT_CONSULTANT = "sme_management_consultant"
    INDUSTRIAL_COUNSELOR = "industrial_counselor"
    LICENSED_PSYCHOLOGIST = "licensed_psychologist"
    HUMAN_RESOURCE_DEVELOPMENT_CONSULTANT = "human_resource_development_consultant"
    CAREER_CONSULTANT = "career_consultant"


class LegalKind(StrEnum):
    """The three kinds of organization that the programme's page lists as ①, ② and ③."""

    COOPERATIVE = "cooperative"
    INCORPORATED_ASSOCIATION = "incorporated_association"
    SME_SUPPORTING_ENTITY = "sme_supporting_entity"


class Phase(StrEnum):
    """What a session is for: session 1, sessions 2-4, session 5."""

    ACTION_PLAN = "action_plan"
    MANUAL_DEVELOPMENT = "manual_development"
    FINALIZATION = "finalization"


class Purpose(StrEnum):
    """What an organization applies for: a manual of its own, or a review of the one it has."""

    NEW_MANUAL = "new_manual"
    REVIEW = "review"


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Rules):
    """One text in both languages."""

    ja: str
    en: str


class LineOfWords(_Rules):
    """One line of text in both languages."""

    ja: Line
    en: Line


class Office(_Rules):
    """Who runs the programme, as letters name it: its name, and how it is reached."""

    name: LineOfWords
    telephone: GivenTelephone
    email: Email
    hours: LineOfWords | None = None
    """When somebody answers the telephone, in the office's own words."""


class Period(_Rules):
    """From a first to a last day, both included."""

    first_day: dt.date
    last_day: dt.date
    note: Words | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("a period ends on or after its first day")
        return self

    def __contains__(self, day: dt.date) -> bool:
        return self.first_day <= day <= self.last_day

    def days(self) -> Iterator[dt.date]:
        """Every day of the period, in order."""
        for count in range((self.last_day - self.first_day).days + 1):
            yield self.first_day + dt.timedelta(days=count)


class SessionMinutes(_Rules):
    """How short and how long a session may be."""

    shortest: Positive
    longest: Positive


class DayOfYear(_Rules):
    """A day that comes every year."""

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]


class Closures(_Rules):
    """When nothing takes place. Weekends are closed by nobody having hours on them."""

    national_holidays: bool
    every_year: tuple[DayOfYear, ...]
    days: tuple[dt.date, ...] = ()


class QualificationRules(_Rules):
    """A qualification by its names; `name.ja` is the official one."""

    id: Qualification
    name: Words


class SpecialtyRules(_Rules):
    """A specialty, the qualifications that stand for it, and what organizations ask of it."""

    id: Specialty
    name: Words
    qualifications: tuple[QualificationRules, ...]
    sample_consultation: Words


class PhaseContents(_Rules):
    """What an expert and an organization do in a session of a phase."""

    heading: Words
    description: Words
    examples: tuple[Words, ...]


class PhaseRules(_Rules):
    """A phase, its sessions of a full course, and its contents by purpose."""

    id: Phase
    first_session: Positive
    last_session: Positive
    title: Words
    new_manual: PhaseContents
    review: PhaseContents

    def contents(self, purpose: Purpose | Literal["new_manual", "review"]) -> PhaseContents:
        """What is done, for a new manual or for the review of one."""
        return self.review if purpose == Purpose.REVIEW else self.new_manual


class RequirementKind(StrEnum):
    """Who answers a requirement: this service, the organization, or staff from evidence."""

    MACHINE = "machine"
    DECLARED = "declared"
    VERIFIED = "verified"


class Requirement(_Rules):
    """One condition of the programme's page; `source` quotes the page.

    A text may name the application period's `{first_day}` and `{last_day}`. The rules fill them in
    and keep the words around them in `template`, so that the text follows a deadline that moves.
    """

    id: str
    text: Words
    template: Words | None = None
    kind: RequirementKind
    source: str

    def within(self, period: Period) -> Requirement:
        """The same requirement, its text with the days of a period."""
        template = self.template or self.text
        text = Words(
            ja=_with_days(template.ja, period, _day_ja), en=_with_days(template.en, period, _day_en)
        )
        return (
            self
            if text == template
            else self.model_copy(update={"text": text, "template": template})
        )


def _with_days(template: str, period: Period, written: Callable[[dt.date], str]) -> str:
    days = {"first_day": written(period.first_day), "last_day": written(period.last_day)}
    return reduce(lambda text, name: text.replace(f"{{{name}}}", days[name]), days, template)


def _day_ja(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _day_en(day: dt.date) -> str:
    return f"{_MONTHS_EN[day.month - 1]} {day.day}, {day.year}"


class RulesRevision(_Rules):
    """That the rules were changed: when, by whom and why."""

    at: dt.datetime
    by: str
    reason: str


class LegalKindRules(_Rules):
    """A kind of organization, the law behind it, and the line of the page that `source` quotes."""

    id: LegalKind
    mark: str
    name: Words
    law: Words | None = None
    """None: no one law makes an organization of this kind."""
    source: str


class Gaps(_Rules):
    """Calendar days from one session to the next, where an application wishes nothing else."""

    min_days: Positive
    target_days: Positive
    max_days: Positive

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.min_days <= self.target_days <= self.max_days:
            raise ValueError("gaps are given as min <= target <= max")
        return self


class ProgrammeRules(_Rules):
    """One year's programme, whole."""

    id: str
    fiscal_year: int
    name: Words
    source: Words
    application_period: Period
    implementation_period: Period
    session_limit: Annotated[int, Field(ge=1, le=5)]
    review_session_limit: Annotated[int, Field(ge=1, le=5)]
    session_minutes: SessionMinutes
    slot_minutes: Annotated[int, Field(ge=1, le=60)]
    interview_business_days: Positive
    closures: Closures
    gaps: Gaps
    specialties: tuple[SpecialtyRules, ...]
    phases: tuple[PhaseRules, ...]
    requirements: tuple[Requirement, ...]
    legal_kinds: tuple[LegalKindRules, ...] = ()
    office: Office | None = None
    """None: nobody has said yet how it is reached; the programme's page does not."""
    weights: Weights
    revisions: tuple[RulesRevision, ...] = ()

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        qualifications = [own.id for each in self.specialties for own in each.qualifications]
        for ids in (
            [specialty.id for specialty in self.specialties],
            qualifications,
            [phase.id for phase in self.phases],
            [requirement.id for requirement in self.requirements],
            [kind.id for kind in self.legal_kinds],
        ):
            if len(set(ids)) < len(ids):
                raise ValueError(f"an id stands twice among {', '.join(ids)}")
        return self

    def session_limit_of(self, purpose: Purpose | Literal["new_manual", "review"]) -> int:
        """How many sessions an organization may receive, for a new manual or for a review."""
        return self.review_session_limit if purpose == Purpose.REVIEW else self.session_limit

    @field_validator("requirements")
    @classmethod
    def _tell_the_period(
        cls, requirements: tuple[Requirement, ...], info: ValidationInfo
    ) -> tuple[Requirement, ...]:
        period = info.data.get("application_period")  # it stands before the requirements
        return tuple(each.within(period) for each in requirements) if period else requirements

    def phase(self, number: int, sessions: int | None = None) -> PhaseRules:
        """The phase of session `number` in a course of `sessions` (a full course by default).

        A shorter course keeps its ends: it begins with the action plan and, if it has more than
        one session, ends with the finalization.

        Raises:
            ValueError: there is no such session.
        """
        last = self.session_limit if sessions is None else sessions
        if not 1 <= number <= last <= self.session_limit:
            raise ValueError(f"there is no session {number} of {last}")
        if 1 < number == last:
            return self.phases[-1]
        return next(
            each for each in self.phases if each.first_session <= number <= each.last_session
        )

    def closed_days(self, first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
        """The days from `first` to `last`, both included, on which nothing takes place."""
        closed = set(self.closures.days)
        if self.closures.national_holidays:
            closed |= national_holidays(first, last)
        yearly = {(day.month, day.day) for day in self.closures.every_year}
        return tuple(
            day
            for day in Period(first_day=first, last_day=last).days()
            if day in closed or (day.month, day.day) in yearly
        )

    def business_day_after(self, day: dt.date, days: int) -> dt.date:
        """The `days`-th business day of the office after a day; the day itself does not count.

        Raises:
            ValueError: `days` is less than one.
        """
        closed = self.closed_days(day, day + dt.timedelta(weeks=days + LONGEST_CLOSURE_WEEKS))
        return BusinessCalendar(closed).add(day, days)

    def first_session_day(self, accepted_on: dt.date) -> dt.date:
        """The first day on which an organization may have a session, by the day of its decision."""
        ready = self.business_day_after(accepted_on, LEAD_BUSINESS_DAYS)
        return max(ready, self.implementation_period.first_day)

    def specialty_of(self, qualification: Qualification | str) -> SpecialtyRules:
        """The specialty a qualification stands for.

        Raises:
            NotFound: the programme knows no such qualification.
        """
        for specialty in self.specialties:
            if any(own.id == qualification for own in specialty.qualifications):
                return specialty
        raise NotFound("qualification", qualification)

    def qualification(self, id: Qualification | str) -> QualificationRules:
        """A qualification by its id.

        Raises:
            NotFound: the programme knows no such qualification.
        """
        return next(own for own in self.specialty_of(id).qualifications if own.id == id)

    def specialty(self, id: Specialty | str) -> SpecialtyRules:
        """A specialty by its id.

        Raises:
            NotFound: the programme knows no such specialty.
        """
        for specialty in self.specialties:
            if specialty.id == id:
                return specialty
        raise NotFound("specialty", id)

    def requirement(self, id: str) -> Requirement:
        """A requirement by its id.

        Raises:
            NotFound: the programme has no such requirement.
        """
        for requirement in self.requirements:
            if requirement.id == id:
                return requirement
        raise NotFound("requirement", id)


def packaged_programmes() -> tuple[str, ...]:
    """The ids of the programmes whose rules come with this package."""
    found = (files("matcher") / "data" / "programmes").iterdir()
    return tuple(sorted(each.name.removesuffix(".json") for each in found))


def read_rules(programme_id: str) -> ProgrammeRules:
    """Read the rules that come with this package.

    Raises:
        NotFound: no such programme comes with it.
    """
    file = files("matcher") / "data" / "programmes" / f"{programme_id}.json"
    if not file.is_file():
        raise NotFound("programme", programme_id)
    return ProgrammeRules.model_validate_json(file.read_bytes())
