"""What an organization asks for, on the form or by phone, and whether the programme offers it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from matcher.errors import Invalid
from matcher.fields import Day, Moment, unchanged
from matcher.intake.answers import GivenAnswer
from matcher.models import Application, Channel, Delivery, Purpose, WeeklyHours
from matcher.models.application import Needs
from matcher.planning.stating.hours import joined
from matcher.programme import ProgrammeRules

__all__ = [
    "AbsentTime",
    "ApplicationDraft",
    "GivenAnswer",
    "InterviewFindings",
    "Wishes",
    "faults",
    "session_faults",
]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AbsentTime(_Given):
    """An interval [start_at, end_at) in which an organization cannot receive an expert."""

    start_at: Moment
    end_at: Moment
    reason: str = ""


class Wishes(_Given):
    """What an organization asks for: help with what, how long, where and when."""

    delivery: Delivery
    purpose: Purpose = Purpose.NEW_MANUAL
    needs: Annotated[Needs, Field(min_length=1)]
    session_minutes: Annotated[tuple[int, ...], Field(min_length=1)]
    weekly_hours: Annotated[tuple[WeeklyHours, ...], Field(min_length=1)]
    preferred_hours: tuple[WeeklyHours, ...] = ()
    first_wish_day: Day | None = None
    last_wish_day: Day | None = None
    absences: tuple[AbsentTime, ...] = ()

    @classmethod
    def of(cls, application: Application) -> Wishes:
        """What an application asks for as it stands."""
        return Wishes.model_validate(application, from_attributes=True)


class ApplicationDraft(Wishes):
    """What an organization asks for, before it is submitted."""

    programme_id: str
    organization_id: str
    channel: Channel
    weight: Annotated[int, Field(ge=1)] = 1
    answers: tuple[GivenAnswer, ...] = ()
    """The declarations on the form."""


class InterviewFindings(_Given):
    """What an interview showed of an organization's wishes; what is left out stays as it was."""

    delivery: Delivery = unchanged()
    purpose: Purpose = unchanged()
    needs: Annotated[Needs, Field(min_length=1)] = unchanged()
    session_minutes: Annotated[tuple[int, ...], Field(min_length=1)] = unchanged()
    weekly_hours: Annotated[tuple[WeeklyHours, ...], Field(min_length=1)] = unchanged()
    preferred_hours: tuple[WeeklyHours, ...] = unchanged()
    first_wish_day: Day | None = unchanged()
    last_wish_day: Day | None = unchanged()
    absences: tuple[AbsentTime, ...] = unchanged()

    def given(self) -> dict[str, Any]:
        """The wishes that were given, by name."""
        return {
            name: getattr(self, name)
            for name in Wishes.model_fields
            if name in self.model_fields_set
        }


def faults(wishes: Wishes, rules: ProgrammeRules) -> Iterator[Invalid]:
    """What is wished for and the programme does not offer."""
    yield from session_faults(wishes.session_minutes, wishes.purpose, rules)
    yield from _hour_faults(wishes)
    yield from _day_faults(wishes, rules)


def session_faults(
    session_minutes: Sequence[int], purpose: Purpose, rules: ProgrammeRules
) -> Iterator[Invalid]:
    """What is wrong with the number and the lengths of the sessions that are wanted."""
    limit = rules.session_limit_of(purpose)
    shortest, longest = rules.session_minutes.shortest, rules.session_minutes.longest
    if len(session_minutes) > limit:
        yield Invalid(
            "session_minutes",
            f"{len(session_minutes)} sessions are asked for",
            f"ask for at most {limit}",
            reason_ja=f"{len(session_minutes)}回の派遣が希望されています",
            remedy_ja=f"{limit}回以内で指定してください",
        )
    if not all(shortest <= minutes <= longest for minutes in session_minutes):
        yield Invalid(
            "session_minutes",
            "a session is shorter or longer than the programme offers",
            f"give each {shortest} to {longest} minutes",
            reason_ja="1回の時間が事業の範囲外です",
            remedy_ja=f"各回{shortest}分から{longest}分で指定してください",
        )


def _hour_faults(wishes: Wishes) -> Iterator[Invalid]:
    stretches = joined(wishes.weekly_hours)
    longest_stretch = max(_minutes(hours) for hours in stretches)
    if longest_stretch < max(wishes.session_minutes):
        yield Invalid(
            "weekly_hours",
            "no stretch is long enough for the longest session",
            f"give one of at least {max(wishes.session_minutes)} minutes",
            reason_ja="最も長い回が収まる時間帯がありません",
            remedy_ja=f"{max(wishes.session_minutes)}分以上の時間帯を指定してください",
        )
    if not all(_lies_within(wish, stretches) for wish in wishes.preferred_hours):
        yield Invalid(
            "preferred_hours",
            "hours are preferred in which the organization is not there",
            "choose them within weekly_hours",
            reason_ja="希望の時間帯が対応可能な時間帯から外れています",
            remedy_ja="対応可能な時間帯の中から指定してください",
        )


def _day_faults(wishes: Wishes, rules: ProgrammeRules) -> Iterator[Invalid]:
    period = rules.implementation_period
    first = wishes.first_wish_day or period.first_day
    last = wishes.last_wish_day or period.last_day
    if first > last or first > period.last_day or last < period.first_day:
        yield Invalid(
            "last_wish_day" if wishes.last_wish_day else "first_wish_day",
            "no day of the implementation period lies between the wishes",
            f"wish for days from {period.first_day} to {period.last_day}",
            reason_ja="希望の期間に実施期間の日が含まれていません",
            remedy_ja=f"{period.first_day}から{period.last_day}までの間で指定してください",
        )
    if not all(absence.start_at < absence.end_at for absence in wishes.absences):
        yield Invalid(
            "absences",
            "an absence ends before it starts",
            "give start_at before end_at",
            reason_ja="不在期間の終わりが始まりより前です",
            remedy_ja="終わりの日時を始まりより後にしてください",
        )


def _minutes(hours: WeeklyHours) -> int:
    return (hours.closes.hour - hours.opens.hour) * 60 + hours.closes.minute - hours.opens.minute


def _lies_within(wish: WeeklyHours, weekly_hours: Iterable[WeeklyHours]) -> bool:
    return any(
        hours.weekday == wish.weekday and hours.opens <= wish.opens and wish.closes <= hours.closes
        for hours in weekly_hours
    )
