"""Why a plan changes what is published: each kind of reason, checked by the oracle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy.orm import Session as Database

from matcher.database import create_database_engine, session_factory
from matcher.models import (
    ApplicationAbsence,
    ConflictOfInterest,
    Engagement,
    Expert,
    ExpertAbsence,
    Pin,
    Programme,
    WeeklyHours,
)
from matcher.planning.comparing.change_words import span_words
from matcher.planning.comparing.differences import ChangeKind, ServiceChange
from matcher.planning.comparing.reasons import ReasonKind, Span
from matcher.programme import Words
from tests.matcher.planning.plans import Wanted, standing_sessions
from tests.matcher.planning.published import (
    A1_MOVES,
    BATHS,
    FIRST,
    INNS,
    LATER,
    MOVES,
    MOVES_JA,
    NOW,
    compared,
    kinds,
    publish_first,
    publish_plan,
    sentence,
    sentences,
    set_rules,
    set_weights,
    wall,
)


@pytest.fixture
def published(sqlite_url: str) -> Iterator[Database]:
    """What is published at first; no reason depends on the database, so that one is enough."""
    engine = create_database_engine(sqlite_url)
    with session_factory(engine)() as db:
        publish_first(db)
        yield db
    engine.dispose()


@pytest.mark.parametrize(
    ("start", "end", "en", "ja"),
    [
        ("10-22T00:00", "10-23T00:00", "on Wed 22 Oct", "10月22日(水)は終日"),
        (
            "10-22T09:00",
            "10-22T12:30",
            "on Wed 22 Oct 09:00–12:30",
            "10月22日(水)09:00から12:30まで",
        ),
        ("10-22T00:00", "11-01T00:00", "22–31 Oct", "10月22日から31日まで"),
        ("10-22T00:00", "11-03T00:00", "22 Oct – 2 Nov", "10月22日から11月2日まで"),
        (
            "10-22T09:00",
            "10-23T12:00",
            "from Wed 22 Oct 09:00 to Thu 23 Oct 12:00",
            "10月22日(水)09:00から10月23日(木)12:00まで",
        ),
    ],
)
def test_an_absence_is_told_in_days_or_hours(
    published: Database, start: str, end: str, en: str, ja: str
) -> None:
    published.add(
        ApplicationAbsence(
            application_id="A1", start_at=wall(f"2025-{start}"), end_at=wall(f"2025-{end}")
        )
    )
    moved = {"A1": ("E1", ("2025-10-01T10:00", "2025-11-05T10:00"))}
    told, told_ja = sentence(compared(published, moved))

    assert told.endswith(f" because the organization is not free {en}.")
    assert told_ja.endswith(f"団体が{ja}受け入れできないためです。")


@pytest.mark.parametrize(
    ("start", "end", "en", "ja"),
    [
        (
            "2025-11-01",
            "2026-11-21",
            "1 Nov 2025 to 20 Nov 2026",
            "2025年11月1日から2026年11月20日まで",
        ),
        (
            "2025-11-01",
            "2026-02-01",
            "1 Nov 2025 to 31 Jan 2026",
            "2025年11月1日から2026年1月31日まで",
        ),
    ],
)
def test_an_absence_into_another_year_names_both(start: str, end: str, en: str, ja: str) -> None:
    first, last = dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end)
    assert span_words(Span(first, last)) == Words(ja=ja, en=en)


def test_a_session_moves_to_make_room_for_another(published: Database) -> None:
    published.get_one(Expert, "E1").max_per_day = 3
    room = {"A3": ("E1", ("2025-10-08T10:00", "2025-10-22T10:00"))}
    found = compared(published, A1_MOVES | room)

    told = next(found.sessions)
    assert told.sentence.en == (
        f"{MOVES} to make room for A3 session 2, which Ichiro (E1) holds at that time."
    )
    assert told.sentence.ja == (
        f"{MOVES_JA}その時間に一郎さん(E1)がA3の第2回を担当することになるためです。"
    )


def test_a_session_moves_where_no_time_to_travel_is_left(published: Database) -> None:
    published.get_one(Expert, "E1").max_per_day = 3
    room = {"A3": ("E1", ("2025-10-08T10:00", "2025-10-22T11:00"))}
    found = compared(published, A1_MOVES | room)

    assert next(found.sessions).sentence.en == (
        f"{MOVES} to make room for A3 session 2, which Ichiro (E1) holds that day, with too "
        "little time to travel between."
    )


@pytest.mark.parametrize(
    ("cap", "room", "en", "kind"),
    [
        (
            {"max_per_day": 2},
            "2025-10-22T16:00",
            "that day, and no more than 2 a day",
            ReasonKind.DAY_FULL,
        ),
        (
            {"max_per_day": 9, "max_per_week": 2},
            "2025-10-22T16:00",
            "that week, and no more than 2 a week",
            ReasonKind.WEEK_FULL,
        ),
    ],
)
def test_a_session_moves_where_the_caps_of_its_expert_leave_no_room(
    published: Database, cap: Mapping[str, int], room: str, en: str, kind: ReasonKind
) -> None:
    expert = published.get_one(Expert, "E1")
    for name, limit in cap.items():
        setattr(expert, name, limit)
    published.get_one(Engagement, "A3").session_minutes = (60, 60)
    moved = {"A1": ("E1", ("2025-10-01T10:00", "2025-10-29T10:00"))}
    found = compared(published, moved | {"A3": ("E1", ("2025-10-08T10:00", room))})

    told = next(found.sessions)
    assert told.sentence.en == (
        f"{MOVES} because Ichiro (E1) holds A2 session 2 and A3 session 2 {en}."
    )
    assert kinds(found)["A1", 2] == (kind,)


def test_a_session_is_dropped_where_its_expert_may_hold_no_more(published: Database) -> None:
    published.get_one(Expert, "E1").max_total = 4
    dropped = {"A1": ("E1", ("2025-10-01T10:00",)), "A3": ("E1", ("2025-10-08T10:00",))}
    told = next(compared(published, dropped).sessions)

    assert told.sentence.en == (
        f"Session 2 of A1 ({INNS}) on Wed 22 Oct 10:00, with Ichiro (E1), is dropped because "
        "other sessions take up all of the 4 that Ichiro (E1) holds in the year."
    )
    assert told.sentence.ja == (
        "A1(架空旅館)の第2回の派遣(10月22日(水)10:00、担当は一郎さん(E1))がなくなります。"
        "一郎さん(E1)の事業全体での上限(4回)に、ほかの派遣で達するためです。"
    )


def test_a_session_that_follows_another_moves_to_keep_the_gap(published: Database) -> None:
    published.add(
        ExpertAbsence(
            expert_id="E1", start_at=wall("2025-10-01T09:00"), end_at=wall("2025-10-01T12:00")
        )
    )
    moved = {"A1": ("E1", ("2025-10-15T10:00", "2025-10-29T10:00"))}
    first, second = sentences(compared(published, moved))

    assert "is away on Wed 1 Oct 09:00–12:00." in first
    assert second == (
        f"{MOVES} because 14 to 35 days are to lie between it and session 1 (Wed 15 Oct 10:00)."
    )


def test_a_gap_that_is_no_longer_wanted_is_a_reason(published: Database) -> None:
    engagement = published.get_one(Engagement, "A1")
    engagement.min_gap_days, engagement.target_gap_days = 28, 28
    told, told_ja = sentence(compared(published, A1_MOVES))

    assert told == (
        f"{MOVES} because 28 to 35 days are to lie between it and session 1 (Wed 1 Oct 10:00)."
    )
    assert told_ja == f"{MOVES_JA}第1回(10月1日(水)10:00)との間隔を28日から35日にするためです。"


def test_a_session_outside_of_the_days_open_to_it_moves(published: Database) -> None:
    published.get_one(Engagement, "A1").earliest = dt.date(2025, 10, 8)
    moved = {"A1": ("E1", ("2025-10-08T10:00", "2025-10-22T10:00"))}
    told, _ = sentence(compared(published, moved))

    assert told.endswith(
        " because its old day lies outside the days open to it, 8 Oct 2025 to 13 Mar 2026."
    )


def test_a_session_outside_of_new_hours_moves(published: Database) -> None:
    afternoons = (WeeklyHours(weekday="wed", opens=dt.time(13), closes=dt.time(17)),)
    published.get_one(Engagement, "A1").application.weekly_hours = afternoons
    published.get_one(Expert, "E2").weekly_hours = afternoons
    moved = {"A1": ("E2", ("2025-10-01T13:00", "2025-10-22T13:00"))}
    for told in compared(published, moved).sessions:
        assert told.sentence.en.endswith(
            "goes from Ichiro (E1) to Jiro (E2) because its old time lies outside the "
            "organization's weekly hours."
        )


def test_hours_of_the_expert_that_end_are_a_reason(published: Database) -> None:
    afternoons = (WeeklyHours(weekday="wed", opens=dt.time(12), closes=dt.time(17)),)
    published.get_one(Expert, "E1").weekly_hours = afternoons
    moved = {"A1": ("E1", ("2025-10-08T12:00", "2025-10-29T12:00"))}
    for told in compared(published, moved).sessions:
        assert told.sentence.en.endswith(
            " because its old time lies outside the weekly hours of Ichiro (E1)."
        )


def test_where_no_rule_asks_for_a_change_it_says_what_it_saves(published: Database) -> None:
    publish_plan(published, FIRST | {"A1": ("E1", ("2025-10-01T10:00", "2025-11-05T10:00"))}, LATER)
    set_weights(published, gap_per_day=10)
    told, told_ja = sentence(compared(published, {}))

    assert told.endswith(", though no rule asks for it: it saves 100.")
    assert told_ja.endswith("規則上必要な変更ではありませんが、計画の費用が100下がります。")


def test_a_change_that_saves_nothing_is_called_so(published: Database) -> None:
    told, told_ja = sentence(compared(published, A1_MOVES))

    assert told == f"{MOVES}, though no rule asks for it and it saves nothing: it costs 47 more."
    assert told_ja == f"{MOVES_JA}規則上必要な変更ではなく、計画の費用は47上がります。"


def test_a_change_that_costs_what_it_saves_is_called_so(published: Database) -> None:
    set_weights(published, gap_per_day=0, move=0)
    told, told_ja = sentence(compared(published, A1_MOVES))

    assert told == f"{MOVES}, though no rule asks for it and it saves nothing."
    assert told_ja == f"{MOVES_JA}規則上必要な変更ではなく、計画の費用も変わりません。"


def test_changes_that_save_only_together_are_priced_together(published: Database) -> None:
    late: Wanted = {"A1": ("E1", ("2025-10-08T10:00", "2025-11-05T10:00"))}
    publish_plan(published, FIRST | late, LATER)
    set_weights(published, gap_per_day=50)
    found = compared(published, {})

    assert all(
        each.endswith("with the engagement's other changes it saves 277.")
        for each in sentences(found)
    )
    assert set(kinds(found).values()) == {(ReasonKind.SAVES_TOGETHER,)}


def test_a_session_on_a_day_that_is_closed_now_moves(published: Database) -> None:
    closures = published.get_one(Programme, "tokyo-2025").rules.closures
    set_rules(published, closures=closures.model_copy(update={"days": (dt.date(2025, 10, 22),)}))
    later = {id: ("E1", (one, f"2025-10-29{two[10:]}")) for id, (_, (one, two)) in FIRST.items()}
    found = compared(published, later)

    assert sentences(found)[0] == f"{MOVES} because Wed 22 Oct is a closed day."


def test_a_session_outside_of_a_new_implementation_period_moves(published: Database) -> None:
    period = published.get_one(Programme, "tokyo-2025").rules.implementation_period
    shorter = period.model_copy(update={"last_day": dt.date(2025, 10, 15)})
    set_rules(published, implementation_period=shorter)
    earlier = {id: ("E1", (one, f"2025-10-15{two[10:]}")) for id, (_, (one, two)) in FIRST.items()}
    first, _ = compared(published, earlier).sessions

    assert [each.kind for each in first.reasons] == [
        ReasonKind.OUTSIDE_PERIOD,
        ReasonKind.OUTSIDE_WINDOW,
    ]


def test_a_session_off_a_coarser_grid_moves(published: Database) -> None:
    half_past: Wanted = {"A1": ("E1", ("2025-10-01T10:00", "2025-10-22T10:30"))}
    publish_plan(published, FIRST | half_past, LATER)
    set_rules(published, slot_minutes=60)
    told, _ = sentence(compared(published, {}))

    assert told.endswith(" because its old time is none at which sessions of the programme begin.")


def test_an_engagement_that_is_newly_served_says_what_it_is_worth(published: Database) -> None:
    served = {"A3": ("E2", ("2025-10-08T10:00", "2025-10-29T10:00"))}
    found = compared(published, served)

    (engagement,) = found.engagements
    assert engagement.change.service is ServiceChange.NEWLY_SERVED
    assert engagement.sentence is not None
    assert engagement.sentence.en.startswith(
        f"A3 ({BATHS}) is newly served: 2 sessions with Jiro (E2), the first on Wed 8 Oct 10:00; "
        "without what is added the plan would cost "
    )
    assert engagement.sentence.ja.startswith(
        "A3(架空浴場)に新たに2回派遣します。担当は二郎さん(E2)、第1回は10月8日(水)10:00です。"
    )
    assert (found.disturbed.count, found.count_sessions(ChangeKind.ADDED)) == (0, 2)


def test_an_engagement_that_is_no_longer_served_says_why(published: Database) -> None:
    published.add(ConflictOfInterest(expert_id="E1", organization_id="O1", reason="顧問先"))
    found = compared(published, {"A1": None})

    (engagement,) = found.engagements
    assert engagement.change.service is ServiceChange.NO_LONGER_SERVED
    assert engagement.sentence is not None
    assert engagement.sentence.en == (
        f"A1 ({INNS}) is no longer served: 2 sessions with Ichiro (E1) dropped because "
        "Ichiro (E1) is no candidate for it any more: has a conflict of interest with the "
        "organization (顧問先)."
    )
    assert engagement.sentence.ja == (
        "A1(架空旅館)への派遣(2回、担当は一郎さん(E1))がなくなります。"
        "一郎さん(E1)がこの団体の候補者から外れているためです"
        "(この団体と利害関係があります(顧問先))。"
    )


def test_of_an_engagement_that_need_not_be_dropped_whole_it_is_said(published: Database) -> None:
    published.add(
        ExpertAbsence(
            expert_id="E1", start_at=wall("2025-10-22T09:00"), end_at=wall("2025-10-22T12:00")
        )
    )
    (engagement,) = compared(published, {"A1": None}).engagements

    assert engagement.sentence is not None
    assert engagement.sentence.en.endswith(
        "is away on Wed 22 Oct 09:00–12:00. No rule asks for dropping session 1."
    )
    assert engagement.sentence.ja.endswith("第1回は、規則上なくす必要がありません。")


def test_an_engagement_dropped_for_nothing_says_what_that_costs(published: Database) -> None:
    (engagement,) = compared(published, {"A1": None}).engagements

    assert engagement.sentence is not None
    assert "though no rule asks for it and it saves nothing: it costs 3," in engagement.sentence.en


def test_sessions_go_with_the_one_that_its_expert_cannot_hold(published: Database) -> None:
    published.add(
        ExpertAbsence(
            expert_id="E1", start_at=wall("2025-10-22T09:00"), end_at=wall("2025-10-22T12:00")
        )
    )
    found = compared(published, {"A1": ("E2", FIRST["A1"][1])})

    first, second = found.sessions
    assert first.sentence.en == (
        f"Session 1 of A1 ({INNS}) on Wed 1 Oct 10:00 goes from Ichiro (E1) to Jiro (E2) because "
        "one expert serves all sessions that are not fixed, and session 2 cannot stay with "
        "Ichiro (E1)."
    )
    assert "第2回を一郎さん(E1)のままにできないためです。" in first.sentence.ja
    assert second.reasons[0].kind is ReasonKind.EXPERT_AWAY
    assert (found.experts_changed, found.count_sessions(ChangeKind.HANDED_OVER)) == (1, 2)
    assert found.disturbed.experts == ("E1",)


def test_a_session_after_one_that_is_dropped_is_dropped_too(published: Database) -> None:
    engagement = published.get_one(Engagement, "A3")
    engagement.session_minutes = (60, 60, 60)
    three = ("2025-10-08T10:00", "2025-10-29T10:00", "2025-11-19T10:00")
    publish_plan(published, FIRST | {"A3": ("E2", three)}, LATER)
    published.add(
        ExpertAbsence(
            expert_id="E2", start_at=wall("2025-10-29T00:00"), end_at=wall("2025-10-30T00:00")
        )
    )
    found = compared(published, {"A3": ("E2", three[:1])})

    assert kinds(found) == {
        ("A3", 2): (ReasonKind.EXPERT_AWAY,),
        ("A3", 3): (ReasonKind.IN_ORDER,),
    }
    assert sentences(found)[1].endswith("is dropped because session 2, before it, is dropped.")


def test_a_session_that_is_put_back_is_put_back_with_its_own_expert(published: Database) -> None:
    engagement = published.get_one(Engagement, "A3")
    engagement.session_minutes = (60, 60, 60)
    three = ("2025-10-08T10:00", "2025-10-29T10:00", "2025-11-19T10:00")
    publish_plan(published, FIRST | {"A3": ("E2", three)}, LATER)
    first = standing_sessions(published)["A3", 1]
    first.expert_id = "E1"
    published.add_all(
        [
            Pin(
                programme_id="tokyo-2025",
                kind="session",
                engagement_id="A3",
                session_id=first.id,
                created_at=NOW,
                created_by="planner",
            ),
            ConflictOfInterest(expert_id="E1", organization_id="O3", reason="顧問先"),
            ExpertAbsence(
                expert_id="E2", start_at=wall("2025-11-19T00:00"), end_at=wall("2025-11-20T00:00")
            ),
        ]
    )
    found = compared(published, {"A3": ("E1", three[:1])})

    assert kinds(found) == {("A3", 2): (ReasonKind.SAVES,), ("A3", 3): (ReasonKind.EXPERT_AWAY,)}
    assert (found.experts_changed, found.count_sessions(ChangeKind.DROPPED)) == (0, 2)


def test_other_lengths_and_places_are_what_is_asked_for_now(published: Database) -> None:
    engagement = published.get_one(Engagement, "A1")
    engagement.session_minutes = (120, 90)
    engagement.municipality_code = None
    engagement.meeting_url = "https://meet.example/a1"
    found = compared(published, {})

    first, second = found.sessions
    assert first.sentence.en == (
        f"Session 1 of A1 ({INNS}) on Wed 1 Oct 10:00 takes place online instead of in Chiyoda "
        "because that is where its sessions are to be held now."
    )
    assert second.sentence.en == (
        f"Session 2 of A1 ({INNS}) on Wed 22 Oct 10:00 lasts 90 minutes instead of 60 because "
        "90 minutes are asked for now. It takes place online instead of in Chiyoda because "
        "that is where its sessions are to be held now."
    )
    assert second.sentence.ja == (
        "A1(架空旅館)の第2回の派遣(10月22日(水)10:00)は、時間が60分から90分に変わります。"
        "希望の時間が90分となったためです。場所が千代田区からオンラインに変わります。"
        "この派遣案件の実施場所が変わったためです。"
    )


def test_sessions_that_are_no_longer_wanted_are_dropped(published: Database) -> None:
    published.get_one(Engagement, "A1").session_minutes = (120,)
    found = compared(published, {"A1": ("E1", ("2025-10-01T10:00",))})

    assert sentence(found)[0].endswith("is dropped because at most 1 session may be held now.")
    assert found.cost is not None
    assert [each.rule for each in found.cost.before_broken] == ["session_count"]


def test_fixed_sessions_keep_their_expert_for_the_rest(published: Database) -> None:
    session = standing_sessions(published)["A1", 2]
    session.expert_id = "E2"
    first = standing_sessions(published)["A1", 1]
    published.add(
        Pin(
            programme_id="tokyo-2025",
            kind="session",
            engagement_id="A1",
            session_id=first.id,
            created_at=NOW,
            created_by="planner",
        )
    )
    found = compared(published, {})

    assert sentence(found)[0].endswith(
        "goes from Jiro (E2) to Ichiro (E1) because Ichiro (E1), who holds its fixed sessions, "
        "goes on with it."
    )


def test_sessions_of_several_experts_come_to_one(published: Database) -> None:
    standing_sessions(published)["A1", 2].expert_id = "E2"
    found = compared(published, {})

    assert kinds(found) == {("A1", 2): (ReasonKind.SEVERAL_EXPERTS,)}
    assert found.cost is not None
    assert "one_expert" in {each.rule for each in found.cost.before_broken}
