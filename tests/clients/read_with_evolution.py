"""Subscribes with Evolution's data server, which GNOME's calendars show, and prints what it keeps.

For the Python of the system, under `dbus-run-session`. Each line of standard input is the address
of a feed, which is subscribed to when it comes for the first time, and refreshed. The answer is a
line of JSON: its events, in UTC.
"""

import datetime as dt
import json
import sys
import time

import gi

gi.require_version("ECal", "2.0")
gi.require_version("EDataServer", "1.2")
from gi.repository import ECal, EDataServer, GLib  # noqa: E402  the versions come first

PATIENCE_SECONDS = 1
"""How long to wait for the network that a session bus alone never announces; 0 waits for good."""

LONGEST_SECONDS = 20


def subscribe(registry: EDataServer.SourceRegistry, name: str, url: str) -> ECal.Client:
    """Add a calendar on the web, as GNOME's dialogue does."""
    source = EDataServer.Source.new_with_uid(name, None)
    source.set_display_name(name)
    source.set_parent("webcal-stub")
    calendar = source.get_extension(EDataServer.SOURCE_EXTENSION_CALENDAR)
    calendar.set_backend_name("webcal")
    address = GLib.Uri.parse(url, GLib.UriFlags.ENCODED)
    source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND).set_uri(address)
    registry.commit_source_sync(source, None)
    return connect(registry.ref_source(name))


def connect(source: EDataServer.Source) -> ECal.Client:
    """Open a calendar once the process that keeps calendars has heard of it, too."""
    until = time.monotonic() + LONGEST_SECONDS
    while True:
        try:
            return ECal.Client.connect_sync(
                source, ECal.ClientSourceType.EVENTS, PATIENCE_SECONDS, None
            )
        except GLib.Error:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def events_of(client: ECal.Client) -> list[dict[str, str]]:
    """Return what Evolution would show."""
    _, components = client.get_object_list_as_comps_sync("#t", None)
    return [
        {
            "uid": component.get_uid(),
            "start": moment(client, component.get_dtstart()),
            "end": moment(client, component.get_dtend()),
            "summary": component.get_summary().get_value(),
            "status": component.get_status().value_nick,
        }
        for component in components
    ]


def moment(client: ECal.Client, found: ECal.ComponentDateTime) -> str:
    """Return a time in UTC, by the time zone of the feed."""
    told, zone_id = found.get_value(), found.get_tzid()
    zone = None
    if zone_id is not None:
        _, zone = client.get_timezone_sync(zone_id, None)
    if zone is None and not told.is_utc():
        raise ValueError(f"floating: {told.as_ical_string()}")
    return dt.datetime.fromtimestamp(told.as_timet_with_zone(zone), dt.UTC).isoformat()


def main() -> None:
    """Answer each line."""
    registry = EDataServer.SourceRegistry.new_sync(None)
    clients: dict[str, ECal.Client] = {}
    for line in sys.stdin:
        url = line.strip()
        if url not in clients:
            clients[url] = subscribe(registry, f"feed-{len(clients)}", url)
        clients[url].refresh_sync(None)
        print(json.dumps(events_of(clients[url])), flush=True)


main()
