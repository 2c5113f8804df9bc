from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from matcher.cli import main
from matcher.clock import utc_now
from matcher.database import create_database_engine, migrate, session_factory
from matcher.models import FeedOwner, Invitation, InvitationState, Reply
from matcher.settings import Settings
from tests.matcher import rows


@pytest.fixture
def invitation_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that was refused, and answered before."""
    monkeypatch.setenv("MATCHER_DATA_DIRECTORY", str(tmp_path))
    for name in ("DATABASE_URL", "SMTP_URL", "MAIL_SENDER", "IMAP_URL"):
        monkeypatch.delenv(f"MATCHER_{name}", raising=False)
    shift = (rows.MORNING - dt.timedelta(days=30) - utc_now()).days
    monkeypatch.setenv("MATCHER_CLOCK_SHIFT_DAYS", str(shift))
    url = Settings.from_environment().database_url
    migrate(url)
    engine = create_database_engine(url)
    with session_factory(engine).begin() as db:
        rows.add_engagements(db, "A1")
        db.add(rows.session("S1"))
        db.flush()
        invitation = Invitation(
            session_id="S1",
            party_kind=FeedOwner.EXPERT,
            party_id="E1",
            state=InvitationState.FAILED,
            queued_at=rows.MORNING,
            due_at=rows.MORNING,
            error="550 no such mailbox",
            reply=Reply.TENTATIVE,
        )
        db.add(invitation)
        db.flush()
        id = invitation.id
    engine.dispose()
    return id


def test_invitations_are_listed_with_what_was_answered(
    invitation_id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["invitations", "list", "--state", "failed", "--party", "E1"]) == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if invitation_id in each]
    for told in ("S1", "E1", "failed", "tentative", "550 no such mailbox"):
        assert told in line
    assert main(["invitations", "list", "--reply", "declined"]) == 0
    assert invitation_id not in capsys.readouterr().out


def test_one_that_failed_is_mailed_again(
    invitation_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["invitations", "resend", invitation_id]) == 0
    assert "it waits for MATCHER_SMTP_URL" in capsys.readouterr().err
    assert main(["invitations", "list", "--state", "waiting"]) == 0
    assert invitation_id in capsys.readouterr().out


def test_one_that_is_not_there_is_not(
    invitation_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["invitations", "resend", "V0"]) == 2
    assert "There is no invitation 'V0'" in capsys.readouterr().err
