"""The command line: `matcher COMMAND …`.

Exit 0: done. 1: the answer is no. 2: bad input, with one line on standard error that names the
command and the remedy. 130: interrupted. A command returns its status, or nothing for 0.

A command is imported when it is asked for: `matcher check` needs neither the solver's engine nor
the database, and `matcher --help` needs none of them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from matcher.cli.language import Language, spoken

DONE, NO, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class LazyCommand(NamedTuple):
    """Where a command lives, and the line that `matcher --help` says of it."""

    module: str
    name: str
    summary: str


COMMANDS = {
    "demo": LazyCommand("matcher.cli.demo", "demo", "Play a year, applications to calendars."),
    "serve": LazyCommand("matcher.cli.serve", "serve", "Answer HTTP requests."),
    "worker": LazyCommand("matcher.cli.worker", "worker", "Carry out runs, send and read mail."),
    "migrate": LazyCommand("matcher.cli.database", "migrate", "Make or update the database."),
    "plans": LazyCommand("matcher.cli.plans", "plans", "Start, list and stop runs."),
    "publish": LazyCommand("matcher.cli.releases", "publish", "Make a ready plan a release."),
    "releases": LazyCommand("matcher.cli.releases", "releases", "List releases, go back to one."),
    "programmes": LazyCommand(
        "matcher.cli.programmes", "programmes", "List the years on record, add the next."
    ),
    "notices": LazyCommand("matcher.cli.notices", "notices", "Read, release and mail notices."),
    "calendars": LazyCommand(
        "matcher.cli.calendars", "calendars", "Write sessions to iCalendar files."
    ),
    "invitations": LazyCommand(
        "matcher.cli.invitations", "invitations", "List sessions told by mail, and answers."
    ),
    "pins": LazyCommand("matcher.cli.pins", "pins", "List, add and lift what no plan may change."),
    "holds": LazyCommand("matcher.cli.holds", "holds", "List times on hold, and let them go."),
    "keys": LazyCommand("matcher.cli.keys", "keys", "Create, list, rotate and revoke API keys."),
    "interviews": LazyCommand(
        "matcher.cli.interviews", "interviews", "List whom to call next, overdue first."
    ),
    "changes": LazyCommand("matcher.cli.changes", "changes", "Show what a plan would change."),
    "why": LazyCommand("matcher.cli.why", "why", "Say why an engagement has no more sessions."),
    "audit": LazyCommand("matcher.cli.audit", "audit", "Show who changed what, and when."),
    "import": LazyCommand("matcher.cli.tables", "import_records", "Take in a CSV or Excel file."),
    "template": LazyCommand("matcher.cli.tables", "template", "Write a sheet to fill in."),
    "export": LazyCommand("matcher.cli.tables", "export", "Write records to CSV or Excel."),
    "replay": LazyCommand(
        "matcher.cli.replay", "replay_plan", "Solve a stored plan's problem again."
    ),
    "solve": LazyCommand("matcher.cli.files", "solve", "Make a plan for a problem file."),
    "stability": LazyCommand(
        "matcher.cli.stability", "stability", "Show what each broken promise brings in service."
    ),
    "explain": LazyCommand("matcher.cli.explain", "explain", "Say why an engagement is served so."),
    "forecast": LazyCommand("matcher.cli.foresight", "foresee", "Count what more fits, by week."),
    "rehearse": LazyCommand(
        "matcher.cli.foresight", "rehearse_losses", "Try the loss of each expert."
    ),
    "check": LazyCommand("matcher.cli.files", "check", "Judge a plan file against its problem."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """All command names, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; None where there is no such command."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        command: click.Command = getattr(importlib.import_module(place.module), place.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error that a person can mend names the command it came from."""
        try:
            return super().invoke(ctx)
        except click.UsageError:
            raise
        except Exception as error:
            complaint = complaint_of(error, spoken(ctx))
            if complaint is None:
                raise
            raise BadInput(f"{ctx.command_path} {ctx.invoked_subcommand}", complaint) from error


class BadInput(click.ClickException):
    """Input that a command cannot use."""

    def __init__(self, command: str, complaint: str) -> None:
        self.command = command
        super().__init__(complaint)


def complaint_of(error: Exception, language: Language = "en") -> str | None:
    """Say to the person who typed the command what to mend; None where the program is at fault."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)

    from matcher.errors import MatcherError  # noqa: PLC0415  see the top: imported when needed
    from solver.problem import ProblemError  # noqa: PLC0415

    if isinstance(error, MatcherError):
        return error.message_ja if language == "ja" else error.message_en
    return str(error) if isinstance(error, ProblemError) else None


HELP = """Match experts with industry organizations, schedule their sessions, publish calendars.

専門家と団体を組み合わせ、派遣の日程を決め、カレンダーを配信します。

\b
New here        matcher demo
A plan by file  matcher solve problem.json.gz --out plan.json
The service     matcher migrate && matcher serve
"""


@click.command(
    cls=LazyGroup,
    help=HELP,
    epilog="'matcher COMMAND --help' tells the options of one command. Each can also be given in "
    "the environment: MATCHER_SERVE_PORT=8080 is matcher serve --port 8080.",
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "MATCHER"},
)
@click.version_option(package_name="expert-dispatch-matcher", message="%(prog)s %(version)s")
def cli() -> None:
    """Run one command of the service; its help is `HELP`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        status = cli.main(arguments, prog_name="matcher", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return BAD_INPUT
    except click.ClickException as error:
        click.echo(_one_line(error), err=True)
        return BAD_INPUT
    except click.Abort:
        return INTERRUPTED
    return status if isinstance(status, int) else DONE


def _one_line(error: click.ClickException) -> str:
    match error:
        case BadInput():
            command = error.command
        case click.UsageError(ctx=click.Context() as context):
            command = context.command_path
        case _:
            command = "matcher"
    return f"{command}: {' '.join(error.format_message().split())}"


if __name__ == "__main__":
    sys.exit(main())
