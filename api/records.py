"""What a caller may see of the records: one of them, or a page of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import BigInteger, Select, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from api.context import database, principal
from api.identity import reach
from api.schema import PageQuery
from matcher.access import Reach, owned_by
from matcher.errors import Invalid, NotFound
from matcher.fields import is_within_reach
from matcher.models import Base, Programme

Record = TypeVar("Record", bound=Base)
Order = Sequence[InstrumentedAttribute[Any]]
"""Columns that together tell any two records apart; a list runs along them."""


@dataclass(frozen=True)
class PageOf(Generic[Record]):
    """Some records of a list, and the cursor of those that follow."""

    items: Sequence[Record]
    next: str | None


def visible(kind: type[Record]) -> Select[Record]:
    """The records of a kind that the caller reaches in this operation."""
    statement = select(kind)
    if reach() is Reach.OWN:
        statement = statement.where(owned_by(kind, principal()))
    return statement


def one(kind: type[Record], id: str, *, for_change: bool = False) -> Record:
    """A record by its id; it stays as it is for the rest of the request if it is for a change.

    Raises:
        NotFound: there is none, or none that the caller may know of.
    """
    statement = visible(kind).where(kind.__table__.c.id == id)
    record = database().scalar(statement.with_for_update() if for_change else statement)
    if record is None:
        raise NotFound(kind.__name__.lower(), id)
    return record


def known_programme(programme_id: str) -> Programme:
    """The programme that a query names.

    Raises:
        Invalid: there is none.
    """
    programme = database().get(Programme, programme_id)
    if programme is None:
        raise Invalid(
            "programme",
            "there is no such programme",
            "give the id of one: /v1/programmes lists them",
            reason_ja="この事業は登録されていません",
            remedy_ja="/v1/programmes にある id を指定してください",
        )
    return programme


def page_of(
    statement: Select[Record], order: Order, query: PageQuery, *, newest_first: bool = False
) -> PageOf[Record]:
    """One page of the records that a statement selects.

    The cursor holds the place of the last record, so that records that come or go meanwhile
    neither repeat nor hide others.

    Raises:
        Invalid: the cursor comes from nowhere.
    """
    if query.cursor:
        place = tuple_(*_read_cursor(query.cursor, order))
        here = tuple_(*order)
        statement = statement.where(here < place if newest_first else here > place)
    ordered = statement.order_by(*(each.desc() if newest_first else each.asc() for each in order))
    found = database().scalars(ordered.limit(query.limit + 1)).all()
    items = found[: query.limit]
    more = len(found) > len(items)
    return PageOf(items, _write_cursor(items[-1], order) if more else None)


def _write_cursor(record: Base, order: Order) -> str:
    values = (getattr(record, column.key) for column in order)
    texts = [each.isoformat() if isinstance(each, datetime) else each for each in values]
    return base64.urlsafe_b64encode(json.dumps(texts).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, order: Order) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [
            literal(_as(column, value), column.type)
            for column, value in zip(order, values, strict=True)
        ]
    except (ValueError, TypeError) as error:
        raise Invalid(
            "cursor",
            "it comes from no page of this list",
            "give the `next` of the page before, or none",
            reason_ja="この一覧のページを指していません",
            remedy_ja="前のページの「next」を指定するか、省略してください",
        ) from error


def _as(column: InstrumentedAttribute[Any], value: object) -> object:
    kind = column.type.python_type
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None and is_within_reach(moment):
            return moment
    elif type(value) is kind and "\x00" not in str(value) and _fits(column, value):
        return value
    raise ValueError(f"{value!r} is no {kind.__name__}")


def _fits(column: InstrumentedAttribute[Any], value: object) -> bool:
    """Whether a number is one that the column can hold: a database compares it with no other."""
    bits = 63 if isinstance(column.type, BigInteger) else 31
    return not isinstance(value, int) or value.bit_length() <= bits
