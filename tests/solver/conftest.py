from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CheckPlan = Callable[[dict[str, Any], dict[str, Any]], tuple[list[str], dict[str, int], int, int]]


@pytest.fixture(scope="session")
def instances(shared: Path) -> Path:
    """The folder with the benchmark instances and their own independent check."""
    return shared / "instances"


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
