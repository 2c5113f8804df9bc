"""A notice as a mail: both languages, Japanese first, as text and as a page."""

from __future__ import annotations

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from matcher.clock import to_tokyo
from matcher.models import Notice

__all__ = ["message_of"]

BETWEEN_LANGUAGES = "\n" + "-" * 72 + "\n\n"


def message_of(notice: Notice, sender: Address, now: dt.datetime) -> EmailMessage:
    """Make the mail that carries a notice, dated `now`.

    The same words have the same Message-ID, so that a mail program shows them once.

    Raises:
        ValueError: a name or an address fits no header; a line break does not.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = Address(notice.recipient_name, addr_spec=notice.recipient_email)
    message["Subject"] = f"{notice.subject_ja} / {notice.subject_en}"
    message["Date"] = to_tokyo(now)
    message["Message-ID"] = f"<{notice.id}.{notice.created_at:%Y%m%d%H%M%S}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text_ja + BETWEEN_LANGUAGES + notice.text_en)
    message.add_alternative(_page_of_both(notice), subtype="html")
    return message


def _page_of_both(notice: Notice) -> str:
    """The Japanese page, with what is to be read of the English one after it.

    Names are escaped, so that each page has but one element `main`.
    """
    begin = notice.html_en.index("<main")
    end = notice.html_en.index("</body>")
    return notice.html_ja.replace("</body>", notice.html_en[begin:end] + "</body>")
