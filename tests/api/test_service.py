"""The service as those who run it meet it: in process, where a setting or the database differs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from api import create_app
from api.context import Services
from api.service import Service
from matcher.access import create_key
from matcher.calendars.subscriptions import create_feed
from matcher.clock import utc_now
from matcher.database import create_database_engine, session_factory
from matcher.models import FeedLanguage, FeedOwner, Role
from matcher.programme import ProgrammeRules
from matcher.settings import Settings
from tests.api.records import new_expert
from tests.api.service import PEPPER, Caller, RunningService
from tests.matcher.rows import add_engagements

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2"


Build = Callable[..., Service]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Make applications in this process; each is closed at the end."""
    given = {"data_directory": tmp_path, "key_pepper": PEPPER}
    built: list[Service] = []

    def build(database_url: str, **changes: object) -> Service:
        settings = {**given, "database_url": database_url, **changes}
        built.append(create_app(Settings.model_validate(settings)))
        return built[-1]

    yield build
    for app in built:
        services: Services = app.extensions["matcher"]
        services.close()


def test_the_service_is_alive_without_its_database_and_not_ready(build: Build) -> None:
    client = build(NOWHERE).test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.content_type == "application/problem+json"


def test_the_service_is_not_ready_before_the_database_is_migrated(
    build: Build, tmp_path: Path
) -> None:
    answer = build(f"sqlite:///{tmp_path}/empty.sqlite").test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "not_migrated"


def test_who_asks_too_often_waits(sqlite_url: str, build: Build) -> None:
    client = build(sqlite_url, rate_limit="2/minute").test_client()
    answers = [client.get("/v1/experts") for _ in range(3)]
    assert [each.status_code for each in answers] == [401, 401, 429]
    assert ["Retry-After" in each.headers for each in answers] == [False, False, True]
    answer = client.get("/v1/experts", headers={"Accept-Language": "ja"})
    assert answer.get_json()["title"] == "リクエストが多すぎます"
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert client.get("/healthz").status_code == 200


@pytest.mark.check(21)
def test_who_guesses_at_the_addresses_of_calendars_is_stopped(
    sqlite_url: str, build: Build
) -> None:
    client = build(sqlite_url, rate_limit="3/minute").test_client()
    guesses = [client.get(f"/calendars/{'x' * 40}{number}.ics") for number in range(5)]
    assert [each.status_code for each in guesses] == [404, 404, 404, 429, 429]
    assert int(guesses[-1].headers["Retry-After"]) >= 1
    assert client.get("/healthz").status_code == 200


def test_a_program_may_fetch_the_calendars_of_many(sqlite_url: str, build: Build) -> None:
    """Each address is counted by itself: a service may fetch for all of its users."""
    app = build(sqlite_url, rate_limit="2/minute")
    with session_factory(create_database_engine(sqlite_url)).begin() as db:
        add_engagements(db, "A1", experts=("E1", "E2", "E3"))
        feeds = [
            create_feed(db, FeedOwner.EXPERT, id, FeedLanguage.BOTH, utc_now())
            for id in ("E1", "E2", "E3")
        ]
        addresses = [f"/calendars/{token}.ics" for _, token in feeds]
    client = app.test_client()
    for _ in range(2):
        assert {client.get(each).status_code for each in addresses} == {200}
    assert {client.get(each).status_code for each in addresses} == {429}


def test_a_mistake_is_a_problem_that_tells_nothing_of_the_inside(
    sqlite_url: str, build: Build
) -> None:
    app = build(sqlite_url)

    def fail() -> NoReturn:
        raise RuntimeError("the password is swordfish")

    app.view_functions["health.alive"] = fail
    answer = app.test_client().get("/healthz")
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "swordfish" not in answer.get_data(as_text=True)


def test_figures_are_labelled_by_route_and_never_by_what_a_caller_invents(
    service: RunningService,
) -> None:
    service.nobody.get("/v1/experts/someone")
    service.nobody.ask("INVENTED", "/v1/invented")
    figures = service.nobody.get("/metrics").text
    assert 'route="/v1/experts/<expert_id>",status="401"' in figures
    assert "someone" not in figures
    assert "nvented" not in figures.lower()


def test_neither_keys_nor_tokens_are_logged(service: RunningService, admin: Caller) -> None:
    feed = {"owner_kind": "expert", "owner_id": new_expert(admin)}
    address = admin.post("/v1/feeds", feed).json()
    assert Caller("").get(address["url"]).status_code == 200
    doubled = address["url"].replace("/calendars", "//calendars")
    Caller("").get(doubled)
    log = service.log.read_text()
    assert "/calendars/***" in log
    assert address["token"] not in log
    assert admin.headers["Authorization"].rpartition("_")[2] not in log


def test_a_request_is_found_in_the_log_by_its_id(service: RunningService, admin: Caller) -> None:
    answer = admin.get("/v1/experts", X_Request_Id="my-request-1")
    assert answer.headers["X-Request-Id"] == "my-request-1"
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line[0] == "{"]
    (line,) = [each for each in lines if each.get("request_id") == "my-request-1"]
    assert (line["operation"], line["status"], line["role"]) == ("experts.list", 200, "admin")


def test_a_port_that_is_taken_is_bad_input(service: RunningService) -> None:
    port = service.url.rpartition(":")[2]
    program = "import sys; from matcher.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "serve", "--port", port],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("path", ["/v1/experts", "/v1/applications", "/v1/engagements"])
def test_a_list_of_three_takes_no_more_queries_than_a_list_of_one(
    programme: ProgrammeRules, db: Session, database_url: str, build: Build, path: str
) -> None:
    add_engagements(db, "A1", "A2", "A3", experts=("E1", "E2", "E3"))
    db.commit()
    app = build(database_url)
    _, secret = create_key(
        db,
        role=Role.ADMIN,
        subject_id=None,
        label="",
        now=utc_now(),
        expires_at=None,
        pepper=PEPPER.encode(),
    )
    db.commit()
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    counted = []
    for limit in (1, 3):
        with _counting(app.extensions["matcher"].engine) as statements:
            answer = client.get(f"{path}?limit={limit}")
        assert len(answer.get_json()["items"]) == limit
        counted.append(len(statements))
    assert counted[0] == counted[1]


@contextmanager
def _counting(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)
