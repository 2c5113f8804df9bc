from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CheckPlan = Callable[[dict[str, Any], dict[str, Any]], tuple[list[str], dict[str, int], int, int]]


@pytest.fixture(scope="session")
def instances() -> Path:
    """The folder with the benchmark instances and their own independent check."""
    folder = Path(__file__).parents[3] / "shared" / "instances"
    if not folder.is_dir():
        pytest.skip("the instances lie in ../shared/instances, which is not here")
    return folder


@pytest.fixture(scope="session")
def check_plan(instances: Path) -> CheckPlan:
    """Return the function `check` of check_plan.py, an independent reading of problem.md."""
    spec = importlib.util.spec_from_file_location("check_plan", instances / "check_plan.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    check: CheckPlan = module.check
    return check
