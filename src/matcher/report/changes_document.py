"""What a plan or a release changes, as one document for programs: the API's and the command's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from matcher.clock import to_tokyo
from matcher.models import FeedOwner
from matcher.planning.comparing.change_words import broken_words
from matcher.planning.comparing.comparison import (
    Comparison,
    CostChange,
    ToldEngagement,
    ToldSession,
)
from matcher.planning.comparing.differences import ChangeKind, ServiceChange
from matcher.planning.comparing.reasons import OtherSession, Reason, ReasonKind
from matcher.planning.publishing.snapshots import SnapshotSession

__all__ = ["ChangesDocument", "changes_document"]

_TokyoTime = Annotated[
    datetime,
    PlainSerializer(lambda moment: to_tokyo(moment).isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class PlacedSession(_Record):
    """Who holds a session, when and where."""

    number: int
    expert_id: str
    start_at: _TokyoTime
    end_at: _TokyoTime
    municipality_code: str | None = Field(description="null: online")


class NamedSession(_Record):
    """Another session that a reason names."""

    engagement_id: str
    number: int


class GivenReason(_Record):
    """Why a session does not stay as it is; the judge found it so."""

    code: ReasonKind
    expert_id: str | None
    sessions: tuple[NamedSession, ...] = Field(description="what is in the way")
    saves: int | None = Field(description="what the plan would cost more without the change")


class ChangedSession(_Record):
    """One session before and after; null: there is none."""

    number: int
    kinds: tuple[ChangeKind, ...]
    before: PlacedSession | None
    after: PlacedSession | None
    reasons: tuple[GivenReason, ...]
    sentence_ja: str
    sentence_en: str


class ChangedEngagement(_Record):
    """What becomes of one engagement."""

    engagement_id: str
    organization_ja: str
    organization_en: str
    service: ServiceChange
    expert_before: str | None
    expert_after: str | None
    sentence_ja: str | None = Field(description="null: it is served before and after")
    sentence_en: str | None
    sessions: tuple[ChangedSession, ...]


class Counts(_Record):
    """How many of each."""

    newly_served: int
    no_longer_served: int
    experts_changed: int
    moved: int
    handed_over: int
    added: int
    dropped: int
    resized: int
    relocated: int
    renumbered: int


class DisturbedPeople(_Record):
    """Those who have a published session that changes."""

    count: int
    organizations: tuple[str, ...]
    experts: tuple[str, ...]


class UnawarePerson(_Record):
    """Somebody of those who will not see it in a calendar."""

    owner_kind: FeedOwner
    owner_id: str
    subscribed: bool = Field(description="to a calendar, which no program fetches any more")
    last_fetched_at: _TokyoTime | None = Field(description="null: never")


class CostParts(_Record):
    """A cost by part; lower is better."""

    total: int
    unserved: int
    dropped: int
    match: int
    preference: int
    travel: int
    wait: int
    gap: int
    overload: int
    stability: int


class BrokenRule(_Record):
    """A rule of the plan's problem that what is published breaks."""

    rule: str
    subject: str
    text_ja: str
    text_en: str


class CostsCompared(_Record):
    """What the sessions cost in the plan's own problem."""

    before: CostParts = Field(description="of what is published")
    before_stands: bool = Field(
        description="whether it keeps every rule; if not, its cost is but a hint"
    )
    before_broken: tuple[BrokenRule, ...]
    after: CostParts
    bound: int | None = Field(description="no plan costs less; null: nothing was proven")
    gap: float | None = Field(
        description="(cost - bound) / bound: how far the plan can be from the best"
    )


class PromisesProven(_Record):
    """What the plan's run has proven of the promises it breaks."""

    broken: int = Field(description="sessions moved or dropped, and experts changed")
    least_broken: int = Field(description="what every plan breaks that serves as well")
    least_people: int = Field(description="how many people each of these disturbs")
    lacking: int = Field(description="what is missing of full service, by the weights")
    least_lacking: int = Field(description="what every plan lacks that breaks no more promises")


class ChangesDocument(_Record):
    """All that a plan changes of what is published, or a release of another."""

    programme_id: str
    plan_id: str | None = Field(description="the plan that makes the changes")
    release: int | None = Field(description="null: the plan is not published")
    against: int | None = Field(description="the release that it is compared with; null: none")
    ground_moved: tuple[str, ...] = Field(
        description="what the plan was made from and is no longer so; such a plan is not published"
    )
    counts: Counts
    disturbed: DisturbedPeople
    unaware: tuple[UnawarePerson, ...] = Field(
        description="who of them has no calendar that a program has fetched for three days; "
        "empty between releases"
    )
    promises: PromisesProven | None = Field(description="null: its run has proven nothing of them")
    cost: CostsCompared | None = Field(description="null between releases")
    engagements: tuple[ChangedEngagement, ...]


def changes_document(comparison: Comparison) -> ChangesDocument:
    """Write a comparison down."""
    return ChangesDocument(
        programme_id=comparison.programme_id,
        plan_id=comparison.plan_id,
        release=comparison.release,
        against=comparison.against,
        ground_moved=comparison.ground_moved,
        counts=_counts(comparison),
        disturbed=DisturbedPeople.model_validate(comparison.disturbed),
        unaware=tuple(UnawarePerson.model_validate(each) for each in comparison.unaware),
        promises=None
        if comparison.promises is None
        else PromisesProven.model_validate(comparison.promises),
        cost=None if comparison.cost is None else _costs(comparison.cost),
        engagements=tuple(_engagement(each, comparison) for each in comparison.engagements),
    )


def _counts(comparison: Comparison) -> Counts:
    return Counts(
        newly_served=comparison.count_services(ServiceChange.NEWLY_SERVED),
        no_longer_served=comparison.count_services(ServiceChange.NO_LONGER_SERVED),
        experts_changed=comparison.experts_changed,
        **{kind.value: comparison.count_sessions(kind) for kind in ChangeKind},
    )


def _costs(cost: CostChange) -> CostsCompared:
    return CostsCompared(
        before=CostParts.model_validate(cost.before),
        before_stands=not cost.before_broken,
        before_broken=tuple(
            BrokenRule(rule=each.rule, subject=each.subject, text_ja=told.ja, text_en=told.en)
            for each in cost.before_broken
            for told in [broken_words(each)]
        ),
        after=CostParts.model_validate(cost.after),
        bound=cost.bound,
        gap=cost.gap,
    )


def _engagement(told: ToldEngagement, comparison: Comparison) -> ChangedEngagement:
    change = told.change
    organization = comparison.names.organizations[change.engagement_id]
    return ChangedEngagement(
        engagement_id=change.engagement_id,
        organization_ja=organization.ja,
        organization_en=organization.en,
        service=change.service,
        expert_before=change.expert_before,
        expert_after=change.expert_after,
        sentence_ja=None if told.sentence is None else told.sentence.ja,
        sentence_en=None if told.sentence is None else told.sentence.en,
        sessions=tuple(map(_session, told.sessions)),
    )


def _session(told: ToldSession) -> ChangedSession:
    return ChangedSession(
        number=told.change.number,
        kinds=told.change.kinds,
        before=_placed(told.change.before),
        after=_placed(told.change.after),
        reasons=tuple(map(_reason, told.reasons)),
        sentence_ja=told.sentence.ja,
        sentence_en=told.sentence.en,
    )


def _placed(session: SnapshotSession | None) -> PlacedSession | None:
    return None if session is None else PlacedSession.model_validate(session)


def _reason(reason: Reason) -> GivenReason:
    return GivenReason(
        code=reason.kind,
        expert_id=reason.expert_id,
        sessions=tuple(map(_named, reason.others)),
        saves=reason.amount,
    )


def _named(other: OtherSession) -> NamedSession:
    return NamedSession(engagement_id=other.engagement_id, number=other.number)
