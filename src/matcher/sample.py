"""A year that looks like Tokyo's: 60 organizations, their applications, and 24 experts.

The records are `data/sample/*.toml`, every name in them invented. Loading the sample takes each
application through the use cases of `matcher.intake`, at the times its record gives; what is there
already is left as it is.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time
from matcher.intake.answers import GivenAnswer
from matcher.intake.applications import (
    decide,
    record_answers,
    record_assessment,
    record_interview,
    submit,
)
from matcher.intake.drafts import AbsentTime, ApplicationDraft
from matcher.models import (
    Answer,
    AnswerSource,
    Application,
    ApplicationState,
    ConflictOfInterest,
    Delivery,
    Expert,
    ExpertAbsence,
    LegalKind,
    Organization,
    Outcome,
    Programme,
    WeeklyHours,
    load_programme,
)
from matcher.programme import Qualification, RequirementKind

__all__ = [
    "PROGRAMME_ID",
    "Sample",
    "SampleApplication",
    "SampleExpert",
    "SampleOrganization",
    "load_sample",
    "read_sample",
]

PROGRAMME_ID = "tokyo-2025"

AT_ITS_END = dt.datetime.max.replace(tzinfo=dt.UTC)
"""Later than anything in the sample."""

TAX_EVIDENCE = "納税証明書の写しを確認"


def _read_hours(value: object) -> object:
    """`["mon wed 10:00-17:00", "fri 10:00-12:00"]`: weekdays, then the hours on each of them."""
    if not isinstance(value, list):
        return value
    return tuple(hours for text in value for hours in _hours_of(str(text)))


def _hours_of(text: str) -> list[dict[str, str]]:
    *weekdays, span = text.split()
    opens, _, closes = span.partition("-")
    return [{"weekday": weekday, "opens": opens, "closes": closes} for weekday in weekdays]


def _read_absences(value: object) -> object:
    """`[["2025-08-12", "2025-08-15", "夏季休業"]]`: first and last day, both whole, and why."""
    if not isinstance(value, list):
        return value
    return tuple(_absence(*map(str, record)) for record in value)


def _absence(first_day: str, last_day: str, reason: str) -> AbsentTime:
    after = dt.date.fromisoformat(last_day) + dt.timedelta(days=1)
    return AbsentTime(
        start_at=_midnight(dt.date.fromisoformat(first_day)),
        end_at=_midnight(after),
        reason=reason,
    )


def _midnight(day: dt.date) -> dt.datetime:
    return from_wall_time(dt.datetime.combine(day, dt.time()))


def _read_moment(value: object) -> object:
    naive = isinstance(value, dt.datetime) and value.tzinfo is None
    return from_wall_time(value) if naive and isinstance(value, dt.datetime) else value


Hours = Annotated[tuple[WeeklyHours, ...], BeforeValidator(_read_hours)]
Absences = Annotated[tuple[AbsentTime, ...], BeforeValidator(_read_absences)]
Moment = Annotated[dt.datetime, BeforeValidator(_read_moment)]
"""Written as Tokyo's wall-clock time."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleOrganization(_Record):
    """An organization, as its record gives it."""

    id: str
    name_ja: str
    name_en: str
    legal_kind: LegalKind
    corporate_number: str
    municipality_code: str
    address_ja: str
    address_en: str
    industry: str
    contact_name: str
    contact_email: str
    contact_phone: str


class SampleConflict(NamedTuple):
    """An organization that an expert may not serve, and why."""

    organization_id: str
    reason: str


class SampleExpert(_Record):
    """An expert, as the record gives them."""

    id: str
    name_ja: str
    name_en: str
    email: str
    municipality_code: str
    qualifications: tuple[Qualification, ...]
    industries: tuple[str, ...]
    languages: tuple[str, ...]
    weekly_hours: Hours
    max_per_day: int
    max_per_week: int
    max_total: int
    target_total: int
    absences: Absences
    conflicts_of_interest: tuple[SampleConflict, ...] = ()


class SampleNotMet(NamedTuple):
    """A requirement that staff found not met, and what showed it."""

    requirement_id: str
    evidence: str


class SampleAssessment(_Record):
    """When and by whom the requirements were gone through."""

    assessed_at: Moment
    assessed_by: str


class SampleInterview(_Record):
    """The phone call."""

    held_at: Moment
    caller: str
    notes: str


class SampleDecision(_Record):
    """What was decided, when and by whom."""

    outcome: Outcome
    decided_at: Moment
    decided_by: str


class SampleApplication(ApplicationDraft):
    """An application as its record gives it: what is asked for, and what the office did."""

    id: str
    programme_id: str = PROGRAMME_ID
    submitted_at: Moment
    weekly_hours: Annotated[Hours, Field(min_length=1)]
    preferred_hours: Hours
    absences: Absences
    not_met: tuple[SampleNotMet, ...] = ()
    assessment: SampleAssessment
    interview: SampleInterview | None = None
    decision: SampleDecision


@dataclass(frozen=True)
class Sample:
    """The records, in the order of their files."""

    organizations: tuple[SampleOrganization, ...]
    experts: tuple[SampleExpert, ...]
    applications: tuple[SampleApplication, ...]


def read_sample() -> Sample:
    """Read the records that come with this package."""
    return Sample(
        organizations=tuple(map(SampleOrganization.model_validate, _records("organizations"))),
        experts=tuple(map(SampleExpert.model_validate, _records("experts"))),
        applications=tuple(map(SampleApplication.model_validate, _records("applications"))),
    )


def load_sample(db: Database, now: dt.datetime = AT_ITS_END) -> None:
    """Bring the database to where the sample's year stood at `now`, or to its end.

    Done again, it changes nothing; with a later `now`, it goes on from there. The programme is
    loaded too where it is not there yet.
    """
    if db.get(Programme, PROGRAMME_ID) is None:
        load_programme(db, PROGRAMME_ID)
    sample = read_sample()
    _load_organizations(db, sample)
    _load_experts(db, sample)
    for record in sample.applications:
        _live(db, record, now)
    db.flush()


def _records(name: str) -> list[dict[str, Any]]:
    text = (files("matcher") / "data" / "sample" / f"{name}.toml").read_text(encoding="utf-8")
    records: list[dict[str, Any]] = tomllib.loads(text)[name]
    return records


def _load_organizations(db: Database, sample: Sample) -> None:
    for record in sample.organizations:
        if db.get(Organization, record.id) is None:
            db.add(Organization(**record.model_dump()))
    db.flush()


def _load_experts(db: Database, sample: Sample) -> None:
    for record in sample.experts:
        if db.get(Expert, record.id) is None:
            db.add(_expert(record))
    db.flush()


def _expert(record: SampleExpert) -> Expert:
    conflicts = [ConflictOfInterest(**own._asdict()) for own in record.conflicts_of_interest]
    return Expert(
        **record.model_dump(exclude={"absences", "conflicts_of_interest", "weekly_hours"}),
        weekly_hours=record.weekly_hours,
        absences=[ExpertAbsence(**own.model_dump()) for own in record.absences],
        conflicts=conflicts,
    )


def _live(db: Database, record: SampleApplication, now: dt.datetime) -> None:
    """Take an application from where it is to where its record says that it was at `now`."""
    interview = record.interview
    undecided = ApplicationState.INTERVIEWED if interview else ApplicationState.ASSESSED
    for moment, before, step in (
        (record.submitted_at, None, _submit),
        (record.assessment.assessed_at, ApplicationState.SUBMITTED, _assess),
        (interview.held_at if interview else None, ApplicationState.ASSESSED, _interview),
        (record.decision.decided_at, undecided, _decide),
    ):
        application = db.get(Application, record.id)
        state = application.state if application else None
        if state == before and moment is not None and moment <= now:
            step(db, record)


def _submit(db: Database, record: SampleApplication) -> None:
    rules = db.get_one(Programme, PROGRAMME_ID).rules
    declared = tuple(
        GivenAnswer(requirement_id=own.id, answer=Answer.MET)
        for own in rules.requirements
        if own.kind == RequirementKind.DECLARED
    )
    draft = record.model_copy(update={"answers": declared})
    submit(db, draft, record.submitted_at, application_id=record.id)


def _assess(db: Database, record: SampleApplication) -> None:
    rules = db.get_one(Programme, PROGRAMME_ID).rules
    not_met = {
        requirement_id: GivenAnswer(
            requirement_id=requirement_id, answer=Answer.NOT_MET, evidence=evidence
        )
        for requirement_id, evidence in record.not_met
    }
    proven = {
        own.id: GivenAnswer(requirement_id=own.id, answer=Answer.MET, evidence=TAX_EVIDENCE)
        for own in rules.requirements
        if own.kind == RequirementKind.VERIFIED
    }
    by, at = record.assessment.assessed_by, record.assessment.assessed_at
    answers = tuple((proven | not_met).values())
    record_answers(db, record.id, answers, AnswerSource.VERIFIED, by, at)
    record_assessment(db, record.id, by, at)


def _interview(db: Database, record: SampleApplication) -> None:
    if record.interview is not None:
        call = record.interview
        record_interview(db, record.id, call.caller, call.notes, call.held_at)


def _decide(db: Database, record: SampleApplication) -> None:
    decision = record.decision
    online = record.delivery == Delivery.ONLINE
    decide(
        db,
        record.id,
        decision.outcome,
        (),
        decision.decided_by,
        decision.decided_at,
        meeting_url=f"https://meet.example.jp/{record.id}" if online else None,
    )
