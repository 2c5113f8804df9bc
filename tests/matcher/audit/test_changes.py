from __future__ import annotations

from typing import Any

import pytest

from matcher.audit.changes import Change, difference
from matcher.models import AuditAction


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 2}, {"b": 3}),
        ({"a": None}, {"a": 1}, {"a": None}, {"a": 1}),
        ({}, {"a": 1, "b": None}, {}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}, {}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}, {"a": [1]}),
        (
            {"a": {"x": 1, "y": {"z": 1, "w": 0}}},
            {"a": {"x": 1, "y": {"z": 2, "w": 0}}},
            {"a": {"y": {"z": 1}}},
            {"a": {"y": {"z": 2}}},
        ),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, {"a": {}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": None}, {"a": {"x": 1}}, {"a": None}),
        ({"a": {"x": 1}}, {"a": {"x": 1}}, {}, {}),
    ],
)
def test_of_two_structures_only_the_members_that_differ_are_told(
    before: dict[str, Any], after: dict[str, Any], old: dict[str, Any], new: dict[str, Any]
) -> None:
    """However deep they lie; lists are told whole."""
    assert difference(before, after) == (old, new)


def test_what_was_deleted_and_made_anew_has_changed() -> None:
    """In whichever order the two are heard of."""
    gone, new = Change({"reason": "old"}, None), Change(None, {"reason": "new"})

    for both in (gone.merged(new), new.merged(gone)):
        assert both == Change({"reason": "old"}, {"reason": "new"})
        assert both.action is AuditAction.CHANGED


def test_of_a_secret_is_told_that_it_changed_and_whether_there_is_one() -> None:
    """Never from what to what."""
    secrets = frozenset({"token"})

    assert Change({"token": "old"}, {"token": "new"}).told(secrets) == (
        {"token": "***"},
        {"token": "***"},
    )
    assert Change({"token": None}, {"token": "new"}).told(secrets) == (
        {"token": None},
        {"token": "***"},
    )
    assert Change({"token": "same"}, {"token": "same"}).told(secrets) == ({}, {})


def test_changes_that_follow_each_other_come_to_one() -> None:
    """From what was at first to what is at last, whatever lay between."""
    first = Change({"status": "confirmed", "start": 1}, {"status": "cancelled", "start": 1})
    second = Change({"status": "cancelled", "start": 1}, {"status": "confirmed", "start": 2})

    assert first.followed_by(second).told(frozenset()) == ({"start": 1}, {"start": 2})


def test_what_was_made_and_then_changed_was_made_as_it_is() -> None:
    made = Change(None, {"a": 1, "b": 1}).followed_by(Change({"a": 1}, {"a": 2}))
    gone = Change({"a": 1}, {"a": 2}).followed_by(Change({"a": 2, "b": 1}, None))

    assert made == Change(None, {"a": 2, "b": 1})
    assert gone == Change({"a": 1, "b": 1}, None)
