"""Why an engagement has no more sessions than it has, as it is shown to whom may read it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.schema import Query, TokyoTime, View, absent
from matcher.clock import from_wall_time
from matcher.planning.explaining.explanation import CONSENTS, candidate_reason_of
from matcher.planning.explaining.inquiry import SECONDS, CandidateAnswer, Inquiry, Standing
from matcher.planning.explaining.room import Moved
from matcher.planning.explaining.telling import (
    Voice,
    conflict,
    move_words,
    offered,
    remedy,
    sentences,
)
from matcher.programme import Words
from solver.question import Visit
from solver.remedies import Change, Consent, Remedy, moved_sessions


class ExplanationQuery(Query):
    """To whom it is told, and how long others are asked for room."""

    voice: Voice | SkipJsonSchema[None] = absent(
        "by default: an organization's own to an organization, else a planner's"
    )
    seconds: Annotated[
        float, Field(ge=0.5, le=30, description="how long to search whether others can make room")
    ] = SECONDS


class ConditionView(View):
    """One of some conditions that cannot all hold."""

    condition: str = Field(description="experts: all that is theirs, told to an organization")
    text_ja: str
    text_en: str


class VisitView(View):
    """A published session of another engagement."""

    expert_id: str
    engagement_id: str
    session: int
    start_at: TokyoTime


class CandidateAnswerView(View):
    """What one candidate could do beside what is published."""

    rank: int
    expert_id: str
    cost: int = Field(description="for each session, 0 (perfect) to 100")
    reasons: tuple[Words, ...]
    sessions: int = Field(description="the most that are possible")
    earliest: tuple[TokyoTime, ...] | None = Field(
        description="the starts of the complete schedule that ends first; null: none is possible"
    )
    partial: tuple[TokyoTime, ...] = Field(
        description="where none is possible: the starts of as many sessions as are"
    )
    barred_by: Words | None = Field(
        description="null: nothing bars the next session, or it was not asked, as others rank first"
    )
    in_the_way: tuple[VisitView, ...]


class MovedView(View):
    """Another engagement whose sessions make room."""

    engagement_id: str
    sessions: tuple[int, ...]
    text_ja: str
    text_en: str


class RemedyView(View):
    """A change that gives the engagement more sessions, tried with everything published frozen."""

    change: Change = Field(
        description="place_now: POST the engagement's assignment. With the consent that it takes, "
        "and then likewise: later_latest, smaller_min_gap, larger_max_gap, more_hours "
        "(`weekly_hours`), online (`delivery`), reassign (`expert_may_change`) and another_expert "
        "(`needs`) PATCH the engagement; raise_max_total and the like PATCH the expert"
    )
    amount: int | None = Field(description="days or sessions; null: the change has no amount")
    sessions: int = Field(description="how many it has then")
    moved_sessions: tuple[int, ...] = Field(
        description="published sessions of its own that get another time or expert"
    )
    text_ja: str
    text_en: str
    consent: Consent = Field(description="who has to agree")
    consent_ja: str
    consent_en: str
    cost: int | None = Field(
        description="what the cost of the plan changes by; null: it is for the office alone"
    )
    expert_id: str | None = Field(description="by whom; null: it is for the office alone")
    starts: tuple[TokyoTime, ...] | None = Field(
        description="when; null: it is for the office alone"
    )


class RoomView(View):
    """A plan that makes room: what a planning run would move."""

    expert_id: str
    starts: tuple[TokyoTime, ...]
    moved: tuple[MovedView, ...]
    moved_sessions: int


class ExplanationView(View):
    """How it stands with an engagement, why, and what would help."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "engagement_id": "A00017",
                "voice": "organization",
                "answer": "impossible",
                "beyond": None,
                "wanted": 5,
                "served": 3,
                "sentences": [
                    {
                        "ja": "貴団体への派遣は、ご希望の5回のうち3回の日程が確定しております。"
                        "恐れ入りますが、現在の条件では、第4回の日程をご用意することができません。",
                        "en": "3 of your 5 sessions have been scheduled. We are sorry that under "
                        "the present conditions session 4 cannot be arranged.",
                    }
                ],
                "conflict": [
                    {
                        "condition": "min_gap",
                        "text_ja": "派遣の間隔を14日以上空けること",
                        "text_en": "at least 14 days between sessions",
                    }
                ],
                "displaced": [],
                "candidates": [],
                "room": None,
                "remedies": [
                    {
                        "change": "smaller_min_gap",
                        "amount": 4,
                        "sessions": 4,
                        "moved_sessions": [],
                        "text_ja": "派遣の間隔を4日短くしてもよろしければ、4回の日程を組むことが"
                        "できます。",
                        "text_en": "If sessions could follow each other 4 days sooner, 4 could be "
                        "arranged.",
                        "consent": "organization",
                        "consent_ja": "団体の同意が必要",
                        "consent_en": "the organization has to agree",
                        "cost": None,
                        "expert_id": None,
                        "starts": None,
                    }
                ],
            }
        }
    )

    engagement_id: str
    voice: Voice
    answer: Standing
    beyond: Standing | None = Field(
        description="where there is room for a part: how it stands with the session after it"
    )
    wanted: int
    served: int
    sentences: tuple[Words, ...]
    conflict: tuple[ConditionView, ...] = Field(
        description="conditions that cannot all hold; without any one of them the others can"
    )
    displaced: tuple[VisitView, ...] = Field(
        description="sessions of others that would have to go for the next one; of a planner's "
        "voice"
    )
    candidates: tuple[CandidateAnswerView, ...] = Field(description="of a planner's voice")
    room: RoomView | None = Field(description="of a planner's voice; null: none was found")
    remedies: tuple[RemedyView, ...] = Field(description="the cheapest for the plan first")


def show(inquiry: Inquiry, voice: Voice) -> ExplanationView:
    """Show what was found, in one of the two voices."""
    finding, to_planner = inquiry.finding, voice is Voice.PLANNER
    return ExplanationView(
        engagement_id=finding.engagement.id,
        voice=voice,
        answer=finding.answer,
        beyond=finding.beyond,
        wanted=finding.wanted,
        served=finding.served,
        sentences=sentences(inquiry, voice),
        conflict=tuple(
            ConditionView(condition=name, text_ja=words.ja, text_en=words.en)
            for name, words in conflict(inquiry, voice)
        ),
        displaced=tuple(map(_visit, finding.displaced)) if to_planner else (),
        candidates=tuple(_candidates(inquiry)) if to_planner else (),
        room=_room(inquiry) if to_planner else None,
        remedies=tuple(_remedy(inquiry, each, voice) for each in offered(inquiry, voice)),
    )


def _candidates(inquiry: Inquiry) -> list[CandidateAnswerView]:
    answers = {each.expert: each for each in inquiry.finding.candidates}
    return [
        _candidate(inquiry, rank, answers[match.expert_id])
        for rank, match in enumerate(inquiry.matches, 1)
        if match.expert_id in answers
    ]


def _candidate(inquiry: Inquiry, rank: int, answer: CandidateAnswer) -> CandidateAnswerView:
    match = inquiry.matches[rank - 1]
    partial = answer.way.starts if answer.way and not answer.earliest else ()
    return CandidateAnswerView(
        rank=rank,
        expert_id=match.expert_id,
        cost=match.cost,
        reasons=tuple(Words(ja=each.text_ja, en=each.text_en) for each in match.reasons),
        sessions=answer.sessions,
        earliest=_starts(answer.earliest.starts) if answer.earliest else None,
        partial=_starts(partial),
        barred_by=candidate_reason_of(
            answer.diagnosis, answer.in_the_way, inquiry.finding.engagement
        ),
        in_the_way=tuple(map(_visit, answer.in_the_way)),
    )


def _room(inquiry: Inquiry) -> RoomView | None:
    room = inquiry.finding.room
    if room is None:
        return None
    return RoomView(
        expert_id=room.assignment.expert,
        starts=_starts(room.assignment.starts),
        moved=tuple(map(_moved, room.moved)),
        moved_sessions=room.moved_sessions,
    )


def _moved(moved: Moved) -> MovedView:
    words = move_words(moved)
    return MovedView(
        engagement_id=moved.before.engagement,
        sessions=moved.sessions,
        text_ja=words.ja,
        text_en=words.en,
    )


def _remedy(inquiry: Inquiry, offer: Remedy, voice: Voice) -> RemedyView:
    words, consent = remedy(inquiry, offer, voice), CONSENTS[offer.consent]
    to_planner = voice is Voice.PLANNER
    return RemedyView(
        change=offer.change,
        amount=offer.amount,
        sessions=len(offer.way.starts),
        moved_sessions=moved_sessions(inquiry.finding.engagement, offer.way),
        text_ja=words.ja,
        text_en=words.en,
        consent=offer.consent,
        consent_ja=consent.ja,
        consent_en=consent.en,
        cost=offer.plan_cost if to_planner else None,
        expert_id=offer.way.expert if to_planner else None,
        starts=_starts(offer.way.starts) if to_planner else None,
    )


def _visit(visit: Visit) -> VisitView:
    return VisitView(
        expert_id=visit.expert,
        engagement_id=visit.engagement,
        session=visit.session,
        start_at=from_wall_time(visit.start),
    )


def _starts(starts: tuple[datetime, ...]) -> tuple[datetime, ...]:
    return tuple(map(from_wall_time, starts))
