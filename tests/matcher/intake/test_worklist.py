from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session as Database

from matcher.clock import TOKYO
from matcher.intake.worklist import OverdueForecast, WorkList, work_list
from matcher.models import (
    Answer,
    AnswerSource,
    Application,
    ApplicationState,
    Interview,
    Programme,
    RequirementAnswer,
)
from matcher.programme import ProgrammeRules, RequirementKind
from tests.matcher import rows


def september(day: int, hour: int = 12, month: int = 9) -> dt.datetime:
    return dt.datetime(2025, month, day, hour, tzinfo=TOKYO)


NOW = september(10)
"""A Wednesday. Monday the 15th is a holiday; the last ten business days began on 27 August."""


@pytest.fixture
def office(db: Database, programme: ProgrammeRules) -> Database:
    """A database with the programme and one organization."""
    db.add(rows.organization())
    db.flush()
    return db


def add_open(
    db: Database,
    id: str,
    due_on: dt.date,
    *,
    state: str = "submitted",
    programme_id: str = "tokyo-2025",
) -> Application:
    application = rows.application(id)
    application.state, application.programme_id = ApplicationState(state), programme_id
    application.interview = Interview(due_on=due_on)
    db.add(application)
    db.flush()
    return application


def add_held(
    db: Database, *moments: dt.datetime, programme_id: str = "tokyo-2025", state: str = "accepted"
) -> None:
    for moment in moments:
        id = f"held-{programme_id}-{moment:%m-%d-%H-%M}"
        held = add_open(db, id, moment.date(), state=state, programme_id=programme_id)
        assert held.interview is not None
        held.interview.held_at = moment
    db.flush()


def add_pace(db: Database, number: int, programme_id: str = "tokyo-2025") -> None:
    """So many interviews held in the last ten business days."""
    minutes = (dt.timedelta(minutes=each) for each in range(number))
    add_held(db, *(september(9) + each for each in minutes), programme_id=programme_id)


def reached(found: WorkList) -> list[dt.date | None]:
    return [each.reached_on for each in found.items]


def day(number: int) -> dt.date:
    return dt.date(2025, 9, number)


def test_open_interviews_are_listed_by_urgency_with_the_business_days_left(
    office: Database,
) -> None:
    add_open(office, "tuesday", day(16))
    add_open(office, "today", day(10), state="assessed")
    add_open(office, "late", day(8))
    found = work_list(office, NOW)
    assert [(e.application.id, e.business_days_left, e.overdue) for e in found.items] == [
        ("late", -2, True),
        ("today", 0, False),
        ("tuesday", 3, False),
    ]


def test_what_is_due_on_one_day_comes_in_the_order_of_submission(office: Database) -> None:
    add_open(office, "first", day(12)).submitted_at = september(5)
    add_open(office, "second", day(12)).submitted_at = september(5, 13)
    add_open(office, "before", day(12)).submitted_at = september(4)
    office.flush()
    found = work_list(office, NOW)
    assert [each.application.id for each in found.items] == ["before", "first", "second"]


@pytest.mark.parametrize("state", ["interviewed", "accepted", "declined", "withdrawn"])
def test_an_application_that_waits_for_no_interview_is_not_listed(
    office: Database, state: str
) -> None:
    add_open(office, "A1", day(12), state=state)
    assert work_list(office, NOW).items == ()


def test_what_is_still_to_be_asked_are_the_requirements_without_an_answer_that_counts(
    office: Database, programme: ProgrammeRules
) -> None:
    application = add_open(office, "A1", day(12))
    application.organization.corporate_number = "3999905000001"
    asked = [each for each in programme.requirements if each.kind != RequirementKind.MACHINE]
    for requirement in asked[1:]:
        application.answers.append(
            RequirementAnswer(
                requirement_id=requirement.id,
                answer=Answer.MET,
                source=AnswerSource.VERIFIED,
                answered_by="小野寺 都",
                answered_at=NOW,
            )
        )
    office.commit()
    office.expire_all()
    (item,) = work_list(office, NOW).items
    assert item.still_to_ask == (asked[0],)


def test_the_pace_is_what_was_held_in_the_last_ten_business_days_before_today(
    office: Database,
) -> None:
    add_held(office, september(26, 23, 8), september(10, 9))
    assert work_list(office, NOW).held == 0
    add_held(office, september(27, 0, 8), september(6), september(9, 23))
    assert work_list(office, NOW).held == 3


def test_an_interview_counts_for_the_pace_whatever_became_of_the_application(
    office: Database,
) -> None:
    add_held(office, september(9), state="withdrawn")
    assert work_list(office, NOW).held == 1


@pytest.mark.parametrize(
    ("pace", "days"),
    [
        pytest.param(20, [10, 10, 11, 11], id="two a day"),
        pytest.param(10, [10, 11, 12, 16], id="one a day, and none on the holiday"),
        pytest.param(15, [10, 11, 11, 12], id="three in two days"),
        pytest.param(4, [12, 17, 22, 25], id="four in ten days, none on the two holidays"),
    ],
)
def test_interviews_are_reached_in_their_order_at_the_pace_from_today_on(
    office: Database, pace: int, days: list[int]
) -> None:
    add_pace(office, pace)
    for number in range(4):
        add_open(office, f"A{number}", day(8 + number))
    assert reached(work_list(office, NOW)) == [day(each) for each in days]


def test_on_a_day_off_the_first_is_reached_on_the_next_business_day(office: Database) -> None:
    add_pace(office, 10)
    add_open(office, "A1", day(17))
    assert reached(work_list(office, september(13))) == [day(16)]


def test_the_forecast_says_how_many_will_be_overdue_by_when(office: Database) -> None:
    add_pace(office, 10)
    for number, due in enumerate((8, 10, 10, 16, 16)):
        add_open(office, f"A{number}", day(due))
    found = work_list(office, NOW)
    assert reached(found) == [day(10), day(11), day(12), day(16), day(17)]
    assert [each.will_be_late for each in found.items] == [True, True, True, False, True]
    assert found.forecast == (
        OverdueForecast(day(10), 2),
        OverdueForecast(day(16), 1),
    )


def test_where_nobody_calls_there_is_no_day_and_all_will_be_late(office: Database) -> None:
    add_open(office, "A1", day(8))
    add_open(office, "A2", day(12))
    found = work_list(office, NOW)
    assert found.held == 0
    assert reached(found) == [None, None]
    assert all(each.will_be_late for each in found.items)
    assert found.forecast == (OverdueForecast(day(10), 1), OverdueForecast(day(12), 2))


def test_what_is_not_reached_within_a_year_has_no_day(office: Database) -> None:
    add_pace(office, 1)
    for number in range(26):
        add_open(office, f"A{number:02}", day(12))
    found = reached(work_list(office, NOW))
    assert found[20] is not None
    assert found[25] is None


def test_a_list_of_three_takes_no_more_queries_than_a_list_of_one(office: Database) -> None:
    statements: list[object] = []
    event.listen(office.get_bind(), "before_cursor_execute", lambda *own: statements.append(own))
    counted = []
    for ids in (("A1",), ("A2", "A3")):
        for id in ids:
            add_open(office, id, day(12))
        office.commit()
        office.expunge_all()
        statements.clear()
        assert work_list(office, NOW).items
        counted.append(len(statements))
    assert counted[0] == counted[1]


def test_a_list_of_nothing_is_empty(office: Database) -> None:
    found = work_list(office, NOW)
    assert (found.items, found.forecast) == ((), ())


def test_one_programme_is_listed_with_its_own_pace_and_all_with_every_closure(
    office: Database, programme: ProgrammeRules
) -> None:
    closures = programme.closures.model_copy(update={"days": (day(11),)})
    other = programme.model_copy(update={"id": "other", "closures": closures})
    office.add(Programme(id="other", rules=other))
    office.flush()
    add_pace(office, 10)
    add_pace(office, 5, "other")
    add_open(office, "A1", day(12))
    add_open(office, "A2", day(12), programme_id="other")

    own = work_list(office, NOW, "tokyo-2025")
    assert ([each.application.id for each in own.items], own.held) == (["A1"], 10)
    assert [each.business_days_left for each in own.items] == [2]
    both = work_list(office, NOW)
    assert ([each.application.id for each in both.items], both.held) == (["A1", "A2"], 15)
    assert [each.business_days_left for each in both.items] == [1, 1]
    assert work_list(office, NOW, "unknown").items == ()
