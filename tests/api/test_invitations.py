"""Invitations as the office sees them, by a real worker, mail server and mailbox."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from matcher.models import Role, load_programme
from tests.api.records import new, new_engagement, new_expert, organization
from tests.api.service import Caller, RunningService, serving
from tests.letter_box import LetterBox, letter_box
from tests.post_office import SENDER, PostOffice, post_office

PATIENCE_SECONDS = 90
EXPERT = "taro@experts.example.jp"


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    with post_office() as running:
        yield running


@pytest.fixture(scope="module")
def box() -> Iterator[LetterBox]:
    with letter_box() as running:
        yield running


@pytest.fixture(scope="module")
def mailing(
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    office: PostOffice,
    box: LetterBox,
) -> Iterator[RunningService]:
    """A service whose worker sends mail and reads a mailbox."""
    folder = tmp_path_factory.mktemp("mailing")
    path = shutil.copy(sqlite_template, folder / "matcher.sqlite")
    mail = {
        "MATCHER_SMTP_URL": office.url,
        "MATCHER_MAIL_SENDER": SENDER,
        "MATCHER_IMAP_URL": box.url,
    }
    with serving(f"sqlite:///{path}", folder, **mail) as running:
        with running.database() as db:
            load_programme(db, "tokyo-2025")
        yield running


def invitations(caller: Caller, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get(f"/v1/invitations?{query}").json()["items"]
    return found


def wait_for(caller: Caller, query: str, number: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(found := invitations(caller, query)) < number:
        assert time.monotonic() < deadline, invitations(caller, "")
        time.sleep(0.2)
    return found


def answer_to(message: EmailMessage, partstat: str) -> bytes:
    """What the recipient's calendar program sends back."""
    *_, part = message.iter_parts()
    assert isinstance(part, EmailMessage)
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode()
    text = text.replace("METHOD:REQUEST", "METHOD:REPLY").replace("NEEDS-ACTION", partstat)
    text = re.sub(r"DTSTAMP:\d{8}", f"DTSTAMP:{dt.date(2030, 1, 1):%Y%m%d}", text)
    reply = EmailMessage()
    reply["From"], reply["To"] = message["To"], message["From"]
    reply["Subject"] = f"Re: {message['Subject']}"
    reply.set_content("")
    reply.add_alternative(text, subtype="calendar", params={"method": "REPLY"})
    return reply.as_bytes()


def test_an_expert_is_invited_by_mail_answers_and_the_office_sees_it(
    mailing: RunningService, office: PostOffice, box: LetterBox
) -> None:
    admin = mailing.caller(Role.ADMIN)
    expert_id = new_expert(admin, calendar_by="mail")
    engagement_id = new_engagement(admin, new(admin, "/v1/organizations", organization())["id"])
    assigned = admin.post(f"/v1/engagements/{engagement_id}/assignment")
    assert assigned.status_code == 200, assigned.text

    staff, party = mailing.caller(Role.STAFF), f"party={expert_id}"
    sent = wait_for(staff, f"{party}&state=sent", 2)
    assert {(each["sent_method"], each["sent_to"]) for each in sent} == {("REQUEST", EXPERT)}
    assert invitations(staff, f"{party}&reply=accepted") == []
    assert len(invitations(staff, f"{party}&reply=none")) == 2

    box.put(answer_to(office.messages()[0], "ACCEPTED"))
    (accepted,) = wait_for(staff, f"{party}&reply=accepted", 1)
    assert accepted["replied_at"].startswith("2025-07-14"), "not in the future"

    again = staff.post(f"/v1/invitations/{accepted['id']}/resending")
    assert again.json()["state"] == "waiting"
    office.wait_for(3)
    planner = mailing.caller(Role.PLANNER)
    assert planner.post(f"/v1/invitations/{accepted['id']}/resending").status_code == 403


def test_an_expert_who_reads_a_calendar_gets_no_mail(mailing: RunningService) -> None:
    admin = mailing.caller(Role.ADMIN)
    expert_id = new_expert(admin)
    assert admin.get(f"/v1/experts/{expert_id}").json()["calendar_by"] == "feed"
    assert invitations(admin, f"party={expert_id}") == []
    unknown = admin.post("/v1/experts", {"calendar_by": "pigeon"})
    assert "calendar_by" in [each["field"] for each in unknown.json()["errors"]]


def test_an_invitation_that_is_not_there_cannot_be_sent_again(mailing: RunningService) -> None:
    assert mailing.caller(Role.STAFF).post("/v1/invitations/V0/resending").status_code == 404
