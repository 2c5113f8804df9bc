"""How `matcher` behaves as a program, whatever the command."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from matcher.cli import COMMANDS, main

HEAVY = ("numba", "ortools", "sqlalchemy", "flask", "pydantic", "rich")
"""What `matcher --help` has no use for."""


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if f"  {name} " not in shown] == []


def test_help_imports_no_command() -> None:
    program = (
        "import sys; from matcher.cli import main; main(['--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    place = COMMANDS[name]
    command = getattr(import_module(place.module), place.name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["frobnicate"], "matcher: No such command 'frobnicate'."),
        (["--frobnicate"], "matcher: No such option '--frobnicate'."),
        (["demo", "--language", "fr"], "matcher demo: Invalid value for '--language'"),
        (["demo", "--time-limit", "soon"], "matcher demo: Invalid value for '--time-limit'"),
    ],
)
def test_wrong_usage_is_told_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(complaint)
    assert said.err.count("\n") == 1


def test_a_refusal_of_the_programme_is_told_in_one_line_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "matcher.sqlite").write_text("somebody's")
    assert main(["demo", "--folder", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"matcher demo: {tmp_path}/matcher.sqlite was not made by the demo")
    assert said.err.count("\n") == 1


def test_without_a_command_it_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_an_interrupt_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_command: click.Command, _context: click.Context) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(click.Command, "invoke", interrupt)
    assert main(["keys", "list"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_an_option_can_be_given_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATCHER_DEMO_LANGUAGE", "fr")
    assert main(["demo"]) == 2
    assert "--language" in capsys.readouterr().err
