import datetime as dt

import pytest
from sqlalchemy.orm import Session as Database

from matcher.calendars.subscriptions import (
    create_feed,
    find_by_token,
    revoke_feed,
    rotate_feed,
)
from matcher.errors import Conflict, NotFound
from matcher.models import FeedLanguage, FeedOwner

NOW = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)


@pytest.mark.check(21)
def test_a_token_finds_its_feed_and_is_not_kept(two_engagements: Database) -> None:
    db = two_engagements
    feed, token = create_feed(db, FeedOwner.EXPERT, "E1", FeedLanguage.JAPANESE, NOW)
    assert find_by_token(db, token) is feed
    assert len(token) >= 43, "256 bits in base 64"
    assert token not in feed.token_hash
    assert find_by_token(db, feed.token_hash) is None


def test_two_feeds_of_one_owner_have_tokens_of_their_own(two_engagements: Database) -> None:
    db = two_engagements
    first, one = create_feed(db, FeedOwner.ORGANIZATION, "O1", FeedLanguage.BOTH, NOW)
    second, other = create_feed(db, FeedOwner.ORGANIZATION, "O1", FeedLanguage.BOTH, NOW)
    assert one != other
    assert first.id != second.id


def test_a_feed_needs_an_owner(two_engagements: Database) -> None:
    with pytest.raises(NotFound):
        create_feed(two_engagements, FeedOwner.EXPERT, "O1", FeedLanguage.BOTH, NOW)


def test_an_old_token_is_unknown_after_rotation(two_engagements: Database) -> None:
    db = two_engagements
    feed, old = create_feed(db, FeedOwner.EXPERT, "E1", FeedLanguage.BOTH, NOW)
    new = rotate_feed(db, feed)
    assert find_by_token(db, old) is None
    assert find_by_token(db, new) is feed


def test_a_revoked_feed_is_found_but_changes_no_more(two_engagements: Database) -> None:
    db = two_engagements
    feed, token = create_feed(db, FeedOwner.EXPERT, "E1", FeedLanguage.BOTH, NOW)
    revoke_feed(db, feed, NOW)
    found = find_by_token(db, token)
    assert found is not None
    assert found.revoked_at == NOW
    with pytest.raises(Conflict):
        rotate_feed(db, feed)
    with pytest.raises(Conflict):
        revoke_feed(db, feed, NOW)
