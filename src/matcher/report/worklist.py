"""The interviews to be held as a table for a terminal, and the forecast in words."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from matcher.intake.transitions import STATES_JA
from matcher.intake.worklist import PACE_BUSINESS_DAYS, OpenInterview, OverdueForecast, WorkList
from matcher.report.language import Voice

DAY_WIDTH = len("2025-07-22")


def interviews_table(found: WorkList, voice: Voice) -> Table:
    """The open interviews, the most urgent first."""
    table = Table()
    for ja, en, width in (
        ("期限", "due", DAY_WIDTH),
        ("団体", "organization", None),
        ("未確認の要件", "still to ask", None),
        ("見込み", "reached on", DAY_WIDTH),
    ):
        table.add_column(voice.say(ja, en), overflow="fold", min_width=width)
    for each in found.items:
        table.add_row(*map(Text, _row(each, voice)), style="bold" if each.overdue else None)
    return table


def forecast_lines(found: WorkList, voice: Voice) -> Iterator[str]:
    """How many calls wait, at which pace they are made, and what will be overdue by when."""
    overdue = sum(each.overdue for each in found.items)
    yield voice.say(
        f"事前ヒアリング待ち{len(found.items)}件、うち期限超過{overdue}件。"
        f"直近{PACE_BUSINESS_DAYS}営業日の実施は{found.held}件です。",
        f"{len(found.items)} to be held, {overdue} of them overdue; "
        f"{found.held} held in the last {PACE_BUSINESS_DAYS} business days.",
    )
    for each in found.forecast:
        if each.overdue:
            yield _forecast(each, voice)


def _row(each: OpenInterview, voice: Voice) -> tuple[str, str, str, str]:
    application, organization = each.application, each.application.organization
    called = (
        voice.say(organization.name_ja, organization.name_en),
        organization.contact_phone,
        f"{application.id} {voice.say(STATES_JA[application.state], application.state.value)}",
    )
    return (
        f"{each.due_on}\n{_left(each, voice)}",
        "\n".join(filter(None, called)),
        "\n".join(voice.say(f"・{own.text.ja}", f"- {own.text.en}") for own in each.still_to_ask),
        _reached(each, voice),
    )


def _left(each: OpenInterview, voice: Voice) -> str:
    days = abs(each.business_days_left)
    if each.overdue:
        return voice.say(f"{days}営業日超過", f"overdue by {_days(days)}")
    if not days:
        return voice.say("本日期限", "due today")
    return voice.say(f"残り{days}営業日", f"{_days(days)} left")


def _days(number: int) -> str:
    return f"{number} business day{'s' * (number != 1)}"


def _reached(each: OpenInterview, voice: Voice) -> str:
    if each.reached_on is None:
        return "–"
    late = voice.say("期限後", "late") if each.will_be_late else ""
    return f"{each.reached_on}\n{late}".rstrip()


def _forecast(each: OverdueForecast, voice: Voice) -> str:
    return voice.say(
        f"このペースでは、{each.day}の終わりに{each.overdue}件が期限を超過します。",
        f"At this pace {each.overdue} will be overdue at the end of {each.day}.",
    )
