"""The database itself keeps an expert from being in two places at once."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from matcher.database import session_factory
from matcher.models import Session, SessionStatus
from tests.matcher import rows

HOUR = dt.timedelta(hours=1)
TEN = rows.MORNING
RACES = 20


@pytest.fixture
def engagements(db: Database) -> None:
    """Two engagements, and two experts; the first serves the first from ten to twelve."""
    rows.add_engagements(db, "A1", "A2", experts=("E1", "E2"))
    db.add(rows.session("S1", TEN, 120))
    db.commit()


@pytest.mark.parametrize(
    ("start_at", "minutes"),
    [
        pytest.param(TEN, 120, id="the same time"),
        pytest.param(TEN - HOUR, 90, id="into its beginning"),
        pytest.param(TEN + HOUR, 120, id="out of its end"),
        pytest.param(TEN + HOUR / 2, 60, id="within it"),
        pytest.param(TEN - HOUR, 240, id="around it"),
        pytest.param(TEN + 2 * HOUR - dt.timedelta(seconds=1), 60, id="by a second"),
    ],
)
@pytest.mark.usefixtures("engagements")
def test_an_overlapping_session_is_refused(
    db: Database, start_at: dt.datetime, minutes: int
) -> None:
    """However they overlap."""
    db.add(rows.session("S2", start_at, minutes, engagement_id="A2"))

    with pytest.raises(IntegrityError, match="overlap"):
        db.flush()


@pytest.mark.parametrize("start_at", [TEN - HOUR, TEN + 2 * HOUR])
@pytest.mark.usefixtures("engagements")
def test_a_session_that_touches_another_is_allowed(db: Database, start_at: dt.datetime) -> None:
    """Intervals are half open."""
    db.add(rows.session("S2", start_at, 60, engagement_id="A2"))

    db.flush()


@pytest.mark.usefixtures("engagements")
def test_another_expert_may_be_busy_at_the_same_time(db: Database) -> None:
    """The rule is about one person."""
    db.add(rows.session("S2", TEN, engagement_id="A2", expert_id="E2"))

    db.flush()


@pytest.mark.usefixtures("engagements")
def test_a_cancelled_session_is_in_nobodys_way(db: Database) -> None:
    """Neither one that stands already nor one that comes."""
    db.add(rows.session("S2", TEN, engagement_id="A2", status="cancelled"))
    db.flush()
    db.get_one(Session, "S1").status = SessionStatus.CANCELLED
    db.flush()
    db.add(rows.session("S3", TEN, engagement_id="A2"))

    db.flush()


@pytest.mark.parametrize("status", ["held", "missed"])
def test_a_session_that_is_over_is_in_the_way(db: Database, status: str) -> None:
    """What has been held cannot have been held elsewhere."""
    rows.add_engagements(db, "A1", "A2")
    db.add(rows.session("S1", TEN, status=status))
    db.flush()
    db.add(rows.session("S2", TEN, engagement_id="A2"))

    with pytest.raises(IntegrityError, match="overlap"):
        db.flush()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("start_at = (SELECT start_at FROM sessions WHERE id = 'S1')", id="moved"),
        pytest.param("expert_id = 'E1', start_at = start_at", id="given to the expert"),
        pytest.param("expert_id = 'E1', status = 'confirmed'", id="revived"),
    ],
)
@pytest.mark.usefixtures("engagements")
def test_a_session_cannot_be_changed_into_an_overlap(db: Database, change: str) -> None:
    """An update is looked at like an insertion, by whatever program it comes."""
    moved, revived = "moved" in change or "SELECT" in change, "status" in change
    session = rows.session(
        "S2",
        TEN + 2 * HOUR if moved else TEN,
        engagement_id="A2",
        expert_id="E1" if moved else "E2",
        status="cancelled" if revived else "confirmed",
    )
    db.add(session)
    db.commit()

    with pytest.raises(IntegrityError, match="overlap"):
        db.execute(text(f"UPDATE sessions SET {change} WHERE id = 'S2'"))  # noqa: S608  own words


@pytest.mark.usefixtures("engagements")
def test_a_session_may_be_moved_into_its_own_old_time(db: Database) -> None:
    """It does not overlap with itself."""
    session = db.get_one(Session, "S1")
    session.start_at, session.end_at = TEN + HOUR, TEN + 3 * HOUR

    db.flush()


@pytest.mark.usefixtures("engagements")
def test_two_sessions_exchange_their_times_by_way_of_cancelled(db: Database) -> None:
    """As the model's own words say."""
    first, second = db.get_one(Session, "S1"), rows.session("S2", TEN + 3 * HOUR, number=2)
    db.add(second)
    db.flush()

    first.status = second.status = SessionStatus.CANCELLED
    db.flush()
    (first.start_at, first.end_at), (second.start_at, second.end_at) = (
        (second.start_at, second.end_at),
        (first.start_at, first.end_at),
    )
    first.status = second.status = SessionStatus.CONFIRMED
    db.flush()

    assert (first.start_at, second.start_at) == (TEN + 3 * HOUR, TEN)


@pytest.mark.usefixtures("engagements")
def test_an_engagement_has_one_session_of_a_number(db: Database) -> None:
    """Cancelled ones apart."""
    db.add(rows.session("S2", TEN + 24 * HOUR, number=1, status="cancelled"))
    db.flush()
    db.add(rows.session("S3", TEN + 48 * HOUR, number=1))

    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        db.flush()


@pytest.mark.usefixtures("engagements")
def test_of_two_racing_transactions_one_wins(engine: Engine, db: Database) -> None:
    """Both find the expert free and both write: one stands, the other is refused; every time."""
    db.close()
    start = threading.Barrier(2, timeout=30)

    def book(id: str, engagement_id: str, start_at: dt.datetime) -> str:
        with session_factory(engine)() as own:
            start.wait()
            own.add(rows.session(id, start_at, engagement_id=engagement_id, number=2))
            try:
                own.commit()
            except IntegrityError:
                return "refused"
            return "stands"

    with ThreadPoolExecutor(2) as threads:
        for race in range(RACES):
            ids, time = (f"S{race}-A1", f"S{race}-A2"), TEN + 24 * HOUR
            outcomes = threads.map(book, ids, ("A1", "A2"), (time, time + HOUR))
            assert sorted(outcomes) == ["refused", "stands"]
            with session_factory(engine).begin() as after:
                after.execute(text("UPDATE sessions SET status = 'cancelled' WHERE number = 2"))


@pytest.mark.usefixtures("engagements")
def test_a_transaction_that_is_open_makes_the_other_wait_and_lose(
    engine: Engine, db: Database
) -> None:
    """The second writer is not told of the first until that one commits, and is then refused."""
    db.close()
    first = session_factory(engine)()
    first.add(rows.session("S3", TEN + 24 * HOUR, engagement_id="A2", number=3))
    first.flush()

    def book_too() -> str:
        with session_factory(engine)() as second:
            second.add(rows.session("S4", TEN + 25 * HOUR, engagement_id="A2", number=4))
            with pytest.raises(IntegrityError) as refused:
                second.commit()
            return str(refused.value)

    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(book_too)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.2)
        first.commit()
        assert "overlap" in other.result(timeout=30)
    first.close()
