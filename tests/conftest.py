"""Fixtures for all tests: real databases, and the files that lie beside the repository.

Each test has an empty database of its own: on SQLite a copy of one that was migrated once, on
PostgreSQL one that was migrated once and is emptied after each test, as a copy takes a quarter of a
second there. What SQLAlchemy has compiled for one test it knows in the next: that is a quarter of
all the time. Where a test asks for `database_url`, `engine`, `db` or `programme`, it runs twice: on
SQLite and on PostgreSQL. A worker of pytest-xdist starts its PostgreSQL when its first test needs
one, and ends it; with TEST_POSTGRES_URL the databases are made on that server instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, Engine, make_url
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
def postgres_kept(postgres_server: URL) -> Iterator[Engine]:
    """The engine of a migrated database on the server, which is emptied after each test."""
    with postgres_database(postgres_server) as url:
        migrate(url)
        yield create_database_engine(url)


@pytest.fixture(scope="session")
def sqlite_kept(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The engine of a file that is another one for each test."""
    path = tmp_path_factory.mktemp("kept") / "matcher.sqlite"
    return create_database_engine(f"sqlite:///{path}")


@pytest.fixture
def sqlite_url(sqlite_template: Path, sqlite_kept: Engine) -> Iterator[str]:
    """A migrated, empty SQLite database."""
    path = Path(sqlite_kept.url.database or "")
    shutil.copy(sqlite_template, path)
    yield f"sqlite:///{path}"
    sqlite_kept.dispose()
    for each in path.parent.iterdir():
        each.unlink()


@pytest.fixture
def postgres_url(postgres_kept: Engine) -> Iterator[str]:
    """A migrated, empty PostgreSQL database."""
    url = postgres_kept.url.render_as_string(hide_password=False)
    yield url
    postgres_kept.dispose()
    empty(url)


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
def engine(database_url: str, request: pytest.FixtureRequest) -> Engine:
    """The engine of a migrated, empty database; who listens to it listens in one test alone."""
    name = "sqlite_kept" if database_url.startswith("sqlite") else "postgres_kept"
    kept: Engine = request.getfixturevalue(name)
    return kept.execution_options()


@pytest.fixture
def db(engine: Engine) -> Iterator[Session]:
    """An open session on a migrated, empty database."""
    with session_factory(engine)() as session:
        yield session


@pytest.fixture
def programme(db: Session) -> ProgrammeRules:
    """The rules of the programme of fiscal 2025, which `db` holds."""
    return load_programme(db, "tokyo-2025")
