from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from matcher.models import Role, load_programme
from tests.api.records import accept, application, new, organization
from tests.api.service import Caller, RunningService, serving
from tests.post_office import PATIENCE_SECONDS, SENDER, PostOffice, certified, post_office


def decided(caller: Caller, **changes: object) -> dict[str, Any]:
    """The draft of the notice of an acceptance; `changes` are the organization's."""
    owner = new(caller, "/v1/organizations", organization(**changes))["id"]
    application_id = new(caller, "/v1/applications", application(owner))["id"]
    accept(caller, application_id)
    (notice,) = caller.get(f"/v1/notices?application={application_id}").json()["items"]
    return {"organization_id": owner, **notice}


def test_a_decision_leaves_a_draft_in_the_outbox(admin: Caller) -> None:
    notice = decided(admin)
    assert (notice["state"], notice["kind"]) == ("draft", "accepted")
    assert notice["recipient_email"].endswith("@retailers.example.jp")
    assert admin.get(f"/v1/notices/{notice['id']}").json()["id"] == notice["id"]
    drafts = admin.get("/v1/notices?state=draft&limit=200").json()["items"]
    assert notice["id"] in {each["id"] for each in drafts}
    sent = admin.get("/v1/notices?state=sent").json()["items"]
    assert notice["id"] not in {each["id"] for each in sent}


def test_declining_tells_the_reasons(admin: Caller) -> None:
    owner = new(admin, "/v1/organizations", organization(municipality_code="14131"))["id"]
    application_id = new(admin, "/v1/applications", application(owner))["id"]
    path = f"/v1/applications/{application_id}"
    admin.post(f"{path}/assessment", {})
    answer = admin.post(f"{path}/decision", {"outcome": "declined", "reasons": ["所在地のため"]})
    assert answer.status_code == 200, answer.text
    (notice,) = admin.get(f"/v1/notices?application={application_id}").json()["items"]
    assert notice["kind"] == "declined"
    text = admin.get(f"/v1/notices/{notice['id']}/document").text
    assert "東京都内に住所又は主たる事務所を有すること。" in text
    assert "所在地のため" in text


def test_a_notice_is_read_as_text_and_as_a_page_that_can_do_nothing(admin: Caller) -> None:
    notice = decided(admin, name_ja="<b>架空</b>組合")
    path = f"/v1/notices/{notice['id']}/document"
    text = admin.get(path)
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "<b>架空</b>組合 御中" in text.text
    english = admin.get(f"{path}?language=en&format=html")
    assert english.headers["Content-Type"] == "text/html; charset=utf-8"
    assert english.headers["Content-Language"] == "en"
    page = admin.get(f"{path}?format=html")
    assert "&lt;b&gt;架空&lt;/b&gt;組合 御中" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert f"notice-{notice['id']}.ja.html" in page.headers["Content-Disposition"]
    assert admin.get(f"{path}?format=pdf").status_code == 422


def test_an_organization_sees_its_own_notice_once_it_is_released(
    service: RunningService, admin: Caller
) -> None:
    notice, other = decided(admin), decided(admin)
    admin.post(f"/v1/notices/{other['id']}/release")
    own = service.caller(Role.ORGANIZATION, notice["organization_id"])
    path = f"/v1/notices/{notice['id']}"
    assert own.get("/v1/notices").json()["items"] == []
    assert own.get(path).status_code == own.get(f"{path}/document").status_code == 404
    released = admin.post(f"{path}/release")
    assert (released.status_code, released.json()["state"]) == (200, "released")
    assert [each["id"] for each in own.get("/v1/notices").json()["items"]] == [notice["id"]]
    assert "御中" in own.get(f"{path}/document").text
    assert own.get(f"/v1/notices/{other['id']}").status_code == 404
    assert own.post(f"{path}/release").status_code == 403


def test_without_a_mail_server_released_is_the_end(admin: Caller) -> None:
    path = f"/v1/notices/{decided(admin)['id']}"
    assert admin.post(f"{path}/release").status_code == 200
    again = admin.post(f"{path}/release", Accept_Language="ja")
    assert again.status_code == 409
    assert "発出済み" in again.json()["detail"]
    assert again.json()["state"] == "released"


def test_a_draft_is_composed_anew_after_a_correction(admin: Caller) -> None:
    notice = decided(admin)
    path = f"/v1/organizations/{notice['organization_id']}"
    state = admin.get(path).headers["ETag"]
    change = {"contact_email": "new@retailers.example.jp"}
    assert admin.ask("PATCH", path, change, If_Match=state).status_code == 200
    anew = admin.post(f"/v1/notices/{notice['id']}/recomposition")
    assert anew.json()["recipient_email"] == "new@retailers.example.jp"
    assert anew.json()["state"] == "draft"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A private authority, which the operator has to name."""
    return trustme.CA()


@pytest.fixture
def office(authority: trustme.CA) -> Iterator[PostOffice]:
    with post_office(encrypted=certified(authority, "127.0.0.1")) as office:
        yield office


@pytest.fixture
def mailing(
    sqlite_template: Path, tmp_path: Path, office: PostOffice, authority: trustme.CA
) -> Iterator[RunningService]:
    """A service with its worker and a mail server, reached encrypted."""
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'matcher.sqlite')}"
    known = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(known))
    mail = {
        "MATCHER_SMTP_URL": office.url,
        "MATCHER_MAIL_SENDER": SENDER,
        "SSL_CERT_FILE": str(known),
    }
    with serving(url, tmp_path, **mail) as running:
        with running.database() as db:
            load_programme(db, "tokyo-2025")
        yield running


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


def test_a_worker_mails_what_is_released_and_a_refusal_is_seen_and_mended(
    mailing: RunningService, office: PostOffice
) -> None:
    staff = mailing.caller(Role.STAFF)
    notice = decided(mailing.caller(Role.ADMIN), contact_email="gone@retailers.example.jp")
    path = f"/v1/notices/{notice['id']}"
    office.replies["gone@retailers.example.jp"] = "550 5.1.1 no such mailbox"
    assert staff.post(f"{path}/release").json()["state"] == "released"
    wait_until(lambda: "550" in (staff.get(path).json()["error"] or ""))
    assert staff.get(path).json()["state"] == "failed"
    office.replies.clear()
    staff.post(f"{path}/release")
    office.wait_for(1)
    wait_until(lambda: bool(staff.get(path).json()["state"] == "sent"))
    (message,) = office.messages()
    assert message["Subject"] == f"{notice['subject_ja']} / {notice['subject_en']}"
    assert office.received[0].rcpt_tos == ["gone@retailers.example.jp"]
