"""Keys, roles and what each role may do: who is asking, and how far that person reaches.

A key is written `matcher_<id>_<secret>`. The secret has 256 bits, is shown once and is kept only
as an HMAC-SHA256 under the service's own pepper: a copy of the database opens nothing.

The table of permissions is data. An operation that it does not name is refused to everybody.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session as Database

from matcher.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from matcher.models import (
    ApiKey,
    Application,
    Base,
    BusyCalendar,
    Engagement,
    Expert,
    Feed,
    FeedOwner,
    Notice,
    NoticeState,
    Organization,
    Role,
    Session,
    SessionStatus,
    new_identifier,
)

KEY_PREFIX: Final = "matcher"

SECRET_BYTES: Final = 32
"""256 bits: nobody guesses one, so that a fast digest is enough to keep it."""


class Reach(StrEnum):
    """How far a role reaches in an operation: every record, its own, or none."""

    ALL = "all"
    OWN = "own"
    NONE = "none"


def _permissions(
    rows: Sequence[tuple[str, Reach, Reach, Reach, Reach, Reach]],
) -> Mapping[str, Mapping[Role, Reach]]:
    return {operation: dict(zip(Role, reaches, strict=True)) for operation, *reaches in rows}


_ALL, _OWN, _NO = Reach.ALL, Reach.OWN, Reach.NONE

PERMISSIONS: Final = _permissions(
    [
        # operation                 admin planner staff expert organization
        ("programmes.list", _ALL, _ALL, _ALL, _ALL, _ALL),
        ("programmes.get", _ALL, _ALL, _ALL, _ALL, _ALL),
        ("programmes.edit", _ALL, _ALL, _ALL, _NO, _NO),
        ("organizations.list", _ALL, _ALL, _ALL, _NO, _OWN),
        ("organizations.get", _ALL, _ALL, _ALL, _NO, _OWN),
        ("organizations.create", _ALL, _NO, _ALL, _NO, _NO),
        ("organizations.edit", _ALL, _NO, _ALL, _NO, _NO),
        ("experts.list", _ALL, _ALL, _ALL, _OWN, _NO),
        ("experts.get", _ALL, _ALL, _ALL, _OWN, _NO),
        ("experts.create", _ALL, _ALL, _ALL, _NO, _NO),
        ("experts.import_sheet", _ALL, _ALL, _ALL, _NO, _NO),
        ("experts.template", _ALL, _ALL, _ALL, _NO, _NO),
        ("experts.edit", _ALL, _ALL, _ALL, _NO, _NO),
        ("experts.availability", _ALL, _ALL, _ALL, _OWN, _NO),
        ("experts.set_hours", _ALL, _ALL, _ALL, _OWN, _NO),
        ("experts.to_replan", _ALL, _ALL, _ALL, _OWN, _NO),
        ("experts.free_busy", _ALL, _ALL, _ALL, _OWN, _NO),
        ("applications.list", _ALL, _ALL, _ALL, _NO, _OWN),
        ("applications.get", _ALL, _ALL, _ALL, _NO, _OWN),
        ("applications.submit", _ALL, _NO, _ALL, _NO, _OWN),
        # A sheet registers organizations too.
        ("applications.import_sheet", _ALL, _NO, _ALL, _NO, _NO),
        ("applications.template", _ALL, _NO, _ALL, _NO, _NO),
        ("applications.assessment", _ALL, _ALL, _ALL, _NO, _NO),
        ("applications.assess", _ALL, _NO, _ALL, _NO, _NO),
        ("applications.interview", _ALL, _NO, _ALL, _NO, _NO),
        ("applications.prospect", _ALL, _ALL, _ALL, _NO, _NO),
        ("applications.decide", _ALL, _NO, _ALL, _NO, _NO),
        ("applications.withdraw", _ALL, _NO, _ALL, _NO, _OWN),
        ("interviews.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("engagements.list", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("engagements.get", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("engagements.candidates", _ALL, _ALL, _ALL, _NO, _NO),
        ("engagements.explanation", _ALL, _ALL, _ALL, _NO, _OWN),
        ("engagements.assign", _ALL, _ALL, _ALL, _NO, _NO),
        ("engagements.offers", _ALL, _ALL, _ALL, _NO, _NO),
        ("engagements.hold", _ALL, _ALL, _ALL, _NO, _NO),
        ("engagements.revise", _ALL, _ALL, _ALL, _NO, _NO),
        ("engagements.complete", _ALL, _ALL, _ALL, _NO, _NO),
        ("sessions.list", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("sessions.get", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("sessions.move", _ALL, _ALL, _ALL, _NO, _NO),
        ("sessions.get_report", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("sessions.report", _ALL, _ALL, _ALL, _OWN, _NO),
        ("sessions.set_report", _ALL, _ALL, _ALL, _OWN, _NO),
        ("sessions.cancel", _ALL, _ALL, _ALL, _NO, _NO),
        ("plans.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("plans.get", _ALL, _ALL, _ALL, _NO, _NO),
        ("plans.start", _ALL, _ALL, _NO, _NO, _NO),
        ("plans.cancel", _ALL, _ALL, _NO, _NO, _NO),
        ("forecast.get", _ALL, _ALL, _ALL, _NO, _NO),
        ("rehearsals.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("plans.events", _ALL, _ALL, _ALL, _NO, _NO),
        ("plans.discard", _ALL, _ALL, _NO, _NO, _NO),
        ("plans.publish", _ALL, _ALL, _NO, _NO, _NO),
        ("plans.changes", _ALL, _ALL, _ALL, _NO, _NO),
        ("holds.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("holds.get", _ALL, _ALL, _ALL, _NO, _NO),
        ("holds.release", _ALL, _ALL, _ALL, _NO, _NO),
        ("holds.assign", _ALL, _ALL, _ALL, _NO, _NO),
        ("pins.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("pins.get", _ALL, _ALL, _ALL, _NO, _NO),
        ("pins.create", _ALL, _ALL, _NO, _NO, _NO),
        ("pins.lift", _ALL, _ALL, _NO, _NO, _NO),
        ("releases.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("releases.get", _ALL, _ALL, _ALL, _NO, _NO),
        ("releases.restore", _ALL, _ALL, _NO, _NO, _NO),
        ("releases.changes", _ALL, _ALL, _ALL, _NO, _NO),
        ("notices.list", _ALL, _NO, _ALL, _NO, _OWN),
        ("notices.get", _ALL, _NO, _ALL, _NO, _OWN),
        ("notices.document", _ALL, _NO, _ALL, _NO, _OWN),
        ("notices.release", _ALL, _NO, _ALL, _NO, _NO),
        ("notices.recompose", _ALL, _NO, _ALL, _NO, _NO),
        ("invitations.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("invitations.resend", _ALL, _NO, _ALL, _NO, _NO),
        ("busy-calendars.list", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("busy-calendars.get", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("busy-calendars.create", _ALL, _NO, _ALL, _OWN, _OWN),
        ("busy-calendars.upload", _ALL, _NO, _ALL, _OWN, _OWN),
        ("busy-calendars.remove", _ALL, _NO, _ALL, _OWN, _OWN),
        ("busy-calendars.conflicts", _ALL, _ALL, _ALL, _NO, _NO),
        ("feeds.list", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("feeds.create", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("feeds.rotate", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("feeds.revoke", _ALL, _ALL, _ALL, _OWN, _OWN),
        ("audit.list", _ALL, _ALL, _ALL, _NO, _NO),
        ("keys.list", _ALL, _NO, _NO, _NO, _NO),
        ("keys.get", _ALL, _NO, _NO, _NO, _NO),
        ("keys.create", _ALL, _NO, _NO, _NO, _NO),
        ("keys.rotate", _ALL, _NO, _NO, _NO, _NO),
        ("keys.revoke", _ALL, _NO, _NO, _NO, _NO),
    ]
)
"""Operation → role → reach. The names are the API's operation ids."""

_TOLD_TO_THOSE_WHO_MAY: Final[Mapping[str, str]] = {
    "notice": "notices.list",
    "api_key": "keys.list",
}
"""Kinds of records of which the audit speaks only to those who may list the records themselves."""


@dataclass(frozen=True)
class Principal:
    """Who is asking, as a valid key says."""

    role: Role
    subject_id: str | None
    """The expert or organization the key speaks for; None for people of the office."""
    key_id: str
    label: str = ""

    @property
    def is_of_the_office(self) -> bool:
        """Whether it speaks for the office, and not for an expert or an organization."""
        return self.role not in _OWNERS

    @property
    def kinds_not_told(self) -> frozenset[str]:
        """The kinds of records of whose changes the audit does not speak to this principal."""
        return frozenset(
            kind
            for kind, operation in _TOLD_TO_THOSE_WHO_MAY.items()
            if PERMISSIONS[operation][self.role] is not Reach.ALL
        )

    @property
    def name(self) -> str:
        """How the records name who did something."""
        owner = f"{self.role} {self.subject_id}" if self.subject_id else ""
        name = self.label or owner
        return f"{name} ({self.key_id})" if name else self.key_id

    def reach(self, operation: str) -> Reach:
        """How far this principal reaches in an operation.

        Raises:
            Forbidden: not at all.
        """
        reach = PERMISSIONS.get(operation, {}).get(self.role, Reach.NONE)
        if reach is Reach.NONE:
            raise Forbidden(
                f"A key of role {self.role} may not do this.",
                f"役割「{self.role.ja}」のAPIキーではこの操作はできません。",
            )
        return reach


def owned_by(kind: type[Base], principal: Principal) -> ColumnElement[bool]:
    """The records of a kind that are the principal's own; none where nobody said otherwise."""
    rule = _OWNED.get((principal.role, kind))
    return false() if rule is None else rule(principal.subject_id)


_TOLD: Final = select(Notice.application_id).where(
    Notice.state.in_((NoticeState.RELEASED, NoticeState.SENT))
)
"""The applications whose decision a person has let out."""


def decision_is_told(db: Database, application: Application) -> bool:
    """Whether an organization knows what was decided on its application.

    A person has released the notice, or sessions stand in its calendar.
    """
    told = db.scalar(_TOLD.where(Notice.application_id == application.id).limit(1)) is not None
    return told or (application.engagement is not None and bool(application.engagement.sessions))


def decision_told() -> ColumnElement[bool]:
    """The applications of which an organization knows what was decided."""
    return Application.id.in_(_TOLD) | Application.engagement.has(Engagement.sessions.any())


_OWNED: Final[Mapping[tuple[Role, type[Base]], Callable[[str | None], ColumnElement[bool]]]] = {
    (Role.EXPERT, Expert): lambda own: Expert.id == own,
    (Role.EXPERT, Engagement): lambda own: Engagement.sessions.any(
        (Session.expert_id == own) & (Session.status != SessionStatus.CANCELLED)
    ),
    (Role.EXPERT, Session): lambda own: Session.expert_id == own,
    (Role.EXPERT, BusyCalendar): lambda own: (
        (BusyCalendar.owner_kind == FeedOwner.EXPERT) & (BusyCalendar.owner_id == own)
    ),
    (Role.ORGANIZATION, BusyCalendar): lambda own: (
        (BusyCalendar.owner_kind == FeedOwner.ORGANIZATION) & (BusyCalendar.owner_id == own)
    ),
    (Role.EXPERT, Feed): lambda own: (Feed.owner_kind == FeedOwner.EXPERT) & (Feed.owner_id == own),
    (Role.ORGANIZATION, Organization): lambda own: Organization.id == own,
    (Role.ORGANIZATION, Application): lambda own: Application.organization_id == own,
    (Role.ORGANIZATION, Engagement): lambda own: (
        (Engagement.organization_id == own)
        & (Engagement.application_id.in_(_TOLD) | Engagement.sessions.any())
    ),
    (Role.ORGANIZATION, Session): lambda own: Session.engagement.has(
        Engagement.organization_id == own
    ),
    # Nothing is told before a person has released it.
    (Role.ORGANIZATION, Notice): lambda own: (
        Notice.application.has(Application.organization_id == own)
        & Notice.state.in_((NoticeState.RELEASED, NoticeState.SENT))
    ),
    (Role.ORGANIZATION, Feed): lambda own: (
        (Feed.owner_kind == FeedOwner.ORGANIZATION) & (Feed.owner_id == own)
    ),
}
"""Whose record it is, by role and kind."""


def check_applicant(principal: Principal, organization_id: str, weight: int) -> None:
    """Let an organization apply for itself only, and not put itself before others.

    Raises:
        Forbidden: it is for another organization, or weighs more than others.
    """
    if principal.role is not Role.ORGANIZATION:
        return
    if organization_id != principal.subject_id:
        raise Forbidden(
            "An organization applies for itself only.", "ほかの団体の申込はできません。"
        )
    if weight != 1:
        raise Forbidden("Only the office sets a weight.", "重みを指定できるのは事務局だけです。")


def create_key(
    db: Database,
    *,
    role: Role,
    subject_id: str | None,
    label: str,
    now: datetime,
    expires_at: datetime | None,
    pepper: bytes,
) -> tuple[ApiKey, str]:
    """Make a key; the text that is returned beside it is never shown again.

    Raises:
        Invalid: the role needs a subject and has none, or has one it cannot use; or the key would
            have expired already.
        NotFound: there is no such expert or organization.
    """
    _check_subject(db, role, subject_id)
    _check_end(expires_at, now)
    secret = secrets.token_hex(SECRET_BYTES)
    key = ApiKey(
        id=new_identifier("K"),
        role=role,
        subject_id=subject_id,
        label=label,
        secret_digest=_digest(secret, pepper),
        created_at=now,
        expires_at=expires_at,
    )
    db.add(key)
    db.flush()
    return key, _written(key, secret)


def authenticate(db: Database, presented: str, now: datetime, pepper: bytes) -> Principal:
    """Tell who presents a key.

    Raises:
        Unauthenticated: there is no such key, or it has expired or was revoked. Which of
            these it was is not said.
    """
    _prefix, _, rest = presented.partition("_")
    key_id, _, secret = rest.partition("_")
    key = db.get(ApiKey, key_id) if _is_plain(key_id) else None
    # An unknown id costs the same digest and comparison as a known one.
    expected = key.secret_digest if key is not None else _digest("", pepper)
    holds = hmac.compare_digest(expected, _digest(secret, pepper))
    if key is None or not holds or state_of(key, now) != "valid":
        raise unauthenticated()
    return Principal(key.role, key.subject_id, key.id, key.label)


def unauthenticated() -> Unauthenticated:
    """Say that no valid key was given, and how to get one."""
    return Unauthenticated(
        "No valid key was given. Send 'Authorization: Bearer KEY'; "
        "'matcher keys create --role staff' makes one.",
        "有効なAPIキーがありません。「Authorization: Bearer キー」を付けてください。"
        "キーは「matcher keys create --role staff」で発行します。",
    )


def list_keys(db: Database) -> Sequence[ApiKey]:
    """All keys, the newest last."""
    return db.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)).all()


def find_key(db: Database, key_id: str, *, for_change: bool = False) -> ApiKey:
    """A key by its id; it stays as it is for the rest of the transaction if it is for a change.

    Raises:
        NotFound: there is no such key.
    """
    key = db.get(ApiKey, key_id, with_for_update=for_change, populate_existing=for_change)
    if key is None:
        raise NotFound("key", key_id)
    return key


def rotate_key(db: Database, key_id: str, now: datetime, pepper: bytes) -> tuple[ApiKey, str]:
    """Give a key a new secret; the old one is refused from now on.

    The key keeps its id, so that what it did before and does after is told as one person's. Both
    secrets at once are two keys: make the second, hand it over, then revoke the first.

    Raises:
        NotFound: there is no such key.
        Conflict: it was revoked, or has expired.
    """
    key = find_key(db, key_id, for_change=True)
    state = state_of(key, now)
    if state != "valid":
        raise Conflict(
            f"Key {key_id} is {state}; make a new one.",
            f"APIキー {key_id} は{_STATES_JA[state]}。新しいキーを発行してください。",
            state=state,
        )
    secret = secrets.token_hex(SECRET_BYTES)
    key.secret_digest = _digest(secret, pepper)
    db.flush()
    return key, _written(key, secret)


def revoke_key(db: Database, key_id: str, now: datetime, *, keep_an_admin: bool = False) -> ApiKey:
    """Refuse a key from now on; with `keep_an_admin`, not the last one that may make others.

    Raises:
        NotFound: there is no such key.
        Conflict: it was revoked before, or is the last valid key of an admin.
    """
    admins = _admins_for_change(db) if keep_an_admin else ()
    key = find_key(db, key_id, for_change=True)
    if key.revoked_at is not None:
        raise Conflict(
            f"Key {key_id} was revoked before.", f"APIキー {key_id} はすでに失効しています。"
        )
    if keep_an_admin:
        _require_another_admin(key, admins, now)
    key.revoked_at = now
    db.flush()
    return key


def _admins_for_change(db: Database) -> Sequence[ApiKey]:
    """The keys of admins, locked in one order: two who revoke each other take turns."""
    return db.scalars(
        select(ApiKey)
        .where(ApiKey.role == Role.ADMIN)
        .order_by(ApiKey.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _require_another_admin(key: ApiKey, admins: Sequence[ApiKey], now: datetime) -> None:
    if key.role is not Role.ADMIN or state_of(key, now) != "valid":
        return
    if not any(state_of(each, now) == "valid" for each in admins if each.id != key.id):
        raise Conflict(
            f"Key {key.id} is the last valid key of an admin. Make another one first, or use "
            f"'matcher keys revoke {key.id}' on the service's own machine.",
            f"APIキー {key.id} は最後の有効な管理者キーです。先に別の管理者キーを発行するか、"
            f"サーバー上で「matcher keys revoke {key.id}」を実行してください。",
            code="last_admin_key",
        )


_OWNERS: Final[Mapping[Role, type[Base]]] = {
    Role.EXPERT: Expert,
    Role.ORGANIZATION: Organization,
}


_STATES_JA: Final = {"expired": "有効期限が切れています", "revoked": "失効しています"}


def _check_subject(db: Database, role: Role, subject_id: str | None) -> None:
    owner = _OWNERS.get(role)
    if owner is None:
        if subject_id is not None:
            raise Invalid(
                "subject_id",
                f"a key of role {role} speaks for the office",
                "leave it out",
                reason_ja=f"役割「{role.ja}」のキーは事務局のものです",
                remedy_ja="省略してください",
            )
    elif subject_id is None:
        raise Invalid(
            "subject_id",
            f"a key of role {role} needs one",
            f"give the id of the {role}",
            reason_ja=f"役割「{role.ja}」のキーには必要です",
            remedy_ja="専門家または団体のIDを指定してください",
        )
    elif db.get(owner, subject_id) is None:
        raise NotFound(role, subject_id)


def _check_end(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise Invalid(
            "expires_at",
            "it lies in the past",
            "give a time to come, or none",
            reason_ja="過去の日時です",
            remedy_ja="これからの日時を指定するか、省略してください",
        )


def state_of(key: ApiKey, now: datetime) -> Literal["valid", "expired", "revoked"]:
    """Whether a key still opens anything, and if not, why."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "valid"


def _written(key: ApiKey, secret: str) -> str:
    """How the holder of a key writes it."""
    return f"{KEY_PREFIX}_{key.id}_{secret}"


def _is_plain(key_id: str) -> bool:
    return key_id.isascii() and key_id.isalnum()


def _digest(secret: str, pepper: bytes) -> str:
    return hmac.new(pepper, secret.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
