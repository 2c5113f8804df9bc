"""What a plan stands on: a digest by record, to see at publication what has moved since."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from matcher.models import Release
from solver.problem import Pin, Problem

Ground = Mapping[str, str]
"""Digests by record: `programme`, `release`, `expert:ID`, `engagement:ID`."""


def ground_of(problem: Problem, release: int, *, seen_from: Ground | None = None) -> dict[str, str]:
    """Digest each record of a problem, and the number of the latest release.

    An expert's record counts with the visits that stand, so that a time put on hold is seen.
    `release` is 0 before the first. Candidates who are not in `seen_from`, an earlier ground, are
    left out: an expert who has joined since is no reason against a plan that was made without.
    """
    experts = {f"expert:{each.id}": each for each in problem.experts}
    ground = {
        "programme": _digest(problem.calendar, problem.weights),
        "release": str(release),
    }
    visits = _visits(problem)
    ground |= {name: _digest(each, *visits[each.id]) for name, each in experts.items()}
    known = experts.keys() if seen_from is None else seen_from.keys()
    for each in problem.engagements:
        candidates = tuple(one for one in each.candidates if f"expert:{one.expert}" in known)
        ground[f"engagement:{each.id}"] = _digest(
            each.model_copy(update={"candidates": candidates})
        )
    return ground


def _visits(problem: Problem) -> Mapping[str, Sequence[Pin]]:
    """The visits that stand, by expert; those of one engagement in a row."""
    found: dict[str, list[Pin]] = defaultdict(list)
    for engagement in problem.engagements:
        for pin in engagement.pinned:
            found[pin.expert].append(pin)
    return found


def latest_release_number(db: Database, programme_id: str) -> int:
    """The number of the programme's latest release; 0 before the first."""
    numbers = select(func.max(Release.number)).where(Release.programme_id == programme_id)
    return db.scalar(numbers) or 0


def moved(before: Ground, now: Ground) -> tuple[str, ...]:
    """The records of a ground that are not what they were; what has been added is none of them."""
    return tuple(sorted(name for name, digest in before.items() if now.get(name) != digest))


def _digest(*records: BaseModel) -> str:
    content = "\n".join(record.model_dump_json() for record in records)
    return hashlib.sha256(content.encode()).hexdigest()
