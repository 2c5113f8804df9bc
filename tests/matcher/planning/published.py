"""A small programme with a release, and plans that change it: every reason is checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session as Database

from matcher.clock import from_wall_time
from matcher.models import Expert, ExpertAbsence, Organization, Plan, Programme, Release
from matcher.planning.comparing.comparison import Comparison, compare_plan
from matcher.planning.comparing.reasons import ReasonKind
from matcher.planning.publishing.releases import publish
from tests.matcher import rows
from tests.matcher.planning.oracle import check_every_reason, files_of, told_by
from tests.matcher.planning.plans import Wanted, ready_plan

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)

FIRST: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00")),
    "A2": ("E1", ("2025-10-01T14:00", "2025-10-22T14:00")),
}
"""What is published at first; A3 is not served."""

INNS, ROOMS, BATHS = "Imaginary Inns", "Imaginary Rooms", "Imaginary Baths"


def publish_first(db: Database) -> None:
    """Two engagements of one expert with two sessions each, published; a third is not served."""
    rows.add_engagements(db, "A1", experts=("E1", "E2"))
    names = (("O1", "架空旅館", INNS), ("O2", "架空客室", ROOMS), ("O3", "架空浴場", BATHS))
    for id, ja, en in names:
        found = db.get(Organization, id) or rows.organization(id)
        found.name_ja, found.name_en = ja, en
        db.add(found)
    for id, ja, en in (("E1", "一郎", "Ichiro"), ("E2", "二郎", "Jiro")):
        expert = db.get_one(Expert, id)
        expert.name_ja, expert.name_en = ja, en
    db.flush()
    for id, owner in (("A2", "O2"), ("A3", "O3")):
        db.add(rows.application(id, owner))
        db.flush()
        db.add(rows.engagement(id, owner))
    db.flush()
    publish_plan(db, FIRST)


def publish_plan(db: Database, wanted: Wanted, now: dt.datetime = NOW) -> Release:
    release = publish(db, ready_plan(db, wanted, now).id, "", "planner", now)
    db.commit()
    return release


def wall(text: str) -> dt.datetime:
    return from_wall_time(dt.datetime.fromisoformat(text))


def compared(db: Database, changed: Mapping[str, tuple[str, Sequence[str]] | None]) -> Comparison:
    """The first plan with changes; None: no longer served. Each reason is checked."""
    wanted: Wanted = {
        id: (each[0], tuple(each[1]))
        for id, each in {**FIRST, **changed}.items()
        if each is not None
    }
    db.commit()
    plan = ready_plan(db, wanted, LATER)
    db.expire_all()
    found = compare_plan(db, plan.id, LATER)
    check_every_reason(told_by(found), *files_of(plan))
    return found


EVENTFUL: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00")),
    "A2": ("E2", ("2025-10-01T14:00",)),
    "A3": ("E2", ("2025-10-08T10:00", "2025-10-29T10:00")),
}
"""One session moves, one goes to another expert, one is dropped, one engagement is new."""


def eventful_plan(db: Database) -> Plan:
    """A plan with some of everything, because an expert is away for three days."""
    db.add(
        ExpertAbsence(
            expert_id="E1", start_at=wall("2025-10-21T00:00"), end_at=wall("2025-10-24T00:00")
        )
    )
    db.commit()
    return ready_plan(db, EVENTFUL, LATER)


def sentences(found: Comparison) -> list[str]:
    return [each.sentence.en for each in found.sessions]


def sentence(found: Comparison) -> tuple[str, str]:
    """The only one."""
    (told,) = found.sessions
    return told.sentence.en, told.sentence.ja


def kinds(found: Comparison) -> dict[tuple[str, int], tuple[ReasonKind, ...]]:
    return {
        (each.change.engagement_id, session.change.number): tuple(
            reason.kind for reason in session.reasons
        )
        for each in found.engagements
        for session in each.sessions
    }


A1_MOVES = {"A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00"))}
"""Session 2 goes a week later."""
MOVES = f"Session 2 of A1 ({INNS}) moves from Wed 22 Oct 10:00 to Wed 29 Oct 10:00"
MOVES_JA = "A1(架空旅館)の第2回の派遣は、10月22日(水)10:00から10月29日(水)10:00に変わります。"


def set_rules(db: Database, **changes: object) -> None:
    """Give the programme other rules."""
    programme = db.get_one(Programme, "tokyo-2025")
    programme.rules = programme.rules.model_copy(update=changes)
    db.commit()


def set_weights(db: Database, **weights: int) -> None:
    rules = db.get_one(Programme, "tokyo-2025").rules
    set_rules(db, weights=rules.weights.model_copy(update=weights))
