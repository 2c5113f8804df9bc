from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from matcher.models import Role, load_programme
from tests.api.service import Caller, RunningService, serving


@pytest.fixture(scope="session")
def service(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """A service without a worker, on SQLite, that knows the programme of fiscal 2025."""
    folder = tmp_path_factory.mktemp("service")
    path = shutil.copy(sqlite_template, folder / "matcher.sqlite")
    with serving(f"sqlite:///{path}", folder, "--no-worker") as running:
        with running.database() as db:
            load_programme(db, "tokyo-2025")
        yield running


@pytest.fixture(scope="session")
def admin(service: RunningService) -> Caller:
    """Somebody of the office who may do everything."""
    return service.caller(Role.ADMIN)
