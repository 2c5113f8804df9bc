from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from matcher.errors import Conflict
from matcher.models import LegalKind, Organization
from matcher.recognition import same_name, warnings_of
from matcher.registry import (
    OrganizationChanges,
    OrganizationDraft,
    edit_organization,
    register_organization,
)

NOON = dt.datetime(2025, 8, 12, 3, tzinfo=dt.UTC)
NUMBER, OTHER_NUMBER = "3999905000001", "2999905000002"


def _register(db: Session, **changes: Any) -> Organization:
    draft = {
        "name_ja": "東都ひいらぎ飲食業協同組合",
        "name_en": "Toto Hiiragi Food Service Cooperative",
        "legal_kind": LegalKind.COOPERATIVE,
        "corporate_number": NUMBER,
        "municipality_code": "13101",
        "address_ja": "東京都千代田区神田柊町2-4-1",
        "industry": "food_service",
        "contact_name": "佐久間 恵一",
        "contact_email": "jimukyoku@hiiragi.example.jp",
        **changes,
    }
    return register_organization(db, OrganizationDraft.model_validate(draft), NOON)


def _another(db: Session, **changes: Any) -> Organization:
    """One that shares nothing with the first."""
    plain = {
        "name_ja": "東都かえで旅館組合",
        "name_en": "Toto Kaede Inns",
        "corporate_number": OTHER_NUMBER,
        "contact_email": "jimukyoku@kaede.example.jp",
    }
    return _register(db, **{**plain, **changes})


def test_a_corporate_number_is_registered_once(db: Session) -> None:
    first = _register(db)
    with pytest.raises(Conflict) as refused:
        _another(db, corporate_number=NUMBER, is_another=True)
    assert refused.value.code == "registered_already"
    assert refused.value.data["organization_id"] == first.id


def test_a_corporate_number_cannot_become_anothers(db: Session) -> None:
    _register(db)
    other = _another(db)
    with pytest.raises(Conflict):
        edit_organization(db, other, OrganizationChanges(corporate_number=NUMBER), NOON)
    edit_organization(db, other, OrganizationChanges(corporate_number=OTHER_NUMBER), NOON)


@pytest.mark.parametrize(
    "changes",
    [
        {"name_ja": "一般社団法人 東都ひいらぎ飲食業"},
        {"name_ja": "東都 ヒイラギ", "name_en": "TOTO HIIRAGI FOOD-SERVICE"},
        {"contact_email": "Jimukyoku@hiiragi.example.jp"},
    ],
    ids=["legal form", "case and dashes", "e-mail"],
)
def test_what_looks_like_one_on_record_is_refused_unless_it_is_said_to_be_another(
    db: Session, changes: dict[str, str]
) -> None:
    first = _register(db)
    with pytest.raises(Conflict) as refused:
        _another(db, **changes)
    assert refused.value.code == "looks_registered_already"
    assert refused.value.data["organization_ids"] == [first.id]
    _another(db, **changes, is_another=True)


def test_organizations_that_share_nothing_stand_side_by_side(db: Session) -> None:
    one, other = _register(db), _another(db)
    assert warnings_of(db, [one, other]) == {one.id: (), other.id: ()}


def test_what_looks_wrong_is_shown_and_refused_to_nobody(db: Session) -> None:
    one = _register(db, corporate_number="4999905000001", municipality_code="14131")
    other = _another(db, contact_email=one.contact_email, is_another=True)
    warnings = warnings_of(db, [one, other])
    assert [own.code for own in warnings[one.id]] == [
        "check_digit",
        "outside_tokyo",
        "looks_like_another",
    ]
    assert [own.code for own in warnings[other.id]] == ["looks_like_another"]
    assert one.id in warnings[other.id][0].text_ja


def test_nothing_is_told_of_others_where_it_is_not_to_be(db: Session) -> None:
    one = _register(db)
    _another(db, contact_email=one.contact_email, is_another=True)
    assert warnings_of(db, [one], among_others=False) == {one.id: ()}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("株式会社東都", "東都株式会社", True),
        ("公益財団法人東都協会", "東都協会", True),
        ("ＡＢＣ協会", "abc 協会", True),
        ("協同組合", "商工組合", False),
        ("東都協会", "西都協会", False),
    ],
)
def test_names_are_compared_without_what_hands_add(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same
