"""What differs between two states of a programme's sessions, with no word of why."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from matcher.models import SessionStatus
from matcher.planning.publishing.snapshots import Snapshot, SnapshotSession
from matcher.planning.stating.planned import PlannedSession
from solver.problem import Engagement, Problem

Place = tuple[str, int]
"""An engagement and the number of one of its sessions."""


class ChangeKind(StrEnum):
    """What becomes of a session."""

    ADDED = "added"
    DROPPED = "dropped"
    MOVED = "moved"
    HANDED_OVER = "handed_over"
    """It goes to another expert."""
    RESIZED = "resized"
    RELOCATED = "relocated"
    RENUMBERED = "renumbered"


class ServiceChange(StrEnum):
    """What becomes of an engagement."""

    NEWLY_SERVED = "newly_served"
    NO_LONGER_SERVED = "no_longer_served"
    CHANGED = "changed"


@dataclass(frozen=True)
class SessionChange:
    """One session before and after; None where there is none."""

    before: SnapshotSession | None
    after: SnapshotSession | None

    @property
    def number(self) -> int:
        """The number under which it is known: the old one, or its first."""
        known = self.before or self.after
        assert known is not None  # noqa: S101  one of the two is there
        return known.number

    @property
    def kinds(self) -> tuple[ChangeKind, ...]:
        """All that becomes of it; nothing where it stays."""
        if self.before is None:
            return (ChangeKind.ADDED,)
        if self.after is None:
            return (ChangeKind.DROPPED,)
        return tuple(_kinds(self.before, self.after))


@dataclass(frozen=True)
class EngagementChange:
    """One engagement's sessions before and after, by number, and those of them that change."""

    engagement_id: str
    before: tuple[SnapshotSession, ...]
    after: tuple[SnapshotSession, ...]
    sessions: tuple[SessionChange, ...]

    @property
    def service(self) -> ServiceChange:
        """Whether it gets its first sessions, loses its last, or goes on otherwise."""
        if not self.before:
            return ServiceChange.NEWLY_SERVED
        return ServiceChange.CHANGED if self.after else ServiceChange.NO_LONGER_SERVED

    @property
    def expert_before(self) -> str | None:
        """Who was to hold its last session."""
        return self.before[-1].expert_id if self.before else None

    @property
    def expert_after(self) -> str | None:
        """Who is to hold its last session now."""
        return self.after[-1].expert_id if self.after else None

    @property
    def expert_changed(self) -> bool:
        """Whether one expert gives way to another."""
        return any(ChangeKind.HANDED_OVER in each.kinds for each in self.sessions)

    @property
    def disturbing(self) -> tuple[SnapshotSession, ...]:
        """The sessions, as they were promised, that do not take place so."""
        return tuple(
            each.before
            for each in self.sessions
            if each.before is not None and each.kinds != (ChangeKind.RENUMBERED,)
        )


def differences(before: Snapshot, after: Snapshot) -> tuple[EngagementChange, ...]:
    """Compare two states, engagement by engagement, in the order of their ids."""
    old, new = _by_engagement(before), _by_engagement(after)
    found = (
        EngagementChange(id, old.get(id, ()), new.get(id, ()), _changed(old, new, id))
        for id in sorted(old.keys() | new.keys())
    )
    return tuple(each for each in found if each.sessions)


def published_so(before: Snapshot, problem: Problem, planned: Iterable[PlannedSession]) -> Snapshot:
    """The sessions as they would be if a plan of a problem were published on what stands.

    A session keeps its id with its number. What is pinned in the problem, and all of what is not
    in its scope, stays as it is.
    """
    loose = {each.id: each for each in problem.engagements if is_in_scope(each)}
    wanted = {(each.engagement_id, each.number): each for each in planned}
    stay = [
        each
        for each in before.sessions
        if each.engagement_id not in loose
        or any(pin.session == each.number for pin in loose[each.engagement_id].pinned)
    ]
    placed = [_placed(each, before.by_place.get(key)) for key, each in wanted.items()]
    ordered = sorted([*stay, *placed], key=lambda each: (each.engagement_id, each.number))
    return Snapshot(sessions=tuple(ordered))


def is_in_scope(engagement: Engagement) -> bool:
    """Whether it was to be planned; of the others a problem has but the pinned sessions."""
    return bool(engagement.candidates or engagement.open)


def _placed(planned: PlannedSession, before: SnapshotSession | None) -> SnapshotSession:
    return SnapshotSession(
        id=before.id if before else "",
        engagement_id=planned.engagement_id,
        number=planned.number,
        status=SessionStatus.CONFIRMED,
        expert_id=planned.expert_id,
        start_at=planned.start_at,
        end_at=planned.end_at,
        municipality_code=planned.municipality_code,
    )


def _by_engagement(snapshot: Snapshot) -> Mapping[str, tuple[SnapshotSession, ...]]:
    found: dict[str, list[SnapshotSession]] = defaultdict(list)
    for each in snapshot.sessions:
        found[each.engagement_id].append(each)
    return {id: tuple(sessions) for id, sessions in found.items()}


def _changed(
    old: Mapping[str, tuple[SnapshotSession, ...]],
    new: Mapping[str, tuple[SnapshotSession, ...]],
    id: str,
) -> tuple[SessionChange, ...]:
    pairs = _paired(old.get(id, ()), new.get(id, ()))
    return tuple(sorted((each for each in pairs if each.kinds), key=lambda each: each.number))


def _paired(
    before: Iterable[SnapshotSession], after: Iterable[SnapshotSession]
) -> Iterator[SessionChange]:
    """Find each session again: by its id, for a number is passed on; else by its number."""
    left = {each.number: each for each in after}
    numbers = {each.id: each.number for each in left.values() if each.id}
    lost = []
    for each in before:
        if each.id in numbers:
            yield SessionChange(each, left.pop(numbers[each.id]))
        else:
            lost.append(each)
    for each in lost:
        yield SessionChange(each, left.pop(each.number, None))
    for each in left.values():
        yield SessionChange(None, each)


def _kinds(before: SnapshotSession, after: SnapshotSession) -> Iterator[ChangeKind]:
    if before.start_at != after.start_at:
        yield ChangeKind.MOVED
    if before.expert_id != after.expert_id:
        yield ChangeKind.HANDED_OVER
    if _length(before) != _length(after):
        yield ChangeKind.RESIZED
    if before.municipality_code != after.municipality_code:
        yield ChangeKind.RELOCATED
    if before.number != after.number:
        yield ChangeKind.RENUMBERED


def _length(session: SnapshotSession) -> dt.timedelta:
    return session.end_at - session.start_at
