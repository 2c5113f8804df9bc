"""What people write into one cell of a sheet, and what it means; and back.

Width and case make no difference, and Japanese and English are both read. What is written back is
read again as the same value.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from matcher.clock import from_wall_time, wall_time
from matcher.errors import Invalid
from matcher.geography import MUNICIPALITIES
from matcher.models import WeeklyHours
from matcher.models.hours import Weekday
from matcher.wording import WEEKDAYS_JA

__all__ = [
    "YES_OR_NO",
    "Choice",
    "Option",
    "folded",
    "read_absences",
    "read_conflicts",
    "read_day",
    "read_digits",
    "read_hours",
    "read_list",
    "read_municipality",
    "read_number",
    "read_numbers",
    "write_absences",
    "write_conflicts",
    "write_hours",
    "write_list",
]

YEAR_BEFORE_REIWA = 2018

_DAY = re.compile(
    r"(?P<era>令和)?(?P<year>\d{1,4})[-/年](?P<month>\d{1,2})[-/月](?P<day>\d{1,2})日?"
)
_SPAN = re.compile(r"(?P<first>[^-~]+)[-~](?P<last>[^-~]+)")
_ENTRIES = re.compile(r"[;\n]")
_ITEMS = re.compile(r"[;,、\n]")
_HOURS = re.compile(r"(?P<days>\D+?)\s*(?P<opens>\d{1,2}:\d\d)\s*[-~]\s*(?P<closes>\d{1,2}:\d\d)")
_MOMENT = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[ T]\d{1,2}:\d\d)?"
_ABSENCE = re.compile(
    rf"(?P<first>{_MOMENT})(?:\s*(?:\.\.|~)\s*(?P<last>{_MOMENT}))?(?P<reason>(?: .*)?)"
)
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


@dataclass(frozen=True)
class Option:
    """One of the values that a cell may have, and how people write it; the first is ours."""

    value: Any
    written: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """A cell that has one of a few values."""

    options: tuple[Option, ...]

    def read(self, text: str) -> Any:  # noqa: ANN401  a value of any type
        """Find the value.

        Raises:
            Invalid: it is none of them.
        """
        for option in self.options:
            if folded(text) in map(folded, (str(option.value), *option.written)):
                return option.value
        known = ", ".join(option.written[-1] for option in self.options)
        known_ja = "、".join(option.written[0] for option in self.options)
        raise Invalid(
            "",
            "it is none of the values that are known",
            f"give one of: {known}",
            reason_ja="指定できる値ではありません",
            remedy_ja=f"次のいずれかを記入してください: {known_ja}",
        )

    def read_all(self, text: str) -> tuple[Any, ...]:
        """Find several values, divided by semicolons or commas.

        Raises:
            Invalid: one is none of them.
        """
        return tuple(self.read(each) for each in read_list(text))

    def write(self, value: object) -> str:
        """Write a value as people do."""
        written = (option.written[0] for option in self.options if option.value == value)
        return next(written, str(value))  # a value from before the list had its present form

    def write_all(self, values: Iterable[object]) -> str:
        """Write several values."""
        return write_list(map(self.write, values))


YES_OR_NO = Choice(
    (
        Option(True, ("はい", "有", "あり", "○", "〇", "◯", "true", "1", "yes")),
        Option(False, ("いいえ", "無", "なし", "×", "✕", "✗", "false", "0", "no")),
    )
)


def folded(text: str) -> str:
    """A text without differences of width, case, space, and kinds of dashes."""
    return re.sub(r"[\s_]+", "", _plain(text).casefold())


def read_list(text: str) -> tuple[str, ...]:
    """Texts divided by semicolons or commas."""
    return tuple(each.strip() for each in _ITEMS.split(_plain(text)) if each.strip())


def write_list(texts: Iterable[object]) -> str:
    """Write texts as one."""
    return "; ".join(map(str, texts))


def read_plain(text: str) -> str:
    """What is written in half width, as addresses and telephone numbers are."""
    return re.sub("(?<=[0-9])ー(?=[0-9])", "-", _plain(text))


def read_digits(text: str) -> str:
    """A number that is a name: its digits, without dashes and spaces."""
    return re.sub(r"[\s-]", "", _plain(text))


def read_municipality(text: str) -> str:
    """The code of a municipality, given as that or by its name: `千代田区`, `Chiyoda-ku`."""
    wanted = re.sub("-(ku|shi|machi|cho|mura)$", "", folded(text))
    for code, place in MUNICIPALITIES.items():
        if wanted in (folded(place.name_ja), folded(place.name_en)):
            return code
    return _plain(text)


def read_number(text: str) -> int:
    """A whole number.

    Raises:
        Invalid: it is none.
    """
    plain = _plain(text)
    if not re.fullmatch(r"-?[0-9]{1,9}", plain):
        raise Invalid(
            "",
            "it is not a whole number",
            "give a whole number",
            reason_ja="整数ではありません",
            remedy_ja="整数で記入してください",
        )
    return int(plain)


def read_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers, divided by commas: `120, 90, 90`.

    Raises:
        Invalid: one is none.
    """
    return tuple(map(read_number, read_list(text)))


def read_day(text: str) -> dt.date:
    """A day: `2025-08-12`, `2025/8/12`, `2025年8月12日` or `令和7年8月12日`.

    Raises:
        Invalid: it is none.
    """
    found = _DAY.fullmatch(_plain(text))
    if found is None:
        raise _no_day()
    year = int(found["year"]) + (YEAR_BEFORE_REIWA if found["era"] else 0)
    try:
        return dt.date(year, int(found["month"]), int(found["day"]))
    except ValueError as error:
        raise _no_day() from error


def read_hours(text: str) -> tuple[WeeklyHours, ...]:
    """Hours of the week: `火木 10:00-17:00; 金 13:00-15:00`, or `tue thu 10:00-17:00`.

    Days may be given from one to another, `月〜金` or `mon-fri`, and as `平日`.

    Raises:
        Invalid: they are written otherwise, or close before they open.
    """
    return tuple(hours for entry in _entries(text) for hours in _hours_of(entry))


def write_hours(hours: Sequence[WeeklyHours]) -> str:
    """Write hours of the week, as they are read."""
    return "; ".join(
        f"{WEEKDAYS_JA[_WEEKDAYS.index(own.weekday)]} {own.opens:%H:%M}-{own.closes:%H:%M}"
        for own in hours
    )


def read_absences(text: str) -> tuple[dict[str, object], ...]:
    """Times of absence: `2025-08-12..2025-08-15 夏季休業; 2025-09-11`.

    The days are whole, the last included. With times of day the end is not included:
    `2025-09-11 13:00..2025-09-11 15:00`.

    Raises:
        Invalid: they are written otherwise.
    """
    return tuple(map(_absence_of, _entries(text)))


def write_absences(absences: Iterable[Any]) -> str:
    """Write times of absence, as they are read."""
    return "; ".join(
        f"{_written_span(wall_time(own.start_at), wall_time(own.end_at))} {own.reason}".rstrip()
        for own in absences
    )


def read_conflicts(text: str) -> tuple[dict[str, object], ...]:
    """Conflicts of interest: the id of an organization, and why: `O1 顧問先のため; O2 元会員`."""
    pairs = (entry.partition(" ") for entry in _entries(text))
    return tuple({"organization_id": id, "reason": reason.strip()} for id, _, reason in pairs)


def write_conflicts(conflicts: Iterable[Any]) -> str:
    """Write conflicts of interest, as they are read."""
    return "; ".join(f"{own.organization_id} {own.reason}" for own in conflicts)


def _plain(text: str) -> str:
    """A text in half width, with one kind of dash."""
    return re.sub("[‐-―−〜]", lambda dash: "~" if dash[0] == "〜" else "-", _normal(text)).strip()


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in _ENTRIES.split(_plain(text)) if entry.strip()]


def _hours_of(entry: str) -> list[WeeklyHours]:
    found = _HOURS.fullmatch(entry)
    weekdays = _weekdays_of(found["days"]) if found else None
    if found is None or not weekdays:
        raise _no_hours()
    try:
        opens, closes = _time_of_day(found["opens"]), _time_of_day(found["closes"])
        return [WeeklyHours(weekday=own, opens=opens, closes=closes) for own in weekdays]
    except ValueError as error:  # pydantic's, too
        raise _no_hours() from error


def _weekdays_of(text: str) -> list[Weekday] | None:
    """The days that are named; None where something else is."""
    named = [word for word in re.split(r"[\s,、・/]+", text.casefold().replace("曜日", "")) if word]
    days: list[Weekday] = []
    for word in named:
        found = _days_of(word)
        if found is None:
            return None
        days += found
    return days


def _days_of(word: str) -> Sequence[Weekday] | None:
    """`火木`, `tue`, `tuesday`, `月~金`, `mon-fri` or `平日`; None where it is something else."""
    span = _SPAN.fullmatch("月-金" if word == "平日" else word)
    if span is not None:
        ends = [_days_of(span["first"]), _days_of(span["last"])]
        if not all(end is not None and len(end) == 1 for end in ends):
            return None
        first, last = (_WEEKDAYS.index(end[0]) for end in ends if end)
        return _WEEKDAYS[first : last + 1] or None
    if word[:3] in _WEEKDAYS:
        return _WEEKDAYS[_WEEKDAYS.index(word[:3]) :][:1]
    if set(word) <= set(WEEKDAYS_JA):
        return [_WEEKDAYS[WEEKDAYS_JA.index(letter)] for letter in word]
    return None


def _time_of_day(text: str) -> dt.time:
    hour, minute = map(int, text.split(":"))
    return dt.time(hour, minute)


def _absence_of(entry: str) -> dict[str, object]:
    found = _ABSENCE.fullmatch(entry)
    if found is None:
        raise _no_absence()
    first, last = found["first"], found["last"] or found["first"]
    try:
        start_at, end_at = _moment_of(first, after=False), _moment_of(last, after=True)
    except (ValueError, OverflowError) as error:
        raise _no_absence() from error
    return {"start_at": start_at, "end_at": end_at, "reason": found["reason"].strip()}


def _moment_of(text: str, *, after: bool) -> dt.datetime:
    """The moment that is written; of a whole day its beginning, or that of the day after it."""
    day, *time = re.split("[ T]", text)
    midnight = dt.datetime(*map(int, re.split("[-/]", day)))  # type: ignore[arg-type]  # noqa: DTZ001  on Tokyo's walls
    if time:
        return from_wall_time(dt.datetime.combine(midnight, _time_of_day(time[0])))
    return from_wall_time(midnight + dt.timedelta(days=after))


def _written_span(start: dt.datetime, end: dt.datetime) -> str:
    if start.time() == end.time() == dt.time():
        first, last = start.date(), end.date() - dt.timedelta(days=1)
        return f"{first}" if first == last else f"{first}..{last}"
    return f"{start:%Y-%m-%d %H:%M}..{end:%Y-%m-%d %H:%M}"


def _no_day() -> Invalid:
    return Invalid(
        "",
        "it is not a day of the calendar",
        "write YYYY-MM-DD",
        reason_ja="日付ではありません",
        remedy_ja="YYYY-MM-DD の形で記入してください",
    )


def _no_hours() -> Invalid:
    return Invalid(
        "",
        "these are no weekly hours",
        "write such as 'tue thu 10:00-17:00; fri 13:00-15:00'",
        reason_ja="曜日と時間帯として読み取れません",
        remedy_ja="「火木 10:00-17:00; 金 13:00-15:00」の形で記入してください",
    )


def _no_absence() -> Invalid:
    return Invalid(
        "",
        "these are no times of absence",
        "write such as '2025-08-12..2025-08-15 holidays; 2025-09-11'",
        reason_ja="不在期間として読み取れません",
        remedy_ja="「2025-08-12..2025-08-15 夏季休業; 2025-09-11」の形で記入してください",
    )
