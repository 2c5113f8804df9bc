"""A run on a real Dask cluster of two processes, as a user starts it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from benchmarks.cluster import Cluster, dask_cluster
from matcher.cli import main
from solver import Parameters, solve
from solver.problem_file import ProblemFile
from solver.validation import judge
from tests.solver.test_engine import QUICK, crowded, sessions


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with dask_cluster(workers=2) as running:
        yield running


def test_the_same_seed_and_work_give_the_same_plan_as_on_threads(cluster: Cluster) -> None:
    problem_file = crowded(engagements=30, experts=12)
    here = solve(problem_file, QUICK)
    there = solve(problem_file, Parameters(None, 1, 0, QUICK.work_limit, cluster.address))
    assert sessions(here) == sessions(there)
    assert (here.cost, here.bound) == (there.cost, there.bound)


def test_a_worker_that_is_killed_costs_its_piece_and_nothing_else(
    cluster: Cluster, tmp_path: Path
) -> None:
    problem_file = crowded(engagements=900, experts=360)
    path, out = tmp_path / "problem.json", tmp_path / "plan.json"
    path.write_bytes(problem_file.json)
    began = time.monotonic()
    Timer(3, cluster.workers[0].kill).start()
    command = ["solve", str(path), "--out", str(out), "--executor", cluster.address]
    assert main([*command, "--time-limit", "7"]) == 0
    assert cluster.workers[0].poll() is not None
    assert time.monotonic() - began < 20
    file = ProblemFile.from_path(path)
    assert judge(file.json, out.read_bytes(), sha256=file.sha256).holds
