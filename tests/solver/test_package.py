from __future__ import annotations

import pytest

import solver


@pytest.mark.parametrize("name", solver.__all__)
def test_every_name_of_the_package_is_there(name: str) -> None:
    assert getattr(solver, name).__name__ == name


def test_there_is_no_other_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'solver_of_everything'"):
        _ = solver.solver_of_everything  # type: ignore[attr-defined]
