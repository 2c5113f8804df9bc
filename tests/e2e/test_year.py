"""A year in the life of the programme: 40 applications, from the first day to the last report.

The real calendar, a clock that is moved from day to day, and nothing but the service's own verbs.
At the end every record adds up, and the audit tells the whole story.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from matcher.business_days import BusinessCalendar
from matcher.clock import from_wall_time, wall_time
from matcher.intake.drafts import ApplicationDraft
from matcher.intake.transitions import TRANSITIONS
from matcher.models import ApplicationState, Role
from matcher.programme import RequirementKind, read_rules
from matcher.sample import SampleApplication, read_sample
from tests.e2e.office import Office, all_of, done, opened_office

FIRST_DAY, LAST_DAY = dt.date(2025, 6, 30), dt.date(2026, 3, 31)

_NUMBERS = (*range(1, 29), 34, 38, 42, 44, 46, 50, 53, *range(56, 61))
APPLYING = tuple(f"2025-{number:03}" for number in _NUMBERS)
"""The forty, by their number in the sample."""

DEADLINE_MOVED_ON, NEW_DEADLINE = dt.date(2025, 11, 25), dt.date(2025, 12, 12)
LATE = ("2025-056", "2025-057", "2025-058", "2025-059", "2025-060")
DECLINED = ("2025-015", "2025-034", "2025-046")
WITHDRAWN_AT_ONCE, WITHDRAWN_AFTER_TWO = "2025-024", "2025-003"
MISSED, CALLED_OFF, ENDED_EARLY, CHANGED = "2025-005", "2025-008", "2025-011", "2025-013"
"""Those whose second session is missed, or cancelled by an expert who is ill; the one that is
content after three; and the one that wants something else after session 1."""

EXPERT_LEAVES_ON = dt.date(2025, 11, 10)
CALLS_A_DAY = 3


@dataclass
class Year:
    """The year as it goes on: what the office did, by the sample's numbers."""

    office: Office
    ids: dict[str, str] = field(default_factory=dict)
    """The service's ids of applications."""
    organizations: dict[str, str] = field(default_factory=dict)
    experts: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    called_off: list[str] = field(default_factory=list)
    left: str = ""
    """The expert who left."""

    def number_of(self, application_id: str) -> str:
        """The sample's number of an application."""
        return next(number for number, id in self.ids.items() if id == application_id)

    def live(self, day: dt.date) -> None:
        """Let one day go by."""
        for record in ARRIVALS.get(day, ()):
            at = wall_time(record.submitted_at)
            self.office.clock.move_to(day, at.hour, at.minute)
            self._apply(record)
        self.office.clock.move_to(day, 17)
        if day == DEADLINE_MOVED_ON:
            self._move_deadline()
        if day == EXPERT_LEAVES_ON:
            self._lose_expert()
        if self._is_business_day(day):
            self._work_off(CALLS_A_DAY)
        self.office.clock.move_to(day, 21)
        self._report_sessions()

    def open(self) -> None:
        """Register the experts."""
        for expert in read_sample().experts:
            body = expert.model_dump(
                mode="json", exclude={"id", "weekly_hours", "absences", "conflicts_of_interest"}
            )
            made = done(self.office.staff.post("/v1/experts", body), 201)
            self.experts[expert.id] = made["id"]
            hours = expert.model_dump(mode="json", include={"weekly_hours", "absences"})
            path = f"/v1/experts/{made['id']}/availability"
            state = self.office.staff.get(path).headers["ETag"]
            expert_himself = self.office.caller(Role.EXPERT, made["id"])
            done(expert_himself.ask("PUT", path, hours, If_Match=state))

    def _is_business_day(self, day: dt.date) -> bool:
        return RULES_CALENDAR.is_business_day(day)

    def _apply(self, record: SampleApplication) -> None:
        """The organization is registered by the office, and applies by itself."""
        organization = next(o for o in SAMPLE.organizations if o.id == record.organization_id)
        made = done(
            self.office.staff.post(
                "/v1/organizations", organization.model_dump(mode="json", exclude={"id"})
            ),
            201,
        )
        self.organizations[record.id] = made["id"]
        body = record.model_dump(
            mode="json", include=set(ApplicationDraft.model_fields) - {"weight"}
        )
        body |= {"organization_id": made["id"], "answers": DECLARED}
        answer = self.office.caller(Role.ORGANIZATION, made["id"]).post("/v1/applications", body)
        if answer.status_code == 409:
            assert answer.json()["code"] == "outside_application_period"
            self.refused.append(record.id)
            return
        self.ids[record.id] = done(answer, 201)["id"]
        if record.id == WITHDRAWN_AT_ONCE:
            own = self.office.caller(Role.ORGANIZATION, made["id"])
            withdrawal = {"reason": "社内の事情による"}
            done(own.post(f"/v1/applications/{self.ids[record.id]}/withdrawal", withdrawal))

    def _work_off(self, calls: int) -> None:
        """Take the most urgent cases from the work list to their decisions."""
        work = done(self.office.staff.get("/v1/interviews"))
        for entry in work["items"][:calls]:
            self._decide(entry["application_id"])

    def _decide(self, application_id: str) -> None:
        number = self.number_of(application_id)
        record = RECORDS[number]
        staff, path = self.office.staff, f"/v1/applications/{application_id}"
        not_met = {own.requirement_id: own.evidence for own in record.not_met}
        answers = [
            {
                "requirement_id": id,
                "answer": "not_met" if id in not_met else "met",
                "evidence": not_met.get(id, "納税証明書の写しを確認"),
            }
            for id in {**dict.fromkeys(VERIFIED), **not_met}
        ]
        findings = done(staff.post(f"{path}/assessment", {"answers": answers}))
        if number in DECLINED:
            assert not findings["eligible"]
            done(staff.post(f"{path}/decision", {"outcome": "declined"}))
        else:
            call = {"caller": "滝沢 直樹", "notes": "会員向けの手引きをまとめたい。"}
            done(staff.post(f"{path}/interview", call))
            assert done(staff.get(f"{path}/prospect"))["servable"], number
            decision = {"outcome": "accepted"}
            if done(staff.get(path))["delivery"] == "online":
                decision["meeting_url"] = f"https://meet.example.jp/{number}"
            done(staff.post(f"{path}/decision", decision))
            done(staff.post(f"/v1/engagements/{application_id}/assignment"))
        told = done(staff.get(f"/v1/notices?application={application_id}&state=draft"))["items"]
        assert len(told) == (1 if number in DECLINED else 2), "the decision, and the dates"
        for notice in told:
            done(staff.post(f"/v1/notices/{notice['id']}/release"))

    def _report_sessions(self) -> None:
        """Say of each session that is over what became of it."""
        now = self.office.clock.moment
        tomorrow = wall_time(now).date() + dt.timedelta(days=1)
        path = f"/v1/sessions?status=confirmed&until={tomorrow}"
        for session in all_of(self.office.staff, path):
            if dt.datetime.fromisoformat(session["end_at"]) <= now:
                self._report(session)

    def _report(self, session: Mapping[str, Any]) -> None:
        number = self.number_of(session["engagement_id"])
        engagement = f"/v1/engagements/{session['engagement_id']}"
        path = f"/v1/sessions/{session['id']}"
        second = session["number"] == 2
        if number == CALLED_OFF and second and number not in self.called_off:
            self.called_off.append(number)
            reason = {"party": "expert", "reason": "急病"}
            done(self.office.staff.post(f"{path}/cancellation", reason))
            done(self.office.staff.post(f"{engagement}/assignment"))
            return
        if number == MISSED and second:
            missed = {"outcome": "missed", "party": "organization", "reason": "担当者の失念"}
            done(self.office.staff.post(f"{path}/report", missed))
        else:
            expert = self.office.caller(Role.EXPERT, session["expert"]["id"])
            done(expert.post(f"{path}/report", HELD))
        self._follow_up(number, session["number"], engagement)

    def _follow_up(self, number: str, held: int, engagement: str) -> None:
        """What follows from a session that is over."""
        wanted = len(done(self.office.staff.get(engagement))["session_minutes"])
        if number == WITHDRAWN_AFTER_TWO and held == 2:
            own = self.office.caller(Role.ORGANIZATION, self.organizations[number])
            path = f"/v1/applications/{self.ids[number]}/withdrawal"
            done(own.post(path, {"reason": "事務局の体制が変わった"}))
        elif number == ENDED_EARLY and held == 3:
            reason = "必要な内容がまとまった"
            done(
                self.office.staff.post(
                    f"{engagement}/completion", COMPLETION | {"early_reason": reason}
                )
            )
        elif held == wanted:
            done(self.office.staff.post(f"{engagement}/completion", COMPLETION))
        elif number == CHANGED and held == 1:
            self._plan_the_rest(engagement)

    def _plan_the_rest(self, engagement: str) -> None:
        state = self.office.staff.get(engagement)
        minutes = [done(state)["session_minutes"][0], 120, 120, 60]
        contents = ["行動計画", "事例の整理", "本文の作成", "運用の助言"]
        changes = {"session_minutes": minutes, "session_contents": contents}
        done(self.office.staff.ask("PATCH", engagement, changes, If_Match=state.headers["ETag"]))
        done(self.office.staff.post(f"{engagement}/assignment"))

    def _move_deadline(self) -> None:
        path = "/v1/programmes/tokyo-2025"
        state = self.office.planner.get(path).headers["ETag"]
        changes = {
            "application_period": {"last_day": NEW_DEADLINE.isoformat()},
            "reason": "申込多数のため",
        }
        done(self.office.planner.ask("PATCH", path, changes, If_Match=state))

    def _lose_expert(self) -> None:
        """The expert with the most sessions ahead leaves, and a run finds others for them."""
        tomorrow = EXPERT_LEAVES_ON + dt.timedelta(days=1)
        ahead = all_of(self.office.staff, f"/v1/sessions?status=confirmed&from={tomorrow}")
        self.left, lost = Counter(each["expert"]["id"] for each in ahead).most_common(1)[0]
        path = f"/v1/experts/{self.left}"
        state = self.office.staff.get(path).headers["ETag"]
        answer = done(self.office.staff.ask("PATCH", path, {"active": False}, If_Match=state))
        assert len(answer["sessions_to_replan"]) == lost
        run = {"programme_id": "tokyo-2025", "time_limit_seconds": 5}
        plan_id = done(self.office.planner.post("/v1/plans", run), 202)["id"]
        self.office.run(plan_id)
        done(self.office.planner.post(f"/v1/plans/{plan_id}/publication"), 201)


SAMPLE = read_sample()
RECORDS = {each.id: each for each in SAMPLE.applications if each.id in APPLYING}
ARRIVALS = {
    day: tuple(records)
    for day, records in groupby(
        sorted(RECORDS.values(), key=lambda each: each.submitted_at),
        key=lambda each: wall_time(each.submitted_at).date(),
    )
}
RULES = read_rules("tokyo-2025")
RULES_CALENDAR = BusinessCalendar(RULES.closed_days(FIRST_DAY, LAST_DAY))
DECLARED = [
    {"requirement_id": own.id, "answer": "met"}
    for own in RULES.requirements
    if own.kind == RequirementKind.DECLARED
]
VERIFIED = [own.id for own in RULES.requirements if own.kind == RequirementKind.VERIFIED]
HELD = {
    "outcome": "held",
    "attendees": ["事務局長", "会員2名"],
    "done": "手引きの構成を確認し、事例を整理した。",
    "tasks": ["会員への聞き取り"],
    "manual_state": "draft",
}
COMPLETION = {"rollout": "会員総会で配布する。", "revision": "年に一度、春に見直す。"}


@pytest.mark.long
def test_a_year_in_the_life_of_the_programme(database_url: str, tmp_path: Path) -> None:
    start = from_wall_time(dt.datetime.combine(FIRST_DAY, dt.time(8)))
    with opened_office(database_url, tmp_path, start) as office:
        year = Year(office)
        year.open()
        for count in range((LAST_DAY - FIRST_DAY).days + 1):
            year.live(FIRST_DAY + dt.timedelta(days=count))
        each_application_ended_as_its_story_tells(year)
        each_engagement_is_completed_with_the_sessions_it_was_promised(year)
        sessions_lie_as_the_programme_says(year)
        nobody_is_in_two_places_at_once(year)
        one_expert_serves_an_organization_unless_the_expert_left(year)
        every_organization_is_told_its_decision(year)
        every_organization_with_sessions_has_a_notice_of_their_dates(year)
        states_are_reached_by_their_verbs_alone_and_the_audit_tells_of_each(year)
        the_audit_alone_tells_what_became_of_each_session(year)


def each_application_ended_as_its_story_tells(year: Year) -> None:
    assert tuple(year.refused) == LATE
    records = {each["id"]: each for each in all_of(year.office.staff, "/v1/applications")}
    assert records.keys() == set(year.ids.values())
    ends = {number: records[id]["state"] for number, id in year.ids.items()}
    withdrawn = {WITHDRAWN_AT_ONCE, WITHDRAWN_AFTER_TWO}
    for number, state in ends.items():
        if number in DECLINED:
            assert state == "declined", number
        elif number in withdrawn:
            assert state == "withdrawn", number
        else:
            assert state == "accepted", number


def each_engagement_is_completed_with_the_sessions_it_was_promised(year: Year) -> None:
    sessions = sessions_by_engagement(year)
    for engagement in all_of(year.office.staff, "/v1/engagements"):
        number = year.number_of(engagement["id"])
        standing = [each for each in sessions[engagement["id"]] if each["status"] != "cancelled"]
        assert [each["number"] for each in standing] == [*range(1, len(standing) + 1)], number
        statuses = Counter(each["status"] for each in standing)
        assert statuses["confirmed"] == 0, number
        if number == WITHDRAWN_AFTER_TWO:
            assert (engagement["state"], len(standing)) == ("withdrawn", 2)
            continue
        assert engagement["state"] == "completed", number
        promised = 3 if number == ENDED_EARLY else len(engagement["session_minutes"])
        assert len(standing) == promised, number
        assert statuses["missed"] == (number == MISSED), number


def sessions_lie_as_the_programme_says(year: Year) -> None:
    for sessions in sessions_by_engagement(year).values():
        standing = [each for each in sessions if each["status"] != "cancelled"]
        days = [dt.datetime.fromisoformat(each["start_at"]).date() for each in standing]
        assert all(RULES_CALENDAR.is_business_day(day) for day in days)
        assert all(day in RULES.implementation_period for day in days)
        for before, after in pairwise(days):
            assert (after - before).days >= RULES.gaps.min_days


def nobody_is_in_two_places_at_once(year: Year) -> None:
    sessions = [each for own in sessions_by_engagement(year).values() for each in own]
    taking_place = [each for each in sessions if each["status"] != "cancelled"]
    for _, own in groupby(
        sorted(taking_place, key=lambda each: (each["expert"]["id"], each["start_at"])),
        key=lambda each: each["expert"]["id"],
    ):
        for before, after in pairwise(own):
            assert before["end_at"] <= after["start_at"]


def one_expert_serves_an_organization_unless_the_expert_left(year: Year) -> None:
    for sessions in sessions_by_engagement(year).values():
        experts = {each["expert"]["id"] for each in sessions if each["status"] == "held"}
        assert len(experts) <= 1 or (len(experts) == 2 and year.left in experts)
    leaving = dt.datetime.combine(EXPERT_LEAVES_ON, dt.time(21)).isoformat()
    later = [
        each
        for own in sessions_by_engagement(year).values()
        for each in own
        if each["expert"]["id"] == year.left and each["start_at"] > leaving
    ]
    assert all(each["status"] == "cancelled" for each in later)


def every_organization_is_told_its_decision(year: Year) -> None:
    told = [each for each in all_of(year.office.staff, "/v1/notices") if each["kind"] != "schedule"]
    notices = {each["application_id"]: each for each in told}
    decided = {
        each["id"]: each["decision"]["outcome"]
        for each in all_of(year.office.staff, "/v1/applications")
        if each["decision"] is not None
    }
    assert {id: each["kind"] for id, each in notices.items()} == decided
    assert {each["state"] for each in notices.values()} == {"released"}


def every_organization_with_sessions_has_a_notice_of_their_dates(year: Year) -> None:
    with_sessions = {each["engagement_id"] for each in all_of(year.office.staff, "/v1/sessions")}
    told = all_of(year.office.staff, "/v1/notices?kind=schedule")
    assert {each["application_id"] for each in told} == with_sessions
    drafts = [each["application_id"] for each in told if each["state"] == "draft"]
    assert len(drafts) == len(set(drafts)), "one that waits is written anew"


VERBS = {
    "assessed": {"applications.assess"},
    "interviewed": {"applications.interview"},
    "accepted": {"applications.decide"},
    "declined": {"applications.decide"},
    "withdrawn": {"applications.withdraw"},
}
"""By which operations an application comes into a state."""


def states_are_reached_by_their_verbs_alone_and_the_audit_tells_of_each(year: Year) -> None:
    for application in all_of(year.office.staff, "/v1/applications"):
        state = ""
        for entry in story_of(year, "application", application["id"]):
            after = entry["after"].get("state")
            if after is None:
                continue
            if not state:
                assert (after, entry["operation"]) == ("submitted", "applications.submit")
            else:
                assert after in set(TRANSITIONS[ApplicationState(state)].values())
                assert entry["operation"] in VERBS[after]
            assert entry["request_id"]
            state = after
        assert state == application["state"]


def the_audit_alone_tells_what_became_of_each_session(year: Year) -> None:
    for sessions in sessions_by_engagement(year).values():
        for session in sessions:
            replayed: dict[str, Any] = {}
            for entry in story_of(year, "session", session["id"]):
                replayed |= entry["after"]
            assert replayed["status"] == session["status"]
            assert replayed["number"] == session["number"]
            assert replayed["expert_id"] == session["expert"]["id"]


def sessions_by_engagement(year: Year) -> dict[str, list[dict[str, Any]]]:
    """Every session, in the order of its number."""
    sessions = all_of(year.office.staff, "/v1/sessions")
    found: dict[str, list[dict[str, Any]]] = {}
    for each in sorted(sessions, key=lambda each: each["number"]):
        found.setdefault(each["engagement_id"], []).append(each)
    return found


def story_of(year: Year, kind: str, record: str) -> Sequence[dict[str, Any]]:
    """What the audit says of a record, the oldest first."""
    return all_of(year.office.admin, f"/v1/audit?kind={kind}&record={record}")[::-1]
