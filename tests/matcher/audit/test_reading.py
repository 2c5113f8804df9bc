from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session as Database

from matcher.access import Principal
from matcher.audit import Actor, acting, conditions
from matcher.audit.reading import FIRST_IN_LONGER_IDS
from matcher.audit.scope import MODELS, audited
from matcher.models import (
    ApplicationAbsence,
    AuditEntry,
    Expert,
    ExpertAbsence,
    Hold,
    Notice,
    Pin,
    Role,
)
from tests.matcher import rows

NOW = dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def story(db: Database) -> Database:
    """One of everything, by the program; then two hours' work of two people."""
    acting(db, Actor("matcher"), lambda: NOW)
    rows.add_one_of_everything(db)
    for hour, key in enumerate(("K1", "K_", "KX"), start=1):
        name = Principal(Role.STAFF, None, key, "受付" if hour < 3 else "100%").name
        acting(db, Actor(name, "experts.edit", f"request-{hour}"), clock_at(hour))
        db.get_one(Expert, "E1").max_total = hour
        db.commit()
    return db


def clock_at(hour: int) -> Any:
    return lambda: NOW + hour * HOUR


def found(db: Database, **wanted: Any) -> list[str]:
    """Kinds and ids of the entries, the oldest first."""
    entries = select(AuditEntry).where(*conditions(**wanted)).order_by(AuditEntry.id)
    return [f"{each.kind} {each.record_id}" for each in db.scalars(entries)]


def requests(db: Database, **wanted: Any) -> list[str | None]:
    entries = select(AuditEntry.request_id).where(*conditions(**wanted)).order_by(AuditEntry.id)
    return list(db.scalars(entries))


def test_a_record_is_found_with_all_that_belongs_to_it(story: Database) -> None:
    """Its own entries, those that carry its id in theirs, its sessions, notices and reports."""
    notice = story.scalars(select(Notice.id)).one()
    absence = f"A1:{story.scalars(select(ApplicationAbsence.id)).one()}"

    assert sorted(found(story, record="A1")) == sorted(
        [
            "application A1",
            f"application_absence {absence}",
            "completion A1",
            "decision A1",
            "engagement A1",
            "interview A1",
            f"notice {notice}",
            f"pin {story.scalars(select(Pin.id)).one()}",
            f"hold {story.scalars(select(Hold.id)).one()}",
            "requirement_answer A1:located_in_tokyo",
            "session S1",
            "session_lapse S1",
            "session_report S1",
            "withdrawal A1",
        ]
    )
    assert sorted(found(story, record="S1")) == [
        "session S1",
        "session_lapse S1",
        "session_report S1",
    ]


def test_a_record_is_found_letter_by_letter(story: Database) -> None:
    """`A1` is neither `a1` nor `A_`, nor the beginning of `A10`."""
    for record in ("a1", "A_", "A", "_1", "%"):
        assert found(story, record=record) == []
    assert found(story, record="located_in_tokyo") == ["requirement_answer A1:located_in_tokyo"]


def test_each_longer_id_begins_with_one_by_which_it_is_found() -> None:
    kinds = {each.table.name.removesuffix("s") for each in FIRST_IN_LONGER_IDS}
    longer = [each for each in map(audited, MODELS) if each and len(each.id_fields) > 1]
    assert {each.id_fields[0].removesuffix("_id") for each in longer} == kinds


def test_a_record_is_found_among_many_without_reading_them_all(story: Database) -> None:
    """Whatever is asked for about it, each way goes along an index."""
    story.commit()
    statement = select(AuditEntry.id).where(*conditions(record="A1"))
    told = how(story, statement.order_by(AuditEntry.id.desc()).limit(51))
    assert "ix_audit_entries_record_id" in told
    assert not re.search(r"Seq Scan on audit_entries|SCAN audit_entries(?! USING)", told), told


def how(db: Database, statement: Select[Any]) -> str:
    """How the database would find it; PostgreSQL as if there were too many rows to read all."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN "
    else:
        explain = "EXPLAIN QUERY PLAN "
    compiled = statement.compile(db.get_bind(), compile_kwargs={"literal_binds": True})
    plan = db.connection().exec_driver_sql(explain + str(compiled))
    return "\n".join(str(row[-1]) for row in plan)


def test_an_expert_is_found_with_absences_conflicts_and_subscriptions(story: Database) -> None:
    """An absence is found after it is gone, and by its own id as well."""
    absence = story.scalars(select(ExpertAbsence.id)).one()
    kinds = [each.partition(" ")[0] for each in found(story, record="E1")]
    assert sorted(set(kinds)) == ["conflict_of_interest", "expert", "expert_absence", "feed"]
    assert kinds.count("expert") == 4
    assert found(story, record="O1") == ["organization O1", "conflict_of_interest E1:O1"]

    story.get_one(Expert, "E1").absences = []
    story.flush()

    assert found(story, record=absence) == [f"expert_absence E1:{absence}"] * 2


@pytest.mark.parametrize(
    ("person", "theirs"),
    [
        ("受付", ["request-1", "request-2"]),
        ("K1", ["request-1"]),
        ("K_", ["request-2"]),
        ("受付 (K_)", ["request-2"]),
        ("100%", ["request-3"]),
        ("受", []),
        ("%", []),
    ],
)
def test_a_person_is_found_by_label_by_key_and_by_both(
    story: Database, person: str, theirs: list[str]
) -> None:
    """And nobody else is."""
    assert requests(story, actor=person) == theirs


def test_entries_are_found_by_kind_by_request_and_by_time(story: Database) -> None:
    """From a moment up to another, without it; one wish narrows the other."""
    assert found(story, kind="decision") == ["decision A1"]
    assert found(story, request="request-2") == ["expert E1"]
    assert requests(story, since=NOW + HOUR, until=NOW + 3 * HOUR) == ["request-1", "request-2"]
    assert requests(story, since=NOW + HOUR, actor="受付", record="E1", kind="expert") == [
        "request-1",
        "request-2",
    ]
    assert found(story, kind="decision", record="E1") == []
