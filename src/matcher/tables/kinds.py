"""The kinds of files that hold a table, and how each is called."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

__all__ = ["MEDIA_TYPES", "FileKind", "kind_of"]


class FileKind(StrEnum):
    """By the ending of its name."""

    CSV = "csv"
    EXCEL = "xlsx"


MEDIA_TYPES: Mapping[FileKind, str] = MappingProxyType(
    {
        FileKind.CSV: "text/csv",
        FileKind.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)
"""What each is called where files travel without a name."""


def kind_of(path: Path) -> FileKind | None:
    """What kind of file it is, as its name says; None: none of them."""
    ending = path.suffix.lower().removeprefix(".")
    return FileKind(ending) if ending in set(FileKind) else None
