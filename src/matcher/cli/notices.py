"""`matcher notices`: read the notices in the outbox, release them, mail what waits."""

from __future__ import annotations

import click
from rich.table import Table
from sqlalchemy import select

from matcher.cli.database import opened_sessions
from matcher.cli.output import output
from matcher.clock import to_tokyo
from matcher.errors import Misconfigured, NotFound
from matcher.models import Notice, NoticeState
from matcher.notices.outbox import release as release_notice
from matcher.post import Post
from matcher.settings import Settings


@click.group
def notices() -> None:
    """Read the notices in the outbox, release them, mail what waits."""


@notices.command("list")
@click.option(
    "--state", type=click.Choice([each.value for each in NoticeState]), help="Only those in one."
)
def list_all(state: str | None) -> None:
    """List the notices, the newest last."""
    settings = Settings.from_environment()
    wanted = select(Notice).order_by(Notice.created_at, Notice.id)
    if state is not None:
        wanted = wanted.where(Notice.state == NoticeState(state))
    table = Table(box=None)
    for column in ("id", "state", "kind", "application", "created", "to", "error"):
        table.add_column(column, no_wrap=column not in {"to", "error"}, overflow="fold")
    with opened_sessions(settings) as sessions, sessions() as db:
        for notice in db.scalars(wanted):
            table.add_row(*_row(notice))
    output().print(table)


@notices.command
@click.argument("notice_id", metavar="ID")
@click.option("--lang", type=click.Choice(["ja", "en"]), default="ja", show_default=True)
@click.option("--html", "as_html", is_flag=True, help="The page to print, instead of the text.")
def show(notice_id: str, lang: str, as_html: bool) -> None:
    """Print one notice: matcher notices show ID --html > notice.html."""
    with opened_sessions(Settings.from_environment()) as sessions, sessions() as db:
        notice = db.get(Notice, notice_id)
        if notice is None:
            raise NotFound("notice", notice_id)
        click.echo(getattr(notice, f"{'html' if as_html else 'text'}_{lang}"), nl=False)


@notices.command
@click.argument("notice_id", metavar="ID")
@click.option("--by", default="matcher notices", show_default=True, help="Who releases it.")
def release(notice_id: str, by: str) -> None:
    """Let a notice go out: by mail where MATCHER_SMTP_URL names a server, else by hand."""
    settings = Settings.from_environment()
    by_mail = settings.smtp_url is not None
    with opened_sessions(settings) as sessions, sessions.begin() as db:
        release_notice(db, notice_id, by, settings.now(), by_mail=by_mail)
    way = (
        "the worker, or 'matcher notices send', mails it" if by_mail else "it is yours to hand over"
    )
    click.echo(f"Notice {notice_id} is released: {way}.", err=True)


@notices.command
def send() -> None:
    """Mail the released notices that wait, once; a worker does the same all the time."""
    settings = Settings.from_environment()
    with opened_sessions(settings) as sessions:
        post = Post.open(settings, sessions)
        if post is None:
            raise Misconfigured(
                "MATCHER_SMTP_URL: give the server that mails notices.",
                "MATCHER_SMTP_URL に通知書を送信するメールサーバーを指定してください。",
                setting="MATCHER_SMTP_URL",
            )
        post.mailer.send_waiting()


def _row(notice: Notice) -> tuple[str, ...]:
    created = to_tokyo(notice.created_at).date().isoformat()
    told = (notice.id, notice.state, notice.kind, notice.application_id, created)
    return *told, notice.recipient_email, notice.error or ""
