"""What happens after publication, asked over HTTP by those who do it, with a clock that moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from requests import Response
from werkzeug.serving import make_server

from api import create_app
from api.service import Service
from matcher.access import create_key
from matcher.calendars.identity import uid_of
from matcher.models import Role, load_programme
from matcher.settings import Settings
from tests.answering import answering
from tests.api.records import accept, application, new, new_expert, organization
from tests.api.service import PEPPER, Caller
from tests.clients.strict import read_strictly

ACCEPTED_AT = dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)

HELD = {
    "outcome": "held",
    "attendees": ["事務局長"],
    "done": "現状を確認し、骨子を決めた。",
    "tasks": ["会員への聞き取り"],
    "manual_state": "outline",
}
MISSED = {"outcome": "missed", "party": "organization", "reason": "担当者の失念"}
ILLNESS = {"party": "expert", "reason": "急病のため"}
END = {"rollout": "会員総会で配布する。", "revision": "年に一度、春に見直す。"}


@dataclass
class Office:
    """The service, and an engagement of three sessions that it has assigned."""

    app: Service
    url: str
    now: dt.datetime = ACCEPTED_AT
    callers: dict[str, Caller] = field(default_factory=dict)
    engagement_id: str = ""
    organization_id: str = ""

    @property
    def path(self) -> str:
        """Where the engagement is found."""
        return f"/v1/engagements/{self.engagement_id}"

    @property
    def staff(self) -> Caller:
        """Somebody of the office."""
        return self.callers["staff"]

    def add_caller(self, name: str, role: Role, subject_id: str | None = None) -> Caller:
        """Give somebody a key, which the name is on."""
        with self.app.extensions["matcher"].writing.begin() as db:
            _, secret = create_key(
                db,
                role=role,
                subject_id=subject_id,
                label=name,
                now=self.now,
                expires_at=None,
                pepper=PEPPER.encode(),
            )
        self.callers[name] = Caller(self.url, {"Authorization": f"Bearer {secret}"})
        return self.callers[name]

    def engagement(self) -> dict[str, Any]:
        """The engagement as it is."""
        return done(self.staff.get(self.path))

    def sessions(self) -> list[dict[str, Any]]:
        """Those that stand, in the order of their numbers."""
        items = done(self.staff.get(f"/v1/sessions?engagement={self.engagement_id}"))["items"]
        standing = [each for each in items if each["status"] != "cancelled"]
        return sorted(standing, key=lambda each: each["number"])

    def session(self, number: int) -> dict[str, Any]:
        """One of those that stand."""
        return self.sessions()[number - 1]

    def let_pass(self, number: int) -> str:
        """Wait until a session is over; gives its path."""
        session = self.session(number)
        self.now = dt.datetime.fromisoformat(session["end_at"]).astimezone(dt.UTC) + MINUTE
        return f"/v1/sessions/{session['id']}"

    def change(self, path: str, body: dict[str, Any]) -> Response:
        """Edit what was just read."""
        return self.staff.ask("PATCH", path, body, If_Match=self.staff.get(path).headers["ETag"])

    def assign(self) -> dict[str, Any]:
        """Ask for an expert and dates."""
        return done(self.staff.post(f"{self.path}/assignment"))


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    settings = Settings.model_validate(
        {"database_url": database_url, "data_directory": tmp_path, "key_pepper": PEPPER}
    )
    app = create_app(settings, clock=lambda: opened.now)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    opened = Office(app, f"http://127.0.0.1:{server.server_port}")
    with closing(app.extensions["matcher"]), answering(server):
        prepare(opened)
        yield opened


def prepare(office: Office) -> None:
    """One expert, another one, and an engagement that the first is assigned to."""
    with office.app.extensions["matcher"].writing.begin() as db:
        load_programme(db, "tokyo-2025")
    staff = office.add_caller("staff", Role.STAFF)
    organization_id = new(staff, "/v1/organizations", organization())["id"]
    office.organization_id = organization_id
    expert_id = new_expert(staff)
    other_id = new_expert(staff, active=False)
    office.add_caller("organization", Role.ORGANIZATION, organization_id)
    office.add_caller("expert", Role.EXPERT, expert_id)
    office.add_caller("other expert", Role.EXPERT, other_id)
    wanted = application(organization_id, session_minutes=[90, 60, 60])
    office.engagement_id = new(staff, "/v1/applications", wanted)["id"]
    accept(staff, office.engagement_id)
    assert len(office.assign()["sessions"]) == 3


def done(answer: Response) -> dict[str, Any]:
    """What an answer says; it has to be a good one."""
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def test_a_course_from_the_first_session_to_completion(office: Office) -> None:
    first = office.let_pass(1)
    done(office.callers["expert"].post(f"{first}/report", HELD))
    assert office.engagement()["state"] == "in_progress"

    before = office.sessions()
    contents = ["行動計画", "事例の整理と本文の作成", "運用の助言"]
    changes = {"session_minutes": [90, 120, 120], "session_contents": contents}
    revised = done(office.change(office.path, changes))
    assert revised["sessions_to_replan"] == [each["id"] for each in before[1:]]
    assert [each["agreed"] for each in revised["course"]] == contents
    assert [each["number"] for each in office.assign()["sessions"]] == [2, 3]
    after = office.sessions()
    assert after[0] == before[0]
    assert [each["id"] for each in after] == [each["id"] for each in before]
    assert [minutes(each) for each in after] == [90, 120, 120]
    assert [each["sequence"] for each in after] == [0, 1, 1]
    assert office.engagement()["sessions_to_replan"] == []

    done(office.staff.post(f"{office.let_pass(2)}/report", MISSED))
    done(office.callers["expert"].post(f"{office.let_pass(3)}/report", HELD))
    ended = done(office.staff.post(f"{office.path}/completion", END))
    assert ended["state"] == "completed"
    assert ended["completion"]["rollout"] == END["rollout"]
    assert [each["status"] for each in office.sessions()] == ["held", "missed", "held"]
    again = office.staff.post(f"{office.path}/completion", END)
    assert (again.status_code, again.json()["possible"]) == (409, [])


def test_a_session_that_did_not_take_place_is_cancelled_and_planned_again(
    office: Office,
) -> None:
    done(office.callers["expert"].post(f"{office.let_pass(1)}/report", HELD))
    path = office.let_pass(2)
    cancelled = done(office.staff.post(f"{path}/cancellation", ILLNESS))
    assert (cancelled["status"], cancelled["lapse"]["party"]) == ("cancelled", "expert")
    assert len(office.sessions()) == 2

    office.assign()
    sessions = office.sessions()
    assert [each["number"] for each in sessions] == [1, 2, 3]
    assert all(dt.datetime.fromisoformat(each["start_at"]) > office.now for each in sessions[1:])
    late = office.staff.post(f"{path}/report", HELD)
    assert (late.status_code, late.json()["session_status"]) == (409, "cancelled")


def test_an_early_end_says_why_and_frees_the_rest(office: Office) -> None:
    nothing_held = office.staff.post(f"{office.path}/completion", END)
    assert (nothing_held.status_code, nothing_held.json()["code"]) == (409, "nothing_held")
    done(office.callers["expert"].post(f"{office.let_pass(1)}/report", HELD))
    without = office.staff.post(f"{office.path}/completion", END, Accept_Language="ja")
    assert without.status_code == 422
    assert without.json()["errors"][0]["field"] == "early_reason"
    done(office.staff.post(f"{office.path}/completion", END | {"early_reason": "十分にまとまった"}))
    assert [each["status"] for each in office.sessions()] == ["held"]


def test_a_report_is_read_by_those_it_concerns_and_by_nobody_else(office: Office) -> None:
    early = f"/v1/sessions/{office.session(1)['id']}"
    assert office.staff.get(f"{early}/report").status_code == 404
    refused = office.callers["expert"].post(f"{early}/report", HELD)
    assert (refused.status_code, refused.json()["code"]) == (409, "session_not_over")

    path = office.let_pass(1)
    assert office.callers["other expert"].post(f"{path}/report", HELD).status_code == 404
    assert office.callers["organization"].post(f"{path}/report", HELD).status_code == 403
    written = done(office.callers["expert"].post(f"{path}/report", HELD))
    for reader in ("staff", "expert", "organization"):
        assert done(office.callers[reader].get(f"{path}/report")) == written
    assert office.callers["other expert"].get(f"{path}/report").status_code == 404
    assert written["reported_by"].startswith("expert (")
    assert {name: written[name] for name in HELD} == HELD


def test_a_report_is_corrected_by_who_may_report_and_the_calendar_follows(office: Office) -> None:
    path = office.let_pass(1)
    expert = office.callers["expert"]
    early = expert.ask("PUT", f"{path}/report", HELD, If_Match="*", Accept_Language="ja")
    assert (early.status_code, early.json()["code"]) == (409, "nothing_reported")
    assert "報告(POST)済み" in early.json()["detail"]

    done(expert.post(f"{path}/report", HELD))
    read = expert.get(f"{path}/report").headers["ETag"]
    assert expert.ask("PUT", f"{path}/report", HELD).status_code == 428
    for name, status in (("other expert", 404), ("organization", 403)):
        refused = office.callers[name].ask("PUT", f"{path}/report", HELD, If_Match=read)
        assert refused.status_code == status
    corrected = expert.ask("PUT", f"{path}/report", HELD | {"tasks": []}, If_Match=read)
    assert done(corrected)["tasks"] == []
    assert corrected.headers["ETag"] == expert.get(f"{path}/report").headers["ETag"]

    stale = office.staff.ask("PUT", f"{path}/report", MISSED, If_Match=read)
    assert (stale.status_code, stale.json()["current"]["tasks"]) == (412, [])
    assert "SEQUENCE:1" not in calendar_of(office).text
    state = corrected.headers["ETag"]
    missed = done(office.staff.ask("PUT", f"{path}/report", MISSED, If_Match=state))
    assert (missed["outcome"], missed["attendees"]) == ("missed", [])
    assert missed["reported_by"].startswith("staff (")
    assert office.engagement()["state"] == "planned"
    assert (office.session(1)["status"], office.session(1)["sequence"]) == ("missed", 1)
    assert "SEQUENCE:1" in calendar_of(office).text


def test_only_the_office_cancels_and_moves_sessions(office: Office) -> None:
    path = f"/v1/sessions/{office.session(1)['id']}"
    for name in ("expert", "organization"):
        assert office.callers[name].post(f"{path}/cancellation", ILLNESS).status_code == 403
        move = office.callers[name].ask("PATCH", path, {}, If_Match="*")
        assert move.status_code == 403


def test_a_decision_is_told_when_a_person_lets_it_out(office: Office) -> None:
    own = office.callers["organization"]
    wanted = application(office.organization_id, session_minutes=[60])
    office.staff.post(f"/v1/applications/{office.engagement_id}/withdrawal", {"reason": "改組"})
    application_id = new(office.staff, "/v1/applications", wanted)["id"]
    path = f"/v1/applications/{application_id}"
    accept(office.staff, application_id)

    before = done(own.get(path))
    listed = done(own.get("/v1/applications?state=accepted"))["items"]
    assert (before["state"], before["decision"]) == ("interviewed", None)
    assert listed == []
    assert own.get(f"/v1/engagements/{application_id}").status_code == 404

    (notice,) = done(office.staff.get(f"/v1/notices?application={application_id}"))["items"]
    done(office.staff.post(f"/v1/notices/{notice['id']}/release"))

    after = done(own.get(path))
    assert (after["state"], after["decision"]["outcome"]) == ("accepted", "accepted")
    assert after["decision"]["decided_by"] is None
    assert [each["id"] for each in done(own.get("/v1/applications?state=accepted"))["items"]] == [
        application_id
    ]
    assert done(own.get(f"/v1/engagements/{application_id}"))["weight"] is None


def test_why_the_office_cancelled_a_session_stays_in_the_office(office: Office) -> None:
    first = office.staff.get(f"/v1/sessions?engagement={office.engagement_id}").json()["items"][0]
    path = f"/v1/sessions/{first['id']}"
    office.staff.post(f"{path}/cancellation", ILLNESS)

    told = office.staff.get(path).json()["lapse"]
    shown = office.callers["organization"].get(path).json()

    assert told["reason"] == ILLNESS["reason"]
    assert shown["lapse"] == told | {"reason": None, "recorded_by": None}
    listed = office.callers["organization"].get("/v1/sessions").json()["items"]
    assert shown in listed


def test_a_session_moves_to_a_free_time_and_the_calendar_follows(office: Office) -> None:
    session = office.session(2)
    path = f"/v1/sessions/{session['id']}"
    calendar = calendar_of(office)
    release = done(office.staff.get("/v1/releases"))["items"][0]["number"]
    start = dt.datetime.fromisoformat(session["start_at"]) + dt.timedelta(days=1)
    moved = done(office.change(path, {"start_at": start.isoformat()}))

    assert (moved["start_at"], moved["sequence"]) == (start.isoformat(), 1)
    newest = done(office.staff.get("/v1/releases"))["items"][0]
    assert (newest["number"], newest["plan_id"]) == (release + 1, None)
    assert "session 2 moved" in newest["note"]
    told = f"{start:%Y%m%dT%H%M%S}"
    assert told not in calendar.text
    assert told in Caller("").get(calendar.url).text


@pytest.mark.check(9)
def test_three_moves_and_a_cancellation_are_the_revisions_one_to_four(office: Office) -> None:
    session = office.session(2)
    path, uid = f"/v1/sessions/{session['id']}", uid_of(session["id"])
    start = dt.datetime.fromisoformat(session["start_at"])
    url = calendar_of(office).url

    def change_and_read(change: Callable[[], Response]) -> tuple[int, str, str]:
        office.now += MINUTE
        done(change())
        fetched = Caller("").get(url)
        events = read_strictly(fetched.content).named("VEVENT")
        (told,) = (each for each in events if each["UID"].value == uid)
        revision = int(told["SEQUENCE"].value), told["LAST-MODIFIED"].value
        return *revision, fetched.headers["ETag"]

    def move(number: int) -> Response:
        return office.change(path, {"start_at": (start + 30 * number * MINUTE).isoformat()})

    owner = f"/v1/organizations/{office.organization_id}"
    sequences, moments, tags = zip(
        *(change_and_read(partial(move, number)) for number in (1, 2, 3)),
        change_and_read(lambda: office.change(owner, {"name_ja": "改称後の協同組合"})),
        change_and_read(lambda: office.staff.post(f"{path}/cancellation", ILLNESS)),
        strict=True,
    )
    assert sequences == (1, 2, 3, 3, 4), "a new name is no revision for the attendants"
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert len(set(tags)) == 5


def test_a_move_needs_the_state_that_was_read_and_a_time_that_the_rules_allow(
    office: Office,
) -> None:
    session = office.session(2)
    path = f"/v1/sessions/{session['id']}"
    start = dt.datetime.fromisoformat(session["start_at"])
    wanted = {"start_at": (start + dt.timedelta(days=1)).isoformat()}
    assert office.staff.ask("PATCH", path, wanted).status_code == 428
    assert office.staff.ask("PATCH", path, wanted, If_Match='"x"').status_code == 412

    night = {"start_at": start.replace(hour=22).isoformat()}
    state = office.staff.get(path).headers["ETag"]
    refused = office.staff.ask("PATCH", path, night, If_Match=state, Accept_Language="ja")
    assert refused.status_code == 409
    assert refused.json()["rules"] == ["expert_hours", "organization_hours"]
    assert "専門家の対応可能時間、団体の受入可能時間" in refused.json()["detail"]
    assert office.session(2) == session


def test_a_withdrawal_says_why_and_frees_the_sessions_to_come(office: Office) -> None:
    path = f"/v1/applications/{office.engagement_id}"
    withdrawn = done(
        office.callers["organization"].post(f"{path}/withdrawal", {"reason": "体制の変更"})
    )

    assert withdrawn["state"] == "withdrawn"
    assert withdrawn["withdrawal"]["reason"] == "体制の変更"
    assert withdrawn["withdrawal"]["withdrawn_by"] is None
    told = done(office.staff.get(path))["withdrawal"]
    assert told["withdrawn_by"].startswith("organization (")
    assert office.sessions() == []
    assert office.engagement()["state"] == "withdrawn"
    revised = office.change(office.path, {"max_gap_days": 42})
    assert (revised.status_code, revised.json()["state"]) == (409, "withdrawn")


def minutes(session: dict[str, Any]) -> int:
    start, end = (dt.datetime.fromisoformat(session[name]) for name in ("start_at", "end_at"))
    return (end - start) // MINUTE


def calendar_of(office: Office) -> Response:
    """The expert's calendar, as a program that subscribes to it reads it."""
    owner = office.session(1)["expert"]["id"]
    feed = new(office.staff, "/v1/feeds", {"owner_kind": "expert", "owner_id": owner})
    path = "/calendars/" + feed["url"].rpartition("/")[2]
    return Caller(office.url).get(path)
