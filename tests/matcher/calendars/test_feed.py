import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.calendars.feed import filename_of, read_contents, render_feed, version_of
from matcher.models import Expert, Feed, FeedLanguage, FeedOwner, Programme, Session
from tests.clients.strict import read_strictly
from tests.matcher.rows import session

NOW = dt.datetime(2025, 10, 2, 3, 0, tzinfo=dt.UTC)
"""Noon in Tokyo, a day after the session of the samples."""

E1 = Feed(owner_kind=FeedOwner.EXPERT, owner_id="E1", language=FeedLanguage.BOTH)
O1 = Feed(owner_kind=FeedOwner.ORGANIZATION, owner_id="O1", language=FeedLanguage.BOTH)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run these on SQLite alone; that both databases give the same state is tested with it."""
    return sqlite_url


def add_session(db: Database) -> Session:
    row = session("S1", NOW + dt.timedelta(days=7))
    db.add(row)
    db.commit()
    return row


@pytest.mark.check(7)
def test_an_unchanged_feed_has_the_same_bytes_and_version(two_engagements: Database) -> None:
    db = two_engagements
    add_session(db)
    first, second = render_feed(db, E1, NOW), render_feed(db, E1, NOW + 2 * SECOND)
    assert first == second


@pytest.mark.check(18)
def test_every_visible_change_is_another_version(two_engagements: Database) -> None:
    """Also those of whoever and whatever a session is joined with."""
    db = two_engagements
    row = add_session(db)
    expert = db.get_one(Expert, "E1")
    organization = row.engagement.organization
    rules = db.get_one(Programme, "tokyo-2025")
    changes = [
        (row, "start_at", NOW + dt.timedelta(days=6)),
        (row, "end_at", NOW + dt.timedelta(days=9)),
        (row, "place_ja", "別の会議室"),
        (row, "place_en", "Another room"),
        (row, "municipality_code", None),
        (row, "meeting_url", "https://meet.example/1"),
        (row, "number", 2),
        (row, "phase", "finalization"),
        (row, "status", "cancelled"),
        (organization, "name_ja", "改称後の組合"),
        (organization, "name_en", "Renamed Cooperative"),
        (expert, "name_ja", "改姓 太郎"),
        (row.engagement.application, "purpose", "review"),
        (rules, "rules", replace_first_title(rules)),
    ]
    seen = {render_feed(db, E1, NOW).etag: render_feed(db, E1, NOW).content}
    for record, field, value in changes:
        setattr(record, field, value)
        db.commit()
        after = render_feed(db, E1, NOW)
        assert after.etag not in seen, field
        assert after.content not in seen.values(), field
        seen[after.etag] = after.content


def replace_first_title(programme: Programme) -> object:
    rules = programme.rules
    titled = [
        phase.model_copy(
            update={"title": phase.title.model_copy(update={"ja": f"改 {phase.title.ja}"})}
        )
        for phase in rules.phases
    ]
    return rules.model_copy(update={"phases": tuple(titled)})


@pytest.mark.check(18)
def test_midnight_in_tokyo_is_another_version(two_engagements: Database) -> None:
    db = two_engagements
    add_session(db)
    before = version_of(read_contents(db, E1, NOW))
    midnight = dt.datetime(2025, 10, 2, 15, 0, tzinfo=dt.UTC)
    after = version_of(read_contents(db, E1, midnight))
    assert before.etag != after.etag
    assert after.last_modified(midnight + SECOND) == midnight


def test_last_modified_is_the_newest_revision(two_engagements: Database) -> None:
    db = two_engagements
    row = add_session(db)
    row.revised_at = NOW - dt.timedelta(minutes=5)
    db.commit()
    assert render_feed(db, E1, NOW).last_modified == NOW - dt.timedelta(minutes=5)


def test_a_change_within_the_second_of_a_fetch_shows_in_last_modified(
    two_engagements: Database,
) -> None:
    db = two_engagements
    row = add_session(db)
    row.revised_at = NOW
    db.commit()
    fetched = render_feed(db, E1, NOW + SECOND / 4)
    row.revised_at = NOW + SECOND / 2
    db.commit()
    assert render_feed(db, E1, NOW + 9 * SECOND).last_modified > fetched.last_modified


@pytest.mark.check(6)
@pytest.mark.check(9)
def test_three_moves_and_a_cancellation_count_one_to_four(two_engagements: Database) -> None:
    db = two_engagements
    row = add_session(db)
    seen = []
    for number in (1, 2, 3, 4):
        row.start_at += dt.timedelta(minutes=15)
        row.status = "confirmed" if number < 4 else "cancelled"  # type: ignore[assignment]
        row.sequence += 1
        row.revised_at = NOW + number * SECOND
        db.commit()
        (event,) = read_strictly(render_feed(db, E1, NOW).content).named("VEVENT")
        seen.append((event["UID"].value, event["SEQUENCE"].value, event["LAST-MODIFIED"].value))
    assert seen == [
        ("session-S1@sessions.expert-dispatch.example", str(number), f"20251002T03000{number}Z")
        for number in (1, 2, 3, 4)
    ]


@pytest.mark.check(6)
def test_both_parties_see_the_session_under_one_uid(two_engagements: Database) -> None:
    db = two_engagements
    add_session(db)
    uids = [
        read_strictly(render_feed(db, feed, NOW).content).named("VEVENT")[0]["UID"]
        for feed in (E1, O1)
    ]
    assert uids[0] == uids[1]


@pytest.mark.check(24)
def test_a_feed_shows_no_address_or_number_of_a_person(two_engagements: Database) -> None:
    db = two_engagements
    add_session(db)
    for feed in (E1, O1):
        content = render_feed(db, feed, NOW).content
        for secret in (
            b"office@inns.example",
            b"taro@experts.example",
            "架空 花子".encode(),
            b"03-",
        ):
            assert secret not in content


@pytest.mark.check(15)
def test_a_row_without_place_or_names_keeps_the_feed_whole(two_engagements: Database) -> None:
    db = two_engagements
    row = add_session(db)
    row.place_ja = row.place_en = row.engagement.organization.name_en = ""
    db.add(session("S2", NOW + dt.timedelta(days=14), number=2))
    db.commit()
    assert len(read_strictly(render_feed(db, E1, NOW).content).named("VEVENT")) == 2


def test_a_file_is_named_after_its_owner() -> None:
    assert filename_of(E1) == "expert-E1.ics"
    assert filename_of(Feed(owner_kind=FeedOwner.EXPERT, owner_id="expert-01")) == "expert-01.ics"
    odd = Feed(owner_kind=FeedOwner.ORGANIZATION, owner_id='a"/\r\nb')
    assert filename_of(odd) == "organization-a____b.ics"
