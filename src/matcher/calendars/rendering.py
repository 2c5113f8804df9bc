"""A feed as bytes: RFC 5545 and 7986, the way the calendar programs in use really read them.

Pure: the same contents always give the same bytes. Every value is given explicitly, because
`Calendar.new()` and `Event.new()` of icalendar fill in random identifiers and the time of day.
"""

from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from icalendar import Calendar, Component, Event, Timezone, vCalAddress, vText

from matcher.calendars.entries import Entry, FeedContents
from matcher.calendars.identity import uid_of
from matcher.calendars.wording import Language, Wording, one_line
from matcher.clock import to_tokyo

RENDERER_VERSION: Final = 1
"""Raised with every change of this module that changes bytes, so that clients fetch them."""

PRODID: Final = "-//Expert Dispatch Matcher//Session Calendar//EN"
OFFICE: Final = Wording("専門家派遣事務局", "Expert Dispatch Office")
OFFICE_ADDRESS: Final = "mailto:office@expert-dispatch.example"
"""The role mailbox of the office, never a person's."""

MAX_BYTES: Final = 1_000_000
"""Google reads no feed beyond about 1 MB."""

LINE_OCTETS: Final = 75

_REFRESH: Final = timedelta(hours=1)
_ONLINE: Final = Wording("オンライン", "Online")
_PLACE: Final = Wording("会場", "Place")
_LINK: Final = Wording("会議URL", "Meeting link")
_CANCELLED: Final = {"ja": "【中止】", "en": "[Cancelled] ", "both": "【中止】[Cancelled] "}
"""In the summary too: Outlook and calcurse do not look at STATUS."""

_REASSIGNED: Final = Wording(
    "この回は別の専門家が担当することになりました。", "Another expert now serves this session."
)


def render(contents: FeedContents) -> bytes:
    """Return the whole calendar, without its oldest events where it would exceed MAX_BYTES."""
    head, end, tail = _envelope(contents).rpartition(b"END:VCALENDAR")
    room = MAX_BYTES - len(head + end + tail)
    events: deque[bytes] = deque()
    for entry in reversed(contents.entries):
        event = _folded(_event(entry, contents.language))
        room -= len(event)
        if room < 0:
            break
        events.appendleft(event)
    return b"".join((head, *events, end, tail))


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
    return _folded(calendar)


def _folded(component: Component) -> bytes:
    """Return the component's lines, folded as RFC 5545 3.1 says, between characters.

    Unlike icalendar's own, no fold parts a backslash from what it escapes: Google drops an event
    for it (collective/icalendar#1501, mended there for line breaks only).
    """
    lines = (str(line).encode() for line in component.content_lines(sorted=False))
    return b"".join(_fold(line) + b"\r\n" for line in lines if line)


def _fold(line: bytes) -> bytes:
    pieces = []
    start, room = 0, LINE_OCTETS
    while len(line) - start > room:
        end = start + room
        while _is_inside_character(line[end]) or _ends_within_escape(line[start:end]):
            end -= 1
        pieces.append(line[start:end])
        start, room = end, LINE_OCTETS - 1
    return b"\r\n ".join((*pieces, line[start:]))


def _is_inside_character(octet: int) -> bool:
    return octet & 0b1100_0000 == 0b1000_0000


def _ends_within_escape(piece: bytes) -> bool:
    return (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1


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


def _event(entry: Entry, language: Language) -> Event:
    event = Event()
    event.add("uid", uid_of(entry.session_id))
    # Not the time of the request, with which every event would look changed at every fetch.
    event.add("dtstamp", entry.revised_at)
    event.add("last-modified", entry.revised_at)
    event.add("sequence", entry.sequence)
    event.add("dtstart", to_tokyo(entry.start_at))
    event.add("dtend", to_tokyo(entry.end_at))
    event.add("summary", _summary(entry, language))
    event.add("description", _description(entry, language))
    event.add("location", _location(entry).read(language))
    event.add("status", "CONFIRMED" if entry.takes_place else "CANCELLED")
    event.add("transp", "OPAQUE" if entry.takes_place else "TRANSPARENT")
    event.add("organizer", _office(language))
    if url := _web_address(entry.meeting_url):
        _add_meeting(event, url, language)
    return event


def _summary(entry: Entry, language: Language) -> str:
    phase, partner = entry.phase, entry.partner
    summary = Wording(
        f"専門家派遣 第{entry.number}回 {phase.ja}({partner.ja or partner.en})",
        f"Expert session {entry.number}: {phase.en} ({partner.en or partner.ja})",
    ).read(language)
    return summary if entry.takes_place else _CANCELLED[language] + summary


def _description(entry: Entry, language: Language) -> str:
    languages: tuple[Language, ...] = ("ja", "en") if language == "both" else (language,)
    return "\n\n".join("\n".join(_paragraph(entry, each)) for each in languages)


def _paragraph(entry: Entry, language: Language) -> Iterator[str]:
    number, phase = entry.number, entry.phase
    if entry.status == "reassigned":
        yield _REASSIGNED.read(language)
    yield Wording(f"第{number}回 {phase.ja}", f"Session {number}: {phase.en}").read(language)
    for content in entry.contents:
        yield Wording(f"・{content.ja}", f"- {content.en}").read(language)
    yield _labelled(entry.partner_role, entry.partner, language)
    yield _labelled(_PLACE, _location(entry), language)
    if link := one_line(entry.meeting_url or ""):
        # Here as well, because many clients show neither URL nor CONFERENCE.
        yield _labelled(_LINK, Wording(link, link), language)


def _labelled(label: Wording, value: Wording, language: Language) -> str:
    named = Wording(f"{label.ja}:{value.read('ja')}", f"{label.en}: {value.read('en')}")
    return named.read(language)


def _location(entry: Entry) -> Wording:
    return _ONLINE if entry.online else entry.place


def _office(language: Language) -> vCalAddress:
    """Return the ORGANIZER that METHOD:PUBLISH asks for (RFC 5546 3.2.1)."""
    office = vCalAddress(OFFICE_ADDRESS)
    office.params["CN"] = OFFICE.read(language)
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
