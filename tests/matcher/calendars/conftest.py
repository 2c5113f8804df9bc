import pytest
from sqlalchemy.orm import Session as Database

from matcher.models import Organization
from tests.matcher.rows import add_engagements, application, engagement


@pytest.fixture
def two_engagements(db: Database) -> Database:
    """Hold engagement A1 of organization O1 and A2 of O2, and the experts E1 and E2."""
    add_engagements(db, "A1", experts=("E1", "E2"))
    db.add(
        Organization(
            id="O2",
            name_ja="東京空想印刷組合",
            name_en="Fancied Printers of Tokyo",
            legal_kind="cooperative",
            municipality_code="13104",
            address_ja="東京都新宿区空想町2-2",
            industry="printing",
            contact_name="空想 次郎",
            contact_email="jiro@printers.example",
            contact_phone="03-9999-9999",
        )
    )
    db.flush()
    db.add(application("A2", "O2"))
    db.flush()
    db.add(engagement("A2", "O2"))
    db.commit()
    return db
