from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from matcher.access import (
    PERMISSIONS,
    Principal,
    Reach,
    authenticate,
    create_key,
    list_keys,
    owned_by,
    revoke_key,
    rotate_key,
)
from matcher.database import session_factory
from matcher.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from matcher.models import (
    ApiKey,
    Engagement,
    Expert,
    Notice,
    NoticeState,
    Organization,
    Role,
)
from tests.matcher.rows import add_engagements, add_one_of_everything

NOW = dt.datetime(2025, 7, 14, 1, tzinfo=dt.UTC)
PEPPER = b"a pepper for tests"


def _create(
    db: Session,
    role: Role = Role.STAFF,
    subject_id: str | None = None,
    expires_at: dt.datetime | None = None,
) -> tuple[ApiKey, str]:
    return create_key(
        db,
        role=role,
        subject_id=subject_id,
        label="受付",
        now=NOW,
        expires_at=expires_at,
        pepper=PEPPER,
    )


def test_a_key_tells_who_presents_it(db: Session) -> None:
    key, secret = _create(db)
    assert authenticate(db, secret, NOW, PEPPER) == Principal(Role.STAFF, None, key.id, "受付")


def test_a_key_is_written_prefix_id_and_256_bits(db: Session) -> None:
    key, secret = _create(db)
    prefix, key_id, random = secret.split("_")
    assert (prefix, key_id, len(random) * 4) == ("matcher", key.id, 256)


def test_the_database_holds_no_secret(db: Session) -> None:
    key, secret = _create(db)
    assert secret.rpartition("_")[2] not in repr(vars(key))


@pytest.mark.parametrize(
    "presented", ["", "_", "__", "matcher_", "matcher_K1_", "\x00", "鍵", "a_\ud800_b"]
)
def test_what_is_no_key_is_refused(db: Session, presented: str) -> None:
    with pytest.raises(Unauthenticated):
        authenticate(db, presented, NOW, PEPPER)


def test_a_key_with_one_letter_changed_is_refused(db: Session) -> None:
    _, secret = _create(db)
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    with pytest.raises(Unauthenticated):
        authenticate(db, other, NOW, PEPPER)


def test_a_key_is_refused_under_another_pepper(db: Session) -> None:
    _, secret = _create(db)
    with pytest.raises(Unauthenticated):
        authenticate(db, secret, NOW, b"another pepper")


def test_a_key_counts_until_it_expires_and_not_at_that_moment(db: Session) -> None:
    end = NOW + dt.timedelta(days=1)
    _, secret = _create(db, expires_at=end)
    authenticate(db, secret, end - dt.timedelta(microseconds=1), PEPPER)
    with pytest.raises(Unauthenticated):
        authenticate(db, secret, end, PEPPER)


def test_a_revoked_key_is_refused_and_stays_on_the_list(db: Session) -> None:
    key, secret = _create(db)
    revoke_key(db, key.id, NOW)
    with pytest.raises(Unauthenticated):
        authenticate(db, secret, NOW, PEPPER)
    assert [each.revoked_at for each in list_keys(db)] == [NOW]
    with pytest.raises(Conflict):
        revoke_key(db, key.id, NOW)


def test_a_key_that_is_not_there_cannot_be_revoked(db: Session) -> None:
    with pytest.raises(NotFound):
        revoke_key(db, "K0", NOW)


@pytest.mark.parametrize("role", [Role.EXPERT, Role.ORGANIZATION])
def test_a_key_of_one_side_names_somebody_who_is_on_record(db: Session, role: Role) -> None:
    add_engagements(db, "A1")
    with pytest.raises(Invalid):
        _create(db, role)
    with pytest.raises(NotFound):
        _create(db, role, "nobody")
    _create(db, role, {Role.EXPERT: "E1", Role.ORGANIZATION: "O1"}[role])


def test_a_key_of_the_office_names_nobody(db: Session) -> None:
    with pytest.raises(Invalid):
        _create(db, Role.ADMIN, "E1")


def test_the_table_names_each_role_in_each_operation() -> None:
    assert all(set(reaches) == set(Role) for reaches in PERMISSIONS.values())
    assert all(reaches[Role.ADMIN] is Reach.ALL for reaches in PERMISSIONS.values())


@pytest.mark.parametrize("role", [Role.EXPERT, Role.ORGANIZATION])
def test_one_side_reaches_its_own_records_at_most(role: Role) -> None:
    rules = {"programmes.list", "programmes.get"}
    reached = {name for name, row in PERMISSIONS.items() if row[role] is Reach.ALL}
    assert reached == rules


def test_an_operation_that_the_table_does_not_name_is_refused_to_everybody() -> None:
    for role in Role:
        with pytest.raises(Forbidden):
            Principal(role, None, "K1").reach("experts.erase")


def test_an_expert_owns_the_engagements_of_sessions_that_are_not_cancelled(db: Session) -> None:
    add_one_of_everything(db)
    expert = Principal(Role.EXPERT, "E1", "K1")
    owned = db.scalars(select(Engagement.id).where(owned_by(Engagement, expert))).all()
    assert owned == ["A1"]
    stranger = Principal(Role.EXPERT, "E2", "K2")
    assert db.scalars(select(Engagement.id).where(owned_by(Engagement, stranger))).all() == []


@pytest.mark.parametrize("state", list(NoticeState))
def test_an_organization_owns_its_notices_once_they_are_released(
    db: Session, state: NoticeState
) -> None:
    add_one_of_everything(db)
    db.scalars(select(Notice)).one().state = state
    db.flush()
    owned = {
        own: len(db.scalars(select(Notice).where(owned_by(Notice, _organization(own)))).all())
        for own in ("O1", "O2")
    }
    released = state in {NoticeState.RELEASED, NoticeState.SENT}
    assert owned == {"O1": int(released), "O2": 0}


def _organization(id: str) -> Principal:
    return Principal(Role.ORGANIZATION, id, "K1")


def test_what_nobody_said_to_be_owned_is_owned_by_nobody(db: Session) -> None:
    add_engagements(db, "A1")
    expert = Principal(Role.EXPERT, "E1", "K1")
    organization = Principal(Role.ORGANIZATION, "O1", "K2")
    assert db.scalars(select(Organization).where(owned_by(Organization, expert))).all() == []
    assert db.scalars(select(Expert).where(owned_by(Expert, organization))).all() == []


def test_a_rotated_key_is_the_same_key_with_another_secret(db: Session) -> None:
    key, before = _create(db)
    _, after = rotate_key(db, key.id, NOW, PEPPER)
    with pytest.raises(Unauthenticated):
        authenticate(db, before, NOW, PEPPER)
    assert authenticate(db, after, NOW, PEPPER).key_id == key.id


def test_a_key_that_opens_nothing_any_more_gets_no_new_secret(db: Session) -> None:
    expired, _ = _create(db, expires_at=NOW + dt.timedelta(days=1))
    revoked, _ = _create(db)
    revoke_key(db, revoked.id, NOW)
    for key, state in ((expired, "expired"), (revoked, "revoked")):
        with pytest.raises(Conflict) as refused:
            rotate_key(db, key.id, NOW + dt.timedelta(days=1), PEPPER)
        assert refused.value.data["state"] == state


def test_the_last_valid_key_of_an_admin_stays_where_one_is_asked_to_stay(db: Session) -> None:
    first, _ = _create(db, Role.ADMIN)
    _create(db, Role.ADMIN, expires_at=NOW + dt.timedelta(hours=1))
    later = NOW + dt.timedelta(hours=2)  # the second has expired by now
    with pytest.raises(Conflict) as refused:
        revoke_key(db, first.id, later, keep_an_admin=True)
    assert refused.value.code == "last_admin_key"
    assert "matcher keys revoke" in refused.value.message_en
    revoke_key(db, first.id, NOW, keep_an_admin=True)


def test_of_two_admins_who_revoke_each_other_at_once_one_is_told(engine: Engine) -> None:
    """Neither waits for the other for ever."""
    sessions = session_factory(engine)
    with sessions.begin() as db:
        ids = [_create(db, Role.ADMIN)[0].id for _ in range(2)]
    both_begin = Barrier(2)

    def revoke(key_id: str) -> str:
        both_begin.wait()
        try:
            with sessions.begin() as db:
                revoke_key(db, key_id, NOW, keep_an_admin=True)
        except Conflict as refused:
            return refused.code
        return "revoked"

    with ThreadPoolExecutor(2) as admins:
        outcomes = sorted(admins.map(revoke, ids))
    assert outcomes == ["last_admin_key", "revoked"]


def test_a_key_is_not_made_for_the_past(db: Session) -> None:
    with pytest.raises(Invalid) as refused:
        _create(db, expires_at=NOW)
    assert refused.value.field == "expires_at"
