"""A letter as its parts, and how it is set: as plain text, and as a page that prints as A4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal
from unicodedata import east_asian_width

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from matcher.models import Engagement, Session, SessionStatus

__all__ = ["Item", "Letter", "as_page", "as_text", "standing"]

Language = Literal["ja", "en"]

FULL_WIDTH_COLUMNS: Final = 36
"""How many full-width characters a line of a plain text holds, for what stands at its right."""


@dataclass(frozen=True)
class Item:
    """One numbered matter of a letter; several sentences are numbered in turn."""

    heading: str
    words: Sequence[str]
    numbered: bool = True

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentences, with their numbers."""
        if not self.numbered or len(self.words) == 1:
            return tuple(self.words)
        return tuple(f"({number}) {words}" for number, words in enumerate(self.words, 1))


@dataclass(frozen=True)
class Letter:
    """What a letter says, in one language."""

    language: Language
    day: str
    recipient: str
    attention: str
    sender: tuple[str, ...]
    subject: str
    opening: str
    items: tuple[Item, ...]


def as_text(letter: Letter) -> str:
    """Set a letter as plain text."""
    return _set(letter, "txt")


def as_page(letter: Letter) -> str:
    """Set a letter as an HTML page that needs nothing from elsewhere; what it says is escaped.

    What is to be read stands in its one element `main`.
    """
    return _set(letter, "html")


def _set(letter: Letter, form: str) -> str:
    return _templates().get_template(f"letter.{letter.language}.{form}").render(letter=letter)


@lru_cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("matcher", "data/notices"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["at_the_right"] = _at_the_right
    return templates


def _at_the_right(text: str) -> str:
    half_widths = sum(2 if east_asian_width(each) in "WFA" else 1 for each in text)
    return "\u3000" * (FULL_WIDTH_COLUMNS - half_widths // 2) + text


def standing(engagement: Engagement) -> list[Session]:
    """The sessions of an engagement that were not cancelled, by number."""
    stand = (each for each in engagement.sessions if each.status != SessionStatus.CANCELLED)
    return sorted(stand, key=lambda each: each.number)
