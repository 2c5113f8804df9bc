"""`matcher serve`: the HTTP service, and beside it a worker that carries out planning runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence

import click

from matcher.cli.database import prepare
from matcher.settings import Settings

LOOPBACK = "127.0.0.1"
GRACE_SECONDS = 40
"""How long children may take to end; more than gunicorn grants the requests in hand."""

POLL_SECONDS = 0.2
RESTART_SECONDS = 10.0
"""A helper that ends at once each time is not started more often."""


@click.command
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Its port."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="HTTP processes, of eight threads each.",
)
@click.option(
    "--worker/--no-worker",
    "with_worker",
    default=True,
    show_default=True,
    help="Start a worker for planning runs and mail too.",
)
def serve(host: str, port: int, workers: int, with_worker: bool) -> int:
    """Bring the database up to date, then answer HTTP requests until told to stop.

    Listens on this machine only unless --host says otherwise.
    """
    settings = Settings.from_environment()
    _require_free(host, port)
    prepare(settings)
    _announce(host, port, with_worker=with_worker)
    with tempfile.TemporaryDirectory(prefix="matcher-figures-") as figures:
        environment = dict(os.environ)
        if workers > 1:
            environment["PROMETHEUS_MULTIPROC_DIR"] = figures
        helpers = [_worker()] if with_worker else []
        return run_together(_http_server(host, port, workers), helpers, environment)


def run_together(
    command: Sequence[str], helpers: Sequence[Sequence[str]], environment: Mapping[str, str]
) -> int:
    """Run a program with its helpers until a signal comes or the program ends; then end them all.

    A helper that ends by itself is started again: the program goes on without it meanwhile.

    Returns:
        0 after a signal, 1 where the program ended by itself.
    """
    # A list, because a second signal may come while the first is handled: locks would never open.
    received: list[int] = []
    for number in _signals_to_end():
        signal.signal(number, lambda each, _: received.append(each))
    program = _start(command, environment)
    children = [_start(each, environment) for each in helpers]
    restart_at = [0.0] * len(helpers)
    try:
        while not received:
            time.sleep(POLL_SECONDS)
            if program.poll() is not None:
                click.echo(f"'{' '.join(command)}' ended by itself.", err=True)
                return 1
            for index, child in enumerate(children):
                if child.poll() is None or time.monotonic() < restart_at[index]:
                    continue
                told = " ".join(helpers[index])
                click.echo(f"'{told}' ended by itself; starting it again.", err=True)
                children[index] = _start(helpers[index], environment)
                restart_at[index] = time.monotonic() + RESTART_SECONDS
        return 0
    finally:
        _end([program, *children])


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # In a session of its own, an interrupt from the keyboard reaches it through here only.
    return subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603  our own


def _signals_to_end() -> Iterator[signal.Signals]:
    yield signal.SIGTERM
    yield signal.SIGINT
    # A terminal that is closed ends what runs in it, unless that was started by nohup.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _http_server(host: str, port: int, workers: int) -> list[str]:
    # The application is named by a string: `matcher` does not import `api`.
    return [
        *(sys.executable, "-m", "gunicorn", "--config", "python:api.gunicorn_settings"),
        *("--bind", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"),
        *("--workers", str(workers), "api:create_app_from_environment()"),
    ]


def _worker() -> list[str]:
    program = "import sys; from matcher.cli import main; sys.exit(main())"
    return [sys.executable, "-c", program, "worker"]


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.UsageError(
                f"{host} port {port} cannot be used: {error.strerror}; give another --port"
            ) from error


def _announce(host: str, port: int, *, with_worker: bool) -> None:
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(f"The service         {address}")
    click.echo(f"Its documentation   {address}/docs")
    click.echo("A key for it        matcher keys create --role staff")
    if not with_worker:
        click.echo("Planning runs wait  matcher worker")
    click.echo("Ctrl-C ends it.")
