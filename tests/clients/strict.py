"""A strict reader of iCalendar bytes: what RFC 5545 demands, in the terms of the bytes themselves.

It knows nothing of icalendar, and is stricter than any client: the strictest clients drop a whole
feed for one bad line.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

CONTENT_LINE = re.compile(
    r'(?P<name>[A-Z][A-Z0-9-]*)(?P<parameters>(?:;[A-Z-]+=(?:"[^"]*"|[^",;:]*))*):(?P<value>.*)'
)
DATE_TIME = re.compile(r"\d{4}(0[1-9]|1[0-2])([0-2]\d|3[01])T([01]\d|2[0-3])[0-5]\d[0-5]\d")
UTC = re.compile(DATE_TIME.pattern + "Z")
TEXT = re.compile(r"(?:[^\\,;]|\\[\\,;nN])*")

EXACTLY_ONCE = {
    "VCALENDAR": {"VERSION", "PRODID", "METHOD", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL"},
    "VTIMEZONE": {"TZID"},
    "STANDARD": {"DTSTART", "TZNAME", "TZOFFSETFROM", "TZOFFSETTO"},
    "VEVENT": {
        "UID",
        "DTSTAMP",
        "LAST-MODIFIED",
        "SEQUENCE",
        "DTSTART",
        "DTEND",
        "SUMMARY",
        "DESCRIPTION",
        "LOCATION",
        "STATUS",
        "TRANSP",
        "ORGANIZER",
    },
}
AT_MOST_ONCE = {
    "VCALENDAR": {"CALSCALE", "X-PUBLISHED-TTL"},
    "VTIMEZONE": set(),
    "STANDARD": set(),
    "VEVENT": {"URL", "CONFERENCE"},
}
VALUES = {
    "DTSTAMP": UTC,
    "LAST-MODIFIED": UTC,
    "DTSTART": DATE_TIME,
    "DTEND": DATE_TIME,
    "SEQUENCE": re.compile(r"\d+"),
    "UID": re.compile(r"[A-Za-z0-9._@-]+"),
    "STATUS": re.compile("CONFIRMED|CANCELLED"),
    "TRANSP": re.compile("OPAQUE|TRANSPARENT"),
    "METHOD": re.compile("PUBLISH"),
    "VERSION": re.compile(r"2\.0"),
    "REFRESH-INTERVAL": re.compile("PT1H"),
    "ORGANIZER": re.compile(r"mailto:[A-Za-z0-9.-]+@[A-Za-z0-9.-]+"),
    "URL": re.compile(r"https?://[!-~]+"),
    "CONFERENCE": re.compile(r"https?://[!-~]+"),
} | dict.fromkeys(("SUMMARY", "DESCRIPTION", "LOCATION", "NAME", "X-WR-CALNAME"), TEXT)


@dataclass(frozen=True)
class Property:
    """One content line."""

    name: str
    parameters: str
    value: str

    @property
    def text(self) -> str:
        """The value of a TEXT property, without its escapes."""
        return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], self.value)


@dataclass
class Component:
    """A component with the properties and components in it, in order."""

    name: str
    properties: list[Property] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)

    def __getitem__(self, name: str) -> Property:
        return next(each for each in self.properties if each.name == name)

    def __contains__(self, name: str) -> bool:
        return any(each.name == name for each in self.properties)

    def named(self, name: str) -> list["Component"]:
        """Return the components of that name, in order."""
        return [each for each in self.components if each.name == name]


@dataclass(frozen=True)
class Form:
    """What a kind of calendar holds."""

    exactly_once: dict[str, set[str]]
    at_most_once: dict[str, set[str]]
    values: dict[str, re.Pattern[str]]


FEED = Form(EXACTLY_ONCE, AT_MOST_ONCE, VALUES)
INVITATION = Form(
    EXACTLY_ONCE
    | {
        "VCALENDAR": {"VERSION", "PRODID", "METHOD"},
        "VEVENT": EXACTLY_ONCE["VEVENT"] | {"ATTENDEE"},
    },
    AT_MOST_ONCE | {"VCALENDAR": {"CALSCALE"}},
    VALUES | {"METHOD": re.compile("REQUEST|CANCEL"), "ATTENDEE": VALUES["ORGANIZER"]},
)


def read_strictly(content: bytes, form: Form = FEED) -> Component:
    """Return the calendar, or fail with what is wrong in it."""
    assert content.startswith(b"BEGIN:VCALENDAR\r\n"), "no BOM, nothing before the calendar"
    assert content.endswith(b"END:VCALENDAR\r\n"), "whole, and nothing after it"
    calendar = _nest(_unfold(content))
    _check(calendar, form)
    uids = Counter(event["UID"].value for event in calendar.named("VEVENT"))
    assert set(uids.values()) <= {1}, f"UIDs that stand twice: {uids.most_common(3)}"
    return calendar


def _unfold(content: bytes) -> list[str]:
    """Return the content lines, having checked the physical ones (RFC 5545 3.1)."""
    lines: list[str] = []
    for physical in content.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(physical) <= 75, f"longer than 75 octets: {physical!r}"
        text = physical.decode("utf-8", errors="strict")
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", text), f"control in {text!r}"
        if text.startswith(" "):
            backslashes = len(lines[-1]) - len(lines[-1].rstrip("\\"))
            assert backslashes % 2 == 0, f"folded within an escape: {lines[-1]!r}"
            lines[-1] += text[1:]
        else:
            lines.append(text)
    return lines


def _nest(lines: list[str]) -> Component:
    root = Component("")
    opened = [root]
    for line in lines:
        found = CONTENT_LINE.fullmatch(line)
        assert found, f"no content line: {line!r}"
        if found["name"] == "BEGIN":
            opened.append(Component(found["value"]))
            opened[-2].components.append(opened[-1])
        elif found["name"] == "END":
            assert opened.pop().name == found["value"], f"out of order: {line!r}"
        else:
            opened[-1].properties.append(
                Property(found["name"], found["parameters"], found["value"])
            )
    assert opened == [root]
    assert [each.name for each in root.components] == ["VCALENDAR"]
    return root.components[0]


def _check(component: Component, form: Form) -> None:
    assert component.name in form.exactly_once, f"it holds no {component.name}"
    counted = Counter(each.name for each in component.properties)
    required, allowed = form.exactly_once[component.name], form.at_most_once[component.name]
    assert set(counted) <= required | allowed, f"unexpected: {set(counted) - required - allowed}"
    assert required <= set(counted), f"missing: {required - set(counted)}"
    assert set(counted.values()) <= {1}, f"twice: {counted.most_common(1)}"
    for each in component.properties:
        pattern = form.values.get(each.name)
        assert pattern is None or pattern.fullmatch(each.value), f"{each.name}: {each.value!r}"
        if component.name == "VEVENT" and each.name in {"DTSTART", "DTEND"}:
            assert each.parameters == ";TZID=Asia/Tokyo", each
    if component.name == "VCALENDAR":
        if "REFRESH-INTERVAL" in component:
            assert component["REFRESH-INTERVAL"].parameters == ";VALUE=DURATION"
        assert [zone["TZID"].value for zone in component.named("VTIMEZONE")] == ["Asia/Tokyo"]
    for each_component in component.components:
        _check(each_component, form)
