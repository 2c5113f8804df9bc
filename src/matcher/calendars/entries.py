"""What a feed shows, in its reader's words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.calendars.state import FeedState, VisibleSession
from matcher.calendars.wording import Language, Wording
from matcher.models import FeedOwner, Programme, SessionStatus
from matcher.programme import ProgrammeRules

Status = Literal["confirmed", "cancelled", "reassigned"]

_PARTNER_ROLES: Final = {
    FeedOwner.EXPERT: Wording("団体", "Organization"),
    FeedOwner.ORGANIZATION: Wording("専門家", "Expert"),
}


@dataclass(frozen=True)
class Entry:
    """One session in a reader's words; times in UTC."""

    session_id: str
    number: int
    phase: Wording
    contents: tuple[Wording, ...]
    partner: Wording
    """Whom the reader meets: the organization for an expert, the expert for an organization."""

    partner_role: Wording
    place: Wording
    online: bool
    meeting_url: str | None
    start_at: dt.datetime
    end_at: dt.datetime
    status: Status
    sequence: int
    revised_at: dt.datetime
    """When anything that the entry shows last changed."""

    @property
    def takes_place(self) -> bool:
        """Whether the reader should be there."""
        return self.status == "confirmed"


@dataclass(frozen=True)
class FeedContents:
    """A feed in its reader's words."""

    language: Language
    owner: Wording
    entries: tuple[Entry, ...]
    """In order of start."""


def read_contents(db: Database, state: FeedState) -> FeedContents:
    """Put a state into words, with the contents of the phases; one query."""
    programmes = select(Programme.id, Programme.rules).where(
        Programme.id.in_({session.programme_id for session in state.sessions})
    )
    rules = {row.id: row.rules for row in db.execute(programmes)}
    return FeedContents(
        language=state.language.value,
        owner=Wording(state.owner.name_ja, state.owner.name_en),
        entries=tuple(_entry(session, state.reader, rules) for session in state.sessions),
    )


def _entry(
    session: VisibleSession, reader: FeedOwner, rules: Mapping[str, ProgrammeRules]
) -> Entry:
    phase = next(each for each in rules[session.programme_id].phases if each.id == session.phase)
    contents = phase.contents(session.purpose)
    return Entry(
        session_id=session.session_id,
        number=session.number,
        phase=Wording(phase.title.ja, phase.title.en),
        contents=tuple(
            Wording(each.ja, each.en) for each in (contents.heading, *contents.examples)
        ),
        partner=Wording(session.partner_ja, session.partner_en),
        partner_role=_PARTNER_ROLES[reader],
        place=Wording(session.place_ja, session.place_en),
        online=session.municipality_code is None,
        meeting_url=None if session.departed else session.meeting_url,
        start_at=session.start_at,
        end_at=session.end_at,
        status=_status(session),
        sequence=session.sequence,
        revised_at=session.revised_at,
    )


def _status(session: VisibleSession) -> Status:
    if session.departed:
        return "reassigned"
    return "cancelled" if session.status == SessionStatus.CANCELLED else "confirmed"
