from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from matcher.errors import Conflict, NotFound
from matcher.models import ApplicationState, Notice, NoticeState
from matcher.notices.outbox import (
    RETRY_FOR,
    claim,
    recompose,
    record_outcome,
    release,
    waiting_for_mail,
)
from matcher.notices.smtp import Fate, Outcome
from tests.matcher.notices.records import tokyo

NOW = tokyo(7, 7)
SOON = NOW + dt.timedelta(minutes=1)


def released(db: Session, notice: Notice, *, by_mail: bool = True) -> Notice:
    return release(db, notice.id, "早川 美和", NOW, by_mail=by_mail)


def test_a_draft_waits_until_a_person_releases_it(db: Session, notice: Notice) -> None:
    assert waiting_for_mail(db) == []
    assert claim(db, notice.id) is None
    released(db, notice)
    assert (notice.state, notice.released_at) == (NoticeState.RELEASED, NOW)
    assert notice.released_by == "早川 美和"
    assert waiting_for_mail(db) == [notice.id]


def test_without_a_mail_server_released_is_the_end(db: Session, notice: Notice) -> None:
    released(db, notice, by_mail=False)
    assert notice.state == NoticeState.RELEASED
    assert waiting_for_mail(db) == []
    assert claim(db, notice.id) is None, "it was handed over by a person"


@pytest.mark.parametrize("state", [NoticeState.RELEASED, NoticeState.SENT])
def test_what_has_gone_out_is_neither_released_nor_changed(
    db: Session, notice: Notice, state: NoticeState
) -> None:
    notice.state = state
    db.flush()
    with pytest.raises(Conflict, match=f"The notice is {state}: release"):
        released(db, notice)
    with pytest.raises(Conflict, match=f"The notice is {state}: recomposition"):
        recompose(db, notice.id, "早川 美和", NOW)


def test_a_notice_that_is_not_there_is_not_found(db: Session) -> None:
    with pytest.raises(NotFound):
        release(db, "N0", "早川 美和", NOW, by_mail=True)


def test_an_acceptance_is_not_sent_after_the_organization_has_withdrawn(
    db: Session, notice: Notice
) -> None:
    notice.application.state = ApplicationState.WITHDRAWN
    db.flush()
    with pytest.raises(Conflict) as refused:
        released(db, notice)
    assert refused.value.code == "withdrawn"
    assert notice.state == NoticeState.DRAFT


def test_a_notice_that_is_being_mailed_is_taken_by_nobody_else(db: Session, notice: Notice) -> None:
    released(db, notice)
    assert claim(db, notice.id) is notice
    assert claim(db, notice.id) is None
    assert waiting_for_mail(db) == []
    assert notice.state == NoticeState.FAILED, "a worker that dies now leaves it to a person"
    assert "nobody knows whether it has arrived" in (notice.error or "")


def test_what_the_server_took_is_sent(db: Session, notice: Notice) -> None:
    claim(db, released(db, notice).id)
    record_outcome(db, notice.id, notice.attempts, Outcome(Fate.TAKEN), SOON)
    assert (notice.state, notice.sent_at, notice.error) == (NoticeState.SENT, SOON, None)


def test_what_the_server_refused_has_failed_with_its_words_and_is_released_again(
    db: Session, notice: Notice
) -> None:
    claim(db, released(db, notice).id)
    refusal = Outcome(Fate.REFUSED, "550 no such mailbox")
    record_outcome(db, notice.id, notice.attempts, refusal, SOON)
    assert (notice.state, notice.error) == (NoticeState.FAILED, "550 no such mailbox")
    released(db, notice)
    assert waiting_for_mail(db) == [notice.id]
    assert notice.error is None


@pytest.mark.parametrize("fate", [Fate.LATER, Fate.UNREACHABLE])
def test_what_may_pass_is_tried_again_for_a_while_only(
    db: Session, notice: Notice, fate: Fate
) -> None:
    released(db, notice)
    for now, state in ((SOON, NoticeState.RELEASED), (NOW + RETRY_FOR, NoticeState.FAILED)):
        assert claim(db, notice.id) is not None
        record_outcome(db, notice.id, notice.attempts, Outcome(fate, "451 later"), now)
        assert (notice.state, notice.error) == (state, "451 later")
    assert waiting_for_mail(db) == []


def test_where_the_end_is_not_known_nothing_is_sent_again_by_itself(
    db: Session, notice: Notice
) -> None:
    claim(db, released(db, notice).id)
    outcome = Outcome(Fate.UNKNOWN, "Connection unexpectedly closed")
    record_outcome(db, notice.id, notice.attempts, outcome, SOON)
    assert notice.state == NoticeState.FAILED
    assert "it may have arrived: Connection unexpectedly closed" in (notice.error or "")


def test_a_notice_released_again_while_it_was_taken_is_not_sent_twice(
    db: Session, notice: Notice
) -> None:
    attempt = released(db, notice).attempts
    claim(db, notice.id)
    released(db, notice)
    record_outcome(db, notice.id, attempt, Outcome(Fate.TAKEN), SOON)
    assert notice.state == NoticeState.SENT
    assert claim(db, notice.id) is None


def test_an_older_attempt_says_nothing_of_a_newer_one(db: Session, notice: Notice) -> None:
    attempt = released(db, notice).attempts
    claim(db, notice.id)
    released(db, notice)
    record_outcome(db, notice.id, attempt, Outcome(Fate.REFUSED, "550"), SOON)
    assert (notice.state, notice.error) == (NoticeState.RELEASED, None)


def test_a_notice_composed_anew_has_what_was_corrected_and_waits_again(
    db: Session, notice: Notice
) -> None:
    claim(db, released(db, notice).id)
    record_outcome(db, notice.id, notice.attempts, Outcome(Fate.REFUSED, "550"), SOON)
    organization = notice.application.organization
    organization.name_ja, organization.contact_email = "架空旅館組合", "new@inns.example"
    recompose(db, notice.id, "早川 美和", tokyo(7, 8))
    assert notice.state == NoticeState.DRAFT
    assert notice.recipient_email == "new@inns.example"
    assert "架空旅館組合 御中" in notice.text_ja
    assert "令和7年7月8日" in notice.html_ja
    assert (notice.released_at, notice.error) == (None, None)
    assert waiting_for_mail(db) == []


def test_a_notice_is_dated_the_day_on_which_it_goes_out(db: Session, notice: Notice) -> None:
    assert "令和7年7月10日" not in notice.text_ja
    later = NOW + dt.timedelta(days=3)
    release(db, notice.id, "早川 美和", later, by_mail=True)
    assert "令和7年7月10日" in notice.text_ja
    assert "July 10, 2025" in notice.text_en
    assert "令和7年7月10日" in notice.html_ja


def test_a_notice_whose_record_has_changed_is_read_anew_before_it_goes_out(
    db: Session, notice: Notice
) -> None:
    notice.application.organization.name_ja = "改称後の協同組合"
    db.flush()
    with pytest.raises(Conflict) as refused:
        released(db, notice)
    assert refused.value.code == "notice_outdated"
    assert notice.state == NoticeState.DRAFT
    recompose(db, notice.id, "早川 美和", NOW)
    released(db, notice)
    assert "改称後の協同組合" in notice.text_ja


def test_an_address_that_was_corrected_is_the_one_it_goes_to(db: Session, notice: Notice) -> None:
    notice.application.organization.contact_email = "new@hiiragi.example.jp"
    db.flush()
    with pytest.raises(Conflict, match="record has changed"):
        released(db, notice)
    recompose(db, notice.id, "早川 美和", NOW)
    assert released(db, notice).recipient_email == "new@hiiragi.example.jp"


def test_an_acceptance_is_not_mailed_after_the_application_was_withdrawn(
    db: Session, notice: Notice
) -> None:
    released(db, notice)
    notice.application.state = ApplicationState.WITHDRAWN
    db.flush()
    assert claim(db, notice.id) is None
    assert notice.state == NoticeState.FAILED
    assert notice.error is not None
    assert "withdrawn" in notice.error
