"""Invitations through a real mail server, from a real database, as calendar programs take them."""

from __future__ import annotations

import datetime as dt
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select, update

from matcher.calendars.feed import render_feed
from matcher.calendars.identity import uid_of
from matcher.calendars.subscriptions import create_feed
from matcher.errors import Conflict
from matcher.invitations.queueing import queue_again
from matcher.invitations.sending import MOST_ATTEMPTS, RETRY_AT_MOST, RETRY_EVERY, Inviter
from matcher.models import (
    CalendarBy,
    Expert,
    FeedLanguage,
    FeedOwner,
    Invitation,
    InvitationMethod,
    InvitationState,
    Reply,
    Session,
)
from matcher.models import Programme as Programme_
from matcher.notices.smtp import Fate, Outcome
from tests.clients.programs import read_with_ical_js
from tests.clients.strict import INVITATION, Component, read_strictly
from tests.matcher import rows
from tests.matcher.invitations.conftest import Programme
from tests.matcher.invitations.test_queueing import hand_over
from tests.post_office import PostOffice, free_port


def event_part(message: EmailMessage) -> EmailMessage:
    """The part by which a calendar program acts: the last one of an alternative."""
    assert message.get_content_type() == "multipart/alternative"
    *_, part = message.iter_parts()
    assert isinstance(part, EmailMessage)
    assert part.get_content_type() == "text/calendar"
    return part


def calendar_of(message: EmailMessage) -> Component:
    content = event_part(message).get_payload(decode=True)
    assert isinstance(content, bytes)
    return read_strictly(content, INVITATION)


def event_of(message: EmailMessage) -> Component:
    (event,) = calendar_of(message).named("VEVENT")
    return event


def feed_event(programme: Programme, expert_id: str) -> Component:
    """The session in the expert's feed at the same moment."""
    with programme.sessions.begin() as db:
        feed, _ = create_feed(db, FeedOwner.EXPERT, expert_id, FeedLanguage.BOTH, programme.clock())
        (event,) = read_strictly(render_feed(db, feed, programme.clock()).content).named("VEVENT")
    return event


@pytest.mark.check(6)
@pytest.mark.check(27)
def test_a_request_is_what_calendar_programs_take_in(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    programme.move(days=7)
    inviter.send_waiting()
    (message,) = office.messages()
    assert office.received[0].rcpt_tos == ["taro@experts.example"]
    part = event_part(message)
    assert part.get_param("method") == "REQUEST"
    assert part.get_content_charset() == "utf-8"
    assert part["Content-Transfer-Encoding"] == "base64"
    calendar = calendar_of(message)
    assert calendar["METHOD"].value == "REQUEST"
    assert len(calendar.named("VTIMEZONE")) == 1

    (event,) = calendar.named("VEVENT")
    there = feed_event(programme, "E1")
    for name in ("UID", "SEQUENCE", "DTSTART", "DTEND", "DTSTAMP", "SUMMARY", "STATUS"):
        assert event[name].value == there[name].value
    assert event["SEQUENCE"].value == "1"
    assert event["ORGANIZER"].value == "mailto:office@dispatch.example.jp"
    assert message["From"].addresses[0].addr_spec == "office@dispatch.example.jp"
    assert event["ATTENDEE"].value == "mailto:taro@experts.example"
    assert event["ATTENDEE"].parameters.endswith(";RSVP=TRUE")


@pytest.mark.check(27)
def test_a_cancellation_withdraws_what_was_sent(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    programme.cancel()
    inviter.send_waiting()
    request, cancel = office.messages()
    assert event_part(cancel).get_param("method") == "CANCEL"
    assert calendar_of(cancel)["METHOD"].value == "CANCEL"
    assert len(calendar_of(cancel).named("VTIMEZONE")) == 1
    event = event_of(cancel)
    assert event["UID"].value == event_of(request)["UID"].value == uid_of("S1")
    assert event["STATUS"].value == "CANCELLED"
    assert event["SEQUENCE"].value == "1"
    assert event["ATTENDEE"].value == "mailto:taro@experts.example"
    assert "RSVP" not in event["ATTENDEE"].parameters
    assert "中止" in cancel["Subject"]
    assert "架空 太郎 様" in plain(cancel)
    assert "The event can be taken out of your calendar." in plain(cancel)


def plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


def test_the_words_say_what_when_where_and_with_whom(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    (message,) = office.messages()
    assert message["Subject"] == (
        "【専門家派遣】第1回 日程のお知らせ(10月1日) / Session arranged: session 1, 1 Oct"
    )
    japanese, english = plain(message).split("-" * 72)
    for told in (
        "日程が決まりました",
        "日時: 10月1日(水)10:00~12:00",
        "東京架空旅館協同組合",
        "会場",
    ):
        assert told in japanese
    for told in ("been arranged", "When: Wed 1 Oct 10:00–12:00 (Japan time)", "Imaginary"):
        assert told in english


def test_ical_js_shows_it_as_the_database_holds_it(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    (message,) = office.messages()
    content = event_part(message).get_payload(decode=True)
    assert isinstance(content, bytes)
    (seen,) = read_with_ical_js(content)
    assert (seen.start_at, seen.cancelled) == (rows.MORNING, False)


def test_who_loses_a_session_is_to_cancel_it_and_who_gets_it_to_add_it(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.want(CalendarBy.MAIL, "E2")
    programme.arrange()
    inviter.send_waiting()
    hand_over(programme)
    inviter.send_waiting()
    told = {each["To"].addresses[0].addr_spec: event_of(each) for each in office.messages()[1:]}
    assert told["taro@experts.example"]["STATUS"].value == "CANCELLED"
    assert told["jiro@experts.example"]["STATUS"].value == "CONFIRMED"
    sequences = {each["SEQUENCE"].value for each in told.values()}
    assert sequences == {"1"}


def test_only_the_last_of_several_changes_is_mailed(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    programme.move(days=1)
    programme.move(days=1)
    inviter.send_waiting()
    inviter.send_waiting()
    (message,) = office.messages()
    assert event_of(message)["SEQUENCE"].value == "2"
    (kept,) = programme.invitations().values()
    assert (kept.state, kept.sent_sequence) == (InvitationState.SENT, 2)
    assert kept.sent_method is InvitationMethod.REQUEST


def test_what_was_called_off_before_it_was_told_is_not_told(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    programme.cancel()
    inviter.send_waiting()
    assert office.received == []
    (kept,) = programme.invitations().values()
    assert kept.state is InvitationState.LAPSED


def test_who_only_subscribes_is_told_of_what_is_called_off_close_at_hand(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.arrange()
    programme.now = rows.MORNING - dt.timedelta(hours=3)
    programme.cancel()
    inviter.send_waiting()
    told = {each["To"].addresses[0].addr_spec for each in office.messages()}
    assert told == {"taro@experts.example", "office@inns.example"}
    assert all(event_of(each)["STATUS"].value == "CANCELLED" for each in office.messages())


def test_what_has_begun_is_not_mailed_any_more(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    programme.now = rows.MORNING
    inviter.send_waiting()
    assert office.received == []
    (kept,) = programme.invitations().values()
    assert kept.state is InvitationState.LAPSED


def test_a_server_that_says_later_is_asked_again_until_a_person_is_to_look(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    office.replies["taro@experts.example"] = "451 4.7.1 greylisted"
    inviter.send_waiting()
    inviter.send_waiting()
    (kept,) = programme.invitations().values()
    assert (kept.state, kept.attempts) == (InvitationState.WAITING, 1)
    assert "greylisted" in (kept.error or "")

    for _ in range(MOST_ATTEMPTS - 1):
        programme.now += RETRY_AT_MOST
        inviter.send_waiting()
    (kept,) = programme.invitations().values()
    assert (kept.state, kept.attempts) == (InvitationState.FAILED, MOST_ATTEMPTS)


def test_a_server_that_comes_back_gets_it(
    programme: Programme, office: PostOffice, inviter: Inviter
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    office.breaks_off = True
    inviter.send_waiting()
    office.breaks_off = False
    programme.now += RETRY_EVERY
    inviter.send_waiting()
    first, second = office.messages()
    assert first["Message-ID"] == second["Message-ID"]
    (kept,) = programme.invitations().values()
    assert (kept.state, kept.error) == (InvitationState.SENT, None)


def test_an_address_that_is_refused_is_left_for_a_person(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    office.replies["taro@experts.example"] = "550 5.1.1 no such mailbox"
    inviter.send_waiting()
    (kept,) = programme.invitations().values()
    assert kept.state is InvitationState.FAILED
    assert "no such mailbox" in (kept.error or "")


def test_an_address_that_fits_no_mail_is_left_for_a_person(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    with programme.sessions.begin() as db:
        db.get_one(Expert, "E1").email = "nobody at all"
    inviter.send_waiting()
    assert office.received == []
    (kept,) = programme.invitations().values()
    assert kept.state is InvitationState.FAILED
    assert (kept.error or "").startswith("no mail can be made of it")


def test_where_no_server_is_reached_everything_waits(
    programme: Programme, inviter: Inviter
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter._server = type(inviter._server)("127.0.0.1", free_port())
    for _ in range(MOST_ATTEMPTS + 1):
        inviter.send_waiting()
        programme.now += RETRY_AT_MOST
    (kept,) = programme.invitations().values()
    assert (kept.state, kept.attempts) == (InvitationState.WAITING, 0)


def test_a_change_while_it_is_mailed_is_mailed_after_it(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    with programme.sessions.begin() as db:
        (kept,) = programme.invitations().values()
        errand = inviter._take(db, kept.id)
    programme.now += dt.timedelta(seconds=1)
    programme.move(days=1)
    with programme.sessions.begin() as db:
        inviter._record(db, errand, Outcome(Fate.TAKEN))  # type: ignore[arg-type]
    (kept,) = programme.invitations().values()
    assert (kept.state, kept.sent_sequence) == (InvitationState.WAITING, 0)
    inviter.send_waiting()
    (message,) = office.messages()
    assert event_of(message)["SEQUENCE"].value == "1"


def take(programme: Programme, inviter: Inviter) -> Any:
    """The first half of mailing the only invitation there is."""
    (kept,) = programme.invitations().values()
    with programme.sessions.begin() as db:
        return inviter._take(db, kept.id)


def test_a_slow_worker_does_not_take_back_what_another_has_told(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    slow = take(programme, inviter)
    programme.move(days=1)
    inviter.send_waiting()
    with programme.sessions.begin() as db:
        inviter._record(db, slow, Outcome(Fate.TAKEN))
    (kept,) = programme.invitations().values()
    assert (kept.state, kept.sent_sequence) == (InvitationState.SENT, 1)
    assert len(office.received) == 1


def test_who_was_told_of_a_change_close_at_hand_is_told_how_it_goes_on(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    """Or the event that a subscriber has accepted would stay for ever."""
    programme.arrange()
    programme.now = rows.MORNING - dt.timedelta(hours=5)
    programme.move(days=30)
    inviter.send_waiting()
    programme.cancel()
    inviter.send_waiting()
    told = [event_of(each)["STATUS"].value for each in office.messages()]
    assert sorted(told) == ["CANCELLED", "CANCELLED", "CONFIRMED", "CONFIRMED"]


def test_a_session_that_cannot_be_put_into_words_keeps_no_other_from_being_mailed(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    with programme.sessions.begin() as db:
        other = rows.session("S2", rows.MORNING + dt.timedelta(days=21), number=2)
        db.add(other)
    with programme.sessions.begin() as db:
        broken = db.get_one(Programme_, "tokyo-2025")
        phases = [each for each in broken.rules.phases if each.id != "action_plan"]
        db.execute(update(Session).where(Session.id == "S2").values(phase=phases[0].id))
        broken.rules = broken.rules.model_copy(update={"phases": tuple(phases)})
    inviter.send_waiting()
    states = {each.session_id: each.state for each in all_of(programme)}
    assert states == {"S1": InvitationState.FAILED, "S2": InvitationState.SENT}
    assert len(office.received) == 1


def all_of(programme: Programme) -> list[Invitation]:
    with programme.sessions() as db:
        return list(db.scalars(select(Invitation)))


def test_the_new_expert_of_a_session_is_told_of_a_new_one(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL, "E2")
    programme.arrange()
    hand_over(programme)
    inviter.send_waiting()
    (message,) = office.messages()
    assert "日程のお知らせ" in message["Subject"]


def test_a_cancellation_goes_to_the_address_that_was_invited(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    with programme.sessions.begin() as db:
        db.get_one(Expert, "E1").email = "new@experts.example"
    programme.cancel()
    inviter.send_waiting()
    assert [each.rcpt_tos for each in office.received] == [["taro@experts.example"]] * 2


def test_what_is_sent_again_keeps_its_answer_and_is_another_mail(
    programme: Programme, inviter: Inviter, office: PostOffice
) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    with programme.sessions.begin() as db:
        invitation = db.scalars(select(Invitation)).one()
        invitation.reply = Reply.ACCEPTED
        queue_again(db, invitation)
    inviter.send_waiting()
    (kept,) = programme.invitations().values()
    assert kept.reply is Reply.ACCEPTED
    first, second = office.messages()
    assert first["Message-ID"] != second["Message-ID"]


def test_what_has_begun_is_not_sent_again(programme: Programme, inviter: Inviter) -> None:
    programme.want(CalendarBy.MAIL)
    programme.arrange()
    inviter.send_waiting()
    programme.now = rows.MORNING
    with programme.sessions.begin() as db, pytest.raises(Conflict) as refusal:
        queue_again(db, db.scalars(select(Invitation)).one())
    assert refusal.value.code == "session_begun"


def test_an_organization_is_invited_by_its_contact(
    programme: Programme, inviter: Inviter, office: PostOffice, organization_invited: None
) -> None:
    programme.arrange()
    inviter.send_waiting()
    (message,) = office.messages()
    event = event_of(message)
    assert event["ATTENDEE"].value == "mailto:office@inns.example"
    assert "Taro Kaku" in event["SUMMARY"].text
    assert "架空 花子 様" in plain(message)
