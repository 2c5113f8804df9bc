"""Mail over encrypted connections, to a real server with a certificate made for the test.

127.0.0.2 is this machine too, and yet none of the addresses to which we speak in the clear.
"""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme
from sqlalchemy.orm import Session, sessionmaker

from matcher.models import Notice, NoticeState
from matcher.notices.mailer import Mailer
from matcher.notices.outbox import RETRY_FOR, release
from matcher.notices.smtp import Fate, MailServer, Outcome, deliver, mailbox
from tests.matcher.notices.records import tokyo
from tests.post_office import SENDER, PostOffice, certified, post_office

HOST = "127.0.0.2"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that no machine knows."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator names the authority, as the README says."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def handed_over(office: PostOffice) -> Outcome:
    """Hand over a mail, with a password."""
    message = EmailMessage()
    message["Subject"] = "通知書"
    message.set_content("架空")
    server = MailServer.parse(office.url.replace("//", "//office:hush@"))
    return deliver(server, message, "office@dispatch.example.jp", "office@inns.example")


def test_mail_and_password_go_over_a_connection_that_is_encrypted_from_the_start(
    authority: trustme.CA, trusted: None
) -> None:
    with post_office(HOST, encrypted=certified(authority, HOST)) as office:
        assert handed_over(office) == Outcome(Fate.TAKEN)
    assert office.url.startswith("smtps://")
    assert office.logins == [(b"office", b"hush")]
    assert len(office.received) == 1


def test_a_server_that_offers_starttls_gets_mail_and_password_after_it(
    authority: trustme.CA, trusted: None
) -> None:
    with post_office(HOST, starttls=certified(authority, HOST)) as office:
        assert handed_over(office) == Outcome(Fate.TAKEN)
    assert office.url.startswith("smtp://")
    assert office.greetings == 2, "once in the clear, and once more when it is encrypted"
    assert office.logins == [(b"office", b"hush")]
    assert len(office.received) == 1


@pytest.mark.parametrize("way", ["encrypted", "starttls"])
@pytest.mark.parametrize("name", [HOST, "mail.elsewhere.example"])
def test_a_server_of_an_unknown_authority_or_of_another_name_gets_nothing(
    authority: trustme.CA, request: pytest.FixtureRequest, way: str, name: str
) -> None:
    if name != HOST:
        request.getfixturevalue("trusted")
    with post_office(HOST, **{way: certified(authority, name)}) as office:
        outcome = handed_over(office)
    assert outcome.fate == Fate.UNREACHABLE
    assert outcome.words.startswith("the mail server's certificate is not trusted: ")
    assert (office.logins, office.received) == ([], [])


def test_a_notice_waits_with_the_reason_while_the_certificate_is_not_trusted(
    db: Session, notice: Notice, authority: trustme.CA, request: pytest.FixtureRequest
) -> None:
    """It goes once the operator has named the authority, if that is within the quarter hour."""
    now = tokyo(7, 7)
    with post_office(HOST, starttls=certified(authority, HOST)) as office:
        sessions = sessionmaker(db.get_bind(), expire_on_commit=False)
        server = MailServer.parse(office.url)
        mailer = Mailer(sessions, server, mailbox(SENDER), lambda: now)
        release(db, notice.id, "早川 美和", now, by_mail=True)
        db.commit()
        mailer.send(notice.id)
        db.refresh(notice)
        assert notice.state == NoticeState.RELEASED
        assert "certificate is not trusted" in (notice.error or "")
        assert office.received == []
        db.commit()
        request.getfixturevalue("trusted")
        mailer.send(notice.id)
        db.refresh(notice)
        assert (notice.state, notice.error) == (NoticeState.SENT, None)
        assert len(office.received) == 1


def test_a_notice_that_found_no_trusted_server_for_long_fails_with_the_reason(
    db: Session, notice: Notice, authority: trustme.CA
) -> None:
    now = tokyo(7, 7)
    with post_office(HOST, encrypted=certified(authority, HOST)) as office:
        sessions = sessionmaker(db.get_bind(), expire_on_commit=False)
        server = MailServer.parse(office.url)
        mailer = Mailer(sessions, server, mailbox(SENDER), lambda: now + RETRY_FOR)
        release(db, notice.id, "早川 美和", now, by_mail=True)
        db.commit()
        mailer.send(notice.id)
    db.refresh(notice)
    assert notice.state == NoticeState.FAILED
    assert "certificate is not trusted" in (notice.error or "")
