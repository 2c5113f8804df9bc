"""A notice that waits in a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from matcher.models import Notice, Programme, load_programme
from matcher.notices.composition import draft_notice
from tests.matcher.notices import records
from tests.post_office import PostOffice, post_office


@pytest.fixture
def notice(db: Session) -> Notice:
    """The draft of an acceptance, committed."""
    load_programme(db, "tokyo-2025")
    application = records.accepted(db.get_one(Programme, "tokyo-2025"))
    notice = draft_notice(application, "笠原 文子", records.DECIDED_AT)
    db.add_all((application, notice))
    db.commit()
    return notice


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A mail server that runs."""
    with post_office() as office:
        yield office
