"""The database: SQLite in a file by default, PostgreSQL by URL, and nothing that tells them apart.

Transactions on SQLite begin IMMEDIATE: a writer waits for its turn at the start, where waiting is
possible, and not in the middle, where its snapshot would be stale. In WAL mode readers neither
wait nor keep anybody waiting, if they say that they are readers: `session_factory(engine,
read_only=True)`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from matcher.audit import PROGRAM, Actor, keep_audit
from matcher.calendars.revisions import keep_revisions
from matcher.clock import utc_now
from matcher.errors import Misconfigured
from matcher.invitations.queueing import keep_invitations

BUSY_TIMEOUT_SECONDS = 30
"""How long a writer waits for its turn on SQLite."""

TRY_AGAIN_SECONDS = 0.02
"""How soon to ask again for what SQLite itself does not wait for."""

READ_ONLY = "matcher_read_only"
READERS: dict[str, dict[str, Any]] = {
    "sqlite": {READ_ONLY: True},
    "postgresql": {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"},
}
"""How the connections of readers are opened."""

MIGRATION_LOCK = 0x4D41_5443
"""Any number, as long as all programs that migrate one PostgreSQL database take the same."""


@dataclass(frozen=True)
class Migration:
    """What `migrate` did: the revision before and after; None: an empty database."""

    before: str | None
    after: str | None


def create_database_engine(url: str) -> Engine:
    """Make an engine; no connection is opened yet.

    Raises:
        Misconfigured: it is no URL of SQLite or PostgreSQL.
    """
    return _engine(url, foreign_keys=True)


def session_factory(
    engine: Engine,
    *,
    read_only: bool = False,
    actor: Actor = PROGRAM,
    clock: Callable[[], datetime] = utc_now,
) -> sessionmaker[Session]:
    """Make sessions on an engine; what a session has loaded stays readable after a commit.

    What they change the audit tells, as done by `actor` at the moment that `clock` shows. The
    sessions of a read-only factory see one state of the database throughout, never wait for a
    writer, and are refused any write.
    """
    if read_only:
        reading = engine.execution_options(**READERS[engine.dialect.name])
        return sessionmaker(reading, expire_on_commit=False)
    sessions = sessionmaker(engine, expire_on_commit=False)
    keep_audit(sessions, actor, clock)
    keep_invitations(sessions)
    keep_revisions(sessions)  # last, as it counts by the last statement of a transaction
    return sessions


def migrate(url: str) -> Migration:
    """Bring the schema of a database up to date; makes a SQLite file and its folder if need be.

    Raises:
        Misconfigured: it is no URL of SQLite or PostgreSQL, or the database cannot be opened.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    with migrations(url) as config:
        connection = config.attributes["connection"]
        before = _revision(connection)
        command.upgrade(config, "head")
        return Migration(before, _revision(connection))


def shown(url: str) -> str:
    """A URL as people may see it: without its password."""
    return _parsed(url).render_as_string()


@contextmanager
def migrations(url: str) -> Iterator[Config]:
    """Alembic's configuration on a connection: one transaction, one program at a time."""
    # SQLite rebuilds a table to alter it; with foreign keys on, dropping the old one would count
    # as deleting its rows. They are checked once, at the end.
    engine = _engine(url, foreign_keys=False)
    try:
        with _opened(engine) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:number)")
                connection.execute(lock, {"number": MIGRATION_LOCK})
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(files("matcher") / "migrations"))
            config.set_main_option("path_separator", "os")
            yield config
            _check_foreign_keys(connection)
    finally:
        engine.dispose()


def _opened(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except DatabaseError as error:
        database = engine.url.render_as_string()
        reason = str(error.orig).splitlines()[0]
        raise Misconfigured(
            f"{database} cannot be opened: {reason}; check MATCHER_DATABASE_URL.",
            f"{database} を開けません。MATCHER_DATABASE_URL を確認してください。",
            setting="MATCHER_DATABASE_URL",
        ) from error


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
        if dangling:
            raise RuntimeError(f"a migration left rows without what they refer to: {dangling[:5]}")


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise Misconfigured(
            "MATCHER_DATABASE_URL: give sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE.",
            "MATCHER_DATABASE_URL には sqlite:///ファイル または "
            "postgresql+psycopg://ユーザー@ホスト/データベース を指定してください。",
            setting="MATCHER_DATABASE_URL",
        )
    return parsed


def _engine(url: str, *, foreign_keys: bool) -> Engine:
    parsed = _parsed(url)
    # An error quotes no parameters: they are names, addresses and digests, and errors are logged.
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    waiting = {"timeout": BUSY_TIMEOUT_SECONDS}
    engine = create_engine(parsed, hide_parameters=True, connect_args=waiting)
    event.listen(engine, "connect", _Pragmas(foreign_keys=foreign_keys))
    event.listen(engine, "begin", _begin_on_sqlite)
    return engine


@dataclass(frozen=True)
class _Pragmas:
    """What each new connection to SQLite is told."""

    foreign_keys: bool

    def __call__(self, connection: Any, _record: object) -> None:  # noqa: ANN401  a DBAPI connection
        connection.isolation_level = None  # Python would begin transactions late; see `begin`
        connection.execute(f"PRAGMA foreign_keys = {int(self.foreign_keys)}")
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn the file to WAL, which it keeps; wait for others that turn it or write to it."""
    # SQLite's own busy timeout does not hold for this step: it needs the file alone, holds a
    # reader's lock already, and gives up at once where another holds one, to be safe of deadlock.
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(TRY_AGAIN_SECONDS)
        else:
            return


def _begin_on_sqlite(connection: Connection) -> None:
    read_only = bool(connection.get_execution_options().get(READ_ONLY))
    connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
    connection.exec_driver_sql("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")
