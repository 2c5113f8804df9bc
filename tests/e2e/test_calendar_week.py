"""A week of changes, followed from the database into the calendar programs of others.

Every program shows exactly what the database holds, whoever reads it and in which language.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

import pytest
import requests

from tests.clients.programs import (
    Evolution,
    Seen,
    Subscriber,
    read_with_calcurse,
    read_with_ical_js,
    running_evolution,
)
from tests.clients.strict import read_strictly
from tests.e2e.week import MONDAY, Reader, opened_week

KHAL_DAYS = 180
"""By then all sessions of the week are over."""


@dataclass(frozen=True)
class Programs:
    """What a reader has installed; some subscribe to the feed, others import it as a file."""

    folder: Path
    subscriber: Subscriber
    evolution: Evolution

    @classmethod
    def of(cls, reader: Reader, evolution: Evolution, folder: Path) -> Programs:
        """Subscribe to the reader's calendar."""
        own = folder / reader.id
        own.mkdir()
        return cls(own, Subscriber(reader.url, own), evolution)

    def show(self, reader: Reader, content: bytes) -> dict[str, list[Seen]]:
        """Refresh each of them, or import the content, and look."""
        self.subscriber.synchronize()
        return {
            "ical.js": read_with_ical_js(content),
            "Evolution": self.evolution.sees(reader.url),
            "khal": self.subscriber.sees(MONDAY, KHAL_DAYS),
            "calcurse": read_with_calcurse(content, Path(mkdtemp(dir=self.folder))),
        }


def as_kept_by(program: str, events: list[Seen]) -> list[Seen]:
    """Return events as a program keeps them: not each keeps the UID, and calcurse no STATUS."""
    if program == "khal":
        return [replace(each, uid="") for each in events]
    if program == "calcurse":
        return [replace(each, uid="", cancelled=False) for each in events]
    return events


def sequences(content: bytes) -> dict[str, int]:
    """Return by UID how often a feed says that a session was revised."""
    events = read_strictly(content).named("VEVENT")
    return {each["UID"].value: int(each["SEQUENCE"].value) for each in events}


@pytest.mark.long
@pytest.mark.check(3)
@pytest.mark.check(10)
@pytest.mark.check(11)
@pytest.mark.check(12)
@pytest.mark.check(13)
@pytest.mark.check(14)
def test_every_program_shows_what_the_database_holds_through_a_week_of_changes(
    database_url: str, tmp_path: Path
) -> None:
    counts = []
    revisions = defaultdict(list)
    with running_evolution(tmp_path) as evolution, opened_week(database_url, tmp_path) as week:
        programs = {each.id: Programs.of(each, evolution, tmp_path) for each in week.readers}
        for expected in week.live():
            counts.append([len(events) for events in expected.values()])
            for reader in week.readers:
                content = requests.get(reader.url, timeout=10).content
                revisions[reader.id].append(sequences(content))
                for program, seen in programs[reader.id].show(reader, content).items():
                    assert seen == as_kept_by(program, expected[reader.id]), (program, reader)
    created = moved = cancelled = [4, 4, 0, 4]
    reassigned = renamed = [5, 4, 4, 5]
    assert counts == [created, moved, cancelled, reassigned, renamed, [4, 1, 4, 4]]

    _, _, before, after, *_ = revisions[week.expert_id]
    left = {uid: sequence for uid, sequence in after.items() if sequence > before[uid]}
    assert left == {uid: before[uid] + 1 for uid in left}
    assert left == {uid: revisions[week.other_expert_id][3][uid] for uid in left}
    assert len(left) == 3
