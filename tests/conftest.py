"""Fixtures for all tests: real databases, and the files that lie beside the repository.

Each test has an empty database of its own: on SQLite a copy of one that was migrated once, on
PostgreSQL one that was migrated once and is emptied after each test, as a copy takes a quarter of a
second there. Where a test asks for `database_url`, `db` or `programme`, it runs twice: on SQLite
and on PostgreSQL. A worker of pytest-xdist starts its PostgreSQL when its first test needs one, and
ends it; with TEST_POSTGRES_URL the databases are made on that server instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from matcher.database import create_database_engine, migrate, session_factory
from matcher.models import load_programme
from matcher.programme import ProgrammeRules
from tests.postgres import empty, postgres_database, running_postgres


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that nobody waits for one of them in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data, instances and documents beside the repository."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder 'shared' is not beside this repository")
    return folder


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "matcher.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The URL of a PostgreSQL server's administrator."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg")
    else:
        with running_postgres() as url:
            yield url


@pytest.fixture(scope="session")
def postgres_migrated(postgres_server: URL) -> Iterator[str]:
    """A migrated database on the server, to be emptied after each test."""
    with postgres_database(postgres_server) as url:
        migrate(url)
        yield url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database."""
    path = shutil.copy(sqlite_template, tmp_path / "matcher.sqlite")
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_migrated: str) -> Iterator[str]:
    """A migrated, empty PostgreSQL database."""
    yield postgres_migrated
    empty(postgres_migrated)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def lasting_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated database that all tests of a module share, as a service takes a while to start."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        path = shutil.copy(template, tmp_path_factory.mktemp("lasting") / "matcher.sqlite")
        yield f"sqlite:///{path}"
    else:
        with postgres_database(request.getfixturevalue("postgres_server")) as url:
            migrate(url)
            yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database: SQLite, then PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def db(database_url: str) -> Iterator[Session]:
    """An open session on a migrated, empty database."""
    engine = create_database_engine(database_url)
    with session_factory(engine)() as session:
        yield session
    engine.dispose()


@pytest.fixture
def programme(db: Session) -> ProgrammeRules:
    """The rules of the programme of fiscal 2025, which `db` holds."""
    return load_programme(db, "tokyo-2025")
