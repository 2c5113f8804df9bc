"""What an organization asks for, and whether the programme offers it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from matcher.errors import Invalid
from matcher.intake.answers import GivenAnswer
from matcher.models import Channel, Delivery, Purpose, WeeklyHours
from matcher.models.application import Needs
from matcher.programme import ProgrammeRules

__all__ = ["AbsentTime", "ApplicationDraft", "GivenAnswer", "faults", "session_faults"]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AbsentTime(_Given):
    """An interval [start_at, end_at) in which an organization cannot receive an expert."""

    start_at: AwareDatetime
    end_at: AwareDatetime
    reason: str = ""


class ApplicationDraft(_Given):
    """What an organization asks for, before it is submitted."""

    programme_id: str
    organization_id: str
    channel: Channel
    delivery: Delivery
    purpose: Purpose = Purpose.NEW_MANUAL
    needs: Annotated[Needs, Field(min_length=1)]
    session_minutes: Annotated[tuple[int, ...], Field(min_length=1)]
    weekly_hours: Annotated[tuple[WeeklyHours, ...], Field(min_length=1)]
    preferred_hours: tuple[WeeklyHours, ...] = ()
    first_wish_day: dt.date | None = None
    last_wish_day: dt.date | None = None
    weight: Annotated[int, Field(ge=1)] = 1
    absences: tuple[AbsentTime, ...] = ()
    answers: tuple[GivenAnswer, ...] = ()
    """The declarations on the form."""


def faults(draft: ApplicationDraft, rules: ProgrammeRules) -> Iterator[Invalid]:
    """What the draft asks for and the programme does not offer."""
    yield from session_faults(draft.session_minutes, draft.purpose, rules)
    yield from _hour_faults(draft)
    yield from _day_faults(draft, rules)


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


def _hour_faults(draft: ApplicationDraft) -> Iterator[Invalid]:
    longest_stretch = max(_minutes(hours) for hours in draft.weekly_hours)
    if longest_stretch < max(draft.session_minutes):
        yield Invalid(
            "weekly_hours",
            "no stretch is long enough for the longest session",
            f"give one of at least {max(draft.session_minutes)} minutes",
            reason_ja="最も長い回が収まる時間帯がありません",
            remedy_ja=f"{max(draft.session_minutes)}分以上の時間帯を指定してください",
        )
    if not all(_lies_within(wish, draft.weekly_hours) for wish in draft.preferred_hours):
        yield Invalid(
            "preferred_hours",
            "hours are preferred in which the organization is not there",
            "choose them within weekly_hours",
            reason_ja="希望の時間帯が対応可能な時間帯から外れています",
            remedy_ja="対応可能な時間帯の中から指定してください",
        )


def _day_faults(draft: ApplicationDraft, rules: ProgrammeRules) -> Iterator[Invalid]:
    period = rules.implementation_period
    first = draft.first_wish_day or period.first_day
    last = draft.last_wish_day or period.last_day
    if first > last or first > period.last_day or last < period.first_day:
        yield Invalid(
            "last_wish_day" if draft.last_wish_day else "first_wish_day",
            "no day of the implementation period lies between the wishes",
            f"wish for days from {period.first_day} to {period.last_day}",
            reason_ja="希望の期間に実施期間の日が含まれていません",
            remedy_ja=f"{period.first_day}から{period.last_day}までの間で指定してください",
        )
    if not all(absence.start_at < absence.end_at for absence in draft.absences):
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
