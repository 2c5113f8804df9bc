import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from matcher.calendars.attention import QUIET_AFTER, Unaware, is_quiet, quiet, unaware
from matcher.models import CalendarBy, Expert, Feed, FeedLanguage, FeedOwner
from tests.matcher import rows

NOW = dt.datetime(2025, 10, 1, 3, 0, tzinfo=dt.UTC)
LATELY = NOW - QUIET_AFTER
LONG_AGO = LATELY - dt.timedelta(seconds=1)


def subscribe(
    db: Database,
    name: str,
    fetched_at: dt.datetime | None,
    owner_id: str = "E1",
    *,
    revoked: bool = False,
) -> Feed:
    feed = Feed(
        id=name,
        owner_kind=FeedOwner.EXPERT,
        owner_id=owner_id,
        language=FeedLanguage.BOTH,
        token_hash=name,
        created_at=LONG_AGO,
        last_fetched_at=fetched_at,
        revoked_at=NOW if revoked else None,
    )
    db.add(feed)
    db.commit()
    return feed


@pytest.mark.parametrize(
    ("fetched_at", "revoked", "expected"),
    [
        (LATELY, False, False),
        (LONG_AGO, False, True),
        (None, False, True),
        (None, True, False),
        (LONG_AGO, True, False),
    ],
)
def test_a_subscription_that_nobody_has_fetched_for_three_days_has_gone_quiet(
    db: Database, fetched_at: dt.datetime | None, revoked: bool, expected: bool
) -> None:
    feed = subscribe(db, "F1", fetched_at, revoked=revoked)
    assert is_quiet(feed, NOW) is expected
    assert db.scalars(select(Feed.id).where(quiet(NOW))).all() == ["F1"] * expected
    assert db.scalars(select(Feed.id).where(~quiet(NOW))).all() == ["F1"] * (not expected)


def test_who_has_one_calendar_that_is_read_sees_what_changes(db: Database) -> None:
    subscribe(db, "F1", LONG_AGO)
    subscribe(db, "F2", LATELY)
    assert unaware(db, FeedOwner.EXPERT, ["E1"], NOW) == ()


def test_who_has_none_or_only_quiet_ones_does_not(db: Database) -> None:
    subscribe(db, "F1", LONG_AGO)
    subscribe(db, "F2", None)
    subscribe(db, "F3", LATELY, "E2", revoked=True)
    assert unaware(db, FeedOwner.EXPERT, ["E1", "E2", "E3"], NOW) == (
        Unaware(FeedOwner.EXPERT, "E1", subscribed=True, last_fetched_at=LONG_AGO),
        Unaware(FeedOwner.EXPERT, "E2", subscribed=False, last_fetched_at=None),
        Unaware(FeedOwner.EXPERT, "E3", subscribed=False, last_fetched_at=None),
    )


def test_a_calendar_of_an_organization_is_none_of_an_expert(db: Database) -> None:
    subscribe(db, "F1", LATELY)
    assert len(unaware(db, FeedOwner.ORGANIZATION, ["E1"], NOW)) == 1


def test_who_is_told_of_each_session_by_mail_needs_no_calendar(db: Database) -> None:
    db.add_all([rows.expert("E1"), rows.expert("E2")])
    db.get_one(Expert, "E1").calendar_by = CalendarBy.MAIL
    db.flush()
    found = unaware(db, FeedOwner.EXPERT, ["E1", "E2"], NOW)
    assert [each.owner_id for each in found] == ["E2"]
