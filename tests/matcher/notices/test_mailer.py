"""Mail through a real server, from a real database."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address, UniqueAddressHeader
from email.message import EmailMessage

import pytest
from sqlalchemy.orm import Session, sessionmaker

from matcher.models import Notice, NoticeState
from matcher.notices.mailer import RETRY_EVERY, Mailer
from matcher.notices.message import message_of
from matcher.notices.outbox import release
from matcher.notices.smtp import Fate, MailServer, deliver, mailbox
from tests.matcher.notices.records import tokyo
from tests.post_office import SENDER, PostOffice, free_port, post_office

RECIPIENT = "office@inns.example"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = tokyo(7, 7)

    def __call__(self) -> dt.datetime:
        """The moment it is."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def mailer_of(db: Session, url: str, clock: Clock) -> Mailer:
    sessions = sessionmaker(db.get_bind(), expire_on_commit=False)
    return Mailer(sessions, MailServer.parse(url), mailbox(SENDER), clock)


@pytest.fixture
def mailer(db: Session, office: PostOffice, clock: Clock) -> Mailer:
    return mailer_of(db, office.url, clock)


def release_now(db: Session, notice: Notice, clock: Clock) -> None:
    release(db, notice.id, "早川 美和", clock.now, by_mail=True)
    db.commit()


def state_of(db: Session, notice: Notice) -> tuple[NoticeState, str | None]:
    db.rollback()
    db.refresh(notice)
    state = notice.state, notice.error
    db.rollback()
    return state


def test_a_released_notice_is_mailed_once(
    db: Session, notice: Notice, mailer: Mailer, office: PostOffice, clock: Clock
) -> None:
    release_now(db, notice, clock)
    mailer.send_waiting()
    mailer.send_waiting()
    assert state_of(db, notice) == (NoticeState.SENT, None)
    assert notice.sent_at == clock.now
    (envelope,) = office.received
    assert envelope.mail_from == "office@dispatch.example.jp"
    assert envelope.rcpt_tos == [RECIPIENT]


def test_two_workers_at_once_mail_a_notice_once(
    db: Session, notice: Notice, office: PostOffice, clock: Clock
) -> None:
    release_now(db, notice, clock)
    mailers = [mailer_of(db, office.url, clock) for _ in range(4)]
    with ThreadPoolExecutor(len(mailers)) as threads:
        list(threads.map(Mailer.send_waiting, mailers))
    assert state_of(db, notice) == (NoticeState.SENT, None)
    assert len(office.received) == 1


def test_a_draft_is_not_mailed(
    db: Session, notice: Notice, mailer: Mailer, office: PostOffice
) -> None:
    mailer.send_waiting()
    assert office.received == []
    assert state_of(db, notice) == (NoticeState.DRAFT, None)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_the_mail_has_both_languages_as_text_and_as_a_page(
    db: Session, notice: Notice, mailer: Mailer, office: PostOffice, clock: Clock
) -> None:
    release_now(db, notice, clock)
    mailer.send_waiting()
    (message,) = office.messages()
    assert message.get_content_type() == "multipart/alternative"
    text, page = part(message, "plain"), part(message, "html")
    assert text.startswith(notice.text_ja)
    assert text.endswith(notice.text_en)
    assert page.startswith("<!DOCTYPE html>")
    assert [page.count(each) for each in ('<main lang="ja">', '<main lang="en">')] == [1, 1]
    assert [page.count(each) for each in ("<html", "</main>", "</body>")] == [1, 2, 1]


def test_the_mail_says_from_whom_to_whom_and_when(
    db: Session, notice: Notice, mailer: Mailer, office: PostOffice, clock: Clock
) -> None:
    release_now(db, notice, clock)
    mailer.send_waiting()
    (message,) = office.messages()
    assert str(message["From"]) == SENDER
    to = message["To"]
    assert isinstance(to, UniqueAddressHeader)
    assert to.addresses == (Address("架空 花子", addr_spec=RECIPIENT),)
    assert message["Subject"] == f"{notice.subject_ja} / {notice.subject_en}"
    assert message["Date"] == "Mon, 07 Jul 2025 10:00:00 +0900"
    assert message["Message-ID"].startswith(f"<{notice.id}.")
    assert message["Message-ID"].endswith("@dispatch.example.jp>")
    assert message["Auto-Submitted"] == "auto-generated"
    content = office.received[0].content
    assert isinstance(content, bytes)
    assert content.isascii()
    assert max(map(len, content.splitlines())) <= 998


def test_a_refused_recipient_fails_with_the_servers_words_and_can_be_released_again(
    db: Session, notice: Notice, mailer: Mailer, office: PostOffice, clock: Clock
) -> None:
    office.replies[RECIPIENT] = "550 5.1.1 no such mailbox"
    release_now(db, notice, clock)
    mailer.send_waiting()
    mailer.send_waiting()
    assert state_of(db, notice) == (NoticeState.FAILED, "550 5.1.1 no such mailbox")
    office.replies.clear()
    release_now(db, notice, clock)
    mailer.send_waiting()
    assert state_of(db, notice) == (NoticeState.SENT, None)
    assert len(office.received) == 1


def test_a_server_that_says_later_is_asked_again_some_minutes_later(
    db: Session, notice: Notice, mailer: Mailer, office: PostOffice, clock: Clock
) -> None:
    office.replies[RECIPIENT] = "450 4.2.0 greylisted"
    release_now(db, notice, clock)
    mailer.send_waiting()
    assert state_of(db, notice) == (NoticeState.RELEASED, "450 4.2.0 greylisted")
    office.replies.clear()
    mailer.send_waiting()
    assert office.received == []
    clock.now += RETRY_EVERY
    mailer.send_waiting()
    assert state_of(db, notice) == (NoticeState.SENT, None)


def test_while_no_server_is_there_a_notice_waits(db: Session, notice: Notice, clock: Clock) -> None:
    mailer = mailer_of(db, f"smtp://127.0.0.1:{free_port()}", clock)
    release_now(db, notice, clock)
    mailer.send_waiting()
    state, error = state_of(db, notice)
    assert state == NoticeState.RELEASED
    assert "refused" in (error or "")


def test_a_server_that_hangs_up_on_a_message_may_have_taken_it(
    db: Session, notice: Notice, mailer: Mailer, office: PostOffice, clock: Clock
) -> None:
    office.breaks_off = True
    release_now(db, notice, clock)
    mailer.send_waiting()
    clock.now += RETRY_EVERY
    mailer.send_waiting()
    state, error = state_of(db, notice)
    assert state == NoticeState.FAILED
    assert "it may have arrived" in (error or "")
    assert len(office.received) == 1


@pytest.mark.parametrize("name", ["架空\r\nBcc: everybody@example.jp", "架空\n花子"])
def test_a_line_break_in_a_name_makes_no_header(
    db: Session,
    notice: Notice,
    mailer: Mailer,
    office: PostOffice,
    clock: Clock,
    name: str,
) -> None:
    release_now(db, notice, clock)
    notice.recipient_name = name
    db.commit()
    mailer.send_waiting()
    state, error = state_of(db, notice)
    assert state == NoticeState.FAILED
    assert "no mail can be made of it" in (error or "")
    assert office.received == []


def test_the_same_words_have_the_same_message_id_and_new_words_another(notice: Notice) -> None:
    sender = mailbox(SENDER)
    ids = [message_of(notice, sender, tokyo(7, day))["Message-ID"] for day in (7, 8)]
    notice.created_at += dt.timedelta(hours=1)
    ids.append(message_of(notice, sender, tokyo(7, 8))["Message-ID"])
    assert ids[0] == ids[1] != ids[2]


def test_a_password_is_given_to_this_machine_itself(office: PostOffice, notice: Notice) -> None:
    url = office.url.replace("//", "//office:p%40ss%2Fword@")
    server = MailServer.parse(url)
    message = message_of(notice, mailbox(SENDER), tokyo(7, 7))
    assert deliver(server, message, "office@dispatch.example.jp", RECIPIENT).fate == Fate.TAKEN
    assert office.logins == [(b"office", b"p@ss/word")]
    assert "p@ss" not in repr(server)


def test_a_password_is_given_to_no_other_machine_that_would_read_it_in_the_clear(
    notice: Notice,
) -> None:
    with post_office("127.0.0.2") as office:
        server = MailServer.parse(office.url.replace("//", "//office:hush@"))
        message = message_of(notice, mailbox(SENDER), tokyo(7, 7))
        outcome = deliver(server, message, "office@dispatch.example.jp", RECIPIENT)
    assert outcome.fate == Fate.UNREACHABLE
    assert "no password is sent without" in outcome.words
    assert (office.logins, office.received) == ([], [])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.jp", MailServer("mail.example.jp", 25)),
        ("smtps://mail.example.jp", MailServer("mail.example.jp", 465, encrypted=True)),
        ("smtp://u:p@mail.example.jp:587/", MailServer("mail.example.jp", 587, False, "u", "p")),
    ],
)
def test_the_address_of_a_server_is_read(url: str, expected: MailServer) -> None:
    assert MailServer.parse(url) == expected
