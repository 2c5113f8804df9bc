"""Recognize an organization that is on record already, and say what looks wrong about one.

Names are compared without what differs from one hand to the next: width, case, spaces, and the
words of the legal form. Nobody is refused for a slip of the pen: what is only doubtful is shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database
from stdnum.jp import cn

from matcher.errors import Conflict
from matcher.geography import MUNICIPALITIES
from matcher.models import Organization

__all__ = [
    "Warned",
    "forget",
    "refuse_known",
    "refuse_known_number",
    "remember",
    "same_name",
    "warnings_of",
]

_LEGAL_FORMS = re.compile(
    "(一般|公益|特例)?(社団|財団)法人|(事業|企業)?協同組合(連合会)?|商工組合(連合会)?|商工会(議所)?"
    "|特定非営利活動法人|npo法人|株式会社|有限会社|合同会社"
    r"|(general|public interest) incorporated (association|foundation)"
    r"|cooperative( association)?|\bco\.,? ?ltd\.?|\binc\.?$"
)
_BETWEEN_WORDS = re.compile(r"[\W_]+")

TURN_TO_REGISTER = 0x4F52_4753
"""Any number, as long as all programs on one PostgreSQL database take the same."""


_REGISTER = "matcher.recognition"
"""Under which a database session keeps what is on record."""


@dataclass(frozen=True)
class Warned:
    """What looks wrong about a record, and may be right nevertheless."""

    code: str
    text_ja: str
    text_en: str


@dataclass(frozen=True)
class _Known:
    """What tells an organization on record from others."""

    id: str
    names: frozenset[str]
    email: str
    corporate_number: str | None

    @property
    def marks(self) -> Iterator[tuple[str, str]]:
        """What it has in common with whatever looks like it."""
        yield "email", self.email
        for name in self.names:
            yield "name", name
        if self.corporate_number is not None:
            yield "number", self.corporate_number

    def looks_like(self, other: _Known) -> bool:
        """One name, the address to write to or the corporate number is the same."""
        same_number = self.corporate_number == other.corporate_number is not None
        return bool(self.names & other.names) or self.email == other.email or same_number


def refuse_known_number(db: Database, number: str | None, *, own_id: str | None = None) -> None:
    """Let no two organizations have one corporate number; `own_id` is whose it may be.

    Raises:
        Conflict: another organization has it.
    """
    if number is None:
        return
    _take_turns(db)
    query = select(Organization.id).where(Organization.corporate_number == number)
    first = db.scalar(query.where(Organization.id != (own_id or "")).order_by(Organization.id))
    if first is not None:
        raise Conflict(
            f"The corporate number {number} is on record as organization {first}. "
            "Use that one, or correct the number.",
            f"法人番号 {number} は団体 {first} として登録済みです。"
            "その団体を使うか、番号を直してください。",
            code="registered_already",
            organization_id=first,
        )


def refuse_known(db: Database, organization: Organization) -> None:
    """Let no organization be registered that looks like one on record.

    Raises:
        Conflict: names the ones that it looks like.
    """
    _take_turns(db)
    alike = _still_on_record(db, _on_record(db).like(organization))
    if alike:
        raise Conflict(
            f"It looks like an organization on record: {', '.join(alike)}. "
            "Use that one, or say with is_another that it is another.",
            f"登録済みの団体と同じ名称かメールアドレスです({'、'.join(alike)})。"
            "その団体を使うか、別の団体であれば is_another で示してください。",
            code="looks_registered_already",
            organization_ids=alike,
        )


def warnings_of(
    db: Database, organizations: Sequence[Organization], *, among_others: bool = True
) -> Mapping[str, tuple[Warned, ...]]:
    """What looks wrong about organizations on record, by id.

    Without `among_others`, nothing is said that would tell of another organization.
    """
    known = _all_known(db) if among_others and organizations else []
    return {each.id: (*_own_warnings(each), *_likenesses(each, known)) for each in organizations}


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in nothing but the hand that wrote them."""
    return _plain(one) == _plain(other)


def _own_warnings(organization: Organization) -> Iterable[Warned]:
    number, code = organization.corporate_number, organization.municipality_code
    if number is not None and not cn.is_valid(number):
        yield Warned(
            "check_digit",
            f"法人番号 {number} の検査用数字が一致しません。番号を確認してください。",
            f"The check digit of the corporate number {number} does not agree. Check the number.",
        )
    if code not in MUNICIPALITIES:
        yield Warned(
            "outside_tokyo",
            f"{code} は東京都の区市町村コードではありません。所在地を確認してください。",
            f"{code} is none of Tokyo's municipalities. Check where the office is.",
        )


def _likenesses(organization: Organization, known: Iterable[_Known]) -> Iterable[Warned]:
    own = _known(organization)
    alike = [each.id for each in known if each.id != own.id and each.looks_like(own)]
    if alike:
        yield Warned(
            "looks_like_another",
            f"別の団体と同じ名称、メールアドレスまたは法人番号です({'、'.join(alike)})。",
            f"It has the name, e-mail address or corporate number of another: {', '.join(alike)}.",
        )


class _Register:
    """All that are on record, found by what tells one from another.

    It holds for one transaction, in which nobody else registers: `_take_turns`.
    """

    def __init__(self, known: Iterable[_Known]) -> None:
        self._found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for each in known:
            self._add(each)

    def add(self, organization: Organization) -> None:
        """Put one more on record."""
        self._add(_known(organization))

    def like(self, organization: Organization) -> set[str]:
        """The ids of those that look like one."""
        marks = _known(organization).marks
        return {id for mark in marks for id in self._found.get(mark, ())}

    def _add(self, known: _Known) -> None:
        for mark in known.marks:
            self._found[mark].add(known.id)


def remember(db: Database, organization: Organization) -> None:
    """Know an organization that was just put on record, for the rest of the transaction."""
    _on_record(db).add(organization)


def forget(db: Database) -> None:
    """Read anew what is on record: one was edited."""
    db.info.pop(_REGISTER, None)


def _still_on_record(db: Database, ids: set[str]) -> list[str]:
    """Those of some ids whose registration was not undone since."""
    found = select(Organization.id).where(Organization.id.in_(ids)).order_by(Organization.id)
    return list(db.scalars(found)) if ids else []


def _on_record(db: Database) -> _Register:
    """Those on record, read once in a transaction: a sheet registers thousands in one."""
    transaction = db.get_transaction()
    kept = db.info.get(_REGISTER)
    if kept is None or kept[0] is not transaction:
        kept = db.info[_REGISTER] = (transaction, _Register(_all_known(db)))
    register: _Register = kept[1]
    return register


def _all_known(db: Database) -> list[_Known]:
    columns = (
        Organization.id,
        Organization.name_ja,
        Organization.name_en,
        Organization.contact_email,
        Organization.corporate_number,
    )
    rows = db.execute(select(*columns).order_by(Organization.id))
    return [
        _Known(id, frozenset(map(_plain, (ja, en))), email.casefold(), number)
        for id, ja, en, email, number in rows
    ]


def _known(organization: Organization) -> _Known:
    names = frozenset(map(_plain, (organization.name_ja, organization.name_en)))
    email = organization.contact_email.casefold()
    return _Known(organization.id, names, email, organization.corporate_number)


@lru_cache(maxsize=50_000)  # a sheet of many compares each row with all names on record
def _plain(name: str) -> str:
    """A name without the words of the legal form; whole, if nothing else is left."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    bare = _BETWEEN_WORDS.sub("", _LEGAL_FORMS.sub("", folded))
    return bare or folded


def _take_turns(db: Database) -> None:
    """Two who register the same organization at one moment do so one after the other.

    On SQLite there is one writer anyway.
    """
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": TURN_TO_REGISTER})
