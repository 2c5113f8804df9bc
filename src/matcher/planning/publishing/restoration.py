"""Restoration: the sessions of an earlier release come back, as a release of their own.

What was held or missed since, and what lies too close to be changed, is kept as it stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session as Database

from matcher.clock import wall_time
from matcher.errors import Conflict, NotFound
from matcher.fields import Text
from matcher.locks import ROW
from matcher.models import (
    FROZEN_DAYS,
    PinKind,
    PlanTerms,
    Programme,
    Release,
    Session,
    SessionStatus,
)
from matcher.planning.publishing.composition import (
    Composition,
    Visit,
    booked_visits,
    compose,
    keep,
    visits_of,
)
from matcher.planning.publishing.obstacles import (
    ON_HOLD,
    OTHER_LENGTHS,
    TWO_EXPERTS,
    Obstacle,
    ended,
    named,
    obstacles,
)
from matcher.planning.publishing.releases import noted, publish, said_of
from matcher.planning.publishing.snapshots import Snapshot, SnapshotSession
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import PLANNABLE_STATES, Records
from matcher.programme import Words
from matcher.registry import Draft
from solver import problem as problem_1
from solver.plan import Assignment


class RestorationPart(StrEnum):
    """How much of an earlier release is to come back."""

    ALL = "all"
    """Every session that may be changed, or nothing."""
    POSSIBLE = "possible"
    """Those that can."""


class RestorationDraft(Draft):
    """Why sessions of then are to come back, and how far."""

    note: Text
    part: RestorationPart = RestorationPart.ALL
    frozen_days: Annotated[int, Field(ge=0, le=366)] = FROZEN_DAYS


@dataclass(frozen=True)
class KeptSession:
    """A session that is not as it was then, and stays as it stands."""

    engagement_id: str
    number: int
    reason: Words


@dataclass(frozen=True)
class Restoration:
    """What came of it."""

    release: Release
    kept: tuple[KeptSession, ...]
    not_restored: tuple[Obstacle, ...]


def restore(
    db: Database,
    programme_id: str,
    number: int,
    draft: RestorationDraft,
    by: str,
    now: dt.datetime,
) -> Restoration:
    """Make the sessions of an earlier release the programme's next release.

    Sessions that came since go, unless they may not be changed any more.

    Raises:
        NotFound: there is no such programme, or no such release of it.
        Conflict: the release kept no sessions, all is as it was then, or some of its sessions
            cannot come back and all of them are asked for; says which, and why.
    """
    if db.get(Programme, programme_id, with_for_update=ROW) is None:
        raise NotFound("programme", programme_id)
    snapshot = _snapshot(db, programme_id, number)
    terms = PlanTerms(frozen_days=draft.frozen_days)
    records = Records.load(db, programme_id, now, terms=terms, for_change=True)
    wish = _Wish.of(records, snapshot)
    composition = compose(records, wish.meant)
    left_out = {each.engagement_id: each.reason for each in composition.left_out}
    lost = obstacles({**wish.lost, **left_out})
    if not composition.chosen:
        raise _nothing_to_restore(number, lost, wish.kept)
    if lost and draft.part is RestorationPart.ALL:
        raise _not_restorable(number, lost, wish.kept)
    plan = keep(db, composition, f"release {number} again", by, now)
    plan.restores = number
    part = Composition(records, composition.chosen, lost)
    told = said_of(
        f"確定版{number}の内容に戻しました", f"The sessions of release {number} again", part
    )
    release = publish(db, plan.id, noted(draft.note, told), by, now)
    return Restoration(release, wish.kept, lost)


def _snapshot(db: Database, programme_id: str, number: int) -> Snapshot:
    release = db.get(Release, (programme_id, number))
    if release is None:
        raise NotFound("release", str(number))
    if release.snapshot is None:
        raise Conflict(
            f"Release {number} was published before releases kept their sessions. "
            "Restore a later one.",
            f"確定版{number}には、当時の派遣の記録がありません。"
            "それより後の確定版を指定してください。",
            code="no_snapshot",
        )
    return Snapshot.from_bytes(release.snapshot)


@dataclass(frozen=True)
class _Wish:
    """What is to come back, as far as the records alone can say."""

    meant: Mapping[str, Assignment]
    kept: tuple[KeptSession, ...]
    lost: Mapping[str, Words]

    @classmethod
    def of(cls, records: Records, snapshot: Snapshot) -> _Wish:
        """Compare the sessions of then with those of now."""
        then = {
            id: tuple(each)
            for id, each in groupby(snapshot.sessions, key=lambda each: each.engagement_id)
        }
        pairs = [
            _ThenAndNow(records, id, then.get(id, ()))
            for id in sorted(then.keys() | records.sessions.keys())
        ]
        differing = [each for each in pairs if each.visits != each.booked]
        lost = {each.id: each.ended for each in differing if each.ended is not None}
        waiting = {each.id: each for each in differing if each.is_plannable}
        kept = [each for pair in differing for each in pair.kept_on_hold()]
        problem = problem_of(records, [records.engagements[id] for id in waiting])
        meant: dict[str, Assignment] = {}
        for asked in problem.engagements:
            if asked.id in waiting:
                own = waiting[asked.id]
                kept += own.kept(asked)
                match own.meant(asked):
                    case Assignment() as assignment:
                        meant[asked.id] = assignment
                    case Words() as reason:
                        lost[asked.id] = reason
        kept.sort(key=lambda each: (each.engagement_id, each.number))
        return cls(meant, tuple(kept), lost)


@dataclass(frozen=True)
class _ThenAndNow:
    """The sessions of one engagement in a release, and those that it has by now."""

    records: Records
    id: str
    then: Sequence[SnapshotSession]

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Those of then."""
        return tuple(
            (each.expert_id, wall_time(each.start_at), wall_time(each.end_at)) for each in self.then
        )

    @property
    def booked(self) -> tuple[Visit, ...]:
        """Those of now."""
        return booked_visits(self.records, self.id)

    @property
    def ended(self) -> Words | None:
        """Why sessions that it lacks cannot come back; None: they may, or none is lacking."""
        state = self.records.engagements[self.id].state
        if state in PLANNABLE_STATES or set(self.visits) <= set(self.booked):
            return None
        return ended(state)

    @property
    def is_plannable(self) -> bool:
        """Whether its sessions may be changed."""
        state = self.records.engagements[self.id].state
        return state in PLANNABLE_STATES and self.id not in self.records.holds

    def kept_on_hold(self) -> Iterator[KeptSession]:
        """What stays because times are on hold for it."""
        if self.id in self.records.holds:
            for number in self._differing(range(1, max(len(self.visits), len(self.booked)) + 1)):
                yield KeptSession(self.id, number, ON_HOLD)

    def kept(self, asked: problem_1.Engagement) -> Iterator[KeptSession]:
        """What stays because it may not be changed, or something that may not be needs it."""
        sessions = self.records.sessions.get(self.id, ())
        standing = {pin.session for pin in asked.pinned}
        for number in self._differing(self._staying(asked)):
            reason = self._reason(sessions[number - 1]) if number in standing else NEEDED_BEFORE
            yield KeptSession(self.id, number, reason)

    def meant(self, asked: problem_1.Engagement) -> Assignment | Words | None:
        """What it is to get; or why that is no schedule any more; None: what it has already."""
        staying = self._staying(asked)
        count = max(len(self.visits), *staying, 0)
        wanted = [
            self.booked[number - 1] if number in staying else self.visits[number - 1]
            for number in range(1, count + 1)
        ]
        if tuple(wanted) == self.booked:
            return None
        back = [number for number in range(1, count + 1) if number not in staying]
        experts = {wanted[number - 1][0] for number in back}
        if len(experts) > 1:
            return TWO_EXPERTS
        assignment = Assignment(
            engagement=self.id,
            expert=min(experts, default=wanted[-1][0] if wanted else ""),
            starts=tuple(start for _, start, _ in wanted),
        )
        lengths = zip(visits_of(asked, assignment), wanted, strict=False)
        if any(own[2] != then[2] for own, then in lengths):
            return OTHER_LENGTHS
        return assignment

    def _staying(self, asked: problem_1.Engagement) -> frozenset[int]:
        """The numbers of the sessions of now that stay: those that stand, and those before them."""
        standing = {pin.session for pin in asked.pinned}
        since = range(len(self.visits) + 1, max(standing, default=0) + 1)
        return frozenset({*standing, *since})

    def _differing(self, numbers: Iterable[int]) -> Iterator[int]:
        """Of some numbers, those whose sessions of then and of now are not the same."""
        for number in sorted(numbers):
            at = slice(number - 1, number)
            if self.visits[at] != self.booked[at]:
                yield number

    def _reason(self, session: Session) -> Words:
        """Why a session stays as it stands."""
        if session.status in _OVER:
            return _OVER[session.status]
        if self.records.stands(session):
            return TODAY
        pins = self.records.pins.get(self.id, ())
        if any(pin.kind == PinKind.SCHEDULE or pin.session_id == session.id for pin in pins):
            return PINNED
        return FROZEN


def _not_restorable(
    number: int, lost: tuple[Obstacle, ...], kept: tuple[KeptSession, ...]
) -> Conflict:
    return Conflict(
        f"Not all sessions of release {number} can come back. Engagements in the way: "
        f"{named(lost)}. Ask for the part 'possible' to restore the others.",
        f"確定版{number}の派遣のうち、元に戻せないものがあります(派遣案件: {named(lost)})。"
        "part に possible を指定すると、そのほかの派遣を元に戻せます。",
        code="not_restorable",
        not_restored=lost,
        kept=kept,
    )


def _nothing_to_restore(
    number: int, lost: tuple[Obstacle, ...], kept: tuple[KeptSession, ...]
) -> Conflict:
    return Conflict(
        f"There is nothing that could be restored: the sessions of release {number} are there, or "
        "cannot come back.",
        f"元に戻せる派遣はありません。確定版{number}の派遣は、現在の派遣と同じか、"
        "元に戻せないものだけです。",
        code="nothing_to_restore",
        not_restored=lost,
        kept=kept,
    )


TODAY = Words(ja="終了したか、本日実施されます。", en="It is over, or takes place today.")
PINNED = Words(ja="固定されています。", en="It is pinned.")
FROZEN = Words(
    ja="間近のため、変更の対象になりません。", en="It is close at hand, and not to be changed."
)
NEEDED_BEFORE = Words(
    ja="これより後の派遣が変更できないため、残します。",
    en="A later session, which stays, needs it.",
)
_OVER: Mapping[SessionStatus, Words] = MappingProxyType(
    {
        SessionStatus.HELD: Words(ja="実施済みです。", en="It was held."),
        SessionStatus.MISSED: Words(ja="実施されませんでした。", en="It was missed."),
    }
)
