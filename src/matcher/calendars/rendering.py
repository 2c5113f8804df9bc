"""Feeds and invitations as bytes: RFC 5545, 5546 and 7986, the way calendar programs read them.

Pure: the same contents always give the same bytes. Every value is given explicitly, because
`Calendar.new()` and `Event.new()` of icalendar fill in random identifiers and the time of day.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from email.headerregistry import Address
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import quote, urlsplit

import structlog
from icalendar import Calendar, Component, Event, Timezone, vCalAddress, vText

from matcher.calendars.entries import EXPERT, Entry, FeedContents
from matcher.calendars.folding import folded
from matcher.calendars.identity import uid_of
from matcher.calendars.organizer import OFFICE, Organizer
from matcher.calendars.wording import Language, Wording, one_line
from matcher.clock import to_tokyo

logger = structlog.get_logger(__name__)

RENDERER_VERSION: Final = 1
"""Raised with every change of this module that changes bytes, so that clients fetch them."""

PRODID: Final = "-//Expert Dispatch Matcher//Session Calendar//EN"

MAX_BYTES: Final = 999_999
"""Google reads no feed beyond about 1 MB."""

IN_AN_ADDRESS: Final = "@+!$&'*"
"""Signs that a mailto of an address has as they are (RFC 6068)."""

EVENTS_KEPT: Final = 10_000
"""How many events a process keeps written, of a kilobyte each: those of ten full calendars."""

_REFRESH: Final = timedelta(hours=1)
_ONLINE: Final = Wording("オンライン", "Online")
_PLACE: Final = Wording("会場", "Place")
_LINK: Final = Wording("会議URL", "Meeting link")
_CANCELLED: Final = {"ja": "【中止】", "en": "[Cancelled] ", "both": "【中止】[Cancelled] "}
"""In the summary too: Outlook and calcurse do not look at STATUS."""

_REASSIGNED: Final = Wording(
    "この回は別の専門家が担当することになりました。", "Another expert now serves this session."
)


def render(
    contents: FeedContents, organizer: Organizer = OFFICE, *, max_bytes: int = MAX_BYTES
) -> bytes:
    """Return the whole calendar.

    Where it would exceed `max_bytes` no event tells any more what is done in a session of its
    phase; if that is not enough, the oldest events are left out, and then the farthest.

    Raises:
        ValueError: there are sessions, and none of them can be written.
    """
    head, end, tail = _envelope(contents).rpartition(b"END:VCALENDAR")
    room = max_bytes - len(head + end + tail)
    events = _Events(contents.language, organizer, room)
    if not events.add(_nearest_first(contents)):
        events = _Events(contents.language, organizer, room, brief=True)
        events.add(_nearest_first(contents))
    if contents.entries and not events.written:
        raise ValueError("no session of the feed can be written")
    in_order = (events.written.get(each.session_id, b"") for each in contents.entries)
    return b"".join((head, *in_order, end, tail))


def render_invitation(
    entry: Entry, attendee: Address, organizer: Organizer, *, asks_for_reply: bool
) -> bytes:
    """Return a session as one party is invited to it, or told not to come (RFC 5546)."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODID)
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method_of(entry))
    calendar.add_component(_tokyo())
    event = _event(entry, "both", organizer)
    event.add("attendee", _attendee(attendee, asks_for_reply=asks_for_reply and entry.takes_place))
    calendar.add_component(event)
    return folded(calendar)


def method_of(entry: Entry) -> Literal["REQUEST", "CANCEL"]:
    """Return what an invitation asks of a calendar."""
    return "REQUEST" if entry.takes_place else "CANCEL"


def _attendee(address: Address, *, asks_for_reply: bool) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{quote(address.addr_spec, safe=IN_AN_ADDRESS)}")
    attendee.params["CN"] = one_line(address.display_name) or address.addr_spec
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    if asks_for_reply:
        attendee.params["PARTSTAT"] = "NEEDS-ACTION"
        attendee.params["RSVP"] = "TRUE"
    return attendee


def _nearest_first(contents: FeedContents) -> list[Entry]:
    """Return the sessions from today on, then those before, the last of them first."""
    entries, today = contents.entries, contents.day_began_at
    past = [each for each in reversed(entries) if each.start_at < today]
    return [*(each for each in entries if each.start_at >= today), *past]


class _Events:
    """Events by their session, as many as there is room for."""

    def __init__(
        self, language: Language, organizer: Organizer, room: int, *, brief: bool = False
    ) -> None:
        self.written: dict[str, bytes] = {}
        self._language = language
        self._organizer = organizer
        self._room = room
        self._brief = brief

    def add(self, entries: Iterable[Entry]) -> bool:
        """Write one after the other, and say whether there was room for all of them."""
        for entry in entries:
            event = self._written(entry)
            self._room -= len(event)
            if self._room < 0:
                return False
            if event:
                self.written[entry.session_id] = event
        return True

    def _written(self, entry: Entry) -> bytes:
        """Return an event; nothing of one that cannot be written, of which the log tells."""
        try:
            return _lines_of(entry, self._language, self._organizer, brief=self._brief)
        except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError):
            logger.exception("session_left_out", session=entry.session_id)
            return b""


@lru_cache(maxsize=EVENTS_KEPT)
def _lines_of(entry: Entry, language: Language, organizer: Organizer, *, brief: bool) -> bytes:
    """Return an event's lines: after a change, all others of the calendar are as they were."""
    return folded(_event(entry, language, organizer, brief=brief))


def _envelope(contents: FeedContents) -> bytes:
    """Return the calendar without its events."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODID)
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    # As vText, because icalendar escapes neither of the two otherwise.
    calendar.add("name", vText(_calendar_name(contents)))
    calendar.add("x-wr-calname", vText(_calendar_name(contents)))
    # RFC 7986 5.7 requires the parameter, and icalendar leaves it out.
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vText("PT1H"))
    calendar.add_component(_tokyo())
    return folded(calendar)


def _calendar_name(contents: FeedContents) -> str:
    owner = contents.owner
    name = Wording(
        f"専門家派遣({owner.ja or owner.en})", f"Expert dispatch ({owner.en or owner.ja})"
    )
    return name.read(contents.language)


def _tokyo() -> Component:
    """Return the one time zone of every feed; Tokyo has had no daylight saving time since 1951."""
    return Timezone.from_ical(
        b"BEGIN:VTIMEZONE\r\nTZID:Asia/Tokyo\r\n"
        b"BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZNAME:JST\r\n"
        b"TZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\n"
        b"END:VTIMEZONE\r\n"
    )


def _event(
    entry: Entry, language: Language, organizer: Organizer = OFFICE, *, brief: bool = False
) -> Event:
    event = Event()
    event.add("uid", uid_of(entry.session_id))
    # Not the time of the request, with which every event would look changed at every fetch.
    event.add("dtstamp", entry.revised_at)
    event.add("last-modified", entry.revised_at)
    event.add("sequence", entry.sequence)
    event.add("dtstart", to_tokyo(entry.start_at))
    event.add("dtend", to_tokyo(entry.end_at))
    event.add("summary", _summary(entry, language))
    event.add("description", _description(entry, language, brief=brief))
    event.add("location", _location(entry).read(language))
    event.add("status", "CONFIRMED" if entry.takes_place else "CANCELLED")
    event.add("transp", "OPAQUE" if entry.takes_place else "TRANSPARENT")
    event.add("organizer", _calendar_address(organizer, language))
    if url := _web_address(entry.meeting_url):
        _add_meeting(event, url, language)
    return event


def _summary(entry: Entry, language: Language) -> str:
    phase, who = entry.phase, _people(entry)
    summary = Wording(
        f"専門家派遣 第{entry.number}回 {phase.ja}({who.ja})",
        f"Expert session {entry.number}: {phase.en} ({who.en})",
    ).read(language)
    return summary if entry.takes_place else _CANCELLED[language] + summary


def _people(entry: Entry) -> Wording:
    """Whom the reader meets; for the office who meets whom."""
    partner = Wording(entry.partner.ja or entry.partner.en, entry.partner.en or entry.partner.ja)
    if entry.expert is None:
        return partner
    ja, en = entry.expert.ja or entry.expert.en, entry.expert.en or entry.expert.ja
    return Wording(f"{partner.ja}・{ja}", f"{partner.en}, {en}")


def _description(entry: Entry, language: Language, *, brief: bool) -> str:
    languages: tuple[Language, ...] = ("ja", "en") if language == "both" else (language,)
    return "\n\n".join("\n".join(_paragraph(entry, each, brief=brief)) for each in languages)


def text_of(entry: Entry, language: Literal["ja", "en"]) -> str:
    """Return what a session is about, whom it is with and where, in lines."""
    return "\n".join(_paragraph(entry, language, brief=False))


def _paragraph(entry: Entry, language: Language, *, brief: bool) -> Iterator[str]:
    number, phase = entry.number, entry.phase
    if entry.status == "reassigned":
        yield _REASSIGNED.read(language)
    yield Wording(f"第{number}回 {phase.ja}", f"Session {number}: {phase.en}").read(language)
    for content in () if brief else entry.contents:
        yield Wording(f"・{content.ja}", f"- {content.en}").read(language)
    yield _labelled(entry.partner_role, entry.partner, language)
    if entry.expert is not None:
        yield _labelled(EXPERT, entry.expert, language)
    yield _labelled(_PLACE, _location(entry), language)
    if link := one_line(entry.meeting_url or ""):
        # Here as well, because many clients show neither URL nor CONFERENCE.
        yield _labelled(_LINK, Wording(link, link), language)


def _labelled(label: Wording, value: Wording, language: Language) -> str:
    named = Wording(f"{label.ja}:{value.read('ja')}", f"{label.en}: {value.read('en')}")
    return named.read(language)


def _location(entry: Entry) -> Wording:
    return _ONLINE if entry.online else entry.place


def _calendar_address(organizer: Organizer, language: Language) -> vCalAddress:
    """Return the ORGANIZER that METHOD:PUBLISH asks for (RFC 5546 3.2.1)."""
    office = vCalAddress(f"mailto:{quote(organizer.address, safe=IN_AN_ADDRESS)}")
    office.params["CN"] = organizer.name.read(language)
    return office


def _web_address(url: str | None) -> str | None:
    """Return the URL as a value of type URI can hold it, or None where it is no web address."""
    address = quote(one_line(url or ""), safe=":/?#[]@!$&'()*+,;=%~")
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in {"https", "http"} and parts.netloc else None


def _add_meeting(event: Event, url: str, language: Language) -> None:
    event.add("url", url)
    label = Wording("オンライン会議", "Video meeting").read(language)
    # RFC 7986 5.11
    parameters = {"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": label}
    event.add("conference", url, parameters=parameters)
