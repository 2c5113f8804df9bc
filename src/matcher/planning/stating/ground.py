"""What a plan stands on: a digest by record, to see at publication what has moved since."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from matcher.models import Release
from solver.problem import Problem

Ground = Mapping[str, str]
"""Digests by record: `programme`, `release`, `expert:ID`, `engagement:ID`; and under `visits:ID`
the engagements of which an expert has visits that stand, one word each."""


def ground_of(problem: Problem, release: int, *, seen_from: Ground | None = None) -> dict[str, str]:
    """Digest each record of a problem, and the number of the latest release.

    `release` is 0 before the first. Candidates who are not in `seen_from`, an earlier ground, are
    left out: an expert who has joined since is no reason against a plan that was made without.
    """
    experts = {f"expert:{each.id}": each for each in problem.experts}
    ground = {
        "programme": _digest(problem.calendar, problem.weights),
        "release": str(release),
    }
    ground |= {name: _digest(each) for name, each in experts.items()}
    known = experts.keys() if seen_from is None else seen_from.keys()
    for each in problem.engagements:
        candidates = tuple(one for one in each.candidates if f"expert:{one.expert}" in known)
        ground[f"engagement:{each.id}"] = _digest(
            each.model_copy(update={"candidates": candidates})
        )
    return ground | _visits(problem)


def _visits(problem: Problem) -> dict[str, str]:
    visited: dict[str, list[str]] = defaultdict(list)
    for engagement in problem.engagements:
        for expert in sorted({pin.expert for pin in engagement.pinned}):
            visited[f"visits:{expert}"].append(engagement.id)
    return {name: " ".join(own) for name, own in visited.items()}


def latest_release_number(db: Database, programme_id: str) -> int:
    """The number of the programme's latest release; 0 before the first."""
    numbers = select(func.max(Release.number)).where(Release.programme_id == programme_id)
    return db.scalar(numbers) or 0


def moved(before: Ground, now: Ground) -> tuple[str, ...]:
    """The records of a ground that are not what they were; what has been added is none of them.

    An expert has moved, too, who has got visits of an engagement that the ground did not know, as
    times that were put on hold are.
    """
    changed = {name for name, digest in before.items() if now.get(name) != digest}
    records = {name for name in changed if not name.startswith("visits:")}
    known = {name for name in before if name.startswith("expert:")}
    return tuple(sorted(records | {name for name in known if _has_new_visits(name, before, now)}))


def _has_new_visits(expert: str, before: Ground, now: Ground) -> bool:
    visited = now.get(expert.replace("expert:", "visits:", 1), "").split()
    return any(f"engagement:{each}" not in before for each in visited)


def _digest(*records: BaseModel) -> str:
    content = "\n".join(record.model_dump_json() for record in records)
    return hashlib.sha256(content.encode()).hexdigest()
