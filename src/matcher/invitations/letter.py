"""The mail that invites one party to a session, or tells that it need not come (RFC 6047)."""

from __future__ import annotations

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from matcher.calendars.entries import Entry
from matcher.calendars.organizer import Organizer
from matcher.calendars.rendering import method_of, render_invitation, text_of
from matcher.calendars.wording import Wording
from matcher.clock import to_tokyo, wall_time
from matcher.models import InvitationMethod
from matcher.planning.comparing.change_words import moment_words

__all__ = ["message_of", "news_of"]

BETWEEN_LANGUAGES: Final = "\n" + "-" * 72 + "\n\n"

ARRANGED = Wording("日程のお知らせ", "Session arranged")
CHANGED = Wording("日程変更のお知らせ", "Session changed")
CANCELLED = Wording("中止のお知らせ", "Session cancelled")
REASSIGNED = Wording("担当変更のお知らせ", "Session reassigned")

_OPENINGS: Final = {
    ARRANGED: Wording(
        "次の専門家派遣の日程が決まりましたので、お知らせいたします。",
        "The following session has been arranged.",
    ),
    CHANGED: Wording(
        "次の専門家派遣の内容が変わりましたので、お知らせいたします。",
        "The following session has changed.",
    ),
    CANCELLED: Wording(
        "次の専門家派遣は中止となりましたので、お知らせいたします。",
        "The following session has been cancelled.",
    ),
    REASSIGNED: Wording(
        "次の専門家派遣の担当が変わりましたので、お知らせいたします。",
        "The following session has been given to somebody else.",
    ),
}
_WHEN = Wording("日時", "When")
_TAKE_IN: Final = Wording(
    "この予定は、お使いのカレンダーに取り込めます。",
    "This event can be taken into your calendar.",
)
_TAKE_OUT: Final = Wording(
    "お使いのカレンダーに取り込まれた予定は、取り消すことができます。",
    "The event can be taken out of your calendar.",
)
_ANSWER: Final = Wording(
    "ご都合は、カレンダーの「承諾」「辞退」でお知らせください。",
    "Please accept or decline it in your calendar.",
)


def news_of(entry: Entry, *, is_known: bool) -> Wording:
    """Return what is told of a session to a party that knew of it before, or did not."""
    match entry.status:
        case "cancelled":
            return CANCELLED
        case "reassigned":
            return REASSIGNED
        case "confirmed":
            return CHANGED if is_known else ARRANGED


def message_of(
    entry: Entry,
    recipient: Address,
    sender: Address,
    name: str,
    now: dt.datetime,
    *,
    is_known: bool,
    asks_for_reply: bool,
) -> EmailMessage:
    """Make the mail of one session for one party, dated `now`.

    Mail programs act on the last part: the event, with the method that its type tells. The same
    news has the same `name`, of which the Message-ID is made.

    Raises:
        ValueError: a name or an address fits no header.
    """
    organizer = Organizer.of_sender(str(sender))
    method = InvitationMethod(method_of(entry))
    news = news_of(entry, is_known=is_known)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = _subject(entry, news)
    message["Date"] = to_tokyo(now)
    message["Message-ID"] = f"<{name}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    answers = asks_for_reply and entry.takes_place
    message.set_content(_text(entry, news, recipient, organizer, answers=answers))
    event = render_invitation(entry, recipient, organizer, asks_for_reply=asks_for_reply)
    # In base64 its line ends arrive as they are, which a calendar is read by.
    message.add_alternative(
        event,
        maintype="text",
        subtype="calendar",
        params={"charset": "utf-8", "method": method.value},
        cte="base64",
    )
    return message


def _subject(entry: Entry, news: Wording) -> str:
    start = wall_time(entry.start_at)
    return (
        f"【専門家派遣】第{entry.number}回 {news.ja}({start.month}月{start.day}日) / "
        f"{news.en}: session {entry.number}, {start:%-d %b}"
    )


def _text(
    entry: Entry, news: Wording, recipient: Address, organizer: Organizer, *, answers: bool
) -> str:
    closings = [_TAKE_IN if entry.takes_place else _TAKE_OUT, *([_ANSWER] if answers else [])]
    start, end = moment_words(entry.start_at), wall_time(entry.end_at)
    when = Wording(f"{start.ja}~{end:%H:%M}", f"{start.en}–{end:%H:%M} (Japan time)")
    name = recipient.display_name
    greeting = Wording(f"{name} 様", f"Dear {name},")
    paragraphs = []
    for language in ("ja", "en"):
        opening = _OPENINGS[news].read(language)
        told = f"{_WHEN.read(language)}: {when.read(language)}"
        closing = "\n".join(each.read(language) for each in closings)
        signature = f"{organizer.name.read(language)}\n{organizer.address}"
        parts = (
            greeting.read(language),
            opening,
            f"{told}\n{text_of(entry, language)}",
            closing,
            signature,
        )
        paragraphs.append("\n\n".join(parts) + "\n")
    return BETWEEN_LANGUAGES.join(paragraphs)
