"""The language that a command speaks, its complaints included."""

from __future__ import annotations

from typing import Final, Literal

import click

__all__ = ["LANGUAGE", "Language", "spoken"]

Language = Literal["ja", "en"]

_NAME: Final = "matcher.language"


def spoken(context: click.Context) -> Language:
    """The language that the command was asked to speak; English, where it has no choice."""
    language: Language = context.meta.get(_NAME, "en")
    return language


def _keep(context: click.Context, _option: click.Parameter, language: Language) -> Language:
    context.meta[_NAME] = language
    return language


LANGUAGE = click.option(
    "--lang",
    "language",
    type=click.Choice(["ja", "en"]),
    default="en",
    show_default=True,
    callback=_keep,
    help="What it speaks.",
)
