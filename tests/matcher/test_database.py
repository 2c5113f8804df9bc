from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session as Database

from matcher import database
from matcher.database import create_database_engine, migrate, session_factory, shown
from matcher.errors import Misconfigured
from matcher.models import Expert
from tests.matcher import rows


@pytest.mark.parametrize(
    "url", ["", "var/matcher.sqlite", "mysql://office@db/matcher", "postgresql://office@db/matcher"]
)
def test_a_url_of_no_database_we_know_is_refused(url: str) -> None:
    """The message names the setting and what would do."""
    with pytest.raises(Misconfigured, match="MATCHER_DATABASE_URL: give sqlite:///FILE or"):
        create_database_engine(url)


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    """In one line."""
    with pytest.raises(Misconfigured) as refused:
        migrate("postgresql+psycopg://office:secret@127.0.0.1:1/matcher")

    assert "office:***@127.0.0.1:1/matcher cannot be opened" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """SQLite tells so only when it reads."""
    (tmp_path / "notes.txt").write_text("no database, but long enough to be looked at closely" * 9)

    with pytest.raises(Misconfigured, match=r"notes\.txt cannot be opened"):
        migrate(f"sqlite:///{tmp_path / 'notes.txt'}")


def test_people_see_a_url_without_its_password() -> None:
    """A log is read by many."""
    assert shown("postgresql+psycopg://office:secret@db/matcher") == (
        "postgresql+psycopg://office:***@db/matcher"
    )


def test_an_error_does_not_quote_what_was_to_be_written(db: Database) -> None:
    """It is logged, and what is written is about people."""
    db.add(rows.expert())
    db.commit()
    db.expunge_all()
    db.add(rows.expert())
    with pytest.raises(IntegrityError) as refused:
        db.flush()

    assert "taro@experts.example" not in str(refused.value)


def test_writers_come_one_after_the_other_and_none_is_lost(database_url: str, db: Database) -> None:
    """Read, add one, write: a writer that began with an old snapshot would fail or lose one."""
    db.add(rows.expert())
    db.commit()
    db.close()
    engine = create_database_engine(database_url)

    def add_one(_: int) -> None:
        with session_factory(engine).begin() as own:
            expert = own.scalars(select(Expert).with_for_update()).one()
            expert.max_total += 1

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_one, range(20)))

    with session_factory(engine)() as after:
        assert after.get_one(Expert, "E1").max_total == 30 + 20
    engine.dispose()


def test_a_reader_does_not_wait_for_a_writer_and_sees_one_state_throughout(
    database_url: str, db: Database
) -> None:
    """That of its first question, whatever is committed meanwhile."""
    engine = create_database_engine(database_url)
    readers = session_factory(engine, read_only=True)
    db.add(rows.expert())
    db.flush()

    with readers() as reader:
        seen = [reader.scalars(select(Expert.id)).all()]
        db.commit()
        seen.append(reader.scalars(select(Expert.id)).all())
    with readers() as reader:
        seen.append(reader.scalars(select(Expert.id)).all())

    assert seen == [[], [], ["E1"]]
    engine.dispose()


def test_a_writer_does_not_wait_for_a_reader(database_url: str) -> None:
    """A feed that is being rendered stops nobody."""
    engine = create_database_engine(database_url)

    def write() -> None:
        with session_factory(engine).begin() as writer:
            writer.add(rows.expert())

    with session_factory(engine, read_only=True)() as reader, ThreadPoolExecutor(1) as threads:
        assert reader.scalars(select(Expert.id)).all() == []
        threads.submit(write).result(timeout=10)
    engine.dispose()


def test_a_reader_cannot_write(database_url: str) -> None:
    """And the connection it used writes again for others."""
    engine = create_database_engine(database_url)
    with session_factory(engine, read_only=True)() as reader:
        reader.add(rows.expert())
        with pytest.raises(DBAPIError, match=r"read-?only"):
            reader.flush()

    with session_factory(engine).begin() as writer:
        writer.add(rows.expert())
    engine.dispose()


def test_what_was_loaded_stays_readable_after_a_commit(db: Database) -> None:
    """A use case commits and returns what it made."""
    expert = rows.expert()
    db.add(expert)
    db.commit()
    db.close()

    assert expert.name_en == "Taro Kaku"


def test_a_sqlite_database_survives_many_readers_by_its_journal(sqlite_url: str) -> None:
    """WAL stays set in the file."""
    engine = create_database_engine(sqlite_url)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()


def test_a_new_sqlite_file_is_opened_while_another_program_writes_to_it(tmp_path: Path) -> None:
    """SQLite does not wait by itself to turn a file to WAL."""
    path = tmp_path / "new.sqlite"
    engine = create_database_engine(f"sqlite:///{path}")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = Timer(0.2, other.execute, ("COMMIT",))
        writing.start()
        with engine.connect() as connection:
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        writing.join()
    engine.dispose()


def test_a_sqlite_file_that_stays_locked_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time that any writer waits."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.1)
    path = tmp_path / "new.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Misconfigured, match="cannot be opened: database is locked"):
            migrate(f"sqlite:///{path}")
