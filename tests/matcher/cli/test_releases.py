from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session as Database

from matcher.cli import main
from matcher.database import create_database_engine, migrate, session_factory
from matcher.models import AuditEntry, Engagement, ExpertAbsence
from matcher.settings import Settings
from tests.clocks import days_to
from tests.matcher import rows
from tests.matcher.planning.plans import Wanted, ready_plan, standing_sessions

NOW = dt.datetime(2025, 9, 10, 3, tzinfo=dt.UTC)
TODAY = dt.date(2025, 9, 11)

FIRST: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:00")),
    "A2": ("E2", ("2025-10-01T14:00", "2025-10-22T14:00")),
}
SECOND: Wanted = {
    "A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00")),
    "A2": ("E2", ("2025-10-01T14:00", "2025-10-29T14:00")),
}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database that the commands use, with two engagements, in September 2025."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("MATCHER_DATABASE_URL", raising=False)
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(days_to(TODAY)))
    settings = Settings.from_environment()
    migrate(settings.database_url)
    engine = create_database_engine(settings.database_url)
    with session_factory(engine)() as db:
        rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
        db.commit()
        yield db
    engine.dispose()


def second_starts(db: Database) -> list[str]:
    found = {
        engagement: each.start_at
        for (engagement, number), each in standing_sessions(db).items()
        if number == 2
    }
    db.commit()
    return [f"{found[id]:%m-%d}" for id in sorted(found)]


def publish(db: Database, wanted: Wanted, *options: str) -> int:
    return main(["publish", ready_plan(db, wanted, NOW).id, *options])


def take_away(db: Database, expert_id: str, day: int) -> None:
    start_at = dt.datetime(2025, 10, day, 0, tzinfo=dt.UTC)
    end_at = start_at + dt.timedelta(hours=9)
    db.add(ExpertAbsence(expert_id=expert_id, start_at=start_at, end_at=end_at))
    db.commit()


def test_a_plan_is_published_and_listed(
    office: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish(office, FIRST, "--note", "10月分", "--by", "計画係") == 0
    assert capsys.readouterr().out == (
        "Release 1 of tokyo-2025: sessions added 4, moved 0, dropped 0.\n"
    )
    assert second_starts(office) == ["10-22", "10-22"]
    assert main(["releases", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(each in listed for each in ("2025-09-11", "計画係", "10月分"))
    entry = office.query(AuditEntry).filter_by(kind="release").one()
    assert entry.operation == "matcher publish"


def test_the_untouched_part_of_an_outdated_plan_is_offered_and_published(
    office: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = ready_plan(office, FIRST, NOW).id
    take_away(office, "E2", 22)

    assert main(["publish", plan]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("The ground of the plan has moved: expert:E2.")
    assert said.out.splitlines() == [
        "Can be published still:",
        "  A1",
        "Touched:",
        "  A2: Expert E2 is not free at the time of a session.",
    ]
    assert main(["publish", plan, "--untouched", "--lang", "ja"]) == 0
    assert capsys.readouterr().out == (
        "tokyo-2025の確定版1を作成しました(追加2回、変更0回、取消0回)。\n"
    )
    assert second_starts(office) == ["10-22"]


def test_a_release_is_restored_as_far_as_it_can_be(
    office: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(office, FIRST)
    publish(office, SECOND)
    take_away(office, "E2", 22)
    capsys.readouterr()

    assert main(["releases", "restore", "1", "--note", "誤り"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("Not all sessions of release 1 can come back.")
    assert said.out.splitlines() == [
        "Cannot come back:",
        "  A2: Expert E2 is not free at the time of a session.",
    ]
    assert second_starts(office) == ["10-29", "10-29"]
    assert main(["releases", "restore", "1", "--note", "誤り", "--possible", "--lang", "ja"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "tokyo-2025の確定版3を作成しました(追加0回、変更1回、取消0回)。",
        "元に戻せない派遣案件:",
        "  A2: 専門家E2の都合がつかない日時に派遣があります。",
    ]
    assert second_starts(office) == ["10-22", "10-29"]


def test_what_is_not_there_is_bad_input(
    office: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "P404"]) == 2
    assert capsys.readouterr().err == "matcher publish: There is no plan 'P404'.\n"
    assert main(["releases", "restore", "3", "--note", "誤り"]) == 2
    capsys.readouterr()
    assert main(["releases", "restore", "3", "--note", " "]) == 2
    assert "--note: say why" in capsys.readouterr().err
    assert office.get_one(Engagement, "A1").state == "waiting"
