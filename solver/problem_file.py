"""A problem/1 file: plain or gzipped JSON, read whole or not at all.

The first thing wrong with it is raised as one `ProblemError` that names the place in the file
and the remedy.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from solver.consistency import check_problem
from solver.problem import Problem, ProblemError

MAX_BYTES = 256 * 1024 * 1024
"""The largest file that is read, packed or not. Ten thousand engagements take 19 MB."""

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class ProblemFile:
    """A problem with the bytes it was read from: the judge and the digest need those."""

    problem: Problem
    json: bytes
    """The unpacked content, UTF-8 JSON."""
    sha256: str
    """The digest of the file as it is stored, packed or not."""

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Read a problem from the content of a file, plain or gzipped."""
        content = unpack(stored)
        return cls(_read_problem(content), content, hashlib.sha256(stored).hexdigest())

    @classmethod
    def from_path(cls, path: Path) -> Self:
        """Read a problem from a file, plain or gzipped.

        Raises:
            ProblemError: it is too large, or no problem.
            OSError: the file cannot be read.
        """
        return cls.from_bytes(read_bytes(path))

    @classmethod
    def from_problem(cls, problem: Problem) -> Self:
        """Take a problem made in memory, checked as if it were read."""
        check_problem(problem)
        content = problem.to_json()
        return cls(problem, content, hashlib.sha256(content).hexdigest())


def read_bytes(path: Path) -> bytes:
    """Read a file whole, but no more than `MAX_BYTES` of it.

    Raises:
        ProblemError: it is larger.
        OSError: the file cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise _too_large()
    with path.open("rb") as file:
        return _within_limit(file.read(MAX_BYTES + 1))


def unpack(stored: bytes) -> bytes:
    """Unpack the content of a file where it is gzipped.

    Raises:
        ProblemError: its gzip data is damaged, or unpacks to more than `MAX_BYTES`.
    """
    if not stored.startswith(GZIP_MAGIC):
        return stored
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
            return _within_limit(file.read(MAX_BYTES + 1))
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged() from error


def _within_limit(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise _too_large()
    return content


def _too_large() -> ProblemError:
    return ProblemError(
        "the file",
        f"it holds more than {MAX_BYTES // 1024**2} MiB",
        "plan fewer engagements at a time",
    )


def _damaged() -> ProblemError:
    return ProblemError("the file", "its gzip data is damaged or cut short", "pack it anew")


def pack(content: bytes) -> bytes:
    """Gzip bytes for storing, the same bytes for the same content."""
    return gzip.compress(content, mtime=0)


def _read_problem(content: bytes) -> Problem:
    """Read and check a problem.

    Raises:
        ProblemError: the first thing that is wrong, its place and its remedy.
    """
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False)[0]) from None
    check_problem(problem)
    return problem


_REASONS = {
    "extra_forbidden": "problem/1 has no such field",
    "missing": "it is missing",
}
"""Said in place of pydantic's own words."""

_REMEDIES = {
    "extra_forbidden": "remove it, or correct its spelling",
    "missing": "add it",
    "json_invalid": "give a problem/1 as UTF-8 JSON, plain or gzipped",
    "literal_error": "give one of the values that are named",
    "int_type": "give a whole number",
    "greater_than_equal": "give a number in that range",
    "less_than_equal": "give a number in that range",
    "value_error": "write it so",
    "model_type": "give a problem/1 as docs/formats.md describes it",
}


def _explain(details: ErrorDetails) -> ProblemError:
    kind, message = details["type"], details["msg"].removeprefix("Value error, ")
    reason = _REASONS.get(kind) or f"{message[:1].lower()}{message[1:]}"
    if kind not in ("json_invalid", "missing", "extra_forbidden"):
        reason = f"{_shorten(details['input'])}: {reason}"
    return ProblemError(_place(details["loc"]), reason, _REMEDIES.get(kind, "correct the value"))


def _shorten(given: object) -> str:
    """Show a value of the file in a few words; long lists and objects by their kind alone."""
    match given:
        case None | bool() | float():
            return json.dumps(given)
        case int() if abs(given) < 10**40:
            return str(given)
        case int():
            return "a number of more than 40 digits"
        case str():
            return f"{given!r:.60}"
        case dict():
            return "an object"
        case _:
            return "a list"


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the file"
