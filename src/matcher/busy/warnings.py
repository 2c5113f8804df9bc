"""Telling of a calendar that can no longer be read: its owner, who can mend it, and the office.

Once until it can be read again, by whichever worker is first. Nobody releases the mail: it is about
the owner's own calendar, and until it is mended its times may be planned over.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Update, func, select, update
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import sessionmaker

from matcher.busy.problems import PROBLEMS
from matcher.busy.sources import STALE_AFTER
from matcher.clock import to_tokyo, wall_time
from matcher.models import BusyCalendar, Expert, FeedOwner, Organization
from matcher.notices.smtp import Fate, MailServer, Outcome, deliver
from matcher.programme import Words

__all__ = ["StaleCalendars", "message_of"]

RETRY_EVERY: Final = dt.timedelta(minutes=10)

SUBJECT: Final = Words(
    ja="【専門家派遣】ご登録のカレンダーを読み込めません",
    en="Your calendar can no longer be read",
)
TEXT: Final = Words(
    ja="{name} 様\n\n"
    "ご登録いただいたカレンダー{calendar}を読み込めなくなっています。\n\n"
    "理由: {problem}\n"
    "最後に読み込めた日時: {last}\n\n"
    "それ以降にカレンダーへ入れたご予定は、派遣の日程調整に反映されません。\n"
    "お手数ですが、カレンダーの公開設定をご確認いただくか、アドレスを登録し直してください。\n"
    "読み込めるようになれば、このご連絡は届かなくなります。\n",
    en="Dear {name},\n\n"
    "the calendar{calendar} that you gave us can no longer be read.\n\n"
    "Reason: {problem}\n"
    "Last read: {last}\n\n"
    "What you have put into it since then is not known when sessions are planned.\n"
    "Please check whether the calendar is still shared, or give its address anew.\n"
    "Once it can be read again, this mail does not come any more.\n",
)
NEVER: Final = Words(ja="まだ一度も読み込めていません", en="never")
BETWEEN_LANGUAGES: Final = "\n" + "-" * 72 + "\n\n"

logger = structlog.get_logger(__name__)


class StaleCalendars:
    """Mails of calendars that have gone stale."""

    def __init__(
        self,
        sessions: sessionmaker[Database],
        server: MailServer,
        sender: Address,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._sessions = sessions
        self._server = server
        self._sender = sender
        self._clock = clock
        self._not_before: dict[str, dt.datetime] = {}

    def send_waiting(self, stopping: threading.Event | None = None) -> None:
        """Tell of each calendar that has gone stale and was not told of."""
        now = self._clock()
        for source_id in self._untold(now):
            if stopping is not None and stopping.is_set():
                return
            if self._not_before.get(source_id, now) <= now:
                self._tell(source_id, now)

    def _untold(self, now: dt.datetime) -> Sequence[str]:
        last_good = func.coalesce(BusyCalendar.read_at, BusyCalendar.created_at)
        with self._sessions() as db:
            return db.scalars(
                select(BusyCalendar.id)
                .where(BusyCalendar.problem.is_not(None), BusyCalendar.warned_at.is_(None))
                .where(last_good <= now - STALE_AFTER)
                .order_by(BusyCalendar.id)
            ).all()

    def _tell(self, source_id: str, now: dt.datetime) -> None:
        with self._sessions.begin() as db:
            source = self._claim(db, source_id, now)
            owner = None if source is None else _owner_of(db, source)
            db.expunge_all()
        if source is None or owner is None:
            return
        outcome = self._mail(source, owner, now)
        logger.info("stale_calendar_told", calendar=source_id, fate=outcome.fate.value)
        if outcome.is_passing:
            self._not_before[source_id] = now + RETRY_EVERY
            with self._sessions.begin() as db:
                db.execute(_warned(source_id, now).values(warned_at=None))

    def _claim(self, db: Database, source_id: str, now: dt.datetime) -> BusyCalendar | None:
        """Take it for this worker; None where another was faster, or it can be read by now."""
        untold = _warned(source_id, None).where(BusyCalendar.problem.is_not(None))
        return db.scalars(untold.values(warned_at=now).returning(BusyCalendar)).one_or_none()

    def _mail(self, source: BusyCalendar, owner: _Owner, now: dt.datetime) -> Outcome:
        """Hand it over for its owner, and the same for the office, which sees what became of it.

        Where no mail can be addressed to the owner, it goes to the office alone.
        """
        office = self._sender.addr_spec
        try:
            message = message_of(
                source, owner.name, owner.address or self._sender, self._sender, now
            )
        except (ValueError, MessageError) as error:
            return Outcome(Fate.REFUSED, f"no mail can be made of it: {error}")
        if owner.address is None:
            return deliver(self._server, message, office, office)
        outcome = deliver(self._server, message, office, owner.address.addr_spec)
        if not outcome.is_passing:
            deliver(self._server, message, office, office)
        return outcome


def _warned(source_id: str, at: dt.datetime | None) -> Update:
    """To change a calendar that was last told of then; None: it was not."""
    told = BusyCalendar.warned_at.is_(None) if at is None else BusyCalendar.warned_at == at
    return update(BusyCalendar).where(BusyCalendar.id == source_id, told)


class _Owner(NamedTuple):
    """Whose calendar it is."""

    name: str
    address: Address | None
    """None: the one on record fits no mail."""


def _owner_of(db: Database, source: BusyCalendar) -> _Owner | None:
    """Whom it is about; None: nobody who is kept."""
    if source.owner_kind is FeedOwner.EXPERT:
        expert = db.get(Expert, source.owner_id)
        return _owner(expert.name_ja, expert.email) if expert else None
    party = db.get(Organization, source.owner_id)
    return _owner(party.contact_name, party.contact_email) if party else None


def _owner(name: str, email: str) -> _Owner:
    try:
        return _Owner(name, Address(name, addr_spec=email))
    except (ValueError, MessageError):
        return _Owner(name, None)


def message_of(
    source: BusyCalendar, name: str, recipient: Address, sender: Address, now: dt.datetime
) -> EmailMessage:
    """Make the mail about one calendar of somebody by name, dated `now`.

    The calendar's address, a secret, is not in it.

    Raises:
        ValueError: a name or an address fits no header.
    """
    problem = PROBLEMS[source.problem or "no_answer"]
    last = NEVER
    if source.read_at is not None:
        read = f"{wall_time(source.read_at):%Y-%m-%d %H:%M}"
        last = Words(ja=read, en=f"{read} (Japan time)")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = f"{SUBJECT.ja} / {SUBJECT.en}"
    message["Date"] = to_tokyo(now)
    message["Auto-Submitted"] = "auto-generated"
    calendar = Words(ja="", en="")
    if source.name:
        calendar = Words(ja=f"「{source.name}」", en=f" “{source.name}”")
    ja = TEXT.ja.format(calendar=calendar.ja, problem=problem.ja, last=last.ja, name=name)
    en = TEXT.en.format(calendar=calendar.en, problem=problem.en, last=last.en, name=name)
    message.set_content(ja + BETWEEN_LANGUAGES + en)
    return message
