"""Lists: what staff filter by, and pages that hold while records arrive."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import create_app
from api.service import Service
from matcher.access import create_key
from matcher.database import session_factory
from matcher.models import Application, ApplicationState, Interview, Role, new_identifier
from matcher.programme import Specialty
from matcher.settings import Settings
from tests.api.service import Caller
from tests.matcher.rows import (
    MORNING,
    add_engagements,
    application,
    engagement,
    organization,
    session,
)


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Any:
    """Somebody of the office at a service on each database."""
    app = create_app(
        Settings(database_url=database_url, data_directory=tmp_path, rate_limit="1000000/minute")
    )
    with session_factory(_engine(app)).begin() as db:
        add_engagements(db, "A1", "A2")
        other = organization("O2")
        other.municipality_code = "13104"
        db.add(other)
        db.flush()
        asked = application("A3", "O2")
        asked.state, asked.needs = ApplicationState.SUBMITTED, {Specialty.SME: 2}
        asked.submitted_at = MORNING
        asked.interview = Interview(due_on=dt.date(2025, 10, 8))
        held = application("A4", "O2")
        held.state, held.needs = (
            ApplicationState.INTERVIEWED,
            {Specialty.SME: 1, Specialty.LABOR: 1},
        )
        held.interview = Interview(due_on=dt.date(2025, 10, 7), held_at=MORNING)
        db.add_all([asked, held])
        db.flush()
        db.add(engagement("A4", "O2"))
        db.add_all([session("S1"), session("S2", MORNING + dt.timedelta(days=7), number=2)])
        pepper = app.extensions["matcher"].settings.key_pepper.get_secret_value().encode()
        _, key = create_key(
            db,
            role=Role.STAFF,
            subject_id=None,
            label="",
            now=MORNING,
            expires_at=None,
            pepper=pepper,
        )
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    yield client
    app.extensions["matcher"].close()


def _engine(app: Any) -> Any:
    assert isinstance(app, Service)
    return app.extensions["matcher"].engine


def _ids(client: FlaskClient, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.get_json()["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("applications?municipality=13104", ["A3", "A4"]),
        ("applications?specialty=labor", ["A1", "A2", "A4"]),
        ("applications?specialty=counseling", []),
        ("applications?due_before=2025-10-09", ["A3"]),
        ("applications?due_before=2025-10-08", []),
        ("applications?submitted_since=2025-10-01", ["A3"]),
        ("applications?submitted_since=2025-10-02", []),
        ("applications?state=interviewed&municipality=13104&specialty=sme", ["A4"]),
        ("engagements?municipality=13101", ["A1", "A2"]),
        ("engagements?specialty=sme", ["A4"]),
        ("sessions?from=2025-10-02", ["S2"]),
        ("sessions?until=2025-10-08", ["S1"]),
        ("sessions?from=2025-10-01&until=2025-10-09", ["S1", "S2"]),
    ],
)
def test_a_list_shows_what_is_asked_for(client: FlaskClient, query: str, found: list[str]) -> None:
    assert sorted(_ids(client, f"/v1/{query}")) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sessions?from=0001-01-01", "from"),
        ("sessions?until=9999-12-31", "until"),
        ("applications?submitted_since=0001-01-01", "submitted_since"),
        ("applications?due_before=2100-01-01", "due_before"),
    ],
)
def test_a_day_beyond_the_calendar_is_refused_by_its_name(
    client: FlaskClient, query: str, field: str
) -> None:
    answer = client.get(f"/v1/{query}")
    assert answer.status_code == 422
    assert [each["field"] for each in answer.get_json()["errors"]] == [field]


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    limit=st.integers(1, 4),
    arrivals=st.lists(st.lists(st.integers(-3, 3), max_size=3), min_size=1, max_size=6),
)
def test_pages_neither_skip_nor_repeat_while_records_arrive(
    client: FlaskClient, limit: int, arrivals: list[list[int]]
) -> None:
    """Records arrive between two pages, before the place that was read, at it and after it."""
    path = f"/v1/applications?limit={limit}"
    before = set(_ids(client, "/v1/applications?limit=200"))
    seen: list[str] = []
    cursor = ""
    for page in range(1000):
        answer = client.get(f"{path}&cursor={cursor}").get_json()
        seen += [each["id"] for each in answer["items"]]
        if answer["next"] is None:
            break
        cursor = answer["next"]
        with session_factory(_engine(client.application)).begin() as db:
            last = db.get_one(Application, seen[-1]).submitted_at
            for minutes in arrivals[page] if page < len(arrivals) else ():
                arrived = application(new_identifier("A"))
                arrived.submitted_at = last + dt.timedelta(minutes=minutes)
                db.add(arrived)
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
    moments = [client.get(f"/v1/applications/{each}").get_json()["submitted_at"] for each in seen]
    assert moments == sorted(moments)


@pytest.mark.parametrize(
    "noun",
    ["applications", "engagements", "holds", "pins", "plans", "releases", "rehearsals"],
)
def test_a_programme_that_is_not_there_is_refused_by_its_field(admin: Caller, noun: str) -> None:
    """Not answered by an empty list, as if nothing had been planned in it."""
    answer = admin.get(f"/v1/{noun}?programme=tokyo-1999")
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["programme"]
