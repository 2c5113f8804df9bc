"""Answers out of a real mailbox: what counts, and what is left for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import trustme

from matcher.calendars.identity import uid_of
from matcher.invitations.mailbox import MAX_BYTES, Mailbox, MailboxError
from matcher.invitations.replies import ReplyReader, answers_in
from matcher.invitations.sending import Inviter
from matcher.models import CalendarBy, Expert, FeedOwner, Reply
from tests.letter_box import LetterBox, encrypted, letter_box
from tests.matcher import rows
from tests.matcher.invitations.conftest import Programme
from tests.post_office import certified, free_port

EXPERT = "taro@experts.example"
SOON = rows.MORNING - dt.timedelta(days=29)


def later() -> dt.datetime:
    """The moment at which mail is read."""
    return rows.MORNING


@pytest.fixture(scope="module")
def kept_server() -> Iterator[LetterBox]:
    with letter_box() as running:
        yield running


@pytest.fixture
def server(kept_server: LetterBox) -> LetterBox:
    """A mailbox with nothing in it."""
    kept_server.clear()
    return kept_server


@pytest.fixture
def invited(programme: Programme, inviter: Inviter) -> Programme:
    """The expert was invited to session 1, which nobody has answered."""
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    return programme


@pytest.fixture
def reader(programme: Programme, server: LetterBox) -> ReplyReader:
    return ReplyReader(programme.sessions, Mailbox.parse(server.url), later)


def reply(
    partstat: str = "ACCEPTED",
    *,
    sender: str = EXPERT,
    attendee: str = EXPERT,
    sequence: int | None = 0,
    method: str = "REPLY",
    uid: str = "",
    written_at: dt.datetime = SOON,
) -> bytes:
    """What a calendar program sends back."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Somebody//Calendar//EN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{uid or uid_of('S1')}",
        f"DTSTAMP:{written_at:%Y%m%dT%H%M%SZ}",
        *([f"SEQUENCE:{sequence}"] if sequence is not None else []),
        f"ATTENDEE;PARTSTAT={partstat}:mailto:{attendee}",
        "ORGANIZER:mailto:office@dispatch.example.jp",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    message = EmailMessage()
    message["From"] = f"Taro <{sender}>"
    message["To"] = "office@dispatch.example.jp"
    message["Subject"] = "Accepted"
    message.set_content("I shall come.")
    message.add_alternative(
        "\r\n".join((*lines, "")), subtype="calendar", params={"method": method}
    )
    return message.as_bytes()


def answered(programme: Programme) -> Reply | None:
    return programme.invitations()[FeedOwner.EXPERT, "E1"].reply


@pytest.mark.parametrize(
    ("partstat", "kept"),
    [
        ("ACCEPTED", Reply.ACCEPTED),
        ("DECLINED", Reply.DECLINED),
        ("tentative", Reply.TENTATIVE),
    ],
)
def test_an_answer_is_kept_with_its_invitation(
    invited: Programme, server: LetterBox, reader: ReplyReader, partstat: str, kept: Reply
) -> None:
    unread = server.unread()
    server.put(reply(partstat, sender=EXPERT.upper()))
    reader.read()
    assert answered(invited) is kept
    assert server.unread() == unread
    assert invited.invitations()[FeedOwner.EXPERT, "E1"].replied_at == SOON


@pytest.mark.parametrize(
    "message",
    [
        reply(sender="somebody@else.example"),
        reply(sender="somebody@else.example", attendee="somebody@else.example"),
        reply(uid="another-event@calendar.example"),
        reply(uid=uid_of("S9")),
        reply(method="REQUEST"),
        reply("DELEGATED"),
        b"From: taro@experts.example\r\nSubject: lunch?\r\n\r\nAt noon?\r\n",
    ],
    ids=["forged", "a stranger", "of others", "unknown", "no reply", "no answer", "a letter"],
)
def test_what_is_no_answer_is_left_unread_for_a_person(
    invited: Programme, server: LetterBox, reader: ReplyReader, message: bytes
) -> None:
    unread = server.unread()
    server.put(message)
    reader.read()
    reader.read()
    assert answered(invited) is None
    assert server.unread() == unread + 1


@pytest.mark.parametrize(
    "poison",
    [
        b"From: <\r\n\r\n",
        b"From: " + b"(" * 3000 + b"\r\n\r\n",
    ],
    ids=["half an address", "a comment in a comment"],
)
def test_a_message_that_no_library_can_read_keeps_nobody_elses(
    invited: Programme, server: LetterBox, reader: ReplyReader, poison: bytes
) -> None:
    server.put(poison)
    server.put(reply("ACCEPTED"))
    reader.read()
    assert answered(invited) is Reply.ACCEPTED


def test_parts_in_parts_without_end_are_left_alone(reader: ReplyReader) -> None:
    """Straight to the reader: the IMAP server of the tests does not take such a message."""
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(2000)
    )
    assert not reader._take(deep)


def test_the_last_answer_counts_in_whatever_order_they_come(
    invited: Programme, server: LetterBox, reader: ReplyReader
) -> None:
    server.put(reply("DECLINED", written_at=SOON + dt.timedelta(hours=1)))
    server.put(reply("ACCEPTED"))
    reader.read()
    assert answered(invited) is Reply.DECLINED


def test_an_answer_to_what_has_changed_since_is_none_any_more(
    invited: Programme, inviter: Inviter, server: LetterBox, reader: ReplyReader
) -> None:
    server.put(reply("ACCEPTED"))
    reader.read()
    invited.move(days=1)
    inviter.send_waiting()
    assert answered(invited) is None
    server.put(reply("ACCEPTED", written_at=SOON + dt.timedelta(hours=1)))
    reader.read()
    assert answered(invited) is None
    server.put(reply("DECLINED", sequence=1, written_at=SOON + dt.timedelta(hours=2)))
    reader.read()
    assert answered(invited) is Reply.DECLINED


def test_an_answer_that_is_faster_than_the_record_of_what_was_sent_is_kept(
    programme: Programme, inviter: Inviter, server: LetterBox, reader: ReplyReader
) -> None:
    server.put(reply("ACCEPTED"))
    reader.read()
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    reader.read()
    assert answered(programme) is Reply.ACCEPTED


def test_an_answer_out_of_the_future_does_not_keep_later_ones_out(
    invited: Programme, server: LetterBox, reader: ReplyReader
) -> None:
    server.put(reply("ACCEPTED", written_at=dt.datetime(9999, 1, 1, tzinfo=dt.UTC)))
    reader.read()
    assert invited.invitations()[FeedOwner.EXPERT, "E1"].replied_at == later()


def test_an_address_with_signs_is_known_again(
    programme: Programme, inviter: Inviter, server: LetterBox, reader: ReplyReader
) -> None:
    with programme.sessions.begin() as db:
        expert = db.get_one(Expert, "E1")
        expert.email, expert.calendar_by = "o'taro@experts.example", CalendarBy.MAIL
    programme.arrange()
    inviter.send_waiting()
    server.put(reply(sender="o'taro@experts.example", attendee="o%27taro@experts.example"))
    reader.read()
    assert answered(programme) is Reply.ACCEPTED


def test_an_answer_without_a_revision_is_to_what_was_sent_last(
    invited: Programme, server: LetterBox, reader: ReplyReader
) -> None:
    server.put(reply("TENTATIVE", sequence=None))
    reader.read()
    assert answered(invited) is Reply.TENTATIVE


def test_a_mailbox_is_read_encrypted(
    invited: Programme,
    server: LetterBox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    authority = trustme.CA()
    known = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(str(known))
    monkeypatch.setenv("SSL_CERT_FILE", str(known))
    server.put(reply("ACCEPTED"))
    with encrypted(server, certified(authority, "localhost")) as front:
        ReplyReader(invited.sessions, Mailbox.parse(front.url), later).read()
    assert answered(invited) is Reply.ACCEPTED


def test_a_server_that_nobody_vouches_for_gets_no_password(server: LetterBox) -> None:
    with (
        encrypted(server, certified(trustme.CA(), "localhost")) as front,
        pytest.raises(MailboxError, match="certificate"),
        Mailbox.parse(front.url).opened(),
    ):
        pytest.fail("it was opened")


@pytest.mark.parametrize(
    ("shown", "given"), [("//office", "//nobody"), ("@127.0.0.1", "x@127.0.0.1")]
)
def test_who_is_not_let_in_is_told(server: LetterBox, shown: str, given: str) -> None:
    wrong = Mailbox.parse(server.url.replace(shown, given))
    with pytest.raises(MailboxError, match=r"^\[AUTHENTICATIONFAILED\] Invalid"), wrong.opened():
        pytest.fail("it was opened")


def test_a_folder_that_is_not_there_is_told(server: LetterBox) -> None:
    lost = Mailbox.parse(f"{server.url}/Lost")
    with pytest.raises(MailboxError, match="no folder Lost"), lost.opened():
        pytest.fail("it was opened")


def test_a_mailbox_that_is_away_keeps_nobody_from_working(programme: Programme) -> None:
    away = Mailbox.parse(f"imap://u:p@127.0.0.1:{free_port()}")
    ReplyReader(programme.sessions, away, later).read()


@pytest.mark.parametrize(
    "url",
    [
        "imaps://u:p@mail.example/%E7%AE%B1",
        "imaps://mail.example",
        "http://u:p@mail.example",
        "imaps://u:p@mail.example:x",
        "mail",
    ],
)
def test_an_address_of_another_form_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="give imaps://USER:PASSWORD") as refusal:
        Mailbox.parse(url)
    assert "mail.example" not in str(refusal.value)


def test_a_message_out_of_all_proportion_is_left_alone(
    invited: Programme, server: LetterBox, reader: ReplyReader
) -> None:
    unread = server.unread()
    server.put(reply() + b"x" * MAX_BYTES)
    reader.read()
    assert server.unread() == unread + 1
    assert answered(invited) is None


@pytest.mark.parametrize(
    "calendar",
    [
        b"",
        b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n",
        b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:y\r\n"
        b"ATTENDEE;PARTSTAT=ACCEPTED:mailto:taro@experts.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        b"/etc/hostname",
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_answers_nothing(calendar: bytes) -> None:
    message = EmailMessage()
    message["From"] = EXPERT
    message.set_content(calendar, maintype="text", subtype="calendar")
    assert list(answers_in(message.as_bytes())) == []
