from __future__ import annotations

from matcher.access import PERMISSIONS
from matcher.models import Role
from tests.api.rights import DOCUMENT, OWN, application, owned_kinds, render


def test_the_document_says_what_the_permissions_and_the_routes_say() -> None:
    with application() as app:
        rendered = render(app)
    assert DOCUMENT.read_text(encoding="utf-8") == rendered, (
        "write it anew: .venv/bin/python -m tests.api.rights"
    )


def test_the_document_has_a_row_for_each_operation() -> None:
    with application() as app:
        rows = [each for each in render(app).splitlines() if each.startswith("| `")]
    assert len(rows) == len(PERMISSIONS)


def test_what_is_somebodys_own_is_said_for_each_kind_of_record() -> None:
    for role in Role:
        assert owned_kinds(role) == set(OWN.get(role, {})), role
