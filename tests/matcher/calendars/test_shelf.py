import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.calendars.feed import FeedVersion, render_feed
from matcher.calendars.shelf import Edition, Shelf
from matcher.database import session_factory
from matcher.models import Expert, Feed, FeedLanguage, FeedOwner, Session
from tests.clients.strict import read_strictly
from tests.matcher.rows import session

NOW = dt.datetime(2025, 10, 1, 3, 0, tzinfo=dt.UTC)
"""Noon in Tokyo."""

E1 = Feed(id="F1", owner_kind=FeedOwner.EXPERT, owner_id="E1", language=FeedLanguage.BOTH)
E2 = Feed(id="F2", owner_kind=FeedOwner.EXPERT, owner_id="E2", language=FeedLanguage.BOTH)


class House:
    """A database with a session each of E1 and E2, whoever reads it, and whoever writes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writing = session_factory(engine)
        self.reading = session_factory(engine, read_only=True)

    def move(self, session_id: str) -> None:
        """Move a session, and commit."""
        with self.writing.begin() as db:
            row = db.get_one(Session, session_id)
            row.start_at += dt.timedelta(minutes=15)
            row.sequence += 1

    def fetch(
        self, shelf: Shelf, feed: Feed = E1, now: dt.datetime = NOW, known: str | None = None
    ) -> Edition:
        """Fetch a feed as a client does that knows a version of it, or none."""
        with self.reading() as db:
            return shelf.fetch(db, feed, now, lambda version: version.etag == known)

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The queries of a block."""
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        event.listen(self.engine, "before_cursor_execute", note)
        yield asked
        event.remove(self.engine, "before_cursor_execute", note)


@pytest.fixture
def house(two_engagements: Database, engine: Engine) -> House:
    db = two_engagements
    week = dt.timedelta(days=7)
    db.add(session("S1", NOW + week))
    db.add(session("S2", NOW + week, engagement_id="A2", expert_id="E2"))
    db.commit()
    db.close()
    return House(engine)


@pytest.mark.check(17)
@pytest.mark.check(26)
def test_what_has_not_changed_is_answered_with_one_query_as_it_was(house: House) -> None:
    shelf = Shelf()
    first = house.fetch(shelf)
    with house.counting() as asked:
        assert house.fetch(shelf) is first
        assert house.fetch(shelf, known=first.version.etag) is first
    queries = [each for each in asked if each.startswith("SELECT")]
    assert len(queries) == 2
    assert all("FROM calendar_revisions" in each for each in queries)


def test_who_knows_a_feed_has_it_not_rendered(house: House) -> None:
    shelf = Shelf()
    with house.reading() as db:
        etag = render_feed(db, E1, NOW).etag
    assert house.fetch(shelf, known=etag).content is None
    assert house.fetch(shelf).content is not None, "whoever knows it not is given it"


@pytest.mark.check(18)
def test_a_change_is_seen_at_once(house: House) -> None:
    shelf = Shelf()
    before = house.fetch(shelf)
    house.move("S1")
    after = house.fetch(shelf, known=before.version.etag)
    assert after.version.etag != before.version.etag
    assert after.content is not None
    (entry,) = read_strictly(after.content).named("VEVENT")
    assert entry["SEQUENCE"].value == "1"


def test_a_change_of_somebody_elses_changes_neither_tag_nor_bytes(house: House) -> None:
    shelf = Shelf()
    before = house.fetch(shelf)
    house.move("S2")
    after = house.fetch(shelf)
    assert after.version == before.version
    assert after.content is before.content, "it is not rendered again"


def test_a_change_while_a_feed_is_read_is_seen_by_whoever_comes_next(house: House) -> None:
    """Whether the reader sees one state throughout or, on PostgreSQL, what others commit."""
    shelf = Shelf()
    read_while_moving(house, house.reading, shelf)
    if house.engine.dialect.name == "postgresql":
        read_while_moving(house, house.writing, shelf)


def read_while_moving(house: House, readers: sessionmaker[Database], shelf: Shelf) -> None:
    moved: list[bool] = []

    def move_after_count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM calendar_revisions" in statement and not moved:
            moved.append(True)
            house.move("S1")

    event.listen(house.engine, "after_cursor_execute", move_after_count)
    with readers() as db:
        shelf.fetch(db, E1, NOW, lambda _: False)
    event.remove(house.engine, "after_cursor_execute", move_after_count)
    assert moved
    content = house.fetch(shelf).content
    with house.reading() as db:
        assert content == render_feed(db, E1, NOW).content


@pytest.mark.check(18)
def test_a_new_day_in_tokyo_is_read_anew(house: House) -> None:
    shelf = Shelf()
    before = house.fetch(shelf, now=dt.datetime(2025, 10, 1, 14, 59, tzinfo=dt.UTC))
    after = house.fetch(shelf, now=dt.datetime(2025, 10, 1, 15, 0, tzinfo=dt.UTC))
    assert after.version.etag != before.version.etag


def test_each_feed_has_its_own_place(house: House) -> None:
    shelf = Shelf()
    in_english = Feed(
        id="F3", owner_kind=FeedOwner.EXPERT, owner_id="E1", language=FeedLanguage.ENGLISH
    )
    contents = [house.fetch(shelf, feed).content for feed in (E1, E2, in_english)]
    assert len({*contents}) == 3
    assert [house.fetch(shelf, feed).content for feed in (E1, E2, in_english)] == contents


def test_a_shelf_that_is_full_lets_go_of_what_was_asked_for_longest_ago(house: House) -> None:
    size = house.fetch(Shelf()).weight
    shelf = Shelf(room=2 * size + size // 2)
    third = Feed(id="F3", owner_kind=FeedOwner.EXPERT, owner_id="E1", language=FeedLanguage.BOTH)
    first, second = house.fetch(shelf, E1), house.fetch(shelf, E2)
    assert house.fetch(shelf, E1) is first
    house.fetch(shelf, third)
    assert house.fetch(shelf, E1) is first
    assert house.fetch(shelf, E2) is not second


def test_a_feed_larger_than_the_shelf_is_served_all_the_same(house: House) -> None:
    shelf = Shelf(room=10)
    first = house.fetch(shelf)
    assert first.content
    assert house.fetch(shelf).content == first.content


def test_a_name_that_changes_and_changes_back_is_another_version(house: House) -> None:
    """A client that fetched in between has to fetch again."""
    shelf = Shelf()
    versions: list[FeedVersion] = []
    for name in ("Taro", "Jiro", "Taro"):
        with house.writing.begin() as db:
            db.get_one(Expert, "E1").name_en = name
        versions.append(house.fetch(shelf).version)
    assert len({each.etag for each in versions}) == 3
    assert versions[0].changed_at < versions[1].changed_at < versions[2].changed_at
