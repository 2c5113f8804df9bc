"""The house stands as it was drawn: three rooms, their arrows, and nothing else in the wheel."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"solver": "solver", "src/matcher": "matcher", "api": "api"}
"""The three packages, by their folders."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names of all files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    with ZipFile(built) as archive:
        return frozenset(archive.namelist())


def test_the_rooms_import_each_other_in_one_direction_only() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_contracts_name_all_three_rooms() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(settings["root_packages"]) == set(ROOMS.values())
    assert settings["contracts"][0]["layers"] == ["api", "matcher", "solver"]


def test_the_project_has_exactly_three_packages() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert set(build["targets"]["wheel"]["packages"]) == set(ROOMS)
    assert [folder.name for folder in (ROOT / "src").iterdir()] == ["matcher"]


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel: frozenset[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    metadata = {name for name in tops if name.endswith(".dist-info")}
    assert len(metadata) == 1
    assert tops - metadata == set(ROOMS.values())


def test_the_wheel_holds_every_file_of_the_packages(wheel: frozenset[str]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    expected = {name.removeprefix("src/") for name in tracked if (ROOT / name).exists()}
    assert expected - wheel == set()
