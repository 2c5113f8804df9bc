"""What the audit speaks of: data, each exception with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticKnownError
from sqlalchemy import inspect
from sqlalchemy.orm import InstrumentedAttribute

from matcher.models import (
    ApiKey,
    ApplicationAbsence,
    AuditEntry,
    Base,
    BusyCalendar,
    BusyTime,
    CalendarRevision,
    Engagement,
    ExpertAbsence,
    Feed,
    IdempotentRequest,
    Invitation,
    Lease,
    Notice,
    Plan,
    Release,
    Session,
    SessionDeparture,
    StoredForecast,
    StoredRehearsal,
)

Fields = Mapping[str, Any]
"""Values by the names of their fields."""

NOT_AUDITED: Final[Mapping[type[Base], str]] = {
    AuditEntry: "it is the audit",
    BusyTime: "it is read from a calendar, again and again, and is about a private person's day",
    CalendarRevision: "it only counts changes, each of which has its entry",
    IdempotentRequest: "it only keeps an answer for a day, in case it is asked for again",
    Invitation: "it follows from changes of sessions, and keeps itself what was mailed of them",
    Lease: "it only keeps two workers from the same work, and is gone when that is done",
    SessionDeparture: "the entry of the session itself says that it left the expert",
    StoredForecast: "nobody makes it: it is computed from records, and can be again",
    StoredRehearsal: "nobody makes it: it is computed from records, and can be again",
}
"""Kinds of records without entries, and why."""

_OPENS_A_DOOR: Final = "whoever knows it gets in, and an entry is kept for ever"
SECRETS: Final[Mapping[type[Base], Mapping[str, str]]] = {
    ApiKey: {"secret_digest": _OPENS_A_DOOR},
    BusyCalendar: {"url": _OPENS_A_DOOR},
    Feed: {"token_hash": _OPENS_A_DOOR},
    Engagement: {"meeting_url": _OPENS_A_DOOR},
    Session: {"meeting_url": _OPENS_A_DOOR},
}
"""Fields of which an entry says that they changed, never from what to what, and why."""

_FOLLOWS: Final = "it only follows from the change of other fields"
_BULK: Final = "it is large, is written once, and stays with the record itself"
_HEARTBEAT: Final = "a run writes it every second, and its last value stays with the record itself"
LEFT_OUT: Final[Mapping[type[Base], Mapping[str, str]]] = {
    Base: dict.fromkeys(
        ("version", "revised_at", "renamed_at", "reworded_at", "sequence"), _FOLLOWS
    ),
    BusyCalendar: dict.fromkeys(
        (
            "etag",
            "last_modified",
            "window_began_on",
            "read_at",
            "tried_at",
            "failures",
            "warned_at",
            "changes",
            "left_out",
        ),
        _HEARTBEAT,
    ),
    Feed: {"last_fetched_at": "a calendar program asked, and nobody changed anything"},
    Notice: {"html_ja": _FOLLOWS, "html_en": _FOLLOWS},
    Plan: {
        **dict.fromkeys(("problem", "problem_sha256", "plan", "ground"), _BULK),
        **dict.fromkeys(("gap", "served"), _HEARTBEAT),
        **dict.fromkeys(
            (
                "attempt",
                "crashes",
                "lease_until",
                "stage",
                "progress",
                "cost",
                "bound",
                "gap",
                "served",
            ),
            _HEARTBEAT,
        ),
    },
    Release: {"snapshot": _BULK},
}
"""Fields that no entry speaks of, and why; those of `Base` in every kind that has them."""

NAMED_AFTER: Final[Mapping[type[Base], str]] = {
    ExpertAbsence: "expert_id",
    ApplicationAbsence: "application_id",
}
"""Kinds that are deleted when their owner gets new ones: the owner's id stands before their own,
as nothing else would tell later whose they were."""


def name_of(model: type[Base]) -> str:
    """What the audit calls a kind: `session_report`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


MODELS: Final[tuple[type[Base], ...]] = tuple(
    sorted((mapper.class_ for mapper in Base.registry.mappers), key=name_of)
)

KINDS: Final = tuple(name_of(model) for model in MODELS if model not in NOT_AUDITED)
"""The kinds of records that have entries."""


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise PydanticKnownError("enum", {"expected": ", ".join(f"'{each}'" for each in KINDS)})
    return kind


Kind = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": [*KINDS]})]
"""A kind of record, singular: `application`, `session_report`."""


class Audited:
    """What the audit knows of one kind of records."""

    def __init__(self, model: type[Base]) -> None:
        mapper = inspect(model)
        self.kind = name_of(model)
        self.keys = tuple(mapper.get_property_by_column(each).key for each in mapper.primary_key)
        # What the id of the record tells need not be told again.
        left_out = {*self.keys, *LEFT_OUT[Base], *LEFT_OUT.get(model, ())}
        self.fields = tuple(each.key for each in mapper.column_attrs if each.key not in left_out)
        self.secrets = frozenset(SECRETS.get(model, ()))
        self._model = model
        self.id_fields = (*filter(None, [NAMED_AFTER.get(model)]), *self.keys)
        tables = [table.name for table in Base.metadata.sorted_tables]
        self._position = tables.index(model.__tablename__)

    def columns(self, names: Iterable[str]) -> list[InstrumentedAttribute[Any]]:
        """The columns of fields."""
        return [getattr(self._model, name) for name in names]

    def id_of(self, values: Fields) -> str:
        """The id under which the audit knows a record."""
        return ":".join(str(values[name]) for name in self.id_fields)

    def place(self, record_id: str) -> tuple[int, str]:
        """Where its entry stands among those of one moment: after those that it refers to."""
        return self._position, record_id

    def told(self, values: Fields) -> dict[str, Any]:
        """The fields that entries speak of, of those that are known."""
        return {name: values[name] for name in self.fields if name in values}


def audited(model: type[Base]) -> Audited | None:
    """What the audit knows of a kind; None where it keeps no entries of it."""
    return None if model in NOT_AUDITED else _audited(model)


@cache
def _audited(model: type[Base]) -> Audited:
    return Audited(model)
