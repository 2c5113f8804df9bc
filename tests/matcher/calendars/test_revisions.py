import datetime as dt
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.audit import PROGRAM, acting
from matcher.calendars.feed import read_contents, render_feed
from matcher.calendars.revisions import current_revision, following
from matcher.database import session_factory
from matcher.models import (
    Application,
    Engagement,
    Expert,
    Feed,
    FeedLanguage,
    FeedOwner,
    Organization,
    Programme,
    Session,
    SessionDeparture,
    SessionStatus,
)
from matcher.planning.publishing.releases import Changes
from matcher.planning.stating.planned import PlannedSession
from matcher.programme import Words
from matcher.registry import AvailabilityDraft, set_availability
from tests.matcher.rows import WEDNESDAYS, session

NOW = dt.datetime(2025, 10, 2, 3, 0, 0, 400_000, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
WHOLE = NOW.replace(microsecond=0)

E1 = Feed(id="F1", owner_kind=FeedOwner.EXPERT, owner_id="E1", language=FeedLanguage.BOTH)
O1 = Feed(id="F2", owner_kind=FeedOwner.ORGANIZATION, owner_id="O1", language=FeedLanguage.BOTH)

Change = Callable[[Database], None]


@pytest.fixture
def office(two_engagements: Database) -> Database:
    """One session of E1 at O1, revised long ago; the clock stands still."""
    db = two_engagements
    acting(db, PROGRAM, lambda: NOW)
    db.add(session("S1", NOW + dt.timedelta(days=7)))
    db.commit()
    return db


def told(db: Database, feed: Feed) -> dt.datetime:
    """LAST-MODIFIED of the one event of a feed."""
    (entry,) = read_contents(db, feed, NOW).entries
    return entry.revised_at.replace(microsecond=0)


def move(db: Database) -> None:
    db.get_one(Session, "S1").start_at += dt.timedelta(minutes=15)


def relocate(db: Database) -> None:
    row = db.get_one(Session, "S1")
    row.place_ja, row.place_en = f"{row.place_ja}別館", f"{row.place_en}, annex"


def rename_organization(db: Database) -> None:
    db.get_one(Organization, "O1").name_ja += "会"


def rename_expert(db: Database) -> None:
    db.get_one(Expert, "E1").name_en += " Jr."


def reword(db: Database) -> None:
    programme = db.get_one(Programme, "tokyo-2025")
    first, *others = programme.rules.phases
    title = Words(ja=f"{first.title.ja}改", en=first.title.en)
    phases = (first.model_copy(update={"title": title}), *others)
    programme.rules = programme.rules.model_copy(update={"phases": phases})


@pytest.mark.check(8)
@pytest.mark.parametrize(
    ("feed", "changes"),
    [
        (E1, [move, move, relocate]),
        (E1, [move, rename_organization, move, rename_organization]),
        (O1, [move, rename_expert, rename_expert, move]),
        (O1, [reword, move, reword, rename_expert, reword]),
        (E1, [rename_organization, reword, relocate, rename_organization]),
    ],
)
def test_changes_within_one_second_each_move_last_modified(
    office: Database, feed: Feed, changes: list[Change]
) -> None:
    seen = [told(office, feed)]
    for change in changes:
        change(office)
        office.commit()
        seen.append(told(office, feed))
    assert all(before < after for before, after in pairwise(seen)), seen
    assert seen[-1] - WHOLE < len(changes) * SECOND, "and by no more than they have to"


def test_a_change_is_dated_as_whoever_makes_it_says(office: Database) -> None:
    row = office.get_one(Session, "S1")
    move(office)
    row.revised_at = NOW + dt.timedelta(hours=1)
    office.commit()
    assert row.revised_at == NOW + dt.timedelta(hours=1)


def test_a_transaction_of_many_steps_is_one_change(office: Database) -> None:
    for _ in range(3):
        move(office)
        office.flush()
    office.commit()
    assert office.get_one(Session, "S1").revised_at == NOW


@pytest.mark.check(14)
def test_a_session_that_goes_to_another_expert_shows_it_to_all_three(office: Database) -> None:
    """Within the second of the change before."""
    move(office)
    office.commit()
    row = office.get_one(Session, "S1")
    seen = told(office, E1), told(office, O1)
    names = ("engagement_id", "number", "phase", "start_at", "end_at", "municipality_code")
    places = ("place_ja", "place_en", "meeting_url")
    values = {name: getattr(row, name) for name in (*names, *places)}
    planned = PlannedSession(**values, expert_id="E2")
    Changes(added=(), changed=((row, planned),), dropped=()).apply(office, NOW)
    office.commit()
    (left,) = read_contents(office, E1, NOW).entries
    e2 = Feed(id="F3", owner_kind=FeedOwner.EXPERT, owner_id="E2", language=FeedLanguage.BOTH)
    (kept,) = read_contents(office, e2, NOW).entries
    assert (left.status, left.sequence) == ("reassigned", 1)
    assert (kept.status, kept.sequence) == ("confirmed", 1)
    assert told(office, E1) > seen[0]
    assert told(office, O1) > seen[1]


@pytest.mark.check(8)
def test_hours_and_absences_of_an_expert_change_nothing_that_calendars_show(
    office: Database,
) -> None:
    """Neither DTSTAMP nor ETag, of the expert or of whom the expert serves."""
    before = [render_feed(office, feed, NOW) for feed in (E1, O1)]
    number = current_revision(office)
    draft = AvailabilityDraft(weekly_hours=WEDNESDAYS * 2, absences=())
    set_availability(office, office.get_one(Expert, "E1"), draft, NOW + dt.timedelta(hours=1))
    office.commit()
    assert [render_feed(office, feed, NOW) for feed in (E1, O1)] == before
    assert current_revision(office) == number


def add_session(db: Database) -> None:
    db.add(session("S2", NOW + dt.timedelta(days=9), number=2))


def cancel(db: Database) -> None:
    db.get_one(Session, "S1").status = SessionStatus.CANCELLED


def depart(db: Database) -> None:
    moment = {"start_at": NOW, "end_at": NOW + SECOND, "sequence": 1, "revised_at": NOW}
    db.add(SessionDeparture(session_id="S1", expert_id="E2", **moment))


def review(db: Database) -> None:
    db.get_one(Application, "A1").purpose = "review"  # type: ignore[assignment]


def qualify(db: Database) -> None:
    db.get_one(Expert, "E1").qualifications = ()


def move_all(db: Database) -> None:
    db.execute(update(Session).values(place_ja="別の会議室"))


def hold(db: Database) -> None:
    db.get_one(Session, "S1").status = SessionStatus.HELD


def give_hours(db: Database) -> None:
    db.get_one(Expert, "E1").weekly_hours = ()


def give_a_telephone(db: Database) -> None:
    db.get_one(Organization, "O1").contact_phone = "03-0000-0000"


def lengthen(db: Database) -> None:
    db.get_one(Engagement, "A1").max_gap_days += 1


def change_nothing(db: Database) -> None:
    row = db.get_one(Session, "S1")
    row.place_ja = str(row.place_ja)


@pytest.mark.parametrize(
    "change",
    [
        move,
        relocate,
        rename_organization,
        rename_expert,
        reword,
        add_session,
        cancel,
        depart,
        review,
        qualify,
        move_all,
    ],
)
def test_whatever_calendars_show_raises_the_number_once(office: Database, change: Change) -> None:
    before = current_revision(office)
    change(office)
    office.flush()
    assert current_revision(office) == before, "with the last statement of the transaction"
    office.commit()
    assert current_revision(office) == before + 1


@pytest.mark.parametrize("change", [hold, give_hours, give_a_telephone, lengthen, change_nothing])
def test_whatever_calendars_do_not_show_leaves_the_number(office: Database, change: Change) -> None:
    before = current_revision(office)
    change(office)
    office.commit()
    assert current_revision(office) == before


def test_what_is_taken_back_is_not_counted(office: Database) -> None:
    before = current_revision(office)
    move(office)
    office.flush()
    office.rollback()
    hold(office)
    office.commit()
    assert current_revision(office) == before


def test_a_savepoint_counts_with_its_transaction(office: Database) -> None:
    before = current_revision(office)
    with office.begin_nested():
        move(office)
    assert current_revision(office) == before
    relocate(office)
    office.commit()
    assert current_revision(office) == before + 1


def test_the_number_is_the_last_thing_that_a_transaction_writes(office: Database) -> None:
    """So whoever waits for it waits for a commit, and is waited for by nobody."""
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("SELECT"):
            written.append(statement.split(" (", maxsplit=1)[0])

    event.listen(office.get_bind(), "before_cursor_execute", note)
    move(office)
    rename_expert(office)
    office.flush()
    relocate(office)
    office.commit()
    assert written[-1] == "INSERT INTO calendar_revisions"
    assert written.count("INSERT INTO calendar_revisions") == 1


@pytest.fixture
def sessions(office: Database, engine: Engine) -> sessionmaker[Database]:
    office.close()
    return session_factory(engine)


def test_many_who_write_at_once_are_all_counted(sessions: sessionmaker[Database]) -> None:
    with sessions() as db:
        before = current_revision(db)
    start = threading.Barrier(4, timeout=30)
    failed: list[BaseException] = []

    def write(kind: type[Expert] | type[Organization], name: str) -> None:
        try:
            start.wait()
            for number in range(5):
                with sessions.begin() as db:
                    record = db.get_one(kind, name)
                    assert isinstance(record, Expert | Organization)
                    record.name_en = f"{name} {number}"
                    db.flush()
        except BaseException as error:
            failed.append(error)

    writers = ((Expert, "E1"), (Expert, "E2"), (Organization, "O1"), (Organization, "O2"))
    threads = [threading.Thread(target=write, args=each) for each in writers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed
    with sessions() as db:
        assert current_revision(db) == before + 20


def test_moments_follow_each_other_by_whole_seconds() -> None:
    assert following(NOW, None) == NOW
    assert following(NOW, NOW - SECOND) == NOW
    assert following(NOW, WHOLE) == WHOLE + SECOND
    assert following(NOW, WHOLE + 5 * SECOND, None, NOW) == WHOLE + 6 * SECOND
