"""Whether a rerun moved what it need not have: each change is taken back by itself and judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from solver import Assignment, Plan, ProblemFile, judge
from solver.problem import Engagement


@dataclass(frozen=True)
class Change:
    """A published session at another time, or a whole engagement with another expert."""

    engagement: str
    session: int | None
    """None where the expert changed: then all sessions are taken back together."""
    saves: int | None
    """What taking it back saves; None where that breaks a rule."""

    @property
    def is_needless(self) -> bool:
        """Whether the plan would cost less without the change."""
        return self.saves is not None and self.saves > 0


def changes(file: ProblemFile, plan: Plan) -> Iterator[Change]:
    """Every change from what is published, each taken back alone with all else as it is."""
    engagements = {engagement.id: engagement for engagement in file.problem.engagements}
    assigned = {assignment.engagement: assignment for assignment in plan.assignments}
    for name, assignment in assigned.items():
        for session, back in _taken_back(engagements[name], assignment):
            verdict = judge(file.json, _plan(file, {**assigned, name: back}))
            saves = plan.cost.total - verdict.cost.total if verdict.holds else None
            yield Change(name, session, saves)


def _taken_back(engagement: Engagement, now: Assignment) -> Iterator[tuple[int | None, Assignment]]:
    """The assignment with one change less, for each change."""
    before = engagement.current
    if before is None:
        return
    pinned = {pin.session for pin in engagement.pinned}
    for session, (was, start) in enumerate(zip(before.starts, now.starts, strict=False), 1):
        if session not in pinned and was != start:
            starts = (*now.starts[: session - 1], was, *now.starts[session:])
            yield session, now.model_copy(update={"starts": starts})
    if now.expert != before.expert and len(pinned) < len(now.starts):
        starts = tuple(
            now.starts[number - 1] if number in pinned else start
            for number, start in enumerate(before.starts, 1)
        )
        yield None, Assignment(engagement=engagement.id, expert=before.expert, starts=starts)


def _plan(file: ProblemFile, assigned: dict[str, Assignment]) -> bytes:
    """Write a plan that states nothing but its assignments."""
    record = {
        "format": "plan/1",
        "problem": file.problem.name,
        "assignments": [each.model_dump(mode="json") for each in assigned.values()],
    }
    return json.dumps(record).encode()
