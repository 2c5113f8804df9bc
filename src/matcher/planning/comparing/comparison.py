"""What a plan would change of what is published, and what one release changed of another.

A plan is compared with the sessions as they stand now: the comparison is what publishing it would
do. Two releases are compared by what they left. Each change comes with its reasons where a plan
made it and the judge can say them; a release by hand has none.
"""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import joinedload, undefer

from matcher.calendars.attention import Unaware, unaware
from matcher.clock import wall_time
from matcher.errors import Conflict, NotFound
from matcher.models import (
    Engagement,
    Expert,
    FeedOwner,
    Organization,
    Plan,
    PlanState,
    PromiseRecord,
    Release,
)
from matcher.planning.comparing.change_words import Names, service_sentence, session_sentence
from matcher.planning.comparing.differences import (
    ChangeKind,
    EngagementChange,
    ServiceChange,
    SessionChange,
    differences,
    is_in_scope,
    published_so,
)
from matcher.planning.comparing.reasons import PlanInQuestion, Reason, ReasonKind
from matcher.planning.publishing.snapshots import Snapshot, SnapshotSession, take_snapshot
from matcher.planning.running.runs import judged
from matcher.planning.stating.ground import ground_of, latest_release_number, moved
from matcher.planning.stating.matching import Exclusion
from matcher.planning.stating.planned import sessions_of
from matcher.planning.stating.problem import problem_of
from matcher.planning.stating.records import Records
from matcher.programme import Words
from solver import problem as problem_1
from solver.plan import Assignment
from solver.plan import Plan as PlanFile
from solver.problem_file import ProblemFile
from solver.validation import Broken, CostByPart, judge

__all__ = [
    "Comparison",
    "CostChange",
    "Disturbed",
    "ToldEngagement",
    "ToldSession",
    "compare_plan",
    "compare_releases",
]


@dataclass(frozen=True)
class ToldSession:
    """What becomes of one session, why, and both in a sentence."""

    change: SessionChange
    reasons: tuple[Reason, ...]
    sentence: Words


@dataclass(frozen=True)
class ToldEngagement:
    """What becomes of one engagement and its sessions."""

    change: EngagementChange
    sessions: tuple[ToldSession, ...]
    sentence: Words | None
    """That it is newly or no longer served, and why; None where it goes on."""


@dataclass(frozen=True)
class Disturbed:
    """Those to whom a published session was promised that does not take place so, by id."""

    organizations: tuple[str, ...]
    experts: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.organizations) + len(self.experts)


@dataclass(frozen=True)
class CostChange:
    """What the sessions cost by part, in the plan's own problem, before and after."""

    before: CostByPart
    """Of the published sessions, as far as the problem has a price for them."""
    before_broken: tuple[Broken, ...]
    """The rules that they break there: where there are any, nobody can keep to them."""
    after: CostByPart
    bound: int | None
    """No plan of the problem costs less; None: nothing was proven, the plan was put together."""
    gap: float | None


@dataclass(frozen=True)
class Comparison:
    """All that changes from one state to another."""

    programme_id: str
    plan_id: str | None
    """The plan that would make the changes."""
    release: int | None
    """The release that is compared; None: a plan is."""
    against: int | None
    """The release it is compared with; None: with what stands now."""
    engagements: tuple[ToldEngagement, ...]
    disturbed: Disturbed
    unaware: tuple[Unaware, ...]
    """Who of them will not see it in a calendar; of two releases nobody is asked for."""
    ground_moved: tuple[str, ...]
    """What of the plan's ground is no longer as it was."""
    cost: CostChange | None
    """None: two releases answer no common problem."""
    promises: PromiseRecord | None
    """What the plan's run has proven of broken promises; None: nothing."""
    names: Names

    @property
    def sessions(self) -> Iterator[ToldSession]:
        """The sessions that change, by engagement and number."""
        for each in self.engagements:
            yield from each.sessions

    def count_services(self, service: ServiceChange) -> int:
        """How many engagements are newly, or no longer, served."""
        return sum(each.change.service is service for each in self.engagements)

    def count_sessions(self, kind: ChangeKind) -> int:
        """How many sessions are changed in one way."""
        return sum(kind in each.change.kinds for each in self.sessions)

    @property
    def experts_changed(self) -> int:
        """How many engagements get another expert."""
        return sum(each.change.expert_changed for each in self.engagements)


def compare_plan(db: Database, plan_id: str, now: dt.datetime) -> Comparison:
    """What publishing a ready plan would change, as things stand now.

    Raises:
        NotFound: there is no such plan.
        Conflict: there is no plan yet, it breaks a rule, or it is published already.
    """
    plan = db.get(Plan, plan_id, options=[undefer(Plan.problem), undefer(Plan.plan)])
    if plan is None:
        raise NotFound("plan", plan_id)
    _require_proposal(db, plan)
    made = _Made.read(plan)
    records = Records.load(
        db, plan.programme_id, plan.started_at or plan.created_at, terms=plan.terms, held_at=now
    )
    before = take_snapshot(db, plan.programme_id)
    planned = sessions_of(made.plan, made.file.problem, records.engagements, records.rules)
    changes = differences(before, published_so(before, made.file.problem, planned))
    question = PlanInQuestion(made.file.json, made.plan, changes)
    ground_moved = _moved_since(db, plan, records)
    names = _names(records.engagements.values(), records.experts.values())
    disturbed = _disturbed(changes, records.engagements)
    return Comparison(
        programme_id=plan.programme_id,
        plan_id=plan.id,
        release=None,
        against=latest_release_number(db, plan.programme_id) or None,
        engagements=tuple(
            _told(each, _explained(each, question, records, ground_moved), names)
            for each in changes
        ),
        disturbed=disturbed,
        unaware=(
            *unaware(db, FeedOwner.ORGANIZATION, disturbed.organizations, now),
            *unaware(db, FeedOwner.EXPERT, disturbed.experts, now),
        ),
        ground_moved=ground_moved,
        cost=_cost(made, before, proven=plan.bound is not None),
        promises=plan.promises,
        names=names,
    )


def compare_releases(
    db: Database, programme_id: str | None, number: int, against: int | None
) -> Comparison:
    """What a release changed of another, by default of the one before it.

    Without a programme it is the one whose release of that number was published last. The changes
    that the release's own plan made of the release before have their reasons.

    Raises:
        NotFound: there is no such release, or none before it.
        Conflict: a release was published before releases kept their sessions.
    """
    release = _release(db, programme_id, number)
    programme_id = release.programme_id
    if against is None and number == 1:
        before, against = Snapshot(sessions=()), 0
    else:
        against = number - 1 if against is None else against
        before = _snapshot(_release(db, programme_id, against))
    changes = differences(before, _snapshot(release))
    engagements = _engagements(db, programme_id)
    names = _names(engagements.values(), db.scalars(select(Expert)))
    reasons = _reasons_of(release, changes) if against == number - 1 else {}
    return Comparison(
        programme_id=programme_id,
        plan_id=release.plan_id,
        release=number,
        against=against or None,
        engagements=tuple(
            _told(each, reasons.get(each.engagement_id, {}), names) for each in changes
        ),
        disturbed=_disturbed(changes, engagements),
        unaware=(),
        ground_moved=(),
        cost=None,
        promises=None,
        names=names,
    )


@dataclass(frozen=True)
class _Made:
    """A plan that keeps every rule, with the problem it answers."""

    file: ProblemFile
    plan: PlanFile
    cost: CostByPart

    @classmethod
    def read(cls, plan: Plan) -> _Made:
        verdict = judged(plan)
        if not verdict.holds:
            broken = tuple(map(str, verdict.broken))
            raise Conflict(
                f"The plan breaks a rule: {'; '.join(broken)}.",
                f"派遣計画が規則に反しています: {'、'.join(broken)}。",
                code="plan_rejected",
                broken=broken,
            )
        assert plan.problem is not None and plan.plan is not None  # noqa: S101, PT018  judged has seen them
        content = PlanFile.from_json(gzip.decompress(plan.plan))
        return cls(ProblemFile.from_bytes(plan.problem), content, verdict.cost)


def _require_proposal(db: Database, plan: Plan) -> None:
    if plan.state != PlanState.PUBLISHED:
        return
    number = db.scalar(select(Release.number).where(Release.plan_id == plan.id))
    raise Conflict(
        f"The plan is published as release {number}; ask for the changes of that release.",
        f"この派遣計画は確定版{number}になっています。確定版{number}の変更内容を参照してください。",
        code="plan_published",
        release=number,
    )


def _moved_since(db: Database, plan: Plan, records: Records) -> tuple[str, ...]:
    problem = problem_of(records, records.still_in_scope())
    number = latest_release_number(db, plan.programme_id)
    return moved(plan.ground, ground_of(problem, number, seen_from=plan.ground))


def _explained(
    change: EngagementChange,
    question: PlanInQuestion,
    records: Records,
    ground_moved: Collection[str],
) -> Mapping[int, tuple[Reason, ...]]:
    """The reasons; who is no candidate is so for what the records say, if they are as they were."""
    found = question.reasons(change)
    every = [reason for own in found.values() for reason in own]
    if f"engagement:{change.engagement_id}" in ground_moved or not any(
        reason.kind is ReasonKind.NO_CANDIDATE for reason in every
    ):
        return found
    listed = records.candidates_of(records.engagements[change.engagement_id])
    barred = {each.expert_id: _clause(each) for each in listed.excluded}
    return {
        number: tuple(
            replace(reason, why=barred.get(reason.expert_id or ""))
            if reason.kind is ReasonKind.NO_CANDIDATE
            else reason
            for reason in own
        )
        for number, own in found.items()
    }


def _clause(exclusion: Exclusion) -> Words:
    """An exclusion as it stands within a sentence."""
    english = exclusion.text_en.rstrip(".")
    return Words(ja=exclusion.text_ja.rstrip("。"), en=english[:1].lower() + english[1:])


def _cost(made: _Made, before: Snapshot, *, proven: bool) -> CostChange:
    published: dict[str, list[SnapshotSession]] = {}
    for each in before.sessions:
        published.setdefault(each.engagement_id, []).append(each)
    kept = [
        _as_published(each, published.get(each.id, []))
        for each in made.file.problem.engagements
        if each.id in published or each.pinned
    ]
    stated = _PublishedPlan(assignments=tuple(kept)).model_dump_json().encode()
    verdict = judge(made.file.json, stated)
    unwritten = [
        broken
        for each in made.file.problem.engagements
        for broken in _unwritten(each, published.get(each.id, []))
    ]
    return CostChange(
        before=verdict.cost,
        before_broken=(*verdict.broken, *unwritten),
        after=made.cost,
        bound=made.plan.bound if proven else None,
        gap=made.plan.gap if proven else None,
    )


class _PublishedPlan(BaseModel):
    """What is published, as far as a plan/1 can say it."""

    format: Literal["plan/1"] = "plan/1"
    assignments: tuple[Assignment, ...]


def _as_published(asked: problem_1.Engagement, sessions: Sequence[SnapshotSession]) -> Assignment:
    """What is published of an engagement that a plan may change; of any other what is pinned."""
    if not is_in_scope(asked) or not sessions:
        pins = sorted(asked.pinned, key=lambda pin: pin.session)
        starts = tuple(pin.start for pin in pins)
        return Assignment(engagement=asked.id, expert=pins[-1].expert, starts=starts)
    wanted = sessions[: len(asked.durations)]
    return Assignment(
        engagement=asked.id,
        expert=wanted[-1].expert_id,
        starts=tuple(wall_time(each.start_at) for each in wanted),
    )


def _unwritten(
    asked: problem_1.Engagement, sessions: Sequence[SnapshotSession]
) -> Iterator[Broken]:
    """The rules broken by what a plan/1 cannot even say: more sessions, or more than one expert."""
    if not is_in_scope(asked):
        return
    wanted = len(asked.durations)
    if len(sessions) > wanted:
        text = f"{len(sessions)} sessions where {wanted} are wanted"
        yield Broken("session_count", asked.id, text)
    pinned = {pin.session for pin in asked.pinned}
    experts = {each.expert_id for each in sessions[:wanted] if each.number not in pinned}
    if len(experts) > 1:
        yield Broken("one_expert", asked.id, f"{len(experts)} experts; judged as with the last")


def _told(
    change: EngagementChange, reasons: Mapping[int, tuple[Reason, ...]], names: Names
) -> ToldEngagement:
    sessions = tuple(
        ToldSession(each, own, session_sentence(change.engagement_id, each, own, names))
        for each in change.sessions
        for own in [reasons.get(each.number, ())]
    )
    return ToldEngagement(change, sessions, service_sentence(change, reasons, names))


def _disturbed(
    changes: Iterable[EngagementChange], engagements: Mapping[str, Engagement]
) -> Disturbed:
    organizations, experts = set(), set()
    for each in changes:
        for promised in each.disturbing:
            organizations.add(engagements[each.engagement_id].organization_id)
            experts.add(promised.expert_id)
    return Disturbed(tuple(sorted(organizations)), tuple(sorted(experts)))


def _reasons_of(
    release: Release, changes: Sequence[EngagementChange]
) -> Mapping[str, Mapping[int, tuple[Reason, ...]]]:
    """Why a release that came of a plan changes what it does, by engagement and session."""
    plan = release.plan
    if plan is None or plan.problem is None or plan.plan is None:
        return {}
    try:
        made = _Made.read(plan)
    except Conflict:  # what cannot be judged any more gives no reasons
        return {}
    question = PlanInQuestion(made.file.json, made.plan, changes)
    own = [each for each in changes if question.makes(each)]
    if plan.restores is None:
        return {each.engagement_id: question.reasons(each) for each in own}
    again = (Reason(ReasonKind.RESTORED, limit=plan.restores),)
    return {each.engagement_id: {s.number: again for s in each.sessions} for each in own}


def _release(db: Database, programme_id: str | None, number: int) -> Release:
    wanted = select(Release).where(Release.number == number)
    if programme_id is not None:
        wanted = wanted.where(Release.programme_id == programme_id)
    newest_first = wanted.order_by(Release.published_at.desc())
    found = db.scalars(newest_first.options(undefer(Release.snapshot))).first()
    if found is None:
        raise NotFound("release", str(number))
    return found


def _snapshot(release: Release) -> Snapshot:
    if release.snapshot is None:
        raise Conflict(
            f"Release {release.number} was published before releases kept their sessions; "
            "compare a later one.",
            f"確定版{release.number}には当時の派遣の記録がありません。"
            "それより後の確定版を比較してください。",
            code="no_snapshot",
            release=release.number,
        )
    return Snapshot.from_bytes(release.snapshot)


def _engagements(db: Database, programme_id: str) -> Mapping[str, Engagement]:
    wanted = (
        select(Engagement)
        .where(Engagement.programme_id == programme_id)
        .options(joinedload(Engagement.organization))
    )
    return {each.id: each for each in db.scalars(wanted)}


def _names(engagements: Iterable[Engagement], experts: Iterable[Expert]) -> Names:
    return Names(
        organizations={each.id: _name_of(each.organization) for each in engagements},
        experts={each.id: _name_of(each) for each in experts},
    )


def _name_of(record: Organization | Expert) -> Words:
    return Words(ja=record.name_ja, en=record.name_en)
