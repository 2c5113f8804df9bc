"""The calendars over HTTP, and as the calendar programs of others show them."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from urllib.robotparser import RobotFileParser

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session as Database
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from api import create_app
from api.context import Services
from api.service import Service
from matcher.access import create_key
from matcher.calendars.subscriptions import create_feed
from matcher.clock import wall_time
from matcher.models import (
    Expert,
    Feed,
    FeedLanguage,
    FeedOwner,
    Organization,
    Programme,
    Role,
    Session,
    SessionStatus,
)
from matcher.programme import Qualification
from matcher.settings import Settings
from tests.answering import answering
from tests.api.service import serving
from tests.clients.programs import Seen, Subscriber, read_with_calcurse, read_with_ical_js
from tests.clients.strict import read_strictly
from tests.matcher.calendars.test_rendering import hostile_names
from tests.matcher.rows import add_engagements, session

NOW = dt.datetime(2025, 10, 1, 3, 0, tzinfo=dt.UTC)
"""Noon in Tokyo."""

HEADERS = (
    "Content-Type",
    "Content-Disposition",
    "Cache-Control",
    "ETag",
    "Last-Modified",
    "Referrer-Policy",
    "X-Robots-Tag",
    "Content-Length",
)


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        """Tell the moment."""
        return self.now


@dataclass
class Office:
    """The service with two engagements and two experts, and somebody who works with it."""

    app: Service
    services: Services
    clock: Clock

    @property
    def client(self) -> FlaskClient:
        """Return somebody who sends requests."""
        return self.app.test_client()

    def reading(self) -> Database:
        """Return a session on the database."""
        return self.services.reading()

    def token(self, kind: FeedOwner = FeedOwner.EXPERT, owner: str = "E1") -> str:
        """Return the token of a new feed."""
        with self.services.writing.begin() as db:
            return create_feed(db, kind, owner, FeedLanguage.BOTH, NOW - dt.timedelta(days=1))[1]

    def fetch(self, token: str, method: str = "GET", **headers: str) -> TestResponse:
        """Fetch a calendar to the end, with headers written as `If_None_Match`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.client.open(f"/calendars/{token}.ics", method=method, headers=named)
        response.get_data()
        response.close()
        return response

    def as_(self, role: Role, subject_id: str | None = None) -> dict[str, str]:
        """Return the headers of somebody with a new key of a role."""
        with self.services.writing.begin() as db:
            _, key = create_key(
                db,
                role=role,
                subject_id=subject_id,
                label="test",
                now=NOW,
                expires_at=None,
                pepper=self.services.settings.key_pepper.get_secret_value().encode(),
            )
        return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    clock = Clock()
    settings = Settings(database_url=sqlite_url, data_directory=tmp_path / "var")
    app = create_app(settings, clock)
    services: Services = app.extensions["matcher"]
    with services.writing.begin() as db:
        add_engagements(db, "A1", experts=("E1", "E2"))
        start = dt.datetime(2025, 10, 8, 1, 0, tzinfo=dt.UTC)
        db.add(session("S1", start))
        db.add(session("S2", start + dt.timedelta(days=21), 90, number=2))
    yield Office(app, services, clock)
    services.engine.dispose()


@pytest.mark.check(1)
@pytest.mark.check(2)
@pytest.mark.check(16)
@pytest.mark.check(19)
def test_a_calendar_is_served_whole_with_the_headers_of_a_secret(office: Office) -> None:
    response = office.fetch(office.token())
    assert response.status_code == HTTPStatus.OK
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'inline; filename="expert-E1.ics"'
    assert response.headers["Cache-Control"] == "private, max-age=300"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert response.headers["ETag"].startswith('"')
    assert "Set-Cookie" not in response.headers
    assert "Content-Encoding" not in response.headers
    assert len(read_strictly(response.data).named("VEVENT")) == 2


@pytest.mark.check(16)
def test_head_answers_as_get_does_without_the_calendar(office: Office) -> None:
    token = office.token()
    got, headed = office.fetch(token), office.fetch(token, "HEAD")
    assert headed.status_code == HTTPStatus.OK
    assert headed.data == b""
    assert [headed.headers[each] for each in HEADERS] == [got.headers[each] for each in HEADERS]


@pytest.mark.check(16)
@pytest.mark.check(19)
@pytest.mark.parametrize("accept", ["text/html", "image/png", "*/*"])
def test_what_a_client_accepts_changes_nothing(office: Office, accept: str) -> None:
    token = office.token()
    assert (
        office.fetch(token, Accept=accept, Accept_Encoding="gzip").data == office.fetch(token).data
    )


@pytest.mark.check(4)
def test_names_as_hostile_as_they_may_be_leave_a_calendar_whole(office: Office) -> None:
    token = office.token()
    for name in hostile_names(20):
        with office.services.writing.begin() as db:
            row = db.get_one(Session, "S1")
            row.place_ja = row.place_en = row.meeting_url = name
            row.engagement.organization.name_ja = name
            db.get_one(Expert, "E1").name_en = name
        response = office.fetch(token)
        assert response.status_code == HTTPStatus.OK
        assert len(read_strictly(response.data).named("VEVENT")) == 2


def uids(response: TestResponse) -> list[str]:
    """Return by which names a calendar calls its events."""
    return [each["UID"].value for each in read_strictly(response.data).named("VEVENT")]


@pytest.mark.check(6)
def test_a_session_has_one_uid_for_both_parties_whatever_changes(office: Office) -> None:
    expert, organization = office.token(), office.token(FeedOwner.ORGANIZATION, "O1")
    first = uids(office.fetch(expert))
    _move(office, "S1", hours=1)
    _cancel(office, "S2")
    with office.services.writing.begin() as db:
        row = db.get_one(Session, "S1")
        row.place_ja = row.place_en = "別の会議室"
        row.engagement.organization.name_ja = "改称後の組合"
    assert uids(office.fetch(expert)) == uids(office.fetch(organization)) == first


@pytest.mark.check(6)
def test_a_session_has_one_uid_wherever_the_service_runs(office: Office) -> None:
    token = office.token()
    changes = {"public_url": "http://dispatch.example"}
    moved = create_app(office.services.settings.model_copy(update=changes), office.clock)
    elsewhere = Office(moved, moved.extensions["matcher"], office.clock)
    there = elsewhere.fetch(token, Host="dispatch.example")
    assert uids(there) == uids(office.fetch(token))
    elsewhere.services.close()


@pytest.mark.check(7)
def test_an_unchanged_calendar_is_the_same_every_second(office: Office) -> None:
    token = office.token()
    first = office.fetch(token)
    office.clock.now += dt.timedelta(seconds=2)
    second = office.fetch(token)
    assert first.data == second.data
    assert first.headers["ETag"] == second.headers["ETag"]


@pytest.mark.check(17)
@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', 'W/"other", W/{tag}', "*"])
def test_who_has_the_calendar_already_is_told_so(office: Office, form: str) -> None:
    token = office.token()
    known = office.fetch(token).headers["ETag"]
    response = office.fetch(token, If_None_Match=form.format(tag=known))
    assert response.status_code == HTTPStatus.NOT_MODIFIED
    assert response.data == b""
    assert response.headers["ETag"] == known


@pytest.mark.check(17)
def test_last_modified_serves_clients_that_know_no_tags(office: Office) -> None:
    token = office.token()
    known = office.fetch(token).headers["Last-Modified"]
    assert office.fetch(token, If_Modified_Since=known).status_code == HTTPStatus.NOT_MODIFIED
    _move(office, "S1", hours=1)
    assert office.fetch(token, If_Modified_Since=known).status_code == HTTPStatus.OK


@pytest.mark.check(18)
def test_a_tag_of_before_a_change_fetches_the_calendar(office: Office) -> None:
    token = office.token()
    known = office.fetch(token).headers["ETag"]
    _move(office, "S1", hours=1)
    response = office.fetch(token, If_None_Match=known)
    assert response.status_code == HTTPStatus.OK
    assert response.headers["ETag"] != known


@pytest.mark.check(17)
def test_the_answer_that_nothing_changed_takes_three_queries(office: Office) -> None:
    token = office.token()
    known = office.fetch(token).headers["ETag"]
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            statements.append(statement)

    event.listen(office.services.engine, "before_cursor_execute", count)
    response = office.fetch(token, If_None_Match=known)
    assert response.status_code == HTTPStatus.NOT_MODIFIED
    assert 1 <= len(statements) <= 3, statements


def test_a_fetch_is_noted_now_and_then(office: Office) -> None:
    token = office.token()
    noted = []
    for minutes in (0, 4, 5):
        office.clock.now = NOW + dt.timedelta(minutes=minutes)
        office.fetch(token)
        with office.reading() as db:
            noted.append(db.query(Feed).one().last_fetched_at)
    assert noted == [NOW, NOW, NOW + dt.timedelta(minutes=5)]


@pytest.mark.check(21)
@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "a b", "ü", "x" * 5000])
def test_an_unknown_address_is_not_found(office: Office, token: str) -> None:
    response = office.fetch(token)
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert response.content_type == "application/problem+json"
    assert token not in response.text or len(token) == 1


@pytest.mark.check(21)
def test_a_revoked_address_is_gone(office: Office) -> None:
    token = office.token()
    with office.services.writing.begin() as db:
        db.execute(update(Feed).values(revoked_at=NOW))
    response = office.fetch(token, Accept_Language="ja")
    assert response.status_code == HTTPStatus.GONE
    assert response.content_type == "application/problem+json"
    assert "購読は終了" in response.get_json()["detail"]
    assert token not in response.text


def is_no_calendar(response: TestResponse) -> bool:
    """Half a calendar, or a page that says sorry, would empty the clients' copies."""
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(response.headers["Retry-After"]) > 0
    return response.content_type == "application/problem+json"


@pytest.mark.check(20)
def test_a_calendar_of_which_no_session_can_be_shown_is_no_calendar(office: Office) -> None:
    with office.services.writing.begin() as db:
        programme = db.get_one(Programme, "tokyo-2025")
        programme.rules = programme.rules.model_copy(update={"phases": ()})
    assert is_no_calendar(office.fetch(office.token()))


@pytest.mark.check(20)
@pytest.mark.parametrize("table", ["feeds", "calendar_revisions", "sessions", "programmes"])
def test_a_calendar_that_cannot_be_read_is_no_calendar(office: Office, table: str) -> None:
    token = office.token()
    with office.services.writing.begin() as db:
        db.execute(text(f"ALTER TABLE {table} RENAME TO gone"))
    assert is_no_calendar(office.fetch(token))


@pytest.mark.check(20)
def test_without_a_database_there_is_no_calendar(tmp_path: Path) -> None:
    """Nobody listens at the port."""
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    app = create_app(Settings(database_url=nowhere, data_directory=tmp_path))
    assert is_no_calendar(app.test_client().get(f"/calendars/{'A' * 43}.ics"))
    app.extensions["matcher"].close()


@pytest.mark.check(15)
def test_one_row_that_cannot_be_read_leaves_all_others(
    office: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    """A phase that nobody knows, an end that is missing: the database is made to allow both."""
    with office.services.writing.begin() as db:
        start = dt.datetime(2025, 12, 3, 1, 0, tzinfo=dt.UTC)
        db.add(session("S3", start, number=3))
    path = office.services.engine.url.database or ""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for statement in (
            "PRAGMA ignore_check_constraints = ON",
            "UPDATE sessions SET phase = 'unheard_of' WHERE id = 'S1'",
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'end_at DATETIME NOT NULL', "
            "'end_at DATETIME') WHERE name = 'sessions'",
            "PRAGMA writable_schema = RESET",
            "UPDATE sessions SET end_at = NULL WHERE id = 'S2'",
            "UPDATE sessions SET place_ja = '', place_en = '' WHERE id = 'S3'",
        ):
            raw.execute(statement)
    response = office.fetch(office.token())
    assert response.status_code == HTTPStatus.OK
    (event,) = read_strictly(response.data).named("VEVENT")
    assert event["UID"].value.startswith("session-S3@")
    written = "".join(capfd.readouterr())
    assert "session_left_out" in written
    assert all(f"session={each}" in written for each in ("S1", "S2"))


def test_a_calendar_is_served_while_somebody_writes(office: Office) -> None:
    token = office.token()
    with office.services.writing.begin() as db:
        db.execute(update(Expert).values(active=False))
        with office.client.get(f"/calendars/{token}.ics") as response:
            assert response.status_code == HTTPStatus.OK
            db.rollback()


def test_a_new_feed_shows_its_address_once(office: Office) -> None:
    staff = office.as_(Role.STAFF)
    body = {"owner_kind": "expert", "owner_id": "E1", "language": "ja"}
    made = office.client.post("/v1/feeds", json=body, headers=staff)
    assert made.status_code == HTTPStatus.CREATED
    assert made.headers["Cache-Control"] == "no-store"
    feed = made.get_json()
    assert feed["url"] == f"http://127.0.0.1:8000/calendars/{feed['token']}.ics"
    assert feed["webcal_url"] == f"webcal://127.0.0.1:8000/calendars/{feed['token']}.ics"
    assert office.fetch(feed["token"]).status_code == HTTPStatus.OK
    listed = office.client.get("/v1/feeds", headers=staff)
    assert [each["id"] for each in listed.get_json()["items"]] == [feed["id"]]
    assert feed["token"] not in listed.text


@pytest.mark.check(21)
def test_rotation_ends_the_old_address_at_once(office: Office) -> None:
    staff = office.as_(Role.STAFF)
    body = {"owner_kind": "organization", "owner_id": "O1"}
    feed = office.client.post("/v1/feeds", json=body, headers=staff).get_json()
    rotated = office.client.post(f"/v1/feeds/{feed['id']}/rotation", headers=staff).get_json()
    assert office.fetch(feed["token"]).status_code == HTTPStatus.NOT_FOUND
    assert office.fetch(rotated["token"]).status_code == HTTPStatus.OK


@pytest.mark.check(21)
def test_revocation_ends_a_feed_for_good(office: Office) -> None:
    staff = office.as_(Role.STAFF)
    body = {"owner_kind": "expert", "owner_id": "E1"}
    feed = office.client.post("/v1/feeds", json=body, headers=staff).get_json()
    revoked = office.client.post(f"/v1/feeds/{feed['id']}/revocation", headers=staff)
    assert revoked.get_json()["revoked_at"] == "2025-10-01T12:00:00+09:00"
    assert office.fetch(feed["token"]).status_code == HTTPStatus.GONE
    again = office.client.post(f"/v1/feeds/{feed['id']}/rotation", headers=staff)
    assert again.status_code == HTTPStatus.CONFLICT


@pytest.mark.check(24)
def test_an_expert_makes_feeds_of_nobody_else(office: Office) -> None:
    expert = office.as_(Role.EXPERT, "E1")
    own = {"owner_kind": "expert", "owner_id": "E1"}
    assert office.client.post("/v1/feeds", json=own, headers=expert).status_code == 201
    for kind, owner in (("expert", "E2"), ("organization", "O1")):
        other = {"owner_kind": kind, "owner_id": owner}
        refused = office.client.post("/v1/feeds", json=other, headers=expert)
        assert refused.status_code == HTTPStatus.NOT_FOUND
    stranger = office.as_(Role.EXPERT, "E2")
    assert office.client.get("/v1/feeds", headers=stranger).get_json()["items"] == []


def test_feeds_need_a_key(office: Office) -> None:
    assert office.client.get("/v1/feeds").status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.check(22)
def test_the_log_keeps_the_secret(office: Office, capfd: pytest.CaptureFixture[str]) -> None:
    """Also of a calendar that cannot be served, and of an address with a letter too few."""
    token = office.token()
    answers = [office.fetch(token), office.fetch(token[:-1])]
    with office.services.writing.begin() as db:
        db.execute(text("ALTER TABLE calendar_revisions RENAME TO gone"))
    answers.append(office.fetch(token, If_None_Match='"other"'))
    assert [each.status_code for each in answers] == [200, 404, 503]
    written = "".join(capfd.readouterr())
    assert "calendar_not_served" in written
    for shown in (written, *(f"{each.headers}{each.text}" for each in answers)):
        assert token[:8] not in shown


@pytest.mark.check(22)
@pytest.mark.parametrize("seen", ["http", "https"])
def test_a_secret_address_is_answered_over_https_alone(
    sqlite_url: str, tmp_path: Path, seen: str
) -> None:
    """As the proxy says that it was asked; not even whether the address is known."""
    settings = Settings(
        database_url=sqlite_url,
        data_directory=tmp_path / "var",
        public_url="https://dispatch.example.jp",
    )
    app = create_app(settings, Clock())
    services: Services = app.extensions["matcher"]
    with services.writing.begin() as db:
        add_engagements(db, "A1")
        _, token = create_feed(db, FeedOwner.EXPERT, "E1", FeedLanguage.BOTH, NOW)
    answers = [
        app.test_client().get(f"/calendars/{each}.ics", base_url=f"{seen}://dispatch.example.jp")
        for each in (token, "A" * 43)
    ]
    services.close()
    if seen == "https":
        assert [each.status_code for each in answers] == [200, 404]
    else:
        assert [each.status_code for each in answers] == [404, 404]
        assert answers[0].get_json()["code"] == "https_required"
        assert answers[0].get_json() | {"instance": ""} == answers[1].get_json() | {"instance": ""}
        assert "Location" not in answers[0].headers


@pytest.mark.check(22)
def test_a_running_service_believes_its_proxy_and_logs_no_secret(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The service as it is deployed: gunicorn, behind a proxy on the same machine."""
    with serving(
        sqlite_url, tmp_path, "--no-worker", MATCHER_PUBLIC_URL="https://dispatch.example.jp"
    ) as running:
        with running.database() as db:
            add_engagements(db, "A1")
            _, token = create_feed(db, FeedOwner.EXPERT, "E1", FeedLanguage.BOTH, NOW)
        path = f"/calendars/{token}.ics"
        in_clear = running.nobody.get(path)
        proxied = running.nobody.get(path, X_Forwarded_Proto="https", Referer=running.url + path)
    assert (in_clear.status_code, proxied.status_code) == (404, 200)
    assert token[:8] not in running.log.read_text()


@pytest.mark.check(19)
def test_programs_that_ask_first_may_fetch_calendars(office: Office) -> None:
    """As Google's importer did."""
    response = office.client.get("/robots.txt")
    assert response.mimetype == "text/plain"
    robots = RobotFileParser()
    robots.parse(response.text.splitlines())
    assert robots.can_fetch("Googlebot", "/calendars/secret.ics")
    assert not robots.can_fetch("Googlebot", "/v1/experts")


# The office's own calendars


def make_feed(office: Office, role: Role = Role.STAFF, **fields: object) -> TestResponse:
    body = {"owner_kind": "office", "owner_id": "tokyo-2025", **fields}
    subject = {Role.EXPERT: "E1", Role.ORGANIZATION: "O1"}.get(role)
    return office.client.post("/v1/feeds", json=body, headers=office.as_(role, subject))


@pytest.mark.parametrize("role", [Role.STAFF, Role.PLANNER, Role.ADMIN])
def test_the_office_sees_who_meets_whom(office: Office, role: Role) -> None:
    made = make_feed(office, role)
    assert made.status_code == HTTPStatus.CREATED
    response = office.fetch(made.get_json()["token"])
    events = read_strictly(response.data).named("VEVENT")
    assert [event["SUMMARY"].text for event in events] == [
        f"専門家派遣 第{number}回 アクションプランの策定(東京架空旅館協同組合・架空 太郎) / "
        f"Expert session {number}: Developing an Action Plan "
        "(Imaginary Inns of Tokyo Cooperative, Taro Kaku)"
        for number in (1, 2)
    ]
    assert response.headers["Content-Disposition"] == 'inline; filename="office-tokyo-2025.ics"'


def test_the_office_may_ask_for_one_specialty(office: Office) -> None:
    with office.services.writing.begin() as db:
        other = db.get_one(Expert, "E2")
        other.qualifications = (Qualification.INDUSTRIAL_COUNSELOR,)
        db.get_one(Session, "S2").expert_id = "E2"
    seen = {}
    for specialty in ("labor", "counseling", "sme"):
        made = make_feed(office, specialty=specialty, language="ja")
        assert made.get_json()["specialty"] == specialty
        feed = read_strictly(office.fetch(made.get_json()["token"]).data)
        seen[feed["NAME"].text.rpartition(" ")[2]] = [
            event["UID"].value.partition("@")[0] for event in feed.named("VEVENT")
        ]
    assert seen == {
        "労務)": ["session-S1"],
        "心理・相談)": ["session-S2"],
        "経営)": [],
    }


@pytest.mark.check(24)
@pytest.mark.parametrize("role", [Role.EXPERT, Role.ORGANIZATION])
def test_nobody_else_makes_a_calendar_of_the_office(office: Office, role: Role) -> None:
    assert make_feed(office, role).status_code == HTTPStatus.NOT_FOUND


def test_only_calendars_of_the_office_are_of_a_specialty(office: Office) -> None:
    response = make_feed(office, owner_kind="expert", owner_id="E1", specialty="labor")
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert response.get_json()["errors"][0]["field"] == "specialty"
    unknown = make_feed(office, owner_id="tokyo-1999")
    assert unknown.status_code == HTTPStatus.NOT_FOUND


def test_the_office_keeps_no_busy_calendar(office: Office) -> None:
    body = {"owner_kind": "office", "owner_id": "tokyo-2025", "url": "https://a.example/b.ics"}
    response = office.client.post("/v1/busy-calendars", json=body, headers=office.as_(Role.STAFF))
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_staff_see_whose_subscription_has_gone_quiet(office: Office) -> None:
    read, _ = office.token(), office.token(FeedOwner.ORGANIZATION, "O1")
    office.fetch(read)
    staff = office.as_(Role.STAFF)

    def listed(query: str) -> list[tuple[str, bool]]:
        items = office.client.get(f"/v1/feeds{query}", headers=staff).get_json()["items"]
        return sorted((each["owner_id"], each["quiet"]) for each in items)

    assert listed("") == [("E1", False), ("O1", True)]
    assert listed("?quiet=true") == [("O1", True)]
    assert listed("?quiet=false") == [("E1", False)]
    office.clock.now += dt.timedelta(days=3, seconds=1)
    assert listed("?quiet=true") == [("E1", True), ("O1", True)]


def test_the_organizer_is_who_the_office_writes_mail_as(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(
        database_url=sqlite_url,
        data_directory=tmp_path / "var",
        mail_sender="派遣事務局 <haken@dispatch.example.jp>",
    )
    app = create_app(settings, Clock())
    services: Services = app.extensions["matcher"]
    with services.writing.begin() as db:
        add_engagements(db, "A1")
        db.add(session("S1", NOW))
        _, token = create_feed(db, FeedOwner.EXPERT, "E1", FeedLanguage.BOTH, NOW)
    feed = read_strictly(app.test_client().get(f"/calendars/{token}.ics").data)
    services.close()
    (event,) = feed.named("VEVENT")
    assert event["ORGANIZER"].value == "mailto:haken@dispatch.example.jp"
    assert "派遣事務局" in event["ORGANIZER"].parameters


# As other people's programs see it


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    """Serve the office on a port of this machine."""
    server = make_server("127.0.0.1", 0, office.app, threaded=True)
    with answering(server):
        yield f"http://127.0.0.1:{server.port}"


def planned(office: Office, *, cancelled: tuple[str, ...] = ()) -> list[Seen]:
    """Return what a client ought to show: the sessions of the database, in UTC."""
    with office.reading() as db:
        rows = db.query(Session).order_by(Session.start_at).all()
        name = db.get_one(Organization, "O1")
        return sorted(
            Seen(row.start_at, row.end_at, _summary(row, name), cancelled=row.id in cancelled)
            for row in rows
        )


def _summary(row: Session, organization: Organization) -> str:
    prefix = "【中止】[Cancelled] " if row.status == SessionStatus.CANCELLED else ""
    return (
        f"{prefix}専門家派遣 第{row.number}回 アクションプランの策定({organization.name_ja}) / "
        f"Expert session {row.number}: Developing an Action Plan ({organization.name_en})"
    )


def _move(office: Office, session_id: str, hours: int) -> None:
    with office.services.writing.begin() as db:
        row = db.get_one(Session, session_id)
        row.start_at += dt.timedelta(hours=hours)
        row.end_at += dt.timedelta(hours=hours)
        row.sequence += 1
        row.revised_at = office.clock.now


def _cancel(office: Office, session_id: str) -> None:
    with office.services.writing.begin() as db:
        row = db.get_one(Session, session_id)
        row.status = SessionStatus.CANCELLED
        row.sequence += 1
        row.revised_at = office.clock.now


@pytest.mark.check(3)
def test_ical_js_shows_the_sessions_at_their_hours(office: Office) -> None:
    _cancel(office, "S2")
    for kind, owner in ((FeedOwner.EXPERT, "E1"), (FeedOwner.ORGANIZATION, "O1")):
        seen = read_with_ical_js(office.fetch(office.token(kind, owner)).data)
        expected = planned(office, cancelled=("S2",))
        assert [(each.start_at, each.end_at, each.cancelled) for each in seen] == [
            (each.start_at, each.end_at, each.cancelled) for each in expected
        ]
        if kind == FeedOwner.EXPERT:
            assert [replace(each, uid="") for each in seen] == expected


def test_calcurse_shows_the_sessions_at_their_hours(office: Office, tmp_path: Path) -> None:
    assert read_with_calcurse(office.fetch(office.token()).data, tmp_path) == planned(office)


@pytest.mark.check(10)
def test_khal_follows_a_move_and_a_cancellation(
    office: Office, address: str, tmp_path: Path
) -> None:
    """By vdirsyncer from a real server, as a subscriber does."""
    subscriber = Subscriber(f"{address}/calendars/{office.token()}.ics", tmp_path)
    first_day = wall_time(NOW).date()
    subscriber.synchronize()
    assert subscriber.sees(first_day, 60) == planned(office)
    _move(office, "S1", hours=3)
    _cancel(office, "S2")
    subscriber.synchronize()
    assert subscriber.sees(first_day, 60) == planned(office, cancelled=("S2",))
    office.clock.now += dt.timedelta(days=50)
    subscriber.synchronize()
    assert [each.cancelled for each in subscriber.sees(first_day, 60)] == [False]
