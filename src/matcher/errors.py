"""What the programme refuses, and how it says so.

::

    MatcherError
    ├── Unauthenticated     nobody we know
    ├── Forbidden           known, but not allowed
    ├── NotFound            there is no such thing (or not for this caller)
    ├── Invalid             a value that cannot be used: which one, why, and what would do
    ├── RowsRefused         rows of a sheet that cannot be used: which, and what is wrong
    ├── Conflict            the state forbids it: what it is, and what is possible instead
    │   ├── PlanOutdated    the ground of a plan has moved: what moved
    │   └── NotServable     no expert and no dates can be found: the reasons
    └── Misconfigured       the service itself is set up wrongly

Every error has a `code` for programs, one sentence in English and one in Japanese for people, and
its data. One table in `api` maps the classes to HTTP.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "Conflict",
    "Forbidden",
    "Invalid",
    "MatcherError",
    "Misconfigured",
    "NotFound",
    "NotServable",
    "PlanOutdated",
    "RowsRefused",
    "Unauthenticated",
]


class MatcherError(Exception):
    """Anything the programme refuses; `str(error)` is the English sentence."""

    def __init__(self, code: str, message_en: str, message_ja: str, **data: object) -> None:
        super().__init__(message_en)
        self.code = code
        self.message_en = message_en
        self.message_ja = message_ja
        self.data: Mapping[str, object] = MappingProxyType(data)


class Unauthenticated(MatcherError):
    """The caller gave no key, or none that counts."""

    def __init__(
        self,
        message_en: str = "Give a valid API key.",
        message_ja: str = "有効なAPIキーを指定してください。",
    ) -> None:
        super().__init__("unauthenticated", message_en, message_ja)


class Forbidden(MatcherError):
    """The caller is known, and may not do this."""

    def __init__(
        self,
        message_en: str = "Your role does not allow this.",
        message_ja: str = "この操作を行う権限がありません。",
        **data: object,
    ) -> None:
        super().__init__("forbidden", message_en, message_ja, **data)


class NotFound(MatcherError):
    """There is no such thing, or none that this caller may know of."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(
            "not_found",
            f"There is no {kind.replace('_', ' ')} {id!r}.",
            f"{_KINDS_JA.get(kind, kind)}「{id}」は見つかりません。",
            kind=kind,
            id=id,
        )


class Invalid(MatcherError):
    """A value that cannot be used: its field, the reason, and what would do instead."""

    def __init__(
        self,
        field: str,
        reason: str,
        remedy: str,
        *,
        reason_ja: str | None = None,
        remedy_ja: str | None = None,
    ) -> None:
        self.field = field
        self.reason = reason
        self.remedy = remedy
        self.reason_ja = reason_ja or reason
        self.remedy_ja = remedy_ja or remedy
        super().__init__(
            "invalid",
            f"{field}: {reason}; {remedy}.",
            f"{field}: {self.reason_ja}。{self.remedy_ja}。",
            field=field,
            reason=reason,
            remedy=remedy,
        )


class RowsRefused(MatcherError):
    """Rows of a sheet that cannot be used, so that none was taken in; `faults` say what is wrong.

    `rows` is how many they are; `read_as` is what the file was taken for.
    """

    def __init__(self, rows: int, read_as: str, faults: Sequence[Mapping[str, object]]) -> None:
        super().__init__(
            "rows_refused",
            f"Rows that cannot be taken in: {rows}. Nothing was kept. Correct what 'faults' names, "
            "or ask with partial=true for the rows that are right.",
            f"不備のある行が{rows}行あるため、1件も登録していません。「faults」に示した箇所を直すか、"
            "partial=true を指定して不備のない行だけを登録してください。",
            read_as=read_as,
            faults=tuple(faults),
        )


class Conflict(MatcherError):
    """The state of things forbids it; the message says what is possible instead."""

    def __init__(
        self, message_en: str, message_ja: str, *, code: str = "conflict", **data: object
    ) -> None:
        super().__init__(code, message_en, message_ja, **data)


class NewerRelease(NamedTuple):
    """The release that has come since a plan was begun."""

    number: int
    published_by: str
    published_at: dt.datetime
    """By the clocks of Tokyo."""

    @property
    def data(self) -> Mapping[str, object]:
        """For programs."""
        return self._asdict() | {"published_at": self.published_at.isoformat(timespec="seconds")}

    @property
    def when(self) -> str:
        """The day and the time."""
        return f"{self.published_at:%Y-%m-%d %H:%M}"


class PlanOutdated(Conflict):
    """A plan whose ground has moved since its problem was built; `moved` names what moved.

    Its data names what of it can be published still, where that was found out.
    """

    def __init__(
        self,
        moved: Sequence[str],
        *,
        newer: NewerRelease | None = None,
        untouched: Sequence[str] | None = None,
        **data: object,
    ) -> None:
        self.moved = tuple(moved)
        said, said_ja = "", ""
        if newer is not None:
            data |= {"newer_release": newer.data}
            said = f" {newer.published_by} published release {newer.number} on {newer.when}."
            said_ja = f"{newer.when}に{newer.published_by}が確定版{newer.number}を作成しています。"
        remedy, remedy_ja = "Make a new plan.", "計画を作り直してください。"
        if untouched is None:
            # Whoever only looks at it was not told what of it can be published: it may be a part.
            remedy = "Publish the part of it that this does not touch, or make a new plan."
            remedy_ja = "影響を受けない部分だけを確定するか、計画を作り直してください。"
        else:
            data |= {"untouched": tuple(untouched)}
        if untouched:
            remedy = (
                f"Its part 'untouched' (engagements: {len(untouched)}) can be published still; "
                "or make a new plan."
            )
            remedy_ja = (
                f"影響を受けない部分(派遣案件{len(untouched)}件)だけを確定するか、"
                "計画を作り直してください。"
            )
        super().__init__(
            f"The ground of the plan has moved: {', '.join(self.moved)}.{said} {remedy}",
            f"派遣計画の前提が変わりました({'、'.join(map(_record_ja, self.moved))})。"
            f"{said_ja}{remedy_ja}",
            code="plan_outdated",
            moved=self.moved,
            **data,
        )


class NotServable(Conflict):
    """No expert and no dates can be found for an engagement; `reasons` say why."""

    def __init__(self, reasons: Sequence[str], reasons_ja: Sequence[str] = ()) -> None:
        self.reasons = tuple(reasons)
        self.reasons_ja = tuple(reasons_ja)
        super().__init__(
            f"It cannot be served: {'; '.join(self.reasons)}.",
            f"派遣できません: {'、'.join(self.reasons_ja or self.reasons)}。",
            code="not_servable",
            reasons=self.reasons,
            reasons_ja=self.reasons_ja,
        )


class Misconfigured(MatcherError):
    """The service is set up wrongly; the message names the setting and the remedy."""

    def __init__(self, message_en: str, message_ja: str, **data: object) -> None:
        super().__init__("misconfigured", message_en, message_ja, **data)


def _record_ja(name: str) -> str:
    """A record's name in Japanese: `expert:E1`, or `release` for the only one of its kind."""
    kind, _, id = name.partition(":")
    return f"{_KINDS_JA.get(kind, kind)} {id}".rstrip()


_KINDS_JA = {
    "programme": "事業",
    "organization": "団体",
    "expert": "専門家",
    "application": "申込",
    "requirement": "要件",
    "interview": "事前ヒアリング",
    "qualification": "資格",
    "specialty": "専門分野",
    "engagement": "派遣案件",
    "session": "派遣",
    "report": "実施報告",
    "plan": "派遣計画",
    "release": "確定版",
    "hold": "仮押さえ",
    "pin": "固定",
    "feed": "カレンダー",
    "key": "APIキー",
    "notice": "通知書",
    "invitation": "招待",
    "municipality": "市区町村",
}
