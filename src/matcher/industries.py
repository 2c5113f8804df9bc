"""The industries of organizations, and those that experts know: one list, so that they meet.

It is data, `data/industries.csv`; where that comes from is told in `data/SOURCES.md`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticKnownError

from matcher.programme import Words

__all__ = ["INDUSTRIES", "Industry"]


def _read() -> Mapping[str, Words]:
    content = (files("matcher") / "data" / "industries.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(content.splitlines())
    return MappingProxyType({row["id"]: Words(ja=row["ja"], en=row["en"]) for row in rows})


INDUSTRIES: Final = _read()
"""Their names, by id."""


def _known(industry: str) -> str:
    if industry not in INDUSTRIES:
        raise PydanticKnownError(
            "enum", {"expected": ", ".join(f"'{each}'" for each in INDUSTRIES)}
        )
    return industry


Industry = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": [*INDUSTRIES]})
]
"""The id of one: `retail`."""
