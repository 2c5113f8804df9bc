from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, insert, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from matcher.database import Migration, create_database_engine, migrate, migrations, session_factory
from matcher.models import (
    Base,
    ConflictOfInterest,
    Expert,
    Feed,
    FeedOwner,
    Organization,
    Session,
)
from tests.matcher import rows
from tests.postgres import postgres_database

HEAD = "0015"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that was never migrated: SQLite, then PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'folder' / 'matcher.sqlite'}"
    else:
        server: URL = request.getfixturevalue("postgres_server")
        with postgres_database(server) as url:
            yield url


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = create_database_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def counts(connection: Connection) -> dict[str, int]:
    """How many rows each table holds."""
    return {
        name: connection.scalar(select(func.count()).select_from(table)) or 0
        for name, table in Base.metadata.tables.items()
    }


def test_there_is_one_head_and_every_step_is_numbered(tmp_path: Path) -> None:
    """0001, 0002, …, one after the other."""
    with migrations(f"sqlite:///{tmp_path / 'any.sqlite'}") as config:
        script = ScriptDirectory.from_config(config)
        steps = [step.revision for step in reversed(list(script.walk_revisions()))]

        assert script.get_heads() == [HEAD]
    assert steps == [f"{number:04}" for number in range(1, len(steps) + 1)]


def test_migrating_makes_the_folder_and_the_schema_and_can_be_done_again(empty_url: str) -> None:
    """It says what it did."""
    assert migrate(empty_url) == Migration(before=None, after=HEAD)
    assert migrate(empty_url) == Migration(before=HEAD, after=HEAD)


def test_two_programs_may_migrate_at_once(empty_url: str) -> None:
    """The second waits, and finds nothing left to do."""
    start = Barrier(2, timeout=30)

    def run(_: int) -> Migration:
        start.wait()
        return migrate(empty_url)

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(run, range(2)))

    assert sorted(done, key=lambda each: each.before or "") == [
        Migration(before=None, after=HEAD),
        Migration(before=HEAD, after=HEAD),
    ]


def test_the_models_and_the_migrated_schema_agree(database_url: str) -> None:
    """Whoever changes a model writes a migration."""
    with opened(database_url) as engine, engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, Base.metadata) == []


def test_the_schema_has_the_checks_of_the_models(database_url: str) -> None:
    """Alembic does not compare them."""
    with opened(database_url) as engine:
        inspector = inspect(engine)
        for name, table in Base.metadata.tables.items():
            wanted = {str(each.name) for each in table.constraints if "ck_" in str(each.name)}
            made = {str(each["name"]) for each in inspector.get_check_constraints(name)}

            assert made == wanted


def test_every_step_goes_up_and_down_with_rows_in_the_tables(empty_url: str) -> None:
    """Rows of every table survive the last step down and up; below the first is nothing."""
    migrate(empty_url)
    with opened(empty_url) as engine, session_factory(engine)() as db:
        rows.add_one_of_everything(db)
        assert all(counts(db.connection()).values())

    with migrations(empty_url) as config:
        command.downgrade(config, "base")
    with opened(empty_url) as engine:
        assert set(inspect(engine).get_table_names()) == {"alembic_version"}

    assert migrate(empty_url) == Migration(before=None, after=HEAD)
    with opened(empty_url) as engine, session_factory(engine)() as db:
        rows.add_one_of_everything(db)
        refuses_overlaps(db)


def refuses_overlaps(db: Database) -> None:
    """What neither `alembic check` nor the comparison above sees."""
    db.add(rows.session("S2", number=2))
    with pytest.raises(IntegrityError, match="overlap"):
        db.flush()
    db.rollback()
    assert db.scalars(select(Session.id)).all() == ["S1"]


def test_a_step_that_fails_leaves_everything_as_it_was(empty_url: str) -> None:
    """A migration is one transaction, on SQLite too."""
    migrate(empty_url)

    with pytest.raises(RuntimeError, match="halfway"):
        go_down_and_fail(empty_url)

    assert migrate(empty_url) == Migration(before=HEAD, after=HEAD)
    with opened(empty_url) as engine, session_factory(engine)() as db:
        rows.add_one_of_everything(db)
        refuses_overlaps(db)


def go_down_and_fail(url: str) -> None:
    with migrations(url) as config:
        command.downgrade(config, "base")
        raise RuntimeError("halfway")


def test_a_step_that_leaves_rows_without_what_they_refer_to_is_refused(sqlite_url: str) -> None:
    """Foreign keys are off while SQLite rebuilds tables, and looked at once at the end."""
    with pytest.raises(RuntimeError, match="without what they refer to"):
        add_a_conflict_of_nobody(sqlite_url)


def add_a_conflict_of_nobody(url: str) -> None:
    with migrations(url) as config:
        connection: Connection = config.attributes["connection"]
        connection.execute(
            insert(ConflictOfInterest).values(expert_id="E9", organization_id="O9", reason="none")
        )


def test_names_that_were_changed_go_on_to_be_told_so_in_calendars(empty_url: str) -> None:
    """And the office's calendars end where nobody knows of any."""
    migrate(empty_url)
    with opened(empty_url) as engine, session_factory(engine)() as db:
        rows.add_one_of_everything(db)
        changed = db.get_one(Expert, "E1")
        changed.max_total += 1
        office = Feed(owner_kind="office", owner_id="tokyo-2025", specialty="labor", language="ja")
        office.token_hash, office.created_at = "1" * 64, rows.MORNING
        db.add(office)
        db.commit()
        revised_at = changed.revised_at
    with migrations(empty_url) as config:
        command.downgrade(config, "0011")
    migrate(empty_url)
    with opened(empty_url) as engine, session_factory(engine)() as db:
        assert db.scalars(select(Expert.renamed_at)).all() == [revised_at]
        assert db.scalars(select(Organization.renamed_at)).all() == [None]
        assert db.scalars(select(Feed.owner_kind)).all() == [FeedOwner.EXPERT]
