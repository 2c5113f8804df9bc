"""The thirty checks that calendars have to pass: each of them has a test that names its number."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
CHECKS = set(range(1, 31))


def marked_checks(file: Path) -> Iterator[int]:
    """Yield the numbers by which the tests of a file are marked."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.check":
            (number,) = node.args
            yield ast.literal_eval(number)


def test_each_of_the_thirty_checks_has_a_test_that_names_it() -> None:
    proven = {number for file in TESTS.rglob("test_*.py") for number in marked_checks(file)}
    assert proven == CHECKS
