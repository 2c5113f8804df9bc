from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary, inspect

from matcher.audit.scope import (
    KINDS,
    LEFT_OUT,
    MODELS,
    NAMED_AFTER,
    NOT_AUDITED,
    SECRETS,
    Audited,
    audited,
)
from matcher.models import Base

KEPT = [audited(model) for model in MODELS if model not in NOT_AUDITED]


def fields_of(model: type[Base]) -> set[str]:
    return {each.key for each in inspect(model).column_attrs}


def test_each_kind_is_audited_or_said_not_to_be() -> None:
    """A new table comes in by itself."""
    assert len(KINDS) == len(MODELS) - len(NOT_AUDITED)
    assert all(audited(model) is None for model in NOT_AUDITED)


def test_kinds_are_named_in_the_singular_as_people_say_them() -> None:
    """By the class, in words."""
    assert {"api_key", "application", "conflict_of_interest", "session_report"} <= set(KINDS)
    assert list(KINDS) == sorted(KINDS)


@pytest.mark.parametrize("exceptions", [SECRETS, LEFT_OUT], ids=["secrets", "left out"])
def test_each_exception_names_a_field_and_gives_its_reason(
    exceptions: dict[type[Base], dict[str, str]],
) -> None:
    """A field that was renamed would come in unseen."""
    for model, reasons in exceptions.items():
        of = {field for each in MODELS for field in fields_of(each)}
        known = of if model is Base else fields_of(model)
        assert set(reasons) <= known, model
        assert all(reasons.values())


def test_an_owner_is_named_by_a_field() -> None:
    """Of the kind that is named after it."""
    assert all(owner in fields_of(model) for model, owner in NAMED_AFTER.items())


@pytest.mark.parametrize("kind", KEPT, ids=lambda kind: kind.kind)
def test_no_field_of_bytes_is_told_and_none_whose_name_speaks_of_a_secret(kind: Audited) -> None:
    """Whoever adds one says what is to be done with it."""
    columns = zip(kind.fields, kind.columns(kind.fields), strict=True)
    assert not [name for name, each in columns if isinstance(each.type, LargeBinary)]
    words = ("secret", "token", "password", "digest", "hash", "url")
    speaking = {name for name in kind.fields if any(word in name for word in words)}
    assert speaking == kind.secrets
