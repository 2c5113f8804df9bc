"""Where tables go: as wide as the terminal, and wide enough for any table in a file or a pipe."""

from __future__ import annotations

from typing import Final

from rich.console import Console

WIDTH_OF_A_FILE: Final = 160


def output(width_of_a_file: int = WIDTH_OF_A_FILE) -> Console:
    """Standard output."""
    console = Console()
    return console if console.is_terminal else Console(width=width_of_a_file)
