"""What a feed shows, in its reader's words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from matcher.calendars.state import FeedState, VisibleSession
from matcher.calendars.wording import Language, Wording
from matcher.models import FeedOwner, SessionStatus
from matcher.programme import Phase, Purpose

logger = structlog.get_logger(__name__)

Status = Literal["confirmed", "cancelled", "reassigned"]

ORGANIZATION: Final = Wording("団体", "Organization")
EXPERT: Final = Wording("専門家", "Expert")


@dataclass(frozen=True)
class Entry:
    """One session in a reader's words; times in UTC."""

    session_id: str
    number: int
    phase: Wording
    contents: tuple[Wording, ...]
    partner: Wording
    """Whom the reader meets: the organization for an expert, the expert for an organization; for
    the office the organization."""

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

    expert: Wording | None = None
    """Who serves it, where the reader is neither of the two."""

    @property
    def takes_place(self) -> bool:
        """Whether the reader should be there."""
        return self.status == "confirmed"


@dataclass(frozen=True)
class FeedContents:
    """A feed in its reader's words."""

    language: Language
    owner: Wording
    renamed_at: dt.datetime | None
    """When the owner last got another name; None: never."""

    day_began_at: dt.datetime
    """The last midnight in Tokyo."""

    entries: tuple[Entry, ...]
    """In order of start."""


def contents_of(state: FeedState) -> FeedContents:
    """Put a state into words. A session that cannot be is left out, and the log tells of it.

    Raises:
        ValueError: none of its sessions can be.
    """
    entries = tuple(filter(None, (_readable(each, state) for each in state.sessions)))
    if state.sessions and not entries:
        raise ValueError("no session of the feed can be put into words")
    return FeedContents(
        language=state.language.value,
        owner=_owner(state),
        renamed_at=state.owner.renamed_at,
        day_began_at=state.day_began_at,
        entries=entries,
    )


def _owner(state: FeedState) -> Wording:
    owner = Wording(state.owner.name_ja, state.owner.name_en)
    for programme in state.rules.values():
        for each in programme.specialties:
            if each.id == state.specialty:
                return Wording(f"{owner.ja} {each.name.ja}", f"{owner.en}, {each.name.en}")
    return owner


def _readable(session: VisibleSession, state: FeedState) -> Entry | None:
    try:
        return _entry(session, state)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # Its reader keeps all other sessions; whoever keeps the database has to mend the row.
        logger.exception("session_left_out", session=session.session_id)
        return None


def _entry(session: VisibleSession, state: FeedState) -> Entry:
    if not session.start_at < session.end_at:
        raise ValueError("it ends before it starts")
    phases = {each.id: each for each in state.rules[session.programme_id].phases}
    phase = phases[Phase(session.phase)]
    contents = phase.contents(Purpose(session.purpose))
    organization = Wording(session.organization_ja, session.organization_en)
    expert = Wording(session.expert_ja, session.expert_en)
    meets_expert = state.reader == FeedOwner.ORGANIZATION
    changes = (
        session.revised_at,
        session.reworded_at,
        None if state.reader == FeedOwner.ORGANIZATION else session.organization_renamed_at,
        None if state.reader == FeedOwner.EXPERT else session.expert_renamed_at,
    )
    return Entry(
        session_id=session.session_id,
        number=session.number,
        phase=Wording(phase.title.ja, phase.title.en),
        contents=tuple(
            Wording(each.ja, each.en) for each in (contents.heading, *contents.examples)
        ),
        partner=expert if meets_expert else organization,
        partner_role=EXPERT if meets_expert else ORGANIZATION,
        place=Wording(session.place_ja or "", session.place_en or ""),
        online=session.municipality_code is None,
        meeting_url=None if session.departed else session.meeting_url,
        start_at=session.start_at,
        end_at=session.end_at,
        status=_status(session),
        sequence=session.sequence,
        revised_at=max(each for each in changes if each is not None),
        expert=expert if state.reader == FeedOwner.OFFICE else None,
    )


def _status(session: VisibleSession) -> Status:
    if session.departed:
        return "reassigned"
    cancelled = SessionStatus(session.status) is SessionStatus.CANCELLED
    return "cancelled" if cancelled else "confirmed"
