"""Checks what is said of a plan's changes by the judge's whole verdicts, and by nothing else.

Nothing here shares code with what makes the reasons: a plan's file is rewritten, and judged.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from matcher.clock import wall_time
from matcher.models import Plan
from matcher.planning.comparing.comparison import Comparison
from matcher.planning.comparing.differences import ChangeKind, EngagementChange, SessionChange
from matcher.planning.comparing.reasons import CAPS, Reason, ReasonKind
from solver.validation import Verdict, judge

Record = dict[str, Any]
Told = tuple[EngagementChange, Mapping[int, Sequence[Reason]]]
"""A change, and the reasons given for each of its sessions."""
Assigned = Mapping[str, tuple[str, list[str]]]

RULES = {
    ReasonKind.NO_CANDIDATE: "candidate",
    ReasonKind.EXPERT_GOES_ON: "expert_kept",
    ReasonKind.GAP: "gap_days",
    ReasonKind.OVERLAP: "overlap",
    ReasonKind.TRAVEL: "travel_time",
    ReasonKind.DAY_FULL: "max_per_day",
    ReasonKind.WEEK_FULL: "max_per_week",
    ReasonKind.TOTAL_FULL: "max_total",
    ReasonKind.OFF_THE_GRID: "slot_grid",
    ReasonKind.OUTSIDE_PERIOD: "period",
    ReasonKind.CLOSED_DAY: "closed_day",
    ReasonKind.OUTSIDE_WINDOW: "window",
    ReasonKind.OUTSIDE_EXPERT_HOURS: "expert_hours",
    ReasonKind.EXPERT_AWAY: "expert_busy",
    ReasonKind.OUTSIDE_ORGANIZATION_HOURS: "organization_hours",
    ReasonKind.ORGANIZATION_AWAY: "organization_busy",
}
OF_A_CALENDAR = {
    ReasonKind.OVERLAP,
    ReasonKind.TRAVEL,
    ReasonKind.DAY_FULL,
    ReasonKind.WEEK_FULL,
    ReasonKind.TOTAL_FULL,
}


def check_every_reason(told: Iterable[Told], problem: bytes, plan: bytes) -> int:
    """Check the reasons of every change, and that each has one; how many there were."""
    oracle = Oracle(json.loads(problem), json.loads(plan))
    checked = 0
    for change, reasons in told:
        for session in change.sessions:
            assert reasons[session.number], session
            for reason in reasons[session.number]:
                oracle.check(change, session, reason)
                checked += 1
    return checked


def told_by(comparison: Comparison) -> Iterator[Told]:
    """The changes of a comparison, with the reasons it gives."""
    for each in comparison.engagements:
        yield each.change, {own.change.number: own.reasons for own in each.sessions}


def files_of(plan: Plan) -> tuple[bytes, bytes]:
    """The problem and the plan that are stored."""
    assert plan.problem is not None
    assert plan.plan is not None
    return gzip.decompress(plan.problem), gzip.decompress(plan.plan)


class Oracle:
    """Asks the judge of the whole plan, one engagement rewritten."""

    def __init__(self, problem: Record, plan: Record) -> None:
        self.problem = problem
        self.asked = {each["id"]: each for each in problem["engagements"]}
        self.assigned: dict[str, tuple[str, list[str]]] = {
            each["engagement"]: (each["expert"], each["starts"]) for each in plan["assignments"]
        }
        self.own = self.judge({})
        assert self.own.holds

    def judge(self, changed: Assigned, without: Iterable[str] = ()) -> Verdict:
        """The verdict on the plan with some engagements in another way, and without others."""
        assigned = {**self.assigned, **changed}
        rows = [
            {"engagement": id, "expert": expert, "starts": starts}
            for id, (expert, starts) in assigned.items()
            if starts and id not in without
        ]
        return judge(
            json.dumps(self.problem).encode(),
            json.dumps({"format": "plan/1", "assignments": rows}).encode(),
        )

    def check(self, change: EngagementChange, session: SessionChange, reason: Reason) -> None:
        """Fail where a reason is not true."""
        id, kind, number = change.engagement_id, reason.kind, session.number
        if kind is ReasonKind.SERVES:
            self._check_serves(change, reason)
        elif kind is ReasonKind.NOT_WANTED:
            assert number > len(self.asked[id]["durations"]) == reason.limit
        elif kind is ReasonKind.LENGTH:
            assert session.before
            assert session.after
            wanted = self.asked[id]["durations"][number - 1]
            length = (session.after.end_at - session.after.start_at).total_seconds() / 60
            assert wanted == length == reason.limit
            assert session.before.end_at - session.before.start_at != (
                session.after.end_at - session.after.start_at
            )
        elif kind is ReasonKind.PLACE:
            assert session.before
            assert session.after
            assert self.asked[id]["place"] == session.after.municipality_code
            assert session.before.municipality_code != session.after.municipality_code
        elif kind is ReasonKind.IN_ORDER:
            assert len(self._planned(id)[1]) < number - 1 == reason.limit
        elif kind is ReasonKind.SEVERAL_EXPERTS:
            pinned = {each["session"] for each in self.asked[id].get("pinned", ())}
            assert len({each.expert_id for each in change.before if each.number not in pinned}) > 1
        elif kind is ReasonKind.SAVES_TOGETHER:
            self._check_saves(self.judge({id: self._published(change)}), reason)
        elif kind is ReasonKind.SAVES:
            verdicts = [self.judge({id: each}) for each in self._ways_back(change, session)]
            kept = [each for each in verdicts if each.holds]
            assert reason.amount in {each.cost.total - self.own.cost.total for each in kept}
        elif kind is ReasonKind.ONE_EXPERT:
            assert ChangeKind.HANDED_OVER in session.kinds
            self._check_one_expert(change, reason)
        else:
            self._check_rule(change, session, reason)

    def _check_saves(self, verdict: Verdict, reason: Reason) -> None:
        assert verdict.holds
        assert verdict.cost.total - self.own.cost.total == reason.amount

    def _check_serves(self, change: EngagementChange, reason: Reason) -> None:
        id = change.engagement_id
        expert, starts = self._planned(id)
        kept = starts[: len(change.before)]
        pinned = {each["session"]: each["expert"] for each in self.asked[id].get("pinned", ())}
        if kept and all(number in pinned for number in range(1, len(kept) + 1)):
            expert = pinned[len(kept)]
        self._check_saves(self.judge({id: (expert, kept)}), reason)

    def _check_one_expert(self, change: EngagementChange, reason: Reason) -> None:
        """The published version breaks rules at the sessions that are named."""
        published = self._published(change)
        assert published[0] == reason.expert_id
        verdict = self.judge({change.engagement_id: published})
        numbers = {each.number for each in reason.others}
        assert verdict.broken
        named = " ".join(each.text for each in verdict.broken)
        of_the_expert = any(each.subject == reason.expert_id for each in verdict.broken)
        assert all(f"session {number}" in named or of_the_expert for number in numbers)

    def _check_rule(self, change: EngagementChange, session: SessionChange, reason: Reason) -> None:
        """One of the ways back breaks the rule; without what is in the way it does not."""
        id, rule = change.engagement_id, RULES[reason.kind]
        subject = reason.expert_id if reason.kind in OF_A_CALENDAR else id
        back = self._ways_back(change, session)
        if reason.kind in CAPS and ChangeKind.HANDED_OVER not in session.kinds:
            back = back[1:]  # what the expert holds is what the plan has
        ways = [way for way in back if self._breaks(way, id, rule, subject)]
        assert ways, reason
        others = {each.engagement_id for each in reason.others} - {id}
        if reason.kind in OF_A_CALENDAR and others:
            assert not self._breaks(ways[0], id, rule, subject, without=others), reason
        if reason.kind is ReasonKind.EXPERT_AWAY:
            expert = next(e for e in self.problem["experts"] if e["id"] == reason.expert_id)
            self._check_spans(expert["busy"], session, reason)
        if reason.kind is ReasonKind.ORGANIZATION_AWAY:
            self._check_spans(self.asked[id]["busy"], session, reason)

    def _breaks(
        self,
        way: tuple[str, list[str]],
        id: str,
        rule: str,
        subject: str | None,
        without: Iterable[str] = (),
    ) -> bool:
        broken = self.judge({id: way}, without).broken
        return any((each.rule, each.subject) == (rule, subject) for each in broken)

    def _check_spans(self, busy: list[list[str]], session: SessionChange, reason: Reason) -> None:
        assert session.before
        start, end = wall_time(session.before.start_at), wall_time(session.before.end_at)
        for span in reason.spans:
            assert [f"{each:%Y-%m-%dT%H:%M}" for each in span] in busy
            assert span.start < end
            assert start < span.end

    def _ways_back(
        self, change: EngagementChange, session: SessionChange
    ) -> list[tuple[str, list[str]]]:
        """The engagement as published, and the session alone put back."""
        assert session.before
        published = self._published(change)
        expert, starts = self._planned(change.engagement_id)
        number = session.before.number
        alone = list(starts)
        alone[number - 1 : number] = [f"{wall_time(session.before.start_at):%Y-%m-%dT%H:%M}"]
        pinned = {each["session"] for each in self.asked[change.engagement_id].get("pinned", ())}
        is_free = any(number not in pinned for number in range(1, len(starts) + 1))
        return [published, (expert if is_free else published[0], alone)]

    def _published(self, change: EngagementChange) -> tuple[str, list[str]]:
        wanted = change.before[: len(self.asked[change.engagement_id]["durations"])]
        starts = [f"{wall_time(each.start_at):%Y-%m-%dT%H:%M}" for each in wanted]
        return wanted[-1].expert_id, starts

    def _planned(self, id: str) -> tuple[str, list[str]]:
        return self.assigned.get(id, ("", []))
